"""The shape of an order and of a shop, in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from saas.catalog.schemas import Price
from saas.commerce.models import ORDER_STATES, SHOP_KINDS
from saas.customers.schemas import CustomerIn
from saas.kit import access, money
from saas.tenancy import custom_values


class LineIn(Schema):
    """One line of an order; a negative quantity is a return."""

    class Meta:
        unknown = RAISE

    position = fields.Integer(validate=validate.Range(0, 1_000_000))
    product = fields.String(allow_none=True, validate=validate.Length(max=200))
    variant = fields.String(allow_none=True, validate=validate.Length(max=200))
    sku = fields.String(allow_none=True, validate=validate.Length(max=120))
    name = fields.String(allow_none=True, validate=validate.Length(max=500))
    quantity = fields.Integer(load_default=1, validate=validate.Range(-1_000_000_000, 1_000_000_000))
    unit_price = Price(required=True)


class RefundIn(Schema):
    """Money given back for an order."""

    class Meta:
        unknown = RAISE

    external_id = fields.String(required=True, validate=validate.Length(1, 200))
    amount = Price(required=True)
    at = fields.AwareDateTime(allow_none=True)
    reason = fields.String(allow_none=True, validate=validate.Length(max=500))


class OrderIn(Schema):
    """An order as it is sent to us: always whole, for a later version replaces an earlier one."""

    class Meta:
        unknown = RAISE

    external_id = fields.String(required=True, validate=validate.Length(1, 200))
    number = fields.String(allow_none=True, validate=validate.Length(max=100))
    placed_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(allow_none=True)
    status = fields.String(load_default="paid", validate=validate.OneOf(ORDER_STATES))
    currency = fields.String(
        required=True, validate=validate.Regexp(r"^[A-Za-z]{3}$", error="Three letters, such as EUR.")
    )
    customer = fields.Nested(CustomerIn, allow_none=True)
    visitor = fields.String(allow_none=True, validate=validate.Regexp(r"^[A-Za-z0-9_-]{1,64}$"))
    cart_id = fields.String(allow_none=True, validate=validate.Length(max=200))
    country = fields.String(allow_none=True, validate=validate.Length(max=60))
    lines = fields.List(fields.Nested(LineIn), validate=validate.Length(max=2000))
    shipping = Price(allow_none=True)
    tax = Price(allow_none=True)
    discount = Price(allow_none=True)
    total = Price(allow_none=True)
    refunds = fields.List(fields.Nested(RefundIn), validate=validate.Length(max=500))
    custom = fields.Dict(
        keys=fields.String(), metadata={"description": "the company's own fields by key; GET /fields/order lists them"}
    )


class OrderOut(Schema):
    """An order as it is shown: what `shown` makes of a row, its lines and its refunds."""

    id = fields.UUID()
    source_id = fields.UUID()
    external_id = fields.String()
    number = fields.String()
    customer_id = fields.UUID(allow_none=True)
    visitor = fields.String()
    cart_id = fields.String()
    country = fields.String()
    status = fields.String()
    currency = fields.String()
    placed_at = fields.AwareDateTime()
    shipping = fields.String()
    tax = fields.String()
    discount = fields.String()
    total = fields.String()
    refunded = fields.String()
    lines = fields.List(fields.Dict())
    refunds = fields.List(fields.Dict())
    custom = fields.Dict(metadata={"description": "the company's own fields by key; what is empty is left out"})
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


AS_THEY_ARE = (
    "id", "source_id", "external_id", "number", "customer_id", "visitor", "cart_id", "country", "status", "currency", "placed_at", "created_at", "updated_at",
)  # fmt: skip


def shown(order: Any, lines: Sequence[Any] = (), refunds: Sequence[Any] = ()) -> dict[str, Any]:
    """Return an order as plain values, for programs and templates alike."""
    found = {name: getattr(order, name) for name in AS_THEY_ARE}
    for name in ("shipping", "tax", "discount", "total", "refunded"):
        found[name] = money.amount_text(getattr(order, f"{name}_amount"), order.currency)
    found = access.shown("order", found) | {"custom": custom_values.shown("order", order)}
    hidden = access.hidden("order")
    found["lines"] = [line_shown(line) for line in lines if "lines_count" not in hidden]
    found["refunds"] = [
        {"external_id": refund.key, "amount": money.micros_text(refund.amount_micros), "at": refund.at.isoformat(), "reason": refund.reason}
        for refund in refunds if "refunded" not in hidden
    ]  # fmt: skip
    return found


def line_shown(line: Any) -> dict[str, Any]:
    """Return a line as plain values; what it cost only to whoever may see what the order came to."""
    found = {
        "position": line.position, "product": line.product_key, "product_id": line.product_id and str(line.product_id),
        "variant": line.variant_key, "variant_id": line.variant_id and str(line.variant_id), "sku": line.sku,
        "name": line.name, "quantity": line.quantity, "flags": line.flags,
    }  # fmt: skip
    if not access.readable("order", "total"):
        return found
    return found | {"unit_price": money.micros_text(line.unit_micros), "total": money.micros_text(line.line_micros)}


class ShopIn(Schema):
    """A shop to connect. The secret may be given; for WooCommerce also its REST keys, for Shopify those of an app of its own."""

    class Meta:
        unknown = RAISE

    kind = fields.String(required=True, validate=validate.OneOf(SHOP_KINDS))
    name = fields.String(required=True, validate=validate.Length(1, 120))
    url = fields.String(load_default="", validate=validate.Length(max=500))
    currency = fields.String(load_default="", validate=validate.Regexp(r"^([A-Za-z]{3})?$"))
    webhook_secret = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 200))
    consumer_key = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=200))
    consumer_secret = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=200))
    client_id = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=200))
    client_secret = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=200))
    access_token = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=200))


class ShopOut(Schema):
    """A connected shop; the secret is shown when it is connected and not again."""

    id = fields.UUID()
    kind = fields.String()
    name = fields.String()
    url = fields.String()
    currency = fields.String()
    site_key = fields.String()
    webhook_url = fields.String()
    webhook_secret = fields.String()
    state = fields.String()
    trouble = fields.String()
    backfill = fields.Dict()
    last_delivery_at = fields.AwareDateTime(allow_none=True)
    reconciled_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()
