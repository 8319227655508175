"""The carts' pages: what was put in, what became of it, and what is left lying."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, render_template, request, url_for
from flask_babel import gettext as _

from saas.catalog import products
from saas.commerce import cart_lists, orders, shops
from saas.customers import finding as people
from saas.customers import profiles
from saas.kit import access, doors, money
from tenant_admin.markup import here
from tenant_admin.states import describe

pages = Blueprint("carts", __name__)
LIMIT = 25
TABS = (None, "abandoned", "open", "recovered", "bought", "emptied")


@pages.get("/carts")
@doors.open_to("member", "orders.read")
def index():
    """List carts, the last touched first, with what became of those of the last thirty days."""
    wanted, chips = _asked()
    page = cart_lists.listed(cursor=request.args.get("cursor"), limit=LIMIT, **wanted)
    buyers = people.many([cart.customer_id for cart in page.items if cart.customer_id])
    named = products.by_external({item["product"] for cart in page.items for item in cart.items[:3]})
    sums = cart_lists.became()
    return render_template(
        "carts/index.html", rows=[_row(cart, buyers, named) for cart in page.items], next=page.next, tabs=_tabs(wanted.get("state")), chips=chips, add=_add(),
        filtered=bool(wanted), became=_figures(sums), others=len(sums) - 1,
        newest=cart_lists.MOST_SUMMED if sum(sum(one["carts"].values()) for one in sums) >= cart_lists.MOST_SUMMED else None,
    )  # fmt: skip


@pages.get("/carts/<cart_id>")
@doors.open_to("member", "orders.read")
def show(cart_id: str):
    """Show a cart: what lies in it, whose it is, and its life so far."""
    cart = cart_lists.one(cart_id)
    named = products.by_external([item["product"] for item in cart.items])
    buyer = people.many([cart.customer_id]).get(cart.customer_id) if cart.customer_id else None
    order = orders.one(cart.order_id) if cart.order_id else None
    shop = next((one for one in shops.all_shops() if one.id == cart.source_id), None)
    return render_template(
        "carts/show.html", cart={"id": cart.id, "state": cart_lists.state(cart), "amount": cart.amount, "currency": _currency(cart), "url": cart.url},
        lines=[_line(item, named) for item in cart.items], buyer=_buyer(buyer), shop=shop.name if shop else None, life=_life(cart, order),
    )  # fmt: skip


def _asked() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what the address asks for, as `narrowed` takes it, and a sentence for each thing beyond the tab."""
    wanted: dict[str, Any] = {}
    chips = []
    if request.args.get("state") in cart_lists.STATES:
        wanted["state"] = request.args["state"]
    if request.args.get("customer") and "customer_id" not in access.hidden("order"):
        buyer = profiles.one(request.args["customer"])
        wanted["customer_id"] = buyer.id
        chips.append({"sentence": _("of %(name)s", name=buyer.name), "remove": here(customer=None)})
    if request.args.get("known") in ("yes", "no"):
        wanted["known"] = request.args["known"] == "yes"
        sentence = _("of people we know") if wanted["known"] else _("of visitors nobody knows")
        chips.append({"sentence": sentence, "remove": here(known=None)})
    return wanted, chips


def _add() -> list[dict[str, Any]]:
    return [
        {"heading": _("Whose")},
        {"label": _("of people we know"), "url": here(known="yes")},
        {"label": _("of visitors nobody knows"), "url": here(known="no")},
    ]


def _tabs(chosen: str | None) -> list[dict[str, Any]]:
    return [
        {
            "label": describe(state)[1] if state else _("All"),
            "url": url_for("carts.index", state=state),
            "active": chosen == state,
        }
        for state in TABS
    ]


def _figures(sums: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return what became of the carts in the currency most of them have; the share of the left that were won back."""
    if not sums:
        return None
    carts, amounts = sums[0]["carts"], sums[0]["amounts"]
    left = carts["abandoned"] + carts["recovered"]
    return {
        "currency": sums[0]["currency"] or g.member.currency, "carts": carts, "amounts": amounts,
        "won_back": carts["recovered"] / left if left else None,
    }  # fmt: skip


def _currency(cart: Any) -> str:
    return cart.currency or g.member.currency


def _buyer(buyer: Any) -> dict[str, Any] | None:
    if buyer is None or "customer_id" in access.hidden("order"):
        return None
    return {"email": None} | access.shown("customer", {"id": buyer.id, "name": buyer.name, "email": buyer.email})


def _row(cart: Any, buyers: dict[Any, Any], named: dict[str, Any]) -> dict[str, Any]:
    buyer = _buyer(buyers.get(cart.customer_id))
    names = [named[item["product"]].name if item["product"] in named else item["product"] for item in cart.items[:3]]
    return {
        "id": cart.id, "names": names, "more": len(cart.items) - len(names), "pieces": sum(item["quantity"] for item in cart.items),
        "state": cart_lists.state(cart), "amount": cart.amount, "currency": _currency(cart), "at": cart.changed_at,
        "checkout": cart.checkout_at is not None, "buyer": buyer["name"] if buyer else None, "buyer_id": buyer["id"] if buyer else None,
    }  # fmt: skip


def _line(item: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    product = named.get(item["product"])
    each = money.parse_micros(item["price"]) if item.get("price") else None
    return {
        "id": product.id if product else None, "name": product.name if product else item["product"], "image": product.picture if product else "",
        "quantity": item["quantity"], "unit": each, "total": each * item["quantity"] if each is not None else None,
    }  # fmt: skip


def _life(cart: Any, order: Any) -> list[dict[str, Any]]:
    """Return the cart's life, the newest first, as a timeline takes it."""
    steps = [{"at": cart.began_at, "icon": "shopping-cart", "title": _("The first thing was put in")}]
    if cart.checkout_at:
        steps.append({"at": cart.checkout_at, "icon": "credit-card", "title": _("Went as far as the checkout")})
    state = cart_lists.state(cart)
    if cart.left_at:
        steps.append({"at": cart.left_at, "icon": "clock", "title": _("Left lying"), "tone": "warning"})
    if state == "abandoned":
        steps.append({"at": cart.changed_at, "icon": "clock", "title": _("Left lying until today"), "tone": "warning"})
    elif state == "emptied":
        steps.append({"at": cart.closed_at, "icon": "trash", "title": _("Emptied")})
    elif order is not None:
        title = _("Ordered as %(number)s", number=order.number or order.external_id)
        steps.append({"at": order.placed_at, "icon": "receipt", "title": title, "tone": "good", "url": url_for("orders.show", order_id=order.id)})  # fmt: skip
    elif state == "bought":
        steps.append({"at": cart.closed_at, "icon": "receipt", "title": _("Ordered; the order was deleted since")})
    return sorted(steps, key=lambda step: step["at"])[::-1]  # of the same moment what came later stands first
