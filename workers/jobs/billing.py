"""Keeping plans as Stripe has them, and writing to owners about payments."""

from __future__ import annotations

import logging

from saas.billing import comparing, gateway, inbox, letters
from saas.kit import ticks, work

log = logging.getLogger("regulars.billing")
COMPARE = "workers.jobs.billing.compare"


def take_event(*, told_id: str, **_: object) -> None:
    """Take what Stripe told."""
    inbox.take(told_id)


def write_failed(*, invoice_id: str, **_: object) -> None:
    """Tell owners that a payment failed."""
    letters.write_failed(invoice_id)


def write_confirmation(*, invoice_id: str, **_: object) -> None:
    """Ask owners to confirm a payment with their bank."""
    letters.write_confirmation(invoice_id)


def write_trial(*, subscription_id: str, **_: object) -> None:
    """Tell owners that their trial ends."""
    letters.write_trial(subscription_id)


def write_change(*, standing_before: str, standing: str, **_: object) -> None:
    """Tell owners that the company became read-only, or is itself again."""
    letters.write_change(before=standing_before, now=standing)


def compare(*, run_at: str, **_: object) -> None:
    """Compare all plans with Stripe; a company that cannot be repaired does not keep the others waiting."""
    everything = list(gateway.all_subscriptions())
    with work.platform_unit(reason="compare subscriptions with Stripe"):
        found = comparing.differing(everything)
        inbox.tidy()
    for tenant_id, stripe_ids in found.items():
        try:
            with work.unit(tenant_id=tenant_id):
                comparing.repair(stripe_ids)
        except Exception:
            log.exception("the plan of tenant %s could not be compared", tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task=COMPARE, run_at=run_at)
