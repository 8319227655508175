"""Fetching stores' past, comparing with them, and noticing when one falls silent."""

from __future__ import annotations

import logging
from uuid import UUID

from redis.exceptions import RedisError

from saas.commerce import backfill, hearing, shops, silence, silence_letters
from saas.kit import queues, scope, ticks, valkey, work

log = logging.getLogger("regulars.shops")
AUTOMATION = scope.Actor("automation", "backfill", "Regulars")
GO_ON, WAITS, BUDGET = "workers.jobs.shops.go_on", 60, 30.0
"""One shop's turn, the seconds after which a ring that nobody heard is repeated, and how long a turn is."""


def fetch(*, run_at: str, **_: object) -> None:
    """Ring for every shop that has something to fetch; each is a job of its own, so that a slow one keeps no other waiting."""
    with work.platform_unit(reason="find shops whose past is to be fetched"):
        waiting = backfill.due()
    for tenant_id, shop_id in waiting:
        ring(tenant_id, str(shop_id))
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.shops.fetch", run_at=run_at)


def ring(tenant_id: int, shop_id: str) -> None:
    """Ask for a worker for a shop, unless one is asked for already."""
    if valkey.client().set(f"shop-rung:{shop_id}", b"1", nx=True, ex=WAITS):
        queues.enqueue("heavy", GO_ON, tenant_id=tenant_id, shop_id=shop_id)


def go_on(*, tenant_id: int, shop_id: str, **_: object) -> None:
    """Go on with a shop for a bounded time, and ring again when there is more."""
    with scope.tenant(tenant_id, actor=AUTOMATION):
        more = backfill.advance(tenant_id, UUID(shop_id), budget=BUDGET)
    try:
        valkey.client().delete(f"shop-rung:{shop_id}")
        if more and not _resting(tenant_id, shop_id):
            ring(tenant_id, shop_id)
    except RedisError:
        pass  # the sweep rings


def _resting(tenant_id: int, shop_id: str) -> bool:
    """Tell whether the shop is to be left alone for a while; the sweep rings when that is over."""
    with work.unit(tenant_id=tenant_id):
        return bool(shops.one(shop_id).backfill.get("leased_until"))


def carry(*, run_at: str, **_: object) -> None:
    """Carry over what shops' pages told to the hours it was told in."""
    for tenant_id in hearing.companies_heard():
        try:
            with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
                hearing.carry_over()
        except Exception:
            log.exception("what the pages of tenant %s told was not carried over", tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.shops.carry", run_at=run_at)


def watch(*, run_at: str, **_: object) -> None:
    """Judge of every shop whether it has fallen silent, and throw away hours nobody looks at any more."""
    with work.platform_unit(reason="find shops to be watched"):
        found = silence.watchable()
        hearing.tidy()
    for tenant_id, shop_id in found:
        try:
            with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
                silence.watch(shops.one(shop_id))
        except Exception:
            log.exception("shop %s of tenant %s was not watched", shop_id, tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.shops.watch", run_at=run_at)


def write_silent(*, alarm_id: str, **_: object) -> None:
    """Tell owners and administrators that something of a shop is not well."""
    silence_letters.write_silent(alarm_id)
