"""An owner's way to a plan: wished for, paid on Stripe's page, and granted only when Stripe says so.

Three steps, each committed before the next asks Stripe: the wish is written down (`wish`), the company becomes a
customer (`accounts.become_customer`), the page is opened (`open_page`). A step that is asked again because its answer got
lost asks Stripe the same question, so there is one customer, one page and one subscription.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from saas import config
from saas.billing import accounts, gateway, plans, snapshots, subscriptions
from saas.billing.models import Account, Checkout
from saas.kit import clock, errors
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, directory

OPEN = ("started", "open")
GOOD_FOR = timedelta(hours=20)  # a page lives a day at Stripe, and so does the memory of our question


class NoSuchCheckout(errors.NotFound):
    """There is no such checkout in this company."""


class NotForSale(errors.Invalid):
    """The plan costs nothing, so there is nothing to pay: `subscriptions.go_free` leads to it."""


class SamePlan(errors.Conflict):
    """The company has this plan."""

    code = "same_plan"


class PayFirst(errors.Conflict):
    """An invoice is open; another plan can be chosen when it is paid."""

    code = "pay_first"


def one(checkout_id: UUID | str) -> Checkout:
    """Return a checkout of the bound company; raises NoSuchCheckout."""
    return kit_db.one(Checkout, checkout_id, NoSuchCheckout)


class TrialOver(errors.Conflict):
    """A trial is for a company's first plan."""

    code = "trial_over"


def wish(*, plan: str, trial: bool = False) -> UUID:
    """Write down that the company wants a plan, and return the checkout's id.

    The same wish again, within the day, is the same checkout. Raises NoSuchPlan, NotForSale, SamePlan, PayFirst or
    TrialOver.
    """
    wanted = plans.one(plan)
    if wanted.amount == 0:
        raise NotForSale(_("This plan is free; there is nothing to pay."))
    account = accounts.hold()
    alive = subscriptions.alive()
    if any(row.status not in ("trialing", "active") for row in alive):
        raise PayFirst(_("Pay the open invoice first; then you can choose another plan."))
    if any(row.plan == wanted.key for row in alive):
        raise SamePlan(_("You have this plan."))
    if trial and subscriptions.tried_before():
        raise TrialOver(_("A plan can be tried once; you have had one before."))
    kind, days = "change" if alive else "subscribe", plans.TRIAL_DAYS if trial else 0
    known = _open(kind=kind, plan=wanted.key, trial_days=days)
    if known is not None:
        return known.id
    made = Checkout(kind=kind, plan=wanted.key, asked_at=clock.now(), trial_days=days)
    db.session.add(made)
    db.session.flush()
    directory.enter(kind="checkout", key=str(made.id), subject_id=made.id)
    audit.record(action="plan.chosen", kind="plan", record_id=account.id, after={"plan": wanted.key})
    return made.id


def _open(*, kind: str, plan: str, trial_days: int) -> Checkout | None:
    query = select(Checkout).where(Checkout.kind == kind, Checkout.plan == plan, Checkout.state.in_(OPEN))
    query = query.where(Checkout.trial_days == trial_days)
    query = query.where(Checkout.asked_at > clock.now() - GOOD_FOR)
    return db.session.scalars(query.order_by(Checkout.id.desc()).limit(1)).one_or_none()


def open_page(checkout_id: UUID, *, locale: str = "auto") -> str:
    """Return the address at which the owner pays, or confirms the change of a plan."""
    account = accounts.hold()
    checkout = one(checkout_id)
    back = f"{config.get().public_url.rstrip('/')}/plan"
    done = f"{back}/return/{checkout.id}"
    if checkout.kind == "change":
        return _open_change(account, checkout, return_url=done, locale=locale)
    _find_lost(account, checkout)
    for other in _others(checkout):
        if _close(account, other).status == "complete":
            return f"{back}/return/{other.id}"
    if checkout.session:
        session = gateway.checkout(checkout.session)
    else:
        session = gateway.open_checkout(
            key=str(checkout.id), customer=account.customer or "", plan=plans.one(checkout.plan), success_url=done,
            cancel_url=back, locale=locale, trial_days=checkout.trial_days,
        )  # fmt: skip
    checkout.session = session.stripe_id
    _take(account, checkout, session)
    return session.url or done


def _open_change(account: Account, checkout: Checkout, *, return_url: str, locale: str) -> str:
    alive = subscriptions.alive()
    if not alive:
        raise subscriptions.NoPlanToChange(_("There is no paid plan to change."))
    checkout.state, checkout.subscription = "open", alive[0].stripe_id
    change = (alive[0].stripe_id, alive[0].item, plans.one(checkout.plan))
    return gateway.portal_url(customer=account.customer or "", return_url=return_url, locale=locale, change=change)


def _find_lost(account: Account, checkout: Checkout) -> None:
    """Find the page of a wish whose opening was asked for and never answered: Stripe forgets our key after a day, and the
    page may still be paid on."""
    query = select(Checkout).where(Checkout.kind == "subscribe", Checkout.session.is_(None), Checkout.state.in_(OPEN))
    lost = {str(one.id): one for one in db.session.scalars(query.where(Checkout.id != checkout.id))}
    if lost and account.customer:
        for page in gateway.open_pages(account.customer):
            if page.checkout in lost:
                lost[page.checkout].session, lost[page.checkout].state = page.stripe_id, "open"
        db.session.flush()


def _others(checkout: Checkout) -> list[Checkout]:
    """Return the company's other open pages: paying on one of them too would mean two subscriptions."""
    query = select(Checkout).where(Checkout.id != checkout.id, Checkout.state == "open", Checkout.session.is_not(None))
    return list(db.session.scalars(query))


def _close(account: Account, other: Checkout) -> snapshots.Session:
    session = gateway.close_checkout(other.session or "")
    _take(account, other, session)
    if other.state == "expired":
        other.state = "replaced"
    return session


def refresh(account: Account, checkout_id: UUID | str) -> Checkout:
    """Ask Stripe what became of a checkout, and take what follows; raises NoSuchCheckout."""
    checkout = one(checkout_id)
    if checkout.kind == "change":
        row = subscriptions.refresh(account, checkout.subscription) if checkout.subscription else None
        if row is not None and row.plan == checkout.plan:
            checkout.state = "paid"
    elif checkout.session:
        _take(account, checkout, gateway.checkout(checkout.session))
    return checkout


def _take(account: Account, checkout: Checkout, session: snapshots.Session) -> None:
    """Take over how a page stands. Only its own customer's subscription counts."""
    if session.checkout != str(checkout.id) or session.customer != account.customer:
        return
    checkout.state = {"complete": "paid", "expired": "expired"}.get(session.status, "open")
    if session.status == "complete" and session.subscription:
        checkout.subscription = session.subscription
        subscriptions.refresh(account, session.subscription)


def manage(*, locale: str = "auto") -> str:
    """Return the way into the Billing Portal: card, invoices, details. Raises NoPlanToChange without a customer."""
    account = accounts.current()
    if account is None or account.customer is None:
        raise subscriptions.NoPlanToChange(_("There is nothing to manage yet: you have never paid for a plan."))
    back = f"{config.get().public_url.rstrip('/')}/plan"
    return gateway.portal_url(customer=account.customer, return_url=back, locale=locale)
