"""Bringing a backup back: into an empty database as a whole, or one company out of it into one that lives.

Everything is one transaction: what does not come back whole does not come back at all. Afterwards each table is read again and
compared with the digest of what left.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from saas import config
from saas.kit import search
from saas.kit.backups import tables, vault
from saas.kit.backups.taking import PATIENT

Say = Callable[[str], None]


class NotEmpty(Exception):
    """The database, or the company's place in it, is taken."""


class NotTheSame(Exception):
    """What arrived is not what left."""


@dataclass
class Brought:
    """What came back: rows by table, and how long it took."""

    rows: dict[str, int] = field(default_factory=dict)
    tenants: list[int] = field(default_factory=list)
    seconds: float = 0.0


def about(path: Path) -> dict:
    """Return what a backup says of itself: made_at, revision, tenant_id."""
    with open(path, "rb") as file:
        return vault.Reader(file, key=config.get().backup_key).about


def check(path: Path) -> Brought:
    """Read a backup from end to end and return what is in it; raises vault.Damaged."""
    brought = Brought()
    for part, blocks in _parts(path):
        digest = hashlib.sha256()
        for block in blocks:
            digest.update(block)
        _compare(part, digest.hexdigest())
        brought.rows[part["table"]] = part["rows"]
    return brought


def _parts(path: Path) -> Iterator[tuple[dict, Iterator[bytes]]]:
    """Yield each table with its blocks; once those are read, the dict has its "rows" and "sha256" too."""
    with open(path, "rb") as file:
        messages = vault.Reader(file, key=config.get().backup_key).messages()

        def blocks(part: dict) -> Iterator[bytes]:
            for message in messages:
                if isinstance(message, dict):
                    part |= message
                    return
                yield message
            raise vault.Damaged("The file ends in the middle of a table.")

        for message in messages:
            yield message, blocks(message)


def _compare(part: dict, digest: str) -> None:
    if digest != part["sha256"]:
        raise NotTheSame(f"{part['table']} is not what it was: its digest differs.")


def bring(path: Path, *, say: Say = lambda _: None) -> Brought:
    """Put a whole backup into an empty database that has run the migrations of its version.

    Raises NotEmpty, vault.Damaged, or NotTheSame when a table differs afterwards; then nothing is there.
    """
    began = time.monotonic()
    with psycopg.connect(config.get().database_admin_url, options=PATIENT) as connection:
        parts = {part.name: part for part in tables.all_parts(connection)}
        for part in parts.values():
            if connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(part.name))).fetchone():
                raise NotEmpty(
                    f"The database is not empty: {part.name} has rows. Make a new one and name it in the settings."
                )
        brought, digests = Brought(), {}
        for told, blocks in _parts(path):
            part = parts[told["table"]]
            with connection.cursor() as cursor, cursor.copy(_filling(part, told)) as rows:
                for block in blocks:
                    rows.write(block)
            brought.rows[part.name], digests[part.name] = told["rows"], told
            if told["rows"]:
                say(f"{part.name}: {told['rows']}")
        say("Comparing what arrived with what left.")
        for name, told in digests.items():
            digest = hashlib.sha256()
            with connection.cursor() as cursor, cursor.copy(parts[name].query(tenant_id=_whose(path))) as rows:
                for row in rows:
                    digest.update(row)
            _compare(told, digest.hexdigest())
        brought.tenants = _settle(connection)
    _count_on()
    brought.seconds = time.monotonic() - began
    return brought


def _whose(path: Path) -> int | None:
    return about(path)["tenant_id"]


def _filling(part: tables.Part, told: dict) -> sql.Composed:
    if set(told["columns"]) != set(part.columns):
        raise tables.Strange(
            f"{part.name} has other columns than the backup's; run the migrations of its version only."
        )
    return tables.Part(part.name, tuple(told["columns"]), part.key, part.texts).fill()


def _settle(connection: psycopg.Connection, tenants: list[int] | None = None) -> list[int]:
    """Have searches built and what was handed out handed out again; refuse a database without its walls."""
    if open_tables := tables.unwalled(connection):
        raise NotTheSame(f"No wall stands around {', '.join(open_tables)}.")
    found = tenants or [row[0] for row in connection.execute("SELECT id FROM tenants ORDER BY id")]
    connection.execute("UPDATE outbox_doorbell SET due_at = now() WHERE attempts > 0 AND tenant_id = ANY(%s)", [found])
    for tenant_id in found:
        search.ask_rebuild(connection, tenant_id)
    return found


def _count_on() -> None:
    """Have the next company get a number behind all that came back; only the tables' owner may set that."""
    with psycopg.connect(config.get().database_owner_url) as owner:
        owner.execute(
            "SELECT setval(pg_get_serial_sequence('tenants', 'id'), greatest((SELECT max(id) FROM tenants), 1))"
        )


def bring_one(path: Path, tenant_id: int, *, say: Say = lambda _: None) -> Brought:
    """Put one company out of a backup into a database that lives, where it must not be any more.

    People who are there already keep their sign-in as it is now. Raises NotEmpty, vault.Damaged or NotTheSame.
    """
    began = time.monotonic()
    people = _people(path, tenant_id)
    with psycopg.connect(config.get().database_admin_url, options=PATIENT) as connection:
        parts = {part.name: part for part in tables.all_parts(connection)}
        if connection.execute("SELECT 1 FROM tenants WHERE id = %s", [tenant_id]).fetchone():
            raise NotEmpty(f"Company {tenant_id} is in this database. Only one that is gone can be brought back.")
        brought = Brought(tenants=[tenant_id])
        for told, blocks in _parts(path):
            part, rows = parts[told["table"]], 0
            chosen = _chooser(told, tenant_id, people)
            with connection.cursor() as cursor:
                filling = _filling(part, told)
                if part.name not in tables_of_people(told):
                    with cursor.copy(filling) as copy:
                        rows = _feed(copy, blocks, chosen)
                else:
                    rows = _merge(cursor, part, told, blocks, chosen)
            if rows:
                brought.rows[part.name] = rows
                say(f"{part.name}: {rows}")
        if not brought.rows.get("tenants"):
            raise NotTheSame(f"Company {tenant_id} is not in this backup.")
        _settle(connection, [tenant_id])
    _count_on()
    brought.seconds = time.monotonic() - began
    return brought


def tables_of_people(told: dict) -> set[str]:
    """Tables of people, who may be there already because of another company."""
    return (
        {told["table"]}
        if told["table"] == "logins" or ("login_id" in told["columns"] and "tenant_id" not in told["columns"])
        else set()
    )


def _merge(cursor: psycopg.Cursor, part: tables.Part, told: dict, blocks: Iterator[bytes], chosen) -> int:
    beside = sql.Identifier(f"brought_{part.name}")
    columns = sql.SQL(", ").join(map(sql.Identifier, told["columns"]))
    cursor.execute(sql.SQL("CREATE TEMP TABLE {} (LIKE {}) ON COMMIT DROP").format(beside, sql.Identifier(part.name)))
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(beside, columns)) as copy:
        _feed(copy, blocks, chosen)
    into = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT DO NOTHING")
    return cursor.execute(into.format(sql.Identifier(part.name), columns, columns, beside)).rowcount


def _feed(copy: psycopg.Copy, blocks: Iterator[bytes], chosen) -> int:
    fed = 0
    for block in blocks:
        lines = [line for line in block.splitlines(keepends=True) if chosen(line.rstrip(b"\n").split(b"\t"))]
        if lines:
            copy.write(b"".join(lines))
            fed += len(lines)
    return fed


def _chooser(told: dict, tenant_id: int, people: set[bytes]) -> Callable[[list[bytes]], bool]:
    """Return what tells a company's rows from others', by the columns of COPY's text form."""
    wanted, columns = str(tenant_id).encode(), told["columns"]
    if told["table"] in ("login_sessions", *tables.LEFT_BEHIND):
        return lambda row: False
    if told["table"] == "tenants":
        place = columns.index("id")
    elif "tenant_id" in columns:
        place = columns.index("tenant_id")
    elif told["table"] == "logins" or "login_id" in columns:
        person = columns.index("id" if told["table"] == "logins" else "login_id")
        return lambda row: row[person] in people
    else:
        return lambda row: False
    return lambda row: row[place] == wanted


def _people(path: Path, tenant_id: int) -> set[bytes]:
    """Return the people of a company, as the backup writes their ids."""
    found: set[bytes] = set()
    for told, blocks in _parts(path):
        if told["table"] == "members":
            mine, person = told["columns"].index("tenant_id"), told["columns"].index("login_id")
            for block in blocks:
                rows = (line.rstrip(b"\n").split(b"\t") for line in block.splitlines())
                found |= {row[person] for row in rows if row[mine] == str(tenant_id).encode()}
        else:
            for _block in blocks:
                pass
    return found
