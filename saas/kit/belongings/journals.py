"""Journals: how a row is written down, how journals are read, and how they are thrown away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, delete, func, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY

from saas.kit import scope
from saas.kit.belongings import catalogue
from saas.kit.belongings.models import JournalRow
from saas.kit.db import db

DIALECT = postgresql.dialect()
UUIDS = ARRAY(Uuid)


def quoted(name: str) -> str:
    return DIALECT.identifier_preparer.quote_identifier(name)


def written(table: str, alias: str = "t") -> str:
    """Return the SQL that writes a row down: each column as text, which every type reads back exactly as it was.

    As JSON of their own a jsonb column could not tell a JSON null from none at all, and an array would lose its bounds.
    """
    names = catalogue.columns(table)
    keys = ", ".join(f"'{name}'" for name in names)
    values = ", ".join(f"{alias}.{quoted(name)}::text" for name in names)
    return f"jsonb_object(ARRAY[{keys}], ARRAY[{values}]::text[])"


def sql_type(table: str, column: str) -> str:
    return catalogue.table(table).columns[column].type.compile(dialect=DIALECT)


def run(statement: str, **values: Any) -> Any:
    """Execute SQL of this package in the open unit; lists become arrays of ids."""
    lists = [bindparam(name, type_=UUIDS) for name, value in values.items() if isinstance(value, list)]
    clause = text(statement)
    if "tenant" not in values and ":tenant" in statement:
        values["tenant"] = scope.tenant_id()
    return db.session.execute(clause.bindparams(*lists) if lists else clause, values)


def journal(table: str, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Return these rows as JSON (each column as text) without taking them; meant for few."""
    query = (
        f"SELECT {written(table)} FROM {quoted(table)} t WHERE t.tenant_id = :tenant AND t.id = ANY(:ids) ORDER BY t.id"
    )
    return [row[0] for row in run(query, ids=list(ids))]


def rows(journal_id: UUID, *, table: str | None = None) -> Iterator[tuple[str, UUID, dict[str, Any]]]:
    """Yield (table, record id, row as JSON) of what a journal took, a thousand at a time."""
    query = select(JournalRow.table_name, JournalRow.record_id, JournalRow.row).where(
        JournalRow.journal == journal_id, JournalRow.act == "taken"
    )
    if table is not None:
        query = query.where(JournalRow.table_name == table)
    yield from db.session.execute(
        query.order_by(JournalRow.table_name, JournalRow.record_id).execution_options(yield_per=1000)
    )


def counts(journal_id: UUID) -> dict[str, int]:
    """Return how many rows of each table a journal took, emptied or moved."""
    number = func.sum(func.coalesce(func.cardinality(JournalRow.ids), 1))
    query = select(JournalRow.table_name, number).where(JournalRow.journal == journal_id)
    return {name: int(many) for name, many in db.session.execute(query.group_by(JournalRow.table_name))}


def taken(table: str, record_id: UUID) -> list[UUID]:
    """Return the journals that took this record, the newest first."""
    query = select(JournalRow.journal).where(
        JournalRow.record_id == record_id, JournalRow.table_name == table, JournalRow.act == "taken"
    )
    return sorted(db.session.scalars(query), reverse=True)


def forget(journal_ids: Sequence[UUID]) -> int:
    """Throw journals away: what they took can never be put back. Returns how many entries that were."""
    gone = delete(JournalRow).where(JournalRow.journal.in_(list(journal_ids)))
    return db.session.execute(gone.execution_options(synchronize_session=False)).rowcount
