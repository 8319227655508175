"""Mailings that are under way, as rows, for tests of what the plan does to them."""

from __future__ import annotations

from uuid import UUID

from saas.kit.db import db
from saas.marketing import campaigns, mailings
from saas.marketing.models import Campaign, Mailing


def running_mailing(*, state: str = "sending") -> UUID:
    """Add a campaign whose mailing is being sent, or was paused by somebody, and return the mailing's id."""
    campaign = Campaign(name="News", state=state, compiled={})
    db.session.add(campaign)
    db.session.flush()
    mailing = Mailing(
        campaign_id=campaign.id, state=state, name="News", compiled={}, definition={}, sender_email="shop@example.com",
        holdout_percent=0,
    )  # fmt: skip
    db.session.add(mailing)
    db.session.flush()
    return mailing.id


def state_of(mailing_id: UUID) -> tuple[str, str, str]:
    """Return the states of a mailing and its campaign, and who holds it."""
    mailing = mailings.one(mailing_id)
    return mailing.state, campaigns.one(mailing.campaign_id).state, mailing.held_by
