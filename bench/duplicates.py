"""Section B of the targets: looking for duplicates among 1,000,000 customers, and how much of it is right.

The people are made up (`lookalikes`): some are written down twice with the slips real lists have, some only look alike, and
who is who is known, for each is numbered. The weights and keys were chosen on people of other seeds than the ones told of
here. Told are the time of both passes of the scan, the most memory this process ever held, of the pairs found how many are
right and of the true ones how many were found (some cannot be: nothing but a common name is left of them), and how long it
takes to look again when some have changed. DUPLICATES_BENCH=100000 makes it smaller.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg

from bench import running
from bench.lookalikes import People
from bench.table import Row, at_least, at_most

SECTION = "B"
SIZE = int(os.environ.get("DUPLICATES_BENCH", 1_000_000))
SEED = 5
MOST_MIB, MOST_MINUTES, CHANGED = 512, 10, 5_000
PART = 5_000
COPY = """COPY customers (tenant_id, id, source_id, external_id, email, email_norm, phone, phone_norm, first_name, last_name, name_sort, company, language,
    country, city, postcode, address, note, tags, email_consent, created_at, updated_at) FROM STDIN"""
TRUE = """SELECT coalesce(sum(many * (many - 1) / 2), 0)::bigint FROM (SELECT count(*) AS many FROM customers
    WHERE tenant_id = %(tenant)s GROUP BY split_part(external_id, '_', 1)) s"""
FOUND = """SELECT count(*), count(*) FILTER (WHERE right_one), count(*) FILTER (WHERE score >= 990), count(*) FILTER (WHERE right_one AND score >= 990)
    FROM (SELECT p.score, split_part(a.external_id, '_', 1) = split_part(b.external_id, '_', 1) AS right_one FROM duplicate_pairs p
          JOIN customers a ON a.tenant_id = p.tenant_id AND a.id = p.one_id JOIN customers b ON b.tenant_id = p.tenant_id AND b.id = p.other_id
          WHERE p.tenant_id = %(tenant)s) s"""
CHANGE = """UPDATE customers SET city = city || ' ', updated_at = now() WHERE tenant_id = %(tenant)s
    AND id IN (SELECT id FROM customers WHERE tenant_id = %(tenant)s ORDER BY id LIMIT %(many)s)"""
TYPED = {
    "first_name": "Anna",
    "last_name": "Schmidt",
    "email": "anna.schmidt@gmail.com",
    "phone": "0151 2345678",
    "postcode": "10007",
}


def rows() -> Iterator[Row]:
    """Yield the rows: time, memory, and what was found."""
    from saas.customers import duplicate_work
    from saas.kit import clock, scope

    spawn = multiprocessing.get_context("spawn")
    with running.product(doors=False) as product:
        filling = spawn.Process(target=fill, args=(product.tenant_id,))  # its memory is not the scan's
        filling.start()
        filling.join()
        with product.app.app_context(), scope.tenant(product.tenant_id):
            began = clock.now()
            many, minutes, state = look(duplicate_work.scan)
            with psycopg.connect(os.environ["DATABASE_ADMIN_URL"]) as platform:
                true = platform.execute(TRUE, {"tenant": product.tenant_id}).fetchone()[0]
                found, right, sure, sure_right = platform.execute(FOUND, {"tenant": product.tenant_id}).fetchone()
                platform.execute(CHANGE, {"tenant": product.tenant_id, "many": CHANGED})
            changed, again, _state = look(lambda: duplicate_work.scan(since=began))
        with spawn.Pool(1) as fresh:
            first, later = fresh.apply(typing, (product.tenant_id,))
        yield at_most(f"scan of {many:,} customers ({state})", minutes, MOST_MINUTES, form=".1f", unit=" min")
        yield at_most(f"  again, {changed:,} having changed", again * 60, 60, form=".1f", unit=" s")
        yield at_most(
            "  memory of the process at its peak",
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            MOST_MIB,
            form=",.0f",
            unit=" MiB",
        )
        yield at_least("  of the pairs found, right", right / max(found, 1), 0.95)
        yield at_least(f"  of the {true:,} true pairs, found", right / max(true, 1), 0.85)
        yield at_least("  of those with a chance of 99%, right", sure_right / max(sure, 1), 0.99)
        yield at_most("  who is being typed in, first time in a process", first, 50, form=".0f", unit=" ms")
        yield at_most("  who is being typed in, later", later, 25, form=".0f", unit=" ms")


def look(begin: Callable[[], Any]) -> tuple[int, float, str]:
    """Run a scan to its end; returns how many customers it is about, its minutes, and how it ended."""
    from saas.kit import work
    from saas.tenancy import operations

    with work.unit():
        operation = begin()
        operation_id, many = operation.id, operation.params["customers"]
    started = time.monotonic()
    while operations.run(operation_id, seconds=3600):
        pass
    minutes = (time.monotonic() - started) / 60
    with work.unit():
        return many, minutes, operations.one(operation_id).state


def typing(tenant_id: int) -> tuple[float, float]:
    """Begin as a web process does, and tell the milliseconds of the first and of a later look at who is typed in."""
    from saas.app import create_app
    from saas.customers import duplicates, likeness
    from saas.kit import scope, work

    app, took = create_app(), []
    likeness.warm()
    with app.app_context(), scope.tenant(tenant_id):
        for item in (TYPED, {"last_name": "王小明", "phone": "030 1234567"}, TYPED | {"first_name": "Anne"}, TYPED):
            with work.unit():
                duplicates.region()  # the connection and the company's settings, which a page has asked for before
                began = time.perf_counter()
                duplicates.similar(item)
                took.append((time.perf_counter() - began) * 1000)
    return max(took[:2]), max(took[2:])


def fill(tenant_id: int) -> None:
    """Write the made-up people, a part at a time."""
    people, written, zero = People(SEED, SIZE), 0, "00000000-0000-0000-0000-000000000000"
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
                    tenant_id, uuid4(), zero, f"{one['who']}_{written}", mail, mail and mail.lower(), one["phone"], one["phone"], one["first_name"],
                    one["last_name"], one["last_name"].lower(), one["company"], "de", one["country"], one["city"], one["postcode"], one["address"], "", [], "unknown",
                    "2026-01-01", "2026-01-01",
                ])  # fmt: skip
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE customers")
