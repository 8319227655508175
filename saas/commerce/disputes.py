"""Disputes as people look for them: those that wait for an answer first, by when it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from saas.commerce.payment_models import Dispute, PaymentAccount
from saas.kit import clock, errors, pages
from saas.kit import db as kit_db
from saas.kit.db import db

NEWEST = ((Dispute.opened_at, "desc"), (Dispute.id, "desc"))
SOON = timedelta(days=5)
OPEN = ("needs_answer", "under_review")


class NoSuchDispute(errors.NotFound):
    """There is no such dispute."""


def one(dispute_id: UUID | str) -> Dispute:
    """Return a dispute; raises NoSuchDispute."""
    return kit_db.one(Dispute, dispute_id, NoSuchDispute)


def narrowed(
    query: Select, *, state: str | None = None, open: bool | None = None, customer_id: UUID | None = None,
    since: datetime | None = None, until: datetime | None = None,
) -> Select:  # fmt: skip
    """Return the select with only the disputes wanted."""
    if state is not None:
        query = query.where(Dispute.state == state)
    if open is not None:
        query = query.where(Dispute.state.in_(OPEN) if open else Dispute.state.not_in(OPEN))
    if customer_id is not None:
        query = query.where(Dispute.customer_id == customer_id)
    if since is not None:
        query = query.where(Dispute.opened_at >= since)
    return query if until is None else query.where(Dispute.opened_at < until)


def listed(*, cursor: str | None = None, limit: int = pages.LIMIT, **wanted: Any) -> pages.Page:
    """Return one page of disputes, newest first; `wanted` is what `narrowed` takes. Raises BadCursor."""
    return pages.page(narrowed(select(Dispute), **wanted), order=NEWEST, cursor=cursor, limit=limit)


def is_open(customer: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Return whether a payment of a customer is disputed and not decided yet, looked up customer by customer."""
    query = select(1).select_from(Dispute).where(Dispute.customer_id == customer, Dispute.state.in_(OPEN))
    return query.correlate_except(Dispute).exists()


def to_answer(*, limit: int = 20) -> list[Dispute]:
    """Return the disputes that wait for an answer, the one that is due first at the top."""
    query = select(Dispute).where(Dispute.state == "needs_answer")
    return list(db.session.scalars(query.order_by(Dispute.due_at.asc().nulls_last(), Dispute.id).limit(limit)))


@dataclass(frozen=True)
class Waiting:
    """How many disputes wait for an answer, when the first is due, and the accounts in trouble by id with their names."""

    disputes: int
    first: datetime | None
    troubled: dict[UUID, str]


def waiting() -> Waiting:
    """Return what of the payments waits for somebody, in one question: of accounts that are connected."""
    due = [Dispute.state == "needs_answer", (Dispute.due_at.is_(None)) | (Dispute.due_at > clock.now())]
    count = select(func.count()).select_from(Dispute).where(*due).scalar_subquery()
    first = select(func.min(Dispute.due_at)).where(*due).scalar_subquery()
    accounts = select(PaymentAccount.id, PaymentAccount.name, PaymentAccount.trouble, count, first)
    rows = db.session.execute(accounts.where(PaymentAccount.removed_at.is_(None)).order_by(PaymentAccount.id)).all()
    troubled = {account: name for account, name, trouble, _count, _first in rows if trouble}
    return Waiting(rows[0][3] if rows else 0, rows[0][4] if rows else None, troubled)
