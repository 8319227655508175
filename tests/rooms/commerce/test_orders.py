"""Orders: the same state whatever order they come in, twice or late; odd lines taken as they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

from sqlalchemy import select

from saas.catalog import products
from saas.commerce import orders
from saas.commerce.models import Order, OrderLine, Refund
from saas.customers import identity
from saas.customers.models import Customer
from saas.kit.db import db
from tests.queries import counted

SHOP = uuid4()
DAY = datetime(2026, 5, 1, 12, tzinfo=UTC)


def order(key="1001", *, hours=0, **more):
    return {
        "external_id": key, "number": f"#{key}", "placed_at": DAY, "updated_at": DAY + timedelta(hours=hours), "status": "paid",
        "currency": "GBP", "customer": {"external_id": "c1", "email": "c1@shop.example"},
        "lines": [{"product": "p1", "quantity": 2, "unit_price": "2.550"}], "refunds": [], **more,
    }  # fmt: skip


def placed(first, last):
    """Orders of as many people and browsers, each with lines, and a refund for every third."""
    return [
        order(
            str(n), visitor=f"browser-of-number-{n:06d}", customer={"external_id": f"c{n}", "email": f"c{n}@shop.example"},
            lines=[{"product": f"p{n % 7}", "quantity": 1, "unit_price": "2.550"}] * 3,
            refunds=[{"external_id": f"r{n}", "amount": "1.00"}] if n % 3 == 0 else [],
        )
        for n in range(first, last)
    ]  # fmt: skip


class TestManyAtOnce:
    def test_the_number_of_statements_does_not_grow_with_the_number_of_orders(self, tenant):
        orders.record_many(placed(0, 3), SHOP)
        with counted() as few:
            orders.record_many(placed(10, 14), SHOP)
        with counted() as many:
            orders.record_many(placed(100, 400), SHOP)
        assert len(many) <= len(few) + 2  # one event tells of 50 browsers, a longer list of names is cut

    def test_each_browser_is_its_buyers_and_the_last_order_counts(self, tenant):
        orders.record_many(placed(1, 60), SHOP)
        after = {"placed_at": DAY + timedelta(hours=1)}
        later = order("99", visitor="browser-of-number-000007", customer={"external_id": "c8"}, **after)
        orders.record_many([later], SHOP)
        names = [("external", SHOP, "c7"), ("external", SHOP, "c8")]
        known = identity.find_many(names)
        assert identity.visitor("browser-of-number-000008") == (known["external", SHOP, "c8"], True)
        assert identity.visitor("browser-of-number-000007") == (known["external", SHOP, "c8"], True)

    def test_a_refund_that_waited_finds_its_order_among_many(self, tenant):
        orders.record_refund({"external_id": "early", "amount": "2.00"}, order_key="41", source_id=SHOP)
        results = orders.record_many(placed(40, 45), SHOP)
        assert [orders.one(one.id).refunded_amount for one in results] == [0, 200, 100, 0, 0]


class TestRecordMany:
    def test_money_is_exact(self, tenant):
        result = orders.record(
            order(lines=[{"product": "a", "quantity": 3, "unit_price": "0.001"}], shipping="1.20", discount="0.20"),
            SHOP,
        )
        held = orders.one(result.id)
        assert (held.lines_micros, held.total_amount) == (3000, 100)

    def test_twice_is_once(self, tenant):
        first, second = orders.record(order(), SHOP), orders.record(order(), SHOP)
        assert (first.status, second.status) == ("created", "unchanged")
        assert first.id == second.id
        assert len(orders.lines_of([first.id])) == 1

    def test_an_older_version_changes_nothing(self, tenant):
        new = orders.record(order(hours=5, status="cancelled"), SHOP)
        assert orders.record(order(hours=1), SHOP).status == "stale"
        assert orders.one(new.id).status == "cancelled"

    def test_odd_lines_are_taken_and_flagged(self, tenant):
        lines = [
            {"product": "a", "quantity": -1, "unit_price": "5"}, {"product": "a", "quantity": -1, "unit_price": "5"},
            {"product": "b", "quantity": 1, "unit_price": "0"}, {"product": "c", "quantity": 1, "unit_price": "-11062.06"},
        ]  # fmt: skip
        result = orders.record(order(lines=lines), SHOP)
        flags = [line.flags[0] for line in orders.lines_of([result.id])]
        assert flags == ["return", "return", "free", "negative_price"]
        assert orders.one(result.id).total_amount == -1107206

    def test_a_refund_may_come_before_its_order(self, tenant):
        orders.record_refund({"external_id": "r1", "amount": "1.50"}, order_key="1001", source_id=SHOP)
        result = orders.record(order(), SHOP)
        assert orders.one(result.id).refunded_amount == 150
        orders.record_refund({"external_id": "r1", "amount": "1.50"}, order_key="1001", source_id=SHOP)
        orders.record_refund({"external_id": "r2", "amount": "0.50"}, order_key="1001", source_id=SHOP)
        assert orders.one(result.id).refunded_amount == 200

    def test_products_are_found_by_id_and_by_article_number(self, tenant):
        made = products.upsert_many([{"external_id": "p1", "sku": "S1", "name": "Pot"}], SHOP)[0]
        lines = [{"product": "p1", "quantity": 1, "unit_price": "1"}, {"sku": "S1", "quantity": 1, "unit_price": "1"},
                 {"product": "gone", "quantity": 1, "unit_price": "1"}]  # fmt: skip
        result = orders.record(order(lines=lines), SHOP)
        held = orders.lines_of([result.id])
        assert [line.product_id for line in held] == [made.id, made.id, None]
        assert held[2].flags == ["unknown_product"]

    def test_an_order_proves_whose_browser_it_was(self, tenant):
        result = orders.record(order(visitor="v" * 20), SHOP)
        assert identity.visitor("v" * 20) == (orders.one(result.id).customer_id, True)

    def test_bad_items_fail_alone(self, tenant):
        results = orders.record_many([order(currency=""), order("2"), order("3", lines=[{"unit_price": "abc"}])], SHOP)
        assert [result.status for result in results] == ["failed", "created", "failed"]

    def test_any_order_of_arrival_gives_the_same_state(self, company, other_company, context):
        """Messages of three orders with refunds, doubled and shuffled, many times: always the state of the sorted run."""
        from saas.kit import work

        random = Random(7)
        messages = []
        for key in ("1", "2", "3"):
            for hours, status in enumerate(("pending", "paid", "fulfilled", "refunded")):
                refunds = [{"external_id": f"r{key}", "amount": "1", "at": DAY}] if status == "refunded" else []
                customer = {"external_id": f"c{key}", "email": f"c{key}@shop.example", "city": f"City {hours}"}
                messages.append(order(key, hours=hours, status=status, refunds=refunds, customer=customer,
                                      lines=[{"product": "p", "quantity": hours + 1, "unit_price": "1"}]))  # fmt: skip
        with work.unit(tenant_id=company.tenant_id):
            expected = _after(messages, uuid4())
        for _round in range(40):
            shuffled = messages + random.sample(messages, 5)
            random.shuffle(shuffled)
            with work.unit(tenant_id=other_company.tenant_id):
                assert _after(shuffled, uuid4()) == expected
                _forget()


def _after(messages, source):
    """Record messages in small batches and return what is held then, without ids."""
    for start in range(0, len(messages), 3):
        orders.record_many(messages[start : start + 3], source)
    query = select(Order).where(Order.source_id == source).order_by(Order.external_id)
    state = []
    for held in db.session.scalars(query.execution_options(populate_existing=True)):
        lines = [(line.position, line.quantity, line.line_micros) for line in orders.lines_of([held.id])]
        customer = db.session.scalars(
            select(Customer).where(Customer.id == held.customer_id).execution_options(populate_existing=True)
        ).one()
        state.append(
            (held.external_id, held.status, held.total_amount, held.refunded_amount, held.version, lines, customer.city)
        )
    return state


def _forget():
    from sqlalchemy import delete

    for model in (OrderLine, Refund, Order, Customer):
        db.session.execute(delete(model))


class TestProductsThatComeLater:
    """Deliveries come in any order, and so do an order and the products it names."""

    LINES = [
        {"product": "late", "quantity": 1, "unit_price": "5"},
        {"sku": "LATE-1", "quantity": 2, "unit_price": "-1"},
    ]

    def test_its_lines_are_tied_when_the_product_arrives(self, company, drain):
        body = {"external_id": "o1", "placed_at": "2026-05-01T10:00:00Z", "currency": "EUR", "lines": self.LINES}
        order = company.api("POST", "/orders", json=body).json
        drain(company)
        assert [line["flags"] for line in order["lines"]] == [
            ["unknown_product"],
            ["negative_price", "unknown_product"],
        ]
        product = company.api(
            "POST", "/products", json={"external_id": "late", "sku": "LATE-1", "name": "Late", "currency": "EUR"}
        ).json
        drain(company)
        lines = company.api("GET", f"/orders/{order['id']}").json["lines"]
        assert [(line["product_id"], line["flags"]) for line in lines] == [
            (product["id"], []),
            (product["id"], ["negative_price"]),
        ]
