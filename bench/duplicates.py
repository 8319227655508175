"""Section B of the targets: looking for duplicates among 1,000,000 customers, and how much of it is right.

The people are made up (`lookalikes`): some are written down twice with the slips real lists have, some only look alike, and
who is who is known. Told are the time of both passes of the scan, the most memory this process ever held, and of the pairs
found how many are right and of the true ones how many were found. DUPLICATES_BENCH=100000 makes it smaller.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
from collections.abc import Iterator
from uuid import uuid4

import psycopg

from bench import running
from bench.lookalikes import People
from bench.table import Row, at_least, at_most

SECTION = "B"
SIZE = int(os.environ.get("DUPLICATES_BENCH", 1_000_000))
MOST_MIB, MOST_MINUTES = 512, 20
PART = 5_000
COPY = """COPY customers (tenant_id, id, source_id, external_id, email, email_norm, phone, phone_norm, first_name, last_name, name_sort, company, language,
    country, city, postcode, address, note, tags, email_consent, created_at, updated_at) FROM STDIN"""
TRUE = """SELECT count(*) FROM (SELECT split_part(external_id, '-', 1) AS who, count(*) - 1 AS more FROM customers
    WHERE tenant_id = %(tenant)s GROUP BY 1) s WHERE more > 0"""
FOUND = """SELECT count(*), count(*) FILTER (WHERE right_one), count(*) FILTER (WHERE score >= 990), count(*) FILTER (WHERE right_one AND score >= 990)
    FROM (SELECT p.score, split_part(a.external_id, '-', 1) = split_part(b.external_id, '-', 1) AS right_one FROM duplicate_pairs p
          JOIN customers a ON a.tenant_id = p.tenant_id AND a.id = p.one_id JOIN customers b ON b.tenant_id = p.tenant_id AND b.id = p.other_id
          WHERE p.tenant_id = %(tenant)s) s"""


def rows() -> Iterator[Row]:
    """Yield the rows: time, memory, and what was found."""
    from saas.customers import duplicate_work, duplicates
    from saas.kit import scope, work
    from saas.tenancy import operations

    with running.product(doors=False) as product:
        filling = multiprocessing.get_context("spawn").Process(
            target=fill, args=(product.tenant_id,)
        )  # its memory is not the scan's
        filling.start()
        filling.join()
        with product.app.app_context(), scope.tenant(product.tenant_id):
            with work.unit():
                operation = duplicate_work.scan()
                operation_id, many = operation.id, operation.params["customers"]
            began = time.monotonic()
            while operations.run(operation_id, seconds=3600):
                pass
            minutes = (time.monotonic() - began) / 60
            with work.unit():
                state = operations.one(operation_id).state
                typed = time.perf_counter()
                duplicates.similar(
                    {
                        "first_name": "Anna",
                        "last_name": "Schmidt",
                        "email": "anna.schmidt@gmail.com",
                        "postcode": "10007",
                    }
                )
                typed = (time.perf_counter() - typed) * 1000
        with psycopg.connect(os.environ["DATABASE_ADMIN_URL"]) as platform:
            true = platform.execute(TRUE, {"tenant": product.tenant_id}).fetchone()[0]
            found, right, sure, sure_right = platform.execute(FOUND, {"tenant": product.tenant_id}).fetchone()
        yield at_most(f"scan of {many:,} customers ({state})", minutes, MOST_MINUTES, form=".1f", unit=" min")
        yield at_most(
            "  memory of the process at its peak",
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            MOST_MIB,
            form=",.0f",
            unit=" MiB",
        )
        yield at_least("  of the pairs found, right", right / max(found, 1), 0.9)
        yield at_least(f"  of the {true:,} true pairs, found", right / max(true, 1), 0.85)
        yield at_least("  of those with a chance of 99%, right", sure_right / max(sure, 1), 0.99)
        yield at_most("  who is being typed in may be there already", typed, 200, form=".0f", unit=" ms")


def fill(tenant_id: int) -> None:
    """Write the made-up people, a part at a time."""
    people, written, zero = People(5, SIZE), 0, "00000000-0000-0000-0000-000000000000"
    seen: set[int] = set()
    with (
        psycopg.connect(os.environ["DATABASE_ADMIN_URL"]) as platform,
        platform.cursor() as cursor,
        cursor.copy(COPY) as copy,
    ):
        for first in range(0, SIZE, PART):
            for one in people.crowd(min(PART, SIZE - first), first=first):
                written += 1
                mail = one["email"] if one["email"] and hash(one["email"].lower()) not in seen else None
                seen.add(hash((mail or "").lower()))
                copy.write_row([
                    tenant_id, uuid4(), zero, f"{one['who']}-{written}", mail, mail and mail.lower(), one["phone"], one["phone"], one["first_name"],
                    one["last_name"], one["last_name"].lower(), one["company"], "de", one["country"], one["city"], one["postcode"], one["address"], "", [], "unknown",
                    "2026-01-01", "2026-01-01",
                ])  # fmt: skip
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE customers")
