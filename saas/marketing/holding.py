"""Mailings of a company that may not write: they rest while its plan is not paid or it is closed, and go on by themselves.

Only what was being sent is held, and only what was held goes on: what a person paused stays paused.
"""

from __future__ import annotations

from sqlalchemy import select

from saas.kit.db import db
from saas.kit.events import announce
from saas.marketing import campaigns
from saas.marketing.events import MailingChanged
from saas.marketing.models import Mailing
from saas.tenancy import audit, tenants

PLAN = "plan"


def follow_state() -> int:
    """Hold or let go the bound company's mailings as its state says now; returns how many changed."""
    return _hold() if tenants.current().state != "active" else _let_go()


def _hold() -> int:
    running = select(Mailing).where(Mailing.state == "sending", Mailing.finished_at.is_(None)).with_for_update()
    rows = list(db.session.scalars(running))
    for mailing in rows:
        mailing.state, mailing.held_by = "paused", PLAN
        campaigns.one(mailing.campaign_id, lock=True).state = "paused"
        audit.record(action="campaigns.held", kind="campaign", record_id=mailing.campaign_id, after={"because": PLAN})
    db.session.flush()
    return len(rows)


def _let_go() -> int:
    held = select(Mailing).where(Mailing.held_by == PLAN, Mailing.finished_at.is_(None)).with_for_update()
    rows = list(db.session.scalars(held))
    for mailing in rows:
        mailing.held_by = ""
        if mailing.state == "paused":
            mailing.state = "sending"
            campaigns.one(mailing.campaign_id, lock=True).state = "sending"
            announce(MailingChanged(mailing_id=str(mailing.id)))
            audit.record(action="campaigns.went_on", kind="campaign", record_id=mailing.campaign_id)
    db.session.flush()
    return len(rows)
