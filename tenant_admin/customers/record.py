"""One customer on one page: who and what they agreed to, everything that happened, what they are worth and what to offer next."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext

from saas.catalog import products
from saas.commerce import finding as shopping
from saas.customers import consent, facts, finding, identity, profiles, timeline
from saas.kit import access, doors, pages, records
from tenant_admin import happenings, inline, people
from tenant_admin.frame import is_partial

ENTRIES = 20


@doors.open_to("member", "customers.read")
def show(customer_id: str):
    """Show a customer; when only older or other entries of the timeline are asked for, the timeline alone."""
    pair = finding.with_their_facts(customer_id)
    customer = pair[0] if pair else profiles.one(customer_id)
    kind = request.args.get("kind", "")
    happened = pages.page(
        timeline.of(customer.id, kinds=happenings.KINDS[kind][1] if kind in happenings.KINDS else ()), order=timeline.ORDER,
        cursor=request.args.get("cursor"), limit=ENTRIES,
    )  # fmt: skip
    values = {
        "customer": customer_shown(customer), "kinds": happenings.kinds(kind, customer.id), "next": happened.next,
        "entries": [happenings.entry(entry) for entry in happened.items], "older": "cursor" in request.args,
    }  # fmt: skip
    if is_partial() and "cursor" in request.args:
        return render_template("customers/older.html", **values)
    return render_template(
        "customers/show.html",
        **values,
        **_around(customer, pair[1] if pair else facts.of([customer.id]).get(customer.id)),
        owner=people.name_of(customer.owner_id),
    )


def customer_shown(customer: Any) -> dict[str, Any]:
    """Return a customer for templates; `version` tells later whether somebody changed it meanwhile."""
    names = ("id", "name", "external_id", "email", "phone", "first_name", "last_name", "company", "language", "country", "city", "postcode",
             "address", "tags", "note", "email_consent", "owner_id", "created_at", "updated_at")  # fmt: skip
    hidden = access.hidden("customer")
    empty = {"tags": [], "owner_id": None}
    found = {name: empty.get(name, "") if name in hidden else getattr(customer, name) for name in names}
    return found | {"version": customer.updated_at.isoformat()}


def _around(customer: Any, known: Any) -> dict[str, Any]:
    """Return what stands left and right of the timeline, in a fixed number of queries."""
    customer_id, hidden = customer.id, access.hidden("customer")
    orders = shopping.listed(customer_id=customer_id, limit=5)
    cart, visits = shopping.open_cart(customer_id), shopping.visits_of(customer_id, limit=5)
    keys = [item["product"] for item in (cart.items if cart else ())] + [
        key for visit in visits for key in visit.products[:3]
    ]
    named = products.by_external(keys)
    kind = records.kind("customer")
    editable, row = kind.editable(), (customer, known)
    cells = {
        name: inline.described(kind, row, field) | {"editable": name in editable}
        for name, field in kind.fields().items()
        if name in editable or field.custom
    }
    return {
        "fields": cells, "own": [cell for name, cell in cells.items() if name.startswith(records.CUSTOM)],
        "value": _value(known), "hidden": hidden, "locked": access.locked("customer"),
        "consents": [] if "email_consent" in hidden else [_said(entry) for entry in consent.history(customer_id) if (entry.channel, entry.purpose) == ("email", consent.MAIN)], "names": _names(customer_id),
        "orders": [_order(order) for order in orders.items], "more_orders": orders.next is not None,
        "cart": _cart(cart, named) if cart and cart.items else None, "visits": [_visit(visit, named) for visit in visits],
        "since": min(filter(None, (customer.created_at, known and known.first_order_at, known and known.first_visit_at))),
    }  # fmt: skip


def _value(known: Any) -> dict[str, Any]:
    if known is None:
        return {"currency": g.member.currency, "spent": 0, "orders": 0, "average": None}
    currency = known.currency or g.member.currency
    spent = known.spent_amount // known.orders_count if known.orders_count else None
    return _unhidden({
        "currency": currency, "spent": known.spent_amount, "refunded": known.refunded_amount, "orders": known.orders_count,
        "items": known.items_count, "average": spent,
        "first_order_at": known.first_order_at, "last_order_at": known.last_order_at, "visits": known.visits_count,
        "views": known.views_count, "last_visit_at": known.last_visit_at, "mails_sent": known.mails_sent,
        "mails_opened": known.mails_opened, "mails_clicked": known.mails_clicked, "last_mail_at": known.last_mail_at,
    })  # fmt: skip


def _unhidden(value: dict[str, Any]) -> dict[str, Any]:
    """Empty what the reader must not see; what is worked out of two fields tells of both."""
    columns = {
        "spent": "spent_amount",
        "refunded": "refunded_amount",
        "orders": "orders_count",
        "visits": "visits_count",
        "views": "views_count",
    }
    hidden = access.hidden("customer")
    gone = {name for name in value if columns.get(name, name) in hidden}
    if hidden & {"spent_amount", "orders_count"}:
        gone.add("average")
    return value | dict.fromkeys(gone)


def _said(entry: Any) -> dict[str, Any]:
    return {
        "state": entry.state,
        "at": entry.at,
        "source": happenings.source(entry.source),
        "reason": entry.proof.get("reason"),
        "by": entry.proof.get("by"),
    }


def _names(customer_id: UUID) -> list[dict[str, Any]]:
    """Return the names a customer goes by; of browsers, which nobody can read, only how many."""
    labels = {"email": _("E-mail"), "phone": _("Phone"), "external": _("Number in the shop")}
    fields = {"email": "email", "phone": "phone", "external": "external_id"}
    labels = {kind: label for kind, label in labels.items() if access.readable("customer", fields[kind])}
    names = identity.names_of(customer_id)
    found = [{"label": labels[name.kind], "value": name.value} for name in names if name.kind in labels]
    browsers = [name for name in names if name.kind == "visitor"]
    if browsers:
        proven = sum(name.proven for name in browsers)
        said = (
            ngettext("%(num)s, for certain", "%(num)s, all for certain", proven)
            if proven == len(browsers)
            else _("%(count)s, %(proven)s for certain", count=len(browsers), proven=proven)
        )
        found.append({"label": _("Browsers"), "value": said})
    return found


def _order(order: Any) -> dict[str, Any]:
    return access.blanked("order", {
        "id": order.id, "number": order.number, "at": order.placed_at, "status": order.status, "total": order.total_amount,
    }, at="placed_at") | {"currency": order.currency}  # fmt: skip


def _cart(cart: Any, named: dict[str, Any]) -> dict[str, Any]:
    lines = [
        {"name": named[item["product"]].name if item["product"] in named else item["product"], "quantity": item["quantity"],
         "id": named[item["product"]].id if item["product"] in named else None,
         "image": named[item["product"]].picture if item["product"] in named else ""}
        for item in cart.items
    ]  # fmt: skip
    return {
        "lines": lines,
        "amount": cart.amount,
        "currency": cart.currency,
        "at": cart.changed_at,
        "checkout": cart.checkout_at is not None,
    }


def _visit(visit: Any, named: dict[str, Any]) -> dict[str, Any]:
    looked = [named[key].name if key in named else key for key in visit.products[:3]]
    minutes = round((visit.ended_at - visit.began_at).total_seconds() / 60)
    return {
        "at": visit.began_at,
        "minutes": minutes,
        "looked": looked,
        "more": max(len(visit.products) - 3, 0),
        "pages": visit.events_count,
    }
