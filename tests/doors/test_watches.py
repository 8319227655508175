"""Waiting for a product: asked once more by mail, told once when it is back or costs less, few at a time where few came back."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from saas.customers import identity, profiles
from saas.kit import clock, work
from saas.marketing import form_intake, watching
from saas.tenancy import settings
from tests import meetings
from tests.letters import mailbox  # noqa: F401

VISITOR = "browser-0000000000000002"
LAMP = {
    "external_id": "lamp",
    "name": "Lamp Moss",
    "price": "40.00",
    "currency": "EUR",
    "url": "https://shop.example/lamp",
    "stock": 0,
}


@pytest.fixture(autouse=True)
def sender(company, context, mailbox):  # noqa: F811
    """A company that may write, and somewhere its mails arrive."""
    with work.unit(tenant_id=company.tenant_id):
        settings.change_sender(sender_name="Lamp & Light", sender_email=company.email, reply_to="")


@pytest.fixture
def lamp(company):
    return company.api("POST", "/products", json=LAMP).json["id"]


def bring(company, drain, **changes):
    """Tell of the lamp as the shop has it now."""
    company.api("POST", "/products/bulk", json={"items": [LAMP | changes | {"updated_at": clock.now().isoformat()}]})
    drain(company)


def ask(company, email="ada@example.com", kind="stock", **changes):
    body = {
        "site_key": company.site_key,
        "kind": kind,
        "product": "lamp",
        "email": email,
        "language": "en",
        "took": 3000,
    } | changes
    return company.app.test_client().post("/watches", data=json.dumps(body), content_type="text/plain")


def link_in(letter) -> str:
    return re.search(r"(/m/w/[\w.-]+)", letter.get_body(("plain",)).get_content()).group(1)


def wait(company, drain, mailbox, email="ada@example.com", kind="stock"):  # noqa: F811
    """Have somebody wait for the lamp, confirmed."""
    assert ask(company, email, kind).status_code == 202
    drain(company)
    link = link_in(mailbox.to(email)[0])
    company.app.test_client().post(link, data={"act": "confirm"})
    drain(company)
    return link


def subjects(mailbox, email="ada@example.com"):  # noqa: F811
    return [letter["Subject"] for letter in mailbox.to(email)]


def states(company):
    return sorted(one["state"] for one in company.api("GET", "/watches").json["items"])


class TestAsked:
    def test_who_becomes_a_customer_at_this_very_moment_waits_all_the_same(self, company, lamp):
        given = {"email": "ada@example.com", "product": "lamp", "kind": "stock", "took": 9000}
        sender = form_intake.Sender("127.0.0.1", "test", None)
        made, answered = meetings.meet(
            company, lambda: profiles.find_or_create(email="ada@example.com"),
            lambda: watching.ask(given, sender, tenant_id=company.tenant_id),
        )  # fmt: skip
        assert answered == {"state": "taken"}, (made, answered)
        assert states(company) == ["asked"]

    def test_looking_at_the_page_confirms_nothing_and_the_click_does(self, company, lamp, drain, mailbox):  # noqa: F811
        ask(company)
        drain(company)
        [letter] = mailbox.to("ada@example.com")
        client = company.app.test_client()
        assert "Lamp Moss" in client.get(link_in(letter)).text and states(company) == ["asked"]
        assert client.post(link_in(letter)).status_code == 200 and states(company) == ["waiting"]

    def test_known_and_unknown_get_the_same_answer(self, company, lamp):
        company.api("POST", "/customers", json={"email": "ada@example.com"})
        assert ask(company).data == ask(company, "new@example.com").data

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"email": "ada(at)x"}, "email"),
            ({"email": ""}, "email"),
            ({"product": "none"}, "product"),
            ({"kind": "colour"}, "kind"),
            ({"kind": ""}, "kind"),
        ],
    )
    def test_what_is_wrong_is_said(self, company, lamp, changes, field):
        answer = ask(company, **changes)
        assert answer.status_code == 422 and field in answer.json["error"]["fields"]

    def test_a_machine_is_thanked_and_forgotten(self, company, lamp, drain):
        assert ask(company, website="x").status_code == 202
        assert states(company) == []

    def test_who_is_proven_waits_with_one_click_and_no_mail(self, company, lamp, drain, mailbox):  # noqa: F811
        ada = company.api("POST", "/customers", json={"email": "ada@example.com"}).json["id"]
        with work.unit(tenant_id=company.tenant_id):
            identity.bind_visitor(VISITOR, ada, proven=True)
        assert ask(company, "", visitor=VISITOR).json == {"state": "waiting"}
        drain(company)
        assert states(company) == ["waiting"] and mailbox.to("ada@example.com") == []

    def test_a_claimed_browser_is_asked_for_its_address(self, company, lamp):
        ada = company.api("POST", "/customers", json={"email": "ada@example.com"}).json["id"]
        with work.unit(tenant_id=company.tenant_id):
            identity.bind_visitor(VISITOR, ada, proven=False)
        assert ask(company, "", visitor=VISITOR).status_code == 422

    def test_asked_twice_is_one_wish_and_one_mail(self, company, lamp, drain, mailbox):  # noqa: F811
        ask(company)
        ask(company)
        drain(company)
        assert states(company) == ["asked"] and len(mailbox.to("ada@example.com")) == 1

    def test_what_nobody_confirms_is_over_after_two_weeks(self, company, lamp, drain):
        ask(company)
        drain(company)
        with clock.travel(to=clock.now() + timedelta(days=15)), work.unit(tenant_id=company.tenant_id):
            watching.sweep()
        assert states(company) == ["expired"]

    def test_it_can_be_switched_off(self, company, lamp):
        assert company.api("PATCH", "/watches/settings", json={"price": False}).status_code == 200
        assert ask(company, kind="price").status_code == 422
        assert company.app.test_client().get(f"/forms?site_key={company.site_key}").json["watch"]["price"] is False


class TestBack:
    def test_one_mail_when_it_is_back_and_never_another(self, company, lamp, drain, mailbox):  # noqa: F811
        wait(company, drain, mailbox)
        bring(company, drain, stock=3)
        assert subjects(mailbox).count("Lamp Moss is back") == 1
        bring(company, drain, stock=0)
        bring(company, drain, stock=9)
        assert subjects(mailbox).count("Lamp Moss is back") == 1 and states(company) == ["told"]
        body = mailbox.to("ada@example.com")[-1].get_body(("plain",)).get_content()
        assert "https://shop.example/lamp" in body or any(
            "https://shop.example/lamp" in one.get_body(("plain",)).get_content()
            for one in mailbox.to("ada@example.com")
        )

    def test_who_has_not_confirmed_is_not_told(self, company, lamp, drain, mailbox):  # noqa: F811
        ask(company)
        bring(company, drain, stock=3)
        assert "Lamp Moss is back" not in subjects(mailbox) and states(company) == ["asked"]

    def test_who_stopped_it_is_not_told(self, company, lamp, drain, mailbox):  # noqa: F811
        link = wait(company, drain, mailbox)
        company.app.test_client().post(link, data={"act": "stop"})
        bring(company, drain, stock=3)
        assert "Lamp Moss is back" not in subjects(mailbox) and states(company) == ["ended"]

    def test_of_few_pieces_the_first_who_asked_are_told_and_the_next_some_hours_later(
        self, company, lamp, drain, mailbox
    ):  # noqa: F811
        company.api("PATCH", "/watches/settings", json={"per_item": 1, "again_hours": 4})
        for name in ("ada", "bob", "eve"):
            wait(company, drain, mailbox, f"{name}@example.com")
        bring(company, drain, stock=2)
        told = [
            name for name in ("ada", "bob", "eve") if "Lamp Moss is back" in subjects(mailbox, f"{name}@example.com")
        ]
        assert told == ["ada", "bob"]
        bring(company, drain, stock=2, name="Lamp Moss")
        assert states(company) == ["told", "told", "waiting"]
        with clock.travel(to=clock.now() + timedelta(hours=5)), work.unit(tenant_id=company.tenant_id):
            watching.sweep()
        drain(company)
        assert states(company) == ["told"] * 3

    def test_gone_again_before_the_mail_they_wait_on(self, company, lamp, drain, mailbox):  # noqa: F811
        wait(company, drain, mailbox)
        company.api(
            "POST", "/products/bulk", json={"items": [LAMP | {"stock": 1, "updated_at": clock.now().isoformat()}]}
        )
        with work.unit(tenant_id=company.tenant_id):
            assert watching.look(lamp) == 1
        bring(company, drain, stock=0)
        assert states(company) == ["waiting"] and "Lamp Moss is back" not in subjects(mailbox)

    def test_the_wish_is_over_one_day(self, company, lamp, drain, mailbox):  # noqa: F811
        wait(company, drain, mailbox)
        with clock.travel(to=clock.now() + timedelta(days=200)), work.unit(tenant_id=company.tenant_id):
            watching.sweep()
        assert states(company) == ["expired"]

    def test_the_words_can_be_the_company_s_own(self, company, lamp, drain, mailbox):  # noqa: F811
        letters = {"en": {"stock": {"subject": "Hurry: {product}", "text": "{product} from {company} {unknown}"}}}
        assert company.api("PATCH", "/watches/settings", json={"letters": letters}).status_code == 200
        wait(company, drain, mailbox)
        bring(company, drain, stock=3)
        assert "Hurry: Lamp Moss" in subjects(mailbox)


class TestCheaper:
    @pytest.mark.parametrize(
        ("rule", "price", "told"),
        [
            ({"price_percent": 10}, "36.00", True), ({"price_percent": 10}, "36.01", False), ({"price_amount": "5"}, "35.00", True),
            ({"price_amount": "5"}, "35.01", False), ({"price_percent": 0}, "40.00", False), ({"price_percent": 10}, "50.00", False),
        ],
    )  # fmt: skip
    def test_a_price_that_fell_far_enough(self, company, lamp, drain, mailbox, rule, price, told):  # noqa: F811
        company.api("PATCH", "/watches/settings", json=rule)
        bring(company, drain, stock=5)
        wait(company, drain, mailbox, kind="price")
        bring(company, drain, stock=5, price=price)
        assert ("Lamp Moss costs less now" in subjects(mailbox)) is told

    def test_any_currency(self, company, lamp, drain, mailbox):  # noqa: F811
        bring(company, drain, stock=5, price="4000", currency="JPY")
        wait(company, drain, mailbox, kind="price")
        bring(company, drain, stock=5, price="3000", currency="JPY")
        letter = next(one for one in mailbox.to("ada@example.com") if one["Subject"] == "Lamp Moss costs less now")
        assert "JPY" in letter.get_body(("plain",)).get_content()

    def test_another_currency_is_no_lower_price(self, company, lamp, drain, mailbox):  # noqa: F811
        bring(company, drain, stock=5)
        wait(company, drain, mailbox, kind="price")
        bring(company, drain, stock=5, price="10.00", currency="GBP")
        assert states(company) == ["waiting"]

    def test_not_while_it_is_sold_out(self, company, lamp, drain, mailbox):  # noqa: F811
        wait(company, drain, mailbox, kind="price")
        bring(company, drain, price="10.00", stock=0)
        assert states(company) == ["waiting"]


class TestDemand:
    def test_the_most_wanted_stand_first(self, company, lamp, drain, mailbox):  # noqa: F811
        company.api("POST", "/products", json=LAMP | {"external_id": "cup", "name": "Cup"})
        ask(company, "x@example.com", product="cup")
        wait(company, drain, mailbox)
        wait(company, drain, mailbox, "bob@example.com")
        found = company.api("GET", "/watches/demand").json["items"]
        assert [(one["name"], one["waiting"]) for one in found] == [("Lamp Moss", 2), ("Cup", 0)]

    def test_a_wish_is_ended_through_the_api_and_not_by_another_company(
        self, company, other_company, lamp, drain, mailbox
    ):  # noqa: F811
        wait(company, drain, mailbox)
        watch = company.api("GET", "/watches").json["items"][0]["id"]
        assert other_company.api("DELETE", f"/watches/{watch}").status_code == 404
        assert company.api("DELETE", f"/watches/{watch}").status_code == 204 and states(company) == ["ended"]

    def test_an_erased_person_waits_for_nothing(self, company, lamp, drain, mailbox):  # noqa: F811
        wait(company, drain, mailbox)
        customer = company.api("GET", "/customers").json["items"][0]["id"]
        company.api("POST", f"/customers/{customer}/data/erase", json={"reason": "asked"})
        drain(company)
        assert states(company) == []


def test_a_link_that_was_cut_off_is_no_link(company):
    assert company.app.test_client().get("/m/w/nonsense").status_code in (400, 404)
