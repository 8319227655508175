"""What shoppers want to send back: the list of it, and one with its answer, which goes to them by mail."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.commerce import finding, orders, return_requests
from saas.customers import finding as people
from saas.kit import access, doors, errors, work
from tenant_admin import frame

pages = Blueprint("returns", __name__)
LIMIT = 25
STATES = {
    "asked": ("warning", _l("To be answered")), "accepted": ("info", _l("Accepted, on its way")), "received": ("accent", _l("Arrived")),
    "refunded": ("good", _l("Paid back")), "declined": ("grey", _l("Declined")), "cancelled": ("grey", _l("Taken back by the shopper")),
}  # fmt: skip
REASONS = {
    "not_as_described": _l("Not as described"), "damaged": _l("Damaged"), "wrong_item": _l("The wrong thing"), "does_not_fit": _l("Does not fit"),
    "changed_mind": _l("Changed their mind"), "other": _l("Something else"),
}  # fmt: skip
STEPS = {
    "accepted": _l("Accept"),
    "declined": _l("Decline"),
    "received": _l("It has arrived"),
    "refunded": _l("The money is paid back"),
}


@pages.get("/returns")
@doors.open_to("member", "orders.read")
def index() -> Any:
    """List what shoppers want to send back, newest first."""
    state = request.args.get("state") if request.args.get("state") in STATES else None
    page = return_requests.listed(state=state, cursor=request.args.get("cursor"), limit=LIMIT)
    placed = finding.many([one.order_id for one in page.items])
    buyers = people.many([one.customer_id for one in page.items if one.customer_id])
    counts = return_requests.counts()
    tabs = [{"label": _("All"), "url": url_for("returns.index"), "active": state is None}] + [
        {"label": str(label), "url": url_for("returns.index", state=name), "active": state == name, "count": counts.get(name) or None}
        for name, (_tone, label) in STATES.items()
    ]  # fmt: skip
    return render_template(
        "returns/index.html", rows=[_row(one, placed, buyers) for one in page.items], next=page.next, tabs=tabs, filtered=state is not None,
        states=STATES,
    )  # fmt: skip


@pages.get("/returns/<return_id>")
@doors.open_to("member", "orders.read")
def show(return_id: str) -> Any:
    """Show one with what may follow."""
    return _page(return_id)


@pages.post("/returns/<return_id>")
@doors.open_to("member", "orders.answer")
def answer(return_id: str) -> Any:
    """Take the next step; the shopper gets a mail."""
    words = request.form.get("words", "")
    try:
        return_requests.answer(return_id, state=request.form.get("state", ""), words=words)
    except (return_requests.BadReturn, return_requests.WrongStep) as refusal:
        work.forget()
        return _page(return_id, refusal, words), refusal.status
    frame.toast(_("Done; the shopper gets a mail."))
    return frame.go(url_for("returns.show", return_id=return_id))


def _page(return_id: str, refusal: errors.Refusal | None = None, words: str = "") -> str:
    found = return_requests.one(return_id)
    order = orders.one(found.order_id)
    buyers = people.many([found.customer_id]) if found.customer_id else {}
    left = {line.position: line for line in return_requests.returnable(order)}
    lines = [line | {"bought": left[line["position"]].bought if line["position"] in left else None} for line in found.lines]  # fmt: skip
    return render_template(
        "returns/show.html", one=_row(found, {order.id: order}, buyers), lines=lines, note=found.note, said=found.answer, answered_at=found.answered_at,
        steps=[(name, str(STEPS[name])) for name in return_requests.NEXT[found.state]], states=STATES, words=words,
        errors=refusal.fields if refusal else {}, refused=refusal.message if refusal and not refusal.fields else None,
    )  # fmt: skip


def _row(one: Any, placed: dict[Any, Any], buyers: dict[Any, Any]) -> dict[str, Any]:
    order, buyer = placed.get(one.order_id), buyers.get(one.customer_id)
    known = buyer is not None and "customer_id" not in access.hidden("order")
    return {
        "id": one.id, "state": one.state, "at": one.asked_at, "order_id": one.order_id, "number": "" if order is None or "number" in access.hidden("order") else order.number,
        "things": ", ".join(f"{line['quantity']} × {line['name']}" for line in one.lines), "reason": str(REASONS.get(one.reason, "")),
        "buyer": buyer.name if known else None, "buyer_id": buyer.id if known else None,
    }  # fmt: skip


def of_order(order_id: Any) -> list[dict[str, Any]]:
    """Return the wishes about an order as its page shows them."""
    return [
        {"id": one.id, "state": STATES[one.state], "at": one.asked_at, "things": ", ".join(f"{line['quantity']} × {line['name']}" for line in one.lines)}
        for one in return_requests.of_order(order_id)
    ]  # fmt: skip
