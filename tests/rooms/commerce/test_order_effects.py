"""What follows from orders: figures that are counted and not added, and entries in the timeline."""

from __future__ import annotations

from random import Random

from sqlalchemy import func, select

from saas.commerce import order_effects, orders
from saas.commerce.models import NO_SOURCE
from saas.customers import facts, identity, profiles
from saas.customers.models import Customer, TimelineEntry
from saas.kit import work
from saas.kit.db import db
from tests.rooms.commerce.browsers import VISITOR, at


def order(key, minutes, *, hours=0, **more):
    return {
        "external_id": key, "placed_at": at(minutes), "updated_at": at(minutes + 60 * hours), "currency": "EUR",
        "customer": {"external_id": "c1", "email": "ann@shop.example"},
        "lines": [{"product": "p1", "quantity": 2, "unit_price": "2.50"}], **more,
    }  # fmt: skip


def record(company, *items):
    with work.unit(tenant_id=company.tenant_id):
        for result in orders.record_many(items, NO_SOURCE):
            assert result.status != "failed", result.error


def told(company, email="ann@shop.example"):
    with work.unit(tenant_id=company.tenant_id):
        customer = identity.find("email", email)
        held = facts.of([customer])[customer]
        return (
            held.orders_count,
            held.items_count,
            held.spent_amount,
            held.refunded_amount,
            held.first_order_at,
            held.last_order_at,
        )


def entries(company):
    with work.unit(tenant_id=company.tenant_id):
        kinds = TimelineEntry.kind.in_(["order", "refund"])
        rows = db.session.scalars(select(TimelineEntry).where(kinds).order_by(TimelineEntry.at, TimelineEntry.title))
        return [(row.kind, row.title, row.link.split("/")[1]) for row in rows]


class TestCount:
    def test_orders_and_refunds_are_counted(self, context, company, drain):
        record(
            company,
            order("1", 0),
            order("2", 10, shipping="1.00", refunds=[{"external_id": "r", "amount": "2.00", "at": at(20)}]),
        )
        drain(company)
        assert told(company) == (2, 4, 1100, 200, at(0), at(10))
        assert entries(company) == [
            ("order", "Order 1", "orders"),
            ("order", "Order 2", "orders"),
            ("refund", "Refund of 2.00 EUR for order 2", "orders"),
        ]

    def test_what_failed_or_was_cancelled_does_not_count(self, context, company, drain):
        record(company, order("1", 0), order("2", 10, status="failed"), order("3", 20, status="pending"))
        drain(company)
        assert told(company)[0] == 2
        record(company, order("1", 0, hours=1, status="cancelled"))
        drain(company)
        assert told(company) == (1, 2, 500, 0, at(20), at(20))
        assert entries(company)[0] == ("order", "Order 1 (cancelled)", "orders")

    def test_another_currency_counts_without_its_money(self, context, company, drain):
        record(
            company,
            order("1", 0),
            order("2", 10, currency="JPY", lines=[{"product": "p", "quantity": 1, "unit_price": "900"}]),
        )
        drain(company)
        assert told(company)[:3] == (2, 3, 500)

    def test_a_return_is_money_back_and_no_purchase(self, context, company, drain):
        record(company, order("1", 0), order("2", 10, lines=[{"product": "p1", "quantity": -1, "unit_price": "2.50"}]))
        drain(company)
        assert told(company) == (1, 1, 250, 0, at(0), at(0))

    def test_an_order_that_changes_hands_is_taken_from_the_first(self, context, company, drain):
        record(company, order("1", 0))
        drain(company)
        record(company, order("1", 0, hours=1, customer={"external_id": "c2", "email": "bob@shop.example"}))
        drain(company)
        assert (told(company)[0], told(company, "bob@shop.example")[0]) == (0, 1)
        with work.unit(tenant_id=company.tenant_id):
            bob = identity.find("email", "bob@shop.example")
            owners = set(db.session.scalars(select(TimelineEntry.customer_id).where(TimelineEntry.kind == "order")))
            assert owners == {bob}

    def test_a_deleted_customer_stops_nothing(self, context, company, drain):
        record(company, order("1", 0))
        with work.unit(tenant_id=company.tenant_id):
            profiles.delete(identity.find("email", "ann@shop.example"))
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(select(func.count()).select_from(TimelineEntry)) == 0

    def test_any_order_of_arrival_ends_in_the_same_figures(self, context, company, drain):
        random, wanted = Random(7), None
        for number in range(8):
            mail = {"external_id": f"c{number}", "email": f"ann{number}@shop.example"}
            history = [
                order(f"{number}-1", 0, customer=mail), order(f"{number}-1", 0, hours=1, status="fulfilled", customer=mail),
                order(f"{number}-2", 5, customer=mail, refunds=[{"external_id": "r", "amount": "1.00", "at": at(9)}]),
                order(f"{number}-2", 5, hours=2, customer=mail, lines=[{"product": "p2", "quantity": 1, "unit_price": "9.00"}]),
                order(f"{number}-3", 7, status="pending", customer=mail), order(f"{number}-3", 7, hours=3, status="cancelled", customer=mail),
            ]  # fmt: skip
            random.shuffle(history)
            for item in [*history, *random.sample(history, 2)]:
                record(company, item)
            drain(company)
            reached = told(company, mail["email"])
            wanted = wanted or reached
            assert reached == wanted == (2, 3, 1400, 100, at(0), at(5))

    def test_five_hundred_orders_take_no_more_statements_than_one(self, context, company):
        from sqlalchemy import event

        def statements(first, last):
            record(
                company,
                *[
                    order(f"o{n}", n, customer={"external_id": f"c{n}"}, visitor=f"{VISITOR}-{n}")
                    for n in range(first, last)
                ],
            )
            with work.unit(tenant_id=company.tenant_id):
                customers = list(db.session.scalars(select(Customer.id)))
                ids = [orders.by_key(f"o{n}", NO_SOURCE).id for n in range(first, last)]
                said = []
                engine = db.engines[None]
                listener = lambda *args: said.append(args[2])  # noqa: E731
                event.listen(engine, "before_cursor_execute", listener)
                order_effects.apply(order_ids=ids, customer_ids=customers[-(last - first) :])
                db.session.flush()
                event.remove(engine, "before_cursor_execute", listener)
                return len(said)

        assert statements(0, 1) == statements(1, 200)
