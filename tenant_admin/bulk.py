"""One change to many customers, products or orders: what to do, tried on a few, then begun in the background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from saas.audiences import bulk_actions, bulk_kinds
from saas.kit import access, doors, errors, work
from saas.tenancy import members
from tenant_admin import entrance, frame, selections
from tenant_admin.customers import listing

pages = Blueprint("bulk", __name__)


@dataclass(frozen=True)
class Place:
    """Where the records of a kind live among the pages."""

    index: str
    show: str
    argument: str


PLACES = {
    "customer": Place("customers.index", "customers.show", "customer_id"),
    "product": Place("products.index", "products.show", "product_id"),
    "order": Place("orders.index", "orders.show", "order_id"),
}


@pages.post("/customers/bulk")
@doors.open_to("member", "customers.edit")
def customers() -> Any:
    """Ask what to do with the chosen, show what it would do, and with `go` begin; deletion of many asks who is there."""
    definition, chosen = listing.meant(request.form)
    return _changed("customer", {"definition": definition}, chosen)


@pages.post("/products/bulk")
@doors.open_to("member", "products.edit")
def products() -> Any:
    """The same for products."""
    return _changed("product", selections.products(request.form), _by_hand())


@pages.post("/orders/bulk")
@doors.open_to("member", "orders.edit")
def orders() -> Any:
    """The same for orders."""
    return _changed("order", selections.orders(request.form), _by_hand())


def _by_hand() -> list[str] | None:
    return None if request.form.get("all") else request.form.getlist("ids")


def _changed(kind: str, asked: dict[str, Any], chosen: list[Any] | None) -> Any:
    try:
        who = bulk_actions.audience(kind, asked, ids=chosen)
    except bulk_actions.Nobody as refusal:
        frame.toast(_(refusal.message), kind="warning")
        return frame.go(url_for(PLACES[kind].index))
    given = {name: request.form.get(name, "") for name in ("do", "field", "value")}
    if not given["do"] or request.form.get("asking"):
        return _page(kind, given, count=bulk_actions.counted(who))
    try:
        action = bulk_actions.read(kind, given)
        if "go" not in request.form:
            return _page(kind, given, seen=bulk_actions.preview(action, who))
        if given["do"] == "delete":
            entrance.require_fresh()
        operation = bulk_actions.start(action, who, told=_told(kind, chosen))
    except (errors.Invalid, errors.Conflict, access.Locked) as refusal:
        work.forget()
        return _page(kind, given, count=bulk_actions.counted(who), refusal=refusal), refusal.status
    return frame.go(url_for("operations.show", operation_id=operation.id))


def _told(kind: str, chosen: list[Any] | None) -> Any:
    """Return how the records were chosen, for the history: by hand, or by which filters."""
    if chosen is not None:
        return "by hand"
    return [value for name in selections.KEPT[kind] for value in request.form.getlist(name) if value] or "all"


def _page(
    kind: str,
    given: dict[str, str],
    *,
    seen: Any = None,
    count: int | None = None,
    refusal: errors.Refusal | None = None,
) -> str:
    known = bulk_actions.fields(kind)
    place, field = PLACES[kind], known.get(given["field"])
    count = seen.count if seen else count
    return render_template(
        "bulk/change.html", given=given, kind=kind, action=url_for(f"bulk.{kind}s"), back=url_for(place.index), words=_words(kind, count or 0),
        seen=seen and {"count": seen.count, "sentence": seen.sentence, "examples": [_example(one, place) for one in seen.examples]},
        actions=_actions(kind), fields=[(name, str(one.label)) for name, one in known.items()],
        choices=[(one.key, str(one.label)) for one in field.choices if not one.archived] if field is not None and given["do"] == "set" else [],
        shape=field.type if field is not None else "", people=[(str(one.id), one.name or one.email) for one in members.listed()] if given["do"] == "own" else [],
        kept=[(name, value) for name in ("ids", "all", *selections.KEPT[kind]) for value in request.form.getlist(name) if value],
        problems=refusal.fields if refusal else {}, refused=_(refusal.message) if refusal and not refusal.fields else None,
    )  # fmt: skip


def _example(one: Any, place: Place) -> dict[str, Any]:
    return {
        "name": one.name, "before": one.before, "after": one.after, "url": url_for(place.show, **{place.argument: one.id}),
    }  # fmt: skip


def _words(kind: str, count: int) -> dict[str, str]:
    """Return what the page says of a kind of record."""
    if kind == "product":
        chosen = ngettext("%(num)s product is chosen", "%(num)s products are chosen", count)
        return {"title": _("Change many products"), "chosen": chosen, "all": _("Products")}
    if kind == "order":
        chosen = ngettext("%(num)s order is chosen", "%(num)s orders are chosen", count)
        return {"title": _("Change many orders"), "chosen": chosen, "all": _("Orders")}
    chosen = ngettext("%(num)s customer is chosen", "%(num)s customers are chosen", count)
    return {"title": _("Change many customers"), "chosen": chosen, "all": _("Customers")}


def _actions(kind: str) -> list[tuple[str, str]]:
    """Return what this member may do with many of a kind."""
    names = {
        "set": _("Set a field"), "tag": _("Add a tag"), "untag": _("Take a tag off"), "own": _("Give them an owner"),
        "withdraw": _("Note that they want no mails"), "delete": _("Move them to the bin"),
    }  # fmt: skip
    return [(name, names[name]) for name in bulk_kinds.room(kind).may()]
