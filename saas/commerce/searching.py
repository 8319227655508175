"""Orders as the search box finds them: by their number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select

from saas.commerce.models import Order
from saas.kit import money
from saas.kit.db import db
from saas.kit.search import Record


def records(ids: Sequence[UUID] | None) -> Iterator[Record]:
    """Yield the records of these orders, or of all, without holding them all in memory."""
    query = select(Order).order_by(Order.id)
    if ids is not None:
        query = query.where(Order.id.in_(ids))
    for order in db.session.scalars(query.execution_options(yield_per=500)):
        total = f"{money.amount_text(order.total_amount, order.currency)} {order.currency}"
        yield Record(
            kind="order", id=order.id, title=order.number or order.external_id, subtitle=f"{order.placed_at:%Y-%m-%d} · {total}",
            numbers=(order.number, order.external_id),
        )  # fmt: skip
