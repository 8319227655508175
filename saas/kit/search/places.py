"""Which engine serves a tenant: Whoosh for most, PostgreSQL for large ones and where several hosts serve."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import psycopg

from saas import config
from saas.kit import identifiers, pool
from saas.kit.search import terms
from saas.kit.search.postgres_engine import PostgresEngine

SETTLED_SECONDS = 5.0
BACK_SHARE = 0.8  # a tenant goes back to Whoosh well below the limit, or it would move to and fro

_READ = "SELECT engine, version FROM search_places WHERE tenant_id = %s"
_WRITE = """
INSERT INTO search_places (tenant_id, id, engine, version, built_at) VALUES (%s, %s, %s, %s, now())
ON CONFLICT (tenant_id) DO UPDATE SET engine = excluded.engine, version = excluded.version, built_at = now()
"""


class Connect(Protocol):
    """Opens a transaction in which a tenant is bound; `pool.connection` in the product."""

    def __call__(self, *, tenant_id: int) -> AbstractContextManager[psycopg.Connection]: ...


class Place(NamedTuple):
    """Where a tenant's index is, and which version of the terms it holds."""

    engine: str
    version: int


@lru_cache(maxsize=1)
def engines() -> dict[str, object]:
    """Return both engines. Whoosh is imported here and not before: many processes never search."""
    from saas.kit.search.whoosh_engine import WhooshEngine

    folder = Path(config.get().var_dir).resolve() / "search"
    return {"whoosh": WhooshEngine(folder), "postgres": PostgresEngine()}


def connect(*, tenant_id: int) -> AbstractContextManager[psycopg.Connection]:
    return pool.connection(tenant_id=tenant_id)


def of(connection: psycopg.Connection, tenant_id: int) -> Place | None:
    """Return the tenant's place, or None when nothing of it has been indexed yet or only an older version's terms."""
    row = connection.execute(_READ, [tenant_id]).fetchone()
    place = Place(*row) if row else None
    return place if place and place.version == terms.VERSION else None


def settle(connection: psycopg.Connection, tenant_id: int, engine: str) -> None:
    """Write down which engine serves the tenant from the caller's commit on."""
    connection.execute(_WRITE, [tenant_id, identifiers.new(), engine, terms.VERSION])


def first_choice() -> str:
    """Return the engine for a tenant of whom nothing is known yet."""
    chosen = config.get().search_engine
    return "whoosh" if chosen == "auto" else chosen


def better(present: str, records: int) -> str:
    """Return the engine that should serve a tenant with so many records."""
    settings = config.get()
    if settings.search_engine != "auto":
        return settings.search_engine
    if records > settings.search_whoosh_limit:
        return "postgres"
    return "whoosh" if records < settings.search_whoosh_limit * BACK_SHARE else present


class Remembered:
    """Which tenants Whoosh serves, kept for some seconds, so that typing asks the database nothing.

    Only Whoosh is remembered: its index vanishes when a tenant moves away, which a reader notices. PostgreSQL's would
    just look empty, and asking costs little there.
    """

    def __init__(self) -> None:
        self._until: dict[int, float] = {}

    def whoosh(self, tenant_id: int) -> bool:
        return self._until.get(tenant_id, 0.0) > time.monotonic()

    def keep(self, tenant_id: int) -> None:
        if len(self._until) > 10_000:
            self._until.clear()
        self._until[tenant_id] = time.monotonic() + SETTLED_SECONDS

    def forget(self, tenant_id: int) -> None:
        self._until.pop(tenant_id, None)


remembered = Remembered()
