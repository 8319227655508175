"""Making sense of what browsers did: who they are, their visits, their carts. Runs soon after the events are stored.

A digest works through the stretch of time in which events are new and makes anew whatever lies in it, so that late,
doubled and shuffled events end in the same state. It holds the browser's row, which the collector also locks first:
events are either read here or announced again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, update

from saas.commerce import carts, live, recognition, visits
from saas.commerce.events import BrowsingDigested
from saas.commerce.models import NO_SOURCE, Shop, Visitor
from saas.customers import joins
from saas.kit import scope, work
from saas.kit.db import db
from saas.kit.events import announce

SAID_EVERY = timedelta(minutes=1)


def digest(visitor: str) -> None:
    """Digest a browser's new events; nothing when there are none left."""
    row = recognition.hold(visitor)
    if row is None or row.announcement is None or row.pending_from is None or row.pending_to is None:
        return
    since, until = row.pending_from, row.pending_to
    moved = recognition.recognise(row, since)
    came, sources = visits.renew(row, since, until)
    filled = carts.renew(row, since, until)
    visits.count(moved | came)
    carts.count(moved | filled)
    row.first_seen_at, row.last_seen_at = min(row.first_seen_at, since), max(row.last_seen_at, until)
    row.announcement = row.pending_from = row.pending_to = None
    db.session.flush()
    _note_shops(sources, until)
    tell_live(row)
    announce(BrowsingDigested(visitors=[visitor]))


def tell_live(row: Visitor) -> None:
    """Have the live session know whose browser it is, once this is committed."""
    tenant_id, visitor, customer_id, proven = scope.tenant_id(), row.visitor, row.customer_id, row.proven
    work.after_commit(lambda: live.bind(tenant_id, visitor, customer_id, proven=proven), key=f"live:{visitor}")


def recognised(visitors: Iterable[str]) -> None:
    """Browsers turned out to be somebody's: their visits and carts become theirs, and the live sessions learn it."""
    visitors = list(visitors)
    rows = recognition.hold_many(visitors)
    joins.derive(visitors)  # again, for two who told of one browser at the same moment did not see each other
    moved = set().union(*(recognition.settle(row) for row in rows))
    visits.count(moved)
    carts.count(moved)
    for row in rows:
        tell_live(row)


def _note_shops(sources: set[UUID], at: datetime) -> None:
    """The shop's page says when its tracker was last heard; to the minute, so that shops do not become a bottleneck."""
    known = sources - {NO_SOURCE}
    if known:
        held = Shop.last_event_at
        heard = (
            update(Shop).where(Shop.id.in_(known), or_(held.is_(None), held < at - SAID_EVERY)).values(last_event_at=at)
        )
        db.session.execute(heard.execution_options(synchronize_session=False))
