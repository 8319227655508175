"""Section B of the targets: one change to a million customers, its undo, a million deleted and brought back, and the seals over it all.

The customers are made up in the database. The work runs as a worker runs it, step by step, each committed; measured are the time,
the most memory this process ever held, and the same change as one bare UPDATE. BULK_BENCH=100000 makes it smaller.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator

import psycopg

from bench import customers_list, running
from bench.table import Row, at_most

SECTION = "B"
SIZE = int(os.environ.get("BULK_BENCH", 1_000_000))
MOST_MIB = 512
BARE = """UPDATE customers SET city = 'Bergen', name_sort = name_sort, updated_at = now(), versions = versions || '{"city": "x"}'
          WHERE tenant_id = %(tenant)s"""


def rows() -> Iterator[Row]:
    """Yield the rows: changed, undone, deleted, restored, sealed and verified."""
    with running.product(doors=False) as product, product.app.app_context():
        tenant = product.tenant_id
        with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
            connection.execute(f"SET app.tenant_id = '{tenant}'")
            for statement in (customers_list.CUSTOMERS, customers_list.FACTS):
                connection.execute(statement, {"tenant": tenant, "salt": "b", "first": 1, "last": SIZE})
            connection.commit()
            connection.autocommit = True
            connection.execute("ANALYZE customers")
            connection.execute("ANALYZE customer_facts")
        bare = _bare(tenant)
        began = time.perf_counter()
        changing = _start(tenant, do="set", field="city", value="Bergen")
        frozen = time.perf_counter() - began
        yield at_most(f"who of {SIZE:,} is meant, frozen when it begins", frozen, 30, form=".1f", unit=" s")
        spent = _timed(lambda: _run(tenant, changing))
        yield _told("a field changed, with history, search and undo", spent, bare)
        spent = _timed(lambda: _undo(tenant, changing))
        yield _told("undone", spent, bare)
        for kind, wanted in (("the newest", {}), ("of one batch", {"batch": changing})):
            spent = min(_timed(lambda wanted=wanted: _history(tenant, wanted)) for _again in range(5)) * 1000
            yield at_most(f"a page of the history of {SIZE * 2:,} entries, {kind}", spent, 20, form=".1f", unit=" ms")
        spent = _timed(lambda: _seal(tenant))
        yield _told("sealed", spent, None)
        spent = _timed(lambda: _verify(tenant))
        yield _told("verified", spent, None)
        deleting = _start(tenant, do="delete")
        spent = _timed(lambda: _run(tenant, deleting))
        yield _told("deleted into the bin", spent, None)
        spent = _timed(lambda: _undo(tenant, deleting))
        yield _told("brought back", spent, None)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        yield at_most("the most memory of the process", peak, MOST_MIB, form=".0f", unit=" MiB")


def _bare(tenant: int) -> float:
    """Return the seconds of the same change as one statement, rolled back."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
        connection.execute(f"SET app.tenant_id = '{tenant}'")
        spent = _timed(lambda: connection.execute(BARE, {"tenant": tenant}))
        connection.rollback()
    return spent


def _told(what: str, spent: float, bare: float | None) -> Row:
    beside = f"one bare UPDATE {bare:.0f} s ({spent / bare:.1f}x)" if bare else "-"
    return Row(f"{SIZE:,} customers {what}", f"{spent:.0f} s, {SIZE / spent:,.0f}/s", beside, "-", None)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _start(tenant: int, **action: str):
    from saas.audiences import bulk_actions
    from saas.kit import work

    with work.unit(tenant_id=tenant):
        return bulk_actions.start(bulk_actions.read("customer", action), bulk_actions.audience("customer")).id


def _run(tenant: int, operation_id) -> None:
    from saas.kit import scope
    from saas.tenancy import operations

    with scope.tenant(tenant):
        while operations.run(operation_id):
            pass


def _undo(tenant: int, operation_id) -> None:
    from saas.kit import work
    from saas.tenancy import operations

    with work.unit(tenant_id=tenant):
        operations.undo(operation_id)
    _run(tenant, operation_id)
    with work.unit(tenant_id=tenant):
        done = operations.one(operation_id)
        if (done.state, done.undone) != ("undone", SIZE):
            raise RuntimeError(f"not all came back: {done.state}, {done.undone} of {SIZE}, {done.error}")


def _history(tenant: int, wanted: dict[str, object]) -> None:
    from saas.kit import pages, work
    from saas.tenancy import audit

    with work.unit(tenant_id=tenant):
        pages.page(audit.listed(**wanted), order=audit.NEWEST, limit=50)


def _seal(tenant: int) -> None:
    from saas.tenancy import sealing

    sealing.seal(tenant)


def _verify(tenant: int) -> None:
    from saas.tenancy import verifying

    report = verifying.verify(tenant)
    if report.broken:
        raise RuntimeError(report.broken)
