"""Which tables go into a backup, in an order in which their rows can come back, and how their rows are read."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql
from sqlalchemy import Table, Text
from sqlalchemy.types import String

from saas.kit import walls
from saas.kit.db import db

MADE_AGAIN = {
    "search_records": "the index of PostgreSQL's search",
    "search_changes": "what waits to be indexed",
    "search_places": "which index serves whom: there is none after a restore, so all are built",
    "day_books": "that a company's sums by day are whole: after a restore they are summed anew",
    "day_changes": "what changed the sums by day; bringing the rows back notes it again",
    "day_sums": "sums by day of rows that are in the backup",
    "report_runs": "what reports said; asked again, they say it again",
}
LEFT_BEHIND = ("ticks", "platform_acts")
"""Tables of the platform that say nothing of a single company."""


class Strange(Exception):
    """The database holds tables that this version does not know, or lacks some."""


@dataclass(frozen=True)
class Part:
    """One table: its columns, and its rows in the order of their key, so that the same rows always read the same."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    texts: frozenset[str]

    def query(self, *, tenant_id: int | None = None) -> sql.Composed:
        """Return the SQL that reads the rows, all or one company's."""
        order = sql.SQL(", ").join(
            sql.SQL('{} COLLATE "C"' if column in self.texts else "{}").format(sql.Identifier(column))
            for column in self.key
        )
        return sql.SQL("COPY (SELECT {} FROM {}{} ORDER BY {}) TO STDOUT").format(
            sql.SQL(", ").join(map(sql.Identifier, self.columns)),
            sql.Identifier(self.name),
            self._whose(tenant_id),
            order,
        )

    def _whose(self, tenant_id: int | None) -> sql.Composable:
        if tenant_id is None:
            return sql.SQL("")
        theirs = sql.SQL("(SELECT login_id FROM members WHERE tenant_id = {})").format(sql.Literal(tenant_id))
        if self.name == "tenants":
            return sql.SQL(" WHERE id = {}").format(sql.Literal(tenant_id))
        if self.name == "logins":
            return sql.SQL(" WHERE id IN {}").format(theirs)
        if "tenant_id" in self.columns and self.name != "login_sessions":
            return sql.SQL(" WHERE tenant_id = {}").format(sql.Literal(tenant_id))
        if "login_id" in self.columns and self.name != "login_sessions":
            return sql.SQL(" WHERE login_id IN {}").format(theirs)
        return sql.SQL(" WHERE false")

    def fill(self) -> sql.Composed:
        """Return the SQL that takes rows."""
        columns = sql.SQL(", ").join(map(sql.Identifier, self.columns))
        return sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(self.name), columns)


def all_parts(connection: psycopg.Connection) -> list[Part]:
    """Return the tables of a backup, those that are referred to first; raises Strange when the database is another's."""
    known = {table.name for table in db.metadata.tables.values()}
    there = {
        row[0]
        for row in connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
        )
    } - {"alembic_version"}
    if there != known:
        raise Strange(f"The database and this version differ in the tables {', '.join(sorted(there ^ known))}.")
    return [_part(table) for table in db.metadata.sorted_tables if table.name not in MADE_AGAIN]


def _part(table: Table) -> Part:
    columns = tuple(column.name for column in table.columns if column.computed is None)
    texts = frozenset(column.name for column in table.columns if isinstance(column.type, (Text, String)))
    return Part(table.name, columns, tuple(column.name for column in table.primary_key), texts)


def unwalled(connection: psycopg.Connection) -> list[str]:
    """Return the tenants' tables that no policy guards."""
    return [
        row[0]
        for row in connection.execute(
            """SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
               AND NOT relispartition AND NOT relname = ANY(%s) AND NOT (relrowsecurity AND relforcerowsecurity
               AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))""",
            [list(walls.GLOBAL_TABLES)],
        )
    ]
