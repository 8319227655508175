"""A code of their own in everybody's mail: given once, waited for, the same in a second look, taken back when nothing leaves."""

from __future__ import annotations

import pytest

from saas.commerce import coupon_codes, coupon_writing, coupons, shops
from saas.commerce.coupon_models import CouponCode
from saas.kit import work
from saas.kit.db import db
from saas.marketing import campaigns, freezing, letters, mail_coupons, mailings, rendering, sending
from saas.marketing.models import MailingRecipient
from sandbox.wordpress.server import KEY, SECRET, Box

SOURCE = (
    "<p>Hello {{ customer.first_name }}</p>{% coupon text: 'Your code' %}<p>{{ coupon.code }} {{ coupon.ends_on }}</p>"
)


def test_the_block_and_the_words_show_the_code_and_leave_no_trace_without_one():
    made = rendering.compile(subject="{{ coupon.code }} for you", body=SOURCE)
    assert made.coupon and not made.problems
    data = {"customer": {"first_name": "Ada"}, "coupon": {"code": "TEA-<7>", "ends_on": "2026-12-24"}}
    parts = rendering.Letter(made).fill(data, tracked=[], unsubscribe_url="https://x.example/u")
    assert parts.subject == "TEA-<7> for you" and "TEA-&lt;7&gt;" in parts.html and "<7>" not in parts.html
    assert "Your code" in parts.text and "TEA-<7>" in parts.text and "until 2026-12-24" in parts.text
    plain = rendering.Letter(rendering.compile(subject="Hi", body="<p>Hi</p>{% coupon %}"))
    without = plain.fill({"customer": {}, "coupon": None}, tracked=[], unsubscribe_url="https://x.example/u")
    assert "dashed" not in without.html
    assert not rendering.compile(subject="Hi", body="<p>Hi</p>").coupon
    assert rendering.compile(subject="Hi", body="<p>Hi</p>{% coupon limit: 3 %}").problems


@pytest.fixture
def woo():
    made = Box().start()
    yield made
    made.stop()


class Place:
    """A company with a store, a coupon, ten people who want mail, and a campaign that brings them codes."""

    def __init__(self, company, woo, mailbox=None):
        self.company, self.woo = company, woo
        people = [
            {"email": f"p{n}-{company.tenant_id}@shop.example", "first_name": f"P{n}", "consent": {"email": "granted"}}
            for n in range(10)
        ]
        company.api("PATCH", "/sender", json={})
        assert company.api("POST", "/customers/bulk", json={"items": people}).status_code == 200
        made = company.api(
            "POST", "/segments", json={"name": "All", "definition": {"match": "all", "conditions": []}}
        ).json
        with self.unit():
            keys = {"consumer_key": KEY, "consumer_secret": SECRET}
            self.shop = shops.connect(kind="woocommerce", name="Woo", url=woo.url, currency="GBP", **keys)[0].id
            self.coupon = coupons.create(
                name="Welcome", shop_id=self.shop, kind="percent", percent="10", prefix="tea"
            ).id
        answer = company.api("POST", "/campaigns", json={
            "name": "Codes", "subject": "A code for {{ customer.first_name }}", "source": SOURCE, "segment_id": made["id"], "holdout_percent": 0,
        })  # fmt: skip
        assert answer.status_code == 201, answer.json
        self.campaign = answer.json["id"]

    def unit(self):
        return work.unit(tenant_id=self.company.tenant_id)

    def launch(self):
        answer = self.company.api("POST", f"/campaigns/{self.campaign}/launch")
        assert answer.status_code == 202, answer.json
        with self.unit():
            return mailings.of_campaign(campaigns.one(self.campaign).id).id

    def choose(self):
        answer = self.company.api("GET", f"/campaigns/{self.campaign}")
        etag = {"If-Match": answer.headers["ETag"]}
        made = self.company.api(
            "PATCH", f"/campaigns/{self.campaign}", json={"coupon_id": str(self.coupon)}, headers=etag
        )
        assert made.status_code == 200 and made.json["coupon_id"] == str(self.coupon), made.json

    def freeze(self, mailing):
        with self.unit():
            while freezing.freeze_some(mailing, most=4):
                pass

    def recipients(self, mailing):
        with self.unit():
            query = db.session.query(MailingRecipient).filter_by(mailing_id=mailing)
            return list(query.order_by(MailingRecipient.id))

    def codes(self):
        with self.unit():
            return {one.id: one for one in db.session.query(CouponCode).filter_by(coupon_id=self.coupon)}


@pytest.fixture
def place(context, company, woo):
    return Place(company, woo)


def test_a_mail_that_shows_a_code_is_not_launched_without_a_coupon_or_with_one_that_is_over(place):
    refused = place.company.api("POST", f"/campaigns/{place.campaign}/launch")
    assert refused.status_code == 422 and "Choose the coupon" in refused.json["error"]["message"]
    place.choose()
    with place.unit():
        coupons.stop(place.coupon)
    refused = place.company.api("POST", f"/campaigns/{place.campaign}/launch")
    assert refused.status_code == 422 and "not given any more" in refused.json["error"]["message"]


def test_everybody_gets_a_code_of_their_own_in_a_few_batches_and_the_mail_waits_for_the_store(place, woo):
    place.choose()
    mailing = place.launch()
    place.freeze(mailing)
    rows, codes = place.recipients(mailing), place.codes()
    assert len(rows) == 10 and {row.state for row in rows} == {"queued"}
    assert len({row.coupon_code_id for row in rows}) == 10 and set(codes) == {row.coupon_code_id for row in rows}
    assert all(codes[row.coupon_code_id].customer_id == row.customer_id for row in rows)
    ids = [row.id for row in rows]
    with place.unit():
        ready, waiting, gone = mail_coupons.load(ids)
    assert (ready, waiting, gone) == ({}, set(ids), set())
    coupon_writing.advance(place.company.tenant_id, place.shop, rest=lambda _seconds: None)
    assert [one for one in woo.asked if "coupons" in one] == ["POST /coupons/batch"]
    with place.unit():
        ready, waiting, gone = mail_coupons.load(ids)
        again, *_rest = mail_coupons.load(ids)
    assert len(ready) == 10 and not waiting and not gone and ready == again
    assert {one["code"] for one in ready.values()} == {one.code for one in codes.values()}
    with place.unit():
        page = letters.as_page(mailings.recipient(rows[0].id))
    assert codes[rows[0].coupon_code_id].code in page


def test_a_worker_puts_back_those_whose_code_the_store_does_not_have_yet(place):
    place.choose()
    mailing = place.launch()
    with work.unit(tenant_id=place.company.tenant_id):
        pass
    from saas.kit import scope

    with scope.tenant(place.company.tenant_id):
        assert sending.run(mailing, seconds=5) is False
    rows = place.recipients(mailing)
    assert {(row.state, row.reason) for row in rows} == {("queued", "coupon_waits")} and all(
        row.sent_at is None for row in rows
    )


def test_a_mailing_that_is_stopped_takes_the_codes_back_that_never_left(place, woo):
    place.choose()
    mailing = place.launch()
    place.freeze(mailing)
    assert place.company.api("POST", f"/campaigns/{place.campaign}/cancel").status_code == 200
    from saas.kit import scope

    with scope.tenant(place.company.tenant_id):
        sending.run(mailing, seconds=5)
    coupon_writing.advance(place.company.tenant_id, place.shop, rest=lambda _seconds: None)
    assert {one.state for one in place.codes().values()} == {"stopped"} and woo.coupons.held == {}
    assert not any("coupons" in one for one in woo.asked)


def test_who_used_the_coupon_already_is_skipped_and_who_holds_a_code_gets_that_one(place):
    place.choose()
    with place.unit():
        first = db.session.scalars(campaigns.segments.query({"match": "all", "conditions": []}).limit(1)).one()
        held = coupon_codes.give(place.coupon, customer_id=first, by="member")
    mailing = place.launch()
    place.freeze(mailing)
    mine = next(row for row in place.recipients(mailing) if row.customer_id == first)
    assert mine.coupon_code_id == held.id and len(place.codes()) == 10


def test_a_preview_and_a_test_mail_show_an_example_and_use_no_code(place):
    place.choose()
    answer = place.company.api(
        "POST", "/campaigns/preview", json={"subject": "Hi", "source": SOURCE, "text_source": "", "language": "en"}
    )
    assert answer.status_code == 200 and "EXAMPLE" in answer.json["html"], answer.json
    assert place.codes() == {}
