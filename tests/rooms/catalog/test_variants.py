"""Variants of products: what a list and what a single message say, in whatever order they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from saas.catalog import finding, items, products, variants
from saas.catalog.models import Product, ProductPrice, ProductVariant
from saas.commerce import orders, sold_products
from saas.commerce.models import OrderLine
from saas.kit.db import db
from saas.kit.outbox import OutboxEvent
from tests.queries import counted

SHOP = uuid4()
DAY = datetime(2026, 5, 1, 12, tzinfo=UTC)


def variant(key, **more):
    return {
        "external_id": key,
        "sku": f"S-{key}",
        "options": [{"name": "Size", "value": key}],
        "price": "10.00",
        "stock": 3,
        **more,
    }


def shirt(*keys, hours=0, **more):
    listed = {"variants": [variant(key) for key in keys]} if keys else {}
    return (
        {
            "external_id": "shirt",
            "name": "Shirt",
            "price": "10.00",
            "currency": "EUR",
            "updated_at": DAY + timedelta(hours=hours),
        }
        | listed
        | more
    )


def kept():
    """Return what can be seen of the shirt and its variants."""
    product = db.session.scalars(select(Product).where(Product.source_id == SHOP)).one()
    rows = db.session.scalars(select(ProductVariant).where(ProductVariant.product_id == product.id))
    return (
        product.name, product.price_micros, product.stock, product.active, product.cross_sell_keys,
        sorted((row.external_id, row.sku, row.price_micros, row.stock, row.active, row.gone, row.position) for row in rows),
    )  # fmt: skip


def names(**wanted):
    query = select(ProductVariant.external_id).filter_by(**wanted).order_by(ProductVariant.position)
    return list(db.session.scalars(query))


class TestAList:
    def test_its_variants_stand_in_its_order(self, tenant):
        result = products.upsert_many([shirt("m", "l", "s")], SHOP)[0]
        assert result.status == "created"
        held = variants.of_product(result.id).items
        assert [one.external_id for one in held] == ["m", "l", "s"]
        assert held[0].options == [{"name": "Size", "value": "m"}] and held[0].price_micros == 10_000_000

    def test_what_a_later_list_does_not_have_is_gone_and_comes_back(self, tenant):
        products.upsert_many([shirt("s", "m")], SHOP)
        assert products.upsert_many([shirt("m", hours=1)], SHOP)[0].status == "updated"
        assert (names(gone=True), names(gone=False)) == (["s"], ["m"])
        products.upsert_many([shirt("s", "m", hours=2)], SHOP)
        assert names(gone=True) == []

    def test_a_product_that_says_nothing_of_them_keeps_them(self, tenant):
        products.upsert_many([shirt("s")], SHOP)
        products.upsert_many([shirt(hours=1, name="Blouse")], SHOP)
        assert names(gone=False) == ["s"]

    def test_an_empty_list_leaves_none(self, tenant):
        products.upsert_many([shirt("s")], SHOP)
        products.upsert_many([shirt(hours=1, variants=[])], SHOP)
        assert names(gone=True) == ["s"]

    def test_the_same_list_again_changes_nothing(self, tenant):
        products.upsert_many([shirt("s", "m")], SHOP)
        assert products.upsert_many([shirt("s", "m")], SHOP)[0].status == "unchanged"

    def test_two_of_one_id_are_refused_and_keep_no_other_product_out(self, tenant):
        results = products.upsert_many([shirt("s", "s"), {"external_id": "cap", "name": "Cap"}], SHOP)
        assert [one.status for one in results] == ["failed", "created"]
        assert "same external_id" in results[0].error

    def test_the_number_of_statements_does_not_grow_with_the_number_of_variants(self, tenant):
        few_, many_ = ([shirt(*[f"{n}" for n in range(most)], external_id=f"p{most}")] for most in (2, 300))
        with counted() as few:
            products.upsert_many(few_, SHOP)
        with counted() as many:
            products.upsert_many(many_, SHOP)
        assert len(many) <= len(few) + 2


class TestOneAlone:
    def test_it_is_added_and_changed(self, tenant):
        products.upsert_many([shirt("s")], SHOP)
        later = DAY + timedelta(hours=1)
        assert products.upsert_variant(variant("m", updated_at=later), product_key="shirt", source_id=SHOP)
        assert products.upsert_variant(variant("s", stock=0, updated_at=later), product_key="shirt", source_id=SHOP)
        assert sorted(names(gone=False)) == ["m", "s"]
        assert db.session.scalars(select(ProductVariant.stock).filter_by(external_id="s")).one() == 0

    def test_one_of_an_unknown_product_is_said_to_be(self, tenant):
        assert not products.upsert_variant(variant("m"), product_key="nobody", source_id=SHOP)

    def test_one_that_its_shop_deleted_is_gone(self, tenant):
        products.upsert_many([shirt("s", "m")], SHOP)
        assert products.retire(external_ids=["s"], source_id=SHOP) == 1
        assert (names(gone=True), names(gone=False)) == (["s"], ["m"])


def message(kind, hour, price, keys):
    if kind == "list":
        return lambda: products.upsert_many(
            [shirt(hours=hour, price=price, name=f"Shirt {hour}", cross_sells=list(keys), variants=[variant(key, price=price, stock=hour) for key in keys])], SHOP
        )  # fmt: skip
    if kind == "product":
        return lambda: products.upsert_many([shirt(hours=hour, price=price, stock=hour)], SHOP)
    one = variant(keys[0] if keys else "a", price=price, stock=hour, updated_at=DAY + timedelta(hours=hour))
    return lambda: products.upsert_variant(one, product_key="shirt", source_id=SHOP)


MESSAGES = st.lists(
    st.tuples(
        st.sampled_from(["list", "product", "variant"]), st.integers(1, 6), st.sampled_from(["9.00", "10.00", "11.00"]),
        st.lists(st.sampled_from("abcd"), unique=True, max_size=4),
    ),
    min_size=2, max_size=7,
)  # fmt: skip


class TestAnyOrder:
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(told=MESSAGES, data=st.data())
    def test_versions_in_any_order_and_twice_end_in_the_same_state(self, tenant, told, data):
        ends = []
        for order in (told, data.draw(st.permutations([*told, *told[:2]]))):
            db.session.execute(delete(Product).where(Product.source_id == SHOP))
            db.session.expunge_all()
            products.upsert_many([shirt(hours=0)], SHOP)
            for one in order:
                message(*one)()
            db.session.flush()
            ends.append(kept())
        assert ends[0] == ends[1]


class TestPrices:
    def told(self, name):
        rows = db.session.scalars(select(OutboxEvent).where(OutboxEvent.name == name))
        return sorted((row.payload["variant_id"] is not None, row.payload["old"], row.payload["new"]) for row in rows)

    def test_only_a_real_change_is_told_and_kept(self, tenant):
        products.upsert_many([shirt("s", stock=5)], SHOP)
        products.upsert_many([shirt("s", hours=1, stock=5, name="Blouse")], SHOP)
        assert (self.told("PriceChanged"), self.told("StockChanged")) == ([], [])
        products.upsert_many(
            [shirt(hours=2, price="8.00", stock=4, variants=[variant("s", price="7.00", stock=None)])], SHOP
        )
        assert self.told("PriceChanged") == [(False, 10_000_000, 8_000_000), (True, 10_000_000, 7_000_000)]
        assert self.told("StockChanged") == [(False, 5, 4), (True, 3, None)]
        kept = db.session.scalars(
            select(ProductPrice).order_by(ProductPrice.old_micros, ProductPrice.new_micros.desc())
        ).all()
        assert [(one.old_micros, one.new_micros, one.at, one.currency) for one in kept] == [
            (10_000_000, 8_000_000, DAY + timedelta(hours=2), "EUR"),
            (10_000_000, 7_000_000, DAY + timedelta(hours=2), "EUR"),
        ]

    def test_an_older_message_and_one_there_and_back_tell_nothing(self, tenant):
        products.upsert_many([shirt()], SHOP)
        products.upsert_many([shirt(hours=-1, price="1.00")], SHOP)
        products.upsert_many([shirt(hours=1, price="2.00"), shirt(hours=2, price="10.00")], SHOP)
        assert self.told("PriceChanged") == []

    def test_a_price_changed_by_hand_is_told(self, tenant):
        made = products.create(external_id="cup", name="Cup", price="5.00", currency="EUR", stock=1)
        products.change(made.id, price="4.00", stock=0)
        assert (self.told("PriceChanged"), self.told("StockChanged")) == (
            [(False, 5_000_000, 4_000_000)],
            [(False, 1, 0)],
        )


class TestReduced:
    @pytest.mark.parametrize(
        ("fields", "reduced"),
        [
            ({}, False),
            ({"regular_price": "10", "sale_price": "8"}, True),
            ({"sale_price": "8"}, True),
            ({"regular_price": "8", "sale_price": "8"}, False),
            ({"sale_price": "8", "sale_from": datetime(2099, 1, 1, tzinfo=UTC)}, False),
            ({"sale_price": "8", "sale_to": datetime(2020, 1, 1, tzinfo=UTC)}, False),
            ({"sale_price": "8", "sale_from": datetime(2020, 1, 1, tzinfo=UTC), "sale_to": datetime(2099, 1, 1, tzinfo=UTC)}, True),
        ],
    )  # fmt: skip
    def test_when(self, tenant, fields, reduced):
        made = products.one(products.upsert_many([shirt(**fields)], SHOP)[0].id)
        assert made.on_sale is reduced
        assert [one.id for one in finding.listed(reduced=True).items] == ([made.id] if reduced else [])
        assert finding.reduced_among([made.id]) == ({made.id} if reduced else set())

    def test_a_product_is_where_one_of_its_variants_is(self, tenant):
        products.upsert_many([shirt(variants=[variant("s"), variant("m", sale_price="5")])], SHOP)
        assert len(finding.listed(reduced=True).items) == 1
        products.upsert_many([shirt("s", hours=1)], SHOP)
        assert finding.listed(reduced=True).items == []


class TestArticleNumbers:
    def test_one_that_comes_twice_finds_all_that_have_it(self, tenant):
        products.upsert_many([
            {"external_id": "a", "sku": "X1"}, {"external_id": "b", "sku": "X1"},
            {"external_id": "c", "variants": [variant("v", sku="X1"), variant("w", sku="X1")]}, {"external_id": "d", "sku": "X2"},
        ], SHOP)  # fmt: skip
        assert {one.external_id for one in products.by_sku("X1")} == {"a", "b", "c"}
        assert {one.external_id for one in finding.listed(sku="X1").items} == {"a", "b", "c"}


class TestOrderLines:
    def line(self):
        return db.session.scalars(select(OrderLine)).one()

    def order(self, **more):
        line = {
            "product": "shirt",
            "variant": "m",
            "sku": "S-m",
            "name": "Shirt, M",
            "quantity": 1,
            "unit_price": "10",
            **more,
        }
        return {"external_id": "1", "placed_at": DAY, "currency": "EUR", "lines": [line]}

    def test_a_line_is_tied_to_its_variant(self, tenant):
        products.upsert_many([shirt("s", "m")], SHOP)
        orders.record_many([self.order()], SHOP)
        assert (self.line().variant_id, self.line().variant_key) == (variants.by_sku("S-m")[0].id, "m")

    def test_a_line_that_was_there_first_is_tied_when_the_product_comes(self, tenant):
        orders.record_many([self.order()], SHOP)
        made = products.upsert_many([shirt("s", "m")], SHOP)[0]
        sold_products.tie_to_products([str(made.id)])
        db.session.expire_all()
        assert (self.line().product_id, self.line().variant_id) == (made.id, variants.by_sku("S-m")[0].id)

    def test_a_line_is_tied_when_only_the_variant_comes_later(self, tenant):
        made = products.upsert_many([shirt("s")], SHOP)[0]
        recorded = orders.record_many([self.order()], SHOP)[0]
        products.upsert_many([shirt("s", "m", hours=1)], SHOP)
        sold_products.tie_lines_of([str(recorded.id)])
        db.session.expire_all()
        assert (self.line().product_id, self.line().variant_id) == (made.id, variants.by_sku("S-m")[0].id)

    def test_what_was_deleted_since_stays_readable_in_its_orders(self, tenant):
        products.upsert_many([shirt("s", "m")], SHOP)
        orders.record_many([self.order()], SHOP)
        products.retire(external_ids=["shirt", "m"], source_id=SHOP)
        held = self.line()
        assert (held.name, held.sku, products.one(held.product_id).active) == ("Shirt, M", "S-m", False)
        assert variants.one(held.variant_id).gone


class TestReading:
    @pytest.mark.parametrize(
        ("item", "sentence"),
        [
            ({"variants": [{"sku": "x"}]}, "needs an external_id"),
            ({"price": "1e30"}, "not an amount"),
            ({"price": "12345678901234"}, "not an amount"),
            ({"rating": "9"}, "from 0 to 5"),
            ({"images": [{"url": "javascript:alert(1)"}]}, "must begin with https"),
            ({"sale_from": datetime(2026, 1, 1)}, "with their zone"),  # noqa: DTZ001 - that it has none is the case
            ({"variants": [{"external_id": str(n)} for n in range(items.MOST_VARIANTS + 1)]}, "at most 2048"),
        ],
    )
    def test_what_cannot_be_is_refused_with_a_sentence(self, tenant, item, sentence):
        result = products.upsert_many([{"external_id": "p", **item}], SHOP)[0]
        assert result.status == "failed" and sentence in result.error

    def test_odd_texts_are_taken(self, tenant):
        odd = "null\x00 \U0001f9e3 عربي 漢字"
        products.upsert_many(
            [shirt(name=odd, brand=odd, variants=[variant("s", name=odd, options=[{"name": odd, "value": odd}])])], SHOP
        )
        assert "漢字" in variants.by_sku("S-s")[0].options[0]["value"]

    def test_the_first_picture_is_the_products_and_each_stands_once(self, tenant):
        pictures = [
            {"url": "https://shop.example/1.jpg", "alt": "Front"},
            {"url": "https://shop.example/1.jpg"},
            {"url": "https://shop.example/2.jpg"},
        ]
        made = products.one(products.upsert_many([shirt(images=pictures)], SHOP)[0].id)
        assert made.image_url == "https://shop.example/1.jpg"
        assert [one["url"] for one in made.images] == ["https://shop.example/1.jpg", "https://shop.example/2.jpg"]
