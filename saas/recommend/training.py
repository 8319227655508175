"""What a company's models learn from, read from PostgreSQL in batches into plain arrays: memory is bounded, not history.

Views are the newest 90 days, at most two million; purchases the newest two years, at most three million lines. Products
and people become numbers while they are read, so an entry takes some thirty bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import numpy as np

from saas.commerce.models import COUNTED
from saas.kit import clock, identifiers, pool
from saas.recommend import arrivals
from saas.recommend.arrivals import Visit
from saas.recommend.likeness import Text
from saas.recommend.stock import NUMBER

VIEWS_FOR, PURCHASES_FOR = timedelta(days=90), timedelta(days=730)
MOST_VIEWS, MOST_LINES, MOST_TEXTS, MOST_VISITS = 2_000_000, 3_000_000, 200_000, 200_000
BATCH = 10_000
GAP = 1800.0  # seconds without a view after which a visit is over
DAY = 86_400.0

VISITS = """
    SELECT source_id, referrer, landing, products FROM visits
    WHERE began_at >= %s AND cardinality(products) > 0 AND (referrer <> '' OR landing <> '') ORDER BY began_at DESC LIMIT %s
"""
TEXTS = """
    SELECT id, source_id, external_id, name, categories, tags, left(description, 500), cross_sell_keys, up_sell_keys
    FROM products WHERE active ORDER BY id DESC LIMIT %s
"""
PRODUCTS = "SELECT id, source_id, external_id, categories FROM products"
VIEWS = """
    SELECT hashtextextended(visitor, 0), source_id, product, extract(epoch FROM at)::float8 FROM shop_events
    WHERE type = 'product_viewed' AND product IS NOT NULL AND id >= %s ORDER BY id DESC LIMIT %s
"""
LINES = """
    SELECT o.id, o.customer_id, o.source_id, l.product_id, l.product_key, extract(epoch FROM o.placed_at)::float8
    FROM orders o JOIN order_lines l ON l.tenant_id = o.tenant_id AND l.order_id = o.id
    WHERE o.status = ANY(%s) AND o.placed_at >= %s AND l.quantity > 0 AND l.unit_micros > 0
    ORDER BY o.placed_at DESC, o.id, l.position LIMIT %s
"""


@dataclass(frozen=True)
class Views:
    """One entry per look at a product, oldest first: the visit it belongs to, the product's number, seconds since 1970."""

    visits: np.ndarray
    items: np.ndarray
    seconds: np.ndarray


@dataclass(frozen=True)
class Purchases:
    """One entry per line bought, oldest first; `buyers` is 0 where the order names nobody."""

    orders: np.ndarray
    buyers: np.ndarray
    items: np.ndarray
    days: np.ndarray


class Products:
    """From the shops' ids to the models' numbers."""

    def __init__(self, tenant_id: int) -> None:
        self.categories: list[tuple[int, str]] = []
        self._numbers: dict[str, dict[UUID, int]] = {}
        for product_id, source, key, categories in _rows(tenant_id, PRODUCTS, []):
            number = product_id.int & NUMBER
            self._numbers.setdefault(key, {})[source] = number
            self.categories += [(number, category) for category in categories]

    def number(self, source: UUID, key: str) -> int | None:
        """Find a product: this source's own, else one without a source, else the only one there is."""
        known = self._numbers.get(key)
        if known is None:
            return None
        return known.get(source) or known.get(UUID(int=0)) or min(known.values())


@dataclass(frozen=True)
class Texts:
    """What is written about the products on sale, the newest first, and (product, what the shop says goes with it)."""

    items: list[int]
    texts: list[Text]
    told: list[tuple[int, int]]


def texts(tenant_id: int, products: Products) -> Texts:
    """Read what is written about at most 200,000 products."""
    found = Texts([], [], [])
    for product_id, source, key, name, categories, tags, description, cross, up in _rows(
        tenant_id, TEXTS, [MOST_TEXTS]
    ):
        if not name and not categories:
            continue
        number = product_id.int & NUMBER
        found.items.append(number)
        found.texts.append(Text(name or key, categories, tags, description or ""))
        others = (products.number(source, other) for other in (*cross, *up))
        found.told.extend((number, other) for other in others if other is not None)
    return found


def visits(tenant_id: int, products: Products) -> list[Visit]:
    """Read the ways and products of the newest visits of 90 days, the oldest first; at most 200,000."""
    found = []
    for source, referrer, landing, keys in _rows(tenant_id, VISITS, [clock.now() - VIEWS_FOR, MOST_VISITS]):
        by = arrivals.ways(referrer, landing)
        items = [number for key in keys if (number := products.number(source, key)) is not None]
        if by and items:
            found.append((by, items))
    return found[::-1]


def _rows(tenant_id: int, query: str, values: list) -> Iterator[tuple]:
    """Read through a cursor of the server's, so that no more than a batch is here at a time."""
    with pool.connection(tenant_id=tenant_id) as opened, opened.cursor(name="training") as cursor:
        cursor.itersize = BATCH
        yield from cursor.execute(query, values)


def _columns(rows: Iterator[tuple], kinds: tuple[type, ...]) -> list[np.ndarray]:
    """Gather rows into one array per column, newest row last."""
    parts: list[list[np.ndarray]] = [[] for _ in kinds]
    batch: list[tuple] = []

    def put_away() -> None:
        for part, kind, values in zip(parts, kinds, zip(*batch, strict=True), strict=True):
            part.append(np.array(values, dtype=kind))
        batch.clear()

    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            put_away()
    if batch:
        put_away()
    return [
        np.concatenate(part)[::-1] if part else np.array([], dtype=kind)
        for part, kind in zip(parts, kinds, strict=True)
    ]


def views(tenant_id: int, products: Products) -> Views:
    """Read the views of the last 90 days and cut each visitor's into visits."""
    since = identifiers.floor(clock.now() - VIEWS_FOR)
    rows = (
        (visitor, number, seconds)
        for visitor, source, key, seconds in _rows(tenant_id, VIEWS, [since, MOST_VIEWS])
        if (number := products.number(source, key)) is not None
    )
    visitors, items, seconds = _columns(rows, (np.int64, np.int64, np.float64))
    order = np.lexsort((seconds, visitors))
    visitors, items, seconds = visitors[order], items[order], seconds[order]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (visitors[1:] != visitors[:-1]) | (seconds[1:] - seconds[:-1] > GAP)
    visits = np.cumsum(begins)
    by_time = np.argsort(seconds, kind="stable")
    return Views(visits[by_time], items[by_time], seconds[by_time])


def purchases(tenant_id: int, products: Products) -> Purchases:
    """Read what was bought in the last two years; gifts, returns and products that nobody knows are left out."""
    rows = (
        (order_id.int & NUMBER, customer_id.int & NUMBER if customer_id else 0, number, seconds / DAY)
        for order_id, customer_id, source, product_id, key, seconds in _rows(
            tenant_id, LINES, [list(COUNTED), clock.now() - PURCHASES_FOR, MOST_LINES]
        )
        if (number := product_id.int & NUMBER if product_id else products.number(source, key)) is not None
    )
    return Purchases(*_columns(rows, (np.int64, np.int64, np.int64, np.float64)))
