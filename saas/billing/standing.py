"""What a company may use, worked out from its subscriptions: the one place where a plan is granted or taken away.

It is always worked out anew from all that is known, never step by step, so the order in which things become known does
not matter. See docs/decisions/billing.md for why each state leads where it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from saas.billing import banner, closing, notices
from saas.billing.events import PlanChanged
from saas.billing.models import Account, Subscription
from saas.billing.plans import PLANS
from saas.kit import clock
from saas.kit.db import db
from saas.kit.events import announce
from saas.tenancy import audit, limits, tenants

GRACE = timedelta(days=21)  # longer than Stripe's two weeks of trying again, so that Stripe's answer comes first
LATE = timedelta(hours=1)
PAID_FOR = ("trialing", "active", "past_due")
OWING = ("unpaid", "paused")


@dataclass(frozen=True)
class Standing:
    """Which plan is granted, and why."""

    plan: str
    standing: str
    ends_at: datetime | None = None
    renews_at: datetime | None = None
    grace_until: datetime | None = None
    double: bool = False
    seats: int = 0


def settle(account: Account) -> None:
    """Grant the held account's company what its subscriptions pay for, and announce it when that is a change.

    A company that never subscribed keeps what it was given.
    """
    db.session.flush()
    rows = list(db.session.scalars(select(Subscription).order_by(Subscription.started_at, Subscription.stripe_id)))
    found = judge(rows, now=clock.now())
    if found is None:
        return
    before, standing_before = account.plan or "", account.standing
    for name in Standing.__dataclass_fields__:
        setattr(account, name, getattr(found, name))
    _grant(found)
    banner.forget()
    if (before, standing_before) != (found.plan, found.standing):
        audit.record(
            action="plan.changed", kind="plan", record_id=account.id, before={"plan": before, "standing": standing_before},
            after={"plan": found.plan, "standing": found.standing},
        )  # fmt: skip
        announce(PlanChanged(before=before, plan=found.plan, standing_before=standing_before, standing=found.standing))


def judge(rows: list[Subscription], *, now: datetime) -> Standing | None:
    """Return how a company with these subscriptions stands; None when there never was one that began."""
    paid_for = [row for row in rows if row.status in PAID_FOR and not _out_of_grace(row, now)]
    if paid_for:
        best = max(paid_for, key=lambda row: (PLANS[row.plan].amount, row.status != "past_due"))
        return _paid_for(best, double=len(paid_for) > 1)
    owing = [row for row in rows if row.status in OWING or _out_of_grace(row, now)]
    if owing:
        return Standing(plan="free", standing="unpaid")
    ended = [row for row in rows if row.status == "canceled"]
    if not ended:
        return None
    last = max(ended, key=lambda row: row.ended_at or row.asked_at)
    broken_off = last.end_reason == "payment_failed" and not last.let_go and not _tried_only(last)
    return Standing(plan="free", standing="unpaid" if broken_off else "free")


def _tried_only(row: Subscription) -> bool:
    """Tell whether it ended with its trial because no card was given: nothing was owed then."""
    return row.trial_end_at is not None and row.ended_at is not None and row.ended_at <= row.trial_end_at + LATE


def _out_of_grace(row: Subscription, now: datetime) -> bool:
    return row.status == "past_due" and row.past_due_at is not None and row.past_due_at + GRACE <= now


def _paid_for(row: Subscription, *, double: bool) -> Standing:
    late = row.status == "past_due"
    return Standing(
        plan=row.plan, standing=row.status, ends_at=row.ends_at, double=double, seats=row.seats,
        renews_at=None if row.ends_at else row.period_end_at,
        grace_until=row.past_due_at + GRACE if late and row.past_due_at else None,
    )  # fmt: skip


def _grant(found: Standing) -> None:
    wanted = PLANS[found.plan].limits_with(found.seats)
    if limits.all_limits() != wanted:
        limits.set_all(limits=wanted)
        notices.forget("usage:")  # what was nearly full may be wide now, and the other way round
    state = tenants.current().state
    wanted_state = "read_only" if found.standing == "unpaid" or closing.current() else "active"
    if state != "closed" and state != wanted_state:
        limits.set_state(wanted_state)
