"""Changing one field where it stands, in a list's cell or on a record's page, and what happens when two people do at once.

The form carries what its writer saw (`was`). When the field holds something else by now and it is not what they wrote,
nothing is saved: mine, theirs and the value before stand side by side, with who changed it and when, and one press takes
either.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, render_template, request, url_for
from flask_babel import gettext as _

from saas.customers import facts
from saas.kit import access, doors, errors, records
from saas.kit.records import Field, Kind
from saas.tenancy import audit
from tenant_admin import deeds, fields_shown, frame

pages = Blueprint("inline", __name__)


@pages.get("/records/<kind>/<record_id>/fields/<name>")
@doors.open_to("member", "fields.read")
def show(kind: str, record_id: str, name: str) -> Any:
    """Answer a field as it stands, or with ?edit=1 the input to change it."""
    found, record, field = _found(kind, record_id, name)
    return _drawn(found, record, field, editing="edit" in request.args)


@pages.post("/records/<kind>/<record_id>/fields/<name>")
@doors.open_to("member", "fields.read")
def save(kind: str, record_id: str, name: str) -> Any:
    """Change a field unless somebody else did meanwhile; then show both, and what was there before."""
    found, record, field = _found(kind, record_id, name, lock=True)
    mine = ",".join(request.form.getlist("value")) if field.type == "choices" else request.form.get("value", "").strip()
    was, theirs = request.form.get("was", ""), fields_shown.typed(field, field.of(record))
    if theirs not in (was, mine) and mine != was:
        clash = {"mine": mine, "theirs": theirs, "original": was} | last_change(found, record, field)
        return _drawn(found, record, field, clash=clash), 409
    if mine in (theirs, was):
        return _drawn(found, record, field)
    try:
        value = field.read(mine, fields_shown.manner())
        record = found.change(record.id, **found.arguments({field.name: _whole(field, value)})) or record
    except (ValueError, errors.Invalid, errors.Conflict) as error:
        problem = next(iter(error.fields.values()))[0] if getattr(error, "fields", None) else str(error)
        return _drawn(found, record, field, editing=True, typed=mine, problem=problem), 422
    frame.toast(_("Saved"), undo=frame.undo_url(audit.latest()))
    return _drawn(found, record, field, saved=True)


def _whole(field: Field, value: Any) -> Any:
    """Return a value as the room takes it: empty texts are empty texts."""
    if value is None and not field.custom:
        return [] if field.type == "tags" else None if field.type in ("money", "number", "email") else ""
    return list(value) if field.type == "tags" else value


def _found(kind: str, record_id: str, name: str, *, lock: bool = False) -> tuple[Kind, Any, Field]:
    """Return the kind, the record and the field when the member may change it."""
    found = records.kind(kind)
    access.require(f"{found.room}.edit")
    record = found.one(record_id, lock=lock)
    field = found.editable().get(name)
    if field is None:
        found.field(name)
        access.require_writable(kind, [name])
        raise errors.Forbidden(_("You can see this field and not change it."))
    return found, record, field


def _drawn(
    kind: Kind, record: Any, field: Field, *, editing: bool = False, saved: bool = False, typed: str | None = None, problem: str = "",
    clash: dict[str, Any] | None = None,
) -> str:  # fmt: skip
    row = (record, facts.of([record.id]).get(record.id)) if kind.name == "customer" else record
    cell = described(kind, row, field) | {"editing": editing, "saved": saved, "problem": problem}
    if typed is not None:
        cell["value"] = typed
    place = "record" if request.values.get("place") == "record" else "cell"
    if clash is not None:
        clash |= {side: worded(field, clash[side]) for side in ("mine", "theirs", "original")} | {
            "typed": clash["mine"],
            "seen": clash["theirs"],
        }
    return render_template("fields/one.html", cell=cell, place=place, clash=clash)


def described(kind: Kind, row: Any, field: Field) -> dict[str, Any]:
    """Return a field of a record as the partial draws it."""
    record = row[0] if isinstance(row, tuple) else row
    cell = fields_shown.cell(field, row)
    return cell | {
        "label": field.label, "url": url_for("inline.show", kind=kind.name, record_id=record.id, name=field.name),
        "key": f"{record.id}-{field.name.replace('.', '-')}", "choices": [(one.key, one.label) for one in field.choices if not one.archived or one.key == cell["value"]],
        "type": field.type, "values": [key for key in cell["value"].split(",") if key], "title": kind.title(record),
    }  # fmt: skip


def own_of(kind: str, row: Any) -> list[dict[str, Any]]:
    """Return the company's own fields of a record's page; `editable` ones save by themselves."""
    found = records.kind(kind)
    editable = found.editable() if access.may(f"{found.room}.edit") else {}
    return [
        described(found, row, field) | {"editable": field.name in editable}
        for field in found.fields().values()
        if field.custom
    ]


def worded(field: Field, typed: str) -> str:
    """Return what somebody typed as people read it."""
    try:
        return str(fields_shown.shown(field, field.read(typed, fields_shown.manner())))
    except ValueError:
        return typed


def last_change(kind: Kind, record: Any, field: Field) -> dict[str, Any]:
    """Return who changed a field last, and when, as far as the trace tells."""
    told = audit.last_change(kind=kind.name, record_id=record.id, name=field.name)
    if told is None:
        return {"who": _("Somebody"), "at": getattr(record, "updated_at", None)}
    entry = told.entry
    mine = entry.actor_kind == "member" and entry.actor_id == str(g.member.id)
    return {"who": _("You, in another window") if mine else deeds.who(told)["name"], "at": entry.acted_at}
