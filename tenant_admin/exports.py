"""Taking records away as a file: which columns and which format; small ones at once, large ones as background work."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from saas.audiences import segments
from saas.integrations import exports
from saas.kit import access, doors, errors
from tenant_admin import frame, selections
from tenant_admin.customers import listing

pages = Blueprint("exports", __name__)
WHAT = {"customers": _l("Customers"), "products": _l("Products"), "orders": _l("Orders, a row each"), "lines": _l("Orders, a row for each line"),
        "recipients": _l("Recipients of a campaign")}  # fmt: skip
FORMATS = (
    ("csv", _l("CSV"), _l("For every program. Cells that a spreadsheet would take for formulas are marked.")),
    ("xlsx", "Excel", _l("Numbers and dates as such; a million rows at most.")),
    ("ndjson", _l("JSON lines"), _l("For programs: an object a line.")), ("parquet", "Parquet", _l("For analysis: typed and small.")),
)  # fmt: skip
MOST_CHOSEN = 1_000
BACK = {
    "customers": "customers.index",
    "products": "products.index",
    "orders": "orders.index",
    "lines": "orders.index",
    "recipients": "campaigns.index",
}
KEPT = (
    "view",
    "where",
    "q",
    "show",
    "segment_id",
    "mailing_id",
    "status",
    "since",
    "until",
    "customer",
    "state",
    "ids",
    "all",
)
"""What of a list goes along with the form."""


@pages.get("/exports/new")
@doors.open_to("member", "exports.make")
def new() -> ResponseReturnValue:
    """Show what a file may hold; which rows is what the list asked."""
    return _form(request.args)


def _form(asked: Any, wrong: dict[str, list[str]] | None = None) -> str:
    what = asked.get("what", "customers")
    what = what if what in WHAT and access.may(exports.PERMISSIONS[what]) else "customers"
    access.require(exports.PERMISSIONS[what])
    known = exports.columns(what)
    chosen = asked.getlist("columns") or exports.usual(what)
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, one in known.items():
        groups.setdefault(str(one.field.group) if one.field is not None and one.field.group else _("More"), []).append(
            (name, one.label)
        )
    number = exports.count(_params(asked, what) | {"what": what}, most=exports.AT_ONCE)
    return render_template(
        "exports/new.html", what=what, whats=_tabs(what),
        formats=FORMATS, form=asked.get("format", "csv"), groups=list(groups.items()), chosen=chosen, errors=wrong or {}, number=number, most=exports.AT_ONCE,
        kept=[(name, value) for name in KEPT for value in asked.getlist(name) if value], back=url_for(BACK[what]), about=_about(asked),
    )  # fmt: skip


def _tabs(what: str) -> list[dict[str, Any]]:
    return [
        {"label": str(label), "url": url_for("exports.new", what=key), "active": key == what}
        for key, label in WHAT.items()
        if access.may(exports.PERMISSIONS[key]) and (key != "recipients" or what == key)
    ]


def _about(asked: Any) -> str:
    """Say in words which rows these are, where the address tells."""
    if asked.get("segment_id"):
        return _("Of the segment “%(name)s”", name=segments.one(asked["segment_id"]).name)
    if asked.getlist("ids") and not asked.get("all"):
        return _("Chosen by hand")
    return _("As filtered in the list") if any(asked.get(name) for name in KEPT if name != "all") else _("All of them")


def _params(asked: Any, what: str) -> dict[str, Any]:
    """Return which rows are asked for, as the list the address comes from would show them."""
    if asked.getlist("ids") and not asked.get("all"):
        return {"ids": asked.getlist("ids")[:MOST_CHOSEN]}
    if what == "products":
        return selections.plain(selections.products(_whole(asked)))
    if what in ("orders", "lines"):
        return selections.plain(selections.orders(asked))
    given: dict[str, Any] = {name: asked.get(name) for name in ("segment_id", "mailing_id", "state") if asked.get(name)}
    if what == "customers" and not given.get("segment_id"):
        definition, ids = listing.meant(
            MultiDict(
                [*((name, value) for name in ("view", "where", "q") for value in asked.getlist(name)), ("all", "1")]
            )
        )
        given["definition"] = definition
        if ids is not None:
            given["ids"] = [str(one) for one in ids]
    return given


def _whole(asked: Any) -> Any:
    """A file that no list asked for has every product; the list without more shows those on sale."""
    return asked if any(asked.get(name) for name in selections.KEPT["product"]) else MultiDict([("show", "all")])


@pages.post("/exports/chosen")
@doors.open_to("member", "exports.make")
def chosen() -> ResponseReturnValue:
    """Show what a file of those chosen in a list may hold: some by hand, or all who fit."""
    given = request.form
    if not given.get("all") and not given.getlist("ids"):
        frame.toast(_("Choose some first."), kind="warning")
        return frame.go(url_for(BACK.get(request.args.get("what", ""), "customers.index")))
    return _form(MultiDict([*given.items(multi=True), ("what", request.args.get("what", ""))]))


@pages.post("/exports")
@doors.open_to("member", "exports.make", fresh=True)
def make() -> ResponseReturnValue:
    """Send a small file at once, or begin a large one."""
    form = request.form
    what = form.get("what", "")
    params = _params(form, what) | {"what": what, "format": form.get("format", ""), "columns": form.getlist("columns")}
    try:
        ready = exports.at_once(params)
        if ready is None:
            operation = exports.begin(params)
            frame.toast(_("The file is being made and is kept for a day."))
            return frame.go(url_for("operations.show", operation_id=operation.id))
    except errors.Invalid as refusal:
        return _form(form, refusal.fields or {"what": [refusal.message]}), 422
    chunks, name, content_type = ready
    response = Response(b"".join(chunks), content_type=content_type)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["Cache-Control"] = "private, no-store"
    return response
