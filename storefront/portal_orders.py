"""A shopper's orders: where they are, one in full, and asking to send something of it back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.catalog import products
from saas.commerce import finding, fulfilments, orders, return_requests
from saas.kit import clock, doors, errors, work
from storefront import portal_frame
from storefront.portal_frame import Here, show

door = Blueprint("portal_orders", __name__, template_folder="templates")
LIMIT = 20
PARCELS = {
    "pending": _l("Being packed"), "sent": _l("On its way"), "in_transit": _l("On its way"), "delivered": _l("Delivered"),
    "failed": _l("Could not be delivered"), "cancelled": _l("Called back"),
}  # fmt: skip
STATES = {
    "pending": _l("Waiting for the payment"), "paid": _l("Being prepared"), "fulfilled": _l("Sent"), "cancelled": _l("Cancelled"),
    "refunded": _l("Money given back"), "failed": _l("The payment did not work"),
}  # fmt: skip
REASONS = {
    "not_as_described": _l("It is not what was described"), "damaged": _l("It is damaged"), "wrong_item": _l("It is the wrong thing"),
    "does_not_fit": _l("It does not fit"), "changed_mind": _l("I changed my mind"), "other": _l("Something else"),
}  # fmt: skip
RETURNS = {
    "asked": _l("Asked for; waiting for an answer"), "accepted": _l("Accepted: please send it"), "declined": _l("Declined"),
    "received": _l("Arrived at the shop"), "refunded": _l("Money given back"), "cancelled": _l("Taken back by you"),
}  # fmt: skip


@door.get("/my/<site>/orders")
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="orders")
def index(here: Here) -> ResponseReturnValue:
    """List their orders, newest first, with where each is."""
    page = finding.listed(customer_id=here.customer.id, cursor=request.args.get("cursor"), limit=LIMIT)
    parcels: dict[Any, list[Any]] = {}
    for parcel in fulfilments.of([order.id for order in page.items]):
        parcels.setdefault(parcel.order_id, []).append(parcel)
    rows = [_head(order, parcels.get(order.id, [])) for order in page.items]
    return show(here, "orders", rows=rows, next=page.next)


@door.get("/my/<site>/orders/<order_id>")
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="orders")
def one(here: Here, order_id: str) -> ResponseReturnValue:
    """Show an order of theirs in full."""
    return _one(here, _own(here, order_id))


@door.post("/my/<site>/orders/<order_id>/return")
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="orders")
def send_back(here: Here, order_id: str) -> ResponseReturnValue:
    """Ask to send something of an order back."""
    order, typed = _own(here, order_id), request.form
    try:
        return_requests.ask(
            customer_id=here.customer.id, order_id=order.id, quantities=_quantities(typed), reason=typed.get("reason", ""),
            note=typed.get("note", ""), language=here.locale,
        )  # fmt: skip
    except (return_requests.BadReturn, return_requests.CannotReturn) as refusal:
        work.forget()
        return _one(here, _own(here, order_id), refusal), refusal.status
    return redirect(here.url("portal_own.requests", noted="return"), 303)


def _quantities(typed: Any) -> dict[int, int]:
    """What was typed into the boxes; what is no number is more than anybody bought, so that it is told at its line."""
    found = {}
    for name, said in typed.items():
        place = name.removeprefix("quantity.")
        if name != place and place.isascii() and place.isdigit() and len(place) < 10 and said.strip() not in ("", "0"):
            plain = said.strip()
            found[int(place)] = int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 12 else 10**12
    return found


def _own(here: Here, order_id: str) -> Any:
    """Return an order of theirs; another's is answered as one that never was. Raises NoSuchOrder."""
    order = orders.one(order_id)
    if order.customer_id != here.customer.id:
        raise orders.NoSuchOrder
    return order


def _head(order: Any, parcels: list[Any]) -> dict[str, Any]:
    return {
        "id": order.id, "number": order.number, "at": order.placed_at, "total": order.total_amount, "currency": order.currency,
        "state": where(order, parcels), "refunded": order.refunded_amount, "count": order.lines_count,
    }  # fmt: skip


def where(order: Any, parcels: list[Any]) -> str:
    """Say in words where an order is: by its parcels, where the shop tells of them."""
    there = [parcel.state for parcel in parcels if parcel.state != "cancelled"]
    if order.status in ("paid", "fulfilled") and there:
        if all(state == "delivered" for state in there):
            return _("Delivered")
        if "failed" in there:
            return str(PARCELS["failed"])
        if "delivered" in there:
            return _("Partly delivered")
        if any(state in ("sent", "in_transit") for state in there):
            return _("On its way")
    return str(STATES[order.status])


def _one(here: Here, order: Any, refusal: errors.Refusal | None = None) -> ResponseReturnValue:
    lines, parcels = orders.lines_of([order.id]), fulfilments.of([order.id])
    known = products.many([line.product_id for line in lines if line.product_id])
    until, wishes = return_requests.open_until(order, parcels=parcels), return_requests.of_order(order.id)
    open_now = until is not None and clock.now() <= until
    left = (
        {line.position: line.left for line in return_requests.returnable(order, lines=lines, wishes=wishes)}
        if open_now
        else {}
    )
    return show(
        here, "order", order=_head(order, parcels), lines=[_line(line, known, left) for line in lines],
        sums={name: getattr(order, f"{name}_amount") for name in ("discount", "shipping", "tax", "total", "refunded")},
        parcels=[_parcel(one) for one in parcels], refunds=[{"amount": one.amount_micros, "at": one.at} for one in orders.refunds_of(order.id)],
        returns=[told(one) for one in wishes], until=until if open_now and any(left.values()) else None,
        too_late=until is not None and not open_now, reasons=REASONS, typed=request.form,
        errors=refusal.fields if refusal else {}, refused=_unplaced(refusal, left),
    )  # fmt: skip


def _unplaced(refusal: errors.Refusal | None, left: dict[int, int]) -> str:
    """What was refused and has no box on the page, such as pieces of a line that is on its way already."""
    if refusal is None:
        return ""
    boxes = {"reason", "quantity", *(f"quantity.{place}" for place, many in left.items() if many)}
    loose = [sentence for name, told in refusal.fields.items() if name not in boxes for sentence in told]
    return " ".join(dict.fromkeys(loose)) if refusal.fields else refusal.message


def _line(line: Any, known: dict[Any, Any], left: dict[int, int]) -> dict[str, Any]:
    product = known.get(line.product_id)
    return {
        "position": line.position, "name": line.name or (product.name if product else "") or line.sku or _("Nameless thing"), "sku": line.sku,
        "variant": orders.variant_beside(line),
        "image": product.image_url if product else "", "url": product.url if product else "", "quantity": line.quantity,
        "unit": line.unit_micros, "total": line.line_micros, "left": left.get(line.position, 0),
    }  # fmt: skip


def _parcel(parcel: Any) -> dict[str, Any]:
    link = parcel.tracking_url if parcel.tracking_url.startswith(("https://", "http://")) else ""
    return {
        "state": str(PARCELS.get(parcel.state, parcel.state)), "carrier": parcel.carrier, "number": parcel.tracking_number, "url": link,
        "shipped_at": parcel.shipped_at, "delivered_at": parcel.delivered_at,
    }  # fmt: skip


def told(request_: Any) -> dict[str, Any]:
    """Return a return as its shopper reads it."""
    return {
        "id": request_.id, "order_id": request_.order_id, "at": request_.asked_at, "state": str(RETURNS[request_.state]), "answer": request_.answer,
        "answered_at": request_.answered_at, "lines": request_.lines, "open": request_.state in return_requests.OPEN,
        "reason": str(REASONS.get(request_.reason, request_.reason)),
    }  # fmt: skip
