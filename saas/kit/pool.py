"""Raw psycopg transactions with the tenant bound, for the hot paths where the ORM's 0.3 ms would show."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from saas import config
from saas.kit import access, costs, errand, errors, scope, walls

OPTIONS = "-c statement_timeout=30000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=60000"
_pools: dict[int, ConnectionPool] = {}


def _pool() -> ConnectionPool:
    """Return this process's pool; a forked child opens its own."""
    mine = os.getpid()
    if mine not in _pools:
        settings = config.get()
        _pools[mine] = ConnectionPool(
            settings.database_url,
            min_size=0,
            max_size=settings.database_pool,
            timeout=10,
            kwargs={"prepare_threshold": None, "options": OPTIONS, **costs.connect_arguments()},
            # A server that restarted leaves dead connections behind; asking costs one round trip and saves the caller an error.
            check=ConnectionPool.check_connection,
            open=True,
            name="hot",
        )
    return _pools[mine]


@contextmanager
def connection(*, tenant_id: int | None = None) -> Iterator[psycopg.Connection]:
    """Open a transaction for the given tenant, or for the bound one; committed at the end, rolled back when raised."""
    bound = tenant_id if tenant_id is not None else scope.tenant_id()
    with _pool().connection() as opened:
        opened.execute(
            "; ".join(
                [f"SET LOCAL app.tenant_id = '{int(bound)}'", *errand.statements(), *walls.limit(access.limiting())]
            )
        )
        yield opened


def together(statements: Sequence[tuple[str, Mapping[str, Any]]], *, tenant_id: int) -> None:
    """Run statements in one transaction of a tenant and one round trip; they must be content to run twice.

    A connection that turns out to be dead is replaced once. Raises errors.Unavailable when the database does not answer.
    """
    for last_try in (False, True):
        try:
            with _pool().connection() as opened, opened.pipeline():
                opened.execute(f"SET LOCAL app.tenant_id = '{int(tenant_id)}'")
                for statement in errand.statements():
                    opened.execute(statement)
                for statement, values in statements:
                    opened.execute(statement, values)
                opened.commit()
            return
        except psycopg.OperationalError as error:
            if last_try or not _connection_failed(error):
                raise errors.Unavailable from error


def _connection_failed(error: psycopg.OperationalError) -> bool:
    """Tell whether the connection failed and not the statement: then there is no SQLSTATE, or one that ends sessions."""
    return error.sqlstate is None or error.sqlstate.startswith(("57P", "08"))


@contextmanager
def global_connection() -> Iterator[psycopg.Connection]:
    """Open a transaction that sees only the global tables."""
    with _pool().connection() as opened:
        yield opened


def standing() -> dict[str, int]:
    """Return how many connections this process' pool holds, how many are free, and how many callers wait for one."""
    held = _pools.get(os.getpid())
    told = held.get_stats() if held is not None else {}
    return {
        "open": told.get("pool_size", 0), "free": told.get("pool_available", 0), "wanted": told.get("requests_waiting", 0),
    }  # fmt: skip


def close() -> None:
    """Close this process's pool; for tests and orderly ends."""
    held = _pools.pop(os.getpid(), None)
    if held is not None:
        held.close()
