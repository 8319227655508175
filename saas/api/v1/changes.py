"""The feed of changes, for programs that keep a copy of what is here."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.integrations import changes
from saas.kit import access, doors, pages

blueprint = Blueprint("api_changes", __name__, description="What changed since you last asked")
NEEDED = {"customer": "customers.read", "order": "orders.read", "product": "products.read"}


class ChangesQuery(shapes.Shape):
    """From where and what of."""

    cursor = fields.String(
        load_default=None,
        metadata={"description": "`next` of the answer before; without it, from the oldest kept (seven days)"},
    )
    start = fields.String(
        load_default=None,
        validate=validate.OneOf(["now"]),
        metadata={"description": "now: answer only the cursor of this moment"},
    )
    kinds = fields.List(
        fields.String(validate=validate.OneOf(changes.KINDS)),
        load_default=list,
        metadata={"description": "customer, order, product; all when left out"},
    )
    limit = fields.Integer(load_default=pages.MOST, validate=validate.Range(1, 1000))


class Change(Schema):
    """One record that changed or was deleted; fetch it to see how it is now."""

    kind = fields.String()
    id = fields.UUID()
    change = fields.String(metadata={"description": "changed or deleted"})
    at = fields.AwareDateTime()


class Changes(Schema):
    """What changed, oldest first. `next` is always there: ask with it again, at once when `more`, else in a while."""

    items = fields.List(fields.Nested(Change))
    next = fields.String()
    more = fields.Boolean()


@blueprint.route("/changes")
@blueprint.arguments(ChangesQuery, location="query")
@blueprint.response(200, Changes)
@doors.open_to("key", "customers.read")
def since(query: dict[str, Any]) -> dict[str, Any]:
    """Follow what changed since a cursor; 410 when it is too old. Nothing is missed, however transactions overlap."""
    if query["start"] == "now":
        return {"items": [], "next": changes.now(), "more": False}
    kinds = tuple(query["kinds"]) or tuple(kind for kind in changes.KINDS if access.may(NEEDED[kind]))
    for kind in kinds:
        access.require(NEEDED[kind])
    feed = changes.since(query["cursor"], kinds=kinds, limit=query["limit"])
    return {"items": feed.items, "next": feed.next, "more": feed.more}
