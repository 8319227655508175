"""Where Stripe tells us things: twice, late, in any order, wrongly signed, and about other companies."""

from __future__ import annotations

import copy
import json
import random

import pytest
import stripe

from saas.billing import accounts, gateway, plans
from saas.billing.models import Invoice, Notice, StripeEvent, Subscription
from saas.kit import work
from saas.kit.db import db
from saas.tenancy import limits
from tests.companies import found_company
from tests.payments import HOUR, inside


def standing(app, company):
    account = inside(app, company, accounts.current)
    return (account.plan, account.standing) if account else (None, "free")


def stored(app, company):
    return inside(app, company, lambda: db.session.scalars(db.select(StripeEvent.event)).all())


@pytest.fixture
def paid(payments, free_company):
    """A company that has just paid, of which nobody has told us yet."""
    payments.pay(free_company.post("/plan/choose/growth").headers["Location"])
    return free_company


class TestOnce:
    def test_what_comes_twice_is_stored_and_taken_once(self, app, payments, paid, drain):
        events = payments.events()
        for event in events:
            assert payments.hand(event).json["status"] in ("stored", "nobody's")
        for event in events:
            assert payments.hand(event).json["status"] in ("known", "nobody's")
        drain(paid)
        found = stored(app, paid)
        assert len(found) == len(set(found)) > 3
        assert standing(app, paid) == ("growth", "active")

    @pytest.mark.parametrize("seed", range(4))
    def test_in_any_order_it_ends_the_same(self, app, payments, paid, seed):
        order = random.Random(seed)
        payments.hand_all(paid, order=lambda events: order.sample(events, len(events)))
        assert standing(app, paid) == ("growth", "active")
        assert len(inside(app, paid, lambda: db.session.scalars(db.select(Subscription)).all())) == 1

    def test_an_old_event_that_comes_late_changes_nothing_back(self, app, payments, paid, drain):
        created = next(event for event in payments.events("customer.subscription.created"))
        payments.hand_all(paid)
        subscription = payments.subscription(paid)
        payments.api.subscriptions.cancel(subscription.id)
        payments.hand_all(paid)
        assert standing(app, paid) == ("free", "free")
        payments.hand({**created, "id": "evt_late"})
        drain(paid)
        assert standing(app, paid) == ("free", "free")

    def test_what_the_event_itself_says_is_not_believed(self, app, payments, paid, drain):
        payments.hand_all(paid)
        event = copy.deepcopy(
            payments.api.events.list({"type": "customer.subscription.created"}).data[0].to_dict(for_json=True)
        )
        event["id"] = "evt_forged"
        event["data"]["object"]["status"] = "canceled"
        event["data"]["object"]["items"]["data"][0]["price"]["product"] = "regulars_scale"
        assert payments.hand(event).json == {"status": "stored"}
        drain(paid)
        assert standing(app, paid) == ("growth", "active")


class TestHistories:
    """A long life of a plan, told in many wrong orders, ends where the right one does."""

    def live(self, payments, company) -> None:
        clock_id = payments.put_on_clock(company)
        payments.pay(company.post("/plan/choose/growth").headers["Location"])
        held, api = payments.subscription(company), payments.api
        item = held["items"].data[0].id

        def change(plan):
            api.subscriptions.update(held.id, {"items": [{"id": item, "price": gateway.price(plans.PLANS[plan])}],
                                               "proration_behavior": "always_invoice"})  # fmt: skip

        change("scale")
        change("growth")
        seats = {"price": gateway.seat_price(plans.PLANS["growth"]), "quantity": 2}
        api.subscriptions.update(held.id, {"items": [seats], "proration_behavior": "always_invoice"})
        api.coupons.create({"id": "tenth", "percent_off": 10, "duration": "forever", "name": "Tenth"})
        api.subscriptions.update(held.id, {"discounts": [{"coupon": "tenth"}]})
        charge = api.charges.list({"customer": payments.customer(company)}).data[-1]
        api.refunds.create({"charge": charge.id, "amount": 1_000})
        payments.open(f"/home/charges/{charge.id}/dispute", {})
        api.subscriptions.update(held.id, {"cancel_at_period_end": True})
        api.subscriptions.update(held.id, {"cancel_at_period_end": False})
        api.customers.update(payments.customer(company), {"balance": -500})
        payments.use_card(company, "pm_card_chargeCustomerFail")
        payments.pass_to(clock_id, held["items"].data[0].current_period_end + 2 * HOUR)

    def forget(self, app, company) -> None:
        """Forget everything Stripe ever told, as if the events had not come yet."""

        def act():
            for model in (StripeEvent, Invoice, Subscription, Notice):
                db.session.execute(db.delete(model))
            account = accounts.hold()
            account.plan, account.standing, account.seats, account.credit_amount = None, "free", 0, 0
            limits.set_all(limits=plans.PLANS["free"].limits)

        inside(app, company, act)

    def seen(self, app, company) -> tuple:
        def look():
            account = accounts.current()
            rows = db.session.scalars(db.select(Subscription).order_by(Subscription.stripe_id)).all()
            issued = db.session.scalars(db.select(Invoice).order_by(Invoice.stripe_id)).all()
            return (
                (account.plan, account.standing, account.seats, account.credit_amount, account.double),
                [(row.stripe_id, row.plan, row.status, row.seats, row.coupon, row.ends_at) for row in rows],
                [(row.stripe_id, row.status, row.due_amount, row.refunded_amount, row.dispute) for row in issued],
                limits.all_limits(),
            )

        return inside(app, company, look)

    def test_shuffled_doubled_and_in_pieces_it_ends_the_same(self, app, payments, free_company, drain, mailbox):
        self.live(payments, free_company)
        events = payments.events()
        assert len(events) > 50
        told = []
        for seed in range(5):
            order = random.Random(seed)
            story = list(events) if seed == 0 else order.sample(events, len(events)) + order.sample(events, 10)
            self.forget(app, free_company)
            for place, event in enumerate(story):
                assert payments.hand(event).status_code == 200
                if seed and order.random() < 0.1 * (seed % 3) or place == len(story) - 1:
                    drain(free_company)
            told.append(self.seen(app, free_company))
        assert told[0][0][:3] == ("growth", "past_due", 2)
        assert any(row[3] == 1_000 and row[4] for row in told[0][2])
        for other in told[1:]:
            assert other == told[0]


class TestWhose:
    def test_metadata_naming_another_company_moves_nothing(self, app, payments, paid, other_company, drain):
        for event in payments.events():
            event["data"]["object"]["metadata"] = {
                "tenant": str(other_company.tenant_id),
                "tenant_id": str(other_company.tenant_id),
            }
            payments.hand(event)
        drain(paid)
        assert standing(app, paid) == ("growth", "active")
        assert stored(app, other_company) == [] and standing(app, other_company) == (None, "free")

    def test_a_customer_of_one_and_a_checkout_of_another_is_nobodys(self, app, payments, paid):
        thief = found_company(app, plan="free")
        thief.post("/plan/choose/growth")
        theirs = inside(app, thief, accounts.current).customer
        event = payments.events("checkout.session.completed")[0]
        event["data"]["object"]["customer"] = theirs
        assert payments.hand(event).json == {"status": "nobody's"}
        assert stored(app, thief) == [] and standing(app, thief) == (None, "free")

    def test_a_subscription_of_somebody_else_is_not_taken_for_ones_own(self, app, payments, paid, drain):
        payments.hand_all(paid)
        foreign = payments.subscription(paid).id
        other = found_company(app, plan="free")
        other.post("/plan/choose/growth")
        event = payments.api.events.list({"type": "customer.subscription.created"}).data[0].to_dict(for_json=True)
        event["id"] = "evt_mixed"
        event["data"]["object"]["customer"] = inside(app, other, accounts.current).customer
        assert event["data"]["object"]["id"] == foreign
        assert payments.hand(event).json == {"status": "stored"}
        drain(other)
        assert standing(app, other) == (None, "free")

    def test_a_customer_nobody_knows_is_answered_and_left(self, payments):
        payments.api.customers.create({"email": "stranger@example.com"})
        assert [payments.hand(event).json for event in payments.events()] == [{"status": "nobody's"}]


class TestRefused:
    def test_a_wrong_signature_is_401_and_logged(self, payments, paid, caplog):
        event = payments.events()[0]
        answer = payments.hand(event, secret="whsec_wrong")
        assert (answer.status_code, answer.json["error"]["code"]) == (401, "bad_signature")
        assert "was refused" in caplog.text

    def test_too_old_and_from_tomorrow_are_401(self, payments, paid):
        event = payments.events()[0]
        assert payments.hand(event, at=1_700_000_000).status_code == 401
        assert payments.hand(event, at=4_000_000_000).status_code == 401

    def test_signed_nonsense_is_400_and_a_huge_body_413(self, app, payments):
        for body, status in (("{", 400), ("{}", 400), (json.dumps({"x": "y" * 1_000_001}), 413)):
            header = stripe.WebhookSignature.generate_signature_header(body, payments.secret)
            answer = app.test_client().post("/hooks/stripe", data=body, headers={"Stripe-Signature": header})
            assert answer.status_code == status

    def test_an_event_of_the_other_mode_is_400(self, payments, paid):
        event = payments.events()[0] | {"livemode": True}
        answer = payments.hand(event)
        assert (answer.status_code, answer.json["error"]["code"]) == (400, "wrong_mode")

    def test_nothing_is_read_without_a_body(self, app, payments):
        assert app.test_client().post("/hooks/stripe").status_code == 401
        assert app.test_client().get("/hooks/stripe").status_code == 405


class TestAway:
    def test_what_cannot_be_asked_now_waits_in_the_outbox(self, app, payments, paid, drain, monkeypatch):
        from saas.billing import gateway

        real = gateway.subscription

        def away(stripe_id):
            raise gateway.StripeAway

        monkeypatch.setattr(gateway, "subscription", away)
        for event in payments.events():
            assert payments.hand(event).status_code == 200
        with pytest.raises(gateway.StripeAway):
            drain(paid)
        assert standing(app, paid) == (None, "free")
        monkeypatch.setattr(gateway, "subscription", real)
        drain(paid)
        assert standing(app, paid) == ("growth", "active")

    def test_events_are_kept_behind_the_wall(self, app, payments, paid, other_company):
        payments.hand_all(paid)
        with app.app_context(), work.unit(tenant_id=other_company.tenant_id):
            assert db.session.scalars(db.select(StripeEvent)).all() == []
