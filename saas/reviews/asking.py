"""Whom to ask what they think of what they bought, and when: once an order, some days after it arrived, and reminded once at most.

What happened before a shop's asking was switched on is the past, of which nobody is asked. What an order says may change until
the mail goes, so whether somebody is asked at all is looked at again just then.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from saas.commerce import fulfilments, orders
from saas.commerce.models import Order
from saas.customers import consent
from saas.customers.models import Customer
from saas.customers.preferences import paused_until
from saas.kit import clock, errors, identifiers, scope
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.reviews import settings, writing
from saas.reviews.events import ReviewDue
from saas.reviews.models import ReviewRequest

PURPOSE = "reviews"
AT_ONCE = 200
ASKABLE = ("paid", "fulfilled")
TOO_LATE = timedelta(days=60)


class NoSuchRequest(errors.NotFound):
    """There is no such request."""


def one(request_id: UUID | str, *, lock: bool = False) -> ReviewRequest:
    """Return a request; raises NoSuchRequest."""
    return kit_db.one(ReviewRequest, request_id, NoSuchRequest, lock=lock)


def plan(order_id: UUID | str, *, delivered: bool) -> ReviewRequest | None:
    """Plan to ask about an order that was sent or has arrived; None where nobody is asked. An arrival counts more than a dispatch."""
    try:
        order = orders.one(order_id)
    except orders.NoSuchOrder:
        return None
    how = settings.of_source(order.source_id)
    moment = _moment(order, delivered=delivered)
    if not how["on"] or order.customer_id is None or moment < datetime.fromisoformat(how["since"]):
        return None
    days = how["delivered_days"] if delivered else how["shipped_days"]
    due = moment + timedelta(days=days)
    if due < clock.now() - TOO_LATE:
        return None
    now = clock.now()
    row = {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "order_id": order.id, "customer_id": order.customer_id, "state": "planned",
           "reason": "", "due_at": due, "created_at": now, "updated_at": now}  # fmt: skip
    statement = insert(ReviewRequest).values(row)
    later = {"due_at": statement.excluded.due_at, "updated_at": now}
    planned = (ReviewRequest.state == "planned") & ReviewRequest.due_at.is_not(None)
    if delivered:
        statement = statement.on_conflict_do_update(index_elements=["tenant_id", "order_id"], set_=later, where=planned)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=["tenant_id", "order_id"])
    db.session.execute(statement)
    return of_order(order.id)


def _moment(order: Order, *, delivered: bool) -> datetime:
    name = "delivered_at" if delivered else "shipped_at"
    told = [at for parcel in fulfilments.of([order.id]) if (at := getattr(parcel, name)) is not None]
    return max(told, default=clock.now())


def of_order(order_id: UUID) -> ReviewRequest | None:
    """Return the request about an order, if there is one."""
    return db.session.scalars(select(ReviewRequest).where(ReviewRequest.order_id == order_id)).one_or_none()


def due_somewhere() -> list[int]:
    """Return the companies of which somebody is to be asked now; for work across all of them."""
    return list(
        db.session.scalars(select(ReviewRequest.tenant_id).where(ReviewRequest.due_at <= clock.now()).distinct())
    )


def sweep() -> int:
    """Have the next be written to whose time has come; for the bound company. Returns how many."""
    query = select(ReviewRequest).where(ReviewRequest.due_at <= clock.now()).order_by(ReviewRequest.due_at)
    found = db.session.scalars(query.limit(AT_ONCE).with_for_update(skip_locked=True)).all()
    for request in found:
        request.due_at = None
    db.session.flush()
    announce(*[ReviewDue(request_id=str(request.id)) for request in found])
    return len(found)


def things(request: ReviewRequest, order: Order) -> list[writing.Item]:
    """Return what of an order is to be asked about: bought, kept, still sold, and not judged yet."""
    if order.status not in ASKABLE:
        return []
    return [item for item in writing.items(order) if item.review is None and not item.returned and item.product.active]


def refusal(customer: Customer) -> str:
    """Return why somebody is not to be asked, as far as they said it themselves; empty: they may be asked.

    Asking serves the order, so no consent is needed for it; but whoever wants no mails, or none of these, gets none.
    """
    held = consent.states(customer.id)
    own = held.get(("email", PURPOSE))
    if own is not None and own.state == "withdrawn":
        return "stopped"
    if customer.email_consent == "withdrawn":
        return "withdrawn"
    if settings.held()["agreed_only"] and customer.email_consent != "granted":
        return "not_agreed"
    return ""


def resting(customer_id: UUID) -> datetime | None:
    """Return until when somebody wants no mails at all."""
    return paused_until(customer_id)


def skip(request: ReviewRequest, reason: str) -> None:
    """Write down why somebody is not asked, or not reminded."""
    if request.state == "planned":
        request.state = "skipped"
    request.reason, request.due_at = reason, None
    db.session.flush()


def sent(request: ReviewRequest, *, remind_days: int) -> None:
    """Write down that the mail has gone, and when the reminder is due after the first."""
    now = clock.now()
    if request.state == "planned":
        request.state, request.asked_at = "asked", now
        request.due_at = now + timedelta(days=remind_days) if remind_days else None
    else:
        request.state, request.reminded_at, request.due_at = "reminded", now, None
    db.session.flush()


def stop(customer_id: UUID, *, proof: dict[str, str]) -> None:
    """Ask somebody never again, at their wish."""
    consent.withdraw(customer_id=customer_id, purpose=PURPOSE, source="link", proof=dict(proof))


def again(customer_id: UUID, *, proof: dict[str, str]) -> None:
    """Ask them again, at their wish."""
    consent.grant(customer_id=customer_id, purpose=PURPOSE, source="link", proof=dict(proof))


def stopped(customer_id: UUID) -> bool:
    """Tell whether somebody wants no such mails."""
    own = consent.states(customer_id).get(("email", PURPOSE))
    return own is not None and own.state == "withdrawn"


def counts() -> dict[str, int]:
    """Return how many were asked, reminded, wrote, or were left out."""
    query = select(ReviewRequest.state, func.count()).group_by(ReviewRequest.state)
    return dict(db.session.execute(query).all())
