"""Everything that happened with a customer, in one line. Rooms above push their entries down to here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, Uuid, all_, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from saas.customers.models import TimelineEntry
from saas.kit import access, arrays, identifiers, scope
from saas.kit.db import db

KINDS = (
    "order", "refund", "visit", "cart", "mail_sent", "mail_opened", "mail_clicked", "consent", "note", "identified", "offer", "change", "payment",
    "dispute", "review",
)  # fmt: skip


def add(
    *,
    customer_id: UUID,
    kind: str,
    at: datetime,
    title: str,
    key: str,
    link: str = "",
    details: dict[str, Any] | None = None,
) -> UUID:
    """Add one entry, or renew the one with the same time and key; returns its id."""
    add_many([
        {"customer_id": customer_id, "kind": kind, "at": at, "title": title, "key": key, "link": link, "details": details or {}}
    ])  # fmt: skip
    return identifiers.at(at, str(scope.tenant_id()), kind, key)


def add_many(entries: Sequence[dict[str, Any]]) -> None:
    """Add entries as `add` does; each is a dict of add's arguments."""
    if not entries:
        return
    rows = {}
    for entry in entries:
        entry_id = identifiers.at(entry["at"], str(scope.tenant_id()), entry["kind"], entry["key"])
        rows[entry_id] = {
            "tenant_id": scope.tenant_id(), "id": entry_id, "customer_id": entry["customer_id"], "kind": entry["kind"],
            "at": entry["at"], "title": entry["title"][:500], "link": entry.get("link", ""), "details": entry.get("details") or {},
        }  # fmt: skip
    statement = insert(TimelineEntry)
    renewed = {name: statement.excluded[name] for name in ("customer_id", "title", "link", "details")}
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["tenant_id", "id"], set_=renewed),
        [rows[key] for key in sorted(rows)],
    )


def keep_only(links: Sequence[str], customer_ids: Collection[UUID], entries: Sequence[dict[str, Any]]) -> None:
    """Take out what customers' timelines tell about these links and these entries do not: a time or an owner was told otherwise."""
    named = [identifiers.at(entry["at"], str(scope.tenant_id()), entry["kind"], entry["key"]) for entry in entries]
    kinds = sorted({entry["kind"] for entry in entries})
    stale = delete(TimelineEntry).where(
        TimelineEntry.customer_id == arrays.among(sorted(customer_ids)), TimelineEntry.link == arrays.among(links, Text),
        TimelineEntry.kind.in_(kinds), TimelineEntry.id != all_(arrays.given(named, Uuid)),
    )  # fmt: skip
    db.session.execute(stale.execution_options(synchronize_session=False))


def remove_many(names: Sequence[tuple[str, datetime, str]]) -> None:
    """Take entries (kind, at, key) out again that turned out to be none."""
    if names:
        gone = [identifiers.at(at, str(scope.tenant_id()), kind, key) for kind, at, key in names]
        db.session.execute(
            delete(TimelineEntry).where(TimelineEntry.id.in_(gone)).execution_options(synchronize_session=False)
        )


def give(names: Sequence[tuple[str, datetime, str]], *, holder: UUID, to: UUID) -> None:
    """Give entries (kind, at, key) of one customer to another."""
    if names:
        given = [identifiers.at(at, str(scope.tenant_id()), kind, key) for kind, at, key in names]
        theirs = update(TimelineEntry).where(TimelineEntry.id.in_(given), TimelineEntry.customer_id == holder)
        db.session.execute(theirs.values(customer_id=to).execution_options(synchronize_session=False))


TELLING = frozenset({"number", "status", "placed_at", "total", "refunded"})
"""What the entries of orders and refunds say of them."""


def of(customer_id: UUID, *, kinds: Sequence[str] = ()) -> Select:
    """Return a select of a customer's entries, of some kinds or of all."""
    query = select(TimelineEntry).where(TimelineEntry.customer_id == customer_id)
    if access.hidden("order") & TELLING:
        query = query.where(TimelineEntry.kind.not_in(("order", "refund", "payment", "dispute")))
    return query.where(TimelineEntry.kind.in_(kinds)) if kinds else query


ORDER = ((TimelineEntry.at, "desc"), (TimelineEntry.id, "desc"))
