"""Places: kept, changed, undone, obeyed within two seconds and without a query; steps up, bundles and what is left out."""

from __future__ import annotations

import pytest

from saas.catalog import products
from saas.commerce import orders
from saas.customers import identity
from saas.kit import pool, work
from saas.recommend import offers, shelf, slots, stock
from saas.tenancy import audit, bin, undoing
from tests.rooms.recommend import little_shop
from tests.rooms.recommend.little_shop import CUPS, TEAS

VISITOR = "shopper-0000000000000071"


def keys(shop, slot: str = "home", **wishes) -> list[str]:
    shelf.forget()
    return [one.product.key for one in chosen(shop, slot, **wishes)]


def chosen(shop, slot: str, **wishes) -> list:
    return offers.choose(tenant_id=shop.tenant_id, slot=slot, record=False, **wishes).items


def ids(*wanted: str) -> list:
    found = products.by_external(wanted)
    return [found[key].id for key in wanted]


def put(shop, drain, key: str, **fields) -> None:
    with work.unit(tenant_id=shop.tenant_id):
        products.upsert_many([little_shop.product(key, **fields)])
    drain(shop)
    stock.forget()


def change(shop, key: str, **settings) -> None:
    with work.unit(tenant_id=shop.tenant_id):
        slots.change(key, **settings)
    shelf.forget()


class TestKept:
    def test_a_place_is_made_with_a_key_of_its_name_and_never_twice(self, shop):
        with work.unit(tenant_id=shop.tenant_id):
            made = [slots.create(name="Under the Article!", place="product").key for _time in range(2)]
        assert made == ["under-the-article", "under-the-article-2"]

    def test_there_are_at_most_so_many(self, shop, monkeypatch):
        monkeypatch.setattr(slots, "MOST_SLOTS", 2)
        with work.unit(tenant_id=shop.tenant_id):
            slots.change("home", count=3)
            for _place in range(2):
                slots.create(name="Attic", place="home")
            with pytest.raises(slots.BadSlot, match="There are 2 places already"):
                slots.create(name="Attic", place="home")

    def test_what_was_changed_is_told_and_undone(self, shop):
        with work.unit(tenant_id=shop.tenant_id):
            slots.create(name="Attic", place="home", count=3, price_least="12.50")
        with work.unit(tenant_id=shop.tenant_id):
            slots.change("attic", count=5, price_least="10", pinned=ids("cup-6"))
            entry = audit.latest()
            told = audit.one(entry)
        assert (told.before["count"], told.after["count"], told.after["price_least"]) == (3, 5, "10.00")
        with work.unit(tenant_id=shop.tenant_id):
            undoing.undo(entry)
            back = slots.of(shop.tenant_id, "attic")
            assert slots.plain(slots.one("attic"))["price_least"] == "12.50"
        shelf.forget()
        back = slots.of(shop.tenant_id, "attic")
        assert (back.count, back.pinned, back.price_least) == (3, (), 12_500_000)

    def test_a_deleted_one_comes_back_from_the_bin_unless_its_key_is_taken(self, shop):
        with work.unit(tenant_id=shop.tenant_id):
            slots.create(name="Attic", place="home", count=3)
        with work.unit(tenant_id=shop.tenant_id):
            row_id = slots.one("attic").id
            slots.delete("attic")
        shelf.forget()
        with pytest.raises(slots.NoSuchSlot):
            slots.of(shop.tenant_id, "attic")
        with work.unit(tenant_id=shop.tenant_id):
            slots.create(name="Attic", place="cart")
            with pytest.raises(bin.PlaceTaken, match="this key"):
                bin.restore(bin.find("offer_slot", row_id, lock=True))
            slots.delete("attic")
        with work.unit(tenant_id=shop.tenant_id):
            bin.restore(bin.find("offer_slot", row_id, lock=True))
        shelf.forget()
        assert slots.of(shop.tenant_id, "attic").count == 3

    def test_a_product_that_is_gone_is_passed_over_and_the_rest_may_be_changed(self, shop):
        with work.unit(tenant_id=shop.tenant_id):
            slots.change("home", pinned=ids("cup-6", "cup-5"))
            products.delete(ids("cup-6")[0])
        change(shop, "home", count=3)
        stock.forget()
        assert keys(shop)[0] == "cup-5"


class TestObeyed:
    def test_another_worker_obeys_within_two_seconds(self, shop, monkeypatch):
        assert len(chosen(shop, "home", limit=6)) == 6
        with work.unit(tenant_id=shop.tenant_id):
            slots.change("home", count=2)
        assert len(chosen(shop, "home", limit=6)) == 6, "this process looked a moment ago"
        monkeypatch.setattr(shelf, "LOOK_EVERY", 0.0)
        assert len(chosen(shop, "home", limit=6)) == 2
        assert shelf.LOOK_EVERY <= 2.0

    def test_no_database_is_asked_when_warm(self, shop, monkeypatch):
        with work.unit(tenant_id=shop.tenant_id):
            slots.create(name="Attic", place="home", least_margin=5, category_cap=2, diversity=50, price_most="90")
            slots.create(name="Cellar", place="home", category_cap=2, diversity=50, price_most="90")
        little_shop.live(shop, VISITOR, ["cup-1"])
        for place in ("attic", "cellar"):
            keys(shop, place, visitor=VISITOR)

        def nobody(**_):
            raise AssertionError("PostgreSQL was asked")

        monkeypatch.setattr(pool, "connection", nobody)
        monkeypatch.setattr(work, "unit", nobody)
        for cart in ("cup-2", "cup-3"):
            little_shop.live(shop, VISITOR, ["cup-1", "cup-4"], cart=[cart])
            assert chosen(shop, "attic", visitor=VISITOR) == [], "no margin is known of any"
            assert chosen(shop, "cellar", visitor=VISITOR)

    def test_what_is_pinned_is_first_and_what_is_buried_last(self, shop):
        with work.unit(tenant_id=shop.tenant_id):
            slots.change(
                "home", pinned=ids("cup-6", "tea-6"), buried=ids("tea-1", "tea-2"), fallback=["popular", "newest"]
            )
        found = keys(shop, limit=12)
        assert found[:2] == ["cup-6", "tea-6"]
        assert set(found[-2:]) == {"tea-1", "tea-2"}

    def test_a_place_that_is_switched_off_shows_nothing(self, shop):
        change(shop, "home", active=False)
        assert keys(shop) == []

    def test_tags_prices_stock_and_margins_keep_products_out(self, shop, drain):
        put(shop, drain, "tea-1", tags=["Clearance"])
        put(shop, drain, "tea-2", price="99.00")
        put(shop, drain, "tea-3", stock=2)
        put(shop, drain, "tea-4", cost="12.00")
        put(shop, drain, "tea-5", cost="5.00", price="12.00", regular_price="15.00")
        for settings, missing in (
            ({"excluded_tags": ["clearance"]}, {"tea-1"}), ({"price_most": "50"}, {"tea-2"}), ({"least_stock": 3}, {"tea-3"}),
            ({"least_margin": 10, "unknown_margin": True}, {"tea-4"}),
            ({"least_margin": 10}, {*TEAS, *CUPS} - {"tea-5"}), ({"reduced_only": True}, {*TEAS, *CUPS} - {"tea-5"}),
        ):  # fmt: skip
            with work.unit(tenant_id=shop.tenant_id):
                slots.delete("home")
                slots.change("home", **settings)
            assert {*TEAS, *CUPS} - set(keys(shop, limit=20)) == missing, settings

    def test_what_was_bought_lately_stays_away_as_long_as_the_place_says(self, shop, drain):
        with work.unit(tenant_id=shop.tenant_id):
            orders.record_many([little_shop.order(901, ["cup-1"], customer=70, days_ago=50)])
        drain(shop)
        with work.unit(tenant_id=shop.tenant_id):
            whose = identity.find("external", "c70")
        assert "cup-1" in keys(shop, customer_id=whose, limit=12)
        change(shop, "home", not_bought_days=60)
        assert "cup-1" not in keys(shop, customer_id=whose, limit=12)
        change(shop, "home", not_bought_days=40)
        assert "cup-1" in keys(shop, customer_id=whose, limit=12)

    def test_a_mixture_takes_turns_among_categories(self, shop):
        with work.unit(tenant_id=shop.tenant_id):
            slots.change("home", engine="by_hand", picked=ids("cup-1", "cup-2", "cup-3", "tea-1"))
        assert keys(shop, limit=2) == ["cup-1", "cup-2"]
        change(shop, "home", diversity=90)
        assert keys(shop, limit=2) == ["cup-1", "tea-1"]
        change(shop, "home", diversity=0, category_cap=1)
        assert keys(shop, limit=4) == ["cup-1", "tea-1"]


class TestEngines:
    @pytest.mark.parametrize("engine", [e for e in slots.ENGINES if e not in ("popular", "newest", "automatic")])
    def test_one_that_has_nothing_to_say_leaves_it_to_the_next_and_the_offer_says_so(self, shop, engine):
        change(shop, "home", engine=engine, fallback=["by_hand", "popular", "newest"])
        shelf.forget()
        assert {one.engine for one in chosen(shop, "home", visitor="nobody-knows-this-one")} == {"popular"}

    @pytest.mark.parametrize(
        ("engine", "first"),
        [
            ("continue", "cup"),
            ("discover", "cup"),
            ("bought_together", "cup"),
            ("viewed_together", "cup"),
            ("by_hand", "tea-6"),
        ],
    )
    def test_each_names_what_it_is_for(self, shop, engine, first):
        with work.unit(tenant_id=shop.tenant_id):
            slots.change("home", engine=engine, picked=ids("tea-6", "tea-5"))
        little_shop.live(shop, VISITOR, ["cup-1", "cup-2"])
        shelf.forget()
        found = chosen(shop, "home", visitor=VISITOR, limit=2)
        assert [one.engine for one in found] == [engine] * 2
        assert all(one.product.key.startswith(first[:3]) for one in found)
        assert engine != "discover" or not {"cup-1", "cup-2"} & {one.product.key for one in found}

    def test_buy_again_names_only_what_the_customer_has_bought(self, shop, drain):
        with work.unit(tenant_id=shop.tenant_id):
            orders.record_many([
                little_shop.order(910, ["cup-1", "tea-1"], customer=71, days_ago=90), little_shop.order(911, ["cup-1"], customer=71, days_ago=60),
            ])  # fmt: skip
        drain(shop)
        with work.unit(tenant_id=shop.tenant_id):
            whose = identity.find("external", "c71")
        change(shop, "home", engine="buy_again", fallback=[])
        found = chosen(shop, "home", customer_id=whose, limit=9)
        assert {one.product.key for one in found} == {"cup-1", "tea-1"}
        assert {one.reason_code for one in found} == {"bought_before"}

    def test_a_step_up_costs_so_much_more_and_earns_no_less(self, shop, drain):
        put(shop, drain, "tea-2", price="10.00", cost="5.00", up_sells=[])
        for key, price, cost in (
            ("tea-3", "12.00", "6.00"),
            ("tea-4", "12.00", "9.00"),
            ("tea-5", "30.00", "1.00"),
            ("tea-6", "10.20", "1.00"),
        ):
            put(shop, drain, key, price=price, cost=cost)
        put(shop, drain, "tea-1", price="13.00")
        change(shop, "product", engine="up_sell", fallback=[], step_least=10, step_most=50)
        found = chosen(shop, "product", product="tea-2", limit=9)
        assert {one.product.key for one in found} == {"tea-1", "tea-3"}
        assert {one.reason_text for one in found} == {"A step up from Tea 2"}

    def test_another_size_and_what_the_shop_would_rather_sell_come_first(self, shop, drain):
        sizes = [
            {"external_id": size, "name": size, "price": price, "stock": 3, "options": []}
            for size, price in (("S", "10.00"), ("L", "13.00"), ("XL", "40.00"))
        ]
        put(shop, drain, "tea-2", price="10.00", kind="variable", variants=sizes, up_sells=["cup-5"])
        put(shop, drain, "cup-5", price="12.00")
        change(shop, "product", engine="up_sell", fallback=[], step_least=10, step_most=50)
        found = chosen(shop, "product", product="tea-2", limit=3)
        assert [(one.product.key, one.product.variant) for one in found][:2] == [("tea-2", "L"), ("cup-5", "")]
        assert (found[0].product.name, found[0].product.price, found[0].plain()["variant"]) == (
            "Tea 2 – L",
            "13.00",
            "L",
        )


class TestBundles:
    def test_it_is_the_product_and_what_is_bought_with_it(self, shop):
        change(shop, "product", bundle=True)
        answer = offers.choose(tenant_id=shop.tenant_id, slot="product", product="tea-2", record=False, language="zh")
        assert {one.product.key for one in answer.bundle.offers} == {"tea-1", "tea-3"}
        assert answer.bundle.sum == "37.50"
        assert answer.bundle.text.startswith("一起购买：Tea 2、")

    def test_there_is_none_of_what_is_not_bought_together_or_priced_in_another_currency(self, shop, drain):
        change(shop, "product", bundle=True)
        for key in ("tea-1", "tea-3"):
            put(shop, drain, key, currency="USD")
        answer = offers.choose(tenant_id=shop.tenant_id, slot="product", product="tea-2", record=False)
        assert answer.bundle is None or {"tea-1", "tea-3"}.isdisjoint(one.product.key for one in answer.bundle.offers)
        assert offers.choose(tenant_id=shop.tenant_id, slot="product", product="unknown", record=False).bundle is None


class TestPreview:
    def test_each_that_is_left_out_has_its_rule(self, shop, drain):
        put(shop, drain, "cup-1", stock=0)
        put(shop, drain, "cup-2", tags=["old"])
        with work.unit(tenant_id=shop.tenant_id):
            draft = slots.drafted(slots.one("home"), excluded_tags=["Old"], count=2, pinned=ids("cup-1"))
        little_shop.live(shop, VISITOR, ["cup-3"], cart=["cup-4"])
        tried = offers.preview(tenant_id=shop.tenant_id, placed=draft, visitor=VISITOR)
        rules = {one.product.key: one.rule for one in tried.left_out}
        assert rules["cup-1"] == "sold_out"
        assert rules.get("cup-2", "tag") == "tag"
        assert rules.get("cup-4", "in_cart") == "in_cart"
        assert not rules.keys() & {one.product.key for one in tried.chosen.items}
        assert slots.of(shop.tenant_id, "home").count is None, "nothing was kept"
