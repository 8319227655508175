"""Forms that give everybody a code of their own: at once where one lies ready, by mail in any case, and nothing a stranger learns."""

from __future__ import annotations

from uuid import UUID

import pytest

from saas.commerce import coupon_codes, coupon_writing, coupons, shops
from saas.commerce.coupon_models import CouponCode
from saas.kit import work
from saas.kit.db import db
from saas.tenancy import settings
from tests.companies import drain_outbox
from tests.doors.test_forms import CONTENT, link_in, send
from tests.letters import mailbox  # noqa: F401

QUIET = CONTENT | {"purposes": []}


class Place:
    """A company with a shop, a coupon of which two codes lie ready, and a form that gives it."""

    def __init__(self, company, content):
        self.company = company
        with self.unit():
            settings.change_sender(sender_name="Lamp & Light", sender_email=company.email, reply_to="")
            self.shop = shops.connect(kind="generic", name="Shop", currency="EUR", url="https://shop.example")[0].id
            self.coupon = coupons.create(
                name="Welcome", shop_id=self.shop, kind="percent", percent="10", days=7, pool=2
            ).id
        self.advance()
        content = content | {"after": {"coupon_id": str(self.coupon)}}
        made = company.api("POST", "/forms", json={"name": "Welcome", "kind": "popup", "content": content})
        assert made.status_code == 201, made.json
        self.form = made.json["id"]
        assert company.api("POST", f"/forms/{self.form}/show").status_code == 200

    def unit(self):
        return work.unit(tenant_id=self.company.tenant_id)

    def advance(self):
        coupon_writing.advance(self.company.tenant_id, self.shop, rest=lambda _seconds: None)

    def send(self, email="ada@example.com", **changes):
        answer = send(self.company, self.form, values={"email": email, "first_name": "Ada"}, **changes)
        assert answer.status_code == 202, answer.json
        return answer.json

    def drain(self):
        drain_outbox(self.company.app, self.company)

    def codes(self):
        with self.unit():
            return {one.code: one for one in db.session.query(CouponCode).filter(CouponCode.given_at.is_not(None))}


@pytest.fixture
def place(context, company, mailbox):  # noqa: F811
    return Place(company, QUIET)


def test_the_thank_you_shows_a_code_of_their_own_and_the_mail_brings_it(place, mailbox):  # noqa: F811
    answer = place.send()
    place.drain()
    [code] = place.codes().values()
    assert answer["coupon"] == code.code and code.given_by == "form" and code.given_for == UUID(place.form)
    [letter] = mailbox.to("ada@example.com")
    text = letter.get_body(("plain",)).get_content()
    assert (
        code.code in letter["Subject"]
        and code.code in text
        and "It is good until" in text
        and "https://shop.example" in text
    )
    with place.unit():
        assert coupon_codes.of_customer(code.customer_id)[0][0].id == code.id


def test_where_a_confirmation_is_asked_for_the_mail_with_the_code_follows_the_click(context, company, mailbox):  # noqa: F811
    place = Place(company, CONTENT)
    answer = place.send()
    place.drain()
    [asked] = mailbox.to("ada@example.com")
    assert answer["coupon"] and answer["coupon"] not in asked.get_body(("plain",)).get_content()
    company.app.test_client().post(link_in(asked))
    place.drain()
    letters = mailbox.to("ada@example.com")
    assert len(letters) == 2 and answer["coupon"] in letters[1].get_body(("plain",)).get_content()


def test_where_none_lies_ready_the_page_says_that_the_mail_brings_it(place, mailbox):  # noqa: F811
    for number in range(2):
        assert place.send(f"p{number}@example.com")["coupon"]
    answer = place.send("late@example.com")
    assert answer["coupon"] == "" and answer["next"] == "Your code is on its way to your mailbox."
    with place.unit():
        from saas.kit import outbox

        assert db.session.query(outbox.OutboxEvent).filter_by(name="CodesWanted").count()
    # the code comes to be when the form is taken; the shop has it before the mail leaves
    from saas.marketing import form_intake
    from saas.marketing.models import FormSubmission

    with place.unit():
        sent = db.session.query(FormSubmission).filter_by(email="late@example.com").one()
        form_intake.take(str(sent.id))
    place.advance()
    place.drain()
    [letter] = mailbox.to("late@example.com")
    [code] = [one.code for one in place.codes().values() if one.code in letter["Subject"]]
    assert code


def test_sending_it_again_is_answered_alike_and_leaves_one_code_that_works(place):
    first = place.send()["coupon"]
    place.drain()
    place.advance()
    second = place.send()["coupon"]
    place.drain()
    place.advance()
    assert first != second
    states = {code: one.state for code, one in place.codes().items()}
    assert states == {first: "stopped", second: "ready"}


def test_who_used_the_coupon_up_is_shown_a_code_that_does_not_work_and_learns_nothing(place, mailbox):  # noqa: F811
    first = place.send()["coupon"]
    place.drain()
    place.advance()
    order = {"external_id": "o1", "placed_at": "2026-11-20T10:00:00Z", "currency": "EUR", "customer": {"email": "ada@example.com"},
             "discounts": [{"code": first, "amount": "1.00"}], "lines": [{"product": "p", "quantity": 1, "unit_price": "10"}]}  # fmt: skip
    assert (
        place.company.api("POST", "/orders/bulk", json={"shop_id": str(place.shop), "items": [order]}).status_code
        == 200
    )
    place.drain()
    again = place.send()
    place.drain()
    place.advance()
    assert again["coupon"] and place.codes()[again["coupon"]].state == "stopped"
    assert len(mailbox.to("ada@example.com")) == 1


def test_machines_use_up_no_code(place):
    assert place.send(took=3)["coupon"] == ""
    assert place.send(website="spam.example")["coupon"] == ""
    assert place.codes() == {}


def test_a_coupon_that_was_stopped_leaves_the_form_as_it_is(place):
    with place.unit():
        coupons.stop(place.coupon)
    assert place.send()["coupon"] == ""
    place.drain()
    assert place.codes() == {}


def test_a_form_takes_no_coupon_that_is_not_there_and_keeps_a_code_for_all(place):
    bad = place.company.api(
        "POST",
        "/forms",
        json={"name": "Bad", "kind": "popup", "content": QUIET | {"after": {"coupon_id": str(place.shop)}}},
    )
    assert bad.status_code == 422 and "content.after.coupon_id" in bad.json["error"]["fields"]
    plain = place.company.api(
        "POST", "/forms", json={"name": "Plain", "kind": "popup", "content": QUIET | {"after": {"coupon": "TEN"}}}
    )
    assert plain.status_code == 201 and plain.json["content"]["after"]["coupon"] == "TEN"
    page = place.company.page.get(f"/marketing/forms/{place.form}/edit").get_data(as_text=True)
    assert f'<option value="{place.coupon}" selected' in page
