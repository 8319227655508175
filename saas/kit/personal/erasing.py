"""Erasing people, one or hundreds at once: each table as its marks say, children before parents, counted table by table."""

from __future__ import annotations

from typing import Any

from sqlalchemy import LargeBinary

from saas.kit import scope
from saas.kit.belongings.journals import quoted
from saas.kit.db import db
from saas.kit.personal import words as written
from saas.kit.personal.marks import MENTIONED, MENTIONS, ROWS, TABLES, TOLD, Marks
from saas.kit.personal.reading import bound, found_by, values
from saas.kit.personal.traces import Traces

IN_ITS_PLACE = "[erased]"
AT_ONCE = 1_000


def erase(traces: Traces) -> dict[str, int]:
    """Erase people in every table that can be written to like any other; returns how many rows of each were reached.

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
            reached += _strike(made.name, marks, traces)
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
    return {
        "words": traces.words,
        "patterns": [written.pattern(word) for word in traces.words],
        "tenant": scope.tenant_id(),
    }


def _overwrite(table: str, marks: Marks, columns: dict[str, str], traces: Traces) -> int:
    written = ", ".join(f"{quoted(name)} = {value}" for name, value in columns.items())
    return _run(
        f"UPDATE {quoted(table)} t SET {written} WHERE t.tenant_id = :tenant AND {found_by(table, marks)}",
        values(marks, traces),
    )


def _told(table: str, marks: Marks) -> str:
    """Return the condition that the person is written in one of the columns."""
    parts = [
        f"EXISTS (SELECT FROM unnest(:words, :patterns) w(word, pattern), LATERAL (SELECT {_small(table, name)} AS said) s"
        f" WHERE strpos(said, {_plain(table, name)}) > 0 AND (pattern = '' OR said ~ pattern))"
        for name in marks.person.split()
    ]
    return f"t.tenant_id = :tenant AND ({' OR '.join(parts)})"


def _small(table: str, name: str) -> str:
    # as text, bytes beyond ASCII escaped on both sides: so that capitals make no difference and no body is unreadable
    return f"lower(encode(t.{quoted(name)}, 'escape'))" if _is_bytes(table, name) else f"lower(t.{quoted(name)}::text)"


def _plain(table: str, name: str) -> str:
    return "lower(encode(convert_to(word, 'UTF8'), 'escape'))" if _is_bytes(table, name) else "word"


def _is_bytes(table: str, name: str) -> bool:
    return isinstance(db.metadata.tables[table].columns[name].type, LargeBinary)


def copies(traces: Traces) -> dict[str, int]:
    """Return in how many rows by table the person is written among others: requests and messages as they were sent.

    These hold other people too, so they are counted for the person and not handed out.
    """
    return _counted(MENTIONS, traces)


def mentioned(traces: Traces) -> dict[str, int]:
    """Return where staff wrote of the person themselves (a segment, a saved view): rows by table, for the certificate."""
    return _counted(TOLD, traces)


def _counted(way: str, traces: Traces) -> dict[str, int]:
    found = {}
    for table, marks in TABLES.items():
        if way in _ways(marks) and traces.words and table in db.metadata.tables:
            if _few(traces):
                query = bound(f"SELECT count(*) FROM {quoted(table)} t WHERE {_told(table, marks)}", _words(traces))
                many = db.session.execute(query, _words(traces)).scalar()
            else:
                many = len(written.holders(table, marks.person.split(), traces.words))
            if many:
                found[table] = many
    return found


def _few(traces: Traces) -> bool:
    return len(traces.words) <= written.FEW


def _strike(table: str, marks: Marks, traces: Traces) -> int:
    """Delete the rows in which somebody is written."""
    if _few(traces):
        return _run(f"DELETE FROM {quoted(table)} t WHERE {_told(table, marks)}", _words(traces))
    return _of_keys("DELETE FROM {table} t", table, list(written.holders(table, marks.person.split(), traces.words)))


def _of_keys(statement: str, table: str, keys: list[Any], **given: Any) -> int:
    """Run a statement for rows by their keys, a thousand at a time."""
    done, key = 0, quoted(written.key_of(table))
    for start in range(0, len(keys), AT_ONCE):
        values = {"tenant": scope.tenant_id(), "keys": keys[start : start + AT_ONCE], **given}
        done += _run(
            f"{statement.format(table=quoted(table))} WHERE t.tenant_id = :tenant AND t.{key} = ANY(:keys)", values
        )
    return done


def _take_words(table: str, marks: Marks, traces: Traces) -> int:
    """Write something else in place of people's words, whatever the letters' case."""
    done = 0
    for name in marks.person.split():
        kind = db.metadata.tables[table].columns[name].type
        back = "" if written.is_list(table, name) else f"::{kind.compile(dialect=db.engine.dialect)}"
        renew = f"UPDATE {{table}} t SET {quoted(name)} = regexp_replace(t.{quoted(name)}::text, :pattern, :instead, 'gi'){back}"
        keys: dict[str, list[Any]] = {}
        for key, held in written.holders(table, [name], traces.words).items():
            for word in held:
                keys.setdefault(word, []).append(key)
        for word, holding in sorted(keys.items()):
            pattern = written.pattern(word)
            instead = f"\\1{IN_ITS_PLACE}" if pattern else IN_ITS_PLACE
            done += _of_keys(renew, table, holding, pattern=pattern or written.literal(word), instead=instead)
    return done
