"""The company's plan for programs: what it allows and how much of it is used."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from saas.billing import accounts, usage
from saas.commerce import meter, shops
from saas.customers import profiles
from saas.kit import doors
from saas.tenancy import limits, tenants

blueprint = Blueprint("api_plan", __name__, description="The plan, its limits and their use")


class Limit(Schema):
    """One thing the plan counts."""

    used = fields.Integer()
    most = fields.Integer(allow_none=True, metadata={"description": "null: without limit"})


class Limits(Schema):
    """Everything the plan counts."""

    contacts = fields.Nested(Limit)
    mails_month = fields.Nested(Limit)
    events_month = fields.Nested(Limit)
    shops = fields.Nested(Limit)
    members = fields.Nested(Limit)


class PlanOut(Schema):
    """How the company stands."""

    plan = fields.String(
        allow_none=True, metadata={"description": "free, growth, scale, or null where limits were agreed"}
    )
    standing = fields.String(metadata={"description": "free, trialing, active, past_due or unpaid"})
    state = fields.String(metadata={"description": "active or read_only; what is read-only can be read and exported"})
    renews_at = fields.DateTime(allow_none=True)
    ends_at = fields.DateTime(allow_none=True)
    seats = fields.Integer(metadata={"description": "people paid for beyond the plan's own number"})
    grace_until = fields.DateTime(
        allow_none=True, metadata={"description": "while past_due: when the company becomes read_only"}
    )
    limits = fields.Nested(Limits)


@blueprint.route("/plan")
class ThePlan(MethodView):
    @blueprint.response(200, PlanOut)
    @doors.open_to("key", "plan.read")
    def get(self) -> dict[str, Any]:
        """Show the plan, its limits and how much of each is used."""
        account, allowed = accounts.current(), limits.all_limits()
        mine = usage.plan(account, allowed=allowed)
        uses = usage.measured(
            contacts=profiles.count(), shops=shops.count(), allowed=allowed, events_waiting=meter.waiting()
        )
        return {
            "plan": mine.key if mine else None, "standing": account.standing if account else "free",
            "state": tenants.current().state, "renews_at": account and account.renews_at, "ends_at": account and account.ends_at,
            "seats": account.seats if account else 0, "grace_until": account and account.grace_until,
            "limits": {use.name: {"used": use.used, "most": use.most} for use in uses},
        }  # fmt: skip
