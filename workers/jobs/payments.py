"""Taking what payment vendors tell, fetching their past, and having orders find their payments."""

from __future__ import annotations

import logging
from uuid import UUID

from saas.commerce import payment_joining, payments_inbox, payments_past
from saas.kit import scope, ticks, work

log = logging.getLogger("regulars.payments")
AUTOMATION = scope.Actor("automation", "payments", "Regulars")


def take(*, told_id: str, **_: object) -> None:
    """Take what a payment vendor told."""
    payments_inbox.take(told_id)


def follow_orders(*, order_ids: list[str], **_: object) -> None:
    """Have orders find payments that were here before them, and refunds that are the same."""
    payment_joining.follow_orders([UUID(one) for one in order_ids])


def fetch(*, run_at: str, **_: object) -> None:
    """Go on with every account that has something to fetch, each for a bounded time."""
    with work.platform_unit(reason="find payment accounts whose past is to be fetched"):
        waiting = payments_past.due()
    for tenant_id, account_id in waiting:
        try:
            with scope.tenant(tenant_id, actor=AUTOMATION):
                payments_past.advance(tenant_id, account_id, budget=20)
                with work.unit(tenant_id=tenant_id):
                    payments_inbox.tidy()
        except Exception:
            log.exception("fetching from payment account %s of tenant %s failed", account_id, tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.payments.fetch", run_at=run_at)
