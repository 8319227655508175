"""Cursor paging: a page is asked for by the last row's sort values, so it costs the same at row 1 and row 1,000,000."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Select, and_, false, literal, or_, tuple_

from saas.kit import errors
from saas.kit.db import db

LIMIT, MOST = 50, 200
Order = Sequence[tuple[Any, str]]


@dataclass(frozen=True)
class Page:
    """Some rows and the cursor of the next page, None at the end."""

    items: list[Any]
    next: str | None


class BadCursor(errors.Refusal):
    status, code, message = 400, "bad_cursor", "This cursor does not belong to this list."


def encode(values: Sequence[Any]) -> str:
    plain = [v.isoformat() if isinstance(v, (datetime, date)) else str(v) if isinstance(v, UUID) else v for v in values]
    return base64.urlsafe_b64encode(orjson.dumps(plain)).decode().rstrip("=")


def decode(cursor: str, kinds: Sequence[type]) -> list[Any]:
    """Read a cursor back into values of the given Python types; raises BadCursor."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if len(values) != len(kinds):
            raise BadCursor
        return [None if v is None else _typed(v, kind) for v, kind in zip(values, kinds, strict=True)]
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error):
        raise BadCursor from None


def _typed(value: Any, kind: type) -> Any:
    if kind in (datetime, date):
        return kind.fromisoformat(value)
    made = kind(value)
    if isinstance(made, str) and "\x00" in made:
        raise BadCursor
    return made


def page(query: Select, *, order: Order, cursor: str | None = None, limit: int = LIMIT) -> Page:
    """Return one page of an ORM select: its entities, or tuples of them where it selects several.

    `order` lists (column, "asc" or "desc"); the last column must be unique (the id). Only the first may be nullable; its
    empty values come last in both directions, by a query of their own, for PostgreSQL can walk an index along each part
    and not along both. Raises BadCursor.
    """
    limit = max(1, min(limit, MOST))
    values = decode(cursor, [column.type.python_type for column, _ in order]) if cursor else None
    ordered = query.order_by(*(column.desc() if direction == "desc" else column.asc() for column, direction in order))
    rows: list[Any] = []
    for part in _parts(order, values):
        rows += db.session.execute(ordered.where(part).limit(limit + 1 - len(rows)))
        if len(rows) > limit:
            break
    items, last = rows[:limit], rows[limit - 1] if len(rows) > limit else None
    alone = bool(rows) and len(rows[0]) == 1
    return Page(
        [row[0] for row in items] if alone else [tuple(row) for row in items], last and encode(_values(last, order))
    )


def _values(row: Sequence[Any], order: Order) -> list[Any]:
    """Return what the row is sorted by, each from the entity that the column belongs to."""
    return [
        getattr(
            next((entity for entity in row if isinstance(entity, column.parent.mapper.class_)), None), column.key, None
        )
        for column, _ in order
    ]


def _parts(order: Order, values: list[Any] | None) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of what follows the cursor: first the rows with a value to sort by, then those without."""
    first = order[0][0]
    if not first.nullable:
        yield _beyond(order, values) if values else literal(True)
        return
    if values is None or values[0] is not None:
        yield and_(first.is_not(None), _beyond(order, values) if values else literal(True))
        yield first.is_(None)
    else:
        yield and_(first.is_(None), _beyond(order[1:], values[1:]))


def _beyond(order: Order, values: list[Any]) -> ColumnElement[bool]:
    """The rows after the cursor, in a form that an index can start from."""
    if any(value is None for value in values):
        return false()
    columns = [column for column, _ in order]
    directions = {direction for _, direction in order}
    if len(directions) == 1:
        mine, theirs = (
            tuple_(*columns),
            tuple_(*(literal(value, column.type) for column, value in zip(columns, values, strict=True))),
        )
        return mine < theirs if directions == {"desc"} else mine > theirs
    branches, equal = [], []
    for (column, direction), value in zip(order, values, strict=True):
        branches.append(and_(*equal, column < value if direction == "desc" else column > value))
        equal.append(column == value)
    bound = columns[0] <= values[0] if order[0][1] == "desc" else columns[0] >= values[0]
    return and_(bound, or_(*branches))
