"""How products sell: pieces and money in a time, week by week, what goes into the same orders, who looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Select, and_, cast, func, select
from sqlalchemy.orm import aliased

from saas.commerce.models import COUNTED, Order, OrderLine, ShopEvent
from saas.kit import identifiers
from saas.kit.db import db


def _of_order() -> ColumnElement[bool]:
    return and_(OrderLine.tenant_id == Order.tenant_id, OrderLine.order_id == Order.id)


def _bought(*columns: Any, since: datetime | None = None) -> Select:
    """Return a select over bought lines: of orders that count, without what was returned."""
    query = select(*columns).join(Order, _of_order()).where(Order.status.in_(COUNTED), OrderLine.quantity > 0)
    return query if since is None else query.where(Order.placed_at >= since)


def sold(product_ids: Sequence[UUID], *, since: datetime) -> dict[UUID, tuple[int, int]]:
    """Return how many pieces of each product were bought since a moment, and their price together in millionths."""
    if not product_ids:
        return {}
    query = _bought(OrderLine.product_id, func.sum(OrderLine.quantity), func.sum(OrderLine.line_micros), since=since)
    rows = db.session.execute(query.where(OrderLine.product_id.in_(product_ids)).group_by(OrderLine.product_id))
    return {product_id: (int(pieces), int(micros)) for product_id, pieces, micros in rows}


def by_week(product_id: UUID, *, since: datetime, zone: str) -> dict[date, tuple[int, int]]:
    """Return pieces and millionths by week (its Monday in the company's zone); weeks without a sale are left out."""
    week = cast(func.date_trunc("week", func.timezone(zone, Order.placed_at)), Date)
    query = _bought(week, func.sum(OrderLine.quantity), func.sum(OrderLine.line_micros), since=since)
    rows = db.session.execute(query.where(OrderLine.product_id == product_id).group_by(week))
    return {monday: (int(pieces), int(micros)) for monday, pieces, micros in rows}


def totals(product_id: UUID, *, since: datetime) -> dict[str, Any]:
    """Return pieces, orders, customers and the last sale of a product, over all time, and pieces and millionths since a moment."""
    lately = Order.placed_at >= since
    query = _bought(
        func.coalesce(func.sum(OrderLine.quantity), 0), func.count(Order.id.distinct()), func.count(Order.customer_id.distinct()),
        func.max(Order.placed_at), func.coalesce(func.sum(OrderLine.quantity).filter(lately), 0),
        func.coalesce(func.sum(OrderLine.line_micros).filter(lately), 0),
    )  # fmt: skip
    row = db.session.execute(query.where(OrderLine.product_id == product_id)).one()
    pieces, orders, customers, last, lately_pieces, lately_micros = row
    return {
        "pieces": int(pieces), "orders": orders, "customers": customers, "last_at": last, "lately_pieces": int(lately_pieces),
        "lately_micros": int(lately_micros),
    }  # fmt: skip


def bought_with(product_id: UUID, *, most_orders: int = 5_000, limit: int = 6) -> list[tuple[UUID, int]]:
    """Return the products most often in the same orders, each with in how many; over a product's newest orders."""
    mine = (
        _bought(OrderLine.order_id)
        .where(OrderLine.product_id == product_id)
        .order_by(Order.placed_at.desc())
        .limit(most_orders)
        .subquery()
    )
    other = aliased(OrderLine)
    count = func.count(other.order_id.distinct())
    query = (
        select(other.product_id, count)
        .where(
            other.order_id.in_(select(mine.c.order_id)),
            other.product_id.is_not(None),
            other.product_id != product_id,
            other.quantity > 0,
        )
        .group_by(other.product_id)
        .order_by(count.desc(), other.product_id)
        .limit(limit)
    )
    return [(found, orders) for found, orders in db.session.execute(query)]


def looked_at(product_key: str, *, since: datetime) -> tuple[int, int]:
    """Return how often a product was looked at since a moment, and by how many browsers."""
    query = select(func.count(), func.count(ShopEvent.visitor.distinct())).where(
        ShopEvent.product == product_key, ShopEvent.type == "product_viewed", ShopEvent.id >= identifiers.floor(since)
    )
    views, visitors = db.session.execute(query).one()
    return views, visitors
