"""Cursor paging: a page is asked for by the last row's sort values, so it costs the same at row 1 and row 1,000,000."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, and_, or_

from saas.kit import errors
from saas.kit.db import db

LIMIT, MOST = 50, 200


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
    except (ValueError, TypeError, binascii.Error, UnicodeError):
        raise BadCursor from None


def _typed(value: Any, kind: type) -> Any:
    if kind in (datetime, date):
        return kind.fromisoformat(value)
    made = kind(value)
    if isinstance(made, str) and "\x00" in made:
        raise BadCursor
    return made


def page(query: Select, *, order: Sequence[tuple[Any, str]], cursor: str | None = None, limit: int = LIMIT) -> Page:
    """Return one page of an ORM select of one entity.

    `order` lists (column, "asc" or "desc"); the last column must be unique (the id), and nullable columns sort their
    empty values last in both directions. Raises BadCursor.
    """
    limit = max(1, min(limit, MOST))
    if cursor:
        query = query.where(_beyond(order, decode(cursor, [column.type.python_type for column, _ in order])))
    for column, direction in order:
        query = query.order_by((column.desc() if direction == "desc" else column.asc()).nulls_last())
    rows = list(db.session.scalars(query.limit(limit + 1)))
    more = len(rows) > limit
    items = rows[:limit]
    return Page(items, encode([getattr(items[-1], column.key) for column, _ in order]) if more else None)


def _beyond(order: Sequence[tuple[Any, str]], values: Sequence[Any]):
    """The rows after the cursor: later in the first column, or equal there and later in the second, and so on."""
    branches, equal = [], []
    for (column, direction), value in zip(order, values, strict=True):
        if value is None:
            equal.append(column.is_(None))
            continue
        later = column < value if direction == "desc" else column > value
        if getattr(column, "nullable", True) and not getattr(column, "primary_key", False):
            later = or_(later, column.is_(None))
        branches.append(and_(*equal, later))
        equal.append(column == value)
    return or_(*branches) if branches else and_(False)
