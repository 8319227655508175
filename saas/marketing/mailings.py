"""Mailings: what is sent of a campaign, how far it is, and who is in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, or_, select, update

from saas.kit import db as kit_db
from saas.kit import errors
from saas.kit.db import db
from saas.marketing.models import Mailing, MailingRecipient, MailLink

STALE = timedelta(seconds=15)
OPEN_STATES = ("queued", "claimed", "sending")
ORDER = ((MailingRecipient.id, "asc"),)


class NoSuchMailing(errors.NotFound):
    """There is no such mailing."""


class NoSuchRecipient(errors.NotFound):
    """Nobody of that id is in a mailing."""


def one(mailing_id: UUID | str, *, lock: bool = False) -> Mailing:
    """Return a mailing; raises NoSuchMailing."""
    return kit_db.one(Mailing, mailing_id, NoSuchMailing, lock=lock)


def recipient(recipient_id: UUID | str, *, lock: bool = False) -> MailingRecipient:
    """Return somebody's place in a mailing; raises NoSuchRecipient."""
    return kit_db.one(MailingRecipient, recipient_id, NoSuchRecipient, lock=lock)


def of_campaign(campaign_id: UUID) -> Mailing | None:
    """Return a campaign's mailing, or None before it is launched."""
    return db.session.scalars(
        select(Mailing).where(Mailing.campaign_id == campaign_id).order_by(Mailing.id.desc()).limit(1)
    ).first()


def of_campaigns(campaign_ids: Sequence[UUID]) -> dict[UUID, Mailing]:
    """Return the mailings of campaigns by the campaign's id."""
    return {
        mailing.campaign_id: mailing
        for mailing in db.session.scalars(select(Mailing).where(Mailing.campaign_id.in_(campaign_ids)))
    }


def counts(mailing_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Return how many recipients of each mailing are in which state."""
    query = (
        select(MailingRecipient.mailing_id, MailingRecipient.state, func.count())
        .where(MailingRecipient.mailing_id.in_(mailing_ids))
        .group_by(MailingRecipient.mailing_id, MailingRecipient.state)
    )
    found: dict[UUID, dict[str, int]] = {mailing_id: {} for mailing_id in mailing_ids}
    for mailing_id, state, number in db.session.execute(query):
        found[mailing_id][state] = number
    return found


def skipped(mailing_id: UUID) -> dict[str, int]:
    """Return why how many were skipped."""
    query = (
        select(MailingRecipient.reason, func.count())
        .where(MailingRecipient.mailing_id == mailing_id, MailingRecipient.state == "skipped")
        .group_by(MailingRecipient.reason)
    )
    return dict(db.session.execute(query).all())


def recipients(mailing_id: UUID, *, state: str | None = None) -> Select:
    """Return a select of a mailing's recipients, of one state or of all."""
    query = select(MailingRecipient).where(MailingRecipient.mailing_id == mailing_id)
    return query.where(MailingRecipient.state == state) if state else query


def link(mailing_id: UUID, number: int) -> MailLink | None:
    """Return link number so-and-so of a mailing, or None."""
    return db.session.scalars(
        select(MailLink).where(MailLink.mailing_id == mailing_id, MailLink.number == number)
    ).one_or_none()


def add_links(mailing: Mailing, found: Sequence[Any]) -> None:
    """Keep where the links of a mailing lead."""
    db.session.add_all(
        MailLink(mailing_id=mailing.id, number=number, target=item.target, label=item.label, personal=item.personal)
        for number, item in enumerate(found)
    )
    db.session.flush()


def send_unknown_again(mailing: Mailing) -> int:
    """Put those back into the queue of whom nobody knows whether they got the mail; they may get it twice."""
    freed = (
        update(MailingRecipient)
        .where(MailingRecipient.mailing_id == mailing.id, MailingRecipient.state == "unknown")
        .values(state="queued", reason="", worker=None, due_at=func.now())
    )
    return db.session.execute(freed.execution_options(synchronize_session=False)).rowcount


def stalled() -> list[tuple[int, UUID, int]]:
    """Return mailings of all companies that have something to do and nobody at it: tenant, mailing, how many wait.

    For the sweep, in a unit of work over all tenants.
    """
    got = MailingRecipient
    mine = (got.tenant_id == Mailing.tenant_id, got.mailing_id == Mailing.id)
    waiting = (
        select(func.count(got.id))
        .where(*mine, got.state == "queued", got.due_at <= func.now())
        .correlate(Mailing)
        .scalar_subquery()
    )
    lost = exists().where(
        *mine,
        got.state.in_(("claimed", "sending")),
        or_(got.lease_until < func.now(), got.claimed_at < func.pg_postmaster_start_time()),
    )
    open_rows = exists().where(*mine, got.state.in_(OPEN_STATES))
    query = select(Mailing.tenant_id, Mailing.id, waiting).where(
        Mailing.finished_at.is_(None),
        or_(Mailing.progress_at.is_(None), Mailing.progress_at < func.now() - STALE),
        or_(
            Mailing.frozen_at.is_(None),
            Mailing.state == "cancelled",
            lost,
            ~open_rows,
            and_(Mailing.state == "sending", waiting > 0),
        ),
    )
    return [tuple(row) for row in db.session.execute(query)]


def unnoted() -> list[int]:
    """Return the companies with sent mails that profiles were not told of; for the sweep."""
    query = select(MailingRecipient.tenant_id).where(
        MailingRecipient.state == "sent", MailingRecipient.noted_at.is_(None)
    )
    return list(db.session.scalars(query.distinct()))
