"""Seals over the trace: a chain of hashes for each tenant, laid over what was written, by a job, so that no writer waits.

A seal covers what a range of transactions wrote, never a range of times or ids: an id made earlier may be committed later,
but PostgreSQL knows below which transaction id nothing runs any more (`pg_snapshot_xmin`), and what lies below that is fixed
for good. The era tells databases apart, for a dump restored elsewhere counts transactions anew: each era's ranges follow
each other, and what an old era left unsealed is sealed before the new one begins. See docs/decisions/trace.md.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import tuple_row

from saas.kit import crypto, identifiers, pool, queries
from saas.kit.db import db

log = logging.getLogger("regulars.audit")
MOST = 10_000
"""Entries a seal covers, but for one transaction that wrote more by itself."""
WITNESS = 8
START = bytes(32)
PURPOSE = "audit seal"
COLUMNS = (
    "id", "era", "xid", "acted_at", "actor_kind", "actor_id", "action", "record_kind", "record_id", "batch", "undoes", "detail",
    "door", "request_id", "values_digest", "who_digest",
)  # fmt: skip
ROWS = f"SELECT {', '.join('e.' + name for name in COLUMNS)} FROM audit_entries e WHERE e.era = %(era)s AND e.xid >= %(low)s AND e.xid < %(high)s ORDER BY e.xid, e.id"
HORIZON = """SELECT (SELECT system_identifier FROM pg_control_system()), pg_snapshot_xmin(pg_current_snapshot())::text::bigint"""
LAST = "SELECT position, hash FROM audit_seals ORDER BY position DESC LIMIT 1"
REACHED = "SELECT coalesce(max(to_xid), 0) FROM audit_seals WHERE era = %s"
NEXT_ERA = "SELECT min(era) FROM audit_entries WHERE era > %s"
FULL = "SELECT xid FROM audit_entries WHERE era = %s AND xid >= %s AND xid < %s ORDER BY xid, id OFFSET %s LIMIT 1"
NEWEST = "SELECT max(xid) FROM audit_entries WHERE era = %s AND xid >= %s AND xid < %s"
ADD = """
    INSERT INTO audit_seals (tenant_id, id, position, era, from_xid, to_xid, rows, witnesses, previous, hash, mac, sealed_at)
    VALUES (%(tenant)s, %(id)s, %(position)s, %(era)s, %(low)s, %(high)s, %(rows)s, %(witnesses)s, %(previous)s, %(hash)s, %(mac)s, now())"""
HEAD = """
    INSERT INTO audit_heads (tenant_id, id, position, era, to_xid, hash, mac)
    VALUES (%(tenant)s, %(id)s, %(position)s, %(era)s, %(high)s, %(hash)s, %(mac)s)
    ON CONFLICT (tenant_id) DO UPDATE SET position = excluded.position, era = excluded.era, to_xid = excluded.to_xid,
        hash = excluded.hash, mac = excluded.mac"""


@dataclass
class Range:
    """What a seal covers, and what was found in it: the hash that chains it and a witness for each row."""

    era: int
    low: int
    high: int
    previous: bytes
    position: int
    rows: int = 0
    hash: bytes = b""
    witnesses: bytearray = field(default_factory=bytearray)

    def header(self, tenant_id: int) -> bytes:
        return canonical(["seal", tenant_id, self.position, self.era, self.low, self.high, self.previous.hex()])


def canonical(values: list[Any]) -> bytes:
    """Return values as the one text that is hashed: a JSON list without blanks, moments in UTC to the microsecond, bytes in hex."""
    return orjson.dumps(values)


def row_digest(row: tuple[Any, ...]) -> bytes:
    """Return the digest of an entry, given in the order of COLUMNS."""
    plain = [
        value.hex() if isinstance(value, (bytes, memoryview)) else str(value) if isinstance(value, UUID) else
        value.astimezone(UTC).isoformat(timespec="microseconds") if name == "acted_at" else value
        for name, value in zip(COLUMNS, row, strict=True)
    ]  # fmt: skip
    return hashlib.sha256(canonical(plain)).digest()


def mac(tenant_id: int, position: int, hashed: bytes) -> bytes:
    """Return the seal's signature, which only who holds SECRET_KEY can make: a database alone cannot forge a chain."""
    return crypto.mac(PURPOSE, canonical([tenant_id, position, hashed.hex()]))


def read(connection: psycopg.Connection, tenant_id: int, found: Range) -> Iterator[tuple[Any, ...]]:
    """Yield a range's rows in order while hashing them; its hash stands when the last one was taken."""
    chain = hashlib.sha256(found.previous + found.header(tenant_id))
    with connection.cursor(name="sealing", row_factory=tuple_row) as rows:
        rows.itersize = 2000
        rows.execute(ROWS, {"era": found.era, "low": found.low, "high": found.high})
        for row in rows:
            digest = row_digest(row)
            chain.update(digest)
            found.witnesses += row[0].bytes + digest[:WITNESS]
            found.rows += 1
            yield row
    chain.update(str(found.rows).encode())
    found.hash = chain.digest()


def seal(tenant_id: int, *, most: int = MOST) -> int:
    """Seal what a tenant's finished transactions wrote since the last seal, each range in a transaction of its own.

    Returns how many entries were sealed; 0 at once while another worker is at it.
    """
    sealed = 0
    while rows := _seal_one(tenant_id, most):
        sealed += rows
    return sealed


def _seal_one(tenant_id: int, most: int) -> int:
    with pool.connection(tenant_id=tenant_id) as connection:
        lock = connection.execute(
            "SELECT pg_try_advisory_xact_lock(hashtext('audit seal'), %s)", [tenant_id]
        ).fetchone()
        if not lock or not lock[0]:
            return 0
        found = _next_range(connection, most)
        if found is None:
            return 0
        for _row in read(connection, tenant_id, found):
            pass
        values = {
            "tenant": tenant_id, "id": identifiers.new(), "position": found.position, "era": found.era, "low": found.low,
            "high": found.high, "rows": found.rows, "witnesses": bytes(found.witnesses), "previous": found.previous,
            "hash": found.hash, "mac": mac(tenant_id, found.position, found.hash),
        }  # fmt: skip
        connection.execute(ADD, values)
        connection.execute(HEAD, values)
    # The line is kept outside of the database: whoever cuts a chain off there cannot cut it off here.
    log.info("sealed tenant=%s position=%s rows=%s hash=%s", tenant_id, found.position, found.rows, found.hash.hex())
    return found.rows


def _next_range(connection: psycopg.Connection, most: int) -> Range | None:
    """Return the next range that nothing can be added to any more: what older eras left first, then the present one's."""
    current, horizon = connection.execute(HORIZON).fetchone() or (0, 0)
    position, previous = connection.execute(LAST).fetchone() or (0, START)
    for era in sorted(eras(connection), key=lambda era: (era == current, era)):
        low = (connection.execute(REACHED, [era]).fetchone() or (0,))[0]
        bound = horizon if era == current else 2**62
        newest = (connection.execute(NEWEST, [era, low, bound]).fetchone() or (None,))[0]
        if newest is None:
            continue
        full = connection.execute(FULL, [era, low, bound, most - 1]).fetchone()
        high = full[0] + 1 if full else newest + 1
        return Range(era, low, high, previous, position + 1)
    return None


def eras(connection: psycopg.Connection) -> list[int]:
    """Return the eras of a tenant's entries, found by skipping along the index."""
    found, last = [], -1
    while (era := (connection.execute(NEXT_ERA, [last]).fetchone() or (None,))[0]) is not None:
        found.append(era)
        last = era
    return found


def waiting() -> list[int]:
    """Return the companies that have something to seal; for the platform's job."""
    return list(db.session.scalars(queries.load("tenancy/queries/audit_waiting.sql")))


def anchor(tenant_id: int) -> tuple[int, str] | None:
    """Return (position, hash) of a tenant's newest seal, to be kept somewhere else and compared later."""
    with pool.connection(tenant_id=tenant_id) as connection:
        row = connection.execute(LAST).fetchone()
    return (row[0], row[1].hex()) if row else None
