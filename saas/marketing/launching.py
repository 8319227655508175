"""Sending a campaign: what has to be right before, who will get it, launching, and pause, go on, stop while it runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from saas.audiences import segments
from saas.commerce import coupons, refusal_words
from saas.customers import purposes
from saas.kit import clock, errors, identifiers
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.marketing import campaigns, freezing, mailings, rendering, senders
from saas.marketing.events import MailingChanged, MailingLaunched
from saas.marketing.models import Campaign, Mailing
from saas.tenancy import audit, limits, logins, rights, sending_domain, tenants

A_CODE, WHERE_THERE_IS_ONE = re.compile(r"{{-?\s*coupon\b"), re.compile(r"{%-?\s*if\s+coupon\b")


class NotReady(errors.Invalid):
    """Something has to be put right before the campaign can be sent."""

    code = "campaign_not_ready"


class WrongState(errors.Conflict):
    """That cannot be done with a campaign in this state."""

    code = "campaign_state"


@dataclass(frozen=True)
class Check:
    """One line of the check list; `good` None is a warning that does not stop the sending."""

    key: str
    good: bool | None
    sentence: str


def checks(campaign: Campaign) -> list[Check]:
    """Return what has to be right before a campaign can be sent, line by line."""
    return [
        _sender_check(),
        _segment_check(campaign),
        *_purpose_check(campaign),
        *_mail_checks(campaign),
        _address_check(),
    ]


def _sender_check() -> Check:
    settings = tenants.settings()
    try:
        sending_domain.require_ready()
    except sending_domain.NotVouchedFor as refusal:
        return Check("sender", False, refusal.message)
    if not settings.sender_email:
        return Check("sender", None, _("Mails come from an address of ours; choose your own in the settings."))
    if settings.dkim_verified_at is None:
        sentence = _(
            "Mails come from %(email)s, signed. This is a test: nobody checks its domain.", email=settings.sender_email
        )
        return Check("sender", None, sentence)
    return Check("sender", True, _("Mails come from %(email)s, signed for its domain.", email=settings.sender_email))


def _segment_check(campaign: Campaign) -> Check:
    if campaign.segment_id is None:
        return Check("segment", False, _("Choose who gets it."))
    return Check(
        "segment", True, _("A segment says who gets it: %(name)s.", name=segments.one(campaign.segment_id).name)
    )


def _purpose_check(campaign: Campaign) -> list[Check]:
    """Which consent it needs, when that is not the usual one."""
    if campaign.purpose == purposes.MAIN:
        return []
    purpose = purposes.one(campaign.purpose)
    if purpose.archived or "email" not in purpose.channels:
        return [
            Check(
                "purpose",
                False,
                _("Mails about “%(name)s” are not sent any more. Choose another purpose.", name=purpose.name),
            )
        ]
    return [Check("purpose", True, _("It goes to those who agreed to: %(name)s.", name=purpose.name))]


def _mail_checks(campaign: Campaign) -> list[Check]:
    compiled = rendering.Compiled.load(campaign.compiled) if campaign.compiled else rendering.Compiled()
    if compiled.problems:
        first = compiled.problems[0].sentence
        return [Check("template", False, _("The mail cannot be sent like this: %(fault)s", fault=first))]
    return [
        *_coupon_checks(campaign, compiled),
        Check("template", True, _("The mail can be read and filled in, as HTML and as text.")),
        Check("unsubscribe", True, _("Everybody can unsubscribe with one click.")),
    ]


def _coupon_checks(campaign: Campaign, compiled: rendering.Compiled) -> list[Check]:
    """A mail that brings a code needs a coupon that can be given."""
    if not compiled.coupon and campaign.coupon_id is None:
        return []
    if campaign.coupon_id is None:
        parts = " ".join(filter(None, (campaign.subject, campaign.source, campaign.text_source)))
        if A_CODE.search(parts) and not WHERE_THERE_IS_ONE.search(parts):
            return [Check("coupon", False, _("The mail shows a coupon code. Choose the coupon it comes from."))]
        return [Check("coupon", None, _("No coupon is chosen, so the place for its code is left out."))]
    coupon = coupons.one(campaign.coupon_id)
    try:
        coupons.require_open(coupon)
    except coupons.Stopped as refusal:
        return [Check("coupon", False, _("The coupon cannot be given: %(reason)s", reason=refusal.message))]
    if not compiled.coupon:
        return [Check("coupon", None, _("A coupon is chosen, and the mail does not show its code."))]
    if coupon.trouble:
        return [
            Check(
                "coupon",
                None,
                _(
                    "The shop does not take its codes at the moment: %(reason)s",
                    reason=refusal_words.say(coupon.trouble),
                ),
            )
        ]
    return [Check("coupon", True, _("Everybody gets a code of their own of “%(name)s”.", name=coupon.name))]


def _address_check() -> Check:
    if tenants.settings().address:
        return Check("address", True, _("Your postal address stands at its end."))
    return Check("address", None, _("Your postal address is not known; many countries ask for it in every mail."))


def expected(campaign: Campaign, definition: dict[str, Any] | None) -> dict[str, Any]:
    """Return how many people of a segment a launch would write to, hold out and skip right now.

    About as many, for chance decides anew. Without a definition nobody was chosen yet.
    """
    if definition is None:
        return {"audience": 0, "queued": 0, "held_out": 0, "skipped": {}}
    return freezing.forecast(
        definition,
        mailing_id=campaign.id,
        holdout_percent=campaign.holdout_percent,
        purpose=campaign.purpose,
        without_disputed=campaign.without_disputed,
    )


def launch(campaign_id: UUID | str) -> Mailing:
    """Begin sending a campaign: copy what is written, count who gets it against the plan, have the workers begin.

    Raises NoSuchCampaign, WrongState, NotReady with the first thing to put right, or OverLimit before anything is sent.
    """
    campaign = _ready(campaign_id)
    mailing = _snapshot(campaign)
    mailing.forecast = freezing.forecast(
        mailing.definition,
        mailing_id=mailing.id,
        holdout_percent=mailing.holdout_percent,
        purpose=mailing.purpose,
        without_disputed=mailing.without_disputed,
    )
    if not mailing.forecast["queued"]:
        raise NotReady(
            _("Nobody in this segment can get a mail: everybody is without an address or a consent, or suppressed.")
        )
    _reserve(mailing, mailing.forecast["queued"])
    db.session.add(mailing)
    db.session.flush()
    mailings.add_links(mailing, rendering.Compiled.load(mailing.compiled).links)
    campaign.state, campaign.scheduled_at, campaign.trouble = "sending", None, ""
    db.session.flush()
    announce(MailingLaunched(mailing_id=str(mailing.id)))
    audit.record(action="campaigns.launched", kind="campaign", record_id=campaign.id, after=mailing.forecast)
    return mailing


def _ready(campaign_id: UUID | str) -> Campaign:
    """Lock a campaign that was not launched and has nothing wrong."""
    rights.require_all_rows()
    limits.require_writable()
    logins.require_verified()
    campaign = campaigns.one(campaign_id, lock=True)
    if campaign.state not in campaigns.CHANGEABLE:
        raise WrongState(_("This campaign was launched already."))
    wrong = [check.sentence for check in checks(campaign) if check.good is False]
    if wrong:
        raise NotReady(wrong[0], fields={"campaign": wrong})
    return campaign


def _snapshot(campaign: Campaign) -> Mailing:
    segment, sender = segments.one(campaign.segment_id), senders.current()
    return Mailing(
        id=identifiers.new(),
        campaign_id=campaign.id,
        coupon_id=campaign.coupon_id if rendering.Compiled.load(campaign.compiled).coupon else None,
        state="sending",
        name=campaign.name,
        compiled=campaign.compiled,
        definition=segment.definition,
        segment_name=segment.name,
        sender_email=sender.email,
        sender_name=campaign.sender_name or sender.name,
        reply_to=campaign.reply_to or sender.reply_to,
        holdout_percent=campaign.holdout_percent,
        purpose=campaign.purpose,
        without_disputed=campaign.without_disputed,
        launched_at=clock.now(),
    )


def _reserve(mailing: Mailing, number: int) -> None:
    """Count the mails first and ask then: of two launches at one time the second sees the first's."""
    after = limits.count("mails_month", by=number)
    limits.require("mails_month", used=after - number, wanted=number)
    mailing.reserved = number


def schedule(campaign_id: UUID | str, *, at: datetime) -> Campaign:
    """Have a campaign launched at a moment to come; raises NoSuchCampaign, WrongState, NotReady or BadCampaign."""
    campaign = _ready(campaign_id)
    campaign.scheduled_at, campaign.state, campaign.trouble = campaigns.moment_ahead(at, clock.now()), "scheduled", ""
    db.session.flush()
    audit.record(
        action="campaigns.scheduled",
        kind="campaign",
        record_id=campaign.id,
        after={"at": campaign.scheduled_at.isoformat()},
    )
    return campaign


def unschedule(campaign_id: UUID | str) -> Campaign:
    """Make a scheduled campaign a draft again; raises NoSuchCampaign or WrongState."""
    campaign = campaigns.one(campaign_id, lock=True)
    if campaign.state != "scheduled":
        raise WrongState(_("This campaign is not scheduled."))
    campaign.state, campaign.scheduled_at = "draft", None
    db.session.flush()
    audit.record(action="campaigns.unscheduled", kind="campaign", record_id=campaign.id)
    return campaign


def due_everywhere() -> list[tuple[int, UUID]]:
    """Return the campaigns of all companies whose moment has come; for the sweep, in a unit of work over all
    tenants.
    """
    query = select(Campaign.tenant_id, Campaign.id).where(
        Campaign.state == "scheduled", Campaign.scheduled_at <= clock.now()
    )
    return [tuple(row) for row in db.session.execute(query)]


def refuse(campaign_id: UUID, sentence: str) -> None:
    """Make a scheduled campaign that could not be launched a draft again, with the reason."""
    campaign = campaigns.one(campaign_id, lock=True)
    campaign.state, campaign.scheduled_at, campaign.trouble = "draft", None, sentence
    db.session.flush()


def pause(campaign_id: UUID | str) -> Campaign:
    """Stop sending after at most one handful of mails, until `resume`; raises NoSuchCampaign or WrongState."""
    return _turn(campaign_id, allowed=("sending",), to="paused", sentence=_("Only what is being sent can be paused."))


def resume(campaign_id: UUID | str) -> Campaign:
    """Go on sending; raises NoSuchCampaign or WrongState."""
    return _turn(campaign_id, allowed=("paused",), to="sending", sentence=_("Only a paused campaign can go on."))


def cancel(campaign_id: UUID | str) -> Campaign:
    """Send no more of a campaign; who got it, got it. Raises NoSuchCampaign or WrongState."""
    campaign = campaigns.one(campaign_id, lock=True)
    if campaign.state == "scheduled":
        return unschedule(campaign_id)
    return _turn(
        campaign_id, allowed=("sending", "paused"), to="cancelled", sentence=_("This campaign is not being sent.")
    )


def _turn(campaign_id: UUID | str, *, allowed: tuple[str, ...], to: str, sentence: str) -> Campaign:
    campaign = campaigns.one(campaign_id, lock=True)
    if campaign.state not in allowed:
        raise WrongState(sentence)
    held = mailings.of_campaign(campaign.id)
    if held is not None:
        mailing = mailings.one(held.id, lock=True)
        mailing.state = to
    before, campaign.state = campaign.state, to
    db.session.flush()
    if held is not None and to != "paused":
        announce(MailingChanged(mailing_id=str(held.id)))
    audit.record(
        action=f"campaigns.{to}", kind="campaign", record_id=campaign.id, before={"state": before}, after={"state": to}
    )
    return campaign


def send_unknown_again(campaign_id: UUID | str) -> int:
    """Send once more to those of whom nobody knows whether they got it; returns how many. Raises NoSuchCampaign or
    WrongState.
    """
    campaign = campaigns.one(campaign_id, lock=True)
    held = mailings.of_campaign(campaign.id)
    if held is None or campaign.state == "cancelled":
        raise WrongState(_("This campaign is not being sent."))
    mailing = mailings.one(held.id, lock=True)
    number = mailings.send_unknown_again(mailing)
    if number and mailing.state == "done":
        mailing.state, mailing.finished_at, mailing.progress_at, campaign.state = "sending", None, func.now(), "sending"
    db.session.flush()
    announce(MailingChanged(mailing_id=str(mailing.id)))
    audit.record(
        action="campaigns.unknown_sent_again", kind="campaign", record_id=campaign.id, after={"recipients": number}
    )
    return number
