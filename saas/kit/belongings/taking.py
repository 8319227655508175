"""Taking records out with all that hangs on them, and putting them back exactly as they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint

from saas.kit import errors, identifiers
from saas.kit.belongings import catalogue
from saas.kit.belongings.journals import DIALECT, forget, quoted, run, sql_type, written
from saas.kit.db import db

PART = 1000  # parents looked at in one statement, and ids in one entry

TAKEN = "SELECT FROM journal_rows k WHERE k.tenant_id = :tenant AND k.journal = :journal AND k.act = 'taken'"
NEXT = """SELECT record_id FROM journal_rows WHERE tenant_id = :tenant AND journal = :journal AND act = 'taken'
          AND table_name = :parent AND record_id > :last ORDER BY record_id LIMIT :most"""

Key = tuple[list[str], str, str]
"""A unique key: its columns, the condition of a partial one, and how it compares."""


class Gone(errors.NotFound):
    """There is nothing in this journal any more."""


class Clash(errors.Conflict):
    """What was taken cannot be put back: something else has its place by now. `clashes` says what."""

    def __init__(self, found: Sequence[Taken]) -> None:
        super().__init__()
        self.clashes = list(found)


@dataclass(frozen=True)
class Taken:
    """A place that is taken: the row `record_id` of the journal cannot come back because row `holder` has these columns' values."""

    table: str
    columns: tuple[str, ...]
    record_id: UUID
    holder: UUID


def take_out(table: str, ids: Sequence[UUID], *, journal: UUID | None = None) -> UUID:
    """Write down records and everything that goes with them, delete them, and return the journal's id.

    The records are locked first, in the order of their ids. Rows that only name them are emptied by the foreign key, and
    it is written down which. Give an open `journal` to take more into it.
    """
    held = journal or identifiers.new()
    db.session.flush()
    for part in _parts(sorted(ids)):
        _write(table, f"t.id = ANY(:ids) {_not_yet(table)} ORDER BY t.id", journal=held, ids=part)
    tables = catalogue.reached(table)
    there = {table, *(_held(held) if journal else ())}
    while _write_children(tables, held, there) and catalogue.loops(tables):
        pass
    for name in tables:
        emptied = [belonging for belonging in catalogue.of(name) if belonging.ondelete == "empty"]
        for part in _records(name, held) if emptied and name in there else ():
            for belonging in emptied:
                _write_emptied(belonging, held, part)
    for part in _parts(sorted(ids)):
        run(f"DELETE FROM {quoted(table)} WHERE tenant_id = :tenant AND id = ANY(:ids)", ids=part)
    db.session.expire_all()
    return held


def _write(table: str, where: str, **values: Any) -> int:
    return run(
        f"INSERT INTO journal_rows (tenant_id, id, journal, act, table_name, record_id, row)"
        f" SELECT t.tenant_id, gen_random_uuid(), :journal, 'taken', '{table}', t.id, {written(table)}"
        f" FROM {quoted(table)} t WHERE t.tenant_id = :tenant AND {where} FOR UPDATE OF t",
        **values,
    ).rowcount


def _not_yet(table: str) -> str:
    return f"AND NOT EXISTS ({TAKEN} AND k.table_name = '{table}' AND k.record_id = t.id)"


def _write_children(tables: list[str], journal: UUID, there: set[str]) -> int:
    """Write down what goes with the rows that are written; returns how many rows that were. `there` are the tables of
    which rows are written: most records have nothing in most tables."""
    found = 0
    for name in tables:
        going = [belonging for belonging in catalogue.of(name) if belonging.ondelete == "cascade"]
        for part in _records(name, journal) if going and name in there else ():
            for belonging in going:
                where = f"t.{quoted(belonging.column)} = ANY(:ids) {_not_yet(belonging.table)}"
                if many := _write(belonging.table, where, journal=journal, ids=part):
                    found += many
                    there.add(belonging.table)
    return found


def _write_emptied(belonging: catalogue.Belonging, journal: UUID, parents: list[UUID]) -> None:
    column = quoted(belonging.column)
    run(
        f"INSERT INTO journal_rows (tenant_id, id, journal, act, table_name, column_name, before, ids)"
        f" SELECT :tenant, gen_random_uuid(), :journal, 'emptied', '{belonging.table}', '{belonging.column}', held, array_agg(id)"
        f" FROM (SELECT t.id, t.{column} AS held, (row_number() OVER (PARTITION BY t.{column} ORDER BY t.id) - 1) / {PART} AS part"
        f"       FROM {quoted(belonging.table)} t WHERE t.tenant_id = :tenant AND t.{column} = ANY(:ids) {_not_yet(belonging.table)}) s"
        f" GROUP BY held, part",
        journal=journal,
        ids=parents,
    )


def _records(table: str, journal: UUID) -> Iterator[list[UUID]]:
    """Yield the ids of what a journal took of a table, in parts."""
    last = UUID(int=0)
    while part := [row[0] for row in run(NEXT, journal=journal, parent=table, last=last, most=PART)]:
        yield part
        last = part[-1]


def _parts(ids: list[UUID]) -> Iterator[list[UUID]]:
    for start in range(0, len(ids), PART):
        yield ids[start : start + PART]


def put_back(journal: UUID, *, leave: Sequence[str] = (), keep: bool = False) -> dict[str, int]:
    """Put everything a journal took where it was, and return how many rows of each table came back.

    What else changed meanwhile is respected: a row whose own parent is gone for good stays away, a column that named
    something which is gone stays empty, a column that was given to another since stays there. Where another row has a unique
    place now (an address, say) nothing is put back and Clash is raised, except in the tables named by `leave`, whose
    clashing rows stay in the journal. The journal is thrown away unless `keep`. Raises Clash or Gone.
    """
    tables = _tables(journal)
    if not tables:
        raise Gone
    if found := [clash for clash in clashes(journal) if clash.table not in leave]:
        raise Clash(found)
    done = {name: run(_insert(journal, name, leave=name in leave), journal=journal).rowcount for name in tables}
    for row in list(run(EMPTIED, journal=journal)):
        run(_refill(*row), journal=journal)
    if not keep:
        forget([journal])
    db.session.expire_all()
    return done


EMPTIED = """SELECT DISTINCT table_name, column_name FROM journal_rows
             WHERE tenant_id = :tenant AND journal = :journal AND act = 'emptied'"""


def _tables(journal: UUID) -> list[str]:
    held = _held(journal)
    return [other.name for other in db.metadata.sorted_tables if other.name in held]


def _held(journal: UUID) -> set[str]:
    query = "SELECT DISTINCT table_name FROM journal_rows WHERE tenant_id = :tenant AND journal = :journal AND act = 'taken'"
    return {row[0] for row in run(query, journal=journal)}


def _insert(journal: UUID, table: str, *, leave: bool) -> str:
    """Columns that a table got since then take their default; those it lost are left out."""
    names = catalogue.columns(table)
    made = catalogue.table(table)
    guards, values = [], {name: f"(j.row ->> '{name}')::{sql_type(table, name)}" for name in names}
    for key in made.foreign_key_constraints:
        column = next((name for name in key.column_keys if name != "tenant_id"), None)
        if column is None or column not in values:
            continue
        target = next(element.column.name for element in key.elements if element.parent.name == column)
        there = f"EXISTS (SELECT FROM {quoted(key.referred_table.name)} p WHERE p.{quoted(target)} = {values[column]}"
        there += " AND p.tenant_id = :tenant)" if "tenant_id" in key.column_keys else ")"
        if key.referred_table is made:
            there = f"({there} OR EXISTS ({TAKEN} AND k.table_name = '{table}' AND k.record_id = {values[column]}))"
        if (key.ondelete or "").upper().startswith("SET NULL"):
            values[column] = f"CASE WHEN {there} THEN {values[column]} END"
        else:
            guards.append(f"(j.row ->> '{column}' IS NULL OR {there})")
    if leave:
        guards += [f"NOT EXISTS ({_holder(table, key)})" for key in _unique(table)]
    kept = _kept(journal, table, names)
    return (
        f"INSERT INTO {quoted(table)} ({', '.join(quoted(name) for name in kept)}) OVERRIDING SYSTEM VALUE"
        f" SELECT {', '.join(values[name] for name in kept)} FROM journal_rows j"
        f" WHERE j.tenant_id = :tenant AND j.journal = :journal AND j.act = 'taken' AND j.table_name = '{table}'"
        + "".join(f" AND {guard}" for guard in guards)
    )


KNOWN = """SELECT row FROM journal_rows WHERE tenant_id = :tenant AND journal = :journal AND act = 'taken'
           AND table_name = :table LIMIT 1"""


def _kept(journal: UUID, table: str, names: list[str]) -> list[str]:
    """Leave out columns with a default of the database that the journal does not know."""
    known = run(KNOWN, journal=journal, table=table).scalar() or {}
    return [name for name in names if name in known]


def _refill(table: str, column: str) -> str:
    parent = next(b for b in _parents(table, column))
    return (
        f"UPDATE {quoted(table)} t SET {quoted(column)} = j.before FROM (SELECT before, unnest(ids) AS id FROM journal_rows"
        f" WHERE tenant_id = :tenant AND journal = :journal AND act = 'emptied' AND table_name = '{table}' AND column_name = '{column}') j"
        f" WHERE t.tenant_id = :tenant AND t.id = j.id AND t.{quoted(column)} IS NULL"
        f" AND EXISTS (SELECT FROM {quoted(parent)} p WHERE p.tenant_id = :tenant AND p.id = j.before)"
    )


def _parents(table: str, column: str) -> Iterator[str]:
    for key in catalogue.table(table).foreign_key_constraints:
        if column in key.column_keys:
            yield key.referred_table.name


def clashes(journal: UUID) -> list[Taken]:
    """Return what stands in the way of putting a journal back: rows that have its unique places by now."""
    found: list[Taken] = []
    for table in _tables(journal):
        for key in _unique(table):
            query = (
                f"SELECT j.record_id, h.id FROM journal_rows j CROSS JOIN LATERAL ({_holder(table, key)} LIMIT 1) h"
                f" WHERE j.tenant_id = :tenant AND j.journal = :journal AND j.act = 'taken' AND j.table_name = '{table}'"
            )
            columns = tuple(name for name in key[0] if name != "tenant_id")
            found += [Taken(table, columns, *row) for row in run(query, journal=journal)]
    return found


def _unique(table: str) -> list[Key]:
    """Return the unique keys of a table."""
    made = catalogue.table(table)
    keys = [
        ([column.name for column in key.columns], "", _equal(key))
        for key in made.constraints
        if isinstance(key, (UniqueConstraint, PrimaryKeyConstraint))
    ]
    return keys + [_index(index) for index in made.indexes if index.unique]


def _index(index: Index) -> Key:
    where = index.dialect_options["postgresql"]["where"]
    condition = str(where.compile(dialect=DIALECT)) if where is not None else ""
    return [column.name for column in index.columns], condition, _equal(index)


def _equal(key: Any) -> str:
    return "IS NOT DISTINCT FROM" if key.dialect_options["postgresql"].get("nulls_not_distinct") else "="


def _holder(table: str, key: Key) -> str:
    columns, where, equal = key
    same = " AND ".join(f"u.{quoted(name)} {equal} (j.row ->> '{name}')::{sql_type(table, name)}" for name in columns)
    rows = f"(SELECT * FROM {quoted(table)} WHERE {where})" if where else quoted(table)
    return f"SELECT u.id FROM {rows} u WHERE {same}"
