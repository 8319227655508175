"""Fetching a store's past, and comparing with it every night: webhooks alone lose things.

Progress stands with the shop, so any worker may die and another goes on where it stopped. One worker at a time has a
shop, by a lease on the database's clock. Calls to the store are made outside of any transaction. How a store is read is its
connector's business; here is only what all have in common.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from saas import config
from saas.commerce import connectors, shops
from saas.commerce.connectors.past import Origin, Past, StoreBusy
from saas.commerce.models import Shop
from saas.kit import clock, errors, work
from saas.kit.db import db
from saas.tenancy import tenants

log = logging.getLogger("regulars.shops")
LEASE = timedelta(minutes=3)
EVERY = timedelta(hours=24)
AFTER_REFUSAL = timedelta(minutes=15)
BUDGET = 60.0


class NotFetchable(errors.Refusal):
    """The shop has no keys to be read with, so its past cannot be fetched."""

    status, code, message = 422, "not_fetchable", "Enter the store's keys first; without them only new orders arrive."


def ask(shop_id: UUID | str) -> None:
    """Have a shop's past fetched (again), from the beginning; raises NotFetchable."""
    shop = shops.one(shop_id, lock=True)
    if not shops.readable(shop):
        raise NotFetchable
    shop.backfill = {**shops.WANTED, "asked_at": clock.now().isoformat()}
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
    """Fetch portions of a shop until done or out of time; tells whether there is more. A store's refusal is kept as its trouble."""
    with work.unit(tenant_id=tenant_id):
        held = _lease(shop_id)
    if held is None:
        return False
    past, state = held
    until, pause = time.monotonic() + budget, 0.0
    try:
        _renew(tenant_id, shop_id, past)
        if state["state"] == "wanted":
            state = _begin(tenant_id, shop_id, past, state)
        while state["state"] != "done" and not pause and time.monotonic() < until:
            state, pause = _step(tenant_id, shop_id, past, state)
    except StoreBusy as busy:
        _put_off(tenant_id, shop_id, "" if busy.quiet else busy.message, timedelta(seconds=max(busy.seconds, 1.0)))
        return True
    except errors.Refusal as refusal:
        _put_off(tenant_id, shop_id, refusal.message, AFTER_REFUSAL)
        return False
    with work.unit(tenant_id=tenant_id):
        _write(shop_id, {**state, "leased_until": _from_now(timedelta(seconds=pause)) if pause else None})
    return state["state"] != "done"


def _from_now(span: timedelta) -> str:
    return (db.session.scalar(select(func.now())) + span).isoformat()


def _lease(shop_id: UUID) -> tuple[Past, dict[str, Any]] | None:
    """Take the shop for a while unless somebody has it; starts the nightly comparison when it is due."""
    shop = shops.one(shop_id, lock=True)
    now = db.session.scalar(select(func.now()))
    state = dict(shop.backfill)
    held_until = state.get("leased_until")
    past = connectors.KINDS[shop.kind].history(shop)
    if past is None or (held_until and datetime.fromisoformat(held_until) > now):
        return None
    if state.get("state") == "done":
        since = shop.reconciled_at - timedelta(hours=1) if shop.reconciled_at else None
        state = {**shops.WANTED, "since": since and since.isoformat(), "asked_at": now.isoformat()}
    shop.backfill = {**state, "leased_until": (now + LEASE).isoformat()}
    return past, state


def _renew(tenant_id: int, shop_id: UUID, past: Past) -> None:
    """Keep new keys at once: the store may not take the old ones again."""
    keys = past.renewed()
    if keys is not None:
        with work.unit(tenant_id=tenant_id):
            shops.keep_access(shop_id, keys)


def _since(state: dict[str, Any]) -> datetime | None:
    return datetime.fromisoformat(state["since"]) if state.get("since") else None


def _begin(tenant_id: int, shop_id: UUID, past: Past, state: dict[str, Any]) -> dict[str, Any]:
    """Look after the webhooks first, so that nothing is lost between the past and what comes; keys that may only read are told of."""
    with work.unit(tenant_id=tenant_id):
        shop = shops.one(shop_id)
        address, secret = f"{config.get().public_url}/hooks/{shop.kind}/{shop.hook_token}", shops.secret_of(shop)
    tended = past.tend(address=address, secret=secret)
    with work.unit(tenant_id=tenant_id):
        shop = shops.one(shop_id, lock=True)
        shop.reconciled = {**shop.reconciled, "webhooks": tended.webhooks}
        if tended.shop:
            shops.note_about(shop_id, **{name: tended.shop[name] for name in ("url", "currency", "name")})
    kinds = past.kinds(since=_since(state))
    return {
        **state,
        "state": "running",
        "kinds": list(kinds),
        "kind": kinds[0],
        "place": {},
        "totals": tended.shop.get("counts", {}),
    }


def _step(tenant_id: int, shop_id: UUID, past: Past, state: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """Fetch and write one portion, and write down how far we are in the same transaction; returns how long to pause, too."""
    kind, kinds = state["kind"], state.get("kinds") or list(past.kinds(since=_since(state)))
    portion = past.portion(kind, state.get("place") or {}, since=_since(state))
    done = dict(state.get("done", {}))
    with work.unit(tenant_id=tenant_id):
        shop = shops.one(shop_id)
        origin = Origin(shop.id, shop.currency or tenants.settings().currency, shop.url)
        changed, failed = connectors.KINDS[shop.kind].write(kind, portion.bodies, origin) if portion.bodies else (0, 0)
        before = done.get(kind, {"fetched": 0, "changed": 0, "failed": 0})
        done[kind] = {
            "fetched": before["fetched"] + len(portion.bodies), "changed": before["changed"] + changed,
            "failed": before["failed"] + failed, "share": portion.share,
        }  # fmt: skip
        after = {**state, "state": "running", "kinds": kinds, "done": done, "place": portion.place or {}}
        if portion.place is None:
            rest = kinds[kinds.index(kind) + 1 :]
            after |= {"kind": rest[0]} if rest else {"state": "done"}
        _write(shop_id, {**after, "leased_until": _from_now(LEASE)}, finished=after["state"] == "done")
    return after, portion.wait


def share(state: dict[str, Any]) -> float:
    """Return how much of a past is here, from 0 to 1."""
    if state.get("state") == "done":
        return 1.0
    kinds, done = state.get("kinds") or [], state.get("done", {})
    if state.get("kind") not in kinds:
        return 0.0
    return (kinds.index(state["kind"]) + done.get(state["kind"], {}).get("share", 0.0)) / len(kinds)


def _write(shop_id: UUID, state: dict[str, Any], *, finished: bool = False) -> None:
    shop = shops.one(shop_id, lock=True)
    shop.backfill = state
    shop.trouble = ""
    if finished:
        shop.reconciled_at = clock.now()
        shop.reconciled = {**shop.reconciled, "repaired": {kind: row["changed"] for kind, row in state["done"].items()}}


def _put_off(tenant_id: int, shop_id: UUID, sentence: str, span: timedelta) -> None:
    """Keep what the store refused, if it is any trouble, and go on later."""
    with work.unit(tenant_id=tenant_id):
        shop = shops.one(shop_id, lock=True)
        shop.trouble = sentence[:500]
        shop.backfill = {**shop.backfill, "leased_until": _from_now(span)}
