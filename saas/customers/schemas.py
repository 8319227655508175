"""The shape of a customer, in and out, for programs and for forms alike."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from saas.kit import access, money
from saas.tenancy import custom_values


class ConsentIn(Schema):
    """What a customer agreed to, by channel."""

    class Meta:
        unknown = RAISE

    email = fields.String(validate=validate.OneOf(["granted", "withdrawn", "unknown"]))


class CustomerIn(Schema):
    """A customer as it is sent to us; fields that are left out stay as they are."""

    class Meta:
        unknown = RAISE

    external_id = fields.String(allow_none=True, validate=validate.Length(max=200))
    email = fields.String(allow_none=True, validate=validate.Length(max=320))
    phone = fields.String(allow_none=True, validate=validate.Length(max=40))
    first_name = fields.String(allow_none=True, validate=validate.Length(max=120))
    last_name = fields.String(allow_none=True, validate=validate.Length(max=120))
    company = fields.String(allow_none=True, validate=validate.Length(max=200))
    language = fields.String(allow_none=True, validate=validate.Length(max=20))
    country = fields.String(allow_none=True, validate=validate.Length(max=60))
    city = fields.String(allow_none=True, validate=validate.Length(max=120))
    postcode = fields.String(allow_none=True, validate=validate.Length(max=30))
    address = fields.String(allow_none=True, validate=validate.Length(max=500))
    tags = fields.List(fields.String(validate=validate.Length(max=60)), validate=validate.Length(max=50))
    consent = fields.Nested(ConsentIn)
    owner_id = fields.UUID(allow_none=True, metadata={"description": "the member whose customer it is"})
    custom = fields.Dict(
        keys=fields.String(),
        metadata={"description": "the company's own fields by key; GET /fields/customer lists them"},
    )
    updated_at = fields.AwareDateTime(default_timezone=None, allow_none=True)
    created_at = fields.AwareDateTime(default_timezone=None, allow_none=True)


class CustomerOut(Schema):
    """A customer as it is shown: what `shown` makes of a row and its facts."""

    id = fields.UUID()
    external_id = fields.String(allow_none=True)
    email = fields.String(allow_none=True)
    phone = fields.String()
    name = fields.String()
    first_name = fields.String()
    last_name = fields.String()
    company = fields.String()
    language = fields.String()
    country = fields.String()
    city = fields.String()
    postcode = fields.String()
    address = fields.String()
    tags = fields.List(fields.String())
    owner_id = fields.UUID(allow_none=True)
    consent = fields.Dict()
    custom = fields.Dict(metadata={"description": "the company's own fields by key; what is empty is left out"})
    facts = fields.Dict(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


PLAIN = (
    "id", "external_id", "email", "phone", "name", "first_name", "last_name", "company", "language", "country", "city", "postcode",
    "address", "tags", "owner_id", "created_at", "updated_at",
)  # fmt: skip


def shown(customer: Any, facts: Any | None) -> dict[str, Any]:
    """Return a customer as plain values, for programs and templates alike, without what the reader must not see."""
    found = access.shown("customer", {name: getattr(customer, name) for name in PLAIN})
    consent = {"email": customer.email_consent} if access.readable("customer", "email_consent") else {}
    return found | {
        "consent": consent,
        "custom": custom_values.shown("customer", (customer, facts)),
        "facts": facts_shown(facts) if facts is not None else None,
    }


def facts_shown(facts: Any) -> dict[str, Any]:
    """Return a customer's facts as plain values; money as decimal texts."""
    currency = facts.currency or "EUR"
    spoken = {
        name: money.amount_text(getattr(facts, f"{name}_amount"), currency) for name in ("spent", "refunded", "cart")
    }
    moments = (
        "first_order_at",
        "last_order_at",
        "first_visit_at",
        "last_visit_at",
        "cart_at",
        "last_mail_at",
        "last_open_at",
        "last_click_at",
    )
    counts = (
        "orders_count",
        "items_count",
        "visits_count",
        "views_count",
        "mails_sent",
        "mails_opened",
        "mails_clicked",
    )
    found = (
        {"currency": facts.currency} | spoken | {name: getattr(facts, name) for name in counts}
        | {name: getattr(facts, name) and getattr(facts, name).isoformat() for name in moments}
    )  # fmt: skip
    hidden = {name.removesuffix("_amount") for name in access.hidden("customer")}
    return {name: value for name, value in found.items() if name not in hidden}
