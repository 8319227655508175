"""A Shopify shop in a box for tests, and a company that is connected to it."""

from __future__ import annotations

import pytest

from saas import config
from saas.commerce import backfill, shops
from saas.kit import work
from sandbox.shopify.server import CLIENT_ID, CLIENT_SECRET, Box


@pytest.fixture
def box():
    made = Box(looks=0).start()
    yield made
    made.stop()


@pytest.fixture
def house_app(monkeypatch, settings_in_environment):
    """The settings of a house that has an app of its own at Shopify."""
    monkeypatch.setenv("SHOPIFY_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("SHOPIFY_CLIENT_SECRET", CLIENT_SECRET)
    config.get.cache_clear()
    yield
    monkeypatch.undo()
    config.get.cache_clear()


def connected(company, box, **keys):
    """Connect a company to the box by an app of its own, and return the shop's id; works within an application context."""
    keys = keys or {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    with work.unit(tenant_id=company.tenant_id):
        return shops.connect(kind="shopify", name="Fern & Kettle", url=box.url, **keys)[0].id


def held(company, shop_id):
    """Return what is kept about fetching: its state, the trouble, and the comparison."""
    with work.unit(tenant_id=company.tenant_id):
        shop = shops.one(shop_id)
        return shop.backfill, shop.trouble, shop.reconciled


def fetch(company, shop_id, *, rounds=40):
    """Fetch until all is here or the shop is in trouble, as though the pauses between had passed."""
    for _round in range(rounds):
        more = backfill.advance(company.tenant_id, shop_id)
        state, trouble, _compared = held(company, shop_id)
        if trouble or not more:
            break
        forget_pause(company, shop_id)
    return state, trouble


def forget_pause(company, shop_id):
    """Let the time pass that a shop is to be left alone for."""
    with work.unit(tenant_id=company.tenant_id):
        shop = shops.one(shop_id, lock=True)
        shop.backfill = {**shop.backfill, "leased_until": None}
