"""The list of customers: tabs, filters said as sentences, chosen columns, a page at a time, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from flask import g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.audiences import fields, filters
from saas.catalog import products
from saas.customers import finding, owners
from saas.kit import access, doors, records, scope, search
from tenant_admin import conditions, fields_shown, inline, sentences
from tenant_admin import views as saved
from tenant_admin.markup import here

LIMIT = 25
MOST_COUNTED = 5_000
KIND = "customer"
IN_CELLS = ("phone", "company", "city", "country", "tags")
"""Columns that show a field as it is, and that may be changed where they stand; the company's own fields do too."""
# key: (name, the filters it stands for)
VIEWS = {
    "": (_l("Everybody"), ()),
    "recent": (_l("Bought in the last 30 days"), ("last_order_at.in_last_days.30",)),
    "regulars": (_l("Ordered more than once"), ("orders_count.at_least.2",)),
    "never": (_l("Never bought"), ("orders_count.at_most.0",)),
    "agreed": (_l("Agreed to mails"), ("email_consent.is.granted",)),
    "mine": (_l("Mine"), ("owner_id.is.me",)),
}
# key: (name, right-aligned, sort)
COLUMNS = {
    "consent": (_l("Mails"), False, None),
    "orders": (_l("Orders"), True, "orders"),
    "spent": (_l("Spent"), True, "spent"),
    "last_order": (_l("Last order"), False, "last_order"),
    "last_visit": (_l("Last visit"), False, "last_visit"),
    "created": (_l("Customer since"), False, "created"),
    "phone": (_l("Phone"), False, None),
    "company": (_l("Company"), False, None),
    "city": (_l("City"), False, None),
    "country": (_l("Country"), False, None),
    "tags": (_l("Tags"), False, None),
    "mails": (_l("Mails opened"), True, None),
    "owner": (_l("Owner"), False, None),
}
# The fields behind the columns; a column of a hidden field is not there.
BEHIND = {
    "consent": "email_consent", "orders": "orders_count", "spent": "spent_amount", "last_order": "last_order_at", "last_visit": "last_visit_at",
    "created": "created_at", "mails": "mails_opened", "owner": "owner_id",
}  # fmt: skip
USUAL = ("consent", "orders", "spent", "last_order", "last_visit")
ON_THE_PHONE = ("spent",)
# What the filter dialog sends.
ASKING = dict.fromkeys(("field", "operator", "value", "matter", "key", "instead", "ask"))
# What the filter menu offers ready-made.
READY = (
    (_l("Orders"), ("last_order_at.in_last_days.30", "last_order_at.not_in_last_days.180", "orders_count.at_least.2", "orders_count.at_most.0", "spent_amount.at_least.100")),
    (_l("Visits"), ("last_visit_at.in_last_days.7", "cart_at.in_last_days.7")),
    (_l("Mails"), ("email_consent.is.granted", "email_consent.is.unknown", "last_open_at.in_last_days.30")),
    (_l("Who"), ("created_at.in_last_days.30",)),
)  # fmt: skip


@doors.open_to("member", "customers.read")
def index():
    """Show the list, or after a filter, a sort or a page turned only what changed of it: the page's script selects it."""
    if request.args.get("field"):
        return redirect(here(where=_with_built(), **ASKING), 303)
    opened = saved.opened(KIND)
    if opened.leads_to:
        return redirect(opened.leads_to, 303)
    view = "" if opened.view else request.args.get("view", "")
    wheres, refused = _filters()
    typed, sort = request.args.get("q", "").strip(), _sort()
    definition = _definition([*views().get(view, VIEWS[""])[1], *wheres])
    page, total, exact = _found(definition, typed, sort)
    columns = _columns()
    names = _product_names(definition)
    return render_template(
        "customers/index.html", rows=rows_of(page.items, columns), next=page.next, total=total, exact=exact, q=typed, sort=sort,
        tabs=saved.tabs(opened, _tabs(view)), chips=_chips(wheres, names), ready=_ready(wheres), refused=refused, columns=columns,
        wheres=wheres, view_filters=list(views().get(view, VIEWS[""])[1]), filtered=bool(definition["conditions"] or typed),
        asked=_asked(wheres), fields=sentences.fields(), place="customers",
        views=saved.bar(opened), column_choice=_column_choice(columns), heads=heads(columns), limited=access.current().limited,
    )  # fmt: skip


@doors.open_to("member", "customers.read")
def condition():
    """Answer the row of the filter dialog, made new because another field was chosen in it."""
    return render_template(
        "customers/condition.html", row=conditions.shape(conditions.condition(request.args)), fields=sentences.fields()
    )


def meant(form: Any) -> tuple[dict[str, Any], list[Any] | None]:
    """Return who a bulk action is for, from the form that the list posted: what the list asked, and who of them by hand.

    What was typed into the search box finds at most a hundred, as it does in the list.
    """
    view = VIEWS.get(form.get("view", ""), VIEWS[""])[1]
    definition = _definition([*view, *form.getlist("where")[: filters.MOST]])
    chosen: list[Any] | None = None if form.get("all") else form.getlist("ids")
    if chosen is None and form.get("q", "").strip():
        chosen = [hit.id for hit in search.find(scope.tenant_id(), form["q"].strip(), kinds=["customer"], limit=100)]
    return definition, chosen


def row(customer: Any, facts: Any) -> dict[str, Any]:
    """Return a customer as a line of a list."""
    found = {
        "id": customer.id, "name": customer.name, "email": customer.email or "", "phone": customer.phone, "company": customer.company,
        "city": customer.city, "country": customer.country, "tags": customer.tags, "consent": customer.email_consent,
        "created": customer.created_at, "orders": facts.orders_count, "spent": facts.spent_amount, "currency": facts.currency or g.member.currency,
        "last_order": facts.last_order_at, "last_visit": facts.last_visit_at, "mails": facts.mails_opened, "mails_sent": facts.mails_sent,
        "owner": customer.owner_id,
    }  # fmt: skip
    hidden = access.hidden("customer")
    gone = {name: [] if name == "tags" else None for name in found if BEHIND.get(name, name) in hidden}
    return found | gone


def columns_of(names: Iterable[str]) -> list[str]:
    """Return those of the columns that the reader may see."""
    return [name for name in names if access.readable("customer", BEHIND.get(name, name))]


def rows_of(pairs: Iterable[tuple[Any, Any]], columns: list[str]) -> list[dict[str, Any]]:
    """Return a page of customers as lines of a list, with their owners' names where the list shows them."""
    pairs = list(pairs)
    names = owners.names(customer.owner_id for customer, _facts in pairs) if "owner" in columns else {}
    cells = _cells(columns)
    return [row(*pair) | {"owner": names.get(pair[0].owner_id, ""), "cells": cells(pair)} for pair in pairs]


def _cells(columns: list[str]) -> Callable[[Any], dict[str, Any]]:
    """Return what makes the cells of a row that show a field as it is; `editable` ones may be changed where they stand."""
    kind = records.kind(KIND)
    known, may = kind.fields(), access.may("customers.edit")
    editable = kind.editable() if may else {}
    wanted = [known[key] for key in columns if key in known and (key in IN_CELLS or known[key].custom)]
    return lambda pair: {
        field.name: inline.described(kind, pair, field) | {"editable": field.name in editable} for field in wanted
    }


def views() -> dict[str, tuple[Any, tuple[str, ...]]]:
    """Return the tabs whose filters the reader may ask."""
    return {key: held for key, held in VIEWS.items() if all(fields.known(text.partition(".")[0]) for text in held[1])}


def _with_built() -> list[str]:
    """Return the address's filters with the one that the dialog just made, in place of the one it changed if any."""
    wanted, old = _wheres(), request.args.get("instead", type=int)
    tree = {"match": "all", "conditions": [conditions.condition(request.args)]}
    text = filters.write(conditions.finished(tree, g.member.currency)["conditions"][0])
    if old is not None and 0 <= old < len(wanted):
        wanted[old] = text
    else:
        wanted.append(text)
    return wanted


def _filters() -> tuple[list[str], list[str]]:
    """Return the filters of the address, and a sentence for each that cannot be understood."""
    good, bad = [], []
    for text in dict.fromkeys(_wheres()):
        try:
            filters.read(text)
            good.append(text)
        except filters.BadFilter as error:
            bad.append(error.fields["where"][0])
    return good, bad


def _wheres() -> list[str]:
    return [text for text in request.args.getlist("where")[: filters.MOST] if text]


def _definition(texts: list[str]) -> dict[str, Any]:
    return conditions.finished(filters.definition(texts), g.member.currency)


def _sort() -> str:
    wanted = request.args.get("sort", finding.NEWEST)
    own = fields_shown.columns(KIND).get(wanted.removeprefix("-"))
    good = own.sortable if own is not None else wanted.removeprefix("-") in finding.sorts()
    return wanted if good else finding.NEWEST


def _found(definition: dict[str, Any], typed: str, sort: str) -> tuple[Any, int, bool]:
    """Return the page, how many there are, and whether that is exact or only "more than"."""
    cursor = request.args.get("cursor")
    ids = None
    if typed:
        hits = search.find(scope.tenant_id(), typed, kinds=["customer"], limit=100)
        ids = [hit.id for hit in hits]
        if "sort" not in request.args:
            return _best_first(definition, ids)
    page = filters.listed(definition, sort=sort, cursor=cursor, limit=LIMIT, ids=ids)
    if cursor is None and page.next is None:
        return page, len(page.items), True
    counted = filters.counted(definition, most=MOST_COUNTED, ids=ids)
    return page, min(counted, MOST_COUNTED), counted <= MOST_COUNTED


def _best_first(definition: dict[str, Any], ids: list[UUID]) -> tuple[Any, int, bool]:
    """Return what was found in the order of the search; it finds a hundred at most, which is one page."""
    page = filters.listed(definition, limit=100, ids=ids)
    rank = {found: place for place, found in enumerate(ids)}
    page.items.sort(key=lambda pair: rank[pair[0].id])
    return page, len(page.items), len(ids) < 100


def _columns() -> list[str]:
    chosen = request.args.get("columns")
    own = fields_shown.columns(KIND)
    known = [key for key in (chosen or "").split() if key in COLUMNS or key in own]
    return columns_of(known if chosen is not None else USUAL)


def _column_choice(columns: list[str]) -> list[dict[str, Any]]:
    """Return the menu of columns; each entry shows or hides one. What is chosen is kept with a view."""
    own = fields_shown.columns(KIND)
    names = {key: str(name) for key, (name, _end, _sort_key) in COLUMNS.items() if key in columns_of([key])}
    names |= {key: str(field.label) for key, field in own.items()}
    return [
        {"label": name, "active": key in columns,
         "url": here(columns=" ".join(other for other in names if (other in columns) != (other == key)) or " ")}
        for key, name in names.items()
    ]  # fmt: skip


def heads(columns: list[str]) -> dict[str, dict[str, Any]]:
    """Return the heads of the columns that are the company's own fields."""
    own = fields_shown.columns(KIND)
    return {
        key: {"label": own[key].label, "align": "end" if own[key].shape in fields_shown.RIGHT else None, "hide": "phone", "sort": own[key].sortable}
        for key in columns if key in own
    }  # fmt: skip


def _tabs(view: str) -> list[dict[str, Any]]:
    kept = {name: request.args[name] for name in ("sort",) if name in request.args}
    return [
        {
            "label": str(name),
            "url": url_for("customers.index", view=key or saved.PLAIN, **kept),
            "active": key == (view if view in views() else ""),
        }
        for key, (name, _filters) in views().items()
    ]


def _chips(wheres: list[str], names: dict[str, str]) -> list[dict[str, Any]]:
    found = []
    for place, text in enumerate(wheres):
        others = [other for other in wheres if other != text]
        found.append({
            "sentence": sentences.sentence(filters.read(text), names), "remove": here(where=others or [""], ask=None),
            "edit": here(where=wheres, ask=place),
        })  # fmt: skip
    return found


def _ready(wheres: list[str]) -> list[Any]:
    entries: list[Any] = []
    for heading, texts in READY:
        fresh = [text for text in texts if text not in wheres and fields.known(text.partition(".")[0])]
        if fresh:
            entries.append({"heading": str(heading)})
            entries += [
                {"label": sentences.sentence(filters.read(text)), "url": here(where=[*wheres, text], ask=None)}
                for text in fresh
            ]
    return [*entries, "-", {"label": _("Something else…"), "url": here(where=wheres or None, ask="new")}]


def _asked(wheres: list[str]) -> dict[str, Any]:
    """Return the row of the filter dialog: that of the filter to change, or a fresh one."""
    place = request.args.get("ask", "")
    if place.isdigit() and int(place) < len(wheres):
        return {"row": conditions.shape(filters.read(wheres[int(place)])), "instead": int(place), "open": True}
    return {"row": conditions.shape(conditions.FRESH), "instead": None, "open": place == "new"}


def _product_names(definition: dict[str, Any]) -> dict[str, str]:
    keys = list(sentences.products_in(definition))
    return {key: product.name for key, product in products.by_external(keys).items()} if keys else {}
