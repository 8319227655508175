"""Lists of orders, a page at a time and summed up, and what a customer has going on in the shop."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select

from saas.commerce.models import COUNTED, Cart, Order, Visit, Visitor
from saas.kit import access, errors, pages, record_values, records
from saas.kit.db import db

NEWEST = ((Order.placed_at, "desc"), (Order.id, "desc"))


def narrowed(
    query: Select, *, customer_id: UUID | None = None, status: str | None = None, number: str | None = None, external_id: str | None = None,
    since: datetime | None = None, until: datetime | None = None, ids: Collection[UUID] | None = None, where: Iterable[ColumnElement[bool]] = (),
) -> Select:  # fmt: skip
    """Return the select with only the orders of a customer, in a state, with a number, placed from `since` to `until`;
    what asks a hidden field is refused like what asks an unknown one."""
    wanted = {
        Order.customer_id: customer_id,
        Order.status: status,
        Order.number: number,
        Order.external_id: external_id,
    }
    asked = [column.key for column, value in wanted.items() if value is not None]
    access.require_readable("order", [*asked, *(["placed_at"] if since is not None or until is not None else [])])
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(Order.placed_at >= since)
    if until is not None:
        query = query.where(Order.placed_at < until)
    if ids is not None:
        query = query.where(Order.id.in_(ids))
    return query.where(*where)


class BadSort(errors.Invalid):
    """A list cannot be sorted by that."""


def listed(*, sort: str = "", cursor: str | None = None, limit: int = pages.LIMIT, **wanted: Any) -> pages.Page:
    """Return one page of orders, newest first unless `sort` names one of the company's own fields; `wanted` is what
    `narrowed` takes. Raises BadSort or BadCursor."""
    if sort:
        return record_values.sorted_page(
            records.kind("order"),
            narrowed(select(Order), **wanted),
            sort=sort,
            cursor=cursor,
            limit=limit,
            unsortable=BadSort,
        )
    return pages.page(narrowed(select(Order), **wanted), order=NEWEST, cursor=cursor, limit=limit)


def many(order_ids: list[UUID]) -> dict[UUID, Order]:
    """Return orders by their id."""
    return {order.id: order for order in db.session.scalars(select(Order).where(Order.id.in_(order_ids)))}


def summed(*, most: int, **wanted: Any) -> list[dict[str, Any]]:
    """Return what the orders that fit come to, by currency and by whether they count as bought, over at most `most` + 1.

    Each entry has currency, counts, orders, total and refunded, the sums in minor units.
    """
    counts = Order.status.in_(COUNTED).label("counts")
    some = (
        narrowed(select(Order.currency, counts, Order.total_amount, Order.refunded_amount), **wanted)
        .limit(most + 1)
        .subquery()
    )
    sums = select(
        some.c.currency, some.c.counts, func.count().label("orders"), func.sum(some.c.total_amount).label("total"),
        func.sum(some.c.refunded_amount).label("refunded"),
    ).group_by(some.c.currency, some.c.counts).order_by(some.c.counts.desc(), func.count().desc())  # fmt: skip
    return [
        {**row, "total": int(row["total"]), "refunded": int(row["refunded"])}
        for row in db.session.execute(sums).mappings()
    ]


def open_cart(customer_id: UUID) -> Cart | None:
    """Return the newest cart of a customer that is neither emptied nor ordered, or None."""
    query = (
        select(Cart)
        .where(Cart.customer_id == customer_id, Cart.closed_at.is_(None))
        .order_by(Cart.changed_at.desc())
        .limit(1)
    )
    return db.session.scalars(query).one_or_none()


def visits_of(customer_id: UUID, *, limit: int = 5) -> list[Visit]:
    """Return a customer's newest visits to the shop."""
    query = select(Visit).where(Visit.customer_id == customer_id).order_by(Visit.began_at.desc()).limit(limit)
    return list(db.session.scalars(query))


def browsers_of(customer_id: UUID, *, limit: int = 20) -> list[Visitor]:
    """Return the browsers a customer was recognised on, the last seen first."""
    query = select(Visitor).where(Visitor.customer_id == customer_id)
    return list(db.session.scalars(query.order_by(Visitor.last_seen_at.desc()).limit(limit)))


def count_of(customer_id: UUID) -> int:
    """Return how many orders a customer placed."""
    return db.session.scalar(select(func.count()).select_from(Order).where(Order.customer_id == customer_id)) or 0
