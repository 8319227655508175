"""What happened with a customer for programs, notes on it, and with whom they are shared."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.customers import owners, profiles, timeline
from saas.kit import access, doors, pages
from saas.tenancy import reads

blueprint = Blueprint("api_timelines", __name__, description="What happened with a customer, and who else sees them")


class TimelineQuery(shapes.ListQuery):
    """Which entries a list shows."""

    kind = fields.List(
        fields.String(validate=validate.OneOf(timeline.KINDS)),
        load_default=list,
        metadata={"description": "several are alternatives; all when left out"},
    )


class TimelineEntryOut(Schema):
    """Something that happened; `by` is who wrote a note."""

    id = fields.UUID()
    kind = fields.String()
    at = fields.AwareDateTime()
    title = fields.String()
    by = fields.String(allow_none=True)


class NoteIn(shapes.Shape):
    """What to note."""

    words = shapes.Text(500, required=True)


class ShareIn(shapes.Shape):
    """With whom to share: a member or a team, for good or until a moment."""

    member_id = fields.UUID()
    team_id = fields.UUID()
    expires_at = fields.AwareDateTime(load_default=None, allow_none=True)


class CustomerShareOut(Schema):
    """A member or a team that sees a customer although they are somebody else's."""

    id = fields.UUID()
    member_id = fields.UUID(allow_none=True)
    team_id = fields.UUID(allow_none=True)
    name = fields.String()
    expires_at = fields.AwareDateTime(allow_none=True)


class SharesOut(Schema):
    """All of them; at most fifty."""

    items = fields.List(fields.Nested(CustomerShareOut))
    next = fields.String(allow_none=True)


def _entry(row: Any) -> dict[str, Any]:
    by = row.details.get("by") if row.kind == "note" else None
    return {"id": row.id, "kind": row.kind, "at": row.at, "title": row.title, "by": by}


@blueprint.route("/customers/<customer_id>/timeline")
@blueprint.arguments(TimelineQuery, location="query")
@blueprint.response(200, shapes.page_of(TimelineEntryOut))
@doors.open_to("key", "customers.read")
def listed(query: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
    """List what happened with a customer, the newest first."""
    customer = profiles.one(customer_id)
    reads.note(kind="customer", count=1)
    page = pages.page(
        timeline.of(customer.id, kinds=query["kind"]), order=timeline.ORDER, cursor=query["cursor"], limit=query["limit"]
    )  # fmt: skip
    return {"items": [_entry(row) for row in page.items], "next": page.next}


@blueprint.route("/customers/<customer_id>/notes", methods=["POST"])
@blueprint.arguments(NoteIn)
@blueprint.response(201, TimelineEntryOut)
@doors.open_to("key", "customers.edit")
def note(item: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
    """Add a note to a customer's timeline, signed with the key's name."""
    customer = profiles.one(customer_id)
    return _entry(profiles.write_note(customer_id=customer.id, words=item["words"]))


@blueprint.route("/customers/<customer_id>/shares")
class Shares(MethodView):
    @blueprint.response(200, SharesOut)
    @doors.open_to("key", "customers.read")
    def get(self, customer_id: UUID) -> dict[str, Any]:
        """List with whom a customer is shared."""
        access.require_readable("customer", ["owner_id"])
        return {"items": owners.shares(profiles.one(customer_id).id), "next": None}

    @blueprint.arguments(ShareIn)
    @blueprint.response(201, SharesOut)
    @doors.open_to("key", "customers.edit")
    def post(self, item: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
        """Share a customer; done again it changes until when. They may do with the customer what their role allows."""
        access.require_writable("customer", ["owner_id"])
        customer = profiles.one(customer_id)
        owners.share(customer, **item)
        return {"items": owners.shares(customer.id), "next": None}


@blueprint.route("/customers/<customer_id>/shares/<share_id>", methods=["DELETE"])
@blueprint.response(204)
@doors.open_to("key", "customers.edit")
def unshare(customer_id: UUID, share_id: UUID) -> None:
    """Stop sharing a customer with somebody."""
    access.require_writable("customer", ["owner_id"])
    owners.unshare(profiles.one(customer_id), share_id=share_id)
