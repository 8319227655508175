"""Which product a line of an order is, where the line was there before its product.

Deliveries come in any order, so an order may name a product that nobody has told us of. Its line is flagged and tied to
the product as soon as that arrives: from the product's side, and from the order's for the case that both came at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, and_, func, or_, select, update

from saas.catalog import products, variants
from saas.commerce.models import Order, OrderLine
from saas.kit import arrays, clock
from saas.kit.db import db

UNKNOWN = "unknown_product"
NEW = timedelta(days=2)  # only a product that is new can have been missed by lines
AT_ONCE = 5000


def tie_to_products(product_ids: Iterable[str]) -> None:
    """Tie the waiting lines of all orders to these products (at most 500) and their variants, as far as they are new."""
    since, ids = clock.now() - NEW, list(product_ids)
    new = products.new_since(ids, since)
    if new:
        _tie_to_new(new)
    _tie_variants(variants.new_since(ids, since))


def _tie_to_new(new: Iterable[Any]) -> None:
    named = OrderLine.product_key.in_([product.external_id for product in new])
    skus = [product.sku for product in new if product.sku]
    _tie(or_(named, and_(OrderLine.product_key == "", OrderLine.sku.in_(skus))) if skus else named)


def tie_lines_of(order_ids: Iterable[str]) -> None:
    """Tie the waiting lines of these orders to the products and variants that are there by now."""
    mine = OrderLine.order_id.in_([UUID(str(order_id)) for order_id in order_ids])
    _tie(mine)
    query = select(OrderLine.product_id, OrderLine.variant_key).where(
        mine, OrderLine.variant_id.is_(None), OrderLine.variant_key != "", OrderLine.product_id.is_not(None)
    )
    waiting = db.session.execute(query.distinct()).all()
    _tie_variants(variants.by_key((product, key) for product, key in waiting), mine)


def _tie_variants(known: dict[tuple[UUID, str], UUID], *among: ColumnElement[bool]) -> None:
    """Tie waiting lines of products to these variants, by product and the shop's id of the variant."""
    pairs = list(known.items())
    for start in range(0, len(pairs), AT_ONCE):
        some = pairs[start : start + AT_ONCE]
        new = arrays.table(
            product_id=([product for (product, _key), _variant in some], Uuid),
            key=([key for (_product, key), _variant in some], Text),
            variant_id=([variant for _names, variant in some], Uuid),
        )
        waiting = (OrderLine.product_id == new.c.product_id, OrderLine.variant_key == new.c.key)
        tied = update(OrderLine).where(*waiting, OrderLine.variant_id.is_(None), *among)
        db.session.execute(tied.values(variant_id=new.c.variant_id).execution_options(synchronize_session=False))


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
