"""Campaigns as they are written: made, changed, deleted. What happens when one is sent stands in `launching`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from saas.audiences import segments
from saas.commerce import coupons
from saas.customers import purposes
from saas.kit import db as kit_db
from saas.kit import errors, mail_headers, search, text
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.marketing import people, rendering, templates
from saas.marketing.models import CAMPAIGN_STATES, Campaign
from saas.tenancy import audit, bin, tenants

MOST_HELD_OUT = 50
CHANGEABLE = ("draft", "scheduled")
WRITTEN = ("subject", "source", "text_source")
NEWEST = ((Campaign.updated_at, "desc"), (Campaign.id, "desc"))


class NoSuchCampaign(errors.NotFound):
    """There is no such campaign."""


class BadCampaign(errors.Invalid):
    """A field of the campaign is out of range."""


class NotChangeable(errors.Conflict):
    """What was sent stays as it is."""

    code, message = "campaign_sent", "This campaign was sent; copy it to write another one."


def one(campaign_id: UUID | str, *, lock: bool = False) -> Campaign:
    """Return a campaign; raises NoSuchCampaign."""
    return kit_db.one(Campaign, campaign_id, NoSuchCampaign, lock=lock)


def listed(*, state: str | None = None, name: str = "") -> Select:
    """Return a select of campaigns, of one state or of all, whose name holds this."""
    query = select(Campaign).where(Campaign.state == state) if state else select(Campaign)
    return query.where(Campaign.name.icontains(name, autoescape=True)) if name else query


def by_state() -> dict[str, int]:
    """Return how many campaigns are in which state."""
    return dict(db.session.execute(select(Campaign.state, func.count()).group_by(Campaign.state)).all())


def create(*, name: str, **fields: Any) -> Campaign:
    """Make a campaign; takes the fields of `change`. Raises BadCampaign, NoSuchSegment or NoSuchTemplate."""
    campaign = Campaign(name=_name(name), language=_language())
    _fill(campaign, fields)
    db.session.add(campaign)
    db.session.flush()
    search.touch("campaign", campaign.id)
    audit.record(action="campaigns.created", kind="campaign", record_id=campaign.id, after={"name": campaign.name})
    return campaign


def change(campaign_id: UUID | str, **fields: Any) -> Campaign:
    """Change a campaign that was not sent yet.

    Fields: name, segment_id, coupon_id, template_id, subject, source (MJML or HTML with Liquid), text_source, language,
    sender_name, reply_to, holdout_percent (0 to 50), purpose (what its readers agreed to), without_disputed (who has an open
    dispute gets no mail), scheduled_at. A faulty template is kept, with its problems, and
    cannot be sent.
    Raises NoSuchCampaign, NotChangeable, BadCampaign, NoSuchSegment, NoSuchCoupon or NoSuchTemplate.
    """
    campaign = one(campaign_id, lock=True)
    if campaign.state not in CHANGEABLE:
        raise NotChangeable(_(NotChangeable.message))
    held = written(campaign)
    if fields.get("name") is not None:
        campaign.name = _name(fields["name"])
    _fill(campaign, fields)
    campaign.version += 1
    db.session.flush()
    search.touch("campaign", campaign.id)
    before, after = audit.differing(held, written(campaign))
    if after:
        audit.record(action="campaigns.edited", kind="campaign", record_id=campaign.id, before=before, after=after)
    return campaign


def delete(campaign_id: UUID | str) -> None:
    """Put a campaign that is not being sent into the bin, with its mailing and results; raises NoSuchCampaign or
    NotChangeable.
    """
    campaign = one(campaign_id, lock=True)
    if campaign.state in ("sending", "paused"):
        raise NotChangeable(_("This campaign is being sent. Stop it before you delete it."))
    audit.record(action="campaigns.deleted", kind="campaign", record_id=campaign.id, before=_told(campaign))
    bin.put("campaign", {campaign.id: campaign.name})


def copy(campaign_id: UUID | str) -> Campaign:
    """Make a new draft with what is written in a campaign; raises NoSuchCampaign."""
    held = one(campaign_id)
    names = (
        "segment_id",
        "template_id",
        "coupon_id",
        *WRITTEN,
        "language",
        "sender_name",
        "reply_to",
        "holdout_percent",
        "without_disputed",
    )
    if held.purpose in {one.key for one in purposes.mailed()}:
        names = (*names, "purpose")
    return create(name=_("%(name)s (copy)", name=held.name), **{name: getattr(held, name) for name in names})


def compile_written(
    *, subject: str, source: str, text_source: str, language: str, sample: dict[str, Any] | None = None
) -> rendering.Compiled:
    """Compile what a marketer wrote; the faults are in its `problems`."""
    return rendering.compile(
        subject=subject,
        body=source,
        text=text_source,
        language=language,
        sample=sample or people.SAMPLE | people.company(),
    )


def _fill(campaign: Campaign, fields: dict[str, Any]) -> None:
    if "segment_id" in fields:
        campaign.segment_id = segments.one(fields["segment_id"]).id if fields["segment_id"] else None
    if "coupon_id" in fields:
        campaign.coupon_id = coupons.one(fields["coupon_id"]).id if fields["coupon_id"] else None
    if fields.get("template_id"):
        _take_template(campaign, fields)
    wrong: dict[str, list[str]] = {}
    _fill_texts(campaign, fields, wrong)
    if fields.get("holdout_percent") is not None:
        if not 0 <= fields["holdout_percent"] <= MOST_HELD_OUT:
            wrong["holdout_percent"] = [_("Hold back between 0 and %(most)s percent.", most=MOST_HELD_OUT)]
        else:
            campaign.holdout_percent = fields["holdout_percent"]
    if fields.get("without_disputed") is not None:
        campaign.without_disputed = fields["without_disputed"]
    if fields.get("purpose") is not None and fields["purpose"] != campaign.purpose:
        if fields["purpose"] not in {one.key for one in purposes.mailed()}:
            wrong["purpose"] = [_("Choose one of the purposes that mails are sent for.")]
        else:
            campaign.purpose = fields["purpose"]
    if wrong:
        raise BadCampaign(fields=wrong)
    if any(fields.get(name) is not None for name in (*WRITTEN, "language", "template_id")) or not campaign.compiled:
        made = compile_written(
            subject=campaign.subject or "",
            source=campaign.source or "",
            text_source=campaign.text_source or "",
            language=campaign.language,
        )
        campaign.compiled = made.dump()


def _take_template(campaign: Campaign, fields: dict[str, Any]) -> None:
    design = templates.one(fields["template_id"])
    campaign.template_id = design.id
    for name in WRITTEN:
        if not fields.get(name):
            setattr(campaign, name, getattr(design, name))


def _fill_texts(campaign: Campaign, fields: dict[str, Any], wrong: dict[str, list[str]]) -> None:
    for name, most in (("subject", 500), ("source", 300_000), ("text_source", 300_000), ("language", 12)):
        if fields.get(name) is not None:
            setattr(campaign, name, text.clean(fields[name], most=most))
    for name in ("sender_name", "reply_to"):
        if fields.get(name) is None:
            continue
        value = text.clean(fields[name], most=200)
        try:
            mail_headers.mailbox(email=value or "a@b.example", name=name) if name == "reply_to" else mail_headers.text(
                value, name=name
            )
        except (mail_headers.AddressRefused, mail_headers.HeaderRefused) as refusal:
            wrong[name] = [refusal.message]
        setattr(campaign, name, value)


def _name(value: str) -> str:
    name = text.clean(value, most=120)
    if not name:
        raise BadCampaign(fields={"name": [_("Give the campaign a name.")]})
    return name


def _language() -> str:
    return (tenants.settings().languages or ["en"])[0]


def written(campaign: Campaign) -> dict[str, Any]:
    """Return what people write of a campaign, for the trace."""
    names = ("name", *WRITTEN, "language", "sender_name", "reply_to", "holdout_percent", "purpose", "without_disputed")
    return {name: getattr(campaign, name) for name in names} | {
        name: str(getattr(campaign, name) or "") for name in ("segment_id", "coupon_id")
    }


def _told(campaign: Campaign) -> dict[str, Any]:
    """What the trace says of a campaign: the sources by their length only."""
    held = {
        name: getattr(campaign, name)
        for name in ("name", "state", "subject", "sender_name", "reply_to", "holdout_percent")
    }
    return held | {
        "segment_id": str(campaign.segment_id or ""),
        "source_length": len(campaign.source or ""),
        "version": campaign.version,
    }


def moment_ahead(at: datetime, now: datetime) -> datetime:
    """Return a moment to send at; raises BadCampaign when it has passed."""
    if at <= now:
        raise BadCampaign(fields={"scheduled_at": [_("Choose a moment that is still to come.")]})
    return at


STATES = CAMPAIGN_STATES
