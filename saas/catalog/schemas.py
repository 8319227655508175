"""The shape of a product, in and out."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from saas.kit import access, money
from saas.tenancy import custom_values


class Price(fields.Field):
    """A price as a decimal text or a number."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            money.parse_micros(value)
        except (money.NotMoney, TypeError):
            raise self.make_error("invalid") from None
        return str(value)

    default_error_messages = {"invalid": "This is not an amount of money, such as 12.50."}


class ProductIn(Schema):
    """A product as it is sent to us; fields that are left out stay as they are."""

    class Meta:
        unknown = RAISE

    external_id = fields.String(required=True, validate=validate.Length(1, 200))
    sku = fields.String(allow_none=True, validate=validate.Length(max=120))
    name = fields.String(allow_none=True, validate=validate.Length(max=500))
    description = fields.String(allow_none=True, validate=validate.Length(max=20_000))
    url = fields.String(allow_none=True, validate=validate.Length(max=2000))
    image_url = fields.String(allow_none=True, validate=validate.Length(max=2000))
    price = Price(allow_none=True)
    currency = fields.String(
        allow_none=True, validate=validate.Regexp(r"^[A-Za-z]{3}$", error="Three letters, such as EUR.")
    )
    categories = fields.List(fields.String(validate=validate.Length(max=120)), validate=validate.Length(max=50))
    tags = fields.List(fields.String(validate=validate.Length(max=120)), validate=validate.Length(max=50))
    stock = fields.Integer(allow_none=True)
    active = fields.Boolean()
    custom = fields.Dict(
        keys=fields.String(),
        metadata={"description": "the company's own fields by key; GET /fields/product lists them"},
    )
    updated_at = fields.AwareDateTime(allow_none=True)


class ProductChange(ProductIn):
    """What may be changed of a product."""

    external_id = fields.String(dump_only=True)


class ProductOut(Schema):
    """A product as it is shown: what `shown` makes of a row."""

    id = fields.UUID()
    source_id = fields.UUID()
    external_id = fields.String()
    sku = fields.String()
    name = fields.String()
    description = fields.String()
    url = fields.String()
    image_url = fields.String()
    price = fields.String(allow_none=True)
    currency = fields.String()
    categories = fields.List(fields.String())
    tags = fields.List(fields.String())
    stock = fields.Integer(allow_none=True)
    active = fields.Boolean()
    custom = fields.Dict(metadata={"description": "the company's own fields by key; what is empty is left out"})
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


def shown(product: Any) -> dict[str, Any]:
    """Return a product as plain values, for programs and templates alike, without what the reader must not see."""
    found = {name: getattr(product, name) for name in ProductOut().fields if name not in ("price", "custom")}
    price = None if product.price_micros is None else money.micros_text(product.price_micros)
    return access.shown("product", found | {"price": price}) | {"custom": custom_values.shown("product", product)}
