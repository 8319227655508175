"""Fetching stores' past and comparing with them."""

from __future__ import annotations

import logging

from saas.commerce import backfill
from saas.kit import scope, ticks, work

log = logging.getLogger("regulars.shops")
AUTOMATION = scope.Actor("automation", "backfill", "Regulars")


def fetch(*, run_at: str, **_: object) -> None:
    """Go on with every shop that has something to fetch, each for a bounded time."""
    with work.platform_unit(reason="find shops whose past is to be fetched"):
        waiting = backfill.due()
    for tenant_id, shop_id in waiting:
        try:
            with scope.tenant(tenant_id, actor=AUTOMATION):
                backfill.advance(tenant_id, shop_id, budget=30)
        except Exception:
            log.exception("fetching from shop %s of tenant %s failed", shop_id, tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.shops.fetch", run_at=run_at)
