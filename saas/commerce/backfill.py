"""Fetching a store's past, and comparing with it time and again: webhooks alone lose things.

Progress stands with the shop, so any worker may die and another goes on where it stopped. One worker at a time has a
shop, by a lease on the database's clock that carries its name: who lost it writes nothing more. Calls to the store are made
outside of any transaction, one at a time, with a rest after each. How a store is read is its connector's business; here is
only what all have in common.

What fails is tried again by itself, later each time; after some tries the shop says that it waits, and for what.
"""

from __future__ import annotations

import logging
import random
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, and_, case, cast, func, or_, select

from saas import config
from saas.commerce import connecting, connectors, reconciling, shops, unread
from saas.commerce.connectors.past import KeysRefused, Origin, Past, Portion, StoreBusy
from saas.commerce.models import Shop
from saas.kit import clock, errors, stopping, work
from saas.kit.db import db
from saas.tenancy import tenants

log = logging.getLogger("regulars.shops")
LEASE = timedelta(seconds=120)
EVERY = {"woocommerce": timedelta(hours=1), "shopify": timedelta(hours=6)}
"""How often a shop is compared. Asking WooCommerce what changed is two small questions, Shopify gathers a file for each kind."""
DEEP, WHOLE = timedelta(hours=20), timedelta(days=7)
"""How often what was deleted is looked for, and what a store cannot be asked for by the time it changed is read as a whole."""
OVERLAP = timedelta(hours=1)
FIRST_PAUSE, LONGEST_PAUSE = 15.0, 3600.0
PATIENT = 5
"""From so many failed tries on the fetching is said to wait."""
BUDGET, LONGEST_REST = 60.0, 20.0
GOING = ("wanted", "running", "waiting")
OVER = ("done", "cancelled")


class NotFetchable(errors.Refusal):
    """The shop has no keys to be read with, so its past cannot be fetched."""

    status, code, message = 422, "not_fetchable", "Enter the store's keys first; without them only new orders arrive."


class NothingToStop(errors.Conflict):
    """Nothing of the shop is being fetched."""

    message = "Nothing is being fetched from this shop."


class Lost(Exception):
    """Another worker has the shop now, or somebody stopped the fetching: what this one holds is not written."""


def ask(shop_id: UUID | str, *, months: int | None = None) -> None:
    """Have a shop's past fetched (again), from the beginning; with `months` no orders from before. Raises NotFetchable."""
    shop = shops.one(shop_id, lock=True)
    if not shops.readable(shop):
        raise NotFetchable
    since = {"orders_from": (clock.now() - timedelta(days=months * 30.5)).isoformat()} if months else {}
    shop.backfill = {**shops.WANTED, "asked_at": clock.now().isoformat(), **since}
    shop.trouble = ""


def compare(shop_id: UUID | str) -> None:
    """Have a shop compared now instead of when it is due; a past that is being fetched goes on first. Raises NotFetchable."""
    shop = shops.one(shop_id, lock=True)
    if not shops.readable(shop):
        raise NotFetchable
    if shop.backfill.get("state") in OVER:
        shop.backfill = _comparison(shop, clock.now(), asked=True)
    elif shop.backfill.get("state") in GOING:
        shop.backfill = (
            {**shop.backfill, "leased_until": None, "holder": None} if shop.backfill.get("tries") else shop.backfill
        )
    else:
        shop.backfill = {**shops.WANTED, "asked_at": clock.now().isoformat()}


def cancel(shop_id: UUID | str) -> None:
    """Stop what is being fetched; what came stays, and comparing goes on with what changes from now on. Raises NothingToStop."""
    shop = shops.one(shop_id, lock=True)
    if shop.backfill.get("state") not in GOING:
        raise NothingToStop
    shop.backfill = {**shop.backfill, "state": "cancelled", "leased_until": None, "holder": None, "tries": 0}
    shop.trouble = ""


def due() -> list[tuple[int, UUID]]:
    """Return (tenant, shop) that have something to fetch; for the sweep, in a unit of work over all tenants."""
    state, until = Shop.backfill["state"].astext, cast(Shop.backfill["leased_until"].astext, DateTime(timezone=True))
    every = case(*((Shop.kind == kind, span) for kind, span in EVERY.items()), else_=timedelta(days=1))
    late = or_(Shop.reconciled_at.is_(None), Shop.reconciled_at < func.now() - every)
    query = select(Shop.tenant_id, Shop.id).where(
        Shop.removed_at.is_(None),
        Shop.state != shops.PAUSED,
        Shop.state != shops.PAUSED,
        Shop.access_sealed.is_not(None),
        Shop.url != "",
        or_(until.is_(None), until < func.now()),
        or_(state.in_(GOING), and_(state.in_(OVER), late)),
    )
    return [(tenant, shop) for tenant, shop in db.session.execute(query)]


def advance(
    tenant_id: int, shop_id: UUID, *, budget: float = BUDGET, rest: Callable[[float], None] = stopping.wait
) -> bool:
    """Fetch portions of a shop until done or out of time; tells whether there is more. A store's refusal is kept as its trouble."""
    with work.unit(tenant_id=tenant_id):
        held = _lease(shop_id)
    if held is None:
        return False
    past, state = held
    until, portion = time.monotonic() + budget, None
    try:
        _renew(tenant_id, shop_id, past)
        if state["state"] == "wanted":
            state = _begin(tenant_id, shop_id, past, state)
        while state["state"] not in OVER and time.monotonic() < until and not stopping.asked():
            if portion is not None and portion.wait:
                break
            state, portion = _step(tenant_id, shop_id, past, state, rest)
        pause = portion.wait if portion is not None else 0.0
        with work.unit(tenant_id=tenant_id):
            leased = {"leased_until": _from_now(timedelta(seconds=pause)) if pause else None, "holder": None}
            _write(shop_id, {**state, **leased}, holder=state["holder"])
    except Lost:
        return False
    except StoreBusy as busy:
        return _put_off(tenant_id, shop_id, state, busy)
    except errors.Refusal as refusal:
        return _put_off(tenant_id, shop_id, state, refusal)
    return state["state"] not in OVER


def _from_now(span: timedelta) -> str:
    return (db.session.scalar(select(func.now())) + span).isoformat()


def _lease(shop_id: UUID) -> tuple[Past, dict[str, Any]] | None:
    """Take the shop for a while unless somebody has it; starts the comparison when nothing else is going on."""
    shop = shops.one(shop_id, lock=True)
    now = db.session.scalar(select(func.now()))
    state = dict(shop.backfill)
    held_until = state.get("leased_until")
    past = connectors.KINDS[shop.kind].history(shop)
    if (
        past is None
        or not state
        or shop.state == shops.PAUSED
        or (held_until and datetime.fromisoformat(held_until) > now)
    ):
        return None
    if state.get("state") in OVER:
        state = _comparison(shop, now)
    state |= {"leased_until": (now + LEASE).isoformat(), "holder": secrets.token_hex(8)}
    shop.backfill = state
    return past, state


def _comparison(shop: Shop, now: datetime, *, asked: bool = False) -> dict[str, Any]:
    """Return the beginning of a comparison: what changed since the last one began. One that somebody asks for is a deep one."""
    held = shop.reconciled
    until = (
        held.get("until") or (shop.reconciled_at and shop.reconciled_at.isoformat()) or shop.backfill.get("asked_at")
    )
    since = (datetime.fromisoformat(until) - OVERLAP).isoformat() if until else None
    deep, whole = (asked or _late(held.get(name), span, now) for name, span in (("deep_at", DEEP), ("whole_at", WHOLE)))
    return {
        **shops.WANTED,
        "since": since,
        "asked_at": now.isoformat(),
        "deep": deep or whole,
        "whole": whole and not asked,
    }


def _late(at: str | None, span: timedelta, now: datetime) -> bool:
    return at is None or datetime.fromisoformat(at) < now - span


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
        shop, begun = shops.one(shop_id), clock.now()
        address, secret = f"{config.get().public_url}/hooks/{shop.kind}/{shop.hook_token}", shops.secret_of(shop)
        badly_signed = reconciling.badly_signed(shop)
    since = _since(state)
    tended = past.tend(address=address, secret=secret, renew=badly_signed)
    totals = tended.shop.get("counts") or (past.counts() if since is None else {})
    kinds = past.kinds(since=since, deep=bool(state.get("deep")))
    state = {**state, "state": "running", "kinds": list(kinds), "kind": kinds[0], "place": {}, "totals": totals, "begun_at": begun.isoformat()}  # fmt: skip
    with work.unit(tenant_id=tenant_id):
        shop = _held(shop_id, state["holder"])
        if tended.keys is not None:
            shops.keep_access(shop_id, tended.keys)
        shop.reconciled = {**shop.reconciled, "webhooks": tended.webhooks, "tended_at": begun.isoformat()}
        if "lacks" in tended.shop:
            shop.reconciled = {**shop.reconciled, "lacks": tended.shop["lacks"]}
        if tended.shop:
            shops.note_about(shop_id, **{name: tended.shop[name] for name in ("url", "currency", "name")})
        reconciling.tended(shop, tended.webhooks, first=since is None)
        state["leased_until"] = _from_now(LEASE)
        shop.backfill = state
    return state


def _step(
    tenant_id: int, shop_id: UUID, past: Past, state: dict[str, Any], rest: Callable[[float], None]
) -> tuple[dict[str, Any], Portion]:
    """Fetch and write one portion, and write down how far we are in the same transaction; then the store is left to its
    shoppers for as long as it took to answer."""
    began = time.monotonic()
    kind, since = state["kind"], _since(state)
    if kind.startswith("gone_"):
        portion = reconciling.look_for_gone(
            tenant_id, shop_id, past, kind.removeprefix("gone_"), state.get("place") or {}
        )
    else:
        portion = past.portion(kind, state.get("place") or {}, since=since)
    answered = time.monotonic()
    with work.unit(tenant_id=tenant_id):
        shop = _held(shop_id, state["holder"])
        state, outcomes = _written(shop, state, portion)
        over = state["state"] == "done"
        reconciling.note(shop, kind, outcomes, state, portion)
        state["leased_until"] = _from_now(LEASE)
        _write(shop_id, state, holder=state["holder"], finished=over)
    left = 0.0 if over else min(portion.rest, LONGEST_REST) - (time.monotonic() - answered)
    if left > 0:
        rest(left)
    state["done"][kind]["spent"] = round(state["done"][kind].get("spent", 0.0) + time.monotonic() - began, 3)
    return state, portion


def _written(shop: Shop, state: dict[str, Any], portion: Portion) -> tuple[dict[str, Any], list[Any]]:
    """Write a portion and return the state after it, and what became of its things."""
    kind, kinds, done = state["kind"], state["kinds"], dict(state.get("done", {}))
    currency = shop.currency or tenants.settings().currency
    origin = Origin(shop.id, currency, shop.url, news=bool(state.get("since")))
    before = done.get(kind, {"fetched": 0, "changed": 0, "failed": 0})
    outcomes, changed = [], 0
    if kind.startswith("gone_"):
        changed = reconciling.remove_gone(shop, kind.removeprefix("gone_"), [one["key"] for one in portion.bodies])
    elif portion.bodies:
        written = connectors.KINDS[shop.kind].write(kind, portion.bodies, origin)
        outcomes, changed = list(written.outcomes), written.changed
        unread.keep(shop.id, kind, written.unread)
    failed = sum(one.status == "failed" for one in outcomes)
    done[kind] = before | {
        "fetched": before["fetched"] + len(portion.bodies), "changed": before["changed"] + changed, "failed": before["failed"] + failed,
        "share": portion.share, **({"total": portion.total} if portion.total is not None else {}),
    }  # fmt: skip
    ended = portion.place is None or _known_from_here(state, portion, changed)
    after = {**state, "state": "running", "done": done, "place": {} if ended else portion.place, "tries": 0, "said": ""}
    if ended:
        rest = kinds[kinds.index(kind) + 1 :]
        after |= {"kind": rest[0]} if rest else {"state": "done"}
    return after, outcomes


def _known_from_here(state: dict[str, Any], portion: Portion, changed: int) -> bool:
    """Where a store cannot be asked for what changed, its newest things are read until some page holds nothing new."""
    if not state.get("since") or state.get("whole") or not portion.bodies or changed:
        return False
    asked = portion.place or {}
    return state["kind"] in ("customers", "products") and "last" in asked and not asked.get("knows")


def share(state: dict[str, Any]) -> float:
    """Return how much of a past is here, from 0 to 1: by the number of things where the store says it, else by kinds."""
    if state.get("state") == "done":
        return 1.0
    kinds, done = state.get("kinds") or [], state.get("done", {})
    if state.get("kind") not in kinds:
        return 0.0
    totals = _totals(state)
    if all(kind in totals for kind in kinds) and sum(totals.values()):
        here = sum(min(done.get(kind, {}).get("fetched", 0), totals[kind]) for kind in kinds)
        return min(here / sum(totals.values()), 0.99)
    return (kinds.index(state["kind"]) + done.get(state["kind"], {}).get("share", 0.0)) / len(kinds)


def _totals(state: dict[str, Any]) -> dict[str, int]:
    told, done = state.get("totals") or {}, state.get("done", {})
    return {kind: done[kind]["total"] if done.get(kind, {}).get("total") is not None else told[kind]
            for kind in state.get("kinds") or () if done.get(kind, {}).get("total") is not None or kind in told}  # fmt: skip


def left(state: dict[str, Any]) -> float | None:
    """Return how many seconds a fetching will take from now on at the pace measured so far; None while too little is known.

    Each kind goes at its own pace; one that has not begun at the average of the others.
    """
    done, totals = state.get("done", {}), _totals(state)
    kinds = state.get("kinds") or []
    if state.get("state") not in ("running", "waiting") or state.get("kind") not in kinds:
        return None
    coming = kinds[kinds.index(state["kind"]) :]
    fetched = sum(row["fetched"] for row in done.values())
    spent = sum(row.get("spent", 0.0) for row in done.values())
    if any(kind not in totals for kind in coming) or fetched < 50 or not spent:
        return None
    seconds = 0.0
    for kind in coming:
        row = done.get(kind, {})
        own = row.get("spent") and row["fetched"] >= 50
        pace = row["spent"] / row["fetched"] if own else spent / fetched
        seconds += max(totals[kind] - row.get("fetched", 0), 0) * pace
    return seconds


def _held(shop_id: UUID, holder: str | None) -> Shop:
    """Return the shop, locked, while this worker still has it; raises Lost."""
    shop = shops.one(shop_id, lock=True)
    if shop.backfill.get("holder") != holder or shop.backfill.get("state") == "cancelled":
        raise Lost
    return shop


def _write(shop_id: UUID, state: dict[str, Any], *, holder: str | None, finished: bool = False) -> None:
    shop = _held(shop_id, holder)
    shop.backfill = state
    shop.trouble = ""
    if finished:
        now = clock.now()
        shop.reconciled_at = now
        marks = {"until": state["begun_at"], "repaired": {kind: row["changed"] for kind, row in state["done"].items()}}
        marks |= {"deep_at": now.isoformat()} if state.get("deep") else {}
        marks |= {"whole_at": now.isoformat()} if state.get("whole") or not state.get("since") else {}
        if not state.get("since"):
            marks["past"] = {"done": state["done"], "ended_at": now.isoformat()}
        shop.reconciled = {**shop.reconciled, **marks}
        reconciling.finished(shop, state)


def _put_off(tenant_id: int, shop_id: UUID, state: dict[str, Any], refusal: errors.Refusal) -> bool:
    """Keep what the store refused, if it is any trouble, and go on later by itself; tells whether there is more to fetch.

    Each failure in a row waits twice as long, give or take a quarter so that not all shops of a host are asked at once.
    What the store itself says about when to come again is kept to.
    """
    busy = refusal if isinstance(refusal, StoreBusy) else None
    with work.unit(tenant_id=tenant_id):
        shop = shops.one(shop_id, lock=True)
        if shop.backfill.get("holder") != state.get("holder") or shop.backfill.get("state") == "cancelled":
            return False
        held = dict(shop.backfill)
        tries = held.get("tries", 0) + (0 if busy and busy.quiet and busy.seconds else 1)
        pause = min(FIRST_PAUSE * 2 ** max(tries - 1, 0), LONGEST_PAUSE) * random.uniform(0.75, 1.25)
        if busy and busy.seconds:
            pause = max(busy.seconds, 1.0) if busy.quiet else max(busy.seconds, pause)
        elif busy is None:
            pause = LONGEST_PAUSE * random.uniform(0.25, 0.5) if tries < PATIENT else LONGEST_PAUSE * 6
        if busy and busy.place is not None:
            held["place"] = busy.place
        quiet = bool(busy and busy.quiet)
        held |= {"tries": tries, "said": "" if quiet else refusal.message[:500], "leased_until": _from_now(timedelta(seconds=pause)), "holder": None}  # fmt: skip
        if tries >= PATIENT and held["state"] in ("running", "waiting"):
            held["state"] = "waiting"
        shop.trouble = "" if quiet else refusal.message[:500]
        shop.backfill = held
        if isinstance(refusal, KeysRefused):
            reconciling.keys_refused(shop, refusal.message)
            connecting.note_refused(shop)
        elif held["state"] == "waiting":
            reconciling.gone_quiet(shop, refusal.message)
    return busy is not None
