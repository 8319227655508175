"""A tenant whose search is served by each engine in turn, on the real PostgreSQL and real files."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg
import pytest

from saas.kit import pool, search
from saas.kit.search import places
from saas.kit.search.postgres_engine import PostgresEngine
from saas.kit.search.whoosh_engine import WhooshEngine


def new_tenant(admin_url: str) -> int:
    with psycopg.connect(admin_url) as connection:
        return connection.execute(
            "INSERT INTO tenants (name, state, simulated, created_at, updated_at)"
            " VALUES ('Search', 'active', false, now(), now()) RETURNING id"
        ).fetchone()[0]


@dataclass
class Box:
    """The search box of one tenant."""

    tenant_id: int
    engine: str

    def index(self, *records: search.Record) -> None:
        search.index(self.tenant_id, records)

    def titles(self, query: str, **options) -> list[str]:
        return [hit.title for hit in search.find(self.tenant_id, query, **options)]

    def ids(self, query: str, **options) -> set[UUID]:
        return {hit.id for hit in search.find(self.tenant_id, query, **options)}


def customer(title: str, **fields) -> search.Record:
    return search.Record(fields.pop("kind", "customer"), fields.pop("id", None) or uuid4(), title, **fields)


@pytest.fixture
def search_engines(settings_in_environment, tmp_path, monkeypatch):
    """Both engines, with Whoosh's files in a folder of this test's own."""
    both = {"whoosh": WhooshEngine(tmp_path / "search", open_searchers=4), "postgres": PostgresEngine()}
    monkeypatch.setattr(places, "engines", lambda: both)
    monkeypatch.setattr(places, "remembered", places.Remembered())
    yield both
    both["whoosh"].searchers.close()
    pool.close()


@pytest.fixture
def tenant_id(settings_in_environment) -> int:
    return new_tenant(settings_in_environment.database_admin_url)


@pytest.fixture(params=["whoosh", "postgres"])
def box(request, search_engines, tenant_id, settings_in_environment, monkeypatch) -> Box:
    chosen = dataclasses.replace(settings_in_environment, search_engine=request.param)
    monkeypatch.setattr("saas.config.get", lambda: chosen)
    search.rebuild(tenant_id, [], engine=request.param)
    return Box(tenant_id, request.param)


@pytest.fixture
def boxes(search_engines, settings_in_environment):
    """Two tenants who are to hold the same records, one with each engine."""
    made = [Box(new_tenant(settings_in_environment.database_admin_url), name) for name in ("whoosh", "postgres")]
    for one in made:
        search.rebuild(one.tenant_id, [], engine=one.engine)
    return made
