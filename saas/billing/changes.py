"""Another plan or more people for a company that pays: what it costs to the cent before, and then exactly that.

The price of a change is Stripe's own preview at a moment, and the change is made as of that same moment, so that what was
shown is what is charged. Items and quantities are set, never added to: asked twice, it happens once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from saas.billing import accounts, checkouts, gateway, plans, snapshots, subscriptions
from saas.billing.models import Checkout, Subscription
from saas.billing.plans import Plan
from saas.kit import clock, errors
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, members

GOOD_FOR = timedelta(minutes=30)
MOST_SEATS = 500


class NoSeats(errors.Invalid):
    """The plan has no places for sale, or not as many."""


class SeatsTaken(errors.Conflict):
    """People sit on the places that would go."""

    code = "seats_taken"


class PriceTooOld(errors.Conflict):
    """The price was shown too long ago; the page shows it anew."""

    code = "price_too_old"


@dataclass(frozen=True)
class Priced:
    """A change and what it costs: now, and each month from then on (before discounts)."""

    plan: Plan
    seats: int
    at: datetime
    preview: snapshots.Preview
    monthly_amount: int
    renews_at: datetime


def price(*, plan: str | None = None, seats: int | None = None) -> Priced:
    """Ask Stripe what another plan, or another number of additional people, would cost from now on; changes nothing.

    Raises NoPlanToChange, PayFirst, SamePlan, NoSuchPlan, NotForSale, NoSeats or SeatsTaken.
    """
    row = _changeable()
    wanted, number = _wanted(row, plan, seats)
    at = gateway.now_of(row.stripe_id).replace(microsecond=0)
    preview = gateway.preview(row.stripe_id, items=_items(row, wanted, number), at=at)
    return Priced(wanted, number, at, preview, wanted.amount + number * wanted.seat_amount, row.period_end_at)


def write_down(*, plan: str | None = None, seats: int | None = None) -> Checkout:
    """Write down that the change is wanted, before Stripe is asked; raises what `price` raises."""
    account = accounts.hold()
    wanted, number = _wanted(_changeable(), plan, seats)
    kind = "change" if seats is None else "seats"
    made = Checkout(kind=kind, plan=wanted.key, seats=number, asked_at=clock.now(), trial_days=0)
    db.session.add(made)
    db.session.flush()
    audit.record(action="plan.chosen", kind="plan", record_id=account.id, after={"plan": wanted.key, "seats": number})
    return made


def make(checkout_id: UUID, *, at: datetime) -> Checkout:
    """Make a change that was written down, as of the moment its price was shown for.

    Raises PriceTooOld, gateway.Declined (nothing is changed then), or gateway.StripeAway (asking again is safe).
    """
    account = accounts.hold()
    checkout = checkouts.one(checkout_id)
    row = _changeable()
    if not timedelta(minutes=-5) <= gateway.now_of(row.stripe_id) - at <= GOOD_FOR:
        raise PriceTooOld(_("The price was shown a while ago. Here it is as of now."))
    items = _items(row, plans.one(checkout.plan), checkout.seats or 0)
    gateway.change(row.stripe_id, items=items, at=at, key=str(checkout.id))
    checkout.state, checkout.subscription = "paid", row.stripe_id
    subscriptions.refresh(account, row.stripe_id)
    return checkout


def _changeable() -> Subscription:
    alive = subscriptions.alive()
    if not alive:
        raise subscriptions.NoPlanToChange(_("There is no paid plan to change."))
    if any(row.status not in ("trialing", "active") for row in alive):
        raise checkouts.PayFirst(_("Pay the open invoice first; then you can choose another plan."))
    return alive[0]


def _wanted(row: Subscription, plan: str | None, seats: int | None) -> tuple[Plan, int]:
    wanted = plans.one(plan or row.plan)
    if wanted.amount == 0:
        raise checkouts.NotForSale(_("This plan is free; there is nothing to pay."))
    if seats is None:
        if wanted.key == row.plan:
            raise checkouts.SamePlan(_("You have this plan."))
        return wanted, fitting(wanted)
    if not wanted.seat_amount or wanted.members is None or not 0 <= seats <= MOST_SEATS:
        raise NoSeats(_("As many people cannot be added to this plan."))
    if seats < fitting(wanted):
        raise SeatsTaken(_("All these places are taken. Let somebody go first."))
    return wanted, seats


def fitting(plan: Plan) -> int:
    """Return how many people beyond the plan's own number the company has now and would have to pay for."""
    if plan.members is None or not plan.seat_amount:
        return 0
    return max(0, members.count() - plan.members)


def _items(row: Subscription, plan: Plan, seats: int) -> list[dict[str, Any]]:
    kept = row.price if plan.key == row.plan else gateway.price(plan)  # whoever pays an older price keeps it
    items: list[dict[str, Any]] = [{"id": row.item, "price": kept, "quantity": 1}]
    if row.seat_item and not seats:
        items.append({"id": row.seat_item, "deleted": True})
    elif row.seat_item:
        items.append({"id": row.seat_item, "price": gateway.seat_price(plan), "quantity": seats})
    elif seats:
        items.append({"price": gateway.seat_price(plan), "quantity": seats})
    return items
