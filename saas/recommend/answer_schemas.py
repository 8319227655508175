"""The shapes of answers to offers, in and out."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from saas.recommend.answer_models import DECLINES, VERDICTS


class OfferAnswerIn(Schema):
    """What a customer said to a product that somebody offered them."""

    class Meta:
        unknown = RAISE

    customer_id = fields.UUID(required=True)
    product_id = fields.UUID(required=True)
    verdict = fields.String(required=True, validate=validate.OneOf(VERDICTS))
    reason = fields.String(
        load_default="", validate=validate.OneOf(list(DECLINES)), metadata={"description": "why they declined"}
    )
    note = fields.String(load_default="", validate=validate.Length(max=500))
    days = fields.Integer(
        load_default=None, allow_none=True, validate=validate.Range(1, 3650),
        metadata={"description": "for how long a declined product is not offered to them; left out, the reason says"},
    )  # fmt: skip


class OfferAnswerOut(Schema):
    """An answer as it is shown."""

    id = fields.UUID()
    customer_id = fields.UUID()
    product_id = fields.UUID()
    verdict = fields.String()
    reason = fields.String()
    note = fields.String()
    slot = fields.String()
    offer_code = fields.String(metadata={"description": "the code of the reason it was offered for"})
    algorithm = fields.String()
    answered_at = fields.AwareDateTime()
    answered_by = fields.String()
    until = fields.AwareDateTime(allow_none=True, metadata={"description": "until when it is not offered again"})
    taken_back_at = fields.AwareDateTime(allow_none=True)


def answer_plain(row: Any) -> dict[str, Any]:
    """Return an answer as plain values."""
    return {name: getattr(row, name) for name in OfferAnswerOut().fields}
