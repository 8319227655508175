"""Consent by channel and purpose through all doors: with its proof, asked once more where that is wanted, never by accident."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from saas.customers import asking, consent, profiles
from saas.kit import clock, work
from saas.kit.db import db
from saas.tenancy import settings
from tests.companies import add_member
from tests.letters import mailbox  # noqa: F401

WORDS = {
    "en": "Yes, send me news once a week. I can take this back at any time.",
    "zh_Hans": "是的，每周给我发送一次新闻。",
}


@pytest.fixture
def customer(company):
    return company.api("POST", "/customers", json={"email": "ada@example.com", "first_name": "Ada"}).json["id"]


@pytest.fixture
def sender(company, context):
    """A company that may write: its own address is known."""
    with work.unit(tenant_id=company.tenant_id):
        settings.change_sender(sender_name="Lamp & Light", sender_email=company.email, reply_to="")


def want_click(company, key="marketing"):
    assert (
        company.api("PATCH", f"/consent-purposes/{key}", json={"double_opt_in": True, "wording": WORDS}).status_code
        == 200
    )


def states(company, customer):
    told = company.api("GET", f"/customers/{customer}/consents").json
    return {(one["channel"], one["purpose"]): one["state"] for one in told["states"]}, told


def link_in(letter) -> str:
    return re.search(r"(/m/y/[\w.-]+)", letter.get_body(("plain",)).get_content()).group(1)


class TestLedger:
    def test_each_channel_and_purpose_speaks_for_itself(self, company, customer):
        made = company.api(
            "POST", "/consent-purposes", json={"name": "Birthday wishes", "channels": ["sms", "email"]}
        ).json
        path = f"/customers/{customer}/consents"
        company.api(
            "POST",
            path,
            json={
                "channel": "sms",
                "purpose": made["key"],
                "state": "granted",
                "wording": "Text me",
                "place": "https://shop.example/club",
            },
        )
        company.api("POST", path, json={"state": "withdrawn"})
        held, told = states(company, customer)
        assert held == {("sms", made["key"]): "granted", ("email", "marketing"): "withdrawn"}
        proof = next(one for one in told["items"] if one["channel"] == "sms")["proof"]
        assert (proof["wording"], proof["place"]) == ("Text me", "https://shop.example/club")
        assert company.api("GET", f"/customers/{customer}").json["consent"] == {"email": "withdrawn"}

    def test_older_words_do_not_beat_newer_ones(self, company, customer):
        path = f"/customers/{customer}/consents"
        company.api("POST", path, json={"state": "withdrawn", "at": "2026-05-02T10:00:00Z"})
        company.api("POST", path, json={"state": "granted", "at": "2026-05-01T10:00:00Z"})
        assert states(company, customer)[0] == {("email", "marketing"): "withdrawn"}

    def test_a_channel_the_purpose_does_not_have_is_refused(self, company, customer):
        answer = company.api("POST", f"/customers/{customer}/consents", json={"channel": "phone", "state": "granted"})
        assert answer.status_code == 422

    def test_another_companys_customer_is_missing(self, company, other_company, customer):
        assert other_company.api("GET", f"/customers/{customer}/consents").status_code == 404
        assert other_company.page.get(f"/customers/{customer}/consents").status_code == 404

    def test_who_agreed_is_found_in_one_question(self, company, customer, context):
        with work.unit(tenant_id=company.tenant_id):
            consent.grant(customer_id=profiles.one(customer).id, purpose="marketing", channel="sms", source="staff")
            assert [str(one) for one in db.session.scalars(consent.agreed(channel="sms", purpose="marketing"))] == [
                customer
            ]
            consent.withdraw(customer_id=profiles.one(customer).id, purpose="marketing", channel="sms", source="staff")
            assert db.session.scalars(consent.agreed(channel="sms", purpose="marketing")).all() == []


class TestDoubleOptIn:
    def test_only_the_click_in_the_mail_counts(self, company, customer, sender, drain, mailbox):  # noqa: F811
        want_click(company)
        company.api(
            "POST",
            f"/customers/{customer}/consents",
            json={"state": "granted", "wording": WORDS["en"], "address": "192.0.2.7"},
        )
        assert states(company, customer)[0] == {} and states(company, customer)[1]["asked"] == ["marketing"]
        drain(company)
        [letter] = mailbox.to("ada@example.com")
        assert WORDS["en"] in letter.get_body(("plain",)).get_content() and "List-Unsubscribe" not in letter
        client = company.app.test_client()
        shown = client.get(link_in(letter))
        assert shown.status_code == 200 and "once a week" in shown.text
        assert states(company, customer)[0] == {}, "looking at the page is no consent: programs follow every link"
        assert client.post(link_in(letter), headers={"User-Agent": "Firefox"}).status_code == 200
        held, told = states(company, customer)
        proof = told["items"][0]["proof"]
        assert held == {("email", "marketing"): "granted"} and told["asked"] == []
        assert (proof["wording"], proof["address"], proof["browser"], proof["email"]) == (
            WORDS["en"],
            "192.0.2.7",
            "Firefox",
            "ada@example.com",
        )
        assert proof["mailed_at"] and proof["confirmed_from"]
        assert client.post(link_in(letter)).status_code == 200
        assert len(states(company, customer)[1]["items"]) == 1

    def test_a_shops_customers_are_asked_too(self, company, sender, drain, mailbox):  # noqa: F811
        want_click(company)
        company.api(
            "POST", "/customers/bulk", json={"items": [{"email": "bob@example.com", "consent": {"email": "granted"}}]}
        )
        drain(company)
        assert len(mailbox.to("bob@example.com")) == 1
        assert company.api("GET", "/customers?email=bob@example.com").json["items"][0]["consent"] == {
            "email": "unknown"
        }

    def test_what_was_confirmed_elsewhere_is_believed(self, company, customer):
        want_click(company)
        company.api(
            "POST",
            f"/customers/{customer}/consents",
            json={"state": "granted", "confirmed": True, "place": "our own list"},
        )
        assert states(company, customer)[0] == {("email", "marketing"): "granted"}

    def test_nobody_is_asked_again_and_again(self, company, customer, sender, drain, mailbox):  # noqa: F811
        for _time in range(4):
            company.api("POST", f"/customers/{customer}/consents", json={"state": "ask"})
        drain(company)
        assert len(mailbox.to("ada@example.com")) == 1

    def test_an_old_link_says_so_and_changes_nothing(self, company, customer, sender, context):
        company.api("POST", f"/customers/{customer}/consents", json={"state": "ask"})
        with work.unit(tenant_id=company.tenant_id):
            [request] = asking.waiting_for(profiles.one(customer).id)
            request.asked_at = clock.now() - timedelta(days=15)
            token = asking.token(request)
        client = company.app.test_client()
        assert "too old" in client.get(f"/m/y/{token}").text and client.post(f"/m/y/{token}").status_code == 410
        assert states(company, customer)[0] == {}

    @pytest.mark.parametrize("token", ["", "x", "WzEsIjAwIl0.aaaa.bbbb", "../../etc/passwd", "%00"])
    def test_a_forged_link_is_missing(self, app, token):
        client = app.test_client()
        assert client.get(f"/m/y/{token}").status_code == 404 and client.post(f"/m/y/{token}").status_code == 404

    def test_a_link_for_another_purpose_of_signing_opens_nothing(self, company, customer, context):
        from saas.kit import crypto

        with work.unit(tenant_id=company.tenant_id):
            company_token = crypto.sign("landing", [company.tenant_id, customer])
        assert company.app.test_client().get(f"/m/y/{company_token}").status_code == 404

    def test_the_mail_is_in_their_language(self, company, sender, drain, mailbox):  # noqa: F811
        want_click(company)
        company.api(
            "POST",
            "/customers",
            json={"email": "wang@example.com", "language": "zh-CN", "consent": {"email": "granted"}},
        )
        drain(company)
        [letter] = mailbox.to("wang@example.com")
        assert "请确认" in letter["Subject"]


class TestPages:
    def test_a_purpose_is_made_changed_and_archived(self, company):
        company.post(
            "/settings/consent/new",
            {"name": "<b>Club</b>", "channels": ["email", "post"], "wording.en": "Join <i>us</i>"},
        )
        page = company.page.get("/settings/consent").text
        assert "&lt;b&gt;Club&lt;/b&gt;" in page and "<b>Club" not in page
        key = re.search(r"/settings/consent/(b_club_b|club\w*)", page).group(1)
        company.post(f"/settings/consent/{key}", {"name": "Club", "channels": ["post"], "double_opt_in": "1"})
        assert company.api("GET", "/consent-purposes").json["items"][1]["channels"] == ["post"]
        company.post(f"/settings/consent/{key}/archive")
        assert company.api("GET", "/consent-purposes").json["items"][1]["archived"] is True

    def test_news_and_offers_cannot_be_archived(self, company):
        assert company.post("/settings/consent/marketing/archive").status_code == 422

    def test_staff_record_with_a_reason_and_see_the_proof(self, company, customer):
        path = f"/customers/{customer}/consents"
        refused = company.post(path, {"about": "marketing.email", "state": "granted", "reason": ""})
        assert refused.status_code == 422
        company.post(path, {"about": "marketing.email", "state": "granted", "reason": "<u>on the phone</u>"})
        page = company.page.get(path).text
        assert "&lt;u&gt;on the phone" in page and "<u>on the phone" not in page

    def test_who_may_not_see_consent_does_not(self, app, company, customer):
        reader = add_member(app, company, role="read_only")
        assert reader.get(f"/customers/{customer}/consents").status_code == 200
        assert reader.post(f"/customers/{customer}/consents", data={}).status_code == 403
