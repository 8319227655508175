"""Writing: what changed is noted in the room's own transaction and indexed by one job per tenant, in batches.

The job holds a lock of the database, so a tenant has one writer however many workers and hosts there are. A change is
struck off after the index has it; a worker that dies in between indexes it twice, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import psycopg
from sqlalchemy import BigInteger, Text, Uuid, func, insert, literal, select

from saas import config
from saas.kit import arrays, identifiers, scope
from saas.kit.db import db
from saas.kit.search import places, terms
from saas.kit.search.models import SearchChange, SearchPlace
from saas.kit.search.terms import Record

BATCH = 2_000
"""Changes that one transaction writes: less than a second of work, and half of what each costs in batches of 500."""
MANY = 50
_KEY = "hashtextextended('search:' || %s::text, 0)"
_PATIENT = (
    "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
)
_WAITING = "SELECT id, kind, record_id FROM search_changes WHERE tenant_id = %s ORDER BY id LIMIT %s"
_ASK = """
INSERT INTO search_changes (tenant_id, id, kind) SELECT %(tenant)s, %(id)s, ''
WHERE NOT EXISTS (SELECT FROM search_changes WHERE tenant_id = %(tenant)s AND record_id IS NULL)
"""
_STRIKE = "DELETE FROM search_changes WHERE tenant_id = %s AND id = ANY(%s)"

Keys = Sequence[tuple[str, UUID]]
Loader = Callable[[Keys | None], Iterable[Record]]
"""Given (kind, id) pairs it yields the records of those that still exist; given None, all records of the tenant."""


def touch(kind: str, *record_ids: UUID) -> None:
    """Note that records of the bound tenant were made, changed or removed, in the open unit of work."""
    if len(record_ids) > MANY:
        _touch_many(kind, record_ids)
    elif record_ids:
        rows = [
            {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "kind": kind, "record_id": record_id}
            for record_id in record_ids
        ]
        db.session.execute(insert(SearchChange), rows)


def renew() -> None:
    """Have the bound tenant's search folder made anew, for it keeps what was deleted until then; rows are gone as they are."""
    if db.session.scalar(select(SearchPlace.engine)) != "postgres":
        db.session.execute(
            insert(SearchChange),
            [{"tenant_id": scope.tenant_id(), "id": identifiers.new(), "kind": "", "record_id": None}],
        )


def _touch_many(kind: str, record_ids: Sequence[UUID]) -> None:
    """Note thousands of changes in one statement."""
    new = arrays.table(id=(identifiers.many(len(record_ids)), Uuid), record_id=(record_ids, Uuid))
    values = {
        "tenant_id": literal(scope.tenant_id(), BigInteger),
        "id": new.c.id,
        "kind": literal(kind, Text),
        "record_id": new.c.record_id,
    }
    db.session.execute(insert(SearchChange).from_select(list(values), select(*values.values()), include_defaults=False))


def waiting() -> list[int]:
    """Return the tenants that have changes to write; for the sweep, which runs in a unit of work over all tenants."""
    return list(db.session.scalars(select(SearchChange.tenant_id).distinct()))


def lag() -> tuple[int, float]:
    """Return how many changes of all tenants wait (up to 100,000) and the age of the oldest; in a unit over all tenants."""
    some = select(SearchChange.changed_at).limit(100_000).subquery()
    oldest = func.extract("epoch", func.now() - func.min(some.c.changed_at))
    waiting, age = db.session.execute(select(func.count(), oldest).select_from(some)).one()
    return waiting, max(float(age or 0), 0.0)


def write_pending(tenant_id: int, loader: Loader, *, connect: places.Connect = places.connect) -> int:
    """Write all noted changes of a tenant; returns how many, or 0 at once while another worker is at it.

    Also builds the index where there is none (a new tenant, a lost disk, a new version of the terms) and moves the
    tenant to the other engine when its size asks for it. `loader` runs inside the transaction that holds the lock.
    """
    written = 0
    while True:
        with connect(tenant_id=tenant_id) as connection:
            connection.execute(_PATIENT)
            mine = connection.execute(f"SELECT pg_try_advisory_xact_lock({_KEY})", [tenant_id]).fetchone()[0]
            if not mine:
                return written
            written += _write_batch(connection, tenant_id, loader)
            place = places.of(connection, tenant_id)
        _tidy(tenant_id, place)
        # Somebody who was turned away at the lock may have come after our look: look again now that it is free.
        with connect(tenant_id=tenant_id) as connection:
            if not connection.execute(_WAITING, [tenant_id, 1]).fetchone():
                return written


def _write_batch(connection: psycopg.Connection, tenant_id: int, loader: Loader) -> int:
    from saas.kit.search.whoosh_engine import NoIndex

    changes = connection.execute(_WAITING, [tenant_id, BATCH]).fetchall()
    place = places.of(connection, tenant_id)
    whole = place is None or any(record_id is None for _, _, record_id in changes)
    if not whole and changes:
        keys = list(dict.fromkeys((kind, record_id) for _, kind, record_id in changes))
        try:
            _apply(connection, tenant_id, place.engine, loader(keys), keys)
        except NoIndex:
            whole = True
    if whole:
        _rebuild(connection, tenant_id, loader(None), engine=place.engine if place else places.first_choice())
    _move(connection, tenant_id, loader)
    connection.execute(_STRIKE, [tenant_id, [change for change, _, _ in changes]])
    return len(changes)


def _apply(connection: psycopg.Connection, tenant_id: int, engine: str, records: Iterable[Record], keys: Keys) -> None:
    entries = [terms.prepare(record) for record in records]
    present = {(entry.kind, entry.id) for entry in entries}
    if gone := [key for key in keys if key not in present]:
        places.engines()[engine].remove(connection, tenant_id, gone)
    if entries:
        places.engines()[engine].put(connection, tenant_id, entries)


def _rebuild(connection: psycopg.Connection, tenant_id: int, records: Iterable[Record], *, engine: str) -> int:
    built = places.engines()[engine].replace(connection, tenant_id, (terms.prepare(record) for record in records))
    places.settle(connection, tenant_id, engine)
    return built


def _move(connection: psycopg.Connection, tenant_id: int, loader: Loader) -> None:
    """Build the tenant's index with the engine that suits its size."""
    place = places.of(connection, tenant_id)
    records = places.engines()[place.engine].count(connection, tenant_id, most=config.get().search_whoosh_limit + 1)
    better = places.better(place.engine, records)
    if better != place.engine:
        _rebuild(connection, tenant_id, loader(None), engine=better)
        if better == "whoosh":
            places.engines()["postgres"].clear(connection, tenant_id)


def _tidy(tenant_id: int, place: places.Place | None) -> None:
    """After the commit: take away the files of a tenant who has moved, for until then they were read."""
    if place is not None and place.engine == "postgres":
        places.engines()["whoosh"].clear(None, tenant_id)


def ask_rebuild(connection: psycopg.Connection, tenant_id: int) -> None:
    """Note that the tenant's index is lost and has to be built from the rows."""
    connection.execute(_ASK, {"tenant": tenant_id, "id": identifiers.new()})


@contextmanager
def alone(tenant_id: int, connect: places.Connect) -> Iterator[psycopg.Connection]:
    """Hold the tenant's writing lock for one transaction, waiting for it."""
    with connect(tenant_id=tenant_id) as connection:
        connection.execute(_PATIENT)
        connection.execute(f"SELECT pg_advisory_xact_lock({_KEY})", [tenant_id])
        yield connection


def index(tenant_id: int, records: Iterable[Record], *, connect: places.Connect = places.connect) -> None:
    """Index records now, in place of what they were before; jobs with many changes use `touch` and `write_pending`."""
    from saas.kit.search.whoosh_engine import NoIndex

    entries = [terms.prepare(record) for record in records]
    with alone(tenant_id, connect) as connection:
        place = places.of(connection, tenant_id)
        if place is None:
            _rebuild(connection, tenant_id, [], engine=places.first_choice())
            place = places.of(connection, tenant_id)
        try:
            places.engines()[place.engine].put(connection, tenant_id, entries)
        except NoIndex:
            ask_rebuild(connection, tenant_id)


def remove(tenant_id: int, keys: Keys, *, connect: places.Connect = places.connect) -> None:
    """Take records, given as (kind, id), out of the index now."""
    from saas.kit.search.whoosh_engine import NoIndex

    with alone(tenant_id, connect) as connection:
        place = places.of(connection, tenant_id)
        try:
            if place is not None:
                places.engines()[place.engine].remove(connection, tenant_id, list(keys))
        except NoIndex:
            ask_rebuild(connection, tenant_id)


def rebuild(
    tenant_id: int, records: Iterable[Record], *, engine: str | None = None, connect: places.Connect = places.connect
) -> int:
    """Build a tenant's index anew from all its records; returns how many. `records` is read while the lock is held.

    With `engine` the tenant moves there. Whatever is found meanwhile comes from the old index.
    """
    with alone(tenant_id, connect) as connection:
        place = places.of(connection, tenant_id)
        chosen = engine or (place.engine if place else places.first_choice())
        built = _rebuild(connection, tenant_id, records, engine=chosen)
        if chosen == "whoosh":
            places.engines()["postgres"].clear(connection, tenant_id)
        place = places.of(connection, tenant_id)
    _tidy(tenant_id, place)
    return built


def forget(tenant_id: int) -> None:
    """Remove a tenant's files from this machine; its rows go with the tenant's own."""
    places.remembered.forget(tenant_id)
    places.engines()["whoosh"].clear(None, tenant_id)
