"""Settings > Fields: a company's own fields for customers, products and orders: made, renamed, put in order, archived, deleted."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.kit import doors, errors, records
from saas.tenancy import custom_fields
from tenant_admin import choices, frame
from tenant_admin.settings import render

pages = Blueprint("own_fields", __name__)
TYPES = {
    "text": _l("Text"), "number": _l("Number"), "money": _l("Amount of money"), "date": _l("Date"), "choice": _l("One of several"),
    "choices": _l("Several of several"), "yes_no": _l("Yes or no"), "link": _l("Link"), "formula": _l("Formula"),
}  # fmt: skip
ICONS = {
    "text": "writing", "number": "hash", "money": "coin", "date": "calendar", "choice": "list", "choices": "list-check", "yes_no": "checks",
    "link": "link", "formula": "bolt",
}  # fmt: skip


@pages.get("/settings/fields")
@doors.open_to("member", "fields.edit")
def index() -> Any:
    """Show the fields of one kind of record, in their order."""
    return _index()


@pages.post("/settings/fields")
@doors.open_to("member", "fields.edit")
def make() -> Any:
    """Make a field."""
    form = request.form
    values = {name: form.get(name, "") for name in ("kind", "label", "type", "help", "currency", "choices", "formula")}
    try:
        row = custom_fields.make(
            kind=values["kind"], label=values["label"], type=values["type"], help=values["help"], currency=values["currency"],
            choices=values["choices"].splitlines(), formula=values["formula"], required=bool(form.get("required")), unique=bool(form.get("unique")),
            personal=bool(form.get("personal")),
        )  # fmt: skip
    except errors.Refusal as refusal:
        return _index(refusal, values)
    frame.toast(_("The field “%(name)s” is there", name=row.label))
    return frame.go(url_for("own_fields.index", kind=row.kind))


@pages.get("/settings/fields/<field_id>")
@doors.open_to("member", "fields.edit")
def show(field_id: str) -> Any:
    """Show one field with its choices."""
    return _one(custom_fields.one(field_id))


@pages.post("/settings/fields/<field_id>")
@doors.open_to("member", "fields.edit")
def change(field_id: str) -> Any:
    """Change what a field is called and asks for."""
    row = custom_fields.one(field_id)
    form = request.form
    given: dict[str, Any] = {"label": form.get("label", ""), "help": form.get("help", "")}
    given |= {name: bool(form.get(name)) for name in ("required", "unique", "personal")}
    if row.type == "formula":
        given["formula"] = form.get("formula", "")
    try:
        custom_fields.change(field_id, **given)
    except errors.Refusal as refusal:
        return _one(row, refusal, given)
    frame.toast(_("Saved"))
    return frame.go(url_for("own_fields.index", kind=row.kind))


@pages.post("/settings/fields/<field_id>/move")
@doors.open_to("member", "fields.edit")
def move(field_id: str) -> Any:
    """Move a field one place up or down."""
    row = custom_fields.one(field_id)
    held = [str(one.id) for one in custom_fields.of(row.kind, archived=False)]
    at = held.index(str(row.id)) if str(row.id) in held else 0
    to = max(0, min(len(held) - 1, at + (-1 if request.values.get("by") == "up" else 1)))
    held.insert(to, held.pop(at))
    custom_fields.reorder(row.kind, held)
    return frame.go(url_for("own_fields.index", kind=row.kind))


@pages.post("/settings/fields/<field_id>/archive")
@doors.open_to("member", "fields.edit")
def archive(field_id: str) -> Any:
    """Take a field out of forms and lists; its values stay."""
    try:
        row = custom_fields.archive(field_id)
    except custom_fields.StillUsed as refusal:
        frame.toast(refusal.message, kind="error")
        return frame.go(url_for("own_fields.index", kind=custom_fields.one(field_id).kind))
    frame.toast(
        _("“%(name)s” is archived; its values stay", name=row.label),
        undo=url_for("own_fields.bring_back", field_id=row.id),
    )
    return frame.go(url_for("own_fields.index", kind=row.kind))


@pages.post("/settings/fields/<field_id>/back")
@doors.open_to("member", "fields.edit")
def bring_back(field_id: str) -> Any:
    """Put an archived field back."""
    row = custom_fields.bring_back(field_id)
    frame.toast(_("“%(name)s” is back with all its values", name=row.label))
    return frame.go(url_for("own_fields.index", kind=row.kind))


@pages.post("/settings/fields/<field_id>/delete")
@doors.open_to("member", "fields.edit")
def delete(field_id: str) -> Any:
    """Delete a field for good, when nothing is lost or its name was typed."""
    row = custom_fields.one(field_id)
    kind, label = row.kind, row.label
    try:
        custom_fields.delete(field_id, confirmation=request.form.get("confirmation", ""))
    except errors.Refusal as refusal:
        return _one(row, refusal)
    frame.toast(_("The field “%(name)s” is deleted for good", name=label))
    return frame.go(url_for("own_fields.index", kind=kind))


@pages.post("/settings/fields/<field_id>/choices")
@doors.open_to("member", "fields.edit")
def choose(field_id: str) -> Any:
    """Add a choice, or rename, move, merge, archive or bring back one; `do` says which and `key` whose."""
    row, form = custom_fields.one(field_id), request.form
    key, act = form.get("key", ""), form.get("do", "rename")
    keys = [one["key"] for one in row.choices]
    try:
        if act == "add":
            custom_fields.add_choice(field_id, label=form.get("label", ""))
        elif act == "merge":
            custom_fields.merge_choice(field_id, key, into=form.get("into", ""))
        elif act in ("archive", "back"):
            custom_fields.change_choice(field_id, key, archived=act == "archive")
        elif act == "up" and key in keys:
            at = keys.index(key)
            keys.insert(max(0, at - 1), keys.pop(at))
            custom_fields.reorder_choices(field_id, keys)
        else:
            custom_fields.change_choice(field_id, key, label=form.get("label", ""))
    except errors.Refusal as refusal:
        return _one(row, refusal)
    frame.toast(_("Saved"))
    return frame.go(url_for("own_fields.show", field_id=row.id))


def _index(refusal: errors.Refusal | None = None, values: dict[str, str] | None = None) -> Any:
    kind = (values or {}).get("kind") or request.args.get("kind", "customer")
    if kind not in custom_fields.KINDS:
        kind = "customer"
    held = custom_fields.of(kind)
    every = records.kind(kind).every(archived=False)
    return render(
        "fields", refusal, kind=kind, values=values or {"type": request.args.get("type", "text"), "currency": g.member.currency},
        kinds=[{"label": records.kind(one).plural, "url": url_for("own_fields.index", kind=one), "active": one == kind} for one in custom_fields.KINDS],
        fields=[_shown(row) for row in held if row.archived_at is None], archived=[_shown(row) for row in held if row.archived_at],
        types=[(key, str(label)) for key, label in TYPES.items()], currencies=choices.currencies(g.member.currency),
        readable=[(name.removeprefix(records.CUSTOM), str(field.label)) for name, field in every.items() if field.column is not None or field.custom],
    )  # fmt: skip


def _one(row: Any, refusal: errors.Refusal | None = None, values: dict[str, Any] | None = None) -> Any:
    shown = _shown(row)
    every = records.kind(row.kind).every(archived=False)
    return render(
        "field", refusal, field=shown, values=shown | (values or {}), used=custom_fields.used(row),
        readable=[(name.removeprefix(records.CUSTOM), str(one.label)) for name, one in every.items() if one.column is not None or one.custom],
    )  # fmt: skip


def _shown(row: Any) -> dict[str, Any]:
    return custom_fields.shown(row) | {
        "id": row.id, "pairs": [(one["key"], one["label"]) for one in row.choices if not one.get("archived")], "type_name": TYPES[row.type], "icon": ICONS[row.type],
        "live": [one for one in row.choices if not one.get("archived")], "gone": [one for one in row.choices if one.get("archived")],
    }  # fmt: skip
