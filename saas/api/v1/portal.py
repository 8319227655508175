"""The page for shoppers, for programs: its settings, and what one customer chose in the preference centre."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.customers import portal_settings, preferences, profiles
from saas.kit import access, doors
from saas.marketing import shopper_letters
from saas.tenancy import limits

blueprint = Blueprint("api_portal", __name__, description="The page for shoppers and what they chose there")


def words(meaning: str) -> fields.Dict:
    return fields.Dict(
        keys=shapes.Text(12), values=shapes.Text(portal_settings.LONGEST), metadata={"description": f"{meaning}, by language"}
    )  # fmt: skip


class TopicShape(shapes.Shape):
    """A purpose of consent as shoppers read it; the order of the list is the order on the page."""

    key = shapes.Text(60, required=True)
    shown = fields.Boolean(load_default=True)
    titles = words("what it is called")
    texts = words("what stands below")


class PortalChange(shapes.Shape):
    """What may be changed of the page."""

    enabled = fields.Boolean()
    color = shapes.Text(7, metadata={"description": "such as #0f766e; empty for ours"})
    logo_url = shapes.Text(500)
    welcome = words("the words where the link is asked for")
    editable = fields.List(fields.String(validate=validate.OneOf(portal_settings.EDITABLE)))
    birthday_field = shapes.Text(60, metadata={"description": "the key of a field of your own that holds a date"})
    return_days = fields.Integer(validate=validate.Range(0, portal_settings.MOST_DAYS))
    return_words = words("the words about returns")
    topics = fields.List(fields.Nested(TopicShape), validate=validate.Length(max=20))


class PortalOut(Schema):
    """How the page is set, and where it is."""

    url = fields.String()
    enabled = fields.Boolean()
    color = fields.String()
    logo_url = fields.String()
    welcome = fields.Dict()
    editable = fields.List(fields.String())
    birthday_field = fields.String()
    return_days = fields.Integer()
    return_words = fields.Dict()
    topics = fields.List(fields.Dict())


class PreferencesIn(shapes.Shape):
    """How often, by purpose, and a pause of so many days; null ends one."""

    rhythms = fields.Dict(keys=shapes.Text(60), values=fields.String(validate=validate.OneOf(preferences.RHYTHMS)))
    pause_days = fields.Integer(allow_none=True, validate=validate.OneOf(preferences.PAUSES))
    place = shapes.Text(
        500, load_default="", metadata={"description": "where they said so, such as the page's address"}
    )


class Preferences(Schema):
    """What a customer chose of how often; what they agreed to is under /consents."""

    rhythms = fields.Dict(keys=fields.String(), values=fields.String())
    paused_until = fields.AwareDateTime(allow_none=True)


@blueprint.route("/portal")
class Portal(MethodView):
    @blueprint.response(200, PortalOut)
    @doors.open_to("key", "settings.read")
    def get(self) -> dict[str, Any]:
        """Show how the page for shoppers is set."""
        return _shown()

    @blueprint.arguments(PortalChange)
    @blueprint.response(200, PortalOut)
    @doors.open_to("key", "settings.edit")
    def patch(self, item: dict[str, Any]) -> dict[str, Any]:
        """Change some of its settings."""
        portal_settings.change(**item)
        return _shown()


def _shown() -> dict[str, Any]:
    held = portal_settings.current()
    return {name: getattr(held, name) for name in portal_settings.NAMES} | {"url": shopper_letters.portal_url()}


@blueprint.route("/customers/<customer_id>/preferences")
class OfCustomer(MethodView):
    @blueprint.response(200, Preferences)
    @doors.open_to("key", "customers.read")
    def get(self, customer_id: UUID) -> dict[str, Any]:
        """Show how often a customer wants mails, by purpose, and whether they take a break."""
        access.require_readable("customer", ["email_consent"])
        customer = profiles.one(customer_id)
        until = preferences.paused_until(customer.id)
        return {"rhythms": preferences.rhythms_of(customer.id), "paused_until": until}

    @blueprint.arguments(PreferencesIn)
    @blueprint.response(200, Preferences)
    @doors.open_to("key", "customers.edit", always=True)
    def post(self, item: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
        """Note what a customer said to you of how often; taken also while the company's plan is not paid."""
        if item.get("pause_days", 1) is None:
            limits.require_writable()
        access.require_writable("customer", ["email_consent"])
        customer = profiles.one(customer_id, lock=True)
        preferences.hear(customer.id, rhythms=item.get("rhythms") or {}, pause=item.get("pause_days", 0), place=item["place"])  # fmt: skip
        return self.get(customer.id)
