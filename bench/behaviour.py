"""Section B of the targets: a segment of three conditions over what people did in the shop, against the bare SQL.

Customers, their browsers, three events and a visit of each are made up in the database itself, beside the orders of
`customers_list`. BEHAVIOUR_BENCH=1000000 is the full size.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg

from bench import customers_list, running
from bench.customers_list import BATCH, ID, once
from bench.table import Row, at_most

SECTION = "B"
SIZE = int(os.environ.get("BEHAVIOUR_BENCH", 50_000))
SEGMENT = {"match": "all", "conditions": [
    {"field": "viewed", "operator": "in_last_days", "value": 30, "product": "p7"},
    {"field": "orders_count", "operator": "at_least", "value": 1},
    {"field": "viewed", "operator": "not_in_last_days", "value": 7},
]}  # fmt: skip
BARE = """
WITH seen AS NOT MATERIALIZED (
    SELECT p.customer_id, e.product, e.at FROM shop_events e
    JOIN visitor_parts p ON p.tenant_id = e.tenant_id AND p.visitor = e.visitor AND e.at >= p.since_at AND e.at < p.until_at
    WHERE e.tenant_id = %(tenant)s AND e.type = 'product_viewed' AND e.at >= now() - interval '30 days'
      AND e.id >= %(floor)s
)
SELECT count(*) FROM customers c JOIN customer_facts f ON f.tenant_id = c.tenant_id AND f.id = c.id
WHERE c.tenant_id = %(tenant)s AND f.orders_count >= 1
  AND c.id IN (SELECT customer_id FROM seen WHERE product = 'p7')
  AND NOT EXISTS (SELECT FROM seen s WHERE s.customer_id = c.id AND s.at >= now() - interval '7 days')
"""
SEEN = "(now() - (n::bigint * 15485863 %% 7776000) * interval '1 second' - k * interval '1 day')"
EVENT = (
    f"(lpad(to_hex((extract(epoch from {SEEN}) * 1000)::bigint), 12, '0') || '7' || substr(md5(n || 'e' || k), 1, 3) || '8' "
    "|| substr(md5(k || 'e' || n || %(salt)s), 1, 15))::uuid"
)
PARTS = f"""
INSERT INTO visitor_parts (tenant_id, id, customer_id, self_id, visitor, place, proven, since_at, until_at)
SELECT %(tenant)s, {ID}, {ID}, {ID}, 'v' || n, 0, true, '1970-01-01Z', '9999-01-01Z'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
"""  # noqa: S608 - a constant
EVENTS = f"""
INSERT INTO shop_events (tenant_id, id, visitor, source_id, type, at, received_at, product, url, details)
SELECT %(tenant)s, {EVENT}, 'v' || n, '00000000-0000-0000-0000-000000000000', 'product_viewed', {SEEN}, now(),
    'p' || (n * (k + 1) %% 50), 'https://shop.example/p', NULL::jsonb
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n, generate_series(0, 2) k
"""  # noqa: S608 - a constant


def rows() -> Iterator[Row]:
    """Yield how long it takes to count, beside the bare SQL, and whether one customer belongs."""
    with running.product(doors=False) as product:
        fill(product.tenant_id)
        yield from asked(product.app, product.tenant_id)


def fill(tenant_id: int) -> None:
    customers_list.fill(tenant_id, SIZE)
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as platform:
        for first in range(1, SIZE + 1, BATCH):
            values = {"tenant": tenant_id, "first": first, "last": min(first + BATCH - 1, SIZE), "salt": f"{tenant_id}"}
            for statement in (PARTS, EVENTS):
                platform.execute(statement, values)
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE visitor_parts, shop_events")


def asked(app: Any, tenant_id: int) -> Iterator[Row]:
    from saas.audiences import segments
    from saas.kit import work

    with (
        app.app_context(),
        work.unit(tenant_id=tenant_id),
        psycopg.connect(os.environ["DATABASE_ADMIN_URL"]) as bare,
    ):
        values = {"tenant": tenant_id, "floor": _floor()}
        found = segments.count(SEGMENT)
        same = found == bare.execute(BARE, values).fetchone()[0]
        members = segments.members(SEGMENT, limit=1).items
        ours, theirs, single = [], [], [0.0]
        for _ in range(5):
            ours.append(once(lambda: segments.count(SEGMENT)))
            theirs.append(once(lambda: bare.execute(BARE, values).fetchone()))
            if members:
                single.append(once(lambda: segments.belongs(SEGMENT, members[0].id)))
    counted, plain = min(ours), min(theirs)
    yield at_most(
        f"segment over behaviour of {SIZE:,} with {SIZE * 3:,} events: count", counted, 1000, form=".0f", unit=" ms"
    )
    yield at_most("  against the bare SQL", counted / plain, 1.3, others=f"{plain:.0f} ms", form=".2f", unit="x")
    yield at_most("  does one customer belong", max(single), 1000, form=".1f", unit=" ms")
    yield Row("  the same number as the bare SQL", f"{same} ({found:,})", "-", "True", same)


def _floor() -> Any:
    """Return the least id of an event of the last thirty days, by which the product leaves older parts of the table alone."""
    from datetime import timedelta

    from saas.commerce.windows import BEHIND
    from saas.kit import clock, identifiers

    return identifiers.floor(clock.now() - timedelta(days=30) - BEHIND)
