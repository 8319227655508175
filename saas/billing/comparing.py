"""The nightly comparison with Stripe: what no event told us of, or told us of while we were away, is found and repaired."""

from __future__ import annotations

import logging

from sqlalchemy import select

from saas.billing import accounts, snapshots, standing, subscriptions
from saas.billing.models import Account, Subscription
from saas.kit import clock
from saas.kit.db import db
from saas.tenancy import audit

log = logging.getLogger("regulars.billing")

ALIKE = (
    "status", "price", "item", "seats", "coupon", "collection_paused", "period_end_at", "ends_at", "trial_end_at",
)  # fmt: skip


def differing(everything: list[snapshots.Subscription]) -> dict[int, set[str]]:
    """Return by tenant the subscriptions that are not as Stripe has them, and the tenants whose grace is over.

    Runs over all tenants. `everything` is `gateway.all_subscriptions`, asked for before the transaction began; a hundred
    come in one answer, so only those that differ are asked for one by one.
    """
    tenants = dict(
        db.session.execute(select(Account.customer, Account.tenant_id).where(Account.customer.is_not(None))).all()
    )
    alive = select(Subscription).where(Subscription.status.in_(subscriptions.ALIVE))
    ours = {row.stripe_id: row for row in db.session.scalars(alive)}
    found: dict[int, set[str]] = {}
    for theirs in everything:
        mine = ours.pop(theirs.stripe_id, None)
        tenant_id = tenants.get(theirs.customer)
        if tenant_id is not None and not _alike(mine, theirs):
            found.setdefault(tenant_id, set()).add(theirs.stripe_id)
    for row in ours.values():  # Stripe does not list them: they have ended
        found.setdefault(row.tenant_id, set()).add(row.stripe_id)
    overdue = select(Account.tenant_id).where(Account.standing == "past_due", Account.grace_until <= clock.now())
    for tenant_id in db.session.scalars(overdue):
        found.setdefault(tenant_id, set())
    return found


def _alike(mine: Subscription | None, theirs: snapshots.Subscription) -> bool:
    if mine is None:
        return theirs.status == "incomplete"  # nobody has paid yet; it becomes one or vanishes
    return all(getattr(mine, name) == getattr(theirs, name) for name in ALIKE)


def repair(stripe_ids: set[str]) -> None:
    """Ask for the bound company's subscriptions and settle how it stands; what was repaired is written down."""
    account = accounts.hold()
    before = _seen(stripe_ids)
    for stripe_id in sorted(stripe_ids):
        subscriptions.refresh(account, stripe_id)
    standing.settle(account)
    after = _seen(stripe_ids)
    if before != after:
        log.warning("tenant %s differed from Stripe: %s, now %s", account.tenant_id, before, after)
        audit.record(action="plan.repaired", kind="plan", record_id=account.id, before=before, after=after)


def _seen(stripe_ids: set[str]) -> dict[str, dict[str, str]]:
    db.session.flush()
    rows = db.session.scalars(select(Subscription).where(Subscription.stripe_id.in_(stripe_ids)))
    names = ("plan", "status", "seats", "coupon", "collection_paused", "ends_at")
    return {row.stripe_id: {name: str(getattr(row, name) or "") for name in names} for row in rows}
