"""Rules: people's word against the arithmetic, obeyed within two seconds and never against the stock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saas.catalog import products
from saas.kit import clock, work
from saas.recommend import offers, rules, shelf, stock
from tests.rooms.recommend import little_shop


def keys(company, slot: str = "home", **wishes) -> list[str]:
    shelf.forget()
    return [
        offer.product.key
        for offer in offers.choose(tenant_id=company.tenant_id, slot=slot, record=False, **wishes).items
    ]


def make(company, kind: str, key: str = "", **fields):
    with work.unit(tenant_id=company.tenant_id):
        wanted = {"product_id": products.by_external([key])[key].id} if key else {}
        return rules.create(kind=kind, **wanted, **fields).id


class TestObeyed:
    def test_a_pinned_product_stands_where_it_was_put(self, shop):
        make(shop, "pin", "cup-6", slot="home", position=2)
        found = keys(shop, limit=4)
        assert found[1] == "cup-6"
        assert len(found) == len(set(found)) == 4
        chosen = offers.choose(tenant_id=shop.tenant_id, slot="home", record=False).items
        assert (chosen[1].reason_code, chosen[1].reason_text) == ("picked", "Picked by the shop")

    def test_another_place_is_left_alone(self, shop):
        make(shop, "pin", "cup-6", slot="cart", position=1)
        assert keys(shop, "product", product="tea-2", limit=1) != ["cup-6"]
        assert keys(shop, "cart", limit=1) == ["cup-6"]

    def test_a_pinned_product_that_is_sold_out_is_not_shown(self, shop, drain):
        make(shop, "pin", "cup-6", position=1)
        with work.unit(tenant_id=shop.tenant_id):
            products.upsert_many([{"external_id": "cup-6", "stock": 0}])
        drain(shop)
        stock.forget()
        assert "cup-6" not in keys(shop, limit=20)

    def test_a_hidden_product_is_shown_nowhere_even_if_pinned(self, shop):
        make(shop, "hide", "tea-3")
        make(shop, "pin", "tea-3", position=1)
        assert "tea-3" not in keys(shop, "product", product="tea-2", limit=20)
        assert "tea-3" not in keys(shop, "home", limit=20)

    def test_a_favoured_category_rises_and_one_held_back_sinks(self, shop):
        plain = keys(shop, limit=12)
        make(shop, "boost", category="Cup", percent=1000)
        raised = keys(shop, limit=12)
        assert {key[:3] for key in raised[:6]} == {"cup"}
        assert set(plain) == set(raised)
        make(shop, "boost", category="Cup", percent=1)
        make(shop, "boost", category="Cup", percent=1)
        assert {key[:3] for key in keys(shop, limit=12)[:6]} == {"tea"}

    def test_a_rule_holds_only_in_its_time(self, shop):
        now = clock.now()
        make(shop, "pin", "cup-6", position=1, starts_at=now + timedelta(hours=1))
        make(shop, "pin", "cup-5", position=1, ends_at=now - timedelta(hours=1), starts_at=now - timedelta(hours=2))
        assert keys(shop, limit=1)[0] not in ("cup-5", "cup-6")

    def test_a_change_and_a_deletion_are_obeyed_and_a_pause_too(self, shop):
        rule_id = make(shop, "pin", "cup-6", position=1)
        assert keys(shop, limit=1) == ["cup-6"]
        with work.unit(tenant_id=shop.tenant_id):
            rules.change(rule_id, active=False)
        assert keys(shop, limit=1) != ["cup-6"]
        with work.unit(tenant_id=shop.tenant_id):
            rules.change(rule_id, active=True)
        assert keys(shop, limit=1) == ["cup-6"]
        with work.unit(tenant_id=shop.tenant_id):
            rules.delete(rule_id)
        assert keys(shop, limit=1) != ["cup-6"]

    def test_a_running_worker_obeys_after_at_most_two_seconds(self, shop, monkeypatch):
        before = [o.product.key for o in offers.choose(tenant_id=shop.tenant_id, slot="home", record=False).items]
        make(shop, "hide", before[0])
        checked, known = shelf._versions[shop.tenant_id]
        shelf._versions[shop.tenant_id] = (checked - shelf.LOOK_EVERY, known)
        assert before[0] not in [
            o.product.key for o in offers.choose(tenant_id=shop.tenant_id, slot="home", record=False).items
        ]
        assert shelf.LOOK_EVERY <= 2


class TestRefused:
    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"kind": "adore", "category": "Tea"}, "kind"),
            ({"kind": "pin"}, "product_id"),
            ({"kind": "boost"}, "category"),
            ({"kind": "boost", "category": "Tea", "percent": 0}, "percent"),
            ({"kind": "boost", "category": "Tea", "slot": "attic"}, "slot"),
            ({"kind": "boost", "category": "Tea", "position": 21}, "position"),
        ],
    )
    def test_a_field_out_of_range_is_named(self, tenant, fields, wrong):
        with pytest.raises(rules.BadRule) as refused:
            rules.create(**fields)
        assert list(refused.value.fields) == [wrong]

    def test_an_end_before_its_beginning(self, tenant):
        now = clock.now()
        with pytest.raises(rules.BadRule) as refused:
            rules.create(kind="boost", category="Tea", starts_at=now, ends_at=now - timedelta(days=1))
        assert list(refused.value.fields) == ["ends_at"]

    def test_another_companys_product_does_not_exist(self, company, other_company, context):
        with work.unit(tenant_id=other_company.tenant_id):
            products.upsert_many([little_shop.product("tea-1")])
            foreign = products.by_external(["tea-1"])["tea-1"].id
        with work.unit(tenant_id=company.tenant_id), pytest.raises(products.NoSuchProduct):
            rules.create(kind="hide", product_id=foreign)

    def test_too_many_rules(self, tenant, monkeypatch):
        monkeypatch.setattr(rules, "MOST_RULES", 1)
        rules.create(kind="boost", category="Tea")
        with pytest.raises(rules.BadRule):
            rules.create(kind="boost", category="Cup")
