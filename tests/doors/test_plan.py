"""The plan's page as an owner uses it: choose, pay on Stripe's page, come back, change, cancel, keep."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import socket
from dataclasses import replace
from uuid import uuid4

import pytest

from saas import config
from saas.billing import accounts, banner, gateway, invoices, plans
from saas.kit import clock
from saas.tenancy import limits
from tests.companies import add_member, drain_outbox
from tests.payments import inside, path_of
from tests.queries import counted


def standing(app, company):
    account = inside(app, company, accounts.current)
    return (account.plan, account.standing) if account else (None, "free")


class TestSubscribing:
    def test_an_owner_pays_comes_back_and_has_the_plan(self, app, payments, free_company):
        page = free_company.page.get("/plan").text
        assert "Choose Growth" in page and "no card needed" in page
        answer = free_company.post("/plan/choose/growth")
        assert answer.status_code == 303 and answer.headers["Location"].startswith(payments.box.url)
        status, text, back = payments.pay(answer.headers["Location"])
        assert (status, "/plan/return/" in back) == (303, True)
        payments.hand_all(free_company)
        assert standing(app, free_company) == ("growth", "active")
        assert inside(app, free_company, limits.all_limits) == plans.PLANS["growth"].limits
        assert free_company.page.get(path_of(back)).headers["Location"] == "/plan"
        page = free_company.page.get("/plan").text
        for words in (
            "You are on Growth now",
            "€49.00 a month",
            "Visa •••• 4242",
            "Change to Scale",
            "Go on with Free",
        ):
            assert words in page

    def test_coming_back_grants_nothing_until_stripe_says_so(self, app, payments, free_company):
        url = free_company.post("/plan/choose/growth").headers["Location"]
        back = path_of(f"/plan/return/{payments.box.world.store.first('checkout.session')['client_reference_id']}")
        for asked in (0, 1, 2, 5):
            assert "Waiting for the payment" in free_company.page.get(f"{back}?asked={asked}").text
        assert standing(app, free_company) == (None, "free")
        payments.pay(url)
        assert "Waiting for the payment" in free_company.page.get(back).text
        assert standing(app, free_company) == (None, "free")

    def test_when_the_telling_gets_lost_the_waiting_page_asks_stripe(self, app, payments, free_company):
        _status, _text, back = payments.pay(free_company.post("/plan/choose/growth").headers["Location"])
        assert "asked=1" in free_company.page.get(path_of(back)).text
        assert free_company.page.get(path_of(back) + "?asked=2").headers["Location"] == "/plan"
        assert standing(app, free_company) == ("growth", "active")

    def test_a_declined_card_leaves_the_company_as_it_was(self, app, payments, free_company):
        url = free_company.post("/plan/choose/growth").headers["Location"]
        status, text, _back = payments.pay(url, number="4000000000000002")
        assert (status, "Your card was declined." in text) == (402, True)
        payments.hand_all(free_company)
        assert standing(app, free_company) == (None, "free")
        assert payments.api.subscriptions.list({"status": "all"}).data == []

    def test_a_card_that_asks_for_its_holder_is_confirmed_and_then_counts(self, app, payments, free_company):
        url = free_company.post("/plan/choose/growth").headers["Location"]
        status, text, challenge = payments.pay(url, number="4000002500003155")
        assert "Is this you?" in text
        payments.hand_all(free_company)
        assert standing(app, free_company) == (None, "free")
        payments.open(challenge, {"answer": "complete"})
        payments.hand_all(free_company)
        assert standing(app, free_company) == ("growth", "active")

    def test_the_same_wish_twice_is_one_page_and_another_wish_closes_it(self, payments, free_company):
        first = free_company.post("/plan/choose/growth").headers["Location"]
        assert free_company.post("/plan/choose/growth").headers["Location"] == first
        other = free_company.post("/plan/choose/scale").headers["Location"]
        assert other != first
        assert payments.open(first)[0] == 404 or "expired" in payments.open(first)[1]
        assert len(payments.api.customers.list().data) == 1

    def test_a_page_that_was_paid_meanwhile_is_not_paid_again(self, app, payments, free_company):
        url = free_company.post("/plan/choose/growth").headers["Location"]
        payments.pay(url)
        assert "/plan/return/" in free_company.post("/plan/choose/scale").headers["Location"]
        assert standing(app, free_company) == ("growth", "active")
        assert len(payments.api.subscriptions.list().data) == 1

    def test_a_closed_page_says_so_on_the_way_back(self, payments, free_company):
        free_company.post("/plan/choose/growth")
        session = payments.box.world.store.first("checkout.session")
        payments.api.checkout.sessions.expire(session["id"])
        payments.hand_all(free_company)
        assert "Nothing was paid" in free_company.page.get(f"/plan/return/{session['client_reference_id']}").text


class TestChanging:
    def shown(self, page: str) -> str:
        return re.search(r'name="at" value="(\d+)"', page).group(1)

    def test_an_upgrade_costs_to_the_cent_what_was_shown(self, app, payments, free_company):
        payments.subscribe(free_company)
        assert free_company.post("/plan/choose/scale").headers["Location"] == "/plan/change/scale"
        page = free_company.page.get("/plan/change/scale").text
        assert "Change and pay €200.00 now" in page and "€249.00" in page
        assert standing(app, free_company)[0] == "growth"
        assert free_company.post("/plan/change/scale", {"at": self.shown(page)}).headers["Location"] == "/plan"
        assert standing(app, free_company) == ("scale", "active")
        assert inside(app, free_company, limits.all_limits) == plans.PLANS["scale"].limits
        payments.hand_all(free_company)
        page = free_company.page.get("/plan").text
        assert "€200.00" in page and "€249.00 a month" in page

    def test_a_downgrade_is_credited_and_deletes_nothing(self, app, payments, free_company):
        payments.subscribe(free_company, "scale")
        page = free_company.page.get("/plan/change/growth").text
        assert "Credited today" in page and "€200.00" in page
        free_company.post("/plan/change/growth", {"at": self.shown(page)})
        assert standing(app, free_company) == ("growth", "active")
        assert inside(app, free_company, limits.all_limits)["contacts"] == 50_000
        payments.hand_all(free_company)
        assert inside(app, free_company, accounts.current).credit_amount == 20_000

    def test_a_price_of_an_hour_ago_is_shown_anew_and_nothing_is_charged(self, app, payments, free_company):
        payments.subscribe(free_company)
        old = int(clock.now().timestamp()) - 3_600
        for at in (old, 0, old + 90_000):
            answer = free_company.post("/plan/change/scale", {"at": at})
            assert answer.headers["Location"] == "/plan/change/scale"
        assert standing(app, free_company) == ("growth", "active")

    @pytest.mark.parametrize("card", ["pm_card_chargeCustomerFail", "pm_card_authenticationRequired"])
    def test_a_bank_that_refuses_or_asks_leaves_the_plan_and_leads_to_stripes_page(
        self, app, payments, free_company, card
    ):
        payments.subscribe(free_company)
        page = free_company.page.get("/plan/change/scale").text
        payments.use_card(free_company, card)
        answer = free_company.post("/plan/change/scale", {"at": self.shown(page)})
        assert answer.headers["Location"].startswith(payments.box.url)
        assert standing(app, free_company) == ("growth", "active")
        assert "Amount due today" in payments.open(answer.headers["Location"])[1]

    def test_a_change_that_cannot_be_is_said(self, payments, free_company):
        assert free_company.page.get("/plan/change/scale").headers["Location"] == "/plan"
        assert free_company.page.get("/plan/change/gold").status_code == 404
        payments.subscribe(free_company)
        assert free_company.page.get("/plan/change/growth").headers["Location"] == "/plan"
        assert "You have this plan." in free_company.page.get("/plan").text


class TestPeople:
    def test_more_people_are_paid_for_and_can_be_invited(self, app, payments, free_company):
        payments.subscribe(free_company)
        inside(app, free_company, lambda: limits.set_all(limits={"members": 1}))
        refused = free_company.post("/settings/members", {"email": "new@example.com", "role": "sales"})
        assert refused.status_code == 402 and "/plan/people" in refused.text
        page = free_company.page.get("/plan/people?seats=2").text
        assert "Change and pay €18.00 now" in page and "€67.00" in page
        at = re.search(r'name="at" value="(\d+)"', page).group(1)
        for _twice in range(2):
            free_company.post("/plan/people", {"at": at, "seats": 2})
        items = payments.subscription(free_company)["items"].data
        assert sorted(item.quantity for item in items) == [1, 2]
        assert inside(app, free_company, limits.all_limits)["members"] == 12
        assert "€67.00 a month" in free_company.page.get("/plan").text
        page = free_company.page.get("/plan/people?seats=0").text
        free_company.post("/plan/people", {"at": re.search(r'name="at" value="(\d+)"', page).group(1), "seats": 0})
        assert len(payments.subscription(free_company)["items"].data) == 1
        assert inside(app, free_company, limits.all_limits)["members"] == 10

    def test_as_many_as_sit_there_is_the_least(self, app, payments, free_company):
        payments.subscribe(free_company)
        for _person in range(10):
            add_member(app, free_company, role="sales")
        assert free_company.page.get("/plan/people?seats=0").headers["Location"] == "/plan"
        assert "All these places are taken." in free_company.page.get("/plan").text
        assert free_company.page.get("/plan/people?seats=1").status_code == 200

    def test_the_free_plan_sells_none(self, payments, free_company):
        assert free_company.page.get("/plan/people").headers["Location"] == "/plan"
        payments.subscribe(free_company)
        assert free_company.page.get("/plan/people?seats=501").headers["Location"] == "/plan"


class TestCodes:
    def test_a_code_takes_off_and_is_shown(self, app, payments, free_company):
        payments.subscribe(free_company)
        payments.api.coupons.create(
            {"id": "spring", "percent_off": 20, "duration": "repeating", "duration_in_months": 3, "name": "Spring"}
        )
        payments.api.promotion_codes.create({"promotion": {"type": "coupon", "coupon": "spring"}, "code": "SPRING20"})
        free_company.post("/plan/code", {"code": "NOTHING"})
        assert "This code does not exist or is over." in free_company.page.get("/plan").text
        free_company.post("/plan/code", {"code": " SPRING20 "})
        assert "Spring (−20%)" in free_company.page.get("/plan").text


class TestInvoicePdf:
    def test_it_is_handed_on_to_the_company_alone(self, app, payments, free_company, other_company):
        payments.subscribe(free_company)
        invoice = inside(app, free_company, invoices.listed)[0]
        path = f"/plan/invoices/{invoice.id}/pdf"
        assert path in free_company.page.get("/plan").text
        answer = free_company.page.get(path)
        assert answer.mimetype == "application/pdf" and answer.data.startswith(b"%PDF-1.4")
        assert invoice.number in answer.headers["Content-Disposition"]
        foreign, nobody = other_company.page.get(path), other_company.page.get(f"/plan/invoices/{uuid4()}/pdf")
        assert (foreign.status_code, foreign.data) == (404, nobody.data)
        assert add_member(app, free_company, role="sales").get(path).status_code == 403

    @pytest.mark.parametrize(
        "url", ["https://evil.example/x.pdf", "http://pay.stripe.com/x", "https://stripe.com.evil.example/x"]
    )
    def test_from_nobody_but_stripe(self, payments, url):
        with pytest.raises(gateway.StripeAway):
            gateway.pdf(url)


class TestUse:
    def test_the_page_shows_a_year_and_when_it_is_full(self, app, payments, free_company):
        inside(app, free_company, lambda: limits.count("mails_month", by=900))
        page = free_company.page.get("/plan/use").text
        assert "Mails this month: 900 of 1,000" in page and "chart-mails_month" in page and "chart-contacts" in page
        assert "/plan/use" in free_company.page.get("/plan").text
        assert add_member(app, free_company, role="sales").get("/plan/use").status_code == 403


class TestCancelling:
    def test_cancelling_ends_with_the_month_and_can_be_taken_back(self, app, payments, free_company):
        payments.subscribe(free_company)
        free_company.post("/plan/free")
        assert payments.subscription(free_company).cancel_at_period_end is True
        page = free_company.page.get("/plan").text
        assert "Your plan ends on" in page and "Keep this plan" in page
        assert "Your plan ends on" in free_company.page.get("/settings").text
        assert standing(app, free_company) == ("growth", "active")
        free_company.post("/plan/keep")
        assert payments.subscription(free_company).cancel_at_period_end is False
        assert "Your plan ends on" not in free_company.page.get("/plan").text
        assert inside(app, free_company, banner.read) == {}

    def test_the_same_plan_again_is_refused_in_words(self, payments, free_company):
        payments.subscribe(free_company)
        assert free_company.post("/plan/choose/growth").headers["Location"] == "/plan"
        assert "You have this plan." in free_company.page.get("/plan").text

    def test_nothing_to_cancel_or_keep_is_said(self, payments, free_company):
        free_company.post("/plan/free")
        assert "There is no paid plan to cancel." in free_company.page.get("/plan").text
        free_company.post("/plan/keep")
        assert "The plan is not about to end." in free_company.page.get("/plan").text

    def test_card_and_invoices_lead_to_the_portal_of_this_company(self, payments, free_company):
        free_company.post("/plan/manage")
        assert "There is nothing to manage yet" in free_company.page.get("/plan").text
        payments.subscribe(free_company)
        url = free_company.post("/plan/manage").headers["Location"]
        _status, text, _page = payments.open(url)
        assert "Visa •••• 4242" in text and "Invoice history" in text


class TestRights:
    def test_admins_look_and_owners_alone_change(self, app, payments, free_company):
        admin = add_member(app, free_company, role="admin")
        page = admin.get("/plan").text
        assert "Only an owner of your company can change the plan." in page
        assert "Choose Growth" not in page and "/plan/choose" not in page
        as_admin = replace(free_company, page=admin)
        for path in ("/plan/choose/growth", "/plan/free", "/plan/keep", "/plan/manage"):
            answer = as_admin.post(path)
            assert (answer.status_code, "Your role does not allow this" in answer.text) == (403, True)
        assert payments.api.customers.list().data == []

    @pytest.mark.parametrize("role", ["marketer", "sales", "service", "read_only"])
    def test_others_do_not_see_what_is_paid(self, app, free_company, role):
        assert add_member(app, free_company, role=role).get("/plan").status_code == 403

    def test_an_unknown_plan_and_a_foreign_checkout_are_not_there(self, payments, free_company, other_company):
        assert free_company.post("/plan/choose/gold").status_code == 404
        free_company.post("/plan/choose/growth")
        mine = payments.box.world.store.first("checkout.session")["client_reference_id"]
        foreign, nobody = (
            other_company.page.get(f"/plan/return/{mine}"),
            other_company.page.get(f"/plan/return/{uuid4()}"),
        )
        assert (foreign.status_code, foreign.data) == (404, nobody.data)

    def test_the_free_plan_is_not_paid_for(self, payments, free_company):
        assert free_company.post("/plan/choose/free").headers["Location"] == "/plan"
        assert payments.api.customers.list().data == []


class TestStripeAway:
    def test_the_page_still_shows_the_plan_and_a_wish_is_said_to_wait(self, app, payments, free_company, monkeypatch):
        payments.subscribe(free_company)
        monkeypatch.setattr(gateway, "RETRIES", 0)
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            monkeypatch.setenv("STRIPE_API_BASE", f"http://127.0.0.1:{nobody.getsockname()[1]}")
            config.get.cache_clear()
            assert free_company.page.get("/plan").status_code == 200
            assert free_company.page.get("/plan/change/scale").headers["Location"] == "/plan"
            assert free_company.post("/plan/manage").headers["Location"] == "/plan"
            assert "Payments do not answer right now." in free_company.page.get("/plan").text
        assert standing(app, free_company) == ("growth", "active")

    def test_an_answer_that_got_lost_is_asked_again_and_is_one_subscription(
        self, app, payments, free_company, monkeypatch
    ):
        from saas.billing import gateway

        real = gateway.snapshots.session

        def lost(found):
            monkeypatch.setattr(gateway.snapshots, "session", real)
            raise gateway.StripeAway(gateway.StripeAway.message)

        monkeypatch.setattr(gateway.snapshots, "session", lost)
        assert free_company.post("/plan/choose/growth").headers["Location"] == "/plan"
        url = free_company.post("/plan/choose/growth").headers["Location"]
        assert len(payments.api.checkout.sessions.list().data) == 1
        payments.pay(url)
        payments.hand_all(free_company)
        assert len(payments.api.subscriptions.list().data) == 1
        assert standing(app, free_company) == ("growth", "active")


class TestLimitsBind:
    def test_creating_by_hand_stops_at_the_limit_and_shop_data_still_comes_in(self, app, free_company):
        inside(app, free_company, lambda: limits.set_all(limits={"contacts": 1, "shops": 1, "members": 1}))
        assert free_company.api("POST", "/customers", json={"email": "one@example.com"}).status_code == 201
        refused = free_company.api("POST", "/customers", json={"email": "two@example.com"})
        assert (refused.status_code, refused.json["error"]["code"]) == (402, "limit_reached")
        bulk = free_company.api(
            "POST", "/customers/bulk", json={"items": [{"external_id": "7", "email": "three@example.com"}]}
        )
        assert bulk.json["items"][0]["status"] == "created"
        shop = {"kind": "generic", "name": "Shop"}
        assert free_company.api("POST", "/shops", json=shop).status_code == 201
        assert free_company.api("POST", "/shops", json=shop).status_code == 402

    def test_a_page_over_the_limit_says_why_and_leads_to_the_plans(self, app, free_company):
        inside(app, free_company, lambda: limits.set_all(limits={"members": 1}))
        answer = free_company.post("/settings/members", {"email": "new@example.com", "role": "sales"})
        assert answer.status_code == 402
        assert "Your plan has room for 1 people" in answer.text

    def test_mails_stop_at_the_months_limit(self, app, free_company):
        def send(number):
            return limits.require("mails_month", used=limits.count("mails_month", by=number) - number, wanted=number)

        inside(app, free_company, lambda: send(1_000))
        with pytest.raises(limits.OverLimit, match="1000 are used and this needs 1"):
            inside(app, free_company, lambda: send(1))
        assert free_company.api("GET", "/plan").json["limits"]["mails_month"] == {"used": 1_000, "most": 1_000}

    def test_read_only_stops_people_and_programs_and_shops_still_deliver(self, app, free_company):
        key = b"a secret of the shop, long enough"
        given = {"kind": "generic", "name": "Shop", "webhook_secret": "whsec_" + base64.b64encode(key).decode()}
        shop = free_company.api("POST", "/shops", json=given).json
        inside(app, free_company, lambda: limits.set_state("read_only"))
        page = free_company.post("/customers/new", {"email": "by-hand@example.com"})
        assert (page.status_code, "See plans" in page.text, "/plan" in page.text) == (402, True, True)
        refused = free_company.api("POST", "/customers/bulk", json={"items": [{"external_id": "1"}]})
        assert refused.status_code == 402
        body = json.dumps({"type": "customer.updated", "data": {"external_id": "7", "email": "seven@example.com"}})
        at = str(int(clock.now().timestamp()))
        mark = base64.b64encode(hmac.new(key, f"msg_1.{at}.{body}".encode(), hashlib.sha256).digest()).decode()
        headers = {"webhook-id": "msg_1", "webhook-timestamp": at, "webhook-signature": f"v1,{mark}"}
        assert app.test_client().post(path_of(shop["webhook_url"]), data=body, headers=headers).status_code == 200
        drain_outbox(app, free_company)
        assert [one["email"] for one in free_company.api("GET", "/customers").json["items"]] == ["seven@example.com"]
        assert free_company.page.get("/customers").status_code == 200

    def test_the_api_tells_plan_limits_and_use(self, free_company):
        free_company.api("POST", "/customers", json={"email": "one@example.com"})
        found = free_company.api("GET", "/plan").json
        assert (found["plan"], found["standing"], found["state"]) == ("free", "free", "active")
        assert found["limits"]["contacts"] == {"used": 1, "most": 500}
        assert found["limits"]["members"] == {"used": 1, "most": 2}

    def test_a_page_costs_few_queries(self, app, payments, free_company):
        payments.subscribe(free_company)
        free_company.page.get("/settings")
        with counted() as sent:
            free_company.page.get("/plan")
        assert len(sent) <= 12, sent
