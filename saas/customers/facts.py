"""What rooms above know of a customer, pushed down: money, orders, visits, mails. One row a customer.

Each pusher writes its own columns and leaves the others alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from saas.customers.models import Customer, Facts
from saas.kit import scope
from saas.kit.db import db

BOUGHT = (
    "currency",
    "orders_count",
    "items_count",
    "spent_amount",
    "refunded_amount",
    "first_order_at",
    "last_order_at",
)
VISITED = ("visits_count", "views_count", "first_visit_at", "last_visit_at")
CARRIED = ("cart_amount", "cart_at")
MAILED = ("mails_sent", "mails_opened", "mails_clicked", "last_mail_at", "last_open_at", "last_click_at")


def hold(customer_ids: Iterable[UUID]) -> list[UUID]:
    """Lock customers whose figures are about to be counted anew, so that nobody writes older ones after newer; returns
    those that exist. Count in a statement after this one."""
    wanted = set(customer_ids)
    if not wanted:
        return []
    return list(
        db.session.scalars(
            select(Customer.id).where(Customer.id.in_(wanted)).order_by(Customer.id).with_for_update(key_share=True)
        )
    )


def refresh_orders(rows: Sequence[dict[str, Any]]) -> None:
    """Write what customers have bought; each row has `customer_id` and the columns of BOUGHT."""
    _write(rows, BOUGHT)


def note_visits(rows: Sequence[dict[str, Any]]) -> None:
    """Write how often customers came; each row has `customer_id` and the columns of VISITED."""
    _write(rows, VISITED)


def note_carts(rows: Sequence[dict[str, Any]]) -> None:
    """Write what customers left in their carts; each row has `customer_id` and the columns of CARRIED."""
    _write(rows, CARRIED)


def note_mails(rows: Sequence[dict[str, Any]]) -> None:
    """Write what mails customers got and did; each row has `customer_id` and the columns of MAILED."""
    _write(rows, MAILED)


def _write(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Write whole columns from the room that owns them, in the order of ids so that two writers never lock crosswise."""
    if not rows:
        return
    values = [
        {"tenant_id": scope.tenant_id(), "id": row["customer_id"], **{name: row[name] for name in columns}}
        for row in sorted(rows, key=lambda row: row["customer_id"])
    ]
    statement = insert(Facts)
    renewed = {name: statement.excluded[name] for name in columns}
    db.session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "id"], set_=renewed), values)


def ensure(customer_ids: Sequence[UUID]) -> None:
    """Give new customers their row, so that lists can join it."""
    if customer_ids:
        rows = [{"tenant_id": scope.tenant_id(), "id": customer} for customer in sorted(customer_ids)]
        db.session.execute(insert(Facts).on_conflict_do_nothing(index_elements=["tenant_id", "id"]), rows)


def of(customer_ids: Sequence[UUID]) -> dict[UUID, Facts]:
    """Return the facts of customers by their id."""
    return {facts.id: facts for facts in db.session.scalars(select(Facts).where(Facts.id.in_(customer_ids)))}
