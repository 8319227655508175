"""Saved views of lists for programs: those that everybody in the company sees. A program is nobody, so it keeps none for itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.kit import doors
from saas.tenancy import saved_views

blueprint = Blueprint("api_views", __name__, description="Ways to look at a list that everybody in the company has")
KIND = {"validate": validate.OneOf(saved_views.KINDS)}
CONTENT = fields.Dict(
    keys=fields.String(validate=validate.OneOf(saved_views.NAMES)),
    values=fields.List(shapes.Text(saved_views.LONGEST), validate=validate.Length(max=saved_views.MOST_VALUES)),
    metadata={
        "description": 'what the list\'s address would say: {"where": ["city.is.Oslo"], "columns": [...], "sort": ["-spent"]}'
    },
)


class ViewIn(shapes.Shape):
    """A view to keep."""

    kind = fields.String(required=True, **KIND)
    name = shapes.Text(60, required=True)
    content = CONTENT


class ViewChange(shapes.Shape):
    """What may be changed of a view; `place` counts from 0 among the views of its list."""

    name = shapes.Text(60)
    content = CONTENT
    place = fields.Integer(validate=validate.Range(0, saved_views.MOST))
    default = fields.Boolean(metadata={"description": "the list opens with it for everybody who chose nothing else"})


class ViewOut(Schema):
    """A view that everybody in the company sees."""

    id = fields.UUID()
    kind = fields.String()
    name = fields.String()
    content = fields.Dict()
    place = fields.Integer()
    default = fields.Boolean()
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class ViewQuery(shapes.Shape):
    """Of which list."""

    kind = fields.String(load_default="customer", **KIND)


class ViewsOut(Schema):
    """All views of a list, in their order; at most a hundred."""

    items = fields.List(fields.Nested(ViewOut))
    next = fields.String(allow_none=True)


def shown(*found: Any) -> list[dict[str, Any]]:
    """Return views of one list as plain values, in one query for any number."""
    usual = saved_views.defaults(found[0].kind)[1] if found else None
    names = ("id", "kind", "name", "content", "place", "created_at", "updated_at")
    return [{name: getattr(one, name) for name in names} | {"default": one.id == usual} for one in found]


@blueprint.route("/views")
class Views(MethodView):
    @blueprint.arguments(ViewQuery, location="query")
    @blueprint.response(200, ViewsOut)
    @doors.open_to("key", "views.keep")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the views of a list that everybody sees."""
        return {"items": shown(*saved_views.listed(query["kind"])), "next": None}

    @blueprint.arguments(ViewIn)
    @blueprint.response(201, ViewOut)
    @doors.open_to("key", "views.share")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Keep a view for everybody."""
        return shown(saved_views.create(**{"content": {}} | item, audience="everyone"))[0]


@blueprint.route("/views/<view_id>")
class OneView(MethodView):
    @blueprint.response(200, ViewOut)
    @doors.open_to("key", "views.keep")
    def get(self, view_id: UUID) -> dict[str, Any]:
        """Show a view."""
        return shown(saved_views.one(view_id))[0]

    @blueprint.arguments(ViewChange)
    @blueprint.response(200, ViewOut)
    @doors.open_to("key", "views.share")
    def patch(self, item: dict[str, Any], view_id: UUID) -> dict[str, Any]:
        """Change a view, its place among the others, or whether the list opens with it."""
        view = saved_views.one(view_id)
        if "place" in item:
            saved_views.put(view_id, place=item.pop("place"))
        usual = item.pop("default", None)
        if usual or (usual is False and saved_views.defaults(view.kind)[1] == view.id):
            saved_views.open_with(view.kind, view.id if usual else None, company=True)
        return shown(saved_views.change(view_id, **item) if item else view)[0]

    @blueprint.response(204)
    @doors.open_to("key", "views.share")
    def delete(self, view_id: UUID) -> None:
        """Delete a view; a list that opened with it opens as it is."""
        saved_views.delete(view_id)
