"""Section B of the targets: a CSV of customers, mapped, validated, deduplicated and undoable, at 10,000 and at 1,000,000 rows.

The whole way counts: from bytes to customers with their names, facts, journal and search notes, in committed steps as a worker
does them. Beside it stands bare COPY of the same rows into a table with the same indexes. IMPORT_BENCH=100000 leaves the
large file smaller.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from bench import running
from bench.table import Row, at_least, at_most

SECTION = "B"
SMALL, LARGE = 10_000, int(os.environ.get("IMPORT_BENCH", 1_000_000))
PEERS = "10,000 rows: BottleCRM 1,282/s, EspoCRM 250/s, Tryton 179/s, Creme 118/s"
CITIES = ("Berlin", "Wien", "Paris", "Madrid", "Zürich", "北京", "Praha", "Kraków")
HEADER = "First name,Last name,E-mail,Phone,Company,City,Postcode,Country,Tags,Customer number\n"


def lines(first: int, last: int, *, city: str = "") -> Iterator[bytes]:
    """Yield a CSV of made-up people in pieces."""
    yield HEADER.encode()
    for start in range(first, last, 10_000):
        yield "".join(
            f'Ada,Lovelace-{n},Ada.{n}@shop{n % 97}.example,+49 30 {n:07d},"Firm {n % 5000}, Ltd",{city or CITIES[n % 8]},{10000 + n % 89999},DE,'
            f"{'vip' if n % 7 == 0 else ''},C{n}\n"
            for n in range(start, min(start + 10_000, last))
        ).encode()


def rows() -> Iterator[Row]:
    """Yield the rows: new customers at both sizes, an update, undoing, memory, and bare COPY."""
    with running.product(doors=False) as company:
        copied = bare_copy(min(LARGE, 100_000))
        _operation, seconds = taken(company.app, company.tenant_id, lines(0, SMALL))
        yield at_least(f"CSV of {SMALL:,} new customers", SMALL / seconds, 8_000, others=PEERS, form=",.0f", unit="/s")
        operation, seconds = taken(company.app, company.tenant_id, lines(SMALL, SMALL + LARGE))
        rate = LARGE / seconds
        yield at_least(f"CSV of {LARGE:,} new customers", rate, 8_000, others=PEERS, form=",.0f", unit="/s")
        yield Row(
            "  as a share of bare COPY into one table",
            f"{rate / copied:.2f}",
            f"COPY {copied:,.0f}/s, one of our five tables",
            "",
            None,
        )
        looked_at()
        _operation, seconds = taken(company.app, company.tenant_id, lines(SMALL, SMALL * 2, city="Kiel"))
        yield at_least(f"  {SMALL:,} of them changed by a second file", SMALL / seconds, 8_000, form=",.0f", unit="/s")
        seconds = undone(company.app, company.tenant_id, _operation)
        yield at_least("  that second file undone", SMALL / seconds, 8_000, form=",.0f", unit="/s")
        seconds = undone(company.app, company.tenant_id, operation)
        yield at_least(f"the file of {LARGE:,} undone", LARGE / seconds, 4_000, form=",.0f", unit="/s")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        yield at_most("  memory of the process at its peak", peak, 512, form=",.0f", unit=" MiB")
        if operation.failed:
            yield Row("  rows that failed", str(operation.failed), "-", "0", False)


def looked_at() -> None:
    """Have PostgreSQL see what there is now, as its own tidying does within a minute; the tests' server looks seldom."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        for table in ("customers", "customer_identities", "customer_facts", "import_entries"):
            owner.execute(f"ANALYZE {table}")


def taken(app: Any, tenant_id: int, content: Iterator[bytes]) -> tuple[Any, float]:
    """Take a file as a worker does, and return the operation and the seconds."""
    from saas.integrations import imports
    from saas.kit import access, scope, work
    from saas.tenancy import operations

    with app.app_context(), scope.tenant(tenant_id, actor=scope.PLATFORM), access.bound(access.FULL):
        with work.unit():
            held = imports.begin(kind="customer", name="people.csv", chunks=content)
        started = time.perf_counter()
        with work.unit():
            operation_id = imports.run(held.id).run_id
        while operations.run(operation_id):
            pass
        seconds = time.perf_counter() - started
        with work.unit():
            return operations.one(operation_id), seconds


def undone(app: Any, tenant_id: int, operation: Any) -> float:
    """Undo what a file did, and return the seconds."""
    from saas.kit import access, scope, work
    from saas.tenancy import operations

    started = time.perf_counter()
    with app.app_context(), scope.tenant(tenant_id, actor=scope.PLATFORM), access.bound(access.FULL):
        with work.unit():
            operations.undo(operation.id)
        while operations.run(operation.id):
            pass
    return time.perf_counter() - started


def bare_copy(count: int) -> float:
    """Return how many customers a second bare COPY brings into an empty table with the columns and indexes of the real one."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("CREATE TABLE bare_customers (LIKE customers INCLUDING ALL)")
        columns = "tenant_id, id, source_id, external_id, email, email_norm, phone, phone_norm, first_name, last_name, name_sort, company, language, country, city, postcode, address, note, tags, email_consent, versions, created_at, updated_at"
        started = time.perf_counter()
        with owner.cursor() as cursor, cursor.copy(f"COPY bare_customers ({columns}) FROM STDIN") as copy:
            for n in range(count):
                copy.write_row((
                    1, f"00000000-0000-7000-8000-{n:012x}", "00000000-0000-0000-0000-000000000000", f"C{n}", f"Ada.{n}@shop{n % 97}.example",
                    f"ada.{n}@shop{n % 97}.example", f"+49 30 {n:07d}", f"+4930{n:07d}", "Ada", f"Lovelace-{n}", f"lovelace-{n} ada", f"Firm {n % 5000}, Ltd", "", "DE",
                    CITIES[n % 8], str(10000 + n % 89999), "", "", "{}", "unknown", "{}", "2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z",
                ))  # fmt: skip
        seconds = time.perf_counter() - started
        owner.execute("DROP TABLE bare_customers")
    return count / seconds
