"""Asking buyers what they think of what arrived, and telling webhooks what they said."""

from __future__ import annotations

import logging

from saas.integrations import review_messages
from saas.kit import scope, ticks, work
from saas.marketing import review_letters
from saas.reviews import asking, bringing
from workers.handing_out import AUTOMATION
from workers.jobs import integrations

log = logging.getLogger("regulars.reviews")


def plan_delivered(*, order_id: str, **_: object) -> None:
    """Plan to ask about an order that has arrived."""
    asking.plan(order_id, delivered=True)


def plan_sent(*, order_id: str, **_: object) -> None:
    """Plan to ask about an order that is on its way, should nobody tell of its arrival."""
    asking.plan(order_id, delivered=False)


def write(*, request_id: str, **_: object) -> None:
    """Ask a buyer, or remind them."""
    review_letters.write(request_id)


def tell_written(*, review_id: str, **_: object) -> None:
    """Tell webhooks of a review that was written."""
    integrations._told(review_messages.tell("review.written", review_id))


def tell_published(*, review_id: str, **_: object) -> None:
    """Tell webhooks of a review that is shown now."""
    integrations._told(review_messages.tell("review.published", review_id))


def sweep(*, run_at: str, **_: object) -> None:
    """Have those be asked whose time has come."""
    with work.platform_unit(reason="find buyers who are to be asked what they think"):
        tenants = asking.due_somewhere()
    for tenant_id in tenants:
        try:
            with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
                asking.sweep()
        except Exception:
            log.exception("buyers of tenant %s were not asked", tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.reviews.sweep", run_at=run_at)


def compare(*, run_at: str, **_: object) -> None:
    """Read the reviews of stores that are due, each for a bounded time."""
    with work.platform_unit(reason="find stores whose reviews are to be read"):
        waiting = bringing.due()
    for tenant_id, shop_id in waiting:
        try:
            with scope.tenant(tenant_id, actor=AUTOMATION):
                bringing.advance(tenant_id, shop_id)
        except Exception:
            log.exception("the reviews of shop %s of tenant %s were not read", shop_id, tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.reviews.compare", run_at=run_at)
