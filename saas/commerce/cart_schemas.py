"""The shape of a cart, out; nobody puts one in but browsers and shops."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from saas.commerce import cart_lists
from saas.kit import money


class CartItemOut(Schema):
    """What lies in a cart: the shop's id of the product, how many, and the price of one as the shop's page told it."""

    product = fields.String()
    quantity = fields.Integer()
    price = fields.String(allow_none=True)


class CartOut(Schema):
    """A cart; `left_at` is when it was last left for an hour before it was taken up again or ordered."""

    id = fields.UUID()
    source_id = fields.UUID()
    key = fields.String()
    customer_id = fields.UUID(allow_none=True)
    visitor = fields.String()
    order_id = fields.UUID(allow_none=True)
    state = fields.String(validate=validate.OneOf(cart_lists.STATES))
    items = fields.List(fields.Nested(CartItemOut))
    total = fields.String()
    currency = fields.String()
    url = fields.String()
    began_at = fields.AwareDateTime()
    changed_at = fields.AwareDateTime()
    checkout_at = fields.AwareDateTime(allow_none=True)
    left_at = fields.AwareDateTime(allow_none=True)
    closed_at = fields.AwareDateTime(allow_none=True)


AS_THEY_ARE = ("id", "source_id", "key", "customer_id", "visitor", "order_id", "items", "currency", "url", "began_at", "changed_at",
               "checkout_at", "left_at", "closed_at")  # fmt: skip


def shown(cart: Any) -> dict[str, Any]:
    """Return a cart as plain values, for programs."""
    total = money.amount_text(cart.amount, cart.currency)
    return {name: getattr(cart, name) for name in AS_THEY_ARE} | {"state": cart_lists.state(cart), "total": total}
