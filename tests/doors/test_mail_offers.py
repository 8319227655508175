"""Offers in mails, chosen when the mail is opened: the picture, the link, what is kept, and who may not move anything."""

from __future__ import annotations

import base64
import dataclasses
import io
import re
import threading
from uuid import UUID

import pytest
from PIL import Image, ImageChops

from saas.catalog import pictures, products
from saas.commerce import shops
from saas.customers import profiles
from saas.kit import pool, work
from saas.kit.db import db
from saas.marketing import landing, lettering, links, offer_cards, open_offers
from saas.marketing.models import MailingRecipient
from saas.recommend import answers, shelf, shown, stock
from saas.recommend.models import OfferShown
from tests.companies import run_operations
from tests.doors.test_links import APPLE, GMAIL, PERSON
from tests.doors.test_signing import rate_limits  # noqa: F401 - a fixture
from tests.mailboxes import part
from tests.rooms.marketing.conftest import Sender, mail_server, mailbox  # noqa: F401 - fixtures
from tests.rooms.recommend import little_shop
from tests.rooms.recommend.little_shop import CUPS, TEAS

SCANNER = {"User-Agent": "Barracuda Sentinel"}
BODY = '<mjml><mj-body><mj-section><mj-column><mj-text>Hello</mj-text>{% offers limit: 3, button: "Look" %}</mj-column></mj-section></mj-body></mjml>'


@pytest.fixture(autouse=True)
def empty_memory():
    shelf.forget()
    stock.forget()
    offer_cards.drawn.cache_clear()


@pytest.fixture
def sent(company, context, drain, mailbox, app):  # noqa: F811
    """A mail with three offers that somebody got some minutes ago."""
    little_shop.fill(company, visits=0, baskets=2)
    with work.unit(tenant_id=company.tenant_id):
        shops.connect(kind="generic", name="Shop", url="https://shop.example")
    drain(company)
    return Sent(app, company, mailbox, drain)


class Sent:
    """The mail of one person, and what happens around it."""

    def __init__(self, app, company, box, drain, **fields) -> None:
        self.app, self.company, self.drain, self.client = app, company, drain, app.test_client()
        self.sender = Sender(company)
        with self.unit():
            [self.customer_id] = [
                UUID(str(done.id))
                for done in self._people({"email": "ann@mail.example", "first_name": "Ann", **fields})
            ]
        self.segment_id = self._segment()
        self.mailing_id = self.sender.send(source=BODY, segment_id=self.segment_id)
        self.age(minutes=10)
        self.mail = box.mail("ann@")
        self.html, self.text = part(self.mail, "html"), part(self.mail, "plain")
        found = re.findall(
            r'<a href="http://[^/"]+(/m/c/[^"]+)"[^>]*><img src="http://[^/"]+(/m/i/[^"]+)" alt="([^"]*)"', self.html
        )
        self.clicks, self.pictures, self.words = ([row[at] for row in found] for at in range(3))

    def _people(self, item):
        from saas.customers import arriving

        return arriving.upsert_many([{**item, "consent": {"email": "granted"}}], UUID(int=0), source="test")

    def _segment(self) -> UUID:
        from saas.audiences import segments

        field = {"field": "email", "operator": "is", "value": "ann@mail.example"}
        with self.unit():
            return segments.create(name="Ann", definition={"match": "all", "conditions": [field]}).id

    def unit(self):
        return work.unit(tenant_id=self.company.tenant_id)

    def age(self, **since) -> None:
        """Have everything be so much longer ago."""
        [(unit, number)] = since.items()
        with pool.connection(tenant_id=self.company.tenant_id) as opened:
            opened.execute(
                "UPDATE mailing_recipients SET sent_at = sent_at - %(by)s::interval, offers_opened = CASE WHEN offers_opened IS NOT NULL"
                " THEN jsonb_set(offers_opened, '{at}', to_jsonb(((offers_opened->>'at')::timestamptz - %(by)s::interval)::text)) END",
                {"by": f"{number} {unit}"},
            )

    def row(self) -> MailingRecipient:
        with self.unit():
            return db.session.scalars(
                db.select(MailingRecipient).where(MailingRecipient.mailing_id == self.mailing_id)
            ).one()

    def products(self) -> list[str]:
        """What the mail's text says, by the shop's ids."""
        return [item["product"] for item in self.row().offers]

    def opened(self) -> list[str] | None:
        """What its pictures showed last."""
        held = self.row().offers_opened
        return held and [item and item["product"] for item in held["items"]]

    def look(self, place: int = 0, browser=PERSON):
        return self.client.get(self.pictures[place], headers=browser)

    def click(self, place: int = 0, browser=PERSON) -> str:
        answer = self.client.get(self.clicks[place], headers=browser)
        assert answer.status_code == 303
        return answer.headers["Location"].partition("?")[0]

    def sell_out(self, *keys: str) -> None:
        with self.unit():
            products.upsert_many([{"external_id": key, "stock": 0} for key in keys])
        self.drain(self.company)
        stock.catalogue(self.company.tenant_id).looked_at -= 1

    def kept(self) -> list[OfferShown]:
        """The rows of what was offered in mails, in the order of their places."""
        self.drain(self.company)
        shown.write_pending()
        with self.unit():
            found = db.select(OfferShown).where(OfferShown.slot == "mail").order_by(OfferShown.at, OfferShown.position)
            return list(db.session.scalars(found))


def colours(answer) -> Image.Image:
    return Image.open(io.BytesIO(answer.data))


class TestTheMail:
    def test_without_pictures_it_says_what_was_chosen_with_price_and_link(self, sent):
        names = [key.replace("-", " ").title() for key in sent.products()]
        assert len(names) == len(sent.pictures) == 3
        for name, words in zip(names, sent.words, strict=True):
            assert words.startswith(f"{name} €12.50 \N{EN DASH} ")
            assert f"{name} - €12.50" in sent.text
        for click in sent.clicks:
            assert click in sent.text

    def test_the_addresses_of_pictures_are_all_different_and_tell_nothing(self, sent):
        assert len(set(sent.pictures)) == 3
        assert not any("ann" in address.lower() or "tea" in address for address in sent.pictures)

    def test_the_reason_is_in_the_customer_s_language(self, company, context, drain, mailbox, app, sent):  # noqa: F811
        with sent.unit():
            profiles.change(sent.customer_id, language="zh-CN")
        with sent.unit():
            from saas.marketing import people

            [offer, *_rest] = people.load([sent.customer_id], offers=3)[sent.customer_id]["offers"]
        assert re.search("[\u4e00-\u9fff]", offer["reason"]["text"])

    def test_where_no_font_has_the_letters_the_offers_stand_as_text(self, sent, mailbox, monkeypatch):  # noqa: F811
        monkeypatch.setattr(lettering, "files", lambda: ())
        again = sent.sender.send(source=BODY, segment_id=sent.segment_id)
        assert again
        html = part(mailbox.mail("ann@"), "html")
        assert "/m/i/" not in html and "€12.50</div>" in html

    def test_a_layout_of_the_marketer_s_own_keeps_its_own_pictures(self, sent, mailbox):  # noqa: F811
        own = "<mjml><mj-body>{% for offer in offers limit: 2 %}<mj-section><mj-column><mj-image src=\"{{ offer.image_url }}\" href=\"{{ offer.url }}\" /></mj-column></mj-section>{% endfor %}</mj-body></mjml>"  # fmt: skip
        sent.sender.send(source=own, segment_id=sent.segment_id)
        html = part(mailbox.mail("ann@"), "html")
        assert "/m/i/" not in html and 'src="https://shop.example/' in html

    def test_a_layout_of_the_marketer_s_own_may_show_the_picture_of_the_opening(self, sent, mailbox):  # noqa: F811
        own = (
            '<mjml><mj-body><mj-section><mj-column>{% for offer in offers limit: 2 %}<mj-raw><a href="{{ offer.url }}">'
            '<img src="{{ offer.live_image_url }}?columns=2" alt="{{ offer.name }}"></a></mj-raw>{% endfor %}</mj-column></mj-section></mj-body></mjml>'
        )
        sent.sender.send(source=own, segment_id=sent.segment_id)
        html = part(mailbox.mail("ann@"), "html")
        pairs = re.findall(
            r'href="http://[^/"]+(/m/c/[^"]+)"[^>]*>\s*<img src="http://[^/"]+(/m/i/[^"?]+)\?columns=2"', html
        )
        assert len(pairs) == 2
        sent.age(minutes=10)
        pictures_, clicks = [picture for _click, picture in pairs], [click for click, _picture in pairs]
        answers_ = [sent.client.get(f"{picture}?columns=2", headers=PERSON) for picture in pictures_]
        assert [colours(answer).size[0] for answer in answers_] == [offer_cards.PIXELS[2]] * 2
        assert sent.client.get(clicks[0], headers=PERSON).headers["Location"].startswith("https://shop.example/")

    def test_a_preview_shows_the_drawn_cards_and_a_test_mail_the_text(self, sent, mailbox):  # noqa: F811
        form = {
            "subject": "Hello",
            "source": BODY,
            "text_source": "",
            "language": "en",
            "customer": str(sent.customer_id),
        }
        shown_ = sent.company.post("/campaigns/preview", form).text
        frame = sent.company.page.get(re.search(r'src="([^"]*/framed/[^"]+|[^"]*preview[^"]+)"', shown_)[1]).text
        drawn = re.findall(r'<img src="data:image/jpeg;base64,([^"]+)" alt="([^"]+)"', frame)
        assert len(drawn) == 3 and all("€12.50" in words for _picture, words in drawn)
        assert Image.open(io.BytesIO(base64.b64decode(drawn[0][0]))).size[0] == offer_cards.PIXELS[3]
        answer = sent.company.api("POST", "/campaigns/preview", json={key: value for key, value in form.items() if key != "customer"} | {"customer_id": form["customer"]})  # fmt: skip
        assert "data:image" not in answer.text

    @pytest.mark.parametrize(
        "source", ["data:text/html;base64,PHNjcmlwdD4=", "data:image/svg+xml,<svg/>", "DATA:image/png;base64,AAAA"]
    )
    def test_no_other_address_that_holds_its_content_gets_into_a_preview(self, source):
        from saas.marketing import previews

        page = previews.sandboxed(
            f'<a href="{source}">x</a><img src="{source}"><img src="{previews.DRAWN}AAAA"><a href="{previews.DRAWN}AAAA">y</a>'
        )
        assert source not in page and page.count(previews.DRAWN) == 1

    def test_in_a_browser_it_says_the_same_as_in_the_mail_program(self, sent):
        view = links.make(
            key=landing.key(),
            kind=links.VIEW,
            tenant_id=sent.company.tenant_id,
            mailing_id=sent.mailing_id,
            recipient_id=sent.row().id,
        )
        page = sent.client.get(f"/m/v/{view}").text
        assert all(words.split(" €")[0] in page for words in sent.words) and "/m/i/" in page


class TestOpening:
    def test_it_draws_name_and_price_and_nobody_keeps_it(self, sent):
        answer = sent.look()
        assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
        assert colours(answer).size[0] == offer_cards.PIXELS[3]
        assert "no-store" in answer.headers["Cache-Control"] and "no-cache" in answer.headers["Cache-Control"]
        assert "ETag" not in answer.headers and "Set-Cookie" not in answer.headers
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"

    def test_what_is_still_the_best_keeps_its_place(self, sent):
        sent.look()
        assert sent.opened() == sent.products()

    def test_what_sold_out_meanwhile_is_not_shown_and_the_link_leads_to_what_is(self, sent):
        gone = sent.products()[1]
        sent.sell_out(gone)
        first, third = sent.products()[0], sent.products()[2]
        drawn = [sent.look(place).data for place in range(3)]
        now = sent.opened()
        assert gone not in now and (now[0], now[2]) == (first, third) and len(set(now)) == len(set(drawn)) == 3
        assert sent.click(1) == f"https://shop.example/{now[1]}"
        assert sent.click(0) == f"https://shop.example/{first}"

    def test_all_pictures_of_an_opening_are_one_choice_though_they_come_at_once(self, sent):
        sent.sell_out(*sent.products()[:2])
        answers_ = []

        def ask(place: int) -> None:
            answers_.append(sent.app.test_client().get(sent.pictures[place], headers=PERSON).status_code)

        threads = [threading.Thread(target=ask, args=(place,)) for place in (0, 1, 2, 0, 1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers_ == [200] * 6
        assert len(sent.kept()) == 3 and len({row.request_id for row in sent.kept()}) == 1

    def test_a_doubled_opening_is_one_and_a_later_one_is_chosen_anew(self, sent):
        for _again in range(3):
            sent.look()
        assert len(sent.kept()) == 3
        sent.age(minutes=20)
        sent.look()
        assert len(sent.kept()) == 6

    def test_something_that_sells_out_during_the_opening_is_replaced(self, sent):
        sent.look()
        before = sent.opened()
        sent.sell_out(before[0])
        sent.look()
        assert before[0] not in sent.opened() and sent.opened()[1:] == before[1:]

    def test_what_they_declined_meanwhile_is_not_shown(self, sent):
        gone = sent.products()[0]
        with sent.unit():
            answers.say(
                customer_id=sent.customer_id, product_id=products.by_external([gone])[gone].id, verdict="declined"
            )
        sent.look()
        assert gone not in sent.opened()

    def test_a_new_price_is_in_the_picture(self, sent):
        sent.look()
        with sent.unit():
            row = db.session.merge(sent.row())
            assert open_offers.card(row, 0, columns=3).price == "€12.50"
            products.upsert_many([{"external_id": sent.products()[0], "price": "9.00"}])
        sent.drain(sent.company)
        stock.catalogue(sent.company.tenant_id).looked_at -= 1
        with sent.unit():
            assert open_offers.card(db.session.merge(sent.row()), 0, columns=3).price == "€9.00"

    def test_when_nothing_can_be_offered_it_is_a_dot_and_the_link_leads_to_the_shop(self, sent):
        sent.sell_out(*TEAS, *CUPS)
        answer = sent.look()
        assert (
            answer.mimetype == "image/gif" and len(answer.data) < 50 and "no-store" in answer.headers["Cache-Control"]
        )
        assert sent.click() == "https://shop.example"

    def test_it_is_as_wide_as_its_block_wants(self, sent):
        address = sent.pictures[0].partition("?")[0]
        for columns, wide in (("1", 720), ("2", 520), ("4", 244), ("9", 336), ("x", 336), ("", 336)):
            answer = sent.client.get(f"{address}?columns={columns}", headers=PERSON)
            assert colours(answer).size[0] == wide

    def test_it_is_asked_for_so_often_and_no_more(self, sent, monkeypatch, rate_limits):  # noqa: F811
        from storefront import mail_offers

        monkeypatch.setattr(mail_offers, "OFTEN", "3/minute")
        assert [sent.look().status_code for _again in range(4)] == [200, 200, 200, 429]


class TestMachines:
    @pytest.mark.parametrize("browser", [APPLE, GMAIL, PERSON, SCANNER])
    def test_who_fetches_at_the_moment_of_delivery_is_shown_what_was_sent(self, sent, browser):
        with pool.connection(tenant_id=sent.company.tenant_id) as opened:
            opened.execute("UPDATE mailing_recipients SET sent_at = now() + interval '1 hour'")
        assert sent.look(browser=browser).mimetype == "image/jpeg"
        assert sent.opened() is None and sent.kept() == []

    def test_the_opening_after_a_fetch_at_delivery_is_chosen(self, sent):
        self.test_who_fetches_at_the_moment_of_delivery_is_shown_what_was_sent(sent, APPLE)
        with pool.connection(tenant_id=sent.company.tenant_id) as opened:
            opened.execute("UPDATE mailing_recipients SET sent_at = now() - interval '1 hour'")
        sent.sell_out(sent.products()[0])
        sent.look()
        assert sent.opened()[0] != sent.products()[0]

    @pytest.mark.parametrize("browser", [APPLE, GMAIL])
    def test_a_proxy_is_shown_a_choice_but_no_eyes_are_counted(self, sent, browser):
        sent.look(browser=browser)
        rows = sent.kept()
        assert [row.product_key for row in rows] == sent.opened() and not any(row.seen_at for row in rows)
        sent.look(browser=PERSON)
        rows = sent.kept()
        assert len(rows) == 3 and all(row.seen_at for row in rows)

    def test_a_scanner_moves_nothing(self, sent):
        assert sent.look(browser=SCANNER).mimetype == "image/jpeg"
        assert sent.client.head(sent.pictures[0], headers=PERSON).status_code == 200
        sent.click(browser=SCANNER)
        assert sent.opened() is None and sent.kept() == []


class TestWhatIsKept:
    def test_an_opening_once_for_its_choice_seen_and_tied_to_the_customer(self, sent):
        for place in range(3):
            sent.look(place)
        rows = sent.kept()
        assert [row.product_key for row in rows] == sent.opened()
        assert {(row.customer_id, row.visitor) for row in rows} == {(sent.customer_id, "")}
        assert all(row.seen_at and row.clicked_at is None and row.reason_text for row in rows)

    def test_a_click_marks_what_was_shown(self, sent):
        sent.look()
        for _again in range(2):
            sent.click(1)
        assert [bool(row.clicked_at) for row in sent.kept()] == [False, True, False]

    def test_a_click_without_pictures_means_what_the_text_says(self, sent):
        for _again in range(2):
            assert sent.click(2) == f"https://shop.example/{sent.products()[2]}"
        rows = sent.kept()
        assert [row.product_key for row in rows] == sent.products()
        assert [bool(row.clicked_at) for row in rows] == [False, False, True]

    def test_the_pictures_after_such_a_click_are_a_choice_of_their_own(self, sent):
        sent.click(2)
        sent.look()
        assert len(sent.kept()) == 6

    def test_the_counts_of_the_place_agree(self, sent):
        from saas.recommend import results

        sent.look()
        sent.click(0)
        sent.kept()
        with sent.unit():
            [place] = [one for one in results.of_last(2, currency="EUR").places if one.slot == "mail"]
        assert (place.shown, place.seen, place.clicked) == (3, 3, 1)

    def test_an_order_after_it_is_tied_to_it(self, sent):
        from saas.commerce import orders

        sent.look()
        bought = sent.opened()[0]
        sent.kept()
        with sent.unit():
            orders.record_many([
                little_shop.order(900, [bought], days_ago=-0.0005, customer=None) | {"customer": {"email": "ann@mail.example"}}
            ])  # fmt: skip
        assert [row.bought_after for row in sent.kept()] == ["seen", "", ""]


class TestLinks:
    def test_one_whose_product_sold_out_after_the_opening_leads_to_the_shop(self, sent):
        sent.look()
        sent.sell_out(sent.opened()[0])
        assert sent.click(0) == "https://shop.example"

    def test_where_no_shop_has_an_address_it_leads_to_another_offer(self, sent):
        with sent.unit():
            [shop] = shops.all_shops()
            shop.url = ""
        sent.sell_out(sent.products()[0])
        assert sent.click(0) in {f"https://shop.example/{key}" for key in sent.products()[1:]}

    def test_a_deleted_product_leads_to_the_shop(self, sent):
        with sent.unit():
            products.delete(products.by_external([sent.products()[0]])[sent.products()[0]].id)
        sent.drain(sent.company)
        stock.catalogue(sent.company.tenant_id).looked_at -= 1
        assert sent.click(0) == "https://shop.example"

    def test_a_mail_of_before_this_that_remembers_less_finds_its_products(self, sent):
        with pool.connection(tenant_id=sent.company.tenant_id) as opened:
            opened.execute(
                'UPDATE mailing_recipients SET offers = \'[{"url": "https://shop.example/tea-1", "product": "tea-1", "offer": "x"}]\''
            )
        assert sent.click(0) == "https://shop.example/tea-1"
        assert sent.look(0).mimetype == "image/jpeg"


class TestWhoMay:
    def token(self, sent, **other) -> str:
        whose = {
            "tenant_id": sent.company.tenant_id,
            "mailing_id": sent.mailing_id,
            "recipient_id": sent.row().id,
            "link": 0,
        }
        return links.make(**{"key": landing.key(), "kind": links.PICTURE, **whose, **other})

    def test_the_token_made_here_is_good(self, sent):
        assert sent.client.get(f"/m/i/{self.token(sent)}", headers=PERSON).mimetype == "image/jpeg"

    def test_another_company_s_token_finds_nothing_of_ours(self, sent, other_company):
        assert sent.client.get(f"/m/i/{self.token(sent, tenant_id=other_company.tenant_id)}").status_code == 404

    def test_any_other_token_is_unknown(self, sent):
        for other in (
            {"mailing_id": UUID(int=7)}, {"recipient_id": UUID(int=7)}, {"link": 3}, {"link": 4000}, {"kind": links.CLICK}, {"key": b"another"},
        ):  # fmt: skip
            assert sent.client.get(f"/m/i/{self.token(sent, **other)}", headers=PERSON).status_code == 404

    def test_a_token_cut_or_changed_is_unknown(self, sent):
        good = self.token(sent)
        for token in (good[:-1] + ("A" if good[-1] != "A" else "B"), good[:-3], good + "A", "x", "%00", "é"):
            assert sent.client.get(f"/m/i/{token}").status_code == 404

    def test_who_got_the_mail_forwarded_sees_the_same_and_is_told_nothing(self, sent):
        sent.look()
        friend = sent.app.test_client().get(
            sent.pictures[0], headers={"User-Agent": "Mozilla/5.0 (Macintosh) Safari/605"}
        )
        assert friend.data == sent.look().data and len(sent.kept()) == 3
        told = " ".join(f"{name}: {value}" for name, value in friend.headers)
        assert "Set-Cookie" not in friend.headers and "ann" not in told.lower() and str(sent.customer_id) not in told

    def test_an_old_mail_shows_what_it_showed_and_chooses_nothing_more(self, sent):
        sent.look()
        before, kept = sent.opened(), len(sent.kept())
        sent.age(days=70)
        assert sent.look().mimetype == "image/jpeg"
        assert sent.opened() == before and len(sent.kept()) == kept
        sent.sell_out(before[0])
        assert sent.look(0).mimetype == "image/gif" and sent.look(1).mimetype == "image/jpeg"

    def test_somebody_erased_is_shown_nothing_and_led_to_the_shop(self, sent):
        from saas.integrations import erasures

        sent.look()
        with sent.unit():
            erasures.erase(sent.customer_id)
        run_operations(sent.company)
        sent.drain(sent.company)
        row = sent.row()
        assert (row.customer_id, row.offers, row.offers_opened) == (None, None, None)
        assert sent.look().mimetype == "image/gif" and sent.click() == "https://shop.example"
        assert sent.row().offers_opened is None

    def test_somebody_deleted_is_shown_nothing(self, sent):
        with pool.connection(tenant_id=sent.company.tenant_id) as opened:
            opened.execute("UPDATE mailing_recipients SET customer_id = NULL")
        assert sent.look().mimetype == "image/gif" and sent.opened() is None


class TestDrawing:
    """What is written on pictures; which fonts there are is the machine's affair, so each way is tried with its own."""

    CARD = offer_cards.Card("", "Crème brûlée – 6 pièces", "€12.50", "Popular right now", 3)

    def test_words_in_latin_letters_can_always_be_written(self):
        assert lettering.writable("Łódź Straße Ångström €12.50 – “ok” …") is not None

    def test_a_card_is_of_the_same_size_whatever_it_shows(self):
        sizes = {
            colours_of(offer_cards.drawn(offer_cards.Card("", name, "€1.00", reason, 3))).size
            for name, reason in (("A", ""), ("A very long name of a product " * 5, "B " * 90))
        }
        assert len(sizes) == 1

    def test_how_a_product_was_judged_stands_beside_its_price_and_changes_no_size(self):
        plain = colours_of(offer_cards.drawn(self.CARD))
        judged = colours_of(offer_cards.drawn(dataclasses.replace(self.CARD, judged="4.6 (12)")))
        box = (
            ImageChops.difference(plain.convert("RGB"), judged.convert("RGB"))
            .convert("L")
            .point(lambda v: v > 60 and 255)
            .getbbox()
        )
        line = judged.height - judged.width  # name, price and reason share what is below the picture
        assert judged.size == plain.size and box[1] > judged.width and box[3] - box[1] < line / 3

    def test_where_price_and_stars_do_not_fit_the_price_stands_alone(self):
        narrow = dataclasses.replace(self.CARD, price="CHF 123’456’789.00", columns=4)
        assert offer_cards.drawn(dataclasses.replace(narrow, judged="4.6 (123456)")) == offer_cards.drawn(narrow)

    def test_stars_are_written_as_the_mails_language_does_and_not_at_all_without_reviews(self):
        written = [open_offers._judged(4.6, 12, language) for language in ("en", "de", "zh-Hans", "qqq")]
        assert written == ["4.6 (12)", "4,6 (12)", "4.6 (12)", "4.6 (12)"]
        assert open_offers._judged(0.0, 0, "en") == open_offers._judged(None, None, "en") == ""

    def test_no_line_is_wider_than_the_card(self):
        for text in (
            "A very long name of a product that goes on",
            "Donaudampfschifffahrtsgesellschaftskapitän" * 2,
            "x" * 300,
        ):
            for line in lettering.broken(text, size=30, most=300, lines=2):
                assert lettering.width(line, 30) <= 300

    def test_what_is_cut_ends_with_dots(self):
        assert lettering.broken("word " * 50, size=30, most=300, lines=2)[-1].endswith("...")

    def test_letters_that_no_font_has_are_not_drawn_as_boxes(self, monkeypatch):
        own = tuple(path for path in lettering.files() if path.endswith(".woff2"))
        monkeypatch.setattr(lettering, "files", lambda: own)
        lettering._writer.cache_clear()
        assert lettering.writable("青花瓷") is None and not offer_cards.drawable("青花瓷")
        assert offer_cards.drawn(offer_cards.Card("", "青花瓷", "¥12", "", 3)) is None
        lettering._writer.cache_clear()

    def test_a_product_whose_words_cannot_be_written_is_shown_by_its_picture_alone(self, monkeypatch):
        monkeypatch.setattr(lettering, "files", lambda: ())
        photo = io.BytesIO()
        Image.new("RGB", (480, 320), "teal").save(photo, "JPEG")
        monkeypatch.setattr(pictures, "read", lambda name: photo.getvalue())
        card = offer_cards.Card("http://here/pictures/1-ab-cd.jpg", "青花瓷", "¥12", "", 3)
        lettering._writer.cache_clear()
        assert colours_of(offer_cards.drawn(card)).size == (336, 336)
        lettering._writer.cache_clear()

    def test_chinese_is_written_where_a_font_has_it(self):
        written = lettering.writable("青花瓷茶壶")
        has = any(lettering._writer(letter) for letter in "青花瓷茶壶")
        assert (written is not None) == has

    def test_chinese_is_broken_anywhere_and_latin_between_words(self, monkeypatch):
        monkeypatch.setattr(lettering, "width", lambda text, size: len(text) * 10)
        assert lettering.broken("青花瓷茶壶套装", size=10, most=40, lines=3) == ["青花瓷茶", "壶套装"]
        assert lettering.broken("blue tea pot", size=10, most=80, lines=3) == ["blue tea", "pot"]

    def test_a_small_picture_of_a_face_is_left_out(self):
        assert lettering.writable("Tea 🫖 pot") in ("Tea pot", "Tea  pot", "Tea 🫖 pot")

    def test_a_picture_that_is_gone_or_broken_leaves_the_words(self, monkeypatch):
        for found in (b"no picture", None):

            def read(name, found=found):
                if found is None:
                    raise pictures.NoSuchPicture
                return found

            monkeypatch.setattr(pictures, "read", read)
            offer_cards.drawn.cache_clear()
            card = offer_cards.Card("http://here/pictures/1-ab-cd.jpg", "Tea", "€1.00", "", 3)
            assert colours_of(offer_cards.drawn(card)).size[0] == 336


def colours_of(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))
