"""A WooCommerce store that fails on request, and a company that is connected to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from saas.commerce import backfill, shops
from saas.commerce.connectors import woocommerce_past
from saas.kit import work
from sandbox.faulty.server import Box


@pytest.fixture
def store():
    made = Box().start()
    yield made
    made.stop()


def stock_up(store, *, orders=130, old=120, customers=30, products=4):
    """Fill the store: some products, people, orders of the last weeks and others from years ago."""
    now = datetime.now(UTC).replace(microsecond=0)
    store.things.now = now - timedelta(days=900)
    teas = [store.things.add_product(f"Tea {n}") for n in range(products)]
    people = [store.things.add_customer(f"p{n}-{store.url[-5:]}@shopper.example") for n in range(customers)]
    for number in range(old):
        store.things.add_order(people[number % customers], [(teas[number % products], 1)], status="completed")
    store.things.now = now - timedelta(days=20)
    for number in range(orders):
        buyer = people[number % customers] if number % 4 else None
        store.things.add_order(buyer, [(teas[number % products], 1 + number % 3)], email=f"g{number}@guest.example")
    return teas, people


def connected(company, store, **fields):
    """Connect a company to the store, and return the shop's id; works within an application context."""
    with work.unit(tenant_id=company.tenant_id):
        shop, _secret = shops.connect(
            kind="woocommerce",
            name="Woo",
            url=store.url,
            consumer_key=store.key,
            consumer_secret=store.secret,
            **fields,
        )
        return shop.id


def state_of(company, shop_id):
    """Return what is kept about fetching: its state, the trouble, and the comparison."""
    with work.unit(tenant_id=company.tenant_id):
        shop = shops.one(shop_id)
        return shop.backfill, shop.trouble, shop.reconciled


def forget_pause(company, shop_id):
    """Let the time pass that a shop is to be left alone for."""
    with work.unit(tenant_id=company.tenant_id):
        shop = shops.one(shop_id, lock=True)
        shop.backfill = {**shop.backfill, "leased_until": None}


def fetch(company, shop_id, *, rounds=60):
    """Fetch until all is here, as though the pauses between had passed; returns the state and the troubles on the way."""
    troubles = []
    for _round in range(rounds):
        more = backfill.advance(company.tenant_id, shop_id, rest=lambda _seconds: None)
        state, trouble, _compared = state_of(company, shop_id)
        troubles += [trouble] if trouble else []
        if not more and state["state"] in ("done", "cancelled"):
            break
        forget_pause(company, shop_id)
    return state, troubles


@pytest.fixture
def small_pages(monkeypatch):
    """Pages of ten, so that a few things are many pages."""
    monkeypatch.setattr(woocommerce_past, "LARGEST", 10)
