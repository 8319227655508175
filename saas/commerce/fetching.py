"""Asking a shop for one product after another, where a delivery told only that something about it changed.

What is to be asked for stands with the products, so nothing is lost when a worker dies, and a hundred deliveries about one
product are one question. One at a time and with a pause as long as the answer took, so that the shop has half its time for
its shoppers. No call is made inside a transaction.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from saas.catalog import asking, products
from saas.commerce import connectors, shops
from saas.commerce.connectors.past import Origin, StoreBusy
from saas.kit import clock, errors, work
from saas.tenancy import tenants

log = logging.getLogger("regulars.shops")
LEASE, AT_ONCE, BUDGET, LONGEST_PAUSE = timedelta(minutes=3), 10, 20.0, 5.0
AFTER_TROUBLE = timedelta(minutes=15)


def advance(
    tenant_id: int, shop_id: UUID, *, budget: float = BUDGET, pause: Callable[[float], Any] = time.sleep
) -> int:
    """Ask a shop for products until all are here or the time is over; returns how many were answered."""
    until, answered = time.monotonic() + budget, 0
    while time.monotonic() < until:
        with work.unit(tenant_id=tenant_id):
            past, origin, claimed = _begin(shop_id)
        if not claimed:
            break
        for place, (product_id, key, mark) in enumerate(claimed):
            began = time.monotonic()
            trouble = _fetch(tenant_id, past, origin, product_id, key, mark)
            if trouble is not None or time.monotonic() >= until:
                rest = claimed[place + (trouble is None) :]
                _put_back(tenant_id, rest, trouble or timedelta(0))
                return answered + (trouble is None)
            answered += 1
            pause(min(time.monotonic() - began, LONGEST_PAUSE))
    return answered


def _begin(shop_id: UUID) -> tuple[Any, Origin | None, list[Any]]:
    """Return the store, whose things these are, and what to ask for; nothing of a shop that cannot be read any more."""
    shop = next((one for one in shops.all_shops() if one.id == shop_id), None)
    connector = connectors.KINDS[shop.kind] if shop is not None else None
    past = connector.history(shop) if hasattr(connector, "whole") else None
    claimed = asking.claim(shop_id, lease=LEASE, most=AT_ONCE)
    if past is None:
        for product_id, _key, mark in claimed:
            asking.finish(product_id, claimed=mark)
        return None, None, []
    return (past, connector), Origin(shop.id, shop.currency or tenants.settings().currency, shop.url), claimed


def _fetch(tenant_id: int, past: Any, origin: Origin, product_id: UUID, key: str, mark: Any) -> timedelta | None:
    """Ask for one product and write it; returns how long to leave the shop alone when it refused."""
    store, connector = past
    try:
        body = connector.whole(store, key)
    except StoreBusy as busy:
        return max(timedelta(seconds=busy.seconds), timedelta(minutes=1))
    except errors.Refusal as refusal:
        log.warning("a shop does not answer about a product: %s", refusal.message)
        return AFTER_TROUBLE
    with work.unit(tenant_id=tenant_id):
        if body is None:
            products.retire(external_ids=[key], source_id=origin.source_id)
        else:
            connector.write("products", [body], origin)
        asking.finish(product_id, claimed=mark)
    return None


def _put_back(tenant_id: int, claimed: list[Any], later: timedelta) -> None:
    with work.unit(tenant_id=tenant_id):
        for product_id, _key, mark in claimed:
            asking.finish(product_id, claimed=mark, again=clock.now() + later)
