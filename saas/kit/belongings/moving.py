"""Moving what hangs on one record to another, writing down each row, and moving it back later.

A journal of moves holds the ids of the rows that were the source's own. So records can be joined one into another into a
third, and taken apart again in any order: whose a row is at bottom never changes, only who holds it now.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import UniqueConstraint, bindparam, update
from sqlalchemy.dialects.postgresql import JSONB

from saas.kit import identifiers
from saas.kit.belongings import catalogue
from saas.kit.belongings.journals import quoted, run
from saas.kit.belongings.models import JournalRow
from saas.kit.belongings.taking import PART
from saas.kit.db import db

JOURNALED = """SELECT unnest(ids) AS id FROM journal_rows WHERE tenant_id = :tenant AND journal = ANY(:journals) AND act = 'moved'
               AND table_name = '{table}' AND column_name = '{column}'"""


def move(
    table: str, source: UUID, target: UUID, *, journal: UUID | None = None, besides: Sequence[UUID] = (), skip: Sequence[str] = ()
) -> UUID:  # fmt: skip
    """Have everything that hangs on `source` hang on `target`, and return the journal's id. Lock both records before.

    Rows that are in the journals `besides` move too, but are not written down again: they are another's at bottom. Where a
    unique key would be broken, a table that numbers its rows (`info={"numbered": column}`) gives the row the next number, and
    of any other the row stays with the source. Tables in `skip` are left alone.
    """
    held = journal or identifiers.new()
    db.session.flush()
    for belonging in movable(table):
        if belonging.table in skip:
            continue
        number = catalogue.table(belonging.table).info.get("numbered")
        keys = _keys(belonging)
        if number:
            _make_room(belonging, keys[0], number, source, target)
        _move(belonging, [] if number else keys, source, target, held, list(besides))
    db.session.expire_all()
    return held


def lock(table: str, ids: Sequence[UUID]) -> list[UUID]:
    """Lock records in the order of their ids, and return those that exist.

    What other work locks before the records (`info={"held_first": True}`: browsers) is locked first here too, so that nobody
    waits for one another.
    """
    wanted = sorted(set(ids))
    db.session.flush()
    for b in catalogue.of(table):
        if catalogue.table(b.table).info.get("held_first"):
            query = f"SELECT id FROM {quoted(b.table)} WHERE tenant_id = :tenant AND {quoted(b.column)} = ANY(:ids) ORDER BY id FOR UPDATE"
            run(query, ids=wanted).all()
    query = f"SELECT id FROM {quoted(table)} WHERE tenant_id = :tenant AND id = ANY(:ids) ORDER BY id FOR UPDATE"
    return [row[0] for row in run(query, ids=wanted)]


def movable(table: str) -> list[catalogue.Belonging]:
    """Return what can hang on another record instead: all but the rows whose own id is the record's."""
    return [b for b in catalogue.of(table) if b.column != "id"]


def _keys(belonging: catalogue.Belonging) -> list[list[str]]:
    """Return, of the unique keys that name the record, the other columns.

    Whether empty values count as equal there makes no difference: comparing them as equal only leaves a row more behind.
    """
    made = catalogue.table(belonging.table)
    uniques = [key for key in made.constraints if isinstance(key, UniqueConstraint)]
    uniques += [index for index in made.indexes if index.unique]
    columns = ([column.name for column in key.columns] for key in uniques)
    return [
        [name for name in names if name not in ("tenant_id", belonging.column)]
        for names in columns
        if belonging.column in names
    ]


def _move(b: catalogue.Belonging, keys: list[list[str]], source: UUID, target: UUID, journal: UUID, besides: list[UUID]) -> None:  # fmt: skip
    table, column = quoted(b.table), quoted(b.column)
    free = "".join(
        f" AND NOT EXISTS (SELECT FROM {table} w WHERE w.tenant_id = t.tenant_id AND w.{column} = :target"
        + "".join(f" AND w.{quoted(name)} IS NOT DISTINCT FROM t.{quoted(name)}" for name in key)
        + ")"
        for key in keys
    )
    own = f"WHERE id NOT IN ({JOURNALED.format(table=b.table, column=b.column)})" if besides else ""
    run(
        f"WITH moved AS (UPDATE {table} t SET {column} = :target"
        f" WHERE t.tenant_id = :tenant AND t.{column} = :source{free} RETURNING t.id)"
        f" INSERT INTO journal_rows (tenant_id, id, journal, act, table_name, column_name, before, after, ids)"
        f" SELECT :tenant, gen_random_uuid(), :journal, 'moved', '{b.table}', '{b.column}', :source, :target, array_agg(id)"
        f" FROM (SELECT id, (row_number() OVER (ORDER BY id) - 1) / {PART} AS part FROM moved {own}) s GROUP BY part",
        source=source,
        target=target,
        journal=journal,
        **({"journals": besides} if besides else {}),
    )


def _make_room(b: catalogue.Belonging, key: list[str], number: str, source: UUID, target: UUID) -> None:
    """Number the source's rows on from the target's where they would clash."""
    table, column, place = quoted(b.table), quoted(b.column), quoted(number)
    same = " AND ".join(f"w.{quoted(name)} = t.{quoted(name)}" for name in key if name != number)
    highest = f"(SELECT max(w.{place}) FROM {table} w WHERE w.tenant_id = t.tenant_id AND w.{column} IN (:source, :target) AND {same})"
    groups = ", ".join(quoted(name) for name in key if name != number)
    run(
        f"UPDATE {table} u SET {place} = s.fresh FROM (SELECT t.id, {highest} + row_number() OVER"
        f" (PARTITION BY {groups} ORDER BY t.{place}) AS fresh FROM {table} t WHERE t.tenant_id = :tenant AND t.{column} = :source"
        f" AND EXISTS (SELECT FROM {table} w WHERE w.tenant_id = t.tenant_id AND w.{column} = :target AND {same})) s"
        f" WHERE u.tenant_id = :tenant AND u.id = s.id",
        source=source,
        target=target,
    )


def _renumber(b: catalogue.Belonging, owner: UUID) -> None:
    """Number an owner's rows from nought again, in their order; by way of negative numbers, for unique keys look at each row."""
    number = catalogue.table(b.table).info.get("numbered")
    if not number:
        return
    table, column, place = quoted(b.table), quoted(b.column), quoted(number)
    groups = ", ".join(quoted(name) for name in _keys(b)[0] if name != number)
    run(
        f"UPDATE {table} u SET {place} = -s.fresh FROM (SELECT t.id, t.{place} AS held, row_number() OVER"
        f" (PARTITION BY {groups} ORDER BY t.{place}) AS fresh FROM {table} t WHERE t.tenant_id = :tenant AND t.{column} = :owner) s"
        f" WHERE u.tenant_id = :tenant AND u.id = s.id AND s.fresh <> s.held + 1",
        owner=owner,
    )
    back = f"UPDATE {table} SET {place} = -{place} - 1 WHERE tenant_id = :tenant AND {column} = :owner AND {place} < 0"
    run(back, owner=owner)


def move_back(table: str, journals: Sequence[UUID], *, holder: UUID, to: UUID) -> dict[str, int]:
    """Move the rows of these journals from who holds them now to their own record again; returns how many of each table.

    What was given to somebody else by hand since then stays with them.
    """
    done = {}
    for b in movable(table):
        journaled = JOURNALED.format(table=b.table, column=b.column)
        moved = run(
            f"UPDATE {quoted(b.table)} t SET {quoted(b.column)} = :to FROM ({journaled}) j"
            f" WHERE t.tenant_id = :tenant AND t.id = j.id AND t.{quoted(b.column)} = :holder",
            journals=list(journals), holder=holder, to=to,
        ).rowcount  # fmt: skip
        if moved:
            done[b.table] = done.get(b.table, 0) + moved
            _renumber(b, to)
            _renumber(b, holder)
    db.session.expire_all()
    return done


def note_moved(journal: UUID, table: str, ids: Sequence[UUID], *, column: str, source: UUID, target: UUID) -> None:
    """Add rows to a journal that came to `target` after the move and are `source`'s at bottom."""
    if ids:
        run(
            "INSERT INTO journal_rows (tenant_id, id, journal, act, table_name, column_name, before, after, ids)"
            " VALUES (:tenant, gen_random_uuid(), :journal, 'moved', :table, :column, :source, :target, :ids)",
            journal=journal, table=table, column=column, source=source, target=target, ids=list(ids),
        )  # fmt: skip


def remaining(table: str, journals: Sequence[UUID], *, holder: UUID) -> dict[str, int]:
    """Return how many rows of each table `move_back` would move."""
    found = {}
    for b in movable(table):
        journaled = JOURNALED.format(table=b.table, column=b.column)
        many = run(
            f"SELECT count(*) FROM {quoted(b.table)} t WHERE t.tenant_id = :tenant AND t.{quoted(b.column)} = :holder"
            f" AND t.id IN ({journaled})",
            journals=list(journals), holder=holder,
        ).scalar()  # fmt: skip
        if many:
            found[b.table] = found.get(b.table, 0) + many
    return found


def hanging(table: str, record_id: UUID, *, skip: Sequence[str] = ()) -> dict[str, int]:
    """Return how many rows of each table hang on a record and would move with it."""
    counted = [
        f"SELECT '{b.table}', count(*) FROM {quoted(b.table)} WHERE tenant_id = :tenant AND {quoted(b.column)} = :record"
        for b in movable(table)
        if b.table not in skip
    ]
    found: dict[str, int] = {}
    for name, many in run(" UNION ALL ".join(counted), record=record_id) if counted else ():
        found[name] = found.get(name, 0) + many
    return {name: many for name, many in found.items() if many}


def amend(journal: UUID, table: str, record_id: UUID, changes: dict[str, str | None]) -> None:
    """Change columns (as text) of a row that is in a journal, so that it comes back otherwise than it went."""
    entry = (JournalRow.journal == journal, JournalRow.table_name == table, JournalRow.record_id == record_id)
    renewed = update(JournalRow).where(*entry).values(row=JournalRow.row.op("||")(bindparam("changes", changes, JSONB)))
    db.session.execute(renewed.execution_options(synchronize_session=False))
