"""Raw psycopg transactions with the tenant bound, for the hot paths where the ORM's 0.3 ms would show."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import ConnectionPool

from saas import config
from saas.kit import scope

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
            kwargs={"prepare_threshold": None, "options": OPTIONS},
            open=True,
            name="hot",
        )
    return _pools[mine]


@contextmanager
def connection(*, tenant_id: int | None = None) -> Iterator[psycopg.Connection]:
    """Open a transaction for the given tenant, or for the bound one; committed at the end, rolled back when raised."""
    bound = tenant_id if tenant_id is not None else scope.tenant_id()
    with _pool().connection() as opened:
        opened.execute(f"SET LOCAL app.tenant_id = '{int(bound)}'")
        yield opened


@contextmanager
def global_connection() -> Iterator[psycopg.Connection]:
    """Open a transaction that sees only the global tables."""
    with _pool().connection() as opened:
        yield opened


def close() -> None:
    """Close this process's pool; for tests and orderly ends."""
    held = _pools.pop(os.getpid(), None)
    if held is not None:
        held.close()
