"""Long work for programs: how far it is, what failed, stopping and undoing it, and its files."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, stream_with_context
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.kit import access, doors, files, pages, scope
from saas.tenancy import operations

blueprint = Blueprint("api_operations", __name__, description="Long work: imports, exports, changes of many records")


class OperationOut(Schema):
    """Long work: what it is, how far it is, and what came of it."""

    id = fields.UUID()
    kind = fields.String()
    title = fields.String()
    state = fields.String(metadata={"description": ", ".join(operations.STATES)})
    total = fields.Integer(allow_none=True)
    done = fields.Integer()
    failed = fields.Integer()
    undone = fields.Integer()
    error = fields.String()
    report = fields.Dict()
    may_undo = fields.Boolean()
    started_at = fields.AwareDateTime(allow_none=True)
    ended_at = fields.AwareDateTime(allow_none=True)
    undo_until = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()


class OperationQuery(shapes.ListQuery):
    """Which long work a list shows."""

    kind = shapes.Text(80, load_default=None, metadata={"description": "such as customers.import"})
    state = fields.String(load_default=None, validate=validate.OneOf(operations.STATES))


class FailureOut(Schema):
    """One thing that could not be done: its place in the source, the thing, and why."""

    position = fields.Integer()
    row = fields.Raw(allow_none=True)
    reason = fields.String()


def shown(operation: Any) -> dict[str, Any]:
    """Return long work as plain values."""
    found = {name: getattr(operation, name) for name in OperationOut().fields if name != "may_undo"}
    return found | {"may_undo": operations.may_undo(operation)}


def _one(operation_id: UUID) -> Any:
    """Return long work this key began or may do; other work is missing to it."""
    operation = operations.one(operation_id)
    if operation.actor_id != scope.actor().id and not access.may(operations.kind_of(operation).permission):
        raise operations.NoSuchOperation
    return operation


@blueprint.route("/operations")
@blueprint.arguments(OperationQuery, location="query")
@blueprint.response(200, shapes.page_of(OperationOut))
@doors.open_to("key", "operations.read")
def listed(query: dict[str, Any]) -> dict[str, Any]:
    """List long work, the newest first."""
    kinds = [kind.name for kind in operations.kinds() if access.may(kind.permission)]
    wanted = {name: query.pop(name) for name in ("kind", "state")}
    mine = operations.visible(member_id=UUID(scope.actor().id), kinds=kinds, **wanted)
    page = pages.page(mine, order=operations.NEWEST, **query)
    return {"items": [shown(one) for one in page.items], "next": page.next}


@blueprint.route("/operations/<operation_id>")
@blueprint.response(200, OperationOut)
@doors.open_to("key", "operations.read")
def show(operation_id: UUID) -> dict[str, Any]:
    """Show how far long work is."""
    return shown(_one(operation_id))


@blueprint.route("/operations/<operation_id>/cancel", methods=["POST"])
@blueprint.response(202, OperationOut)
@doors.open_to("key", "operations.read", always=True)
def cancel(operation_id: UUID) -> dict[str, Any]:
    """Have long work stop after the step it is in; what is done stays done until it is undone."""
    return shown(operations.cancel(_one(operation_id).id))


@blueprint.route("/operations/<operation_id>/undo", methods=["POST"])
@blueprint.response(202, OperationOut)
@doors.open_to("key", "operations.read")
def undo(operation_id: UUID) -> dict[str, Any]:
    """Begin to undo long work; 409 when it cannot be undone or was."""
    return shown(operations.undo(_one(operation_id).id))


@blueprint.route("/operations/<operation_id>/failures")
@blueprint.arguments(shapes.ListQuery, location="query")
@blueprint.response(200, shapes.page_of(FailureOut))
@doors.open_to("key", "operations.read")
def failures(query: dict[str, Any], operation_id: UUID) -> dict[str, Any]:
    """List what could not be done, in the order of the source."""
    page = pages.page(operations.failures(_one(operation_id).id), order=operations.FAILURE_ORDER, **query)
    return {
        "items": [{name: getattr(one, name) for name in FailureOut().fields} for one in page.items],
        "next": page.next,
    }


@blueprint.route("/files/<file_id>")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
@blueprint.doc(responses=shapes.FILES)
@doors.open_to("key", "operations.read")
def download(file_id: UUID) -> Response:
    """Fetch a file that long work left behind; kept for a day unless it says otherwise."""
    file = files.one(file_id)
    if file.made_by != scope.actor().id and not (file.permission and access.may(file.permission)):
        raise files.NoSuchFile
    return Response(
        stream_with_context(files.streamed(scope.tenant_id(), file.id)), content_type=file.content_type,
        headers={"Content-Length": str(file.size), "Cache-Control": "private, no-store", "Content-Disposition": "attachment"},
    )  # fmt: skip
