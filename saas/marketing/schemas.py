"""The shape of campaigns and designs, in and out, for programs and for forms alike."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from saas.kit import access
from saas.marketing import rendering


class TemplateIn(Schema):
    """A mail design as it is sent to us; fields that are left out stay as they are."""

    class Meta:
        unknown = RAISE

    name = fields.String(validate=validate.Length(1, 120))
    subject = fields.String(validate=validate.Length(max=500))
    source = fields.String(validate=validate.Length(max=300_000), metadata={"description": "MJML or HTML with Liquid"})
    text_source = fields.String(
        validate=validate.Length(max=300_000), metadata={"description": "the text part; empty: derived"}
    )


class CampaignIn(TemplateIn):
    """A campaign as it is sent to us."""

    segment_id = fields.UUID(allow_none=True)
    template_id = fields.UUID(allow_none=True)
    coupon_id = fields.UUID(allow_none=True, metadata={"description": "the coupon each recipient gets a code of"})
    language = fields.String(validate=validate.Length(max=12))
    sender_name = fields.String(validate=validate.Length(max=200))
    reply_to = fields.String(validate=validate.Length(max=200))
    holdout_percent = fields.Integer(
        validate=validate.Range(0, 50), metadata={"description": "held back by chance, to measure"}
    )
    purpose = fields.String(
        validate=validate.Length(1, 60),
        metadata={"description": "the key of a consent purpose; only who agreed to it gets the mail"},
    )
    without_disputed = fields.Boolean(
        metadata={"description": "whether customers with an open dispute get no mail; they do, if nothing is said"}
    )


class ProblemOut(Schema):
    """What is wrong with a mail, with its place."""

    part = fields.String()
    line = fields.Integer()
    column = fields.Integer()
    sentence = fields.String()


class TemplateOut(Schema):
    """A mail design with what is wrong with it."""

    id = fields.UUID()
    name = fields.String()
    subject = fields.String()
    source = fields.String()
    text_source = fields.String()
    problems = fields.List(fields.Nested(ProblemOut))
    warnings = fields.List(fields.Nested(ProblemOut))
    version = fields.Integer()
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class CampaignOut(TemplateOut):
    """A campaign with its mailing's figures, once it was launched."""

    state = fields.String()
    segment_id = fields.UUID(allow_none=True)
    template_id = fields.UUID(allow_none=True)
    coupon_id = fields.UUID(allow_none=True)
    language = fields.String()
    sender_name = fields.String()
    reply_to = fields.String()
    holdout_percent = fields.Integer()
    purpose = fields.String()
    without_disputed = fields.Boolean()
    scheduled_at = fields.AwareDateTime(allow_none=True)
    trouble = fields.String()
    mailing = fields.Dict(allow_none=True)


class RecipientOut(Schema):
    """Somebody's place in a mailing."""

    id = fields.UUID()
    customer_id = fields.UUID(allow_none=True)
    email = fields.String()
    state = fields.String()
    reason = fields.String()
    sent_at = fields.AwareDateTime(allow_none=True)
    opened_at = fields.AwareDateTime(allow_none=True)
    clicked_at = fields.AwareDateTime(allow_none=True)
    unsubscribed_at = fields.AwareDateTime(allow_none=True)
    bounced_at = fields.AwareDateTime(allow_none=True)
    complained_at = fields.AwareDateTime(allow_none=True)


def recipient_shown(recipient: Any) -> dict[str, Any]:
    """Return somebody's place in a mailing as plain values, without an address the reader must not see."""
    return access.shown("customer", {name: getattr(recipient, name) for name in RecipientOut().fields})


def template_shown(design: Any) -> dict[str, Any]:
    """Return a design as plain values."""
    names = ("id", "name", "subject", "source", "text_source", "version", "created_at", "updated_at")
    return {name: getattr(design, name) for name in names} | faults(design.compiled)


def campaign_shown(campaign: Any, mailing: Any | None, counts: dict[str, int] | None = None) -> dict[str, Any]:
    """Return a campaign as plain values; `counts` are its mailing's recipients by state."""
    names = (
        "state",
        "segment_id",
        "template_id",
        "coupon_id",
        "language",
        "sender_name",
        "reply_to",
        "holdout_percent",
        "purpose",
        "without_disputed",
    )
    plain = {name: getattr(campaign, name) for name in (*names, "scheduled_at", "trouble")}
    told = None
    if mailing is not None:
        moments = {name: getattr(mailing, name) for name in ("launched_at", "finished_at")}
        told = {"id": str(mailing.id), "state": mailing.state, "recipients": counts or {}}
        told |= {name: at.isoformat() if at else None for name, at in moments.items()}
    return template_shown(campaign) | plain | {"mailing": told}


def faults(compiled: dict[str, Any]) -> dict[str, Any]:
    """Return the problems and warnings of a compiled mail as plain values."""
    made = rendering.Compiled.load(compiled) if compiled else rendering.Compiled()
    return {
        kind: [
            {name: getattr(one, name) for name in ("part", "line", "column", "sentence")} for one in getattr(made, kind)
        ]
        for kind in ("problems", "warnings")
    }
