"""The company's subscriptions: copied from Stripe whenever something is told of them, ended and kept on by their owner."""

from __future__ import annotations

import logging

from sqlalchemy import select, update

from saas.billing import accounts, gateway, invoices, snapshots, standing
from saas.billing.models import Account, Subscription
from saas.kit import clock, errors
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit

log = logging.getLogger("regulars.billing")
ALIVE = (*standing.PAID_FOR, *standing.OWING)
COPIED = (
    "item", "price", "status", "price_amount", "currency", "started_at", "period_end_at", "trial_end_at", "ends_at",
    "ended_at", "end_reason", "seats", "seat_item", "coupon", "collection_paused",
)  # fmt: skip


class NoPlanToChange(errors.Conflict):
    """The company has no subscription that this could be done to."""

    code = "no_plan_to_change"


class NoSuchCode(errors.Invalid):
    """Nobody gave out such a promotion code, or it cannot be used any more."""


def alive() -> list[Subscription]:
    """Return the subscriptions that have begun and not ended, the dearest first."""
    query = select(Subscription).where(Subscription.status.in_(ALIVE))
    return list(db.session.scalars(query.order_by(Subscription.price_amount.desc(), Subscription.id)))


def refresh(account: Account, stripe_id: str, *, fresh_invoice: str | None = None) -> Subscription | None:
    """Copy a subscription as Stripe has it now and settle what follows; None when it is not this account's.

    `fresh_invoice` was asked for just now and is not asked for again.
    """
    try:
        found = gateway.subscription(stripe_id)
    except gateway.NotAtStripe:
        return _gone(account, stripe_id)
    plan = gateway.plan_of(found.product)
    if found.customer != account.customer or plan is None:
        log.warning("subscription %s is not the plan of account %s", stripe_id, account.id)
        return None
    row = _copy(found, plan=plan.key)
    if found.status in ALIVE:
        account.card, account.card_expires = found.card, found.card_expires
        account.credit_amount = found.credit_amount
    if found.latest_invoice and found.latest_invoice != fresh_invoice:
        invoices.refresh(account, found.latest_invoice)
    standing.settle(account)
    return row


def _copy(found: snapshots.Subscription, *, plan: str) -> Subscription:
    row = _row(found.stripe_id)
    if row is None:
        row = Subscription(stripe_id=found.stripe_id, let_go=False)
        db.session.add(row)
    for name in COPIED:
        setattr(row, name, getattr(found, name))
    row.plan, row.asked_at = plan, clock.now()
    if found.status != "past_due":
        row.past_due_at = None
    elif row.past_due_at is None:
        row.past_due_at = clock.now()
    db.session.flush()
    return row


def _gone(account: Account, stripe_id: str) -> Subscription | None:
    """Stripe has forgotten it, with its customer: it has ended."""
    row = _row(stripe_id)
    if row is not None and row.status != "canceled":
        row.status, row.ended_at, row.asked_at = "canceled", clock.now(), clock.now()
        standing.settle(account)
    return row


def refresh_all(account: Account) -> None:
    """Copy every subscription the account's customer ever had, and settle."""
    known = set(db.session.scalars(select(Subscription.stripe_id)))
    theirs = gateway.subscriptions_of(account.customer) if account.customer else []
    for stripe_id in dict.fromkeys([*theirs, *sorted(known)]):
        refresh(account, stripe_id)


def go_free() -> None:
    """Let the company go on without paying: a plan that is paid runs to the end of its period, an unpaid one ends now.

    Raises NoPlanToChange when there is nothing to end.
    """
    account = accounts.hold()
    rows = alive()
    if not rows and account.standing != "unpaid":
        raise NoPlanToChange(_("There is no paid plan to cancel."))
    broken_off = update(Subscription).where(Subscription.status == "canceled").values(let_go=True)
    db.session.execute(broken_off, execution_options={"synchronize_session": "fetch"})
    for row in rows:
        if row.status in ("trialing", "active"):
            gateway.end_at_period_end(row.stripe_id, end=True)
        else:
            gateway.end_now(row.stripe_id)
        refresh(account, row.stripe_id)
    standing.settle(account)
    audit.record(action="plan.cancelled", kind="plan", record_id=account.id)


def end_with_period() -> None:
    """Let every plan that is paid end with its period and end what is not paid now: the company is being closed."""
    account = accounts.hold()
    for row in alive():
        if row.status in ("trialing", "active"):
            if row.ends_at is None:
                gateway.end_at_period_end(row.stripe_id, end=True)
        else:
            gateway.end_now(row.stripe_id)
        refresh(account, row.stripe_id)


def tried_before() -> bool:
    """Tell whether the company ever had a subscription that began; the trial is for the first one."""
    begun = Subscription.status.not_in(("incomplete", "incomplete_expired"))
    return db.session.scalar(select(Subscription.id).where(begun).limit(1)) is not None


def keep() -> None:
    """Take back that the plan ends with its period; raises NoPlanToChange."""
    account = accounts.hold()
    ending = [row for row in alive() if row.ends_at is not None]
    if not ending:
        raise NoPlanToChange(_("The plan is not about to end."))
    for row in ending:
        gateway.end_at_period_end(row.stripe_id, end=False)
        refresh(account, row.stripe_id)
    audit.record(action="plan.kept", kind="plan", record_id=account.id)


def redeem(code: str) -> None:
    """Give the company's plan the discount of a promotion code; raises NoPlanToChange or NoSuchCode."""
    account = accounts.hold()
    rows = [row for row in alive() if row.status in ("trialing", "active")]
    if not rows:
        raise NoPlanToChange(_("There is no paid plan to change."))
    code = code.strip()
    if not code or len(code) > 100 or not gateway.redeem(rows[0].stripe_id, code=code):
        raise NoSuchCode(_("This code does not exist or is over."))
    refresh(account, rows[0].stripe_id)
    audit.record(action="plan.code_redeemed", kind="plan", record_id=account.id, after={"coupon": rows[0].coupon})


def _row(stripe_id: str) -> Subscription | None:
    return db.session.scalars(select(Subscription).where(Subscription.stripe_id == stripe_id)).one_or_none()
