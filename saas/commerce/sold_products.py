"""Which product a line of an order is, where the line was there before its product.

Deliveries come in any order, so an order may name a product that nobody has told us of. Its line is flagged and tied to
the product as soon as that arrives: from the product's side, and from the order's for the case that both came at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from saas.catalog import products
from saas.commerce.models import Order, OrderLine
from saas.kit import clock
from saas.kit.db import db

UNKNOWN = "unknown_product"
NEW = timedelta(days=2)  # only a product that is new can have been missed by lines
AT_ONCE = 5000


def tie_to_products(product_ids: Iterable[str]) -> None:
    """Tie the waiting lines of all orders to these products (at most 500), as far as they are new."""
    new = products.new_since(product_ids, clock.now() - NEW)
    if not new:
        return
    named = OrderLine.product_key.in_([product.external_id for product in new])
    skus = [product.sku for product in new if product.sku]
    _tie(or_(named, and_(OrderLine.product_key == "", OrderLine.sku.in_(skus))) if skus else named)


def tie_lines_of(order_ids: Iterable[str]) -> None:
    """Tie the waiting lines of these orders to the products that are there by now."""
    _tie(OrderLine.order_id.in_([UUID(str(order_id)) for order_id in order_ids]))


def _tie(wanted: ColumnElement[bool]) -> None:
    query = (
        select(OrderLine.id, OrderLine.product_key, OrderLine.sku, Order.source_id)
        .join(Order, and_(Order.tenant_id == OrderLine.tenant_id, Order.id == OrderLine.order_id))
        .where(OrderLine.product_id.is_(None), wanted, or_(OrderLine.product_key != "", OrderLine.sku != ""))
        .order_by(OrderLine.id)
    )
    waiting = db.session.execute(query).all()
    for start in range(0, len(waiting), AT_ONCE):
        for product_id, line_ids in _found(waiting[start : start + AT_ONCE]).items():
            tied = update(OrderLine).where(OrderLine.id.in_(line_ids)).execution_options(synchronize_session=False)
            db.session.execute(tied.values(product_id=product_id, flags=func.array_remove(OrderLine.flags, UNKNOWN)))


def _found(lines: Iterable[Any]) -> dict[Any, list[Any]]:
    """Return which lines are which product."""
    by_source: dict[Any, list[Any]] = {}
    for line in lines:
        by_source.setdefault(line.source_id, []).append(line)
    found: dict[Any, list[Any]] = {}
    for source_id, some in by_source.items():
        known = products.by_key([(line.product_key, line.sku) for line in some], source_id)
        for line in some:
            if (line.product_key, line.sku) in known:
                found.setdefault(known[line.product_key, line.sku], []).append(line.id)
    return found
