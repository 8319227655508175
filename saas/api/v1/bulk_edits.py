"""One change to many customers, products or orders, for programs: tried, begun, watched as long work and undone as one."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from marshmallow import fields, validate

from saas.api import shapes
from saas.audiences import bulk_actions, filters
from saas.kit import doors

blueprint = Blueprint("api_bulk_edits", __name__, description="One change to many, in the background")


class BulkEditIn(shapes.Shape):
    """One change to many customers: who (`ids`, or `where` filters, or all), and what."""

    ids = fields.List(fields.UUID(), validate=validate.Length(1, bulk_actions.MOST_CHOSEN))
    where = fields.List(
        fields.String(), load_default=list, metadata={"description": "filters such as city.is.Oslo that all must fit"}
    )
    do = fields.String(required=True, metadata={"description": "set, tag, untag, own, withdraw or delete"})
    field = fields.String(load_default="", metadata={"description": "for set: the field, such as city or custom.size"})
    value = fields.Raw(
        load_default=None,
        allow_none=True,
        metadata={"description": "the new value, the tag, the owner's id or the reason"},
    )
    dry_run = fields.Boolean(load_default=False, metadata={"description": "only count and try it on a few"})


class ProductBulkEditIn(BulkEditIn):
    """One change to many products: which (`ids`, or all that fit the others), and what."""

    where = fields.List(
        fields.String(),
        load_default=list,
        metadata={"description": "filters on the company's own fields such as custom.material.is.oak; all must fit"},
    )
    active = fields.Boolean(metadata={"description": "on sale or not"})
    sold_out = fields.Boolean(metadata={"description": "with none in stock, or with some"})
    do = fields.String(required=True, metadata={"description": "set, tag, untag or delete"})
    field = fields.String(
        load_default="", metadata={"description": "for set: the field, such as active or custom.material"}
    )
    value = fields.Raw(load_default=None, allow_none=True, metadata={"description": "the new value or the tag"})


class OrderBulkEditIn(BulkEditIn):
    """One change to many orders: which (`ids`, or all that fit the others), and what."""

    where = fields.List(
        fields.String(),
        load_default=list,
        metadata={"description": "filters on the company's own fields such as custom.gift.is.yes; all must fit"},
    )
    customer_id = fields.UUID()
    status = fields.String()
    since = fields.AwareDateTime(metadata={"description": "placed at or after"})
    until = fields.AwareDateTime(metadata={"description": "placed before"})
    do = fields.String(required=True, metadata={"description": "set or delete"})
    field = fields.String(load_default="", metadata={"description": "for set: one of the company's own, custom.<key>"})
    value = fields.Raw(load_default=None, allow_none=True, metadata={"description": "the new value"})


class ExampleOut(shapes.Schema):
    """What would become of one record."""

    id = fields.UUID()
    name = fields.String()
    before = fields.String()
    after = fields.String()


class BulkEditOut(shapes.Schema):
    """How many it is for, in words what is done, a few examples of a dry run, and the operation to watch and undo."""

    count = fields.Integer()
    title = fields.String()
    examples = fields.List(fields.Nested(ExampleOut))
    operation = fields.UUID(allow_none=True)


@blueprint.route("/customers/bulk_edit", methods=["POST"])
@blueprint.arguments(BulkEditIn)
@blueprint.response(202, BulkEditOut)
@doors.open_to("key", "customers.edit")
def bulk_edit(body: dict[str, Any]) -> dict[str, Any]:
    """Begin one change to many customers in the background, or with `dry_run` tell what it would do."""
    return _edited("customer", body, {"definition": filters.definition(body["where"])}, body["where"])


@blueprint.route("/products/bulk_edit", methods=["POST"])
@blueprint.arguments(ProductBulkEditIn)
@blueprint.response(202, BulkEditOut)
@doors.open_to("key", "products.edit")
def edit_products(body: dict[str, Any]) -> dict[str, Any]:
    """Begin one change to many products in the background, or with `dry_run` tell what it would do."""
    asked = {name: body[name] for name in ("where", "active", "sold_out") if name in body}
    return _edited("product", body, asked, _told(asked))


@blueprint.route("/orders/bulk_edit", methods=["POST"])
@blueprint.arguments(OrderBulkEditIn)
@blueprint.response(202, BulkEditOut)
@doors.open_to("key", "orders.edit")
def edit_orders(body: dict[str, Any]) -> dict[str, Any]:
    """Begin one change to many orders in the background, or with `dry_run` tell what it would do."""
    asked = {name: body[name] for name in ("where", "customer_id", "status", "since", "until") if name in body}
    return _edited("order", body, asked, _told(asked))


def _told(asked: dict[str, Any]) -> list[str]:
    return [*asked.get("where", ()), *(f"{name}: {value}" for name, value in asked.items() if name != "where")]


def _edited(kind: str, body: dict[str, Any], asked: dict[str, Any], told: list[str]) -> dict[str, Any]:
    action = bulk_actions.read(kind, body)
    who = bulk_actions.audience(kind, asked, ids=body.get("ids"))
    if body["dry_run"]:
        seen = bulk_actions.preview(action, who)
        examples = [{"id": one.id, "name": one.name, "before": one.before, "after": one.after} for one in seen.examples]
        return {"count": seen.count, "title": seen.sentence, "examples": examples, "operation": None}
    operation = bulk_actions.start(action, who, told="by id" if body.get("ids") else told or "all")
    return {"count": operation.total, "title": operation.title, "examples": [], "operation": operation.id}
