"""Section B of the targets, for a company's own fields: counting and listing by them among 1,000,000 customers.

The rows beside the records (see docs/decisions/custom-fields.md) are measured against what one would do without them: reading
`custom` of every customer. OWN_FIELDS_BENCH=100000 leaves the company smaller.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import psycopg

from bench import running
from bench.customers_list import BATCH, ID, fill, milliseconds, once, page, program
from bench.table import Row, at_most

SECTION = "B"
SIZE = int(os.environ.get("OWN_FIELDS_BENCH", 1_000_000))
LEVELS = ("gold", "silver", "bronze", "none")
COUNTS = {
    "a choice that a sixth has": ("custom.level", "is", "gold"),
    "a number, a tenth at least": ("custom.fair", "at_least", 900),
    "a text that one has": ("custom.card", "is", "k-77777"),
    "not a choice": ("custom.level", "is_not", "gold"),
    "a part of a text": ("custom.card", "contains", "7777"),
    "empty": ("custom.card", "is_empty", None),
    "a formula": ("custom.double", "at_least", 1_000),
}
LISTS = {
    "of a choice, newest": "where=custom.level.is.gold",
    "of a number, by it": "where=custom.fair.at_least.500&sort=-custom.fair&columns=custom.fair",
    "of one text": "where=custom.card.is.k-77777",
    "all, by a text": "sort=custom.card",
}
VALUES = """
UPDATE customers SET custom = custom || v.held FROM (
    SELECT {id} AS id, jsonb_strip_nulls(jsonb_build_object('level', (ARRAY['gold', 'silver', 'bronze', NULL, 'none', 'silver'])[1 + n %% 6],
        'fair', n %% 1000, 'card', CASE WHEN n %% 2 = 1 THEN 'K-' || n END)) AS held FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
) v WHERE customers.tenant_id = %(tenant)s AND customers.id = v.id
"""
BESIDE = """
INSERT INTO customer_values (tenant_id, id, field_id, place, word, number, sole)
SELECT %(tenant)s, c.id, f.field, 0, f.word, f.number, CASE WHEN f.sole THEN f.word END FROM customers c, LATERAL (VALUES
    (%(level)s::uuid, c.custom->>'level', NULL::bigint, false), (%(visits)s::uuid, NULL, (c.custom->>'fair')::bigint * 1000000, false),
    (%(card)s::uuid, lower(c.custom->>'card'), NULL, true)) f (field, word, number, sole)
WHERE c.tenant_id = %(tenant)s AND (f.word IS NOT NULL OR f.number IS NOT NULL)
"""
BARE = "SELECT count(*) FROM customers WHERE custom->>'level' = 'gold'"


def rows() -> Iterator[Row]:
    """Yield the rows: counts, lists, and what the same costs without the rows beside the records."""
    from saas.audiences import segments
    from saas.kit import work
    from tests.companies import found_company

    with running.product() as product:
        company = found_company(product.app)
        fill(company.tenant_id, SIZE)
        give(product, company)
        with product.app.app_context(), work.unit(tenant_id=company.tenant_id):
            for name, (field, operator, value) in COUNTS.items():
                rule = {"match": "all", "conditions": [{"field": field, "operator": operator, "value": value}]}
                took = min(once(lambda: segments.count(rule)) for _ in range(3))  # noqa: B023 - used at once
                yield at_most(
                    f"count of {SIZE:,} by {name} ({segments.count(rule):,})", took, 1000, form=".0f", unit=" ms"
                )
            plain = min(once(lambda: read_all(company.tenant_id)) for _ in range(3))
            yield Row("  the same choice by reading every customer's values", f"{plain:.0f} ms", "-", "", None)
        for kind, limit, ask in (("HTML", 60, page), ("JSON", 20, program)):
            for name, query in LISTS.items():
                yield at_most(
                    f"{kind}: 25 of {SIZE:,}, {name}", milliseconds(ask(company, query)), limit, form=".1f", unit=" ms"
                )


def read_all(tenant_id: int) -> Any:
    """Count by looking into every customer, behind the same wall."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as bare:
        bare.execute(f"SET LOCAL app.tenant_id = '{int(tenant_id)}'")
        return bare.execute(BARE).fetchone()


def give(product: running.Running, company: Any) -> None:
    """Make the fields, and up what customers hold in them, in the database itself."""
    from saas.kit import work
    from saas.tenancy import custom_fields

    with product.app.app_context(), work.unit(tenant_id=company.tenant_id):
        make = lambda label, type, **more: custom_fields.make(kind="customer", label=label, type=type, **more).id  # noqa: E731
        ids = {
            "level": make("Level", "choice", choices=LEVELS), "visits": make("Visits at the fair", "number", key="fair"),
            "card": make("Card", "text", unique=True),
        }  # fmt: skip
        make("Double", "formula", formula="fair * 2")
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as platform:
        for first in range(1, SIZE + 1, BATCH):
            values = {
                "tenant": company.tenant_id,
                "first": first,
                "last": min(first + BATCH - 1, SIZE),
                "salt": f"{company.tenant_id}",
            }
            platform.execute(VALUES.format(id=ID), values)
        platform.execute(BESIDE, {"tenant": company.tenant_id, **ids})
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE customers, customer_values")
