"""The company a key belongs to."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields

from saas.api import entrance
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


@blueprint.route("/company")
@blueprint.response(200, CompanyOut)
@doors.open_to("key", "settings.read")
def company() -> Any:
    """Show the company the key belongs to."""
    shown = settings.shown()
    return shown, 200, {"ETag": f'"{entrance.etag(shown["id"], shown["updated_at"])}"'}
