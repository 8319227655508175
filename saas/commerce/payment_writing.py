"""Writing what a payment vendor answers: each object once, never over a newer answer, and telling what is news.

An answer counts from when it was asked for (`asked_at`), so a page of the past that was long on its way replaces nothing newer,
and whatever order webhooks come in, the rows are what the vendor said last.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from saas.commerce import payment_joining
from saas.commerce.events import (
    DisputeClosed,
    DisputeOpened,
    PayoutFailed,
    ShopperPaymentFailed,
    ShopperPaymentSucceeded,
)
from saas.commerce.payment_models import Dispute, Payment, PaymentAccount, PaymentRefund, Payout, PayoutLine
from saas.kit import clock, identifiers, scope
from saas.kit.db import db
from saas.kit.events import announce

NEWS = timedelta(days=7)
"""What is older is no news: the past starts no journeys."""
OPEN = ("needs_answer", "under_review")
Row = dict[str, Any]


def hold(account_id: UUID, key: str) -> None:
    """Hold one object of an account until the end of the transaction, so that it is asked for by one at a time."""
    name = f"payments:{scope.tenant_id()}:{account_id}:{key}"
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def _write(
    model: Any, account_id: UUID, rows: Sequence[Row], asked_at: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write rows by their key where they are not older than what is here; returns what was held before, by key, and what is
    here now of those that were written."""
    newest = {row["key"]: row for row in rows}
    keys = sorted(newest)
    query = (
        select(model).where(model.account_id == account_id, model.key.in_(keys)).order_by(model.key).with_for_update()
    )
    before = {row.key: {name: getattr(row, name) for name in newest[row.key]} for row in db.session.scalars(query)}
    if not keys:
        return {}, {}
    now = clock.now()
    values = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "account_id": account_id, "asked_at": asked_at, "created_at": now,
         "updated_at": now, **newest[key]} for key in keys
    ]  # fmt: skip
    statement = insert(model)
    renewed = {name: statement.excluded[name] for name in (*newest[keys[0]], "asked_at", "updated_at") if name != "key"}
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", "account_id", "key"],
        set_=renewed,
        where=model.asked_at <= statement.excluded.asked_at,
    )
    db.session.execute(statement, values)
    db.session.expire_all()
    query = select(model).where(model.account_id == account_id, model.key.in_(keys), model.asked_at == asked_at)
    return before, {row.key: row for row in db.session.scalars(query)}


def payments(account: PaymentAccount, rows: Sequence[Row], *, asked_at: datetime, quiet: bool = False) -> int:
    """Write payments, join them to orders and customers, and tell of those that went through or failed; returns how many
    changed."""
    before, now = _write(Payment, account.id, rows, asked_at)
    payment_joining.tie([row.id for row in now.values()])
    changed = 0
    for key, row in now.items():
        old = before.get(key) or {}
        moved = {name for name, value in old.items() if value != getattr(row, name)}
        changed += not old or bool(moved)
        if quiet or row.at < clock.now() - NEWS or (old and not moved & {"state", "charge"}):
            continue
        names = {"payment_id": str(row.id), "order_id": str(row.order_id or ""), "customer_id": str(row.customer_id or "")}  # fmt: skip
        if row.state == "failed":
            announce(ShopperPaymentFailed(**names, failure=row.failure))
        elif row.state == "succeeded" and old.get("state") != "succeeded":
            announce(ShopperPaymentSucceeded(**names))
    return changed


def refunds(account: PaymentAccount, rows: Sequence[Row], *, asked_at: datetime) -> int:
    """Write refunds and tie them to their payments; returns how many changed."""
    before, now = _write(PaymentRefund, account.id, rows, asked_at)
    payment_joining.tie_children(account.id, [row.payment_key for row in now.values()])
    return _changed(before, now)


def disputes(account: PaymentAccount, rows: Sequence[Row], *, asked_at: datetime, quiet: bool = False) -> int:
    """Write disputes, tie them to their payments, and tell of those that were opened or ended; returns how many changed."""
    before, now = _write(Dispute, account.id, rows, asked_at)
    payment_joining.tie_children(account.id, [row.payment_key for row in now.values()])
    for key, row in now.items():
        was = (before.get(key) or {}).get("state")
        names = {"dispute_id": str(row.id), "payment_id": str(row.payment_id or ""), "customer_id": str(row.customer_id or "")}  # fmt: skip
        if not quiet and was is None and row.opened_at >= clock.now() - NEWS:
            announce(DisputeOpened(**names))
        if (
            not quiet
            and row.state not in OPEN
            and (was in OPEN or (was is None and row.opened_at >= clock.now() - NEWS))
        ):
            announce(DisputeClosed(**names, state=row.state))
    return _changed(before, now)


def payouts(account: PaymentAccount, rows: Sequence[Row], *, asked_at: datetime, quiet: bool = False) -> int:
    """Write payouts and tell of those that failed; returns how many changed."""
    before, now = _write(Payout, account.id, rows, asked_at)
    for key, row in now.items():
        was = (before.get(key) or {}).get("state")
        if row.state == "failed" and was != "failed" and not quiet and row.made_at >= clock.now() - 4 * NEWS:
            announce(PayoutFailed(payout_id=str(row.id)))
    return _changed(before, now)


def payout_lines(payout_id: UUID, rows: Sequence[Row], *, whole: bool) -> None:
    """Add what a payout is made of; `whole` once this was the last of it."""
    if rows:
        tenant = scope.tenant_id()
        values = [
            {"tenant_id": tenant, "id": identifiers.new(), "payout_id": payout_id, **row}
            for row in {row["key"]: row for row in rows}.values()
        ]
        statement = insert(PayoutLine)
        renewed = {name: statement.excluded[name] for name in ("kind", "at", "amount", "fee_amount", "net_amount", "source")}  # fmt: skip
        statement = statement.on_conflict_do_update(index_elements=["tenant_id", "payout_id", "key"], set_=renewed)
        db.session.execute(statement, values)
    payout = db.session.scalars(select(Payout).where(Payout.id == payout_id)).one()
    payout.listed = payout.listed or whole
    db.session.flush()


def _changed(before: dict[str, Any], now: dict[str, Any]) -> int:
    return sum(
        key not in before or any(value != getattr(row, name) for name, value in before[key].items())
        for key, row in now.items()
    )
