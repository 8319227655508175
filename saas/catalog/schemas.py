"""The shape of a product, in and out."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from saas.catalog.items import KEYS, MOMENTS, MOST_VARIANTS, PRICES
from saas.catalog.models import KINDS, STOCK_STATES
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


class OptionIn(Schema):
    """What a variant is, such as Size: L."""

    class Meta:
        unknown = RAISE

    name = fields.String(required=True, validate=validate.Length(max=120))
    value = fields.String(required=True, validate=validate.Length(max=200))


class ImageIn(Schema):
    """A picture of a product; `alt` says what it shows."""

    class Meta:
        unknown = RAISE

    url = fields.String(required=True, validate=validate.Length(max=2000))
    alt = fields.String(allow_none=True, validate=validate.Length(max=300))


class PricedIn(Schema):
    """What products and their variants have in common: prices, stock, a picture."""

    class Meta:
        unknown = RAISE

    external_id = fields.String(required=True, validate=validate.Length(1, 200))
    sku = fields.String(allow_none=True, validate=validate.Length(max=120))
    name = fields.String(allow_none=True, validate=validate.Length(max=500))
    image_url = fields.String(allow_none=True, validate=validate.Length(max=2000))
    price = Price(allow_none=True, metadata={"description": "what it costs now"})
    regular_price = Price(allow_none=True, metadata={"description": "what it costs when it is not reduced"})
    sale_price = Price(allow_none=True, metadata={"description": "what it costs while it is reduced"})
    sale_from = fields.AwareDateTime(allow_none=True)
    sale_to = fields.AwareDateTime(allow_none=True)
    cost = Price(allow_none=True, metadata={"description": "what it costs the company"})
    stock = fields.Integer(allow_none=True, metadata={"description": "null: not counted"})
    active = fields.Boolean()
    updated_at = fields.AwareDateTime(allow_none=True)


class VariantIn(PricedIn):
    """A size or colour of a product as it is sent to us; fields that are left out stay as they are."""

    options = fields.List(fields.Nested(OptionIn), validate=validate.Length(max=20))
    stock_state = fields.String(validate=validate.OneOf([state for state in STOCK_STATES if state]))
    barcode = fields.String(allow_none=True, validate=validate.Length(max=120))
    position = fields.Integer(allow_none=True, validate=validate.Range(-1_000_000, 1_000_000))


class ProductIn(PricedIn):
    """A product as it is sent to us; fields that are left out stay as they are."""

    description = fields.String(allow_none=True, validate=validate.Length(max=20_000))
    url = fields.String(allow_none=True, validate=validate.Length(max=2000))
    images = fields.List(
        fields.Nested(ImageIn),
        validate=validate.Length(max=50),
        metadata={"description": "all pictures, the first first"},
    )
    currency = fields.String(
        allow_none=True, validate=validate.Regexp(r"^[A-Za-z]{3}$", error="Three letters, such as EUR.")
    )
    kind = fields.String(validate=validate.OneOf(KINDS))
    brand = fields.String(allow_none=True, validate=validate.Length(max=200))
    rating = fields.Float(allow_none=True, validate=validate.Range(0, 5))
    categories = fields.List(fields.String(validate=validate.Length(max=120)), validate=validate.Length(max=50))
    tags = fields.List(fields.String(validate=validate.Length(max=120)), validate=validate.Length(max=50))
    cross_sells = fields.List(
        fields.String(validate=validate.Length(max=200)),
        validate=validate.Length(max=200),
        metadata={"description": "external_ids of what is offered beside it in the cart; they may come later"},
    )
    up_sells = fields.List(
        fields.String(validate=validate.Length(max=200)),
        validate=validate.Length(max=200),
        metadata={"description": "external_ids of what is offered instead of it; they may come later"},
    )
    grouped = fields.List(
        fields.String(validate=validate.Length(max=200)),
        validate=validate.Length(max=200),
        metadata={"description": "external_ids of what a grouped product is made of"},
    )
    variants = fields.List(
        fields.Nested(VariantIn),
        validate=validate.Length(max=MOST_VARIANTS),
        metadata={"description": "all variants it has: one that is not in the newest list is gone"},
    )
    custom = fields.Dict(
        keys=fields.String(),
        metadata={"description": "the company's own fields by key; GET /fields/product lists them"},
    )


class ProductChange(ProductIn):
    """What may be changed of a product."""

    external_id = fields.String(dump_only=True)
    variants = fields.List(fields.Nested(VariantIn), dump_only=True)


class VariantOut(Schema):
    """A variant as it is shown: what `variant_shown` makes of a row."""

    id = fields.UUID()
    external_id = fields.String()
    sku = fields.String()
    name = fields.String()
    options = fields.List(fields.Dict(keys=fields.String(), values=fields.String()))
    price = fields.String(allow_none=True)
    regular_price = fields.String(allow_none=True)
    sale_price = fields.String(allow_none=True)
    sale_from = fields.AwareDateTime(allow_none=True)
    sale_to = fields.AwareDateTime(allow_none=True)
    on_sale = fields.Boolean()
    cost = fields.String(allow_none=True)
    stock = fields.Integer(allow_none=True)
    stock_state = fields.String()
    available = fields.Boolean()
    image_url = fields.String()
    barcode = fields.String()
    position = fields.Integer()
    active = fields.Boolean()
    gone = fields.Boolean(metadata={"description": "the newest list of its product's variants does not have it"})
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class PriceOut(Schema):
    """A price that changed."""

    at = fields.AwareDateTime()
    variant_id = fields.UUID(allow_none=True)
    old = fields.String(allow_none=True)
    new = fields.String(allow_none=True)
    currency = fields.String()


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
    images = fields.List(fields.Dict(keys=fields.String(), values=fields.String()))
    price = fields.String(allow_none=True)
    regular_price = fields.String(allow_none=True)
    sale_price = fields.String(allow_none=True)
    sale_from = fields.AwareDateTime(allow_none=True)
    sale_to = fields.AwareDateTime(allow_none=True)
    on_sale = fields.Boolean(metadata={"description": "reduced at this moment"})
    cost = fields.String(allow_none=True)
    currency = fields.String()
    kind = fields.String()
    brand = fields.String()
    rating = fields.Float(allow_none=True)
    categories = fields.List(fields.String())
    tags = fields.List(fields.String())
    cross_sells = fields.List(fields.String())
    up_sells = fields.List(fields.String())
    grouped = fields.List(fields.String())
    stock = fields.Integer(allow_none=True)
    active = fields.Boolean()
    custom = fields.Dict(metadata={"description": "the company's own fields by key; what is empty is left out"})
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


SAME = ("id", "source_id", "external_id", "sku", "name", "description", "url", "image_url", "images", "on_sale", "currency", "kind", "brand",
        "categories", "tags", "stock", "active", "created_at", "updated_at")  # fmt: skip
SAME_OF_VARIANT = ("id", "external_id", "sku", "name", "options", "on_sale", "stock", "stock_state", "available", "image_url", "barcode",
                   "position", "active", "gone", "created_at", "updated_at")  # fmt: skip


def prices(thing: Any) -> dict[str, Any]:
    """Return the prices of a product or a variant as texts, and when they hold."""
    micros = {name: getattr(thing, column) for name, column in PRICES.items()}
    return {name: None if value is None else money.micros_text(value) for name, value in micros.items()} | {
        name: getattr(thing, column) for name, column in MOMENTS.items()
    }


def _without(found: dict[str, Any]) -> dict[str, Any]:
    """Return a product's or a variant's values as far as the reader may see them: with a price goes what tells of it."""
    hidden = access.hidden("product")
    found = access.shown("product", found)
    if hidden & {"price", "regular_price", "sale_price"}:
        found.pop("on_sale", None)
    gone = {
        "sale_from": "sale_from_at",
        "sale_to": "sale_to_at",
        "images": "image_url",
        "available": "stock",
        "stock_state": "stock",
    }
    return {name: value for name, value in found.items() if gone.get(name) not in hidden}


def shown(product: Any) -> dict[str, Any]:
    """Return a product as plain values, for programs and templates alike, without what the reader must not see."""
    found = {name: getattr(product, name) for name in SAME} | prices(product)
    found |= {name: getattr(product, column) for name, column in KEYS.items()}
    found["rating"] = None if product.rating_hundredths is None else product.rating_hundredths / 100
    return _without(found) | {"custom": custom_values.shown("product", product)}


def variant_shown(variant: Any) -> dict[str, Any]:
    """Return a variant as plain values; what is hidden of products is hidden of their variants."""
    return _without({name: getattr(variant, name) for name in SAME_OF_VARIANT} | prices(variant))


def price_shown(row: Any) -> dict[str, Any]:
    """Return a change of a price as plain values."""
    old, new = (None if one is None else money.micros_text(one) for one in (row.old_micros, row.new_micros))
    return {"at": row.at, "variant_id": row.variant_id, "old": old, "new": new, "currency": row.currency}
