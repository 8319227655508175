"""The bin for programs: what was deleted in the last thirty days, to bring back or to throw away for good."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from saas.api import shapes
from saas.kit import doors, pages
from saas.tenancy import bin

blueprint = Blueprint("api_bin", __name__, description="What was deleted and can come back")


class BinQuery(shapes.ListQuery):
    """What of the bin a list shows."""

    kind = shapes.Text(40, load_default="", metadata={"description": "customer, segment, template, …"})


class BinItemOut(Schema):
    """Something that was deleted: what it was, by whom, and until when it can come back."""

    id = fields.UUID()
    kind = fields.String()
    record_id = fields.UUID(metadata={"description": "its id, which it has again when it comes back"})
    title = fields.String()
    deleted_at = fields.AwareDateTime()
    deleted_by = fields.String()
    until = fields.AwareDateTime()


class RestoreIn(shapes.Shape):
    """How something comes back."""

    without = fields.Boolean(
        load_default=False,
        metadata={"description": "although something else has its address or name by now: without it"},
    )


class Restored(Schema):
    """What came back."""

    kind = fields.String()
    record_id = fields.UUID()


@blueprint.route("/bin")
@blueprint.arguments(BinQuery, location="query")
@blueprint.response(200, shapes.page_of(BinItemOut))
@doors.open_to("key", "operations.read")
def listed(query: dict[str, Any]) -> dict[str, Any]:
    """List what is in the bin of what the key may delete, the newest first."""
    page = pages.page(bin.visible(kind=query["kind"]), order=bin.NEWEST, cursor=query["cursor"], limit=query["limit"])
    return {"items": [{name: getattr(one, name) for name in BinItemOut().fields} for one in page.items], "next": page.next}  # fmt: skip


@blueprint.route("/bin/<item_id>")
class OneItem(MethodView):
    @blueprint.response(204)
    @doors.open_to("key", "operations.read")
    def delete(self, item_id: UUID) -> None:
        """Throw something away for good, before its time; nothing brings it back. The right to delete its kind is asked too."""
        bin.delete_for_good(bin.one(item_id, lock=True))


@blueprint.route("/bin/<item_id>/restore", methods=["POST"])
@blueprint.arguments(RestoreIn)
@blueprint.response(200, Restored)
@doors.open_to("key", "operations.read")
def restore(body: dict[str, Any], item_id: UUID) -> dict[str, Any]:
    """Bring something back with all that hung on it; 409 `place_taken` when something else has its address or name."""
    item = bin.one(item_id, lock=True)
    kind = item.kind
    return {"kind": kind, "record_id": bin.restore(item, without=body["without"])}
