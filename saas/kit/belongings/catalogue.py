"""Which tables hang on which: read from the composite foreign keys of the metadata, so that nobody keeps a second list."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Table

from saas.kit.db import db


@dataclass(frozen=True)
class Belonging:
    """A column of a table that names a record of another table.

    `ondelete` is what becomes of the row when the record goes: "cascade" (it goes too), "empty" (the column is emptied),
    "refuse" (the record must stay) or "declared" (there is no foreign key; the room said that the column names it).
    """

    table: str
    column: str
    ondelete: str


_declared: dict[str, list[Belonging]] = {}


def declare(target: str, table: str, column: str) -> None:
    """Say that a column without a foreign key names a record of `target`; said by the room that owns the table."""
    found = Belonging(table, column, "declared")
    if found not in _declared.setdefault(target, []):
        _declared[target].append(found)


def declared(table: str) -> list[Belonging]:
    """Return the columns without a foreign key that name records of a table."""
    return list(_declared.get(table, ()))


def of(table: str) -> list[Belonging]:
    """Return what hangs directly on the records of a table by a foreign key, parents before what hangs on them."""
    return list(_of(table, len(db.metadata.tables)))


@lru_cache(maxsize=256)
def _of(table: str, _tables: int) -> tuple[Belonging, ...]:
    """`_tables` only makes the answer be found anew when more tables are known."""
    found = []
    for other in db.metadata.sorted_tables:
        for key in other.foreign_key_constraints:
            if key.referred_table.name != table or len(key.elements) != 2:
                continue
            column = next(name for name in key.column_keys if name != "tenant_id")
            found.append(Belonging(other.name, column, _meaning(key.ondelete)))
    return tuple(found)


def _meaning(ondelete: str | None) -> str:
    said = (ondelete or "").upper()
    return "cascade" if said == "CASCADE" else "empty" if said.startswith("SET NULL") else "refuse"


def reached(table: str) -> list[str]:
    """Return the tables whose rows go when a record of this table goes, itself first, parents before children."""
    found = {table}
    while more := {b.table for name in found for b in of(name) if b.ondelete == "cascade"} - found:
        found |= more
    return [table, *(other.name for other in db.metadata.sorted_tables if other.name in found - {table})]


def loops(tables: list[str]) -> bool:
    """Tell whether among these tables some row may hang on a row of a later or the same table."""
    place = {name: number for number, name in enumerate(tables)}
    return any(
        b.table in place and place[b.table] <= place[name]
        for name in tables for b in of(name) if b.ondelete == "cascade"
    )  # fmt: skip


def table(name: str) -> Table:
    return db.metadata.tables[name]


def columns(name: str) -> list[str]:
    """Return the columns of a table that are stored by us (a generated one makes itself)."""
    return [column.name for column in table(name).columns if column.computed is None]
