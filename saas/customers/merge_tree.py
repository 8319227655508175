"""Who became part of whom: merges in force form trees, and every customer that was merged has one holder now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import or_, select

from saas.customers.models import CustomerMerge
from saas.kit import belongings, errors
from saas.kit import db as kit_db
from saas.kit.db import db

TABLE = "customers"
APART = ("duplicate_pairs",)
"""Tables whose rows are about a customer as it was, and never become another's."""


class NoSuchMerge(errors.NotFound):
    """There is no such merge."""


def one(merge_id: UUID | str, *, lock: bool = False) -> CustomerMerge:
    """Return a merge; raises NoSuchMerge."""
    return kit_db.one(CustomerMerge, merge_id, NoSuchMerge, lock=lock)


def into(customer_ids: Iterable[UUID]) -> list[CustomerMerge]:
    """Return the merges in force that made others part of these customers, the oldest first."""
    wanted = list(customer_ids)
    query = select(CustomerMerge).where(CustomerMerge.winner_id.in_(wanted), CustomerMerge.undone_at.is_(None))
    return list(db.session.scalars(query.order_by(CustomerMerge.id))) if wanted else []


def of(loser_id: UUID) -> CustomerMerge | None:
    """Return the merge in force that made a customer part of another, or None."""
    query = select(CustomerMerge).where(CustomerMerge.loser_id == loser_id, CustomerMerge.undone_at.is_(None))
    return db.session.scalars(query).one_or_none()


def below(*customer_ids: UUID) -> list[CustomerMerge]:
    """Return every merge in force under these customers, however deep."""
    found: list[CustomerMerge] = []
    level = list(customer_ids)
    while merges := into(level):
        found += merges
        level = [merge.loser_id for merge in merges]
    return found


def holder(customer_id: UUID) -> UUID:
    """Return who a customer is part of now: the end of the chain of merges, or the customer itself."""
    while (merge := of(customer_id)) is not None:
        customer_id = merge.winner_id
    return customer_id


def winner_of(customer_id: UUID | str) -> UUID | None:
    """Return who a customer that was merged is part of now, or None when it was not merged."""
    try:
        wanted = UUID(str(customer_id))
    except ValueError:
        return None
    found = holder(wanted)
    return found if found != wanted else None


def about(customer_id: UUID) -> list[CustomerMerge]:
    """Return all merges a customer's page tells of: those under it, the newest first."""
    return sorted(below(customer_id), key=lambda merge: merge.id, reverse=True)


def ever(customer_ids: Sequence[UUID]) -> list[CustomerMerge]:
    """Return all merges, undone ones too, that name one of these customers."""
    named = or_(CustomerMerge.winner_id.in_(customer_ids), CustomerMerge.loser_id.in_(customer_ids))
    return list(db.session.scalars(select(CustomerMerge).where(named).order_by(CustomerMerge.id)))


def note_came(table: str, rows: Iterable[tuple[UUID, UUID, UUID]], *, column: str = "customer_id") -> None:
    """Write down rows (id, customer, origin) that came after a merge by a former self's name: with it they will go again."""
    by_origin: dict[tuple[UUID, UUID], list[UUID]] = {}
    for row_id, customer_id, origin_id in rows:
        by_origin.setdefault((customer_id, origin_id), []).append(row_id)
    for (customer_id, origin_id), ids in by_origin.items():
        merge = of(origin_id)
        if merge is not None:
            belongings.note_moved(merge.id, table, ids, column=column, source=origin_id, target=customer_id)
