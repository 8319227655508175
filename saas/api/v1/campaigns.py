"""Campaigns for programs: written, launched, paused, and what came of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import fields, validate

from saas.api import entrance, shapes
from saas.kit import doors, pages
from saas.marketing import campaigns, launching, letters, mailings, reports, schemas
from saas.marketing.schemas import CampaignIn, CampaignOut, RecipientOut

blueprint = Blueprint("api_campaigns", __name__, description="Mails to segments, and what they caused")


class CampaignQuery(shapes.ListQuery):
    """Which campaigns a list shows."""

    state = fields.String(load_default=None, validate=validate.OneOf(campaigns.STATES))
    name = shapes.Text(120, load_default="", metadata={"description": "what the name holds"})


class RecipientQuery(shapes.ListQuery):
    """Which recipients a list shows."""

    state = fields.String(load_default=None, validate=validate.OneOf(reports.STATES))


class ScheduleIn(shapes.Shape):
    """When to launch."""

    at = fields.AwareDateTime(required=True)


class TestIn(shapes.Shape):
    """Where to send a test, and whom to fill it in for."""

    to = fields.String(required=True, validate=validate.Length(3, 320))
    customer_id = fields.UUID(load_default=None, allow_none=True)


def shown(found: list[Any]) -> list[dict[str, Any]]:
    """Return campaigns with their mailings, in two queries for any number."""
    known = mailings.of_campaigns([campaign.id for campaign in found])
    counts = mailings.counts([mailing.id for mailing in known.values()])
    return [
        schemas.campaign_shown(one, mailing, counts.get(mailing.id) if mailing else None)
        for one in found
        for mailing in [known.get(one.id)]
    ]


def version(campaign: Any) -> str:
    return entrance.etag(campaign.id, campaign.updated_at)


def answered(campaign: Any) -> tuple[dict[str, Any], int, dict[str, str]]:
    return shown([campaign])[0], 200, {"ETag": f'"{version(campaign)}"'}


@blueprint.route("/campaigns")
class Campaigns(MethodView):
    @blueprint.arguments(CampaignQuery, location="query")
    @blueprint.response(200, shapes.page_of(CampaignOut))
    @doors.open_to("key", "campaigns.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List campaigns, the last changed first."""
        select = campaigns.listed(state=query["state"], name=query["name"])
        page = pages.page(select, order=campaigns.NEWEST, cursor=query["cursor"], limit=query["limit"])
        return {"items": shown(page.items), "next": page.next}

    @blueprint.arguments(CampaignIn)
    @blueprint.response(201, CampaignOut)
    @doors.open_to("key", "campaigns.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Make a campaign; a faulty mail is kept, with its problems, and cannot be launched."""
        return shown([campaigns.create(**{"name": ""} | item)])[0]


@blueprint.route("/campaigns/<campaign_id>")
class OneCampaign(MethodView):
    @blueprint.response(200, CampaignOut)
    @doors.open_to("key", "campaigns.read")
    def get(self, campaign_id: UUID) -> Any:
        """Show a campaign; the ETag is its version."""
        return answered(campaigns.one(campaign_id))

    @blueprint.arguments(CampaignIn)
    @blueprint.response(200, CampaignOut)
    @doors.open_to("key", "campaigns.edit")
    def patch(self, item: dict[str, Any], campaign_id: UUID) -> Any:
        """Change the given fields; 409 once it was launched."""
        entrance.require_match(version(campaigns.one(campaign_id, lock=True)))
        return answered(campaigns.change(campaign_id, **item))

    @blueprint.response(204)
    @doors.open_to("key", "campaigns.edit")
    def delete(self, campaign_id: UUID) -> None:
        """Delete a campaign with its results; 409 while it is being sent."""
        entrance.require_match(version(campaigns.one(campaign_id, lock=True)))
        campaigns.delete(campaign_id)


@blueprint.route("/campaigns/<campaign_id>/launch", methods=["POST"])
@blueprint.response(202, CampaignOut)
@doors.open_to("key", "campaigns.send")
def launch(campaign_id: UUID) -> dict[str, Any]:
    """Begin sending: 422 with what has to be put right, 402 when the plan has no room, before anything is sent."""
    launching.launch(campaign_id)
    return shown([campaigns.one(campaign_id)])[0]


@blueprint.route("/campaigns/<campaign_id>/schedule", methods=["POST"])
@blueprint.arguments(ScheduleIn)
@blueprint.response(200, CampaignOut)
@doors.open_to("key", "campaigns.send")
def schedule(item: dict[str, Any], campaign_id: UUID) -> dict[str, Any]:
    """Have it launched at a moment to come."""
    return shown([launching.schedule(campaign_id, at=item["at"])])[0]


@blueprint.route("/campaigns/<campaign_id>/pause", methods=["POST"])
@blueprint.response(200, CampaignOut)
@doors.open_to("key", "campaigns.send")
def pause(campaign_id: UUID) -> dict[str, Any]:
    """Stop after at most ten more mails, until it is resumed."""
    return shown([launching.pause(campaign_id)])[0]


@blueprint.route("/campaigns/<campaign_id>/resume", methods=["POST"])
@blueprint.response(200, CampaignOut)
@doors.open_to("key", "campaigns.send")
def resume(campaign_id: UUID) -> dict[str, Any]:
    """Go on sending."""
    return shown([launching.resume(campaign_id)])[0]


@blueprint.route("/campaigns/<campaign_id>/cancel", methods=["POST"])
@blueprint.response(200, CampaignOut)
@doors.open_to("key", "campaigns.send")
def cancel(campaign_id: UUID) -> dict[str, Any]:
    """Send no more of it; a scheduled one becomes a draft again."""
    return shown([launching.cancel(campaign_id)])[0]


@blueprint.route("/campaigns/<campaign_id>/copy", methods=["POST"])
@blueprint.response(201, CampaignOut)
@doors.open_to("key", "campaigns.edit")
def copy(campaign_id: UUID) -> dict[str, Any]:
    """Make a new draft with what is written in a campaign."""
    return shown([campaigns.copy(campaign_id)])[0]


@blueprint.route("/campaigns/<campaign_id>/again", methods=["POST"])
@blueprint.response(202, CampaignOut)
@doors.open_to("key", "campaigns.send")
def again(campaign_id: UUID) -> dict[str, Any]:
    """Send once more to those of whom nobody knows whether they got it (state `unknown`); some may get it twice."""
    launching.send_unknown_again(campaign_id)
    return shown([campaigns.one(campaign_id)])[0]


@blueprint.route("/campaigns/<campaign_id>/test", methods=["POST"])
@blueprint.arguments(TestIn)
@blueprint.response(204)
@doors.open_to("key", "campaigns.send")
def test(item: dict[str, Any], campaign_id: UUID) -> None:
    """Send it to one address as it is now; nothing of it is counted or tracked."""
    letters.send_test(campaign_id, to=item["to"], customer_id=item["customer_id"])


@blueprint.route("/campaigns/<campaign_id>/report")
@doors.open_to("key", "campaigns.read")
def report(campaign_id: UUID) -> dict[str, Any]:
    """Tell what came of it: figures, links, orders, and the lift over those held out with its 95% interval."""
    mailing = mailings.of_campaign(campaigns.one(campaign_id).id)
    if mailing is None:
        raise mailings.NoSuchMailing
    return reports.shown(reports.of(mailing))


@blueprint.route("/campaigns/<campaign_id>/recipients")
@blueprint.arguments(RecipientQuery, location="query")
@blueprint.response(200, shapes.page_of(RecipientOut))
@doors.open_to("key", "campaigns.read")
def recipients(query: dict[str, Any], campaign_id: UUID) -> dict[str, Any]:
    """List who is in it, who got it, and why not."""
    mailing = mailings.of_campaign(campaigns.one(campaign_id).id)
    if mailing is None:
        return {"items": [], "next": None}
    select = mailings.recipients(mailing.id, state=query["state"])
    page = pages.page(select, order=mailings.ORDER, cursor=query["cursor"], limit=query["limit"])
    return {"items": [schemas.recipient_shown(row) for row in page.items], "next": page.next}
