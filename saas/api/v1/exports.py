"""Taking records away through the API: a file is made in the background and kept for a day."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Response, stream_with_context
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.integrations import exports
from saas.kit import access, doors, files, scope
from saas.tenancy import operations

blueprint = Blueprint("api_exports", __name__, description="Files of records to take away")


class ExportIn(shapes.Shape):
    """What a file holds."""

    what = fields.String(
        required=True,
        validate=validate.OneOf(list(exports.PERMISSIONS)),
        metadata={"description": "customers, products, orders, lines or recipients"},
    )
    format = fields.String(
        load_default="csv",
        validate=validate.OneOf(list(exports.FORMATS)),
        metadata={"description": "csv, xlsx, ndjson or parquet"},
    )
    columns = fields.List(shapes.Text(100), metadata={"description": "field names; the usual ones without"})
    where = fields.List(shapes.Text(500), metadata={"description": "filters as the list of the records takes them"})
    ids = fields.List(
        fields.UUID(), validate=validate.Length(1, 1_000), metadata={"description": "these customers, products or orders only"}
    )  # fmt: skip
    active = fields.Boolean(metadata={"description": "products on sale, or off it, only"})
    sold_out = fields.Boolean(metadata={"description": "products with none in stock, or with some, only"})
    number = fields.String(metadata={"description": "the order of this number only"})
    customer_id = fields.UUID(metadata={"description": "orders of this customer only"})
    segment_id = fields.UUID(metadata={"description": "customers of this segment only"})
    campaign_id = fields.UUID(metadata={"description": "whose recipients"})
    status = fields.String(metadata={"description": "orders in this state only"})
    since = fields.AwareDateTime(metadata={"description": "orders placed from then on"})
    until = fields.AwareDateTime(metadata={"description": "orders placed before then"})


class ExportOut(Schema):
    """How far a file is; `file` is its address once it is there."""

    id = fields.UUID()
    state = fields.String()
    records = fields.Integer()
    total = fields.Integer(allow_none=True)
    file = fields.String(allow_none=True)
    error = fields.String()


def shown(operation: Any) -> dict[str, Any]:
    """Return the making of a file as plain values."""
    ready = operation.report.get("files")
    return {"id": operation.id, "state": operation.state, "records": operation.done, "total": operation.total, "error": operation.error,
            "file": f"/api/v1/exports/{operation.id}/file" if ready else None}  # fmt: skip


def _one(export_id: UUID) -> Any:
    """Return the making of a file that this key may have; raises NoSuchOperation."""
    operation = operations.one(export_id)
    if not operation.kind.startswith("exports.") or not access.may(operations.kind_of(operation).permission):
        raise operations.NoSuchOperation
    return operation


@blueprint.route("/exports")
class Exports(MethodView):
    @blueprint.arguments(ExportIn)
    @blueprint.response(202, ExportOut)
    @doors.open_to("key", "exports.make")
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Begin to make a file; ask for it again until `file` is there."""
        where = body.pop("where", None)
        if where:
            body |= {"definition": exports.definition(where)} if body["what"] == "customers" else {"where": where}
        if "campaign_id" in body:
            body["mailing_id"] = exports.mailing_of(body.pop("campaign_id"))
        plain = {
            name: [str(one) for one in value]
            if isinstance(value, list)
            else str(value)
            if isinstance(value, UUID)
            else value.isoformat()
            if hasattr(value, "isoformat")
            else value
            for name, value in body.items()
        }
        return shown(exports.begin(plain))


@blueprint.route("/exports/<export_id>")
@blueprint.response(200, ExportOut)
@doors.open_to("key", "exports.make")
def show(export_id: UUID) -> dict[str, Any]:
    """Show how far a file is."""
    return shown(_one(export_id))


@blueprint.route("/exports/<export_id>/file")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
@blueprint.doc(responses=shapes.FILES)
@doors.open_to("key", "exports.make")
def fetch(export_id: UUID) -> Response:
    """Fetch a file that is ready; it is thrown away after a day."""
    ready = _one(export_id).report.get("files")
    if not ready:
        raise files.NoSuchFile
    file = files.one(ready[0]["id"])
    answer = Response(stream_with_context(files.streamed(scope.tenant_id(), file.id)), content_type=file.content_type)
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
    answer.headers["Content-Length"] = str(file.size)
    return answer
