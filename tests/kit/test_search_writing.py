"""Noting changes, writing them in batches, building anew and moving between the engines."""

from __future__ import annotations

import threading
from uuid import uuid4

import psycopg
import pytest

from saas.kit import pool, search, work
from saas.kit.search import places, writing
from saas.kit.search.terms import Record
from tests.kit.search_support import customer


class Rows:
    """Stands for a room's tables; what the loader reads."""

    def __init__(self, *records: Record) -> None:
        self.kept = {(record.kind, record.id): record for record in records}
        self.asked: list[int | None] = []

    def load(self, keys):
        self.asked.append(None if keys is None else len(keys))
        return list(self.kept.values()) if keys is None else [self.kept[key] for key in keys if key in self.kept]


def note(tenant_id, *records):
    with pool.connection(tenant_id=tenant_id) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO search_changes (tenant_id, id, kind, record_id) VALUES (%s, %s, %s, %s)",
            [(tenant_id, uuid4(), record.kind, record.id) for record in records],
        )


def pending(tenant_id):
    with pool.connection(tenant_id=tenant_id) as connection:
        return connection.execute("SELECT count(*) FROM search_changes").fetchone()[0]


def engine_of(tenant_id):
    with pool.connection(tenant_id=tenant_id) as connection:
        return places.of(connection, tenant_id).engine


@pytest.fixture
def limit_of_ten(monkeypatch, settings_in_environment):
    import dataclasses

    small = dataclasses.replace(settings_in_environment, search_whoosh_limit=10)
    monkeypatch.setattr("saas.config.get", lambda: small)


class TestTouch:
    def test_is_part_of_the_units_transaction(self, search_engines, tenant_id, app, context):
        with pytest.raises(RuntimeError), work.unit(tenant_id=tenant_id):
            search.touch("customer", uuid4())
            raise RuntimeError
        assert pending(tenant_id) == 0
        with work.unit(tenant_id=tenant_id):
            search.touch("customer", uuid4(), uuid4())
            search.touch("customer")
        assert pending(tenant_id) == 2

    def test_the_sweep_sees_who_waits(self, search_engines, tenant_id, app, context):
        with work.unit(tenant_id=tenant_id):
            search.touch("customer", uuid4())
        with work.platform_unit(reason="sweep search"):
            assert tenant_id in search.waiting()


class TestWritePending:
    def test_made_changed_and_removed_records(self, box):
        stays, goes = customer("Anna Stays"), customer("Anna Goes")
        rows = Rows(stays, goes)
        note(box.tenant_id, stays, goes)
        assert search.write_pending(box.tenant_id, rows.load) == 2
        assert box.titles("anna") == ["Anna Goes", "Anna Stays"]
        rows.kept = {(stays.kind, stays.id): customer("Anna Changed", id=stays.id)}
        note(box.tenant_id, stays, goes, stays)
        assert search.write_pending(box.tenant_id, rows.load) == 3
        assert box.titles("anna") == ["Anna Changed"] and pending(box.tenant_id) == 0
        assert rows.asked == [2, 2]

    def test_many_changes_are_written_in_batches(self, box, monkeypatch):
        monkeypatch.setattr(writing, "BATCH", 4)
        records = [customer(f"Anna {number}") for number in range(10)]
        note(box.tenant_id, *records)
        rows = Rows(*records)
        assert search.write_pending(box.tenant_id, rows.load) == 10
        assert len(box.titles("anna")) == 10 and rows.asked == [4, 4, 2]

    def test_a_failing_loader_leaves_the_changes_waiting(self, box):
        note(box.tenant_id, customer("Anna"))

        def fail(keys):
            raise RuntimeError

        with pytest.raises(RuntimeError):
            search.write_pending(box.tenant_id, fail)
        assert pending(box.tenant_id) == 1

    def test_a_change_noted_while_writing_is_not_lost(self, box):
        first, second = customer("Anna First"), customer("Anna Second")
        rows = Rows(first, second)
        note(box.tenant_id, first)

        def load(keys):
            if len(rows.asked) == 0:
                note(box.tenant_id, second)
            return rows.load(keys)

        search.write_pending(box.tenant_id, load)
        assert box.titles("anna") == ["Anna First", "Anna Second"] and pending(box.tenant_id) == 0

    def test_who_is_turned_away_at_the_lock_is_served_by_its_holder(self, box):
        first, second = customer("Anna First"), customer("Anna Second")
        rows = Rows(first, second)
        note(box.tenant_id, first)
        inside, turned_away = threading.Event(), threading.Event()

        def load(keys):
            inside.set()
            assert turned_away.wait(30)
            return rows.load(keys)

        holder = threading.Thread(target=search.write_pending, args=(box.tenant_id, load))
        holder.start()
        assert inside.wait(30)
        note(box.tenant_id, second)
        assert search.write_pending(box.tenant_id, rows.load) == 0
        turned_away.set()
        holder.join(30)
        assert box.titles("anna") == ["Anna First", "Anna Second"]

    def test_a_tenant_never_indexed_is_built_from_all_rows(self, search_engines, tenant_id):
        older, newer = customer("Anna Older"), customer("Anna Newer")
        note(tenant_id, newer)
        rows = Rows(older, newer)
        assert search.find(tenant_id, "anna") == []
        search.write_pending(tenant_id, rows.load)
        assert [hit.title for hit in search.find(tenant_id, "anna")] == ["Anna Newer", "Anna Older"]
        assert rows.asked == [None] and engine_of(tenant_id) == "whoosh"

    def test_other_terms_in_a_new_version_build_the_index_anew(self, box):
        box.index(customer("Anna Stale"))
        with pool.connection(tenant_id=box.tenant_id) as connection:
            connection.execute("UPDATE search_places SET version = 0")
        search.write_pending(box.tenant_id, Rows(customer("Anna Fresh")).load)
        places.remembered.forget(box.tenant_id)
        assert box.titles("anna") == ["Anna Fresh"]


class TestMoving:
    def test_a_growing_tenant_moves_to_postgresql_and_a_shrunken_one_back(
        self, search_engines, tenant_id, limit_of_ten
    ):
        records = [customer(f"Anna {number:02}") for number in range(11)]
        rows = Rows(*records[:10])
        note(tenant_id, *records[:10])
        search.write_pending(tenant_id, rows.load)
        assert engine_of(tenant_id) == "whoosh" and len(search.find(tenant_id, "anna")) == 10
        rows.kept[records[10].kind, records[10].id] = records[10]
        note(tenant_id, records[10])
        search.write_pending(tenant_id, rows.load)
        assert engine_of(tenant_id) == "postgres" and len(search.find(tenant_id, "anna")) == 11
        assert not (search_engines["whoosh"].folder / str(tenant_id)).exists()
        gone = [rows.kept.pop((record.kind, record.id)) for record in records[8:]]
        note(tenant_id, *gone)
        search.write_pending(tenant_id, rows.load)
        assert engine_of(tenant_id) == "postgres"  # eight of ten: not yet, or it would move to and fro
        note(tenant_id, rows.kept.pop((records[7].kind, records[7].id)))
        search.write_pending(tenant_id, rows.load)
        assert engine_of(tenant_id) == "whoosh" and len(search.find(tenant_id, "anna")) == 7
        with pool.connection(tenant_id=tenant_id) as connection:
            assert connection.execute("SELECT count(*) FROM search_records").fetchone()[0] == 0

    def test_the_setting_decides_for_all(self, search_engines, tenant_id, settings_in_environment, monkeypatch):
        import dataclasses

        chosen = dataclasses.replace(settings_in_environment, search_engine="postgres")
        search.rebuild(tenant_id, [customer("Anna")], engine="whoosh")
        monkeypatch.setattr("saas.config.get", lambda: chosen)
        search.write_pending(tenant_id, Rows(customer("Anna")).load)
        assert engine_of(tenant_id) == "postgres" and len(search.find(tenant_id, "anna")) == 1

    def test_the_old_index_answers_while_the_new_one_is_built(self, box):
        box.index(customer("Anna Old"))
        seen = []

        def records():
            seen.append(box.titles("anna"))
            yield customer("Anna New")

        search.rebuild(box.tenant_id, records())
        assert seen == [["Anna Old"]] and box.titles("anna") == ["Anna New"]

    def test_a_rebuild_that_fails_changes_nothing(self, box):
        box.index(customer("Anna Old"))

        def records():
            yield customer("Anna New")
            raise RuntimeError

        with pytest.raises(RuntimeError):
            search.rebuild(box.tenant_id, records())
        assert box.titles("anna") == ["Anna Old"]


class TestWalls:
    def test_without_a_tenant_the_function_answers_nothing(self, box, database_urls):
        box.index(customer("Anna"))
        with psycopg.connect(database_urls.app) as connection:
            query = f"'{box.tenant_id:x}/anna'"
            found = connection.execute("SELECT * FROM search_candidates(%s, '', '{}', 9)", [query])
            assert found.fetchall() == []

    def test_a_query_with_anothers_terms_or_with_sql_in_it_answers_nothing(
        self, box, tenant_id, settings_in_environment
    ):
        from tests.kit.search_support import new_tenant

        search.rebuild(tenant_id, [customer("Anna")], engine="postgres")
        other = new_tenant(settings_in_environment.database_admin_url)
        with pool.connection(tenant_id=other) as connection:
            for query, part in [
                (f"'{tenant_id:x}/anna'", ""),
                ("", "anna"),
                ("", "') OR (true"),
                ("!'x'", "%"),
                ("", "'; SELECT 1; --"),
            ]:
                found = connection.execute("SELECT * FROM search_candidates(%s, %s, %s, 9)", [query, query, [part]])
                assert found.fetchall() == []

    def test_only_the_application_may_call_it_and_the_platform_owns_it(self, database_urls):
        with psycopg.connect(database_urls.app) as connection:
            owner, bypasses, anybody, creates = connection.execute(
                "SELECT r.rolname, r.rolbypassrls, has_function_privilege('public', p.oid, 'EXECUTE'),"
                " has_schema_privilege(r.oid, 'public', 'CREATE')"
                " FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner WHERE proname = 'search_candidates'"
            ).fetchone()
        assert (owner, bypasses, anybody, creates) == ("regulars_admin", True, False, False)
