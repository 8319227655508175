"""The shape of forms, of what was sent by them, and of those who wait for products, for programs."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from saas.kit import access
from saas.marketing import form_content
from saas.marketing.models import FORM_KINDS, FORM_STATES, WATCH_KINDS, WATCH_STATES, Form, FormSubmission, ProductWatch

CONTENT = (
    "fields, purposes, texts (by language: title, text, button, thanks), look, after (coupon, redirect), rules and limits; "
    "parts that are left out stay as they are"
)


class FormIn(Schema):
    """A form as it is sent to us; fields that are left out stay as they are."""

    class Meta:
        unknown = RAISE

    name = fields.String(validate=validate.Length(1, 120))
    kind = fields.String(validate=validate.OneOf(FORM_KINDS))
    content = fields.Dict(keys=fields.String(), metadata={"description": CONTENT})


class FormOut(Schema):
    """A form, what it lacks before it can be shown, and what came of it."""

    id = fields.UUID()
    name = fields.String()
    kind = fields.String(validate=validate.OneOf(FORM_KINDS))
    state = fields.String(validate=validate.OneOf(FORM_STATES))
    content = fields.Dict(keys=fields.String())
    lacking = fields.List(fields.String())
    version = fields.Integer()
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class FormReportOut(Schema):
    """What came of a form. Shown and started are of browsers that agreed to statistics, and so is the rate."""

    shown = fields.Integer()
    started = fields.Integer()
    sent = fields.Integer()
    sent_counted = fields.Integer(metadata={"description": "sent by browsers that agreed to statistics"})
    rate = fields.Float(allow_none=True, metadata={"description": "sent_counted by shown"})
    confirmed = fields.Integer()
    won = fields.Integer(metadata={"description": "whom nobody knew before, and who confirmed"})
    buyers = fields.Integer(metadata={"description": "who ordered within 30 days"})
    revenue_amount = fields.Integer(metadata={"description": "in the company's currency, smallest units"})


class SubmissionOut(Schema):
    """What somebody sent by a form."""

    id = fields.UUID()
    form_id = fields.UUID()
    customer_id = fields.UUID(allow_none=True)
    email = fields.String(allow_none=True)
    language = fields.String()
    values = fields.Dict(keys=fields.String())
    agreed = fields.List(fields.String())
    page = fields.String()
    won = fields.Boolean()
    sent_at = fields.AwareDateTime()
    confirmed_at = fields.AwareDateTime(allow_none=True)


class WatchOut(Schema):
    """Somebody who wants to be told of a product."""

    id = fields.UUID()
    customer_id = fields.UUID()
    product_id = fields.UUID()
    variant = fields.String()
    kind = fields.String(validate=validate.OneOf(WATCH_KINDS))
    state = fields.String(validate=validate.OneOf(WATCH_STATES))
    email = fields.String(allow_none=True)
    asked_at = fields.AwareDateTime()
    confirmed_at = fields.AwareDateTime(allow_none=True)
    told_at = fields.AwareDateTime(allow_none=True)
    expires_at = fields.AwareDateTime()


class DemandOut(Schema):
    """How many wait for a product."""

    product_id = fields.UUID()
    name = fields.String()
    variant = fields.String()
    kind = fields.String()
    waiting = fields.Integer()
    told = fields.Integer()
    since = fields.AwareDateTime()
    stock = fields.Integer(allow_none=True)
    price = fields.String(allow_none=True)
    currency = fields.String()


class DemandsOut(Schema):
    """What is waited for most."""

    items = fields.List(fields.Nested(DemandOut))


def shown(form: Form) -> dict[str, Any]:
    """Return a form as plain values."""
    names = ("id", "name", "kind", "state", "content", "version", "created_at", "updated_at")
    return {name: getattr(form, name) for name in names} | {"lacking": form_content.lacking(form.content)}


def submission_shown(sent: FormSubmission) -> dict[str, Any]:
    """Return what somebody sent as plain values, without what the reader may not see of customers."""
    names = ("id", "form_id", "customer_id", "email", "language", "values", "agreed", "won", "sent_at", "confirmed_at")
    barred = access.hidden("customer")
    told = {name: getattr(sent, name) for name in names} | {"page": sent.proof.get("place", "")}
    told["values"] = {name: value for name, value in sent.values.items() if name not in barred}
    return told | ({"email": None} if "email" in barred else {})


def watch_shown(watch: ProductWatch) -> dict[str, Any]:
    """Return a wish as plain values, without the address where the reader may not see it."""
    names = (
        "id",
        "customer_id",
        "product_id",
        "variant",
        "kind",
        "state",
        "email",
        "asked_at",
        "confirmed_at",
        "told_at",
        "expires_at",
    )
    told = {name: getattr(watch, name) for name in names}
    return told | ({"email": None} if "email" in access.hidden("customer") else {})
