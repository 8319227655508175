"""Section B of the targets: all of a million customers as a file, in each of the four formats, and how many there are.

The customers are made up in the database. The work runs as a worker runs it, step by step, each committed; measured are the time
from the wish to the joined file and the most memory a process of that format alone ever held, for each format has one of its
own. EXPORT_BENCH=100000 makes it smaller.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import psycopg

from bench import customers_list, running
from bench.table import Row, at_most

SECTION = "B"
SIZE = int(os.environ.get("EXPORT_BENCH", 1_000_000))
MOST_MIB = 512


def rows() -> Iterator[Row]:
    """Yield the rows: the count, and each format with its memory."""
    with running.product(doors=False) as product:
        tenant = product.tenant_id
        with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
            connection.execute(f"SET app.tenant_id = '{tenant}'")
            for statement in (customers_list.CUSTOMERS, customers_list.FACTS):
                connection.execute(statement, {"tenant": tenant, "salt": "x", "first": 1, "last": SIZE})
            connection.execute("VACUUM ANALYZE customers")
            connection.execute("VACUUM ANALYZE customer_facts")
        with product.app.app_context():
            yield at_most(f"counting {SIZE:,} customers", _counted(tenant), 1, form=".2f", unit=" s")
        for form in ("csv", "ndjson", "parquet", "xlsx"):
            seconds, mib, size = _apart(tenant, form)
            what = f"{SIZE:,} customers as {form}, {size / 1e6:,.0f} MB"
            yield Row(what, f"{seconds:,.0f} s, {SIZE / seconds:,.0f}/s", "-", "-", None)
            yield at_most("  the most memory of its process", mib, MOST_MIB, form=".0f", unit=" MiB")


def _counted(tenant: int) -> float:
    from saas.integrations import exports
    from saas.kit import work

    with work.unit(tenant_id=tenant):
        asked = exports.check({"what": "customers", "format": "csv"})
        began = time.perf_counter()
        if exports.count(asked, most=100_000_000) != SIZE:
            raise RuntimeError("not all are counted")
        return time.perf_counter() - began


def _apart(tenant: int, form: str) -> tuple[float, float, int]:
    """Return seconds, MiB and bytes of one format, made by a process of its own."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    worker = context.Process(target=_make, args=(tenant, form, theirs))
    worker.start()
    theirs.close()
    try:
        told: tuple[float, float, int] = mine.recv()
    finally:
        worker.join()
    return told


def _make(tenant: int, form: str, told: Connection) -> None:
    from saas.app import create_app
    from saas.integrations import exports
    from saas.kit import files, scope, work
    from saas.tenancy import operations

    with create_app(only_rooms=True).app_context(), scope.tenant(tenant, actor=scope.PLATFORM):
        began = time.perf_counter()
        with work.unit():
            operation_id = exports.begin({"what": "customers", "format": form}).id
        while operations.run(operation_id):
            pass
        seconds = time.perf_counter() - began
        with work.unit():
            done = operations.one(operation_id)
            if (done.state, done.done) != ("done", SIZE):
                raise RuntimeError(f"not all are in the file: {done.state}, {done.done}, {done.error}")
            size = files.one(done.report["files"][0]["id"]).size
    told.send((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, size))
