"""Shops with hardly any past: every place shows something sensible, and what little is known is used."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from saas.catalog import products
from saas.commerce import orders
from saas.kit import clock, work
from saas.recommend import backtest, fitting, offers, shelf, stock
from saas.recommend.places import SLOTS
from tests.doors.test_home import text_of
from tests.rooms.recommend import little_shop

FAMILIES, EACH, ASKED = 8, 3, 4
KEYS = [f"kind{family}-{number}" for family in range(FAMILIES) for number in range(EACH)]
GONE = {"kind0-0", "kind3-1"}
VISITOR = "small-shop-visitor-000001"


def family(key: str) -> str:
    return key.partition("-")[0]


def partners(key: str) -> list[str]:
    return [one for one in KEYS if family(one) == family(key) and one != key]


def opened(company, drain, *, sold: int, views: dict[str, int] | None = None):
    """A shop with so many orders, each of two products of one family, and what was looked at; its models fitted."""
    draw = random.Random(7)  # noqa: S311 - the same shop in every run
    with work.unit(tenant_id=company.tenant_id):
        for number, key in enumerate(KEYS):
            fields = {"stock": 0 if key in GONE else 10, "updated_at": clock.now() - timedelta(days=len(KEYS) - number)}
            products.upsert_many([little_shop.product(key, **fields)])
    with work.unit(tenant_id=company.tenant_id):
        kinds = [draw.randrange(FAMILIES) for _each in range(sold)]
        baskets = [draw.sample([f"kind{kind}-{number}" for number in range(EACH)], 2) for kind in kinds]
        orders.record_many([
            little_shop.order(number, basket, customer=number % 20, days_ago=1 + draw.random() * 80) for number, basket in enumerate(baskets)
        ])  # fmt: skip
        for key, times in (views or {}).items():
            for number in range(times):
                little_shop.look(f"looker-{key}-{number:016d}", [key], minutes_ago=300 + number)
    drain(company)
    fitting.fit(company.tenant_id)
    shelf.forget()
    stock.forget()
    return company


def asked(company, slot: str, **wishes) -> list[str]:
    """What a place shows somebody whom nobody knows."""
    about = {
        "product": {"product": "kind1-0"}, "cart": {"cart": ["kind1-0"]}, "thank-you": {"bought": ["kind1-0"]}, "search": {"query": "kind1"},
    }.get(slot, {})  # fmt: skip
    chosen = offers.choose(
        tenant_id=company.tenant_id, slot=slot, visitor=VISITOR, limit=ASKED, record=False, **{**about, **wishes}
    )
    return [one.product.key for one in chosen.items]


@pytest.mark.parametrize("sold", [50, 10, 0])
def test_no_place_is_ever_empty_and_nothing_sold_out_is_shown(company, context, drain, sold):
    opened(company, drain, sold=sold)
    for slot in SLOTS:
        shown = asked(company, slot)
        assert len(shown) == len(set(shown)) == ASKED, slot
        assert not GONE & set(shown), slot
        assert slot not in ("product", "cart", "thank-you") or "kind1-0" not in shown, slot
    mailed = offers.for_mail
    with work.unit(tenant_id=company.tenant_id):
        from saas.customers import profiles

        ann = profiles.create(email="ann@mail.example").id
        told = [one["product"] for one in mailed([ann], limit=ASKED)[ann]]
    assert len(set(told)) == ASKED and not GONE & set(told)


def test_one_product_in_stock_is_what_every_place_shows(company, context, drain):
    opened(company, drain, sold=0)
    with work.unit(tenant_id=company.tenant_id):
        products.upsert_many([{"external_id": key, "stock": 0} for key in KEYS if key != "kind5-2"])
    drain(company)
    stock.forget()
    for slot in SLOTS:
        assert asked(company, slot) == ["kind5-2"], slot


def test_before_the_first_order_and_the_first_look_the_newest_stand_first(company, context, drain):
    opened(company, drain, sold=0)
    newest = [
        stock.catalogue(company.tenant_id).by_number[one].key for one in stock.catalogue(company.tenant_id).newest
    ]
    offerable = [key for key in newest if key not in GONE]
    for slot in ("home", "discover", "mail"):
        assert asked(company, slot) == offerable[:ASKED], slot


def test_before_the_first_order_what_is_looked_at_most_stands_first(company, context, drain):
    opened(company, drain, sold=0, views={"kind2-0": 12, "kind4-1": 8, "kind6-2": 4, "kind0-0": 30})
    for slot in ("home", "mail"):
        assert asked(company, slot)[:3] == ["kind2-0", "kind4-1", "kind6-2"], slot


def test_beside_a_product_without_history_what_is_alike_comes_before_the_rest(company, context, drain):
    opened(company, drain, sold=0)
    assert set(partners("kind1-0")) <= set(asked(company, "product"))


@pytest.mark.parametrize("slot", ["product", "cart", "thank-you"])
def test_fifty_planted_orders_are_better_than_chance(company, context, drain, slot):
    opened(company, drain, sold=50)
    with_partners = {
        "product": lambda key: {"product": key}, "cart": lambda key: {"cart": [key]}, "thank-you": lambda key: {"bought": [key]},
    }[slot]  # fmt: skip
    hits = wanted = 0
    for key in KEYS:
        mates = [one for one in partners(key) if one not in GONE]
        hits += len(set(mates) & set(asked(company, slot, **with_partners(key))))
        wanted += len(mates)
    chance = ASKED / (len(KEYS) - len(GONE) - 1)
    assert hits / wanted > 3 * chance, (hits, wanted)


@pytest.mark.parametrize("sold", [50, 10, 0])
def test_how_good_they_are_says_in_plain_words_that_there_is_too_little(company, context, drain, sold):
    opened(company, drain, sold=sold)
    with company.app.app_context():
        assert backtest.repeat(company.tenant_id) == bool(sold)
    words = text_of(company.page.get("/recommendations/quality"))
    assert "too little" in words.lower()
