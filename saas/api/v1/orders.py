"""Orders for programs."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import fields

from saas.api import entrance, shapes
from saas.commerce import finding, order_history, orders
from saas.commerce.schemas import OrderIn, OrderOut, shown
from saas.kit import doors, errors
from saas.tenancy import custom_filters, reads

blueprint = Blueprint("api_orders", __name__, description="What customers bought")


class OrderQuery(shapes.ListQuery):
    """Which orders a list shows."""

    customer_id = fields.UUID()
    status = fields.String()
    number = fields.String()
    external_id = fields.String()
    since = fields.AwareDateTime(metadata={"description": "placed at or after"})
    until = fields.AwareDateTime(metadata={"description": "placed before"})
    where = fields.List(
        fields.String(),
        load_default=list,
        metadata={"description": "a filter on a field of the company's own such as custom.gift.is.yes; all must fit"},
    )
    sort = fields.String(
        load_default="", metadata={"description": "custom.<key>, with a minus the other way round; else newest first"}
    )


class OrderChange(shapes.Shape):
    """What may be changed of an order: the company's own fields. All else is the shop's; PUT replaces it by a later version."""

    custom = fields.Dict(keys=fields.String(), required=True)


def version(order: Any) -> str:
    return entrance.etag(order.id, order.version, order.updated_at, order.custom)


def answered(order: Any) -> tuple[dict[str, Any], int, dict[str, str]]:
    lines = orders.lines_of([order.id])
    beside = orders.parts_of([order.id])[order.id]
    whole = shown(order, lines, **beside, changes=order_history.changes(order, lines))
    return whole, 200, {"ETag": f'"{version(order)}"'}


@blueprint.route("/orders")
class Orders(MethodView):
    @blueprint.arguments(OrderQuery, location="query")
    @blueprint.response(200, shapes.page_of(OrderOut))
    @doors.open_to("key", "orders.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List orders with their lines, newest first."""
        query["where"] = custom_filters.where("order", query["where"])
        page = finding.listed(**query)
        reads.note(kind="order", count=len(page.items))
        lines = defaultdict(list)
        for line in orders.lines_of([order.id for order in page.items]):
            lines[line.order_id].append(line)
        return {"items": [shown(order, lines[order.id]) for order in page.items], "next": page.next}

    @blueprint.arguments(OrderIn)
    @blueprint.response(201, OrderOut)
    @blueprint.alt_response(200, schema=OrderOut, description="It was known and is updated or unchanged", success=True)
    @doors.open_to("key", "orders.edit")
    def post(self, item: dict[str, Any]) -> Any:
        """Record an order; 200 instead of 201 when it was known."""
        result = orders.record(item, loud=True)
        if result.id is None:
            raise errors.Invalid(result.error or "A test order is left out.")
        body, _status, headers = answered(orders.one(result.id))
        return body, 201 if result.status == "created" else 200, headers


@blueprint.route("/orders/bulk", methods=["POST"])
@blueprint.arguments(shapes.bulk_of(OrderIn))
@blueprint.response(200, shapes.BulkAnswer)
@doors.open_to("key", "orders.edit")
def bulk(body: dict[str, Any]) -> dict[str, Any]:
    """Record up to 1,000 orders; each item says what became of it."""
    good, places, failed = shapes.load_each(OrderIn(), body["items"])
    results = orders.record_many(good, shapes.source_of(body), source="api") if good else []
    return shapes.merged(len(body["items"]), results, places, failed)


@blueprint.route("/orders/<order_id>")
class OneOrder(MethodView):
    @blueprint.response(200, OrderOut)
    @doors.open_to("key", "orders.read")
    def get(self, order_id: UUID) -> Any:
        """Show an order with its lines, refunds, fulfilments, returns and what changed after it was placed."""
        reads.note(kind="order", count=1)
        return answered(orders.one(order_id))

    @blueprint.arguments(OrderIn)
    @blueprint.response(200, OrderOut)
    @doors.open_to("key", "orders.edit")
    def put(self, item: dict[str, Any], order_id: UUID) -> Any:
        """Replace an order by a later version of it; an older one changes nothing."""
        held = orders.one(order_id)
        entrance.require_match(version(held))
        if item["external_id"] != held.external_id:
            raise errors.Invalid(fields={"external_id": ["This is the id of another order."]})
        result = orders.record(item, held.source_id, loud=True)
        if result.status in ("failed", "left_out"):
            raise errors.Invalid(result.error or "A test order is left out.")
        return answered(orders.one(order_id))

    @blueprint.arguments(OrderChange)
    @blueprint.response(200, OrderOut)
    @doors.open_to("key", "orders.edit")
    def patch(self, item: dict[str, Any], order_id: UUID) -> Any:
        """Change the company's own fields of an order; with If-Match only while nobody changed it meanwhile (412)."""
        entrance.require_match(version(orders.one(order_id, lock=True)))
        return answered(orders.change(order_id, **item))
