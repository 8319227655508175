"""The shapes of places, in and out: settings as programs write them, prices as decimal texts, products by our ids."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from saas.kit import money
from saas.recommend import places, slots
from saas.recommend.places import BUILT_IN, ENGINES, SLOTS
from saas.recommend.schemas import OffersOut


def _whole(name: str, meaning: str) -> fields.Integer:
    least, most = slots.RANGES[name]
    return fields.Integer(
        strict=True, allow_none=name in slots.OPTIONAL, validate=validate.Range(least, most), metadata={"description": meaning}
    )  # fmt: skip


def _several(name: str, inner: fields.Field, meaning: str) -> fields.List:
    return fields.List(
        inner, validate=validate.Length(max=slots.MOST_OF[name]), metadata={"description": meaning}
    )  # fmt: skip


class OfferSlotChange(Schema):
    """What may be changed of a place; what is left out stays."""

    class Meta:
        unknown = RAISE

    name = fields.String(validate=validate.Length(max=120))
    engine = fields.String(validate=validate.OneOf(ENGINES))
    fallback = _several(
        "fallback",
        fields.String(validate=validate.OneOf(ENGINES)),
        "which engines fill what the one before cannot, in this order",
    )
    count = _whole("count", "how many at most; null leaves it to whoever asks")
    active = fields.Boolean(metadata={"description": "false shows nothing there"})
    pinned = _several("pinned", fields.UUID(), "these products first, in this order")
    buried = _several("buried", fields.UUID(), "these only where nothing else is left")
    picked = _several("picked", fields.UUID(), "what the engine by_hand shows, in this order")
    excluded_tags = _several("excluded_tags", fields.String(validate=validate.Length(1, 120)), "never with such a tag")
    excluded_categories = _several(
        "excluded_categories", fields.String(validate=validate.Length(1, 120)), "never of such a category"
    )
    least_stock = _whole("least_stock", "only with so many in stock; what is not counted is enough")
    least_margin = _whole("least_margin", "only what leaves at least so many percent of its price")
    unknown_margin = fields.Boolean(metadata={"description": "with least_margin: also what has no cost"})
    price_least = fields.String(allow_none=True, validate=validate.Length(max=30))
    price_most = fields.String(allow_none=True, validate=validate.Length(max=30))
    currency = fields.String(
        validate=validate.Regexp(r"^([A-Z]{3})?$"),
        metadata={"description": "of the prices; left out, the company's own"},
    )
    reduced_only = fields.Boolean(metadata={"description": "only what costs less than before"})
    category_cap = _whole("category_cap", "at most so many of each category")
    not_bought_days = _whole("not_bought_days", "nothing the shopper bought in so many days; 0 lets all of it pass, null is a month unless "
                             "it runs out")  # fmt: skip
    diversity = _whole("diversity", "percent: how much it counts that products are unlike each other")
    step_least = _whole("step_least", "up_sell: percent that it costs more at least")
    step_most = _whole("step_most", "up_sell: percent that it costs more at most")
    bundle = fields.Boolean(metadata={"description": "beside a product: what is bought together, with the sum"})


class OfferSlotIn(OfferSlotChange):
    """A place of the company's own, standing in one of the built-in ones."""

    key = fields.String(
        validate=validate.Regexp(slots.KEY),
        metadata={"description": "what the shop's pages call it; left out, it is made of the name"},
    )
    name = fields.String(required=True, validate=validate.Length(1, 120))
    place = fields.String(required=True, validate=validate.OneOf(SLOTS))


class OfferSlotOut(OfferSlotChange):
    """A place as it is shown; a built-in one that nobody changed has no id."""

    id = fields.UUID(allow_none=True)
    key = fields.String()
    place = fields.String()
    built_in = fields.Boolean()
    created_at = fields.AwareDateTime(allow_none=True)
    updated_at = fields.AwareDateTime(allow_none=True)


class OfferSlotsOut(Schema):
    """All places: the built-in ones, then the company's own."""

    items = fields.List(fields.Nested(OfferSlotOut))


class LeftOutOut(Schema):
    """A product that an engine named and a rule keeps out."""

    product = fields.String(metadata={"description": "the shop's id of the product"})
    product_id = fields.UUID()
    name = fields.String()
    rule = fields.String()
    engine = fields.String()


class PreviewOut(OffersOut):
    """What a place would show somebody, and what it leaves out and why."""

    left_out = fields.List(fields.Nested(LeftOutOut))


def slot_plain(row: Any) -> dict[str, Any]:
    """Return a place as plain values, for programs and templates alike."""
    values = {name: getattr(row, name) for name in (*places.NAMES, "id", "created_at", "updated_at")}
    for name in ("price_least", "price_most"):
        values[name] = None if values[name] is None else money.micros_text(values[name])
    return values | {"built_in": row.key in BUILT_IN}


def left_out_plain(one: Any) -> dict[str, Any]:
    """Return what was left out as plain values."""
    product = one.product
    return {
        "product": product.key, "product_id": product.id, "name": product.name, "rule": one.rule, "engine": one.engine,
    }  # fmt: skip
