"""What buyers say by the link in the mail: taken once, changed, taken back; and nobody else's things."""

from __future__ import annotations

import io
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from PIL import Image

from saas.catalog import products
from saas.commerce import orders
from saas.kit import clock, work
from saas.kit.db import db
from saas.reviews import judging, links, photos, settings, writing


def picture(kind="JPEG", size=(900, 600), **more) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, (200, 80, 40)).save(written, kind, **more)
    return written.getvalue()


@pytest.fixture
def link(asker):
    asker.ask_from_now_on(hold_photos=False)
    return asker.asked()


class TestTheLink:
    def test_a_star_in_the_mail_opens_the_form_with_it_chosen_and_writes_nothing(self, asker, link):
        lamp = asker.products["lamp"]
        browser = asker.company.app.test_client()
        for _turn in range(3):
            page = browser.get(f"{link}?item={lamp}&stars=4")
        assert f'name="stars.{lamp}" value="4" checked' in page.text
        assert page.text.index("Lamp Moss") < page.text.index("Mug Fern")
        assert asker.reviews() == []
        assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("private, no-store", "no-referrer")

    def test_all_things_at_once(self, asker, link):
        both = {
            f"stars.{asker.products['lamp']}": "5",
            f"stars.{asker.products['mug']}": "2",
            f"body.{asker.products['mug']}": "Leaks",
        }
        answer = asker.company.app.test_client().post(link, data=both | {"name": ""})
        assert answer.status_code == 303
        assert sorted((one.stars, one.body, one.state, one.verified) for one in asker.reviews()) == [
            (2, "Leaks", "published", True), (5, "", "published", True),
        ]  # fmt: skip

    def test_a_doubled_click_is_one_review(self, asker, link):
        for _turn in range(2):
            asker.say(link, stars=5, body="Bright")
        (review,) = asker.reviews()
        assert (review.stars, review.edited_at) == (5, None)

    def test_changed_by_the_same_link_and_taken_back_and_written_anew(self, asker, link):
        asker.say(link, stars=5, title="Good")
        asker.say(link, stars=1, title="It broke")
        (review,) = asker.reviews()
        assert (review.stars, review.title, review.state) == (1, "It broke", "published")
        assert review.edited_at is not None
        asker.company.app.test_client().post(f"{link}/withdraw/{review.id}")
        assert [one.state for one in asker.reviews()] == ["withdrawn"]
        assert asker.shown()["summary"]["count"] == 0
        asker.say(link, stars=3, title="It broke")
        assert [(one.stars, one.state) for one in asker.reviews()] == [(3, "published")]

    @pytest.mark.parametrize(
        "forge", [lambda link: link[:-3] + "xyz", lambda link: "/m/r/nonsense", lambda link: link + "%00"]
    )
    def test_a_forged_link_is_refused(self, asker, link, forge):
        answer = asker.company.app.test_client().get(forge(link))
        assert answer.status_code == 404

    def test_a_link_of_another_purpose_is_refused(self, asker, link):
        from saas.kit import crypto

        token = crypto.sign("watch", [asker.company.tenant_id, uuid4().hex, 1])
        assert asker.company.app.test_client().get(f"/m/r/{token}").status_code == 404

    def test_after_a_year_it_is_too_old(self, asker, link, monkeypatch):
        later = clock.now() + timedelta(days=366)
        monkeypatch.setattr(links.clock, "now", lambda: later)
        with pytest.raises(links.TooOld):
            links.read(link.removeprefix("/m/r/"))

    def test_whose_order_is_gone(self, asker, link):
        with work.unit(tenant_id=asker.company.tenant_id):
            db.session.delete(orders.one(links.read(link.removeprefix("/m/r/"))[1]))
        assert asker.company.app.test_client().get(link).status_code == 404
        assert asker.say(link, stars=5).status_code == 404


class TestWhatIsRefused:
    @pytest.mark.parametrize("stars", ["0", "6", "-1", "4.5", "five", "٥", "5\x00"])
    def test_stars_that_are_none(self, asker, link, stars):
        answer = asker.say(link, stars=stars, body="x")
        assert answer.status_code == 422
        assert asker.reviews() == []

    def test_words_without_stars(self, asker, link):
        answer = asker.say(link, stars="", body="What a lamp")
        assert answer.status_code == 422
        assert "What a lamp" in answer.text

    def test_nothing_at_all(self, asker, link):
        assert asker.company.app.test_client().post(link, data={"name": "Ada"}).status_code == 422

    def test_a_product_that_is_not_in_the_order(self, asker, link):
        other = asker.company.api(
            "POST", "/products", json={"external_id": "vase", "name": "Vase", "price": "1", "currency": "EUR"}
        ).json["id"]
        answer = asker.company.app.test_client().post(link, data={f"stars.{other}": "5"})
        assert answer.status_code == 422
        assert asker.reviews() == []

    def test_another_company_s_product(self, asker, link, other_company):
        theirs = other_company.api(
            "POST", "/products", json={"external_id": "lamp", "name": "Lamp", "price": "1", "currency": "EUR"}
        ).json["id"]
        assert asker.company.app.test_client().post(link, data={f"stars.{theirs}": "1"}).status_code == 422
        assert asker.reviews() == []

    def test_somebody_else_s_review_cannot_be_taken_back(self, asker, link):
        asker.say(link, stars=5)
        (review,) = asker.reviews()
        asker.order("2", email="bob@example.com", products=("mug",), delivered=clock.now())
        asker.days_later(8)
        theirs = asker.link("bob@example.com")
        assert asker.company.app.test_client().post(f"{theirs}/withdraw/{review.id}").status_code == 404

    def test_an_order_that_was_cancelled_between_mail_and_review(self, asker, link):
        asker.order(status="cancelled", delivered=clock.now())
        assert asker.say(link, stars=1).status_code == 409
        assert "nothing to review" in asker.company.app.test_client().get(link).text

    def test_one_that_was_refunded_may_still_be_judged_for_it_was_bought(self, asker, link):
        refund = {"external_id": "r1", "amount": "80", "at": clock.now().isoformat()}
        asker.order(status="refunded", delivered=clock.now(), refunds=[refund])
        assert "You sent it back" in asker.company.app.test_client().get(link).text
        assert asker.say(link, stars=1, body="Broken on arrival").status_code == 303
        assert [(one.verified, one.state) for one in asker.reviews()] == [(True, "published")]


class TestWords:
    def test_any_script_is_kept_and_what_cannot_be_is_dropped(self, asker, link):
        asker.say(link, stars=5, title="جيد جدًا 🌟", body="很好的灯\x00\x07 <script>alert(1)</script>", name="Æsop 🦊")
        (review,) = asker.reviews()
        assert (review.title, review.body, review.name) == (
            "جيد جدًا 🌟",
            "很好的灯 <script>alert(1)</script>",
            "Æsop 🦊",
        )
        assert "<script>alert" not in asker.company.app.test_client().get(link).text

    def test_a_very_long_one_is_cut(self, asker, link):
        asker.say(link, stars=5, title="t" * 1000, body="b" * 20_000, name="n" * 500)
        (review,) = asker.reviews()
        assert (len(review.title), len(review.body), len(review.name)) == (120, 5000, 60)


class TestPhotos:
    def test_a_picture_is_made_anew_without_what_was_hidden_in_it(self, asker, link):
        exif = Image.Exif()
        exif[0x010E], exif[0x8825] = "at home", {1: "N", 2: (48.0, 8.0, 0.0)}
        assert asker.say(link, stars=5, photo=picture(exif=exif)).status_code == 303
        (shown,) = asker.shown()["items"]
        answer = asker.company.app.test_client().get(path(shown["photo"]))
        made = Image.open(io.BytesIO(answer.data))
        assert (answer.content_type, made.format, max(made.size)) == ("image/jpeg", "JPEG", 480)
        assert not made.getexif()
        assert b"at home" not in answer.data
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"

    @pytest.mark.parametrize(
        "data",
        [b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", b"<html><script>alert(1)</script>", b"\xff\xd8\xff broken", b"GIF89a" + b"\x00" * 40],
        ids=["svg", "html", "broken", "gif"],
    )  # fmt: skip
    def test_what_is_no_picture_is_refused_and_what_was_typed_stays(self, asker, link, data):
        answer = asker.say(link, stars=5, body="Typed with care", photo=data)
        assert answer.status_code == 422
        assert "Typed with care" in answer.text
        assert asker.reviews() == []

    def test_ten_megabytes_are_refused(self, asker, link):
        answer = asker.say(link, stars=5, photo=b"\xff\xd8\xff" + b"0" * 10 * 1024 * 1024)
        assert answer.status_code == 422
        assert "8 megabytes" in answer.text

    def test_it_is_only_shown_while_the_review_is(self, asker, link):
        asker.say(link, stars=5, photo=picture())
        address = path(asker.shown()["items"][0]["photo"])
        (review,) = asker.reviews()
        with work.unit(tenant_id=asker.company.tenant_id):
            judging.decide([review.id], state="declined", reason="off_topic")
        browser = asker.company.app.test_client()
        assert browser.get(address).status_code == 404
        assert browser.get(address.replace(".jpg", "0.jpg")).status_code == 404

    def test_it_waits_for_somebody_to_look_and_can_be_taken_away(self, asker, link):
        with work.unit(tenant_id=asker.company.tenant_id):
            settings.change(hold_photos=True)
        asker.say(link, stars=5, photo=picture("PNG"))
        assert [(one.state, one.held) for one in asker.reviews()] == [("waiting", ["photo"])]
        asker.say(link, stars=5, body="Words only, the picture still waits")
        assert [(one.state, one.held) for one in asker.reviews()] == [("waiting", ["photo"])]
        asker.say(link, stars=5, drop=1)
        (review,) = asker.reviews()
        assert (review.state, review.photo_mark) == ("published", "")


class TestOneBuyerOneProduct:
    def test_bought_twice_changes_what_was_said(self, asker, link):
        asker.say(link, stars=2)
        second = asker.order("2", delivered=clock.now())
        with work.unit(tenant_id=asker.company.tenant_id):
            said = writing.write(UUID(second), {UUID(asker.products["lamp"]): {"stars": "5"}})
        assert len(said) == 1
        assert [one.stars for one in asker.reviews(product_id=asker.products["lamp"])] == [5]

    def test_a_deleted_product_leaves_its_review_with_its_name(self, asker, link, drain):
        asker.say(link, stars=4)
        with work.unit(tenant_id=asker.company.tenant_id):
            db.session.delete(products.one(asker.products["lamp"]))
        (review,) = asker.reviews()
        assert (review.product_id, review.product_name) == (None, "Lamp Moss")
        assert asker.company.app.test_client().get(link).status_code == 200


def path(address: str) -> str:
    return "/" + address.split("/", 3)[3]


def test_an_address_of_a_picture_that_we_did_not_make_is_refused():
    with pytest.raises(photos.NoSuchPhoto):
        photos.read("1-2-3-4.jpg")
