"""Section B of the targets: a page of 25 customers and a segment of three conditions, at 1,000 and at 1,000,000 customers.

Both companies are made up in the database itself, from the same formula, in one database behind the same walls; asked is
through the doors, as a browser and as a program would. Times are the best of 15 by the clock. CUSTOMERS_BENCH=100000 leaves the
large company smaller.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from bench import running
from bench.table import Row, at_most

SECTION = "B"
SMALL, LARGE = 1_000, int(os.environ.get("CUSTOMERS_BENCH", 1_000_000))
BATCH, CALLS = 100_000, 15
PEERS = "at 100,000 rows: Tryton 28 ms and EspoCRM 83 ms (JSON), Creme 214 ms (HTML), BottleCRM 472 ms"
LISTS = {
    "agreed, ordered twice, by spent": "where=email_consent.is.granted&where=orders_count.at_least.2&sort=-spent",
    "of a country, by name": "where=country.is.DE&sort=name",
    "bought in 30 days, by last visit": "where=last_order_at.in_last_days.30&sort=-last_visit",
    "never bought, newest": "where=orders_count.at_most.0&sort=-created",
    "rare country, spent 500, by last order": "where=country.is.IS&where=spent_amount.at_least.500&sort=-last_order",
    "all, by name backwards": "sort=-name",
}
SEGMENT = {"match": "all", "conditions": [
    {"field": "email_consent", "operator": "is", "value": "granted"}, {"field": "orders_count", "operator": "at_least", "value": 2},
    {"field": "bought", "operator": "in_last_days", "value": 90},
]}  # fmt: skip
BARE = """
SELECT count(*) FROM customers c JOIN customer_facts f ON f.tenant_id = c.tenant_id AND f.id = c.id
WHERE c.tenant_id = %(tenant)s AND c.email_consent = 'granted' AND f.orders_count >= 2 AND c.id IN (
    SELECT customer_id FROM orders WHERE tenant_id = %(tenant)s AND placed_at >= now() - interval '90 days'
    AND status IN ('pending', 'paid', 'fulfilled', 'refunded'))
"""
ID = "(lpad(to_hex((1700000000000 + n * 20)::bigint), 12, '0') || '7' || substr(md5(%(salt)s || n), 1, 3) || '8' || substr(md5(n || %(salt)s), 1, 15))::uuid"
CUSTOMERS = f"""
INSERT INTO customers (tenant_id, id, source_id, email, email_norm, phone, phone_norm, first_name, last_name, name_sort, company, language,
    country, city, postcode, address, note, tags, email_consent, versions, created_at, updated_at)
SELECT %(tenant)s, {ID}, '00000000-0000-0000-0000-000000000000', 'c' || n || '@shop.example', 'c' || n || '@shop.example', '', '', 'Ada',
    initcap(substr(md5('name' || n), 1, 6)), substr(md5('name' || n), 1, 6) || ' ada', '', 'en',
    CASE WHEN n %% 5000 = 7 THEN 'IS' ELSE (ARRAY['DE', 'AT', 'FR', 'ES', 'NL', 'GB', 'US', 'CN'])[1 + n %% 8] END, 'City ' || n %% 300, '', '', '',
    CASE WHEN n %% 7 = 0 THEN ARRAY['vip'] ELSE ARRAY[]::text[] END, (ARRAY['granted', 'unknown', 'granted', 'withdrawn', 'granted'])[1 + n %% 5],
    '{{}}', now() - n * interval '37 seconds', now()
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
"""  # noqa: S608 - a constant
FACTS = f"""
INSERT INTO customer_facts (tenant_id, id, currency, orders_count, items_count, spent_amount, first_order_at, last_order_at, visits_count, last_visit_at)
SELECT %(tenant)s, {ID}, 'EUR', orders, orders * 2, orders * (900 + n * 7919 %% 9000), CASE WHEN orders > 0 THEN now() - interval '700 days' END,
    CASE WHEN orders > 0 THEN now() - (n * 104729 %% 63072000) * interval '1 second' END, n %% 9,
    CASE WHEN n %% 9 > 0 THEN now() - (n * 15485863 %% 7776000) * interval '1 second' END
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n, LATERAL (SELECT (n * 31 %% 11 * (n %% 3)) / 4 AS orders) o
"""  # noqa: S608 - a constant
ORDERS = f"""
INSERT INTO orders (tenant_id, id, source_id, external_id, number, customer_id, visitor, cart_id, status, currency, placed_at, lines_micros,
    shipping_amount, tax_amount, discount_amount, total_amount, refunded_amount, country, version, created_at, updated_at)
SELECT %(tenant)s, {ID}, '00000000-0000-0000-0000-000000000000', 'o' || n, 'N' || n, {ID}, '', '', 'paid', 'EUR',
    now() - (n * 104729 %% 63072000) * interval '1 second', 0, 0, 0, 0, 1000, 0, '', '', now(), now()
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n WHERE (n * 31 %% 11 * (n %% 3)) / 4 > 0
"""  # noqa: S608 - a constant


def rows() -> Iterator[Row]:
    """Yield the rows: HTML and JSON at both sizes, how they compare, and the segment."""
    from tests.companies import found_company

    with running.product() as product:
        small, large = found_company(product.app), found_company(product.app)
        fill(small.tenant_id, SMALL)
        fill(large.tenant_id, LARGE)
        for kind, limit, ask in (("HTML", 60, page), ("JSON", 20, program)):
            few, many = (
                {name: milliseconds(ask(company, query)) for name, query in LISTS.items()} for company in (small, large)
            )
            worst = max(LISTS, key=lambda name: many[name])  # noqa: B023 - used at once
            yield at_most(
                f"{kind}: 25 of {LARGE:,} customers, worst of {len(LISTS)} lists ({worst})",
                many[worst],
                limit,
                others=PEERS,
                form=".1f",
                unit=" ms",
            )
            yield Row(f"{kind}: the same of {SMALL:,}", f"{few[worst]:.1f} ms", "-", "", None)
            ratio = sum(many.values()) / sum(few.values())
            yield at_most(f"{kind}: all lists, {LARGE:,} against {SMALL:,}", ratio, 2.0, form=".2f", unit="x")
        yield from segment_rows(product, large)


def segment_rows(product: running.Running, company: Any) -> Iterator[Row]:
    """Yield how long counting a segment takes, beside the bare SQL and for one changed customer."""
    from saas.audiences import segments
    from saas.kit import work

    with (
        product.app.app_context(),
        work.unit(tenant_id=company.tenant_id),
        psycopg.connect(os.environ["DATABASE_ADMIN_URL"]) as bare,
    ):
        one = segments.members(SEGMENT, limit=1).items[0].id
        ours, theirs, single = ([], [], [])
        for _ in range(5):
            ours.append(once(lambda: segments.count(SEGMENT)))
            theirs.append(once(lambda: bare.execute(BARE, {"tenant": company.tenant_id}).fetchone()))
            single.append(once(lambda: segments.belongs(SEGMENT, one)))
        same = segments.count(SEGMENT) == bare.execute(BARE, {"tenant": company.tenant_id}).fetchone()[0]
    counted, plain = min(ours), min(theirs)
    yield at_most(f"segment of three conditions over {LARGE:,}: count", counted, 1000, form=".0f", unit=" ms")
    yield at_most("  against the bare SQL", counted / plain, 1.3, others=f"{plain:.0f} ms", form=".2f", unit="x")
    yield at_most("  does one customer belong", min(single), 1000, form=".1f", unit=" ms")
    yield Row("  the same number as the bare SQL", str(same), "-", "True", same)


def fill(tenant_id: int, size: int) -> None:
    """Make up a company's customers, their facts and their orders, in the database itself."""
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as platform:
        for first in range(1, size + 1, BATCH):
            values = {"tenant": tenant_id, "first": first, "last": min(first + BATCH - 1, size), "salt": f"{tenant_id}"}
            for statement in (CUSTOMERS, FACTS, ORDERS):
                platform.execute(statement, values)
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE customers, customer_facts, orders")


def page(company: Any, query: str) -> Callable[[], Any]:
    """Return how a browser asks for the list."""
    return lambda: checked(company.page.get(f"/customers?{query}"))


def program(company: Any, query: str) -> Callable[[], Any]:
    """Return how a program asks for it."""
    return lambda: checked(company.api("GET", f"/customers?limit=25&{query}"))


def checked(answer: Any) -> Any:
    if answer.status_code != 200:
        raise RuntimeError(f"{answer.status_code} {answer.data[:300]!r}")
    return answer.data


def milliseconds(ask: Callable[[], Any]) -> float:
    """Return the best time of a call, warm: the others tell of the neighbours on the machine."""
    ask()
    return min(once(ask) for _ in range(CALLS))


def once(ask: Callable[[], Any]) -> float:
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1000
