"""Carts for programs: to be read; browsers and shops tell of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import fields, validate

from saas.api import shapes
from saas.commerce import cart_lists
from saas.commerce.cart_schemas import CartOut, shown
from saas.kit import doors
from saas.tenancy import reads

blueprint = Blueprint("api_carts", __name__, description="What lies in carts, and what became of it")


class CartQuery(shapes.ListQuery):
    """Which carts a list shows."""

    state = fields.String(validate=validate.OneOf(cart_lists.STATES))
    customer_id = fields.UUID()
    known = fields.Boolean(metadata={"description": "true: of known customers only; false: of visitors nobody knows"})
    since = fields.AwareDateTime(metadata={"description": "last touched at or after"})
    until = fields.AwareDateTime(metadata={"description": "last touched before"})


@blueprint.route("/carts")
@blueprint.arguments(CartQuery, location="query")
@blueprint.response(200, shapes.page_of(CartOut))
@doors.open_to("key", "orders.read")
def listed(query: dict[str, Any]) -> dict[str, Any]:
    """List carts, the last touched first."""
    page = cart_lists.listed(**query)
    reads.note(kind="cart", count=len(page.items))
    return {"items": [shown(cart) for cart in page.items], "next": page.next}


@blueprint.route("/carts/<cart_id>")
@blueprint.response(200, CartOut)
@doors.open_to("key", "orders.read")
def one(cart_id: UUID) -> Any:
    """Show a cart."""
    cart = cart_lists.one(cart_id)
    reads.note(kind="cart", count=1)
    return shown(cart)
