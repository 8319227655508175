"""The months of tables that are cut by time: partitions by ranges of ids, which begin with their moment (UUIDv7).

Each table has a partition for what belongs to no month yet, so nothing is ever refused for want of one. A month is made
ahead; where rows came earlier than their month did, they move into it. The application may read the whole table only,
never a part, so nothing is granted on the months.
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from uuid import UUID

import psycopg
from psycopg import sql

from saas import config
from saas.kit import clock, identifiers

log = logging.getLogger(__name__)
BEHIND, AHEAD = 2, 3
LOCK = "regulars partitions"


def first_of(day: date, months: int = 0) -> datetime:
    """Return the first moment of a day's month, or of the month so many months later."""
    passed = day.year * 12 + day.month - 1 + months
    return datetime(passed // 12, passed % 12 + 1, 1, tzinfo=UTC)


def rest_of(table: str) -> str:
    """Return the name of the partition for what belongs to no month."""
    return f"{table}_p0"


def around(day: date) -> list[datetime]:
    """Return the months that should exist on a day."""
    return [first_of(day, months) for months in range(-BEHIND, AHEAD + 1)]


def create(table: str, months: list[datetime]) -> list[str]:
    """Return the SQL that gives a new table its months and the rest; for migrations."""
    made = [f'CREATE TABLE "{rest_of(table)}" PARTITION OF "{table}" DEFAULT']
    for month in months:
        low, high = identifiers.floor(month), identifiers.floor(first_of(month, 1))
        made.append(
            f"CREATE TABLE \"{table}_p{month:%Y%m}\" PARTITION OF \"{table}\" FOR VALUES FROM ('{low}') TO ('{high}')"
        )
    return made


def ensure(table: str) -> list[str]:
    """Make the coming months of a table that are missing, and return their names.

    Works as the role that owns the tables; without its address everything stays in the rest, which is slower and no more.
    """
    if not config.get().database_owner_url:
        log.warning("DATABASE_OWNER_URL is not given here, so no months are made for %s", table)
        return []
    made = []
    with psycopg.connect(config.get().database_owner_url) as connection:
        connection.execute("SET lock_timeout = '5s'")
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [LOCK])
        for month in around(clock.now().date()):
            name = f"{table}_p{month:%Y%m}"
            if connection.execute("SELECT to_regclass(%s)", [name]).fetchone() == (None,):
                _add(connection, table, name, month)
                made.append(name)
    return made


def _add(connection: psycopg.Connection, table: str, name: str, month: datetime) -> None:
    """Make one month beside the table, move into it what came early, and only then put it in."""
    low, high = identifiers.floor(month), identifiers.floor(first_of(month, 1))
    names = {"month": sql.Identifier(name), "table": sql.Identifier(table), "rest": sql.Identifier(rest_of(table))}
    bounds = {"low": sql.Literal(str(low)), "high": sql.Literal(str(high))}
    for statement in (
        "CREATE TABLE {month} (LIKE {table} INCLUDING DEFAULTS)",
        "LOCK TABLE {rest} IN SHARE ROW EXCLUSIVE MODE",
        "WITH early AS (DELETE FROM {rest} WHERE id >= {low}::uuid AND id < {high}::uuid RETURNING *) INSERT INTO {month} SELECT * FROM early",
        "ALTER TABLE {table} ATTACH PARTITION {month} FOR VALUES FROM ({low}) TO ({high})",
    ):
        connection.execute(sql.SQL(statement).format(**names, **bounds))


def expire(table: str, *, months: int) -> list[str]:
    """Drop the months of a table that ended more than so many months ago, and return their names; 0 keeps everything.

    A month goes as a whole, which costs nothing however large it is. It waits for its lock no longer than a second, for
    everybody who writes waits behind it; what was busy goes the next time. What lies in the rest goes row by row.
    """
    if not months or not config.get().database_owner_url:
        return []
    last = first_of(clock.now().date(), -max(months, BEHIND + 1))
    dropped, busy = [], False
    with psycopg.connect(config.get().database_owner_url, autocommit=True) as connection:
        connection.execute("SET lock_timeout = '1s'")
        for name in _months(connection, table):
            if name.removeprefix(f"{table}_p") < f"{last:%Y%m}":
                try:
                    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
                    dropped.append(name)
                except psycopg.errors.LockNotAvailable:
                    busy = True
                    log.warning("%s is in use and is dropped later", name)
    if not busy:
        _expire_rest(table, identifiers.floor(last))
    return dropped


def _months(connection: psycopg.Connection, table: str) -> list[str]:
    found = connection.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass(%s) ORDER BY 1",
        [table],
    )
    return [name for (name,) in found if name.removeprefix(f"{table}_p").isdigit() and name != rest_of(table)]


def _expire_rest(table: str, before: UUID, *, most: int = 5_000) -> None:
    """In transactions of their own, few rows at a time, as the platform's role: the owner sees no tenant's rows."""
    names = {"table": sql.Identifier(table)}
    statement = sql.SQL(
        "DELETE FROM {table} WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM {table} WHERE id < %s LIMIT %s)"
    ).format(**names)
    with psycopg.connect(config.get().database_admin_url, autocommit=True) as connection:
        while connection.execute(statement, [before, most]).rowcount == most:
            pass
