"""What shoppers want to send back, for programs: a shop's own back office reads and answers it here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.commerce import return_requests
from saas.kit import access, doors
from saas.tenancy import reads

blueprint = Blueprint("api_returns", __name__, description="What shoppers asked on their own page to send back")
STEPS = ["accepted", "declined", "received", "refunded"]


class ReturnQuery(shapes.ListQuery):
    """Which wishes a list shows."""

    state = fields.String(validate=validate.OneOf(return_requests.STATES))
    order_id = fields.UUID()
    customer_id = fields.UUID()


class ReturnLine(Schema):
    """A line of the order and how many pieces of it come back."""

    position = fields.Integer()
    name = fields.String()
    quantity = fields.Integer()


class ReturnOut(Schema):
    """A wish to send something back; `customer_id` is empty when the customer is gone."""

    id = fields.UUID()
    order_id = fields.UUID()
    customer_id = fields.UUID(allow_none=True)
    state = fields.String(metadata={"description": ", ".join(return_requests.STATES)})
    lines = fields.List(fields.Nested(ReturnLine))
    reason = fields.String()
    note = fields.String(metadata={"description": "the shopper's words"})
    answer = fields.String(metadata={"description": "the last words to the shopper"})
    asked_at = fields.AwareDateTime()
    answered_at = fields.AwareDateTime(allow_none=True)


class ReturnStep(shapes.Shape):
    """The next step and the words that go to the shopper by mail."""

    state = fields.String(required=True, validate=validate.OneOf(STEPS))
    words = shapes.Text(2000, load_default="", metadata={"description": "needed to decline"})


@blueprint.route("/returns")
@blueprint.arguments(ReturnQuery, location="query")
@blueprint.response(200, shapes.page_of(ReturnOut))
@doors.open_to("key", "orders.read")
def listed(query: dict[str, Any]) -> dict[str, Any]:
    """List what shoppers want to send back, newest first."""
    if "customer_id" in query:
        access.require_readable("order", ["customer_id"])
    page = return_requests.listed(**query)
    reads.note(kind="return", count=len(page.items))
    return {"items": [_shown(one) for one in page.items], "next": page.next}


@blueprint.route("/returns/<return_id>")
@blueprint.response(200, ReturnOut)
@doors.open_to("key", "orders.read")
def one(return_id: UUID) -> dict[str, Any]:
    """Show one of them."""
    found = return_requests.one(return_id)
    reads.note(kind="return", count=1)
    return _shown(found)


@blueprint.route("/returns/<return_id>/answer", methods=["POST"])
@blueprint.arguments(ReturnStep)
@blueprint.response(200, ReturnOut)
@doors.open_to("key", "orders.answer")
def answer(item: dict[str, Any], return_id: UUID) -> dict[str, Any]:
    """Take the next step; the shopper gets a mail."""
    return _shown(return_requests.answer(return_id, **item))


def _shown(found: Any) -> dict[str, Any]:
    names = ("id", "order_id", "customer_id", "state", "lines", "reason", "note", "answer", "asked_at", "answered_at")
    return access.blanked("order", {name: getattr(found, name) for name in names}, customer_id="customer_id")
