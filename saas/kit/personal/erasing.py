"""Erasing one person: each table as its marks say, children before parents, and what was done counted table by table."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, LargeBinary

from saas.kit import scope
from saas.kit.belongings.journals import quoted
from saas.kit.db import db
from saas.kit.personal.marks import MENTIONED, MENTIONS, ROWS, TABLES, TOLD, Marks
from saas.kit.personal.reading import bound, found_by, values
from saas.kit.personal.traces import Traces

IN_ITS_PLACE = "[erased]"


def erase(traces: Traces) -> dict[str, int]:
    """Erase a person in every table that can be written to like any other; returns how many rows of each were reached.

    Files, the trace and what lies outside the database are the caller's.
    """
    done: dict[str, int] = {}
    for made in reversed(db.metadata.sorted_tables):
        marks = TABLES.get(made.name)
        if marks is None:
            continue
        reached = 0
        if isinstance(marks.erase, dict):
            reached += _overwrite(made.name, marks, marks.erase, traces)
        if ROWS in _ways(marks):
            reached += _run(
                f"DELETE FROM {quoted(made.name)} t WHERE t.tenant_id = :tenant AND {found_by(made.name, marks)}",
                values(marks, traces),
            )
        if MENTIONS in _ways(marks) and traces.words:
            reached += _run(f"DELETE FROM {quoted(made.name)} t WHERE {_told(made.name, marks)}", _words(traces))
        if MENTIONED in _ways(marks) and traces.words:
            reached += _take_words(made.name, marks, traces)
        if reached:
            done[made.name] = reached
    db.session.expire_all()
    return done


def _ways(marks: Marks) -> set[str]:
    return set(marks.erase.split()) if isinstance(marks.erase, str) else set()


def _run(statement: str, given: dict[str, Any]) -> int:
    return db.session.execute(bound(statement, given), given).rowcount


def _words(traces: Traces) -> dict[str, Any]:
    return {"words": traces.words, "tenant": scope.tenant_id()}


def _overwrite(table: str, marks: Marks, columns: dict[str, str], traces: Traces) -> int:
    written = ", ".join(f"{quoted(name)} = {value}" for name, value in columns.items())
    return _run(
        f"UPDATE {quoted(table)} t SET {written} WHERE t.tenant_id = :tenant AND {found_by(table, marks)}",
        values(marks, traces),
    )


def _told(table: str, marks: Marks) -> str:
    """Return the condition that the person is written in one of the columns."""
    parts = [f"EXISTS (SELECT FROM unnest(:words) w WHERE {_written(table, name)})" for name in marks.person.split()]
    return f"t.tenant_id = :tenant AND ({' OR '.join(parts)})"


def _written(table: str, name: str) -> str:
    kind = db.metadata.tables[table].columns[name].type
    if isinstance(kind, LargeBinary):
        # as text, bytes beyond ASCII escaped on both sides: so that capitals make no difference and no body is unreadable
        return f"strpos(lower(encode(t.{quoted(name)}, 'escape')), lower(encode(convert_to(w, 'UTF8'), 'escape'))) > 0"
    return f"strpos(lower(t.{quoted(name)}::text), w) > 0"


def copies(traces: Traces) -> dict[str, int]:
    """Return in how many rows by table the person is written among others: requests and messages as they were sent.

    These hold other people too, so they are counted for the person and not handed out.
    """
    found = {}
    for table, marks in TABLES.items():
        if MENTIONS in _ways(marks) and traces.words and table in db.metadata.tables:
            query = f"SELECT count(*) FROM {quoted(table)} t WHERE {_told(table, marks)}"
            many = db.session.execute(bound(query, _words(traces)), _words(traces)).scalar()
            if many:
                found[table] = many
    return found


def _take_words(table: str, marks: Marks, traces: Traces) -> int:
    """Write something else in place of the person's words, whatever the letters' case."""
    done = 0
    for word in traces.words:
        for name in marks.person.split():
            kind = db.metadata.tables[table].columns[name].type
            back = "" if isinstance(kind, ARRAY) else f"::{kind.compile(dialect=db.engine.dialect)}"
            done += _run(
                f"UPDATE {quoted(table)} t SET {quoted(name)} = replace(regexp_replace(t.{quoted(name)}::text, :pattern, :instead, 'gi'), :word, :instead){back}"
                f" WHERE t.tenant_id = :tenant AND strpos(lower(t.{quoted(name)}::text), :word) > 0",
                {"tenant": scope.tenant_id(), "word": word, "instead": IN_ITS_PLACE, "pattern": _literal(word)},
            )
    return done


def _literal(word: str) -> str:
    return "".join(f"\\{char}" if not char.isalnum() else char for char in word)


def mentioned(traces: Traces) -> dict[str, int]:
    """Return where staff wrote of the person themselves (a segment, a saved view): rows by table, for the certificate."""
    found = {}
    for table, marks in TABLES.items():
        if TOLD in _ways(marks) and traces.words and table in db.metadata.tables:
            many = db.session.execute(
                bound(f"SELECT count(*) FROM {quoted(table)} t WHERE {_told(table, marks)}", _words(traces)),
                _words(traces),
            ).scalar()
            if many:
                found[table] = many
    return found
