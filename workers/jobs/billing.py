"""Keeping plans as Stripe has them, and writing to owners about payments."""

from __future__ import annotations

import logging
import time

from saas.billing import closing, comparing, erasing, gateway, inbox, letters, subscriptions, usage, watching
from saas.commerce import meter, shops
from saas.customers import profiles
from saas.kit import clock, ticks, valkey, work
from saas.kit.search import places
from saas.tenancy import limits, tenants

log = logging.getLogger("regulars.billing")
COMPARE, WATCH, ERASE = (f"workers.jobs.billing.{name}" for name in ("compare", "watch", "erase_closed"))
ERASE_FOR = 240  # seconds one run may take


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


def write_grace(*, days: int, until: str, **_: object) -> None:
    """Remind owners that the grace runs out."""
    letters.write_grace(days=days, until=until)


def write_usage(*, name: str, percent: int, used: int, most: int, **_: object) -> None:
    """Tell owners that the plan is nearly used up."""
    letters.write_usage(name=name, percent=percent, used=used, most=most)


def write_card(*, card: str, expires: str, **_: object) -> None:
    """Tell owners that their card runs out."""
    letters.write_card(card=card, expires=expires)


def write_closed(*, erase_at: str, closed_by: str, **_: object) -> None:
    """Tell owners that the company was closed."""
    letters.write_closed(erase_at=erase_at, closed_by=closed_by)


def write_reopened(**_: object) -> None:
    """Tell owners that the company was reopened."""
    letters.write_reopened()


def end_plans(**_: object) -> None:
    """A closed company is not charged again."""
    subscriptions.end_with_period()


def watch(*, run_at: str, **_: object) -> None:
    """Measure every company's use, warn of what is nearly full, and remind of what is about to happen."""
    with work.platform_unit(reason="watch what plans hold and what is due"):
        tenant_ids = tenants.all_ids()
    for tenant_id in tenant_ids:
        try:
            with work.unit(tenant_id=tenant_id):
                look_at_one()
        except Exception:
            log.exception("the use of tenant %s could not be measured", tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task=WATCH, run_at=run_at)


def look_at_one() -> None:
    """Measure the bound company's use, warn, and remind."""
    if clock.now().day == 1:
        meter.carry_over(month=usage.months()[-2])
    meter.carry_over()
    uses = usage.measured(contacts=profiles.count(), shops=shops.count(), allowed=limits.all_limits())
    usage.note_levels(uses)
    usage.warn(uses)
    watching.look()


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


def erase_closed(*, run_at: str, **_: object) -> None:
    """Erase the companies whose thirty days are over, a batch in each transaction; the next run goes on with the rest."""
    with work.platform_unit(reason="find closed companies whose time is over"):
        for tenant_id, closed_at in closing.due(clock.now()):
            erasing.begin(tenant_id, closed_at=closed_at)
        waiting = erasing.begun()
    until = time.monotonic() + ERASE_FOR
    for tenant_id in waiting:
        more = True
        while more and time.monotonic() < until:
            with work.platform_unit(reason=f"erase the closed company {tenant_id}"):
                more = erasing.erase_some(tenant_id)
        if not more:
            _forget_elsewhere(tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task=ERASE, run_at=run_at)


def _forget_elsewhere(tenant_id: int) -> None:
    """Take what is left of an erased company out of Valkey and the search index."""
    client = valkey.client()
    for pattern in (f"*:{tenant_id}", f"*:{tenant_id}:*"):
        for key in client.scan_iter(match=pattern, count=1000):
            client.delete(key)
    places.engines()["whoosh"].clear(None, tenant_id)
