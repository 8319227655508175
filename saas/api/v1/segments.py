"""Segments for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import entrance, shapes
from saas.api.v1 import customers
from saas.audiences import segments
from saas.customers.schemas import CustomerOut
from saas.kit import doors, pages
from saas.tenancy import reads

blueprint = Blueprint("api_segments", __name__, description="Groups of customers told by conditions")


class SegmentQuery(shapes.ListQuery):
    """Which segments a list shows."""

    name = shapes.Text(120, load_default="", metadata={"description": "what the name holds"})


class SegmentIn(shapes.Shape):
    """A segment: a name and what its customers have in common."""

    name = fields.String(required=True, validate=validate.Length(1, 120))
    definition = fields.Dict(
        required=True, metadata={"description": '{"match": "all", "conditions": [{"field", "operator", "value"}]}'}
    )


class SegmentChange(shapes.Shape):
    """What may be changed of a segment."""

    name = fields.String(validate=validate.Length(1, 120))
    definition = fields.Dict()


class SegmentOut(Schema):
    """A segment with how many belonged when it was last counted."""

    id = fields.UUID()
    name = fields.String()
    definition = fields.Dict()
    size = fields.Integer(allow_none=True)
    counted_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


def shown(*found: Any) -> list[dict[str, Any]]:
    """Return segments as plain values; their sizes are what the key's role sees of them."""
    sizes = segments.sizes(found)
    return [
        {name: getattr(segment, name) for name in SegmentOut().fields} | {"size": sizes[segment.id]}
        for segment in found
    ]


def version(segment: Any) -> str:
    return entrance.etag(segment.id, segment.name, segment.definition)


def answered(segment: Any) -> tuple[dict[str, Any], int, dict[str, str]]:
    return shown(segment)[0], 200, {"ETag": f'"{version(segment)}"'}


@blueprint.route("/segments")
class Segments(MethodView):
    @blueprint.arguments(SegmentQuery, location="query")
    @blueprint.response(200, shapes.page_of(SegmentOut))
    @doors.open_to("key", "segments.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List segments by name."""
        page = pages.page(segments.listed(name=query.pop("name")), order=segments.BY_NAME, **query)
        return {"items": shown(*page.items), "next": page.next}

    @blueprint.arguments(SegmentIn)
    @blueprint.response(201, SegmentOut)
    @doors.open_to("key", "segments.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Make a segment; 422 names the condition that cannot be asked."""
        return shown(segments.create(**item))[0]


@blueprint.route("/segments/<segment_id>")
class OneSegment(MethodView):
    @blueprint.response(200, SegmentOut)
    @doors.open_to("key", "segments.read")
    def get(self, segment_id: UUID) -> Any:
        """Show a segment, counted just now."""
        segment = segments.one(segment_id)
        segments.asked(segment)
        segments.count_again(segment)
        return answered(segment)

    @blueprint.arguments(SegmentChange)
    @blueprint.response(200, SegmentOut)
    @doors.open_to("key", "segments.edit")
    def patch(self, item: dict[str, Any], segment_id: UUID) -> Any:
        """Change a segment's name or conditions."""
        entrance.require_match(version(segments.one(segment_id, lock=True)))
        return answered(segments.change(segment_id, **item))

    @blueprint.response(204)
    @doors.open_to("key", "segments.edit")
    def delete(self, segment_id: UUID) -> None:
        """Delete a segment."""
        segments.delete(segment_id)


@blueprint.route("/segments/<segment_id>/customers")
@blueprint.arguments(shapes.ListQuery, location="query")
@blueprint.response(200, shapes.page_of(CustomerOut))
@doors.open_to("key", "segments.read")
def members(query: dict[str, Any], segment_id: UUID) -> dict[str, Any]:
    """List the customers that belong to a segment right now."""
    page = segments.members(segments.asked(segments.one(segment_id)), **query)
    reads.note(kind="customer", count=len(page.items))
    return {"items": customers.shown(page.items), "next": page.next}
