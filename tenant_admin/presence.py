"""On the site now: who is on the shop at this moment, what they look at and what lies in their cart; and the same of one customer."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template
from flask_babel import lazy_gettext as _l

from saas.commerce import presence
from saas.kit import doors

pages = Blueprint("presence", __name__)
KINDS = {
    "product": (_l("Looks at"), "eye"), "page": (_l("Reads"), "file"), "category": (_l("Browses"), "tags"), "search": (_l("Searches for"), "search"),
    "cart": (_l("Fills the cart"), "shopping-cart"), "checkout": (_l("Is at the checkout"), "credit-card"),
}  # fmt: skip


@pages.get("/live")
@doors.open_to("member", "customers.read")
def index() -> str:
    """Show who is on the shop now, known customers first; the list asks for itself again."""
    found, count = presence.now()
    return render_template("presence/index.html", rows=[_row(one) for one in found], count=count)


@pages.get("/customers/<customer_id>/live")
@doors.open_to("member", "customers.read")
def customer(customer_id: str) -> str:
    """Show what a customer does on the shop now."""
    found = presence.of(customer_id)
    return render_template("presence/customer.html", customer_id=customer_id, rows=[_row(one) for one in found])


def _row(one: presence.Present) -> dict[str, Any]:
    word, icon = KINDS[one.kind]
    return {
        "id": one.visitor[:6], "customer": {"id": one.customer.id, "name": one.customer.name} if one.customer is not None else None, "proven": one.proven,
        "word": str(word), "icon": icon, "what": one.what, "since": one.since, "at": one.at, "origin": one.origin, "cart": one.cart,
        "amount": one.amount, "currency": one.currency, "looked": one.looked,
    }  # fmt: skip
