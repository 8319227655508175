"""The shape of an order and of a shop, in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from saas.catalog.schemas import Price
from saas.commerce.models import BACK_STATES, ORDER_STATES, PARCEL_STATES, SHOP_KINDS
from saas.customers.schemas import CustomerIn
from saas.kit import access, money
from saas.tenancy import custom_values


class Pieces(fields.Integer):
    """A whole number of pieces; 2.0 and "2" are, 2.5 is none."""

    default_error_messages = {"invalid": "Only whole pieces, such as 2."}

    def _validated(self, value: Any) -> int:
        if isinstance(value, float) and not value.is_integer():
            raise self.make_error("invalid", input=value)
        return super()._validated(value)


class LineIn(Schema):
    """One line of an order; a negative quantity is a return."""

    class Meta:
        unknown = RAISE

    position = fields.Integer(validate=validate.Range(0, 1_000_000))
    product = fields.String(allow_none=True, validate=validate.Length(max=200))
    variant = fields.String(allow_none=True, validate=validate.Length(max=200))
    sku = fields.String(allow_none=True, validate=validate.Length(max=120))
    name = fields.String(allow_none=True, validate=validate.Length(max=500))
    quantity = Pieces(load_default=1, validate=validate.Range(-1_000_000_000, 1_000_000_000))
    unit_price = Price(required=True)
    external_id = fields.String(
        allow_none=True, validate=validate.Length(max=200), metadata={"description": "the shop's own id of the line"}
    )
    discount = Price(allow_none=True, metadata={"description": "what the line was reduced by; unit_price is after it"})
    tax = Price(allow_none=True)


class OfLineIn(Schema):
    """Which pieces of an order something is about."""

    class Meta:
        unknown = RAISE

    line = fields.String(
        required=True,
        validate=validate.Length(1, 200),
        metadata={"description": "the external_id of the line, or its position"},
    )
    quantity = Pieces(load_default=1, validate=validate.Range(0, 1_000_000_000))
    amount = Price(allow_none=True)
    restock = fields.Boolean(allow_none=True, metadata={"description": "whether the pieces can be sold again"})
    reason = fields.String(allow_none=True, validate=validate.Length(max=200))


OF_LINES = {"validate": validate.Length(max=2000), "metadata": {"description": "which lines, and how many pieces"}}


class FulfilmentIn(Schema):
    """A parcel of an order, or whatever else it is fulfilled by."""

    class Meta:
        unknown = RAISE

    external_id = fields.String(required=True, validate=validate.Length(1, 200))
    state = fields.String(load_default="sent", validate=validate.OneOf(PARCEL_STATES))
    carrier = fields.String(allow_none=True, validate=validate.Length(max=120))
    tracking_number = fields.String(allow_none=True, validate=validate.Length(max=200))
    tracking_url = fields.Url(allow_none=True, schemes={"http", "https"}, require_tld=False)
    shipped_at = fields.AwareDateTime(allow_none=True)
    delivered_at = fields.AwareDateTime(allow_none=True)
    updated_at = fields.AwareDateTime(allow_none=True)
    lines = fields.List(fields.Nested(OfLineIn), **OF_LINES)


class ReturnIn(Schema):
    """Goods on their way back; what is paid back for them is a refund."""

    class Meta:
        unknown = RAISE

    external_id = fields.String(required=True, validate=validate.Length(1, 200))
    state = fields.String(load_default="open", validate=validate.OneOf(BACK_STATES))
    reason = fields.String(allow_none=True, validate=validate.Length(max=500))
    at = fields.AwareDateTime(allow_none=True)
    updated_at = fields.AwareDateTime(allow_none=True)
    lines = fields.List(fields.Nested(OfLineIn), **OF_LINES)


class OrderShareIn(Schema):
    """One discount, tax, shipping line or fee of an order; its sum is told beside it."""

    class Meta:
        unknown = RAISE

    title = fields.String(allow_none=True, validate=validate.Length(max=200))
    amount = Price(load_default="0")


class OrderDiscountIn(OrderShareIn):
    """One discount of an order: the code that was used, or the title of one that needs none."""

    code = fields.String(allow_none=True, validate=validate.Length(max=200))


class OrderTaxIn(OrderShareIn):
    """One tax of an order."""

    rate = fields.String(
        allow_none=True, validate=validate.Length(max=20), metadata={"description": "in percent, such as 19"}
    )


class RefundIn(Schema):
    """Money given back for an order."""

    class Meta:
        unknown = RAISE

    external_id = fields.String(required=True, validate=validate.Length(1, 200))
    amount = Price(required=True)
    at = fields.AwareDateTime(allow_none=True)
    reason = fields.String(allow_none=True, validate=validate.Length(max=500))
    lines = fields.List(fields.Nested(OfLineIn), **OF_LINES)


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
    payment_reference = fields.String(
        allow_none=True,
        validate=validate.Length(max=200),
        metadata={"description": "the payment's id at the payment vendor, such as pi_... or ch_..."},
    )
    lines = fields.List(fields.Nested(LineIn), validate=validate.Length(max=2000))
    shipping = Price(allow_none=True)
    tax = Price(allow_none=True)
    discount = Price(allow_none=True)
    fee = Price(allow_none=True)
    tip = Price(allow_none=True)
    gift_card = Price(allow_none=True, metadata={"description": "how much of the total was paid by gift cards"})
    total = Price(allow_none=True)
    taxes_included = fields.Boolean(
        allow_none=True, metadata={"description": "whether the prices have the tax in them"}
    )
    presentment_currency = fields.String(
        allow_none=True, validate=validate.Regexp(r"^[A-Za-z]{3}$", error="Three letters, such as EUR.")
    )
    presentment_total = Price(allow_none=True, metadata={"description": "the total as the buyer saw it"})
    discounts = fields.List(fields.Nested(OrderDiscountIn), validate=validate.Length(max=500))
    taxes = fields.List(fields.Nested(OrderTaxIn), validate=validate.Length(max=500))
    shipping_lines = fields.List(fields.Nested(OrderShareIn), validate=validate.Length(max=500))
    fees = fields.List(fields.Nested(OrderShareIn), validate=validate.Length(max=500))
    cancelled_at = fields.AwareDateTime(allow_none=True)
    cancel_reason = fields.String(allow_none=True, validate=validate.Length(max=500))
    test = fields.Boolean(
        allow_none=True,
        metadata={"description": "a trial of the shop's; it is left out unless the shop counts them (count_tests)"},
    )
    refunds = fields.List(fields.Nested(RefundIn), validate=validate.Length(max=500))
    fulfilments = fields.List(fields.Nested(FulfilmentIn), validate=validate.Length(max=500))
    returns = fields.List(fields.Nested(ReturnIn), validate=validate.Length(max=500))
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
    fee = fields.String()
    tip = fields.String()
    gift_card = fields.String()
    taxes_included = fields.Boolean(allow_none=True)
    presentment_currency = fields.String()
    presentment_total = fields.String()
    cancelled_at = fields.AwareDateTime(allow_none=True)
    cancel_reason = fields.String()
    discounts = fields.List(fields.Dict())
    taxes = fields.List(fields.Dict())
    shipping_lines = fields.List(fields.Dict())
    fees = fields.List(fields.Dict())
    refunds = fields.List(fields.Dict())
    fulfilments = fields.List(fields.Dict())
    returns = fields.List(fields.Dict())
    changes = fields.List(fields.Dict(), metadata={"description": "what changed after it was placed, and when"})
    custom = fields.Dict(metadata={"description": "the company's own fields by key; what is empty is left out"})
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


AS_THEY_ARE = (
    "id", "source_id", "external_id", "number", "customer_id", "visitor", "cart_id", "country", "status", "currency", "placed_at", "created_at", "updated_at",
)  # fmt: skip


SUMS = {"shipping": "shipping", "tax": "tax", "discount": "discount", "total": "total", "refunded": "refunded", "fee": "total", "tip": "total",
        "gift_card": "total"}  # fmt: skip
"""Sums as they are shown, with the field whoever sees them must be allowed to see."""
SHARES = {"discounts": "discount", "taxes": "tax", "shipping_lines": "shipping", "fees": "total"}


def shown(
    order: Any, lines: Sequence[Any] = (), refunds: Sequence[Any] = (), fulfilments: Sequence[Any] = (),
    returns: Sequence[Any] = (), changes: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:  # fmt: skip
    """Return an order as plain values, for programs and templates alike."""
    hidden = access.hidden("order")
    found = {name: getattr(order, name) for name in (*AS_THEY_ARE, "taxes_included", "cancelled_at", "cancel_reason")}
    for name, behind in SUMS.items():
        if behind not in hidden:
            found[name] = money.amount_text(getattr(order, f"{name}_amount"), order.currency)
    if order.presentment_currency and "total" not in hidden:
        seen = order.presentment_currency
        found |= {"presentment_currency": seen, "presentment_total": money.amount_text(order.presentment_amount, seen)}
    found = access.shown("order", found) | {"custom": custom_values.shown("order", order)}
    found |= {name: order.details.get(name, []) for name, behind in SHARES.items() if behind not in hidden}
    listed = "lines_count" not in hidden
    found["lines"] = [line_shown(line) for line in lines if listed]
    found["refunds"] = [
        {"external_id": refund.key, "amount": money.micros_text(refund.amount_micros), "at": refund.at.isoformat(), "reason": refund.reason,
         "lines": refund.lines if listed else []}
        for refund in refunds if "refunded" not in hidden
    ]  # fmt: skip
    found["fulfilments"] = [
        {"external_id": one.key, "state": one.state, "carrier": one.carrier, "tracking_number": one.tracking_number, "tracking_url": one.tracking_url,
         "shipped_at": one.shipped_at and one.shipped_at.isoformat(), "delivered_at": one.delivered_at and one.delivered_at.isoformat(),
         "lines": one.lines if listed else []}
        for one in fulfilments if "status" not in hidden
    ]  # fmt: skip
    found["returns"] = [
        {"external_id": one.key, "state": one.state, "reason": one.reason, "at": one.at and one.at.isoformat(), "lines": one.lines if listed else []}
        for one in returns if "status" not in hidden
    ]  # fmt: skip
    open_book = not hidden & {"status", "total", "shipping", "tax", "discount", "lines_count"}
    return found | {"changes": [_change_shown(one, order.currency) for one in changes if open_book]}


def _change_shown(change: dict[str, Any], currency: str) -> dict[str, Any]:
    def said(name: str, value: Any) -> Any:
        return money.amount_text(value, currency) if name.endswith("_amount") and value is not None else value

    return {
        "at": change["at"].isoformat(),
        "fields": {name.removesuffix("_amount"): [said(name, one) for one in pair] for name, pair in change["was"].items()},
        "lines": [
            {"name": line["name"], "quantity": list(line["quantity"]),
             "unit_price": [None if one is None else money.micros_text(one) for one in line["unit"]]}
            for line in change["lines"]
        ],
    }  # fmt: skip


def line_shown(line: Any) -> dict[str, Any]:
    """Return a line as plain values; what it cost only to whoever may see what the order came to."""
    found = {
        "position": line.position, "product": line.product_key, "product_id": line.product_id and str(line.product_id),
        "variant": line.variant_key, "variant_id": line.variant_id and str(line.variant_id), "sku": line.sku,
        "variant_name": line.variant_name, "options": list(line.options), "external_id": line.key, "name": line.name,
        "quantity": line.quantity, "flags": line.flags,
    }  # fmt: skip
    if not access.readable("order", "total"):
        return found
    sums = {
        "unit_price": line.unit_micros,
        "total": line.line_micros,
        "discount": line.discount_micros,
        "tax": line.tax_micros,
    }
    return found | {name: money.micros_text(micros) for name, micros in sums.items()}


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
    coupons_url = fields.String(
        load_default="", validate=validate.Length(max=500),
        metadata={"description": "where a shop of any kind is told codes of coupons; without it the shop fetches them"},
    )  # fmt: skip


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
    coupons_url = fields.String(metadata={"description": "where a shop of any kind is told codes of coupons"})
    count_tests = fields.Boolean(
        metadata={"description": "whether test orders count like any others; off: they are left out"}
    )
    state = fields.String()
    trouble = fields.String()
    backfill = fields.Dict()
    last_delivery_at = fields.AwareDateTime(allow_none=True)
    reconciled_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class PlayOrderOut(Schema):
    """An order of a shop that was a test, as it is shown."""

    id = fields.UUID()
    external_id = fields.String(metadata={"description": "the shop's own id of the order"})
    number = fields.String()
    placed_at = fields.AwareDateTime()
    currency = fields.String()
    total = fields.String()
    reason = fields.String(metadata={"description": "the note that gave it away; empty where the shop says so itself"})
