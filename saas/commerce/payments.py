"""Payments as people look for them: by state, account, customer and order, a page at a time and summed up by currency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from saas.commerce.payment_models import PAYMENT_STATES, Dispute, Payment, PaymentAccount, PaymentRefund
from saas.kit import access, errors, pages, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _

STATES = PAYMENT_STATES
NEWEST = ((Payment.at, "desc"), (Payment.id, "desc"))
TELLING = frozenset({"total", "refunded", "number", "customer_id"})
MOST_SUMMED = 5_000
"""A sum over more than so many, each somewhere else on the disk, is no matter of an instant."""
"""Fields of orders that payments tell of: who must not see one of them sees no payments."""


class NoSuchPayment(errors.NotFound):
    """There is no such payment."""


class NotShown(errors.Forbidden):
    """Whoever must not see what orders come to sees no payments."""


def visible() -> bool:
    """Tell whether the acting person may see payments."""
    return access.may("orders.read") and not access.hidden("order") & TELLING


def require_visible() -> None:
    """Raise NotShown for who must not see what orders come to."""
    if not visible():
        raise NotShown(_("Your role hides what orders come to, so payments are hidden too."))


def one(payment_id: UUID | str) -> Payment:
    """Return a payment; raises NoSuchPayment."""
    return kit_db.one(Payment, payment_id, NoSuchPayment)


def narrowed(
    query: Select, *, state: str | None = None, customer_id: UUID | None = None, order_id: UUID | None = None,
    account_id: UUID | None = None, currency: str | None = None, joined: bool | None = None, disputed: bool | None = None,
    since: datetime | None = None, until: datetime | None = None, words: str | None = None,
) -> Select:  # fmt: skip
    """Return the select with only the payments wanted. `joined`: whether an order is known; `words` is an order's number, an
    address, or an id at the vendor, each in full."""
    for column, value in (
        (Payment.state, state), (Payment.customer_id, customer_id), (Payment.order_id, order_id), (Payment.account_id, account_id),
        (Payment.currency, currency),
    ):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    if joined is not None:
        query = query.where(Payment.order_id.is_not(None) if joined else Payment.order_id.is_(None))
    if disputed is not None:
        query = query.where(Payment.disputed.is_(disputed))
    if since is not None:
        query = query.where(Payment.at >= since)
    if until is not None:
        query = query.where(Payment.at < until)
    if words:
        word = text.clean(words, most=200)
        query = query.where(
            (Payment.number == word.lstrip("#")) | (Payment.email == word.lower()) | (Payment.key == word) | (Payment.charge == word)
        )  # fmt: skip
    return query


def listed(*, cursor: str | None = None, limit: int = pages.LIMIT, **wanted: Any) -> pages.Page:
    """Return one page of payments, newest first; `wanted` is what `narrowed` takes. Raises BadCursor."""
    return pages.page(narrowed(select(Payment), **wanted), order=NEWEST, cursor=cursor, limit=limit)


def summed(*, most: int = MOST_SUMMED, **wanted: Any) -> list[dict[str, Any]]:
    """Return what the newest `most` of these payments come to, one entry for each currency, the largest first: how many, how
    many failed, and in minor units what was received and given back."""
    newest = narrowed(
        select(Payment.currency, Payment.state, Payment.received_amount, Payment.refunded_amount), **wanted
    )
    found = newest.order_by(Payment.at.desc()).limit(most).subquery().c
    query = select(
        found.currency, func.count(), func.count().filter(found.state == "failed"), func.count().filter(found.state == "succeeded"),
        func.coalesce(func.sum(found.received_amount), 0), func.coalesce(func.sum(found.refunded_amount), 0),
    ).group_by(found.currency)  # fmt: skip
    rows = [
        {"currency": currency, "payments": count, "failed": failed, "succeeded": succeeded, "received": int(received), "refunded": int(refunded)}
        for currency, count, failed, succeeded, received, refunded in db.session.execute(query)
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row["payments"], row["currency"]))


def of_order(order_id: UUID) -> list[Payment]:
    """Return an order's payments, newest first."""
    return list(db.session.scalars(select(Payment).where(Payment.order_id == order_id).order_by(Payment.at.desc(), Payment.id.desc())))  # fmt: skip


def of_customer(customer_id: UUID, *, limit: int = 5) -> list[Payment]:
    """Return a customer's newest payments that failed or are disputed."""
    query = select(Payment).where(Payment.customer_id == customer_id, (Payment.state == "failed") | Payment.disputed)
    return list(db.session.scalars(query.order_by(Payment.at.desc()).limit(limit)))


def refunds_of(payment_ids: Sequence[UUID]) -> list[PaymentRefund]:
    """Return the refunds of payments, newest first."""
    query = select(PaymentRefund).where(PaymentRefund.payment_id.in_(list(payment_ids)))
    return list(db.session.scalars(query.order_by(PaymentRefund.at.desc()))) if payment_ids else []


def disputes_of(payment_ids: Sequence[UUID]) -> list[Dispute]:
    """Return the disputes of payments, newest first."""
    query = select(Dispute).where(Dispute.payment_id.in_(list(payment_ids)))
    return list(db.session.scalars(query.order_by(Dispute.opened_at.desc()))) if payment_ids else []


def many(payment_ids: Sequence[UUID]) -> dict[UUID, Payment]:
    """Return payments by their id."""
    query = select(Payment).where(Payment.id.in_(list(payment_ids)))
    return {row.id: row for row in db.session.scalars(query)} if payment_ids else {}


def dashboard(account: PaymentAccount, what: str, key: str) -> str:
    """Return where an object is seen in the vendor's own dashboard."""
    test = "" if account.live else "test/"
    return f"https://dashboard.stripe.com/{account.account}/{test}{what}/{key}"
