"""The orders' pages: the list with its totals, and one order in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.catalog import products
from saas.commerce import finding, orders
from saas.customers import finding as people
from saas.customers import profiles
from saas.kit import access, doors
from saas.marketing import attribution as mails
from saas.recommend import attribution as offers
from tenant_admin import fields_shown, formats, inline, order_story, own_columns, returns, selections
from tenant_admin import views as saved
from tenant_admin.markup import here
from tenant_admin.states import describe

LIMIT, MOST_SUMMED = 25, 20_000
STATES = selections.STATES
# What is odd about a line, in words.
FLAGS = {
    "return": _l("came back"), "free": _l("was free"), "negative_price": _l("has a price below zero"),
    "unknown_product": _l("is not among the products"),
}  # fmt: skip
pages = Blueprint("orders", __name__)


@pages.get("/orders")
@doors.open_to("member", "orders.read")
def index():
    """List orders, newest first, with what they come to together."""
    opened = saved.opened("order")
    if opened.leads_to:
        return redirect(opened.leads_to, 303)
    wanted, own = selections.orders(request.args), own_columns.of("order")
    chips = _chips(wanted)
    wanted |= {"where": own.where}
    cursor, sort = request.args.get("cursor"), _sort()
    page = finding.listed(sort=sort, cursor=cursor, limit=LIMIT, **wanted)
    sums = finding.summed(most=MOST_SUMMED, **wanted)
    count = sum(row["orders"] for row in sums)
    counting = [] if "total" in access.hidden("order") else [row for row in sums if row["counts"]] or sums
    if "refunded" in access.hidden("order"):
        counting = [row | {"refunded": 0} for row in counting]
    buyers = people.many([order.customer_id for order in page.items if order.customer_id])
    return render_template(
        "orders/index.html", rows=[_row(order, buyers) | {"cells": own.cells(order)} for order in page.items], next=page.next, chips=chips + own.chips,
        add=[*_add(), *own.add()], own=own, views=saved.bar(opened), sort=sort,
        q=request.args.get("q", ""), total=min(count, MOST_SUMMED), exact=count <= MOST_SUMMED, tabs=saved.tabs(opened, _tabs()), filtered=any(wanted.values()),
        sums=counting, left_out=sum(row["orders"] for row in sums if not row["counts"]) if counting and any(row["counts"] for row in sums) else 0,
        since=request.args.get("since", ""), until=request.args.get("until", ""),
    )  # fmt: skip


@pages.get("/orders/<order_id>")
@doors.open_to("member", "orders.read")
def show(order_id: str):
    """Show an order: what was bought, what is odd about it, what was paid back, and by whom it was placed."""
    order, shop = orders.one_with_shop(order_id)
    lines = orders.lines_of([order.id])
    known = products.many([line.product_id for line in lines if line.product_id])
    hidden = access.hidden("order")
    beside, called = orders.parts_of([order.id])[order.id], order_story.Lines(lines)
    known_buyer = order.customer_id is not None and "customer_id" not in hidden
    buyer = people.many([order.customer_id]).get(order.customer_id) if known_buyer else None
    return render_template(
        "orders/show.html", own=inline.own_of("order", order), order=_shown(order), lines=[] if "lines_count" in hidden else [_line(line, known) for line in lines], shop=shop,
        refunds=order_story.refunds(beside["refunds"], called), parcels=order_story.parcels(beside["fulfilments"], called),
        sent_back=order_story.sent_back(beside["returns"], called), story=order_story.story(order, lines, beside), shares=order_story.shares(order),
        buyer=_buyer(buyer) if buyer else None,
        odd=sum(bool(line.flags) for line in lines), trail=_trail(order.id), wishes=returns.of_order(order.id),
    )  # fmt: skip


def _trail(order_id: UUID) -> list[dict[str, Any]]:
    """Return what the order followed, as far as that is known: a mail, offers."""
    found = []
    mail = mails.of_order(order_id)
    if mail:
        sentence = (
            _("After a click in the mail “%(name)s”", name=mail["name"])
            if mail["kind"] == "click"
            else _("After the mail “%(name)s” was opened", name=mail["name"])
        )
        there = "campaigns.show" in current_app.view_functions
        found.append({"icon": "mail", "sentence": sentence, "at": mail["touched_at"],
                      "url": url_for("campaigns.show", campaign_id=mail["campaign_id"]) if there else None})  # fmt: skip
    for offer in offers.of_order(order_id):
        clicked = offer.clicked_at is not None
        found.append({
            "icon": "sparkles", "sentence": _("An offer was clicked") if clicked else _("An offer was seen"), "why": offer.reason_text,
            "at": offer.clicked_at or offer.seen_at or offer.at, "url": url_for("products.show", product_id=offer.product_id) if offer.product_id else None,
        })  # fmt: skip
    return found


def _buyer(buyer: Any) -> dict[str, Any]:
    return {"email": None, "city": None} | access.shown(
        "customer", {"id": buyer.id, "name": buyer.name, "email": buyer.email, "city": buyer.city}
    )


def _row(order: Any, buyers: dict[Any, Any]) -> dict[str, Any]:
    buyer = buyers.get(order.customer_id)
    return access.blanked("order", {
        "id": order.id, "number": order.number, "at": order.placed_at, "status": order.status, "total": order.total_amount,
        "refunded": order.refunded_amount, "buyer": buyer.name if buyer else None, "buyer_id": order.customer_id, "country": order.country,
    }, at="placed_at", buyer="customer_id", buyer_id="customer_id") | {"currency": order.currency}  # fmt: skip


def _shown(order: Any) -> dict[str, Any]:
    names = ("id", "number", "external_id", "placed_at", "updated_at", "status", "currency", "country", "cart_id", "visitor", "lines_micros",
             "shipping_amount", "tax_amount", "discount_amount", "fee_amount", "tip_amount", "gift_card_amount", "taxes_included", "presentment_currency",
             "presentment_amount", "total_amount", "refunded_amount", "cancelled_at", "cancel_reason")  # fmt: skip
    behind = {name: name.removesuffix("_amount") for name in names if name.endswith("_amount")}
    behind |= dict.fromkeys(("fee_amount", "tip_amount", "gift_card_amount", "presentment_amount"), "total")
    behind |= dict.fromkeys(("cancelled_at", "cancel_reason"), "status")
    held = {name: getattr(order, name) for name in names if name != "currency"}
    return access.blanked("order", held, lines_micros="total", **behind) | {"currency": order.currency}


def _line(line: Any, known: dict[Any, Any]) -> dict[str, Any]:
    product = known.get(line.product_id)
    found = {
        "id": line.product_id, "name": line.name or (product.name if product else "") or line.product_key or line.sku or _("Nameless thing"),
        "sku": line.sku, "variant": orders.variant_beside(line), "image": product.picture if product else "", "quantity": line.quantity, "unit": line.unit_micros,
        "total": line.line_micros, "off": line.discount_micros, "flags": [str(FLAGS.get(flag, flag)) for flag in line.flags],
    }  # fmt: skip
    return access.blanked("order", found, unit="total", off="total")


def _chips(wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a sentence for what the address asks for beyond the tab and the box."""
    chips = []
    if "customer_id" in wanted:
        name = profiles.one(wanted["customer_id"]).name
        chips.append({"sentence": _("by %(name)s", name=name), "remove": here(customer=None)})
    if "since" in wanted:
        day = formats.day(wanted["since"].date())
        chips.append({"sentence": _("from %(day)s", day=day), "remove": here(since=None, ask=None)})
    if "until" in wanted:
        day = formats.day((wanted["until"] - timedelta(days=1)).date())
        chips.append({"sentence": _("until %(day)s", day=day), "remove": here(until=None, ask=None)})
    return chips


def _sort() -> str:
    wanted = request.args.get("sort", "")
    field = fields_shown.columns("order").get(wanted.removeprefix("-"))
    return wanted if field is not None and field.sortable else ""


def _tabs() -> list[dict[str, Any]]:
    chosen = request.args.get("status")
    return [
        {
            "label": describe(state)[1] if state else _("All"),
            "url": url_for("orders.index", status=state, view=None if state else saved.PLAIN),
            "active": chosen == state or (not state and chosen not in STATES),
        }
        for state in ((None, *STATES) if access.readable("order", "status") else (None,))
    ]


def _add() -> list[dict[str, Any]]:
    today = datetime.now(ZoneInfo(g.member.zone)).date()
    spans = (
        (_("today"), today, today), (_("in the last 7 days"), today - timedelta(days=6), None), (_("in the last 30 days"), today - timedelta(days=29), None),
        (_("this year"), today.replace(month=1, day=1), None),
    )  # fmt: skip
    return [
        {"heading": _("Placed")},
        *(
            {"label": label, "url": here(since=since.isoformat(), until=until and until.isoformat(), ask=None)}
            for label, since, until in spans
        ),
        {"label": _("between two days…"), "url": here(ask="days")},
    ]
