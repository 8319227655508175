"""Imports of products and orders, and of the company's own fields."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from saas.catalog import products
from saas.catalog.models import Product
from saas.commerce import orders
from saas.commerce.models import Order, OrderLine
from saas.customers import finding
from saas.kit import work
from saas.kit.db import db
from saas.tenancy import custom_fields
from tests.rooms.integrations.test_imports import customer, file  # noqa: F401 - fixtures

GOODS = "Artikelnummer,Title,Price,Stock,Category,On sale,ID\nL-1,Lamp,12.50,4,Lamps,yes,p1\nL-2,Pot,abc,1,Pots,no,p2\nL-3,Rug,1,2.000,Rugs,no,p3\n"
SOLD = (
    "Order,Date,Status,Email,SKU,Qty,Unit price,Shipping,Currency\n"
    "o1,2026-05-01 10:00,completed,ada@shop.example,L-1,2,12.50,4.90,EUR\n"
    "o1,2026-05-01 10:00,completed,ada@shop.example,L-2,1,3,,EUR\n"
    "o2,2026-05-02,on-hold,bob@shop.example,L-1,1,12.50,,EUR\n"
)


@pytest.fixture
def inside(company, context):
    """Ask something in the company's tenant."""

    def ask(question):
        with work.unit(tenant_id=company.tenant_id):
            return question()

    return ask


class TestProducts:
    def test_rows_become_products(self, file, inside):  # noqa: F811
        done = file.take(GOODS, kind="product")
        assert done.report["counts"] == {"created": 1, "failed": 2} or done.report["counts"] == {
            "created": 2,
            "failed": 1,
        }
        lamp = inside(lambda: products.by_external(["p1"]))["p1"]
        assert (lamp.sku, lamp.name, lamp.price_micros, lamp.stock, lamp.categories, lamp.active) == (
            "L-1",
            "Lamp",
            12_500_000,
            4,
            ["Lamps"],
            True,
        )

    def test_changed_ones_are_put_back_and_new_ones_removed(self, file, inside):  # noqa: F811
        file.take("sku,name,stock\nS1,Lamp,4\n", kind="product")
        assert file.take("sku,name,stock\nS1,Lamp,4\n", kind="product").report["counts"] == {"unchanged": 1}
        done = file.take("sku,name,stock\nS1,Lantern,9\nS2,Pot,1\nS1,Lantern,8\n", kind="product")
        assert done.report["counts"] == {"updated": 1, "created": 1, "repeated": 1}
        assert inside(lambda: products.by_external(["S1"]))["S1"].stock == 8
        told = file.undo(done).report["undo"]["counts"]
        assert told == {"removed": 1, "put_back": 1}
        lamp = inside(lambda: products.by_external(["S1", "S2"]))
        assert (lamp["S1"].name, lamp["S1"].stock) == ("Lamp", 4)
        assert "S2" not in lamp

    def test_a_trial_writes_nothing(self, file, inside):  # noqa: F811
        tried = file.check(file.begin("sku,name\nS1,Lamp\nS2,Pot\n", kind="product"))
        assert tried.report["counts"] == {"created": 2}
        assert inside(lambda: db.session.scalar(select(func.count()).select_from(Product))) == 0


class TestOrders:
    def test_rows_of_one_order_are_its_lines(self, file, inside, company, drain):  # noqa: F811
        done = file.take(SOLD, kind="order")
        assert done.report["counts"] == {"created": 2, "repeated": 1}
        from saas.customers.models import NO_SOURCE

        one = inside(lambda: orders.by_key("o1", NO_SOURCE))
        assert (one.status, one.lines_count, one.total_amount) == ("fulfilled", 2, 3290)
        drain(company)
        ada = inside(lambda: finding.listed(email="ada@shop.example").items[0])
        assert (ada[1].orders_count, ada[1].spent_amount) == (1, 3290)

    def test_taken_back_the_orders_are_gone_and_their_customers_figures_too(self, file, inside, company, drain):  # noqa: F811
        done = file.take(SOLD, kind="order")
        drain(company)
        told = file.undo(done).report["undo"]["counts"]
        assert told == {"removed": 2}
        drain(company)
        assert inside(lambda: db.session.scalar(select(func.count()).select_from(Order))) == 0
        assert inside(lambda: finding.listed(email="ada@shop.example").items[0][1].orders_count) == 0

    def test_a_changed_order_gets_its_lines_back(self, file, inside):  # noqa: F811
        from saas.customers.models import NO_SOURCE

        file.take(SOLD, kind="order")
        changed = SOLD.splitlines()[0] + "\no1,2026-05-01 10:00,refunded,ada@shop.example,L-9,1,1,,EUR\n"
        done = file.take(changed, kind="order")
        assert done.report["counts"] == {"updated": 1}
        file.undo(done)
        one = inside(lambda: orders.by_key("o1", NO_SOURCE))
        assert (one.status, one.total_amount) == ("fulfilled", 3290)
        skus = inside(
            lambda: list(
                db.session.scalars(
                    select(OrderLine.sku).where(OrderLine.order_id == one.id).order_by(OrderLine.position)
                )
            )
        )
        assert skus == ["L-1", "L-2"]

    def test_a_bad_row_fails_its_whole_order_and_a_torn_order_too(self, file):  # noqa: F811
        done = file.take(SOLD.replace("L-2,1,3", "L-2,one,3"), kind="order")
        assert done.report["counts"] == {"failed": 2, "created": 1}
        lines = SOLD.splitlines()
        torn = "\n".join(
            [lines[0], lines[1].replace("o1", "o8"), lines[3].replace("o2", "o9"), lines[2].replace("o1", "o8")]
        )
        assert file.take(torn, kind="order").report["counts"]["failed"] == 2


class TestOwnFields:
    def test_a_column_fills_a_field_of_the_companys_own_and_undo_empties_it(self, file, customer, inside):  # noqa: F811
        inside(lambda: custom_fields.make(kind="customer", label="Shoe size", type="number"))
        file.take("email,city\na@x.example,Rome\n")
        done = file.take("email,Shoe size\na@x.example,42\nb@x.example,none\n")
        assert done.report["counts"] == {"updated": 1, "failed": 1}
        (key,) = customer("a@x.example").custom
        assert customer("a@x.example").custom[key] == 42
        file.undo(done)
        assert customer("a@x.example").custom == {}

    def test_a_column_becomes_a_new_field_of_the_type_it_looks_like(self, file, customer, inside):  # noqa: F811
        import_id = file.begin("email,Points,Member since\na@x.example,120,2026-05-01\n")
        file.map(import_id, email=0, new=1)
        file.run(import_id)
        (field,) = inside(lambda: [(one.label, one.type) for one in custom_fields.of("customer")])
        assert field == ("Points", "number")
        assert list(customer("a@x.example").custom.values()) == [120]
