"""Bringing files through the API: the body is the file, CSV, JSON lines or Excel; it is read in pieces and taken in the background."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson
from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, fields, validate

from saas.api import shapes
from saas.integrations import failed_lines, imports, sheets
from saas.kit import doors, errors, failures, pages
from saas.tenancy import operations

blueprint = Blueprint("api_imports", __name__, description="Files of customers, products and orders")
PIECE = 256 * 1024


class OptionsIn(shapes.Shape):
    """How rows are taken."""

    mode = fields.String(validate=validate.OneOf(imports.MODES), metadata={"description": "both, create or update"})
    match = fields.List(
        fields.String(),
        metadata={"description": "what customers are known by: external_id, email, phone, custom.<key>"},
    )
    repeated = fields.String(
        validate=validate.OneOf(imports.REPEATED),
        metadata={"description": "last or first: which row of a record counts"},
    )
    empty = fields.String(
        validate=validate.OneOf(imports.EMPTY), metadata={"description": "leave or clear: what empty cells do"}
    )
    likely = fields.String(
        validate=validate.OneOf(imports.LIKELY),
        metadata={
            "description": "create or same: what becomes of a customer whom no rule knows and who is all but certainly one "
            "that is there, by name and number or address; same fills what is empty there"
        },
    )
    tags = fields.List(shapes.Text(60), metadata={"description": "tags for every record"})
    constants = fields.Dict(
        keys=fields.String(), values=shapes.Text(500), metadata={"description": "values of fields that no column fills"}
    )
    consent_statement = shapes.Text(
        1000, metadata={"description": "how all of them agreed to mails, kept as proof; without it nobody has"}
    )
    source_id = fields.String(metadata={"description": "the shop the records come from"})
    dates = fields.String(validate=validate.OneOf(["", "dmy", "mdy", "ymd"]))
    decimal = fields.String(validate=validate.OneOf(["", ".", ","]))


class ReadingIn(shapes.Shape):
    """How the file is read, where it was found wrongly."""

    encoding = fields.String(metadata={"description": "such as utf-8, cp1252 or gb18030"})
    delimiter = fields.String(validate=validate.OneOf(sheets.DELIMITERS))
    quote = fields.String(validate=validate.OneOf(sheets.QUOTES))
    header = fields.Integer(
        validate=validate.Range(0, 50), metadata={"description": "the row that names the columns; 0: none does"}
    )
    sheet = shapes.Text(200, metadata={"description": "of a workbook"})


class ImportQuery(shapes.Shape):
    """What is brought."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf(list(imports.TAKERS)),
        metadata={"description": "customer, product or order"},
    )
    name = shapes.Text(200, load_default="file", metadata={"description": "the file's name"})
    act = fields.String(
        load_default="none",
        validate=validate.OneOf(["none", "check", "run"]),
        metadata={"description": "check tries the file, run takes it at once"},
    )
    mapping = shapes.Text(
        20_000,
        load_default="",
        metadata={"description": "JSON object from column names to fields; found by itself without"},
    )
    options = shapes.Text(20_000, load_default="", metadata={"description": "JSON object of options, as in PATCH"})


class ImportsQuery(shapes.ListQuery):
    """Which imports a list shows."""

    kind = fields.String(load_default=None, validate=validate.OneOf(list(imports.TAKERS)))


class ImportChange(shapes.Shape):
    """What may be changed before an import is taken."""

    mapping = fields.Dict(
        keys=fields.String(), values=fields.String(allow_none=True), metadata={"description": "column name to field"}
    )
    options = fields.Nested(OptionsIn)
    reading = fields.Nested(ReadingIn, metadata={"description": "taken first: columns and mapping are found anew"})


class WorkOut(Schema):
    """How far a trial or an import is and what it told."""

    state = fields.String()
    rows = fields.Integer()
    counts = fields.Dict()
    reasons = fields.Dict()
    likely = fields.Dict(
        allow_none=True,
        metadata={
            "description": "rows that may be customers who are there: how many are certain and how many possible, and the first "
            "of them, each with the customer's id, the chance and the evidence"
        },
    )
    undone = fields.Dict(allow_none=True)
    error = fields.String()


class ImportOut(Schema):
    """An import as it is shown."""

    id = fields.UUID()
    kind = fields.String()
    name = fields.String()
    size = fields.Integer()
    reading = fields.Dict()
    columns = fields.List(fields.String())
    mapping = fields.Dict()
    options = fields.Dict()
    check = fields.Nested(WorkOut, allow_none=True)
    run = fields.Nested(WorkOut, allow_none=True)
    created_at = fields.AwareDateTime()


def shown(held: Any) -> dict[str, Any]:
    """Return an import as plain values."""
    return {
        "id": held.id, "kind": held.kind, "name": held.name, "size": held.size, "reading": held.reading, "columns": held.headers,
        "mapping": {held.headers[int(place)]: name for place, name in held.mapping.items()}, "options": held.options,
        "check": _work(held.check_id), "run": _work(held.run_id), "created_at": held.created_at,
    }  # fmt: skip


def _work(operation_id: UUID | None) -> dict[str, Any] | None:
    if operation_id is None:
        return None
    operation = operations.one(operation_id)
    told = operation.report
    return {"state": operation.state, "rows": operation.done, "counts": told.get("counts", {}), "reasons": told.get("reasons", {}), "likely": told.get("likely"), "undone": told.get("undo"),
            "error": operation.error}  # fmt: skip


def _by_place(held: Any, mapping: dict[str, Any]) -> dict[str, str]:
    places = {name: str(place) for place, name in enumerate(held.headers)}
    unknown = [name for name in mapping if name not in places]
    if unknown:
        raise errors.Invalid(fields={f"mapping.{unknown[0]}": ["There is no such column."]})
    return {places[name]: field or "" for name, field in mapping.items()}


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise errors.Invalid(fields={name: ["Must be a JSON object."]})
    return found


def _options(text: str) -> dict[str, Any]:
    try:
        return OptionsIn().load(_object(text, "options"))
    except ValidationError as error:
        raise errors.Invalid(
            fields={f"options.{name}": words for name, words in failures.flat(error.messages).items()}
        ) from None


def _change(held: Any, mapping: dict[str, Any] | None, options: dict[str, Any]) -> Any:
    if mapping:
        if any(field is not None and not isinstance(field, str) for field in mapping.values()):
            raise errors.Invalid(fields={"mapping": ["Fields are named by texts."]})
        held = imports.change_mapping(held.id, _by_place(held, mapping))
    return imports.change_options(held.id, **options) if options else held


@blueprint.route("/imports")
class Imports(MethodView):
    @blueprint.arguments(ImportsQuery, location="query")
    @blueprint.response(200, shapes.page_of(ImportOut))
    @doors.open_to("key", "customers.edit")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List what was brought, the newest first."""
        page = pages.page(imports.listed(kind=query.pop("kind")), order=imports.NEWEST, **query)
        return {"items": [shown(one) for one in page.items], "next": page.next}

    @blueprint.arguments(ImportQuery, location="query")
    @blueprint.response(201, ImportOut)
    @doors.open_to("key", "customers.edit")
    def post(self, query: dict[str, Any]) -> dict[str, Any]:
        """Bring a file as the body; with `act=run` it is taken at once, in the background."""
        request.max_content_length = imports.MOST_BYTES
        mapping, options = _object(query["mapping"], "mapping"), _options(query["options"])
        held = imports.begin(kind=query["kind"], name=query["name"], chunks=_pieces())
        held = _change(held, mapping, options)
        if query["act"] != "none":
            held = (imports.check if query["act"] == "check" else imports.run)(held.id)
        return shown(held)


def _pieces() -> Iterator[bytes]:
    # With a key the body was read already, to tell a repetition from another request.
    if "Idempotency-Key" in request.headers:
        yield request.get_data()
        return
    while piece := request.stream.read(PIECE):
        yield piece


@blueprint.route("/imports/<import_id>")
class OneImport(MethodView):
    @blueprint.response(200, ImportOut)
    @doors.open_to("key", "customers.edit")
    def get(self, import_id: UUID) -> dict[str, Any]:
        """Show an import: what its columns mean, how far it is and what came of it."""
        return shown(imports.one(import_id))

    @blueprint.arguments(ImportChange)
    @blueprint.response(200, ImportOut)
    @doors.open_to("key", "customers.edit")
    def patch(self, change: dict[str, Any], import_id: UUID) -> dict[str, Any]:
        """Change what its columns mean and how rows are taken, before it is taken."""
        held = imports.one(import_id)
        if change.get("reading"):
            held = imports.change_reading(held.id, **change["reading"])
        return shown(_change(held, change.get("mapping"), change.get("options", {})))

    @blueprint.response(204)
    @doors.open_to("key", "customers.edit")
    def delete(self, import_id: UUID) -> None:
        """Throw away a file that was not taken."""
        imports.forget(imports.one(import_id).id)


@blueprint.route("/imports/<import_id>/check", methods=["POST"])
@blueprint.response(202, ImportOut)
@doors.open_to("key", "customers.edit")
def check(import_id: UUID) -> dict[str, Any]:
    """Try the whole file without changing anything."""
    return shown(imports.check(imports.one(import_id).id))


@blueprint.route("/imports/<import_id>/run", methods=["POST"])
@blueprint.response(202, ImportOut)
@doors.open_to("key", "customers.edit")
def run(import_id: UUID) -> dict[str, Any]:
    """Take the file; 402 when the plan holds no more customers."""
    return shown(imports.run(imports.one(import_id).id))


@blueprint.route("/imports/<import_id>/undo", methods=["POST"])
@blueprint.response(202, ImportOut)
@doors.open_to("key", "customers.edit")
def undo(import_id: UUID) -> dict[str, Any]:
    """Take a whole import back, but for what has changed since; possible for 30 days."""
    held = imports.one(import_id)
    if held.run_id is None:
        raise imports.NotReady("This import has not begun.")
    operations.undo(held.run_id)
    return shown(held)


@blueprint.route("/imports/<import_id>/failed")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="text/csv")
@blueprint.doc(responses=shapes.file_of(*shapes.TABLES))
@doors.open_to("key", "customers.edit")
def failed(import_id: UUID) -> Response:
    """Fetch the lines that could not be taken, in the file's own format with a column that says why."""
    chunks, name, content_type = failed_lines.of(imports.one(import_id), str)
    answer = Response(b"".join(chunks), content_type=content_type)
    answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return answer
