"""One change to many products or orders, by the same machinery as customers: frozen, tried, done once, reported, undone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from sqlalchemy import func, select

from saas.audiences import bulk_actions, bulk_kinds, selecting
from saas.catalog import products
from saas.catalog.models import Product
from saas.commerce import orders, shops
from saas.commerce.models import Order, OrderLine
from saas.customers import profiles
from saas.customers.models import Facts, TimelineEntry
from saas.kit import access, errors, pages, scope, search, work
from saas.kit.db import db
from saas.tenancy import audit, bin, custom_fields, operations, undoing

ADA = scope.Actor("platform", "ada", "Ada")


def unit(company):
    return work.unit(tenant_id=company.tenant_id, actor=ADA)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(bulk_actions, "BATCH", 3)
    monkeypatch.setattr("saas.audiences.bulk_undoing.BATCH", 3)


@pytest.fixture
def goods(company, context):
    """Eight products brought by hand, and two of a shop."""
    with unit(company):
        shop = shops.connect(kind="generic", name="Shop")[0].id
        items = [
            {"external_id": f"p{n}", "name": f"Vase {n}", "price": "12.50", "currency": "EUR", "stock": n, "tags": ["old"]}
            for n in range(8)
        ]  # fmt: skip
        own = products.upsert_many(items)
        theirs = products.upsert_many(
            [{"external_id": f"s{n}", "name": f"Lamp {n}", "stock": 5} for n in range(2)], shop
        )
        return [one.id for one in (*own, *theirs)]


@pytest.fixture
def sold(company, context, drain):
    """Six orders of one customer brought by a program, and one of a shop."""
    with unit(company):
        shop = shops.connect(kind="generic", name="Shop")[0].id
        custom_fields.make(kind="order", label="Note", type="text")
        items = [
            {"external_id": f"o{n}", "number": f"N{n}", "placed_at": f"2026-11-0{n + 1}T10:00:00Z", "currency": "EUR", "status": "paid",
             "customer": {"email": "mia@shop.example"}, "lines": [{"product": "p1", "quantity": 1, "unit_price": "10"}],
             "refunds": [{"external_id": f"r{n}", "amount": "1"}] if n == 0 else []}
            for n in range(6)
        ]  # fmt: skip
        from datetime import datetime

        for item in items:
            item["placed_at"] = datetime.fromisoformat(item["placed_at"])
        made = [
            *orders.record_many(items),
            *orders.record_many([items[0] | {"external_id": "x1", "number": "X1", "refunds": []}], shop),
        ]
    drain(company)
    return [one.id for one in made]


def begin(company, kind, asked=None, ids=None, **action):
    with unit(company):
        who = bulk_actions.audience(kind, asked or {}, ids=ids)
        return bulk_actions.start(bulk_actions.read(kind, action), who, told=asked).id


def run(company, operation_id):
    with scope.tenant(company.tenant_id):
        while operations.run(operation_id, seconds=0):
            pass
    with unit(company):
        operation = operations.one(operation_id)
        db.session.expunge(operation)
        return operation


def undo(company, operation_id):
    with unit(company):
        operations.undo(operation_id)
    return run(company, operation_id)


def failures(company, operation_id):
    with unit(company):
        found = pages.page(operations.failures(operation_id), order=operations.FAILURE_ORDER).items
        return {one.row["name"]: one.reason for one in found}


def held(company, column):
    with unit(company):
        return dict(db.session.execute(select(Product.name, column)).all())


class TestProducts:
    def test_it_is_tried_on_a_few_first(self, company, goods):
        with unit(company):
            action = bulk_actions.read("product", {"do": "set", "field": "price", "value": "9.90"})
            seen = bulk_actions.preview(action, bulk_actions.audience("product", {"sold_out": True}))
        assert (seen.count, seen.sentence) == (1, "Set Price to “9.90” for 1 products")
        assert [(one.name, one.before, one.after) for one in seen.examples] == [("Vase 0", "12.50", "9.90")]

    def test_the_price_is_set_by_filter_and_the_whole_is_undone(self, company, goods, small):
        done = run(company, begin(company, "product", {"where": []}, do="set", field="price", value="9.90"))
        assert (done.state, done.total, done.done, done.failed) == ("done", 10, 8, 2)
        assert done.report == {"changed": 8, "unchanged": 0}
        assert failures(company, done.id) == dict.fromkeys(
            ("Lamp 0", "Lamp 1"), "The shop says this of its products; change it there."
        )
        assert {value for name, value in held(company, Product.price_micros).items() if name < "V"} == {None}
        assert {value for name, value in held(company, Product.price_micros).items() if name > "V"} == {9_900_000}
        with unit(company):
            products.change(goods[1], price="3")
        undone = undo(company, done.id)
        assert (undone.state, undone.undone, undone.report["kept"]) == ("undone", 7, 1)
        prices = held(company, Product.price_micros)
        assert prices.pop("Vase 1") == 3_000_000
        assert {value for name, value in prices.items() if name > "V"} == {12_500_000}

    @pytest.mark.parametrize("field, value, column, wanted", [
        ("active", "no", Product.active, False), ("stock", "7", Product.stock, 7), ("stock", "", Product.stock, None),
        ("categories", "Vases, Glass", Product.categories, ["Vases", "Glass"]), ("currency", "usd", Product.currency, "USD"),
        ("description", "Fine", Product.description, "Fine"), ("name", "Zed", Product.name_sort, "zed"),
    ])  # fmt: skip
    def test_any_field_is_set_and_put_back(self, company, goods, small, field, value, column, wanted):
        with unit(company):
            before = list(
                db.session.scalars(select(column).where(Product.source_id == products.NO_SOURCE).order_by(Product.id))
            )
        done = run(company, begin(company, "product", ids=goods[:8], do="set", field=field, value=value))
        with unit(company):
            rows = list(db.session.scalars(select(column).where(Product.id.in_(goods[:8]))))
        assert rows == [wanted] * 8
        undo(company, done.id)
        with unit(company):
            assert before == list(
                db.session.scalars(select(column).where(Product.source_id == products.NO_SOURCE).order_by(Product.id))
            )

    def test_a_shops_older_message_does_not_take_it_back(self, company, goods, small):
        run(company, begin(company, "product", ids=goods[8:], do="set", field="categories", value="Light"))
        with unit(company):
            shop = products.one(goods[8]).source_id
            old = {"external_id": "s0", "categories": ["Old"], "updated_at": products.one(goods[8]).created_at}
            products.upsert_many([old], shop)
            assert products.one(goods[8]).categories == ["Light"]

    def test_own_fields_and_tags(self, company, goods, small):
        with unit(company):
            custom_fields.make(kind="product", label="Material", type="text")
        first = run(company, begin(company, "product", do="set", field="custom.material", value="oak"))
        run(company, begin(company, "product", {"where": ["custom.material.is.oak"]}, do="tag", value="wood"))
        third = run(company, begin(company, "product", do="untag", value="old"))
        assert (first.report["changed"], third.report) == (10, {"changed": 8, "unchanged": 2})
        with unit(company):
            assert products.one(goods[0]).tags == ["wood"] and products.one(goods[0]).custom == {"material": "oak"}
        undo(company, third.id)
        undo(company, first.id)
        with unit(company):
            assert sorted(products.one(goods[0]).tags) == ["old", "wood"] and products.one(goods[0]).custom == {}
            assert not list(
                db.session.scalars(
                    selecting.narrowed("product", select(Product.id), {"where": ["custom.material.is.oak"]})
                )
            )

    def test_many_go_to_the_bin_and_come_back_but_not_those_of_a_shop(self, company, goods, small, drain):
        done = run(company, begin(company, "product", do="delete"))
        drain(company)
        assert set(held(company, Product.sku)) == {"Lamp 0", "Lamp 1"} and done.failed == 2
        assert failures(company, done.id)["Lamp 0"].startswith("This product comes from a shop")
        with unit(company):
            products.upsert_many([{"external_id": "p3", "name": "Another"}])
        undone = undo(company, done.id)
        assert undone.undone == 7 and failures(company, done.id)["Vase 3"] == "Another product has this id by now."
        with unit(company):
            assert bin.find("product", goods[3]) and products.one(goods[0]).tags == ["old"]

    def test_the_history_knows_it_once_and_by_record(self, company, goods, small):
        done = run(company, begin(company, "product", ids=goods[:2], do="set", field="stock", value="9"))
        with unit(company):
            [head] = pages.page(audit.listed(actions=["products.bulk_started"]), order=audit.NEWEST).items
            assert head[1].after["count"] == 2
            [line] = [one for one in audit.of_record(kind="product", record_id=goods[0]) if one.entry.detail]
            assert (line.before, line.after) == ({"stock": 0}, {"stock": 9})
            undoing.undo(line.entry.id)
            undoing.undo(done.params["entry"])
        run(company, done.id)
        assert held(company, Product.stock)["Vase 1"] == 1

    @pytest.mark.parametrize("action", [
        {"do": "own", "value": ""}, {"do": "withdraw", "value": "x"}, {"do": "set", "field": "external_id", "value": "x"},
        {"do": "set", "field": "price", "value": "cheap"}, {"do": "set", "field": "name", "value": ""}, {"do": "tag", "value": " "},
        {"do": "set", "field": "created_at", "value": "2020-01-01"}, {"do": "set", "field": "url", "value": "javascript:alert(1)"},
    ])  # fmt: skip
    def test_what_cannot_be_done_to_many_is_refused(self, company, goods, action):
        with unit(company), pytest.raises(errors.Refusal):
            bulk_actions.read("product", action)

    def test_rights_hidden_and_locked_fields_are_kept(self, company, goods):
        seller = access.Access(
            permissions=frozenset({"products.edit"}), locked=frozenset({"product.tags"}), hidden=frozenset({"product.stock"})
        )  # fmt: skip
        with access.bound(seller), unit(company):
            with pytest.raises(access.UnknownField):
                bulk_actions.read("product", {"do": "set", "field": "stock", "value": "1"})
            with pytest.raises(access.Locked):
                bulk_actions.read("product", {"do": "tag", "value": "x"})
            assert bulk_kinds.room("product").may() == ["set", "delete"]
            with pytest.raises(access.MayNot):
                bulk_actions.read("order", {"do": "delete"})


class TestOrders:
    def test_an_own_field_is_set_by_filter_found_and_undone(self, company, sold, small, drain):
        asked = {"since": "2026-11-03T00:00:00+00:00", "status": "paid"}
        done = run(company, begin(company, "order", asked, do="set", field="custom.note", value="gift"))
        assert (done.total, done.report["changed"], done.title) == (4, 4, "Set Note to “gift” for 4 orders")
        drain(company)
        with unit(company):
            found = selecting.narrowed("order", select(Order.number), {"where": ["custom.note.is.gift"]})
            assert sorted(db.session.scalars(found)) == ["N2", "N3", "N4", "N5"]
            orders.change(sold[2], custom={"note": "mine"})
        undone = undo(company, done.id)
        assert (undone.undone, failures(company, done.id)) == (3, {"N2": "Changed since: Note."})
        with unit(company):
            assert list(db.session.scalars(found)) == []
            assert orders.one(sold[2]).custom == {"note": "mine"}

    def test_what_the_shop_says_is_not_set(self, company, sold):
        for field in ("status", "number", "total", "customer_id"):
            with unit(company), pytest.raises(errors.Refusal):
                bulk_actions.read("order", {"do": "set", "field": field, "value": "paid"})

    def test_deleted_ones_leave_no_trace_in_figures_and_come_back_whole(self, company, sold, small, drain):
        def figures():
            with unit(company):
                facts = db.session.execute(select(Facts.orders_count, Facts.spent_amount, Facts.refunded_amount)).one()
                entries = db.session.scalar(
                    select(func.count()).select_from(TimelineEntry).where(TimelineEntry.kind.in_(["order", "refund"]))
                )
                lines = db.session.scalar(select(func.count()).select_from(OrderLine))
                hits = len(search.find(company.tenant_id, "N3", kinds=["order"]))
                return tuple(facts), entries, lines, hits

        before = figures()
        assert before == ((7, 7000, 100), 8, 7, 1)
        done = run(company, begin(company, "order", do="delete"))
        drain(company)
        assert failures(company, done.id) == {"X1": "This order comes from a shop; delete it there."}
        assert figures() == ((1, 1000, 0), 1, 1, 0)
        undone = undo(company, done.id)
        drain(company)
        assert undone.undone == 6 and figures() == before

    def test_a_single_one_is_deleted_and_that_is_undone(self, company, sold, drain):
        from saas.commerce import deleting

        with unit(company):
            with pytest.raises(deleting.FromAShop):
                deleting.delete(sold[6])
            deleting.delete(sold[0])
            [entry] = pages.page(audit.listed(actions=["orders.deleted"]), order=audit.NEWEST).items
        with unit(company):
            undoing.undo(entry[0].id)
            assert orders.one(sold[0]).number == "N0" and len(orders.refunds_of(sold[0])) == 1

    def test_who_sees_only_their_own_changes_only_those(self, company, sold, small):
        with unit(company):
            profiles.create(email="other@shop.example")
        mine = access.Access(
            permissions=frozenset({"orders.edit", "orders.read"}), rows={"customers": "own"}, owners=()
        )
        with access.bound(mine), unit(company), pytest.raises(bulk_actions.Nobody):
            bulk_actions.start(
                bulk_actions.read("order", {"do": "set", "field": "custom.note", "value": "x"}),
                bulk_actions.audience(
                    "order", {"status": "paid", "customer_id": db.session.scalar(select(Order.customer_id).limit(1))}
                ),
            )


KILLED = """
import os, signal, sys
from saas.app import create_app
from saas.kit import scope
from saas.tenancy import audit, operations
real, left = audit.record_many, [int(sys.argv[3])]
def record_many(entries):
    real(entries)
    left[0] -= 1
    if left[0] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
audit.record_many = record_many
with create_app(only_rooms=True).app_context(), scope.tenant(int(sys.argv[1])):
    operations.run(sys.argv[2], seconds=60)
"""


class TestKilled:
    @pytest.mark.parametrize("kind", ["product", "order"])
    def test_in_the_middle_of_a_batch_it_goes_on_and_does_nothing_twice(self, company, goods, sold, monkeypatch, kind):
        """Killed with -9 after the second batch is written and before it is committed."""
        monkeypatch.setattr(bulk_actions, "BATCH", 2)
        if kind == "product":
            operation_id = begin(company, "product", ids=goods[:6], do="set", field="active", value="no")
        else:
            operation_id = begin(company, "order", ids=sold[:6], do="set", field="custom.note", value="x")

        def changed():
            with unit(company):
                model, value = (
                    (Product, Product.active.is_(False)) if kind == "product" else (Order, Order.custom != {})
                )
                return db.session.scalar(select(func.count()).select_from(model).where(value))

        given = [sys.executable, "-c", KILLED, str(company.tenant_id), str(operation_id), "2"]
        died = subprocess.run(given, env=os.environ.copy(), capture_output=True, text=True, timeout=120, check=False)
        assert died.returncode == -9, died.stderr
        assert changed() == 2
        done = run(company, operation_id)
        assert (done.state, done.done, done.report) == ("done", 6, {"changed": 6, "unchanged": 0})
        assert changed() == 6
        with unit(company):
            lines = [row for row in db.session.execute(audit.listed(batch=operation_id)) if row[0].detail]
            assert len(lines) == len({row[0].record_id for row in lines}) == 6
        undo(company, operation_id)
        assert changed() == 0
