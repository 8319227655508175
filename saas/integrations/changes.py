"""What changed, in an order in which nothing can be missed: for programs that keep a copy.

The feed reads the outbox. Its place is the transaction that wrote a change and not a time or an id, for both are known before
the commit, so that a slow transaction would appear behind a reader who has passed already. Only what was written by
transactions older than the oldest one still at work is shown; so a place, once passed, is complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text, cast, func, literal, select, tuple_

from saas.kit import clock, errors, pages
from saas.kit.db import db
from saas.kit.outbox import OutboxEvent

KEPT = timedelta(days=7)
"""How long the outbox keeps what is done (`outbox.tidy`)."""
TOLD = {
    "CustomersChanged": ("customer", "changed", "customer_ids"),
    "CustomersBinned": ("customer", "deleted", "customer_ids"),
    "OrdersRecorded": ("order", "changed", "order_ids"),
    "OrdersBinned": ("order", "deleted", "order_ids"),
    "ProductsChanged": ("product", "changed", "product_ids"),
}
KINDS = tuple(dict.fromkeys(kind for kind, _change, _field in TOLD.values()))


class Expired(errors.Refusal):
    """The place is older than what is kept, or of a database that was restored since."""

    status, code = 410, "cursor_expired"
    message = "This cursor is too old: list everything once and then follow the feed from now."


@dataclass(frozen=True)
class Feed:
    """Some changes, where to go on, and whether there are more already."""

    items: list[dict[str, Any]]
    next: str
    more: bool


def since(cursor: str | None, *, kinds: tuple[str, ...] = KINDS, limit: int = pages.MOST) -> Feed:
    """Return what changed after a place, oldest first; without one, from the oldest that is kept.

    A record that changed several times in one page stands there once, at its last change. Raises BadCursor or Expired.
    """
    xact, event_id, offset = _place(cursor)
    horizon = _horizon()
    names = [name for name, (kind, _change, _field) in TOLD.items() if kind in kinds]
    query = (
        select(OutboxEvent)
        .where(OutboxEvent.xact < horizon, OutboxEvent.name.in_(names))
        .where(tuple_(OutboxEvent.xact, OutboxEvent.id) >= tuple_(literal(xact, BigInteger), literal(event_id)))
        .order_by(OutboxEvent.xact, OutboxEvent.id)
    )
    items: dict[tuple[str, str], dict[str, Any]] = {}
    place, more = (xact, event_id, offset), False
    for event in db.session.scalars(query.limit(limit + 1)):
        kind, change, field = TOLD[event.name]
        ids = event.payload[field]
        ids = ids if isinstance(ids, list) else [ids]
        begin = offset if (event.xact, event.id) == (xact, event_id) else 0
        room = limit - len(items)
        if begin < len(ids) and room <= 0:
            more = True
            break
        taken = ids[begin : begin + room]
        for record_id in taken:
            items.pop((kind, record_id), None)
            items[kind, record_id] = {"kind": kind, "id": record_id, "change": change, "at": event.announced_at}
        place = (event.xact, event.id, begin + len(taken))
        if begin + len(taken) < len(ids):
            more = True
            break
    return Feed(list(items.values()), _cursor(*place), more)


def now() -> str:
    """Return the place after everything that has certainly happened."""
    return _cursor(_horizon(), UUID(int=0), 0)


def _horizon() -> int:
    """Return the oldest transaction that is still writing; all before it have ended."""
    oldest = cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger)
    return db.session.scalar(select(oldest))


def _cursor(xact: int, event_id: UUID, offset: int) -> str:
    return pages.encode([xact, event_id, offset, clock.now()])


def _place(cursor: str | None) -> tuple[int, UUID, int]:
    if cursor is None:
        return 0, UUID(int=0), 0
    xact, event_id, offset, made_at = pages.decode(cursor, [int, UUID, int, datetime])
    newest = db.session.scalar(select(cast(cast(func.pg_snapshot_xmax(func.pg_current_snapshot()), Text), BigInteger)))
    if not 0 <= xact <= newest or made_at < clock.now() - KEPT or offset < 0:
        raise Expired
    return xact, event_id, offset
