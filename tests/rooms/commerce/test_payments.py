"""A company's own account at Stripe: what it tells becomes payments, refunds, disputes and payouts, joined to orders."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from saas.commerce import disputes, orders, payment_accounts, payments, payments_past, payouts
from saas.commerce.models import Refund
from saas.commerce.payment_models import Dispute, Payment, PaymentRefund, PaymentTold, Payout, PayoutLine
from saas.customers.models import TimelineEntry
from saas.kit import clock, work
from saas.kit.db import db
from saas.kit.outbox import OutboxEvent
from tests.till import Till, _till_box, account, connect, till  # noqa: F401


def order(key: str, *, total: str = "49.00", email: str = "ada@shop.example", **more: Any) -> dict[str, Any]:
    now = clock.now()
    return {
        "external_id": key, "number": key, "placed_at": now, "updated_at": now, "currency": "EUR", "status": "paid", "total": total,
        "customer": {"email": email}, "lines": [{"product": "p1", "quantity": 1, "unit_price": total}], **more,
    }  # fmt: skip


@pytest.fixture
def inside(app, company):
    """Run something in a unit of work of the company's."""

    def run(act):
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            return act()

    return run


@pytest.fixture
def recorded(inside, company, drain):
    """Record orders as a shop sends them, and let follow what follows."""

    def run(*items):
        found = inside(lambda: [result.id for result in orders.record_many(items)])
        drain(company)
        return found

    return run


@pytest.fixture
def told(inside):
    """The names of the events that were announced to whom journeys will listen."""

    def run():
        names = ("ShopperPaymentFailed", "ShopperPaymentSucceeded", "DisputeOpened", "DisputeClosed", "PayoutFailed")
        query = select(OutboxEvent.name).where(OutboxEvent.name.in_(names)).order_by(OutboxEvent.id)
        return inside(lambda: list(db.session.scalars(query)))

    return run


def rows(model, *names):
    """Return what a table says of the vendor's objects, without what is ours alone."""
    found = db.session.scalars(select(model).order_by(model.key))
    return [tuple(getattr(row, name) for name in names) for row in found]


def snapshot():
    """Return all that was learnt, without ids that are made anew each time."""
    names = {
        Payment: ("key", "charge", "state", "amount", "received_amount", "refunded_amount", "fee_amount", "disputed", "failure", "number"),
        PaymentRefund: ("key", "state", "amount", "payment_key"), Dispute: ("key", "state", "amount", "payment_key"),
        Payout: ("key", "state", "amount", "listed"), PayoutLine: ("key", "kind", "net_amount", "source"),
    }  # fmt: skip
    found = {model.__tablename__: rows(model, *columns) for model, columns in names.items()}
    query = select(Payment.key, orders.Order.external_id, orders.Order.refunded_amount).join(
        orders.Order, (orders.Order.tenant_id == Payment.tenant_id) & (orders.Order.id == Payment.order_id)
    )
    return found | {"joined": sorted(db.session.execute(query))}


class TestPayments:
    def test_a_payment_says_what_was_paid_how_and_what_it_cost(self, till, account, company, inside, told):
        key = till.pay(4900, metadata={"order_id": "1001"}, receipt_email="Ada@Shop.example")
        till.hand_all(company, account)
        row = inside(lambda: payments.listed().items[0])
        assert (row.key, row.state, row.amount, row.received_amount, row.currency) == (key, "succeeded", 4900, 4900, "EUR")  # fmt: skip
        assert (row.method, row.brand, row.last4, row.risk) == ("card", "visa", "4242", "normal")
        assert (row.fee_amount, row.net_amount, row.settled_currency) == (99, 4801, "EUR")
        assert (row.number, row.email) == ("1001", "ada@shop.example")
        assert told() == ["ShopperPaymentSucceeded"]

    def test_a_declined_one_says_why_and_stands_in_the_timeline(self, till, account, company, inside, recorded, told):
        recorded(order("1001", status="pending"))
        till.pay(4900, card="pm_card_visa_chargeDeclinedInsufficientFunds", metadata={"order_id": "1001"})
        till.hand_all(company, account)
        row = inside(lambda: payments.listed(state="failed").items[0])
        assert (row.failure, row.received_amount) == ("insufficient_funds", 0) and row.order_id and row.customer_id
        entries = inside(lambda: list(db.session.scalars(select(TimelineEntry).where(TimelineEntry.kind == "payment"))))
        assert [entry.details["failure"] for entry in entries] == ["insufficient_funds"]
        assert told() == ["ShopperPaymentFailed"]

    def test_one_that_went_through_after_all_is_one_payment(self, till, account, company, inside):
        key = till.pay(card="pm_card_visa_chargeDeclined", receipt_email="ada@shop.example")
        till.hand_all(company, account)
        till.api.payment_intents.confirm(key, {"payment_method": "pm_card_visa"})
        till.hand_all(company, account)
        assert [(row.key, row.state, row.failure) for row in inside(lambda: payments.listed().items)] == [(key, "succeeded", "")]  # fmt: skip

    @pytest.mark.parametrize(("currency", "amount", "ours"), [("jpy", 500, 500), ("kwd", 12340, 12340), ("eur", 1, 1), ("isk", 50000, 500)])  # fmt: skip
    def test_each_currency_has_its_own_smallest_unit(self, till, account, company, inside, currency, amount, ours):
        till.pay(amount, currency)
        till.hand_all(company, account)
        row = inside(lambda: payments.listed().items[0])
        assert (row.currency, row.amount) == (currency.upper(), ours)
        assert inside(lambda: payments.summed()[0]["received"]) == ours


class TestJoining:
    @pytest.mark.parametrize("first", ["order", "payment"])
    @pytest.mark.parametrize(
        ("item", "given"),
        [
            ({}, {"metadata": {"order_id": "1001"}}), ({"external_id": "77"}, {"metadata": {"order_number": "#1001"}}),
            ({}, {"description": "Fern & Kettle - Order 1001"}), ({"payment_reference": "KEY"}, {}),
            ({"payment_reference": ["", "wc_order_abc"]}, {"metadata": {"order_key": "wc_order_abc"}}),
        ],
        ids=["metadata", "number", "description", "reference", "order_key"],
    )  # fmt: skip
    def test_whichever_comes_first(self, till, account, company, inside, recorded, first, item, given):
        key = till.pay(4900, **given)
        item = {name: key if value == "KEY" else value for name, value in item.items()}
        steps = [lambda: recorded({**order("1001"), **item}), lambda: till.hand_all(company, account)]
        for step in steps if first == "order" else reversed(steps):
            step()
        row = inside(lambda: payments.listed().items[0])
        known = inside(lambda: orders.one(row.order_id))
        assert known.number == "1001" and row.customer_id == known.customer_id

    def test_two_shops_with_the_same_number_are_told_apart_by_the_sum_or_left_alone(self, till, account, company, inside, drain):  # fmt: skip
        from saas.commerce import shops

        def two(total):
            for name in ("One", "Two"):
                shop = shops.connect(kind="generic", name=name)[0]
                orders.record(order("1001", total="49.00" if name == "One" else total), shop.id)

        till.pay(4900, metadata={"order_id": "1001"})
        till.hand_all(company, account)
        inside(lambda: two("12.00"))
        drain(company)
        row = inside(lambda: payments.listed().items[0])
        assert inside(lambda: orders.one(row.order_id).total_amount) == 4900
        inside(lambda: orders.record(order("1001", total="49.00")))
        drain(company)
        assert inside(lambda: payments.listed().items[0].order_id) is None

    def test_another_currency_is_another_order(self, till, account, company, inside, recorded):
        recorded(order("1001", currency="USD"))
        till.pay(4900, metadata={"order_id": "1001"})
        till.hand_all(company, account)
        assert inside(lambda: payments.listed().items[0].order_id) is None

    def test_without_an_order_whoever_has_the_address_is_the_payer(self, till, account, company, inside, recorded):
        recorded(order("1001"))
        till.pay(700, receipt_email="ADA@shop.example")
        till.pay(800, receipt_email="nobody@shop.example")
        till.hand_all(company, account)
        found = {row.amount: (row.order_id, bool(row.customer_id)) for row in inside(lambda: payments.listed().items)}
        assert found == {700: (None, True), 800: (None, False)}


class TestRefunds:
    @pytest.mark.parametrize("first", ["shop", "stripe"])
    @pytest.mark.parametrize("key", ["1", "KEY"], ids=["by amount", "by id"])
    def test_told_by_both_it_is_one(self, till, account, company, inside, recorded, first, key):
        paid = till.pay(4900, metadata={"order_id": "1001"})
        recorded(order("1001"))
        till.hand_all(company, account)
        refund = till.refund(paid, 1500)
        given = {"external_id": refund if key == "KEY" else key, "amount": "15.00", "at": clock.now()}
        later = order("1001", updated_at=clock.now() + timedelta(seconds=5), refunds=[given])
        steps = [lambda: recorded(later), lambda: till.hand_all(company, account)]
        for step in steps if first == "shop" else reversed(steps):
            step()
        kept = inside(lambda: [row.key for row in db.session.scalars(select(Refund))])
        assert kept == [given["external_id"]]
        row = inside(lambda: payments.listed().items[0])
        assert row.refunded_amount == 1500 and inside(lambda: orders.one(row.order_id).refunded_amount) == 1500
        assert inside(lambda: payments.refunds_of([row.id])[0].refund_id) is not None

    def test_what_only_stripe_tells_is_the_orders_too_until_it_fails(self, till, account, company, inside, recorded):
        paid = till.pay(4900, card="pm_card_refundFail", metadata={"order_id": "1001"})
        good = till.pay(4900, metadata={"order_id": "1002"})
        made = recorded(order("1001"), order("1002"))
        till.hand_all(company, account)
        till.refund(paid, 1500)
        till.refund(good, 700)
        till.hand_all(company, account)
        assert inside(lambda: [orders.one(one).refunded_amount for one in made]) == [0, 700]

    def test_two_equal_refunds_are_two(self, till, account, company, inside, recorded):
        paid = till.pay(4900, metadata={"order_id": "1001"})
        made = recorded(order("1001", refunds=[{"external_id": name, "amount": "5.00"} for name in ("a", "b")]))
        till.refund(paid, 500)
        till.refund(paid, 500)
        till.hand_all(company, account)
        assert inside(lambda: orders.one(made[0]).refunded_amount) == 1000


class TestDisputes:
    def test_one_is_opened_waits_for_an_answer_and_is_won(self, till, account, company, inside, recorded, told):
        recorded(order("1001"))
        paid = till.pay(4900, card="pm_card_createDispute", metadata={"order_id": "1001"})
        till.hand_all(company, account)
        row = inside(lambda: disputes.to_answer()[0])
        assert (row.reason, row.amount, row.state) == ("fraudulent", 4900, "needs_answer") and row.due_at > clock.now()
        assert inside(disputes.waiting).disputes == 1 and row.customer_id
        till.settle(till.dispute_of(paid), "won")
        till.hand_all(company, account)
        assert inside(lambda: disputes.one(row.id).state) == "won" and inside(disputes.waiting).disputes == 0
        assert told() == ["ShopperPaymentSucceeded", "DisputeOpened", "DisputeClosed"]
        entries = inside(lambda: list(db.session.scalars(select(TimelineEntry).where(TimelineEntry.kind == "dispute"))))
        assert [entry.details["state"] for entry in entries] == ["won"]


class TestPayouts:
    def test_it_tells_what_it_is_made_of_and_the_sum_is_right(self, till, account, company, inside):
        first = till.pay(10_000)
        till.pay(5_000, card="pm_card_createDispute")
        till.refund(first, 2_500)
        till.pay_out()
        till.hand_all(company, account)
        row = inside(lambda: payouts.listed().items[0])
        made = inside(lambda: payouts.parts(row.id))
        assert row.listed and made["sum"] == row.amount == 10_000 - 175 + 5_000 - 100 - 2_500 - 5_000 - 1_500
        assert [(one["kind"], one["count"]) for one in made["kinds"]] == [("payment", 2), ("refund", 1), ("dispute", 1)]
        lines = inside(lambda: payouts.lines(row.id).items)
        behind = inside(lambda: payouts.behind(lines, account))
        assert all(line.source in behind for line in lines)

    def test_one_that_failed_is_told(self, till, account, company, inside, told):
        till.pay(10_000)
        till.pay_out(status="failed", failure="account_closed")
        till.hand_all(company, account)
        row = inside(lambda: payouts.listed(state="failed").items[0])
        assert row.failure == "account_closed" and told()[-1] == "PayoutFailed"


def a_week_of_trade(till: Till, chance: random.Random) -> None:
    """Things happen in the account, in an order that chance decides."""
    cards = (
        "pm_card_visa",
        "pm_card_visa",
        "pm_card_visa_chargeDeclined",
        "pm_card_createDispute",
        "pm_card_pendingRefund",
    )
    paid: list[str] = []
    for number in range(6):
        key = till.pay(1000 + number, card=chance.choice(cards), metadata={"order_id": str(2000 + number)})
        paid.append(key)
        picked = till.api.payment_intents.retrieve(chance.choice(paid))
        if picked.status == "succeeded" and chance.random() < 0.5:
            till.refund(picked.id, 100)
        if chance.random() < 0.3:
            till.pay_out()
    for dispute in till.api.disputes.list({}).data:
        if chance.random() < 0.5:
            till.settle(dispute.id, chance.choice(["won", "lost"]))


class TestAnyOrder:
    @pytest.mark.parametrize("seed", range(6))
    def test_shuffled_doubled_and_lost_events_end_in_the_same(self, app, till, other_company, company, account, drain, seed):  # fmt: skip
        """One company hears all in order, the other shuffled, twice, and some never; a comparison repairs what was lost."""
        chance = random.Random(seed)
        second = connect(app, other_company, till.shop.key())
        for number in range(6):
            for one in (company, other_company):
                with app.app_context(), work.unit(tenant_id=one.tenant_id):
                    orders.record(order(str(2000 + number), total=f"{(1000 + number) / 100:.2f}"))
        drain(company)
        drain(other_company)
        for _part in range(2):
            a_week_of_trade(till, chance)
            events = till.events()
            till.hand_all(company, account, events=events)
            mixed = [event for event in events + events if chance.random() < 0.8]
            chance.shuffle(mixed)
            till.hand_all(other_company, second, events=mixed)
        till.fetch(other_company, second)
        till.fetch(company, account)
        drain(company)
        drain(other_company)
        found = []
        for one in (company, other_company):
            with app.app_context(), work.unit(tenant_id=one.tenant_id):
                found.append(snapshot())
        assert found[0] == found[1]
        assert len(found[0]["joined"]) == 12 and found[0]["payouts"] is not None


class TestThePast:
    def test_it_comes_newest_first_in_pages_and_starts_nothing(self, till, account, company, inside, told, monkeypatch):
        from saas.commerce.connectors import stripe

        monkeypatch.setattr(stripe, "MANY", 3)
        for number in range(7):
            till.pay(1000 + number, card="pm_card_createDispute" if number == 3 else "pm_card_visa")
        till.pay(900, card="pm_card_visa_chargeDeclined")
        till.pay_out()
        till.fetch(company, account)
        assert inside(lambda: len(payments.listed().items)) == 8 and inside(disputes.waiting).disputes == 1
        row = inside(lambda: payouts.listed().items[0])
        assert row.listed and inside(lambda: payouts.parts(row.id)["sum"]) == row.amount
        state = inside(lambda: payment_accounts.one(account).backfill)
        assert state["state"] == "done" and state["done"]["payments"]["fetched"] == 8 and told() == []

    def test_asked_to_wait_it_waits_as_long_as_it_is_asked_and_goes_on_where_it_was(self, app, till, account, company, inside):  # fmt: skip
        till.pay()
        till.shop.trouble += [(429, {"Retry-After": "40"})]
        with app.app_context():
            assert payments_past.advance(company.tenant_id, account) is True
            assert payments_past.advance(company.tenant_id, account) is False  # it is left alone
        left = inside(lambda: payment_accounts.one(account).backfill["leased_until"])
        assert left > (clock.now() + timedelta(seconds=20)).isoformat()

        def forget_pause():
            held = payment_accounts.one(account, lock=True)
            held.backfill = {**held.backfill, "leased_until": None}

        inside(forget_pause)
        till.fetch(company, account)
        assert inside(lambda: len(payments.listed().items)) == 1

    def test_the_nightly_comparison_repairs_what_no_webhook_told(self, till, account, company, inside):
        paid = till.pay(4900)
        till.fetch(company, account)
        till.refund(paid, 900)

        def a_day_later():
            held = payment_accounts.one(account, lock=True)
            held.compared_at -= timedelta(days=2)

        inside(a_day_later)
        till.fetch(company, account)
        assert inside(lambda: payments.listed().items[0].refunded_amount) == 900
        assert inside(lambda: len(db.session.scalars(select(PaymentRefund)).all())) == 1

    def test_an_answer_that_was_long_on_its_way_replaces_nothing_newer(self, till, account, company, inside):
        from saas.commerce import payment_writing
        from saas.commerce.connectors import stripe

        paid = till.pay(4900)
        way = inside(lambda: payment_accounts.way_into(payment_accounts.one(account)))
        asked, old = clock.now(), stripe.payment(way, paid)
        till.refund(paid, 900)
        till.hand_all(company, account)
        inside(lambda: payment_writing.payments(payment_accounts.one(account), [old], asked_at=asked))
        assert inside(lambda: payments.listed().items[0].refunded_amount) == 900


class TestBadInput:
    def test_what_cannot_be_understood_waits_with_a_reason(self, till, account, company, inside):
        paid = till.pay(4900)
        with till.shop.world.turn():
            till.shop.world.one("payment_intent", paid)["currency"] = "?!"
        till.hand_all(company, account)
        waiting = inside(lambda: list(db.session.scalars(select(PaymentTold).where(PaymentTold.done_at.is_(None)))))
        assert waiting and all("is no currency" in one.reason for one in waiting)
        assert inside(lambda: payment_accounts.not_understood(account)) == len(waiting)
        assert inside(lambda: payments.listed().items) == []

    @pytest.mark.parametrize("amount", [None, "12", 1.5, 10**16, True])
    def test_an_amount_that_is_none_is_refused(self, amount):
        from saas.commerce.connectors import stripe_shapes

        with pytest.raises(stripe_shapes.Unmappable):
            stripe_shapes.payment({"object": "payment_intent", "id": "pi_1", "amount": amount, "currency": "eur", "created": 1})  # fmt: skip

    def test_a_currency_nobody_knows_and_a_negative_amount_are_taken_as_they_are(self):
        from saas.commerce.connectors import stripe_shapes

        line = {"id": "txn_1", "type": "refund", "amount": -500, "net": -500, "fee": 0, "currency": "xqz", "created": 1}
        assert stripe_shapes.line(line)["net_amount"] == -500
        assert stripe_shapes.amount(500, "UGX") == 5 and stripe_shapes.amount(500, "JPY") == 500


class TestPeople:
    def test_erasing_somebody_reaches_their_payments(self, till, account, company, inside, recorded):
        from saas.integrations import erasures

        recorded(order("1001"))
        till.pay(4900, card="pm_card_createDispute", metadata={"order_id": "1001"}, receipt_email="ada@shop.example")
        till.pay(100, receipt_email="ada@shop.example")
        till.hand_all(company, account)
        whose = inside(lambda: payments.listed().items[0].customer_id)
        inside(lambda: erasures.erase_now(whose) and None)
        left = inside(lambda: rows(Payment, "customer_id", "email", "number", "last4"))
        assert left == [(None, "", "", "")] * 2
        assert inside(lambda: rows(Dispute, "customer_id", "reason")) == [(None, "")]

    def test_payments_go_along_when_two_become_one_and_back_when_they_part(self, till, account, company, inside, recorded):  # fmt: skip
        from saas.customers import merging, unmerging

        made = recorded(order("1001"), order("1002", email="ada.old@shop.example"))
        till.pay(4900, metadata={"order_id": "1002"})
        till.hand_all(company, account)
        winner, loser = inside(lambda: [orders.one(one).customer_id for one in made])
        merge = inside(lambda: merging.merge(winner_id=winner, loser_id=loser).id)
        assert inside(lambda: payments.listed().items[0].customer_id) == winner
        inside(lambda: unmerging.unmerge(merge) and None)
        assert inside(lambda: payments.listed().items[0].customer_id) == loser
