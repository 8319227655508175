"""Many values in one statement: columns of equal length as a table that SQL can insert from or join with.

Each column travels as one text in PostgreSQL's own notation, put together by a few operations on long strings. Drivers look at
every element by itself, which for ten thousand rows takes longer than the insert.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Boolean, DateTime, Select, Text, Uuid, any_, bindparam, column, func, select, true
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine, UserDefinedType

DIALECT = postgresql.dialect()
NULL, CUT = "\x1e", "\x1f"
"""Signs no text of ours holds: `text.clean` takes control characters out."""


def literal(values: Iterable[Any], kind: Any) -> str:
    """Return values as PostgreSQL writes an array; texts without control characters."""
    if kind is Text:
        words = [NULL if value is None else value for value in values]
        joined = CUT.join(words)
        if joined.count(CUT) >= len(words) > 0:  # somebody looks for what nobody can be called
            joined = CUT.join([word.replace(CUT, "") for word in words])
        if "\\" in joined or '"' in joined:
            joined = joined.replace("\\", "\\\\").replace('"', '\\"')
        quoted = '"' + joined.replace(CUT, '","') + '"'
        return "{" + (quoted.replace(f'"{NULL}"', "NULL") if NULL in quoted else quoted) + "}"
    if isinstance(kind, DateTime) or kind is DateTime:
        return "{" + ",".join(["NULL" if value is None else value.isoformat() for value in values]) + "}"
    if kind is Boolean:
        return "{" + ",".join(["t" if value else "f" for value in values]) + "}"
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


class Packed(UserDefinedType[Any]):
    """An array that is sent as its text, named as the array it is, so that the planner sees its elements."""

    cache_ok = True
    render_bind_cast = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_options: Any) -> str:
        return self.name


def given(values: Sequence[Any], kind: Any) -> Any:
    """Return values as an array in SQL."""
    element = kind if isinstance(kind, TypeEngine) else kind()
    name = f"{element.compile(dialect=DIALECT)}[]"
    return bindparam(None, literal(values, kind) if values else "{}", Packed(name))


def among(values: Sequence[Any], kind: Any = Uuid) -> Any:
    """Return "any of these values", to compare a column with: one parameter, however many there are."""
    return any_(given(values, kind))


def table(**columns: tuple[Sequence[Any], Any]) -> TableValuedAlias:
    """Return columns, each as (values, type), as a table named `new`."""
    arrays = [given(values, kind) for values, kind in columns.values()]
    made = func.unnest(*arrays).table_valued(*(column(name, kind) for name, (_values, kind) in columns.items()))
    return made.render_derived(name="new")


def each(new: TableValuedAlias, query: Select) -> Select:
    """Return the select of what `query` finds for each row of `new`, with whose columns it compares; in the order of `new`.

    Every row is looked up by an index, whatever the planner thinks: of a company that is just filling up it has old figures,
    believes it to be tiny, and would read all that is there for each few thousand of a million rows.
    """
    found = query.offset(0).lateral("found")
    return select(*found.c).select_from(new.join(found, true()))
