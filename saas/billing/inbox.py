"""What Stripe tells us: whose it is, stored once, and then taken by asking Stripe how things stand now.

Events come twice, late and in any order, so nothing in them is believed but which object to ask for. Whose they are is
read from our own directory: by the customer, or by the checkout we opened; what somebody wrote into metadata is no proof.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from saas.billing import accounts, checkouts, gateway, invoices, subscriptions
from saas.billing.events import StripeTold, TrialEnding
from saas.billing.models import Account, StripeEvent
from saas.kit import clock, identifiers, scope
from saas.kit.db import db
from saas.kit.events import announce
from saas.tenancy import directory

log = logging.getLogger("regulars.billing")
KEPT = timedelta(days=35)  # Stripe repeats for three days and shows events for thirty
CARD_CHANGED = (
    "customer.updated", "payment_method.attached", "payment_method.updated", "payment_method.automatically_updated",
)  # fmt: skip
FAMILIES = ("customer.subscription.", "invoice.", "checkout.session.")
ALONE = ("customer.subscription.trial_will_end",)
TELLING = (
    "checkout.session.", "customer.subscription.", "customer.updated", "customer.deleted", "invoice.", "charge.dispute.",
    "charge.refund", "payment_method.",
)  # fmt: skip


def owner(told: gateway.Told) -> int | None:
    """Return the tenant an event belongs to; None when it is nobody's here, or two different companies'."""
    customer = told.customer
    if customer is None and told.charge is not None:  # a dispute does not name its customer
        with suppress(gateway.NotAtStripe):
            customer = gateway.charge(told.charge).customer
    found = set()
    for kind, key in (("stripe_customer", customer), ("checkout", told.checkout)):
        place = directory.find(kind=kind, key=key) if key else None
        if place is not None:
            found.add(place.tenant_id)
    if len(found) > 1:
        log.error("event %s names a customer and a checkout of different companies", told.event)
    return found.pop() if len(found) == 1 else None


def store(told: gateway.Told) -> bool:
    """Store an event of the bound company and have it taken; False when it was stored before."""
    row = {
        "tenant_id": scope.tenant_id(), "id": identifiers.new(), "event": told.event, "kind": told.kind,
        "object_id": told.object_id, "subscription": told.subscription, "charge": told.charge, "checkout": told.checkout,
        "happened_at": told.happened_at, "told_at": clock.now(),
    }  # fmt: skip
    made = insert(StripeEvent).values(row).on_conflict_do_nothing(index_elements=["tenant_id", "event"])
    if db.session.execute(made.returning(StripeEvent.id)).first() is None:
        return False
    if told.kind.startswith(TELLING):
        announce(StripeTold(told_id=str(row["id"])))
    return True


def take(told_id: UUID | str) -> None:
    """Take a stored event: ask for what it speaks of and bring the company's plan up to date with it."""
    told = db.session.scalars(select(StripeEvent).where(StripeEvent.id == UUID(str(told_id)))).one_or_none()
    if told is None or told.done_at is not None:
        return
    account = accounts.hold()
    alike = _alike(told)
    _take(account, told)
    told.done_at = clock.now()
    if alike:
        done = update(StripeEvent).where(StripeEvent.id.in_(alike)).values(done_at=told.done_at)
        db.session.execute(done.execution_options(synchronize_session=False))


def _alike(told: StripeEvent) -> list[UUID]:
    """Return the other events of the same object that wait: they happened before it is asked for, so that one answer is
    enough for all of them. Stripe tells of one payment in a dozen events."""
    if told.kind in CARD_CHANGED:
        same = select(StripeEvent.id).where(StripeEvent.kind.in_(CARD_CHANGED), StripeEvent.done_at.is_(None))
        return list(db.session.scalars(same.where(StripeEvent.id != told.id)))
    family = next((family for family in FAMILIES if told.kind.startswith(family)), None)
    if family is None or told.kind in ALONE or not told.object_id:
        return []
    query = select(StripeEvent.id).where(
        StripeEvent.object_id == told.object_id, StripeEvent.done_at.is_(None), StripeEvent.id != told.id,
        StripeEvent.kind.startswith(family), StripeEvent.kind.not_in(ALONE),
    )  # fmt: skip
    return list(db.session.scalars(query))


def _take(account: Account, told: StripeEvent) -> None:
    if told.kind == "customer.deleted":
        subscriptions.refresh_all(account)
        accounts.detach(account)
    elif told.kind.startswith("checkout.session.") and told.checkout:
        checkouts.refresh(account, told.checkout)
    elif told.kind.startswith("customer.subscription."):
        row = subscriptions.refresh(account, told.object_id)
        if told.kind == "customer.subscription.trial_will_end" and row is not None and row.status == "trialing":
            announce(TrialEnding(subscription_id=str(row.id)))
    elif told.kind.startswith("invoice."):
        invoice = invoices.refresh(account, told.object_id) if told.object_id else None  # a preview has no id
        subscription = (invoice and invoice.subscription) or told.subscription
        if subscription:
            subscriptions.refresh(account, subscription, fresh_invoice=invoice and invoice.stripe_id)
    elif told.kind.startswith("charge.dispute.") and told.charge:
        invoices.note_charge(account, told.charge, dispute=told.object_id)
    elif told.kind in ("charge.refunded", "charge.refund.updated") and told.charge:
        invoices.note_charge(account, told.charge)
    elif told.kind in CARD_CHANGED:
        for row in subscriptions.alive():
            subscriptions.refresh(account, row.stripe_id)


def tidy() -> None:
    """Throw away old events; Stripe has forgotten them too."""
    db.session.execute(delete(StripeEvent).where(StripeEvent.told_at < clock.now() - KEPT))
