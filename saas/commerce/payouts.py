"""Payouts as people look at them: money on its way to the bank, and of which payments, refunds and fees it is made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select

from saas.commerce.payment_models import Dispute, Payment, PaymentRefund, Payout, PayoutLine
from saas.kit import db as kit_db
from saas.kit import errors, pages
from saas.kit.db import db

NEWEST = ((Payout.made_at, "desc"), (Payout.id, "desc"))
LINES = ((PayoutLine.at, "desc"), (PayoutLine.id, "desc"))


class NoSuchPayout(errors.NotFound):
    """There is no such payout."""


def one(payout_id: UUID | str) -> Payout:
    """Return a payout; raises NoSuchPayout."""
    return kit_db.one(Payout, payout_id, NoSuchPayout)


def narrowed(query: Select, *, state: str | None = None, account_id: UUID | None = None, since: datetime | None = None,
             until: datetime | None = None) -> Select:  # fmt: skip
    """Return the select with only the payouts wanted."""
    if state is not None:
        query = query.where(Payout.state == state)
    if account_id is not None:
        query = query.where(Payout.account_id == account_id)
    if since is not None:
        query = query.where(Payout.made_at >= since)
    return query if until is None else query.where(Payout.made_at < until)


def listed(*, cursor: str | None = None, limit: int = pages.LIMIT, **wanted: Any) -> pages.Page:
    """Return one page of payouts, newest first; `wanted` is what `narrowed` takes. Raises BadCursor."""
    return pages.page(narrowed(select(Payout), **wanted), order=NEWEST, cursor=cursor, limit=limit)


def lines(payout_id: UUID, *, cursor: str | None = None, limit: int = 50) -> pages.Page:
    """Return some of what a payout is made of, newest first; the movement of the payout itself is left out."""
    query = select(PayoutLine).where(PayoutLine.payout_id == payout_id, PayoutLine.kind != "payout")
    return pages.page(query, order=LINES, cursor=cursor, limit=limit)


def parts(payout_id: UUID) -> dict[str, Any]:
    """Return what a payout is made of by kind, each with how many, what they come to, the fees and the rest; and `sum`, what all
    of them leave, which is what the payout should be."""
    query = (
        select(PayoutLine.kind, func.count(), func.sum(PayoutLine.amount), func.sum(PayoutLine.fee_amount), func.sum(PayoutLine.net_amount))
        .where(PayoutLine.payout_id == payout_id, PayoutLine.kind != "payout").group_by(PayoutLine.kind)
    )  # fmt: skip
    kinds = [
        {"kind": kind, "count": count, "amount": int(amount), "fee": int(fee), "net": int(net)}
        for kind, count, amount, fee, net in db.session.execute(query)
    ]
    order = ("payment", "refund", "dispute", "fee", "other")
    kinds.sort(key=lambda row: order.index(row["kind"]))
    return {"kinds": kinds, "sum": sum(row["net"] for row in kinds)}


def behind(rows: Sequence[PayoutLine], account_id: UUID) -> dict[str, Payment]:
    """Return the payments that movements came of, by the vendor's id of what they came of."""
    sources = [row.source for row in rows if row.source]
    if not sources:
        return {}
    found: dict[str, Payment] = {}
    direct = select(Payment).where(
        Payment.account_id == account_id, or_(Payment.charge.in_(sources), Payment.key.in_(sources))
    )
    for payment in db.session.scalars(direct):
        found |= {payment.charge: payment, payment.key: payment}
    for model in (PaymentRefund, Dispute):
        query = (
            select(model.key, Payment).join(Payment, (Payment.tenant_id == model.tenant_id) & (Payment.id == model.payment_id))
            .where(model.account_id == account_id, model.key.in_(sources))
        )  # fmt: skip
        found |= dict(db.session.execute(query).all())
    return found
