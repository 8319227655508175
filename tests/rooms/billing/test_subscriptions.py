"""A plan's life: renewed, not paid, forgiven, ended, paid again; on Stripe's test clocks and on ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from saas.billing import (
    accounts,
    banner,
    checkouts,
    comparing,
    gateway,
    inbox,
    invoices,
    plans,
    standing,
    subscriptions,
)
from saas.billing.models import StripeEvent, Subscription
from saas.kit import clock, work
from saas.kit.db import db
from saas.tenancy import limits, tenants
from sandbox.stripe.world import Rules
from tests.payments import DAY, HOUR, START, inside, path_of
from workers.jobs import billing as jobs

FREE, GROWTH, SCALE = (plans.PLANS[key].limits for key in ("free", "growth", "scale"))


@pytest.fixture
def firm(free_company):
    return free_company


@pytest.fixture
def on_clock(payments, firm):
    """A company that subscribed to Growth on a test clock; answers the clock."""
    moved = payments.put_on_clock(firm)
    payments.subscribe(firm)
    return moved


def now_is(app, company) -> tuple:
    """Return plan, standing, whether the company may write, and what it may use."""

    def look():
        account = accounts.current()
        return account.plan, account.standing, tenants.current().state, limits.all_limits()

    return inside(app, company, look)


def break_card(payments, company, card: str = "pm_card_chargeCustomerFail") -> None:
    """Make a card that fails the one that is charged next."""
    payments.use_card(company, card)


def period_end(payments, company) -> int:
    return payments.subscription(company)["items"].data[0].current_period_end


def fall_due(payments, company, clock_id: str, *, days: float = 0) -> int:
    """Let the next renewal come and fail; returns the period's end."""
    end = period_end(payments, company)
    payments.pass_to(clock_id, int(end + 2 * HOUR + days * DAY))
    return end


class TestRenewal:
    def test_a_paid_month_follows_another(self, app, payments, firm, on_clock):
        before = inside(app, firm, accounts.current).renews_at
        payments.pass_to(on_clock, period_end(payments, firm) + 2 * HOUR)
        payments.hand_all(firm)
        assert now_is(app, firm) == ("growth", "active", "active", GROWTH)
        assert inside(app, firm, accounts.current).renews_at > before
        assert [row.status for row in inside(app, firm, invoices.listed)] == ["paid", "paid"]

    def test_a_planned_end_leads_to_the_free_plan_and_deletes_nothing(self, app, payments, firm, on_clock):
        firm.api("POST", "/customers", json={"email": "kept@example.com"})
        firm.post("/plan/free")
        payments.pass_to(on_clock, period_end(payments, firm) + HOUR)
        payments.hand_all(firm)
        assert now_is(app, firm) == ("free", "free", "active", FREE)
        assert len(firm.api("GET", "/customers").json["items"]) == 1
        assert "Choose Growth" in firm.page.get("/plan").text


class TestNotPaid:
    def test_a_failed_renewal_is_grace_then_read_only_and_paying_makes_it_whole(
        self, app, payments, firm, on_clock, mailbox
    ):
        break_card(payments, firm)
        fall_due(payments, firm, on_clock)
        payments.hand_all(firm)
        assert now_is(app, firm) == ("growth", "past_due", "active", GROWTH)
        assert "The last payment failed." in firm.page.get("/settings").text
        assert [letter["Subject"] for letter in mailbox.to(firm.email)] == ["The payment for Test Company failed"]
        assert "49.00" in mailbox.letters[0].get_body(("plain",)).get_content()
        assert firm.api("POST", "/customers", json={"email": "a@example.com"}).status_code == 201

        payments.pass_to(on_clock, period_end(payments, firm) - 20 * DAY)
        payments.hand_all(firm)
        assert payments.subscription(firm).status == "unpaid"
        assert now_is(app, firm) == ("free", "unpaid", "read_only", FREE)
        assert mailbox.to(firm.email)[-1]["Subject"] == "Test Company is read-only now"
        refused = firm.api("POST", "/customers", json={"email": "b@example.com"})
        assert (refused.status_code, refused.json["error"]["code"]) == (402, "limit_reached")
        assert len(firm.api("GET", "/customers").json["items"]) == 1
        page = firm.page.get("/plan").text
        assert "Read-only until the plan is paid." in page and "Pay €49.00" in page
        assert "Choose Scale" not in page and "Change to Scale" not in page

        owing = inside(app, firm, invoices.unpaid)
        good = payments.api.payment_methods.attach("pm_card_visa", {"customer": payments.customer(firm)})
        payments.api.customers.update(
            payments.customer(firm), {"invoice_settings": {"default_payment_method": good.id}}
        )
        payments.api.subscriptions.update(payments.subscription(firm).id, {"default_payment_method": good.id})
        assert "Invoice paid" in payments.open(owing.page_url, {"with": "saved"})[1]
        payments.hand_all(firm)
        assert now_is(app, firm) == ("growth", "active", "active", GROWTH)
        assert inside(app, firm, banner.read) == {}
        assert firm.api("POST", "/customers", json={"email": "b@example.com"}).status_code == 201

    def test_each_try_is_told_once_however_often_its_event_comes(self, payments, firm, on_clock, mailbox):
        break_card(payments, firm)
        fall_due(payments, firm, on_clock)
        for event in payments.events("invoice."):
            for copy in ("", "_again"):
                payments.hand({**event, "id": event["id"] + copy})
        payments.hand_all(firm)
        assert len(mailbox.to(firm.email)) == 1
        payments.pass_to(on_clock, payments.api.test_helpers.test_clocks.retrieve(on_clock).frozen_time + 3 * DAY)
        payments.hand_all(firm)
        assert len(mailbox.to(firm.email)) == 2

    def test_a_bank_that_asks_its_holder_is_said_and_leads_to_the_page(self, app, payments, firm, on_clock, mailbox):
        break_card(payments, firm, "pm_card_authenticationRequired")
        fall_due(payments, firm, on_clock)
        payments.hand_all(firm)
        assert inside(app, firm, banner.read)["kind"] == "confirm"
        assert mailbox.to(firm.email)[0]["Subject"] == "Please confirm the payment for Test Company"
        owing = inside(app, firm, invoices.unpaid)
        assert owing.page_url in firm.page.get("/plan").text
        challenge = payments.open(owing.page_url, {"with": "saved"})[2]
        assert "Invoice paid" in payments.open(challenge, {"answer": "complete"})[1]
        payments.hand_all(firm)
        assert now_is(app, firm)[:3] == ("growth", "active", "active")

    def test_when_stripe_gives_up_by_ending_it_the_company_is_read_only_too(
        self, app, payments, firm, on_clock, mailbox
    ):
        payments.box.world.rules = Rules(retry_days=(1,), after_dunning="canceled")
        break_card(payments, firm)
        fall_due(payments, firm, on_clock, days=2)
        payments.hand_all(firm)
        assert payments.subscription(firm).status == "canceled"
        assert now_is(app, firm) == ("free", "unpaid", "read_only", FREE)
        firm.post("/plan/free")
        assert now_is(app, firm) == ("free", "free", "active", FREE)
        assert firm.api("POST", "/customers", json={"email": "a@example.com"}).status_code == 201

    def test_or_it_subscribes_again(self, app, payments, firm, on_clock, mailbox):
        payments.box.world.rules = Rules(retry_days=(1,), after_dunning="canceled")
        break_card(payments, firm)
        fall_due(payments, firm, on_clock, days=2)
        payments.hand_all(firm)
        payments.subscribe(firm, "scale")
        assert now_is(app, firm) == ("scale", "active", "active", SCALE)

    def test_going_on_for_free_ends_what_is_not_paid_at_once(self, app, payments, firm, on_clock, mailbox):
        break_card(payments, firm)
        fall_due(payments, firm, on_clock)
        payments.hand_all(firm)
        firm.post("/plan/free")
        assert payments.subscription(firm).status == "canceled"
        assert now_is(app, firm) == ("free", "free", "active", FREE)

    def test_grace_ends_after_three_weeks_whatever_stripe_is_set_to(self, app, payments, firm, on_clock, mailbox):
        payments.box.world.rules = Rules(retry_days=(1,), after_dunning="past_due")
        break_card(payments, firm)
        fall_due(payments, firm, on_clock, days=2)
        payments.hand_all(firm)
        assert now_is(app, firm)[1] == "past_due"
        with clock.travel(to=clock.now() + standing.GRACE + timedelta(hours=1)):
            with app.app_context():
                jobs.compare(run_at=datetime(2026, 1, 1, tzinfo=UTC).isoformat())
            assert now_is(app, firm) == ("free", "unpaid", "read_only", FREE)

    def test_a_closed_company_is_not_opened_by_paying(self, app, payments, firm):
        payments.subscribe(firm)
        inside(app, firm, lambda: limits.set_state("closed"))
        inside(app, firm, lambda: standing.settle(accounts.hold()))
        assert now_is(app, firm)[2] == "closed"


class TestJudging:
    """How a company stands, from its subscriptions alone."""

    NOW = datetime(2026, 11, 21, tzinfo=UTC)

    def row(self, status: str, *, plan: str = "growth", **more) -> Subscription:
        given = {
            "period_end_at": self.NOW,
            "asked_at": self.NOW,
            "started_at": self.NOW,
            "end_reason": "",
            "let_go": False,
            "ends_at": None,
        }
        return Subscription(plan=plan, status=status, **{**given, **more})

    def judge(self, *rows):
        found = standing.judge(list(rows), now=self.NOW)
        return found and (found.plan, found.standing)

    def test_nothing_ever_began(self):
        assert self.judge() is None
        assert self.judge(self.row("incomplete"), self.row("incomplete_expired")) is None

    @pytest.mark.parametrize("status", ["trialing", "active"])
    def test_on(self, status):
        assert self.judge(self.row(status)) == ("growth", status)

    @pytest.mark.parametrize(
        ("days", "found"), [(0, ("growth", "past_due")), (20.9, ("growth", "past_due")), (21, ("free", "unpaid"))]
    )
    def test_grace(self, days, found):
        assert self.judge(self.row("past_due", past_due_at=self.NOW - timedelta(days=days))) == found

    @pytest.mark.parametrize("status", ["unpaid", "paused"])
    def test_owing(self, status):
        assert self.judge(self.row(status)) == ("free", "unpaid")

    def test_ended_by_wish_and_by_not_paying(self):
        assert self.judge(self.row("canceled", end_reason="cancellation_requested")) == ("free", "free")
        assert self.judge(self.row("canceled", end_reason="payment_failed")) == ("free", "unpaid")
        assert self.judge(self.row("canceled", end_reason="payment_failed", let_go=True)) == ("free", "free")

    def test_what_is_paid_counts_before_what_is_owed_and_the_dearer_plan_before_the_cheaper(self):
        assert self.judge(self.row("canceled", end_reason="payment_failed"), self.row("active")) == ("growth", "active")
        assert self.judge(self.row("unpaid"), self.row("active", plan="scale")) == ("scale", "active")
        found = standing.judge([self.row("active"), self.row("active", plan="scale")], now=self.NOW)
        assert (found.plan, found.double) == ("scale", True)


class TestMoneyBack:
    def test_a_refund_and_a_dispute_are_noted_on_the_invoice(self, app, payments, firm):
        payments.subscribe(firm)
        charge = payments.api.charges.list({"customer": payments.customer(firm)}).data[0]
        payments.api.refunds.create({"charge": charge.id, "amount": 1_000})
        payments.hand_all(firm)
        assert inside(app, firm, invoices.listed)[0].refunded_amount == 1_000
        assert "Partly refunded" in firm.page.get("/plan").text
        payments.open(f"/home/charges/{charge.id}/dispute", {})
        payments.hand_all(firm)
        assert inside(app, firm, invoices.listed)[0].dispute == "needs_response"
        assert "Disputed" in firm.page.get("/plan").text
        assert now_is(app, firm)[:2] == ("growth", "active")

    def test_a_deleted_customer_ends_its_plan_and_a_new_one_can_be_made(self, app, payments, firm):
        payments.subscribe(firm)
        payments.api.customers.delete(payments.customer(firm))
        payments.hand_all(firm)
        assert now_is(app, firm) == ("free", "free", "active", FREE)
        assert payments.customer(firm) is None


class TestTrial:
    def test_it_counts_and_is_told_of_before_it_ends(self, app, payments, firm, mailbox):
        clock_id = payments.put_on_clock(firm)
        payments.subscribe(firm)
        payments.api.subscriptions.update(
            payments.subscription(firm).id, {"trial_end": START + 14 * DAY, "proration_behavior": "none"}
        )
        payments.hand_all(firm)
        assert now_is(app, firm)[:2] == ("growth", "trialing")
        payments.pass_to(clock_id, START + 11 * DAY + HOUR)
        payments.hand_all(firm)
        assert [letter["Subject"] for letter in mailbox.to(firm.email)] == [
            "The trial of Test Company ends on February 14, 2026"
        ]


class TestComparing:
    def compare(self, app):
        with app.app_context():
            jobs.compare(run_at=datetime(2026, 1, 2, tzinfo=UTC).isoformat())

    def test_what_nobody_told_us_of_is_found(self, app, payments, firm):
        payments.pay(firm.post("/plan/choose/growth").headers["Location"])
        self.compare(app)
        assert now_is(app, firm) == ("growth", "active", "active", GROWTH)

    def test_an_end_nobody_told_us_of_is_found(self, app, payments, firm):
        payments.subscribe(firm)
        payments.api.subscriptions.cancel(payments.subscription(firm).id)
        self.compare(app)
        assert now_is(app, firm) == ("free", "free", "active", FREE)

    def test_what_agrees_is_not_asked_for(self, app, payments, firm):
        payments.subscribe(firm)
        with app.app_context(), work.platform_unit(reason="a test"):
            assert firm.tenant_id not in comparing.differing(list(gateway.all_subscriptions()))

    def test_old_events_are_thrown_away(self, app, payments, firm):
        payments.subscribe(firm)
        with clock.travel(to=clock.now() + timedelta(days=36)):
            inside(app, firm, inbox.tidy)
        assert inside(app, firm, lambda: db.session.scalars(db.select(StripeEvent)).all()) == []


class TestGivenPlans:
    def test_a_company_that_never_subscribed_keeps_what_it_was_given(self, app, payments, company):
        inside(app, company, lambda: standing.settle(accounts.hold()))
        assert inside(app, company, limits.all_limits) == SCALE
        assert company.api("GET", "/plan").json["plan"] == "scale"

    def test_two_plans_at_once_are_said(self, app, payments, firm):
        payments.subscribe(firm)
        price = payments.api.prices.list({"lookup_keys": ["regulars_growth_monthly"]}).data[0].id
        card = payments.subscription(firm).default_payment_method
        given = {"customer": payments.customer(firm), "items": [{"price": price}], "default_payment_method": card}
        payments.api.subscriptions.create(given)
        payments.hand_all(firm)
        assert inside(app, firm, banner.read)["kind"] == "double"
        assert "Two plans are being paid." in firm.page.get("/settings").text


class TestCheckouts:
    def test_a_wish_of_yesterday_is_a_new_one(self, app, payments, firm):
        first = inside(app, firm, lambda: checkouts.wish(plan="growth"))
        assert inside(app, firm, lambda: checkouts.wish(plan="growth")) == first
        with clock.travel(to=clock.now() + timedelta(hours=21)):
            assert inside(app, firm, lambda: checkouts.wish(plan="growth")) != first

    def test_while_an_invoice_is_open_another_plan_has_to_wait(self, app, payments, firm, on_clock, mailbox):
        break_card(payments, firm)
        fall_due(payments, firm, on_clock)
        payments.hand_all(firm)
        with pytest.raises(checkouts.PayFirst):
            inside(app, firm, lambda: checkouts.wish(plan="scale"))

    def test_nothing_to_keep_is_refused(self, app, firm):
        with pytest.raises(subscriptions.NoPlanToChange):
            inside(app, firm, subscriptions.keep)

    def test_the_way_back_is_the_companys_own(self, payments, firm):
        assert path_of(payments.subscribe(firm)).startswith("/plan/return/")
