"""Campaigns as the search box finds them: by their name and subject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select

from saas.kit.db import db
from saas.kit.search import Record
from saas.marketing.models import Campaign


def records(ids: Sequence[UUID] | None) -> Iterator[Record]:
    """Yield the records of these campaigns, or of all."""
    query = select(Campaign).order_by(Campaign.id)
    if ids is not None:
        query = query.where(Campaign.id.in_(ids))
    for campaign in db.session.scalars(query.execution_options(yield_per=500)):
        names = (campaign.name, campaign.subject)
        yield Record(kind="campaign", id=campaign.id, title=campaign.name, subtitle=campaign.subject, names=names)
