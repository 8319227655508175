"""The company a key belongs to."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import entrance, shapes
from saas.kit import doors
from saas.tenancy import settings

blueprint = Blueprint("api_company", __name__, description="The company itself")


class SenderOut(Schema):
    """Who the company's mails come from."""

    name = fields.String()
    email = fields.String()
    reply_to = fields.String()


class CompanyOut(Schema):
    """A company as it is shown; `limits` is what its plan allows, null without limit."""

    id = fields.Integer()
    name = fields.String()
    state = fields.String(metadata={"description": "active, read_only (the plan is not paid) or closed"})
    address = fields.String()
    country = fields.String()
    currency = fields.String()
    zone = fields.String()
    languages = fields.List(fields.String())
    site_key = fields.String()
    sender = fields.Nested(SenderOut)
    limits = fields.Dict(keys=fields.String(), values=fields.Integer(allow_none=True))
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class CompanyChange(shapes.Shape):
    """What may be changed of the company; who its mails come from is under /sender."""

    name = shapes.Text(120)
    address = shapes.Text(500)
    country = shapes.Text(2, metadata={"description": "two letters, such as NO"})
    currency = shapes.Text(3)
    zone = shapes.Text(64, metadata={"description": "such as Europe/Oslo"})
    languages = fields.List(
        shapes.Text(12),
        validate=validate.Length(1, settings.MOST_LANGUAGES),
        metadata={"description": "of its customers, the usual one first"},
    )


def version(shown: dict[str, Any]) -> str:
    return entrance.etag(shown["id"], shown["updated_at"])


def answered() -> tuple[dict[str, Any], int, dict[str, str]]:
    shown = settings.shown()
    return shown, 200, {"ETag": f'"{version(shown)}"'}


@blueprint.route("/company")
class Company(MethodView):
    @blueprint.response(200, CompanyOut)
    @doors.open_to("key", "settings.read")
    def get(self) -> Any:
        """Show the company the key belongs to."""
        return answered()

    @blueprint.arguments(CompanyChange)
    @blueprint.response(200, CompanyOut)
    @doors.open_to("key", "settings.edit")
    def patch(self, item: dict[str, Any]) -> Any:
        """Change what the company says of itself; with If-Match only while nobody changed it meanwhile (412)."""
        entrance.require_match(version(settings.shown()))
        settings.change_company(**item)
        return answered()
