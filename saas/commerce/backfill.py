"""Fetching a store's past, and comparing with it every night: webhooks alone lose things.

Progress stands with the shop, so any worker may die and another goes on where it stopped. One worker at a time has a
shop, by a lease on the database's clock. Calls to the store are made outside of any transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from saas import config
from saas.catalog import products
from saas.commerce import orders, shops
from saas.commerce.connectors import woocommerce
from saas.commerce.connectors.delivery import Unmappable
from saas.commerce.connectors.woocommerce_rest import Store
from saas.commerce.models import Shop
from saas.customers import arriving
from saas.kit import clock, errors, work
from saas.kit.db import db
from saas.tenancy import tenants

KINDS = ("products", "customers", "orders")
LEASE = timedelta(minutes=3)
EVERY = timedelta(hours=24)
BUDGET = 60.0


class NotFetchable(errors.Refusal):
    """The shop has no REST keys, so its past cannot be fetched."""

    status, code, message = (
        422,
        "not_fetchable",
        "Enter the store's REST keys first; without them only new orders arrive.",
    )


def ask(shop_id: UUID | str) -> None:
    """Have a shop's past fetched (again), from the beginning; raises NotFetchable."""
    shop = shops.one(shop_id, lock=True)
    if not shop.access_sealed or not shop.url:
        raise NotFetchable
    shop.backfill = {"state": "wanted", "kind": KINDS[0], "page": 1, "done": {}, "asked_at": clock.now().isoformat()}
    shop.trouble = ""


def due() -> list[tuple[int, UUID]]:
    """Return (tenant, shop) that have something to fetch; for the sweep, in a unit of work over all tenants."""
    state = Shop.backfill["state"].astext
    late = or_(Shop.reconciled_at.is_(None), Shop.reconciled_at < func.now() - EVERY)
    query = select(Shop.tenant_id, Shop.id).where(
        Shop.removed_at.is_(None),
        Shop.access_sealed.is_not(None),
        Shop.url != "",
        or_(state.in_(("wanted", "running")), (state == "done") & late),
    )
    return [(tenant, shop) for tenant, shop in db.session.execute(query)]


def advance(tenant_id: int, shop_id: UUID, *, budget: float = BUDGET) -> bool:
    """Fetch pages of a shop until done or out of time; tells whether there is more. A store's refusal is kept as its trouble."""
    with work.unit(tenant_id=tenant_id):
        held = _lease(shop_id)
    if held is None:
        return False
    store, state = held
    until = time.monotonic() + budget
    try:
        if state["state"] == "wanted":
            _tend(tenant_id, shop_id, store)
        while state["state"] != "done" and time.monotonic() < until:
            state = _step(tenant_id, shop_id, store, state)
    except errors.Refusal as refusal:
        _note_trouble(tenant_id, shop_id, refusal.message)
        return False
    with work.unit(tenant_id=tenant_id):
        _write(shop_id, {**state, "leased_until": None})
    return state["state"] != "done"


def _lease(shop_id: UUID) -> tuple[Store, dict[str, Any]] | None:
    """Take the shop for a while unless somebody has it; starts the nightly comparison when it is due."""
    shop = shops.one(shop_id, lock=True)
    now = db.session.scalar(select(func.now()))
    state = dict(shop.backfill)
    held_until = state.get("leased_until")
    access = shops.access(shop)
    if access is None or (held_until and datetime.fromisoformat(held_until) > now):
        return None
    if state.get("state") == "done":
        since = shop.reconciled_at - timedelta(hours=1) if shop.reconciled_at else None
        state = {
            "state": "wanted",
            "kind": KINDS[0],
            "page": 1,
            "done": {},
            "since": since and since.isoformat(),
            "asked_at": now.isoformat(),
        }
    shop.backfill = {**state, "leased_until": (now + LEASE).isoformat()}
    return Store(shop.url, *access), state


def _tend(tenant_id: int, shop_id: UUID, store: Store) -> None:
    """Look after the webhooks; a key that may only read leaves them as they are, which is said."""
    with work.unit(tenant_id=tenant_id):
        shop = shops.one(shop_id)
        address, secret = f"{config.get().public_url}/hooks/woocommerce/{shop.hook_token}", shops.secret_of(shop)
    counts = store.tend_webhooks(address=address, secret=secret)
    with work.unit(tenant_id=tenant_id):
        shop = shops.one(shop_id, lock=True)
        shop.reconciled = {**shop.reconciled, "webhooks": counts}


def _step(tenant_id: int, shop_id: UUID, store: Store, state: dict[str, Any]) -> dict[str, Any]:
    """Fetch and write one page, and write down how far we are in the same transaction."""
    kind, page = state["kind"], state["page"]
    since = datetime.fromisoformat(state["since"]) if state.get("since") else None
    items, pages = store.page(kind, page, since=since)
    done = dict(state.get("done", {}))
    with work.unit(tenant_id=tenant_id):
        shop = shops.one(shop_id)
        changed, failed = _take(kind, items, shop)
        before = done.get(kind, {"fetched": 0, "changed": 0, "failed": 0})
        done[kind] = {
            "fetched": before["fetched"] + len(items),
            "changed": before["changed"] + changed,
            "failed": before["failed"] + failed,
            "pages": pages,
        }
        after = {**state, "state": "running", "done": done, "page": page + 1}
        if page >= pages or not items:
            place = KINDS.index(kind) + 1
            after |= {"kind": KINDS[place], "page": 1} if place < len(KINDS) else {"state": "done"}
        _write(
            shop_id,
            {**after, "leased_until": (db.session.scalar(select(func.now())) + LEASE).isoformat()},
            finished=after["state"] == "done",
        )
    return after


def _take(kind: str, items: list[dict[str, Any]], shop: Shop) -> tuple[int, int]:
    """Write a page's items; returns how many changed something and how many could not be understood."""
    currency = shop.currency or tenants.settings().currency
    readers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "products": lambda body: woocommerce.product_item(body, currency), "customers": woocommerce.customer_item, "orders": woocommerce.order_item,
    }  # fmt: skip
    writers = {"products": products.upsert_many, "customers": arriving.upsert_many, "orders": orders.record_many}
    good, failed = [], 0
    for body in items:
        try:
            good.append(readers[kind](body))
        except (Unmappable, KeyError, TypeError, ValueError):
            failed += 1
    results = writers[kind](good, shop.id) if good else []
    return sum(r.status in ("created", "updated") for r in results), failed + sum(r.status == "failed" for r in results)


def _write(shop_id: UUID, state: dict[str, Any], *, finished: bool = False) -> None:
    shop = shops.one(shop_id, lock=True)
    shop.backfill = state
    shop.trouble = ""
    if finished:
        shop.reconciled_at = clock.now()
        shop.reconciled = {**shop.reconciled, "repaired": {kind: row["changed"] for kind, row in state["done"].items()}}


def _note_trouble(tenant_id: int, shop_id: UUID, sentence: str) -> None:
    """Keep what the store refused and try again in a quarter of an hour."""
    with work.unit(tenant_id=tenant_id):
        shop = shops.one(shop_id, lock=True)
        later = db.session.scalar(select(func.now())) + timedelta(minutes=15)
        shop.trouble = sentence[:500]
        shop.backfill = {**shop.backfill, "leased_until": later.isoformat()}
