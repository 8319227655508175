"""The history of a company for programs, and taking back what was done."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import fields

from saas.api import shapes
from saas.api.v1 import operations
from saas.api.v1.operations import OperationOut
from saas.kit import access, doors, pages
from saas.tenancy import audit, history_export, seeing, undoing
from saas.tenancy.audit import Told

blueprint = Blueprint("api_history", __name__, description="What was done, by whom and from where, and taking it back")


class HistoryQuery(shapes.ListQuery):
    """Which entries a list shows; without a record or a batch, those of a batch are one entry."""

    actor = fields.String(load_default="", metadata={"description": "the id of who acted"})
    action = fields.List(
        fields.String(),
        load_default=list,
        metadata={"description": "such as customers.edited; several are alternatives"},
    )
    kind = fields.String(load_default="", metadata={"description": "the kind of record: customer, product, segment, …"})
    record = fields.String(load_default="", metadata={"description": "the record's id"})
    batch = fields.UUID(
        load_default=None, metadata={"description": "what was done together: a bulk change, an import, a merge"}
    )
    since = fields.AwareDateTime(default_timezone=None, load_default=None)
    until = fields.AwareDateTime(default_timezone=None, load_default=None)


class EntryOut(shapes.Schema):
    """One entry of the history. `before` and `after` hold the fields that changed; `erased` says that they were erased."""

    id = fields.UUID()
    at = fields.AwareDateTime()
    actor = fields.Dict(metadata={"description": "kind, id and name of who acted"})
    origin = fields.Dict(metadata={"description": "door, address and browser it came from"})
    request_id = fields.String()
    action = fields.String()
    kind = fields.String()
    record = fields.String()
    batch = fields.UUID(allow_none=True)
    undoes = fields.UUID(allow_none=True)
    undone_at = fields.AwareDateTime(allow_none=True)
    erased = fields.Boolean()
    before = fields.Dict()
    after = fields.Dict()


def shown(told: Told) -> dict[str, Any]:
    """Return an entry as plain values, without fields that are hidden from the key."""
    entry, who = told.entry, told.values.who or {}
    return {
        "id": entry.id, "at": entry.acted_at, "actor": {"kind": entry.actor_kind, "id": entry.actor_id, "name": who.get("name", "")},
        "origin": {"door": entry.door, "address": who.get("address", ""), "browser": who.get("browser", "")}, "request_id": entry.request_id,
        "action": entry.action, "kind": entry.record_kind, "record": entry.record_id, "batch": entry.batch, "undoes": entry.undoes,
        "undone_at": told.undo.undone_at if told.undo else None, "erased": told.erased,
        "before": access.shown(entry.record_kind, told.before), "after": access.shown(entry.record_kind, told.after),
    }  # fmt: skip


@blueprint.route("/audit")
@blueprint.arguments(HistoryQuery, location="query")
@blueprint.response(200, shapes.page_of(EntryOut))
@doors.open_to("key", "audit.read")
def listed(query: dict[str, Any]) -> dict[str, Any]:
    """List what was done, the newest first; whoever sees only some records asks for the history of one of them."""
    seeing.require_listed(kind=query["kind"], record_id=query["record"])
    page = pages.page(
        audit.listed(actor_id=query["actor"], actions=query["action"], kind=query["kind"], record_id=query["record"], batch=query["batch"],
                     since=query["since"], until=query["until"]),
        order=audit.NEWEST, cursor=query["cursor"], limit=query["limit"],
    )  # fmt: skip
    return {"items": [shown(Told(*row)) for row in page.items], "next": page.next}


class HistoryFileIn(shapes.Shape):
    """Which entries go into the file."""

    actor = shapes.Text(80)
    action = shapes.Text(80)
    kind = shapes.Text(40)
    record = shapes.Text(80)
    batch = fields.UUID()
    since = fields.Date(metadata={"description": "from this day on, by the company's clocks"})
    until = fields.Date(metadata={"description": "up to this day and with it"})


@blueprint.route("/audit/export", methods=["POST"])
@blueprint.arguments(HistoryFileIn)
@blueprint.response(202, OperationOut)
@doors.open_to("key", "audit.read")
def export(body: dict[str, Any]) -> dict[str, Any]:
    """Begin to write the history into a CSV file, which is kept for seven days."""
    if "actor" in body:
        body["who"] = body.pop("actor")
    return operations.shown(history_export.start(asked={name: str(value) for name, value in body.items() if value}))


class UndoIn(shapes.Shape):
    """How to take an entry back."""

    rest = fields.Boolean(
        load_default=False,
        metadata={"description": "undo what can be undone although later changes stand in the way of some"},
    )


@blueprint.route("/audit/<entry_id>/undo", methods=["POST"])
@blueprint.arguments(UndoIn)
@blueprint.response(200, EntryOut)
@doors.open_to("key", "operations.read")
def undo(body: dict[str, Any], entry_id: UUID) -> dict[str, Any]:
    """Take an entry back and answer the undo's own entry; 409 names what stands in the way. The act's own right is asked too."""
    made = undoing.undo(entry_id, rest=body["rest"])
    return shown(audit.one(made if made is not None else entry_id))
