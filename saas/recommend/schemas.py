"""The shapes of offers and of the rules set against them, in and out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from saas.kit import money
from saas.recommend.models import HELD_BACK, RULE_KINDS, SLOTS


class OfferReasonOut(Schema):
    """Why something is offered: a code for programs, a sentence for people."""

    code = fields.String()
    text = fields.String()


class OfferOut(Schema):
    """One offer, as widgets show it."""

    offer = fields.UUID()
    product = fields.String(metadata={"description": "the shop's id of the product"})
    product_id = fields.UUID()
    name = fields.String()
    url = fields.String()
    image_url = fields.String()
    price = fields.String()
    currency = fields.String()
    reason = fields.Nested(OfferReasonOut)
    stars = fields.Float(
        metadata={
            "description": "the average of its published reviews; left out while there are too few, or where the company shows none"
        }
    )
    reviews = fields.Integer(metadata={"description": "how many published reviews it has"})
    variant = fields.String(metadata={"description": "the shop's id of the size or colour, where one is offered"})
    engine = fields.String(
        metadata={"description": "the engine of the place by which it came; pinned where people put it there"}
    )


class BundleOut(Schema):
    """What is often bought together, with the page's product, and what all of it costs."""

    product = fields.String(metadata={"description": "the shop's id of the page's product"})
    offers = fields.List(fields.UUID(), metadata={"description": "the offers of the answer that make it up with it"})
    sum = fields.String()
    currency = fields.String()
    text = fields.String()


class OffersOut(Schema):
    """An answer: offers for a place, best first; with `bundle` where the place asks for one and there is one."""

    slot = fields.String()
    request = fields.UUID()
    items = fields.List(fields.Nested(OfferOut))
    bundle = fields.Nested(BundleOut)


class OfferShownOut(Schema):
    """An offer that was shown and what became of it: what `shown_plain` makes of a row."""

    id = fields.UUID()
    request = fields.UUID()
    at = fields.AwareDateTime()
    slot = fields.String()
    position = fields.Integer()
    visitor = fields.String()
    customer_id = fields.UUID(allow_none=True)
    product = fields.String()
    product_id = fields.UUID(allow_none=True)
    reason = fields.Nested(OfferReasonOut)
    algorithm = fields.String()
    rule_id = fields.UUID(allow_none=True, metadata={"description": "the rule that put it there or favoured it"})
    model_version = fields.String(metadata={"description": "which fit of the model named it"})
    trial_id = fields.UUID(allow_none=True)
    arm = fields.String(metadata={"description": "in a trial: whose it is"})
    seen_at = fields.AwareDateTime(allow_none=True)
    clicked_at = fields.AwareDateTime(allow_none=True)
    carted_at = fields.AwareDateTime(allow_none=True)
    bought_at = fields.AwareDateTime(allow_none=True)
    bought_after = fields.String(metadata={"description": "clicked, seen, or empty while it was not bought"})
    bought_order_id = fields.UUID(allow_none=True)
    bought = fields.String(metadata={"description": "what the product came to in that order"})
    bought_currency = fields.String()


def shown_plain(row: Any) -> dict[str, Any]:
    """Return an offer that was shown as plain values, for programs and templates alike."""
    names = ("id", "at", "slot", "position", "visitor", "customer_id", "product_id", "algorithm", "rule_id", "model_version", "trial_id",
             "arm", "seen_at", "clicked_at", "carted_at", "bought_at", "bought_after", "bought_order_id", "bought_currency")  # fmt: skip
    return {name: getattr(row, name) for name in names} | {
        "request": row.request_id, "product": row.product_key, "reason": {"code": row.reason_code, "text": row.reason_text},
        "bought": money.micros_text(row.bought_micros),
    }  # fmt: skip


class OfferRuleIn(Schema):
    """A rule: pin a product to a place, hide it, or favour a category. Left out, `slot` means everywhere."""

    class Meta:
        unknown = RAISE

    kind = fields.String(required=True, validate=validate.OneOf(RULE_KINDS))
    slot = fields.String(load_default="", validate=validate.OneOf(["", *SLOTS]))
    product_id = fields.UUID(allow_none=True)
    category = fields.String(validate=validate.Length(max=120))
    position = fields.Integer(
        validate=validate.Range(1, 20), metadata={"description": "pin: which place, 1 is the first"}
    )
    percent = fields.Integer(
        validate=validate.Range(1, 1000), metadata={"description": "boost: 200 counts twice as much, 50 half as much"}
    )
    active = fields.Boolean()
    starts_at = fields.AwareDateTime(allow_none=True)
    ends_at = fields.AwareDateTime(allow_none=True)
    note = fields.String(validate=validate.Length(max=500))


class OfferRuleChange(OfferRuleIn):
    """What may be changed of a rule: everything; what is left out stays."""

    kind = fields.String(validate=validate.OneOf(RULE_KINDS))
    slot = fields.String(validate=validate.OneOf(["", *SLOTS]))


class OfferRuleOut(Schema):
    """A rule as it is shown."""

    id = fields.UUID()
    kind = fields.String()
    slot = fields.String()
    product_id = fields.UUID(allow_none=True)
    category = fields.String()
    position = fields.Integer()
    percent = fields.Integer()
    active = fields.Boolean()
    starts_at = fields.AwareDateTime(allow_none=True)
    ends_at = fields.AwareDateTime(allow_none=True)
    note = fields.String()
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


def rule_plain(rule: Any) -> dict[str, Any]:
    """Return a rule as plain values, for programs and templates alike."""
    return {name: getattr(rule, name) for name in OfferRuleOut().fields}


class SpreadOut(Schema):
    """How widely lists spread over the range: shares from 0 to 1, and bits of self-information."""

    coverage = fields.Float()
    long_tail = fields.Float()
    novelty = fields.Float()


class PlaceTriedOut(Schema):
    """How one place did on the held-back past, beside the same place filled with what is popular."""

    slot = fields.String()
    asked = fields.Integer()
    hits = fields.Integer()
    popular_hits = fields.Integer()
    interval = fields.List(fields.Float(), metadata={"description": "95%, of hits / asked"})
    popular_interval = fields.List(fields.Float())
    better = fields.String(validate=validate.OneOf(["yes", "no", "same"]))
    ours = fields.Nested(SpreadOut)
    popular = fields.Nested(SpreadOut)


class QualityOut(Schema):
    """What the offers would have hit in the newest part of the shop's past; `at` is null before the first try."""

    at = fields.AwareDateTime(allow_none=True)
    days = fields.Float()
    places = fields.List(fields.Nested(PlaceTriedOut))


def quality_plain(tried: dict[str, Any] | None) -> dict[str, Any]:
    """Return a try as plain values."""
    if tried is None:
        return {"at": None, "days": 0.0, "places": []}
    return {**tried, "at": datetime.fromisoformat(tried["at"])}


class ScoreOut(Schema):
    """How often the answer stood among the first twenty, asked of history the fit had not seen."""

    hit_rate = fields.Float()
    popular_hit_rate = fields.Float(metadata={"description": "the same questions put to what is popular"})
    cases = fields.Integer()


class FittedModelOut(Schema):
    """One fit of a kind of model."""

    id = fields.UUID()
    kind = fields.String()
    version = fields.String(metadata={"description": "named by each offer that follows from it"})
    fitted_at = fields.AwareDateTime()
    serving = fields.Boolean()
    held = fields.Boolean(metadata={"description": "somebody chose it, and newer fits wait"})
    held_back = fields.String(
        validate=validate.OneOf(HELD_BACK),
        metadata={"description": "why a newer fit does not serve: worse, pinned, or empty"},
    )
    learnt_from = fields.Dict(keys=fields.String(), values=fields.Integer())
    score = fields.Nested(ScoreOut, allow_none=True)
    seconds = fields.Float(metadata={"description": "what the fit took"})


class ModelKindOut(Schema):
    """A kind of model with its fits, the newest first."""

    kind = fields.String()
    fits = fields.List(fields.Nested(FittedModelOut))


class ModelsOut(Schema):
    """All kinds of models of which there is a fit."""

    items = fields.List(fields.Nested(ModelKindOut))


def model_plain(row: Any) -> dict[str, Any]:
    """Return a fit as plain values, for programs and templates alike."""
    counts = {name: value for name, value in row.notes.items() if isinstance(value, int) and name != "seconds"}
    return {
        "id": row.id, "kind": row.kind, "version": row.version, "fitted_at": row.fitted_at, "serving": row.serving,
        "held": row.pinned_at is not None, "held_back": row.held_back, "learnt_from": counts,
        "score": row.notes.get("quality") or None, "seconds": float(row.notes.get("seconds", 0)),
    }  # fmt: skip
