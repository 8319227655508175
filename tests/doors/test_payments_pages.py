"""The pages, the API and the doors of payments: connecting step by step, what is shown, and who is turned away."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from saas.commerce import payment_accounts, payments
from saas.kit import clock, work
from tests.companies import add_member
from tests.doors.shop_data import order, send
from tests.queries import counted
from tests.till import CONNECT_SECRET, _till_box, account, connect, till, way_to  # noqa: F401


@pytest.fixture
def traded(till, account, company, drain):
    """An account with a week of trade: an order that was paid, one that failed, a dispute, a refund and a payout."""
    send(company, "orders", order(1, "ada@shop.example", days=0))
    drain(company)
    sent = company.api("GET", "/orders").json["items"][0]
    amount = round(float(sent["total"]) * 100)
    paid = till.pay(
        amount, metadata={"order_id": sent["number"]}, receipt_email="ada@shop.example", card="pm_card_createDispute"
    )
    till.pay(700, card="pm_card_chargeDeclinedExpiredCard", receipt_email="ada@shop.example")
    other = till.pay(5000, "usd", receipt_email="stranger@shop.example")
    till.refund(other, 1200)
    till.pay_out()
    till.hand_all(company, account)
    return {"order": sent["id"], "customer": sent["customer_id"], "amount": amount, "key": paid}


class TestConnecting:
    def test_a_key_is_tried_and_the_page_says_how_each_step_went(self, app, till, company):
        page = company.page.get("/payments/accounts/new").text
        assert "Restricted key" in page and "Disputes: read" in page
        key = till.shop.key()
        answer = company.post("/payments/accounts/new", {"key": key})
        shown = company.page.get(answer.headers["Location"]).text
        for words in (
            "Fern &amp; Kettle",
            till.shop.account,
            "Everything can be read.",
            "Made at Stripe by us",
            "Nothing was told yet",
            "Its past",
        ):
            assert words in shown, words
        assert key not in shown and key[-4:] in shown
        made = till.api.webhook_endpoints.list({}).data
        assert len(made) == 1 and re.search(r"/hooks/payments/\w{32}$", made[0].url)

    def test_once_connected_another_account_is_a_small_button_below(self, app, till, company):
        head = company.page.get("/payments").text.split("</header>")
        assert any("Connect Stripe" in part for part in head)
        company.post("/payments/accounts/new", {"key": till.shop.key()})
        page = company.page.get("/payments").text
        assert "Connect Stripe" not in page and "Connect another account" in page
        assert "btn-primary" not in page.partition("Connect another account")[0][-400:]

    @pytest.mark.parametrize(("key", "words"), [
        ("pk_live_nothing", "This is no key of Stripe’s".replace("’", "&#39;")), ("rk_test_unknownkey", "Stripe does not accept this key"), ("", "This is no key"),
    ])  # fmt: skip
    def test_a_wrong_key_is_told_in_words(self, till, company, key, words):
        answer = company.post("/payments/accounts/new", {"key": key})
        assert answer.status_code == 422 and words in answer.text

    def test_permissions_that_are_missing_are_named_one_by_one(self, till, company):
        key = till.shop.key(without=("payment_intents", "disputes"))
        answer = company.post("/payments/accounts/new", {"key": key})
        assert answer.status_code == 422
        for words in ("PaymentIntents: read", "rak_payment_intent_read", "Disputes: read", "rak_dispute_read"):
            assert words in answer.text
        key = till.shop.key(without=("disputes", "payouts"))
        page = company.page.get(company.post("/payments/accounts/new", {"key": key}).headers["Location"]).text
        assert "Missing: Disputes: read; Payouts: read." in page

    def test_without_the_right_to_webhooks_one_is_made_by_hand(self, app, till, company):
        key = till.shop.key(without=("webhook_endpoints",))
        address = company.post("/payments/accounts/new", {"key": key}).headers["Location"]
        page = company.page.get(address).text
        assert "Make the webhook by hand" in page
        assert company.post(f"{address}/secret", {"secret": "nothing"}).status_code == 422
        company.post(f"{address}/secret", {"secret": "whsec_made_by_hand"})
        page = company.page.get(address).text
        assert "Make the webhook by hand" not in page and "whsec_made_by_hand" not in page
        hook = re.search(r"[\w-]{36}$", address).group()
        where, secret = way_to(app, company, hook)
        till.pay()
        assert secret == "whsec_made_by_hand" and till.hand(till.events()[0], where, secret).status_code == 200
        assert "signed as it should be" in company.page.get(address).text

    def test_who_may_not_edit_shops_cannot_connect(self, app, till, company):
        reader = add_member(app, company, role="read_only")
        assert reader.get("/payments/accounts/new").status_code == 403
        assert reader.get("/payments").status_code == 200

    def test_disconnecting_takes_the_webhook_away_and_keeps_what_came(self, app, till, company, traded, account):
        where, secret = way_to(app, company, account)
        company.post(f"/payments/accounts/{account}/remove")
        assert till.api.webhook_endpoints.list({}).data == []
        till.pay()
        assert till.hand(till.events()[0], where, secret).status_code == 404
        assert company.page.get(f"/payments/accounts/{account}").status_code == 404
        assert "ada@shop.example" in company.page.get("/payments").text


class TestConsent:
    def agree(self, till, company):
        page = company.post("/payments/accounts/consent").text
        address = re.search(r"url=(http[^\"]+)", page).group(1).replace("&amp;", "&")
        asked = parse_qs(urlsplit(address).query)
        assert asked["scope"] == ["read_only"] and asked["client_id"] == ["ca_regulars"]
        return asked["state"][0]

    def test_an_owner_agrees_and_may_take_it_back(self, app, till, company, drain):
        state = self.agree(till, company)
        answer = company.page.get(f"/payments/accounts/return?state={state}&code={till.shop.code()}")
        shown = company.page.get(answer.headers["Location"]).text
        assert "agreed that we read it" in shown and till.shop.account in shown
        account_id = answer.headers["Location"].rsplit("/", 1)[1]
        till.pay(4200, receipt_email="ada@shop.example")
        event = {**till.events()[-1], "account": till.shop.account}
        assert till.hand(event, "/hooks/payments", CONNECT_SECRET).json == {"status": "stored"}
        assert till.hand(event, "/hooks/payments", CONNECT_SECRET).json == {"status": "known"}
        drain(company)
        assert company.api("GET", "/payments").json["items"][0]["amount"] == "42.00"
        gone = {
            **event,
            "id": "evt_gone",
            "type": "account.application.deauthorized",
            "data": {"object": {"id": "ca_regulars", "object": "application"}},
        }
        assert till.hand(gone, "/hooks/payments", CONNECT_SECRET).status_code == 200
        drain(company)
        assert "The permission was taken back at Stripe." in company.page.get(f"/payments/accounts/{account_id}").text
        assert till.hand({**event, "id": "evt_later"}, "/hooks/payments", CONNECT_SECRET).json == {"status": "nobody's"}

    @pytest.mark.parametrize("how", ["another state", "a code twice", "nobody agreed", "no state"])
    def test_what_does_not_come_from_our_own_asking_connects_nothing(self, till, company, how):
        state, code = self.agree(till, company), till.shop.code()
        if how == "a code twice":
            till.shop.codes.clear()
        query = {
            "another state": f"state=other&code={code}", "a code twice": f"state={state}&code={code}",
            "nobody agreed": f"state={state}&error=access_denied", "no state": f"code={code}",
        }[how]  # fmt: skip
        answer = company.page.get(f"/payments/accounts/return?{query}")
        assert answer.status_code in (410, 422)
        assert company.api("GET", "/payment-accounts").json["items"] == []


class TestTheDoor:
    def test_only_what_stripe_signed_with_this_secret_and_lately_is_stored(self, app, till, account, company):
        where, secret = way_to(app, company, account)
        till.pay()
        event = till.events()[0]
        assert till.hand(event, where, "whsec_another").status_code == 401
        old = int((clock.now() - timedelta(minutes=10)).timestamp())
        assert till.hand(event, where, secret, at=old).status_code == 401
        assert till.hand(event, where, secret, at=old + 1200).status_code == 401
        assert app.test_client().post(where, data=json.dumps(event)).status_code == 401
        assert till.hand(event, where + "x", secret).status_code == 404
        assert till.hand(event, where, secret).json == {"status": "stored"}
        assert till.hand(event, where, secret).json == {"status": "known"}

    @pytest.mark.parametrize(
        "body", ["{", "[]", "{}", '{"id":"evt_1","type":"x","created":1,"livemode":false}', '{"data":{"object":5}}']
    )
    def test_half_written_bodies_are_no_events(self, app, till, account, company, body):
        import stripe

        where, secret = way_to(app, company, account)
        signed = stripe.WebhookSignature.generate_signature_header(body, secret)
        answer = app.test_client().post(where, data=body, headers={"Stripe-Signature": signed})
        assert answer.status_code == 400, answer.text
        assert app.test_client().post(where, data=b"\xff\xfe", headers={"Stripe-Signature": signed}).status_code == 400
        assert (
            app.test_client().post(where, data=b"x" * 1_000_001, headers={"Stripe-Signature": signed}).status_code
            == 413
        )

    def test_another_companys_secret_opens_nothing(self, app, till, account, company, other_company):
        second = connect(app, other_company, till.shop.key())
        where, _secret = way_to(app, company, account)
        _where, theirs = way_to(app, other_company, second)
        till.pay()
        assert till.hand(till.events()[0], where, theirs).status_code == 401


class TestPages:
    def test_sums_of_very_many_say_what_they_are_of(self, company, traded, monkeypatch):
        assert "sums are of the newest" not in company.page.get("/payments").text
        monkeypatch.setattr(payments, "MOST_SUMMED", 1)
        assert "so these sums are of the newest 1." in company.page.get("/payments").text

    def test_the_list_shows_payments_with_sums_by_currency(self, company, traded):
        page = company.page.get("/payments").text
        for words in (
            "ada@shop.example",
            "The card has expired",
            "Received in EUR",
            "Received in USD",
            "$12.00 given back",
            "stranger@shop.example",
        ):
            assert words in page, words
        failed = company.page.get("/payments?state=failed").text
        assert "The card has expired" in failed and "stranger@shop.example" not in failed
        assert "stranger@shop.example" not in company.page.get("/payments?joined=yes").text
        assert "No payment is like that" in company.page.get("/payments?q=nothing").text
        assert traded["key"] and "Disputed" in company.page.get(f"/payments?q={traded['key']}").text

    def test_one_payment_a_dispute_and_a_payout(self, company, traded):
        row = next(one for one in company.api("GET", "/payments").json["items"] if one["key"] == traded["key"])
        page = company.page.get(f"/payments/{row['id']}").text
        for words in (
            "Fee of Stripe",
            "Visa ending in",
            "The card holder says they did not make it",
            "days left to answer",
            "dashboard.stripe.com",
        ):
            assert words in page, words
        page = company.page.get("/payments/disputes").text
        assert "days left to answer" in page and "Answer at Stripe" in page
        assert "No dispute has ended" in company.page.get("/payments/disputes?state=ended").text
        made = company.api("GET", "/payouts").json["items"][0]
        page = company.page.get(f"/payments/payouts/{made['id']}").text
        assert "The parts come to exactly what is paid out." in page and "Disputes" in page
        lines = company.api("GET", f"/payouts/{made['id']}").json["lines"]
        assert sum(float(line["net"]) for line in lines) == pytest.approx(float(made["amount"]))

    def test_the_pages_of_order_customer_and_home_tell_of_it(self, company, traded):
        assert f"/orders/{traded['order']}/payments" in company.page.get(f"/orders/{traded['order']}").text
        part = company.page.get(f"/orders/{traded['order']}/payments").text
        assert "Visa ending in" in part and "Answer wanted" in part
        page = company.page.get(f"/customers/{traded['customer']}").text
        assert "A payment of €7.00 failed" in page and "A dispute about" in page
        part = company.page.get(f"/customers/{traded['customer']}/payments").text
        assert "The card has expired" in part and "Answer wanted" in part
        assert "1 dispute waits for your answer, the first until" in company.page.get("/").text

    def test_nothing_yet_says_what_to_do(self, company):
        assert "No account is connected" in company.page.get("/payments").text
        assert "No payouts yet" in company.page.get("/payments/payouts").text
        assert "No dispute is open" in company.page.get("/payments/disputes").text

    @pytest.mark.parametrize("path", ["/payments", "/payments/disputes", "/payments/payouts"])
    def test_they_ask_at_most_twelve_questions(self, company, traded, path):
        with counted() as sent:
            assert company.page.get(path).status_code == 200
        assert len(sent) <= 12, sent

    def test_segments_ask_for_failed_payments_and_open_disputes(self, company, traded):
        for condition in (
            {"field": "payment_failed", "operator": "in_last_days", "value": 7},
            {"field": "open_dispute", "operator": "is", "value": True},
        ):
            body = {"definition": {"match": "all", "conditions": [condition]}}
            answer = company.api("POST", "/segments/preview", json=body)
            assert answer.status_code == 200 and answer.json["count"] == 1, answer.json
        body = {
            "definition": {"match": "all", "conditions": [{"field": "open_dispute", "operator": "is", "value": False}]}
        }
        assert company.api("POST", "/segments/preview", json=body).json["count"] == 0


class TestApi:
    def test_it_lists_and_shows(self, company, traded):
        found = company.api("GET", f"/payments?customer_id={traded['customer']}&state=failed").json["items"]
        assert [(one["amount"], one["failure"]) for one in found] == [("7.00", "expired_card")]
        dollars = company.api("GET", "/payments?currency=USD").json["items"][0]
        assert company.api("GET", f"/payments/{dollars['id']}").json["refunds"][0]["amount"] == "12.00"
        dispute = company.api("GET", "/disputes?open=true").json["items"][0]
        assert company.api("GET", f"/disputes/{dispute['id']}").json["state"] == "needs_answer"

    def test_an_account_is_tied_to_a_shop_and_fetched_again_and_tells_no_key(self, app, company, account):
        shop = company.api("POST", "/shops", json={"kind": "generic", "name": "One"}).json["id"]
        answer = company.api("PATCH", f"/payment-accounts/{account}", json={"shop_id": shop})
        assert answer.json["shop_id"] == shop and "rk_test" not in answer.text
        assert company.api("POST", f"/payment-accounts/{account}/fetch").status_code == 200
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            assert payment_accounts.one(account).backfill["state"] == "wanted"

    def test_another_company_finds_nothing(self, company, other_company, traded):
        row = company.api("GET", "/payments").json["items"][0]
        assert other_company.api("GET", f"/payments/{row['id']}").status_code == 404
        assert other_company.page.get(f"/payments/{row['id']}").status_code == 404
        assert other_company.api("GET", "/payments").json["items"] == []
