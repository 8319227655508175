"""Consent for programs: the purposes a company asks for, what a customer agreed to with its proof, and asking them by mail."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.customers import asking, consent, profiles, purposes
from saas.kit import access, doors
from saas.tenancy import limits

blueprint = Blueprint(
    "api_consents", __name__, description="What customers agreed to, by channel and purpose, with proof"
)
CHANNEL = {"validate": validate.OneOf(purposes.CHANNELS)}


class PurposeIn(shapes.Shape):
    """A purpose to ask consent for."""

    name = shapes.Text(80, required=True)
    channels = fields.List(fields.String(**CHANNEL), required=True, validate=validate.Length(1, 4))
    wording = fields.Dict(
        keys=shapes.Text(12),
        values=shapes.Text(purposes.LONGEST),
        load_default=dict,
        metadata={"description": "the words people agree to, by language"},
    )
    double_opt_in = fields.Boolean(
        load_default=False, metadata={"description": "whether a click in a mail has to confirm it"}
    )


class PurposeChange(shapes.Shape):
    """What may be changed of a purpose."""

    name = shapes.Text(80)
    channels = fields.List(fields.String(**CHANNEL), validate=validate.Length(1, 4))
    wording = fields.Dict(keys=shapes.Text(12), values=shapes.Text(purposes.LONGEST))
    double_opt_in = fields.Boolean()
    archived = fields.Boolean()


class PurposeOut(Schema):
    """A purpose; `marketing` (news and offers by mail) is always there."""

    key = fields.String()
    name = fields.String()
    channels = fields.List(fields.String())
    wording = fields.Dict(keys=fields.String(), values=fields.String())
    double_opt_in = fields.Boolean()
    archived = fields.Boolean()


class Purposes(Schema):
    """All purposes; there are at most twenty."""

    items = fields.List(fields.Nested(PurposeOut))


class ConsentSaid(shapes.Shape):
    """What a customer said, with its proof; or `ask`, to have them asked by mail."""

    channel = fields.String(load_default="email", **CHANNEL)
    purpose = shapes.Text(60, load_default=purposes.MAIN)
    state = fields.String(required=True, validate=validate.OneOf(["granted", "withdrawn", "ask"]))
    at = fields.AwareDateTime(default_timezone=None, load_default=None, allow_none=True)
    wording = shapes.Text(purposes.LONGEST, load_default="", metadata={"description": "the words that were shown"})
    place = shapes.Text(
        500, load_default="", metadata={"description": "where they said so, such as the page's address"}
    )
    address = shapes.Text(60, load_default="", metadata={"description": "the internet address they came from"})
    confirmed = fields.Boolean(
        load_default=False, metadata={"description": "they confirmed it by a click in a mail of yours already"}
    )


class ConsentEntry(Schema):
    """One entry of the ledger."""

    id = fields.UUID()
    channel = fields.String()
    purpose = fields.String()
    state = fields.String()
    at = fields.AwareDateTime()
    source = fields.String()
    proof = fields.Dict()


class Consents(Schema):
    """A customer's newest word about each channel and purpose, what was asked and not answered yet, and the whole ledger."""

    states = fields.List(fields.Nested(ConsentEntry))
    asked = fields.List(
        fields.String(), metadata={"description": "purposes they were asked about by mail and have not answered"}
    )
    items = fields.List(fields.Nested(ConsentEntry))


@blueprint.route("/consent-purposes")
class AllPurposes(MethodView):
    @blueprint.response(200, Purposes)
    @doors.open_to("key", "customers.read")
    def get(self) -> dict[str, Any]:
        """List what the company asks consent for."""
        return {"items": purposes.listed(archived=True)}

    @blueprint.arguments(PurposeIn)
    @blueprint.response(201, PurposeOut)
    @doors.open_to("key", "settings.edit")
    def post(self, item: dict[str, Any]) -> Any:
        """Add a purpose."""
        return purposes.create(**item)


@blueprint.route("/consent-purposes/<key>", methods=["PATCH"])
@blueprint.arguments(PurposeChange)
@blueprint.response(200, PurposeOut)
@doors.open_to("key", "settings.edit")
def change(item: dict[str, Any], key: str) -> Any:
    """Change a purpose, archive it or bring it back."""
    return purposes.change(key, **item)


@blueprint.route("/customers/<customer_id>/consents")
class OfCustomer(MethodView):
    @blueprint.response(200, Consents)
    @doors.open_to("key", "customers.read")
    def get(self, customer_id: UUID) -> dict[str, Any]:
        """Show what a customer agreed to, with the proof of each."""
        access.require_readable("customer", ["email_consent"])
        customer = profiles.one(customer_id)
        return {
            "states": list(consent.states(customer.id).values()), "items": consent.history(customer.id),
            "asked": [request.purpose for request in asking.waiting_for(customer.id)],
        }  # fmt: skip

    @blueprint.arguments(ConsentSaid)
    @blueprint.response(200, Consents)
    @doors.open_to("key", "customers.edit", always=True)
    def post(self, item: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
        """Record what a customer said; a consent that has to be confirmed is asked for by mail instead.

        That they withdraw it is taken also while the company's plan is not paid.
        """
        if item.get("state") != "withdrawn":
            limits.require_writable()
        access.require_writable("customer", ["email_consent"])
        profiles.hear_consent(customer_id=customer_id, **item)
        return self.get(customer_id)
