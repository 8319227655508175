"""Looking at the rows of an import before it is taken, mending cells, and stopping it, for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.api.v1.imports import ImportOut, shown
from saas.integrations import imports
from saas.kit import doors
from saas.tenancy import operations

blueprint = Blueprint("api_mending", __name__, description="The rows of a file that is being brought")


class FixIn(shapes.Shape):
    """What a cell says, and what it is to say: in one line, or wherever this column says the same."""

    column = shapes.Text(500, required=True, metadata={"description": "the column's name"})
    said = shapes.Text(2000, load_default="")
    to = shapes.Text(2000, required=True)
    line = fields.Integer(validate=validate.Range(1, 2**31), metadata={"description": "only in this line of the file"})


class RowProblem(Schema):
    """What is wrong with a row."""

    column = fields.String(metadata={"description": "its name; empty for the whole row"})
    field = fields.String()
    sentence = fields.String()


class RowOut(Schema):
    """A row of the file as it would be taken."""

    line = fields.Integer()
    cells = fields.List(fields.String())
    values = fields.Dict()
    problems = fields.List(fields.Nested(RowProblem))


class RowsOut(Schema):
    """The first rows of the file."""

    items = fields.List(fields.Nested(RowOut))


class RowsQuery(shapes.Shape):
    """How many rows to look at."""

    limit = fields.Integer(load_default=8, validate=validate.Range(1, imports.SAMPLE))


@blueprint.route("/imports/<import_id>/rows")
@blueprint.arguments(RowsQuery, location="query")
@blueprint.response(200, RowsOut)
@doors.open_to("key", "customers.edit")
def rows(query: dict[str, Any], import_id: UUID) -> dict[str, Any]:
    """Show the first rows as they would be taken, and what is wrong with them."""
    held = imports.one(import_id)

    def plain(row: Any) -> dict[str, Any]:
        told = [
            {"column": held.headers[place] if place >= 0 else "", "field": name, "sentence": sentence}
            for place, name, sentence in row.problems
        ]
        return {"line": row.line, "cells": row.cells, "values": row.values, "problems": told}

    return {"items": [plain(row) for row in imports.preview(held, most=query["limit"])]}


@blueprint.route("/imports/<import_id>/fixes", methods=["POST"])
@blueprint.arguments(FixIn)
@blueprint.response(200, ImportOut)
@doors.open_to("key", "customers.edit")
def fix(item: dict[str, Any], import_id: UUID) -> dict[str, Any]:
    """Mend a cell of a file that was not taken yet; the file itself stays as it is. What a trial told holds no longer."""
    held = imports.one(import_id)
    name = item.pop("column")
    column = held.headers.index(name) if name in held.headers else -1
    return shown(imports.fix(held.id, column=column, **item))


@blueprint.route("/imports/<import_id>/stop", methods=["POST"])
@blueprint.response(202, ImportOut)
@doors.open_to("key", "customers.edit")
def stop(import_id: UUID) -> dict[str, Any]:
    """Stop what is under way, the taking or else the trial, after the step it is in; what was taken can be undone."""
    held = imports.one(import_id)
    under_way = held.run_id or held.check_id
    if under_way is None:
        raise imports.NotReady("This import has not begun.")
    operations.cancel(under_way)
    return shown(held)
