"""Bringing products that are here only in part, and their pictures."""

from __future__ import annotations

import logging

from saas.catalog import asking, pictures
from saas.commerce import fetching
from saas.kit import scope, ticks, work

log = logging.getLogger("regulars.shops")
AUTOMATION = scope.Actor("automation", "catalog", "Regulars")


def fetch_whole(*, run_at: str, **_: object) -> None:
    """Ask shops for the products of which they told only a part, each for a bounded time."""
    with work.platform_unit(reason="find products whose shops are to be asked for them"):
        waiting = asking.due()
    for tenant_id, shop_id in waiting:
        try:
            with scope.tenant(tenant_id, actor=AUTOMATION):
                fetching.advance(tenant_id, shop_id)
        except Exception:
            log.exception("asking shop %s of tenant %s for products failed", shop_id, tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.catalog.fetch_whole", run_at=run_at)


def want_pictures(*, product_ids: list[str], **_: object) -> None:
    """Have pictures that are new fetched."""
    pictures.want(product_ids)


def fetch_pictures(*, run_at: str, **_: object) -> None:
    """Fetch pictures of products, each company's for a bounded time."""
    with work.platform_unit(reason="find pictures that are to be fetched"):
        waiting = pictures.due()
    for tenant_id in waiting:
        try:
            with scope.tenant(tenant_id, actor=AUTOMATION):
                pictures.fetch_some(tenant_id)
        except Exception:
            log.exception("fetching pictures of tenant %s failed", tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.catalog.fetch_pictures", run_at=run_at)


def tidy_pictures(*, run_at: str, **_: object) -> None:
    """Throw away pictures that nobody shows any more."""
    with work.platform_unit(reason="throw away pictures that no product has"):
        pictures.tidy()
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.catalog.tidy_pictures", run_at=run_at)
