"""Reading out everything that is kept about one person, table by table, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import LargeBinary, Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from saas.kit import scope
from saas.kit.belongings.journals import UUIDS, quoted
from saas.kit.db import db
from saas.kit.personal.marks import TABLES, Marks
from saas.kit.personal.traces import Traces

AT_ONCE = 500


def tables() -> list[str]:
    """Return the tables whose rows can be found by whom they are about."""
    return [name for name, marks in TABLES.items() if marks.ways and marks.person and name in db.metadata.tables]


def found_by(table: str, marks: Marks) -> str:
    """Return the condition that a row is the person's."""
    return (
        "("
        + " OR ".join(f"t.{quoted(column)}{_cast(table, column)} = ANY(:{what})" for column, what in marks.ways)
        + ")"
    )


def _cast(table: str, column: str) -> str:
    return (
        ""
        if column not in ("record_id",) or str(db.metadata.tables[table].columns[column].type).upper() == "UUID"
        else "::uuid"
    )


def values(marks: Marks, traces: Traces) -> dict[str, Any]:
    return {what: traces.of(what) for _column, what in marks.ways} | {"tenant": scope.tenant_id()}


def bound(statement: str, given: dict[str, Any]) -> Any:
    """Return the statement with its lists of ids bound as such; lists of words are plain text."""
    kinds = {"visitors": ARRAY(Text), "emails": ARRAY(Text), "words": ARRAY(Text), "patterns": ARRAY(Text)}
    lists = [bindparam(name, type_=kinds.get(name, UUIDS)) for name, value in given.items() if isinstance(value, list)]
    return text(statement).bindparams(*lists)


def read(table: str, traces: Traces) -> Iterator[dict[str, Any]]:
    """Yield a person's rows of a table as JSON, with the columns that hold something of them."""
    marks, made = TABLES[table], db.metadata.tables[table]
    columns = [c.name for c in made.columns if c.name in marks.person.split() or c.name == "id"]
    wanted = ", ".join(
        f"encode(t.{quoted(name)}, 'base64') AS {quoted(name)}"
        if isinstance(made.columns[name].type, LargeBinary)
        else f"t.{quoted(name)}"
        for name in columns
    )
    given = values(marks, traces)
    query = (
        f"SELECT to_jsonb(s) FROM (SELECT {wanted} FROM {quoted(table)} t WHERE t.tenant_id = :tenant AND {found_by(table, marks)}"
        f" ORDER BY t.id) s"
    )
    with db.session.execute(bound(query, given), given, execution_options={"yield_per": AT_ONCE}) as answer:
        for row in answer:
            yield row[0]


def holds(table: str, traces: Traces) -> bool:
    """Tell whether a table has anything of the person."""
    marks = TABLES[table]
    given = values(marks, traces)
    query = f"SELECT EXISTS (SELECT FROM {quoted(table)} t WHERE t.tenant_id = :tenant AND {found_by(table, marks)})"
    return bool(db.session.execute(bound(query, given), given).scalar())
