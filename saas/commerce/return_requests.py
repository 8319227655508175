"""What shoppers want to send back: asked for on their own page, line by line, and answered by the company step by step.

Nobody sends back more than they bought and have not sent back yet: what the shop tells of (`returns`, lines with a negative
quantity) and what was asked for here are counted together, the larger of the two where both may speak of the same parcel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from saas.commerce import fulfilments, orders, returns
from saas.commerce.events import ReturnAnswered, ReturnRequested
from saas.commerce.models import RETURN_STATES, Fulfilment, Order, OrderLine, ReturnRequest
from saas.customers import portal_settings, timeline
from saas.kit import clock, errors, identifiers, pages, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import audit

STATES = RETURN_STATES
OPEN, DONE = ("asked", "accepted"), ("received", "refunded")
NEXT = {
    "asked": ("accepted", "declined"), "accepted": ("received", "declined"), "received": ("refunded",), "declined": ("accepted",),
    "refunded": (), "cancelled": (),
}  # fmt: skip
"""What may follow what. A declined one may be accepted after all, and an accepted one declined when nothing comes."""
REASONS = ("not_as_described", "damaged", "wrong_item", "does_not_fit", "changed_mind", "other")
NEWEST = [(ReturnRequest.id, "desc")]


class NoSuchReturn(errors.NotFound):
    """There is no such wish to send something back."""


class CannotReturn(errors.Conflict):
    """The order is too old, not paid, or all of it was sent back."""

    code = "cannot_return"


class BadReturn(errors.Invalid):
    """A line or a quantity that the order does not have, or no reason."""


class WrongStep(errors.Conflict):
    """This step does not follow from where the return stands."""

    code = "wrong_step"


@dataclass(frozen=True)
class Returnable:
    """A line of an order and how much of it can still be sent back."""

    position: int
    name: str
    product_id: UUID | None
    bought: int
    left: int


def returnable(
    order: Order, *, lines: Sequence[OrderLine] | None = None, wishes: Sequence[ReturnRequest] | None = None
) -> list[Returnable]:
    """Return the lines of an order with how many pieces of each can still be sent back, lines that are returns left out.

    `lines` and `wishes` are the order's, for whoever has read them already.
    """
    lines = orders.lines_of([order.id]) if lines is None else lines
    told, done, waiting = _told_by_shop(order, lines), {}, {}
    for request in of_order(order.id) if wishes is None else wishes:
        into: dict[int, int] = waiting if request.state in OPEN else done if request.state in DONE else {}
        for line in request.lines:
            into[line["position"]] = into.get(line["position"], 0) + line["quantity"]
    found = []
    for line in lines:
        if line.quantity <= 0:
            continue
        back = max(told.get(line.position, 0), done.get(line.position, 0)) + waiting.get(line.position, 0)
        left = max(0, line.quantity - back)
        found.append(Returnable(line.position, line.name or line.sku, line.product_id, line.quantity, left))
    return found


def _told_by_shop(order: Order, lines: Sequence[OrderLine]) -> dict[int, int]:
    """How many pieces of each line the shop says came back, by the line's position.

    Lines with a negative quantity name a product and no line, so they are dealt out from its first line on.
    """
    bought = [line for line in lines if line.quantity > 0]
    places = {str(line.position): line.position for line in bought} | {
        line.key: line.position for line in bought if line.key
    }
    found: dict[int, int] = {}
    for back in returns.of([order.id]):
        for told in () if back.state in ("declined", "cancelled") else back.lines:
            if (place := places.get(str(told.get("line")))) is not None:
                found[place] = found.get(place, 0) + abs(int(told.get("quantity") or 0))
    for line in lines:
        loose = max(0, -line.quantity)
        for other in bought:
            if loose and (other.product_key, other.sku) == (line.product_key, line.sku):
                taken = min(loose, max(0, other.quantity - found.get(other.position, 0)))
                found[other.position] = found.get(other.position, 0) + taken
                loose -= taken
    return found


def open_until(order: Order, *, parcels: Sequence[Fulfilment] | None = None) -> datetime | None:
    """Return until when things of an order may be sent back, or None when they may not: the company takes none, or it is not paid.

    The days count from the delivery where one is known, else from the day it left, else from the order.
    """
    days = portal_settings.current().return_days
    if not days or order.status not in ("paid", "fulfilled", "refunded"):
        return None
    parcels = fulfilments.of([order.id]) if parcels is None else parcels
    moments = [
        max((getattr(parcel, name) for parcel in parcels if getattr(parcel, name)), default=None)
        for name in ("delivered_at", "shipped_at")
    ]
    return next((moment for moment in moments if moment), order.placed_at) + timedelta(days=days)


def ask(
    *, customer_id: UUID, order_id: UUID | str, quantities: Mapping[int, int], reason: str, note: str = "", language: str = "",
) -> ReturnRequest:  # fmt: skip
    """Write down what a customer wants to send back of their own order: `quantities` by the lines' positions.

    Raises NoSuchOrder (also for another customer's), CannotReturn or BadReturn.
    """
    order = orders.one(order_id, lock=True)
    if order.customer_id != customer_id:
        raise orders.NoSuchOrder
    until = open_until(order)
    if until is None or clock.now() > until:
        raise CannotReturn(_("This order cannot be sent back any more."))
    lines = _chosen(order, quantities)
    if reason not in REASONS:
        raise BadReturn(fields={"reason": [_("Say why you send it back.")]})
    now = clock.now()
    made = ReturnRequest(
        id=identifiers.new(), customer_id=customer_id, order_id=order.id, state="asked", lines=lines, reason=reason,
        note=text.clean(note, most=1000), language=language[:20], asked_at=now,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    timeline.add(
        customer_id=customer_id, kind="order", at=now, title=_("Wants to send something back of order %(number)s", number=order.number),
        link=f"/returns/{made.id}", key=f"return:{made.id}", details={"order_id": str(order.id)},
    )  # fmt: skip
    announce(ReturnRequested(request_id=str(made.id)))
    return made


def _chosen(order: Order, quantities: Mapping[int, int]) -> list[dict[str, Any]]:
    wanted = {place: many for place, many in quantities.items() if many}
    left = {line.position: line for line in returnable(order)}
    wrong = {
        f"quantity.{place}": [_("At most %(left)s can be sent back.", left=left[place].left if place in left else 0)]
        for place, many in wanted.items() if place not in left or not 0 < many <= left[place].left
    }  # fmt: skip
    if wrong:
        raise BadReturn(fields=wrong)
    if not wanted:
        raise BadReturn(fields={"quantity": [_("Choose what you want to send back.")]})
    return [{"position": place, "name": left[place].name, "quantity": many} for place, many in sorted(wanted.items())]


def answer(request_id: UUID | str, *, state: str, words: str = "") -> ReturnRequest:
    """Take the next step with a return; the shopper gets a mail. `words` are for them and are needed to decline.

    Raises NoSuchReturn, WrongStep, CannotReturn or BadReturn.
    """
    request = one(request_id, lock=True)
    if state not in NEXT[request.state]:
        raise WrongStep(_("This return stands elsewhere by now. Load the page again."))
    said = text.clean(words, most=2000)
    if request.state == "declined":
        _still_there(request)
    if state == "declined" and not said:
        raise BadReturn(fields={"words": [_("Tell them why; they read it.")]})
    before = request.state
    request.state, request.answered_at = state, clock.now()
    request.answer = said or request.answer
    db.session.flush()
    audit.record(
        action="returns.answered", kind="return", record_id=request.id, before={"state": before}, after={"state": state, "words": said},
    )  # fmt: skip
    announce(ReturnAnswered(request_id=str(request.id), state=state))
    return request


def _still_there(request: ReturnRequest) -> None:
    """What was declined was free to be asked for again: refuse to accept it after all where it was; raises CannotReturn."""
    left = {line.position: line.left for line in returnable(orders.one(request.order_id, lock=True))}
    for line in request.lines:
        if line["quantity"] > (most := left.get(line["position"], 0)):
            raise CannotReturn(_("At most %(left)s can be sent back.", left=most))


def withdraw(request_id: UUID | str, *, customer_id: UUID) -> ReturnRequest:
    """Take a shopper's own wish back while nothing was received; raises NoSuchReturn or WrongStep."""
    request = one(request_id, lock=True)
    if request.customer_id != customer_id:
        raise NoSuchReturn
    if request.state not in OPEN:
        raise WrongStep(_("This return stands elsewhere by now. Load the page again."))
    request.state, request.answered_at = "cancelled", clock.now()
    db.session.flush()
    return request


def one(request_id: UUID | str, *, lock: bool = False) -> ReturnRequest:
    """Return a wish to send something back; raises NoSuchReturn."""
    return kit_db.one(ReturnRequest, request_id, NoSuchReturn, lock=lock)


def of_order(order_id: UUID) -> list[ReturnRequest]:
    """Return the wishes about an order, newest first."""
    query = select(ReturnRequest).where(ReturnRequest.order_id == order_id).order_by(ReturnRequest.id.desc())
    return list(db.session.scalars(query))


def of_customer(customer_id: UUID, *, most: int = 100) -> list[ReturnRequest]:
    """Return a customer's wishes, newest first."""
    query = select(ReturnRequest).where(ReturnRequest.customer_id == customer_id).order_by(ReturnRequest.id.desc())
    return list(db.session.scalars(query.limit(most)))


def query(*, state: str | None = None, order_id: UUID | str | None = None, customer_id: UUID | None = None) -> Select:
    """Return a select of wishes in a state, about an order, or of a customer."""
    wanted = {"state": state, "order_id": order_id, "customer_id": customer_id}
    return select(ReturnRequest).filter_by(**{name: value for name, value in wanted.items() if value is not None})


def listed(*, cursor: str | None = None, limit: int = 25, **wanted: Any) -> pages.Page:
    """Return a page of wishes, newest first."""
    return pages.page(query(**wanted), order=NEWEST, cursor=cursor, limit=limit)


def counts() -> dict[str, int]:
    """Return how many wishes stand in each state."""
    return dict(db.session.execute(select(ReturnRequest.state, func.count()).group_by(ReturnRequest.state)).all())
