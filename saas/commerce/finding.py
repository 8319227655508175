"""Lists of orders, a page at a time."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from saas.commerce.models import Order
from saas.kit import pages

NEWEST = ((Order.placed_at, "desc"), (Order.id, "desc"))


def listed(
    *, customer_id: UUID | None = None, status: str | None = None, number: str | None = None, external_id: str | None = None,
    since: datetime | None = None, until: datetime | None = None, cursor: str | None = None, limit: int = pages.LIMIT,
) -> pages.Page:  # fmt: skip
    """Return one page of orders, newest first: of a customer, in a state, with a number, placed from `since` to `until`."""
    query = select(Order)
    wanted = {Order.customer_id: customer_id, Order.status: status, Order.number: number, Order.external_id: external_id}
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(Order.placed_at >= since)
    if until is not None:
        query = query.where(Order.placed_at < until)
    return pages.page(query, order=NEWEST, cursor=cursor, limit=limit)
