"""What each sign and function of a formula does, in Python and in SQL: one line each, so that the two stay the same.

Empty (None, NULL) follows SQL: reckoning with it and comparing with it is empty. A text without characters is empty. Every
number is rounded to six decimals after each step, half away from zero, as PostgreSQL's numeric does, so that both agree to
the last digit; texts are compared by their characters' codes, and letters are turned up and down only within Latin-1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import (
    Boolean,
    Date,
    Integer,
    Numeric,
    Text,
    and_,
    case,
    cast,
    collate,
    extract,
    func,
    literal,
    not_,
    null,
    or_,
)

SIX = Decimal("0.000001")
FIRST_DAY, LAST_DAY = date.min, date.max
SPAN = (LAST_DAY - FIRST_DAY).days
SMALL = "abcdefghijklmnopqrstuvwxyzàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþ"
LARGE = "ABCDEFGHIJKLMNOPQRSTUVWXYZÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞ"
TO_LARGE, TO_SMALL = str.maketrans(SMALL, LARGE), str.maketrans(LARGE, SMALL)
LONGEST = 1_000
SQL_TYPES = {"number": Numeric(), "text": Text(), "date": Date(), "yes_no": Boolean()}


@dataclass(frozen=True)
class Function:
    """`takes` has a letter for each part: n number, t text, d date, y yes or no, l list, s (all of) the same type,
    o the same type that has an order, x anything but a list, e anything; a star repeats the one before. `gives` likewise."""

    name: str
    takes: str
    gives: str
    work: Callable[..., Any]
    sql: Callable[..., Any]
    weight: int = 1
    """How often the longest part stands in the SQL."""


def needs(work: Callable[..., Any]) -> Callable[..., Any]:
    """Return what answers empty when any part is empty."""
    return lambda *parts: None if any(part is None for part in parts) else work(*parts)


def six(value: Decimal) -> Decimal:
    return value.quantize(SIX, ROUND_HALF_UP)


def divided(a: Decimal, b: Decimal) -> Decimal | None:
    if b == 0:
        return None
    exact = Fraction(a) / Fraction(b) * 1_000_000
    up = (2 * abs(exact.numerator) + exact.denominator) // (2 * exact.denominator)
    return Decimal(up if exact >= 0 else -up) * SIX


def rounded(value: Decimal | None, digits: Decimal | None = Decimal(0)) -> Decimal | None:
    if value is None:
        return None
    places = 6 if digits is None else max(min(int(digits), 6), -12)
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) + Decimal(0)


def clamped(count: Any) -> Any:
    """SQL for a count of characters between none and LONGEST; empty means all."""
    return cast(func.greatest(func.least(func.trunc(count), LONGEST), 0), Integer)


def characters(count: Decimal | None) -> int:
    return LONGEST if count is None else max(min(int(count), LONGEST), 0)


def number_text(value: Decimal) -> str:
    return "0" if value == 0 else f"{value.normalize():f}"


def as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return number_text(value)
    return value.isoformat() if isinstance(value, date) else value


def sql_text(part: Any) -> Any:
    """SQL for any value as text, as `as_text` writes it."""
    kind = part.type
    if isinstance(kind, Boolean):
        return case((part, "yes"), (not_(part), "no"))
    if isinstance(kind, Numeric):
        return cast(func.trim_scale(part), Text)
    return func.to_char(part, "YYYY-MM-DD") if isinstance(kind, Date) else part


def filled(part: Any) -> Any:
    return func.nullif(part, "", type_=Text)


def moved(day: date, days: Decimal) -> date | None:
    place = (day - FIRST_DAY).days + int(days)
    return FIRST_DAY + timedelta(days=place) if 0 <= place <= SPAN else None


def sql_moved(day: Any, days: Any) -> Any:
    since = cast(day.op("-")(literal(FIRST_DAY)), Numeric) + func.trunc(days)
    return case(
        (since.between(0, SPAN), cast(literal(FIRST_DAY).op("+")(cast(since, Integer)), Date)), else_=cast(null(), Date)
    )


def both(a: bool | None, b: bool | None) -> bool | None:
    return False if a is False or b is False else None if a is None or b is None else True


def either(a: bool | None, b: bool | None) -> bool | None:
    return True if a is True or b is True else None if a is None or b is None else False


def some(pick: Callable[..., Any]) -> Callable[..., Any]:
    """Return what picks among the parts that are not empty."""

    def picked(*parts: Any) -> Any:
        held = [part for part in parts if part is not None]
        return pick(held) if held else None

    return picked


def holds(whole: Any, part: str | None) -> bool:
    if whole is None or part is None:
        return False
    if isinstance(whole, tuple):
        return part in whole
    return part.translate(TO_SMALL) in whole.translate(TO_SMALL)


def low(part: Any) -> Any:
    return func.translate(part, LARGE, SMALL, type_=Text)


def sql_holds(whole: Any, part: Any) -> Any:
    found = whole.holds(part) if hasattr(whole, "holds") else func.strpos(low(whole), low(part)) > 0
    return func.coalesce(found, False, type_=Boolean)


def sql_is_empty(part: Any) -> Any:
    return part.is_empty() if hasattr(part, "is_empty") else part.is_(None)


def ordered(part: Any) -> Any:
    """Texts are put in order by their characters' codes, whatever the database's collation."""
    return collate(part, "C") if isinstance(part.type, Text) else part


def numeric(part: Any) -> Any:
    return cast(part, Numeric)


def _all() -> list[Function]:
    n = Numeric()
    return [
        Function("+", "nn", "n", needs(lambda a, b: six(a + b)), lambda a, b: a + b),
        Function("-", "nn", "n", needs(lambda a, b: six(a - b)), lambda a, b: a - b),
        Function("*", "nn", "n", needs(lambda a, b: six(a * b)), lambda a, b: func.round(a * b, 6, type_=n)),
        Function("/", "nn", "n", needs(divided), lambda a, b: func.round(func.round(a, 40, type_=n).op("/", return_type=n)(func.nullif(b, 0, type_=n)), 6, type_=n)),
        Function("negative", "n", "n", needs(lambda a: -a), lambda a: -a),
        Function("=", "ss", "y", needs(lambda a, b: a == b), lambda a, b: a == b),
        Function("!=", "ss", "y", needs(lambda a, b: a != b), lambda a, b: a != b),
        Function("<", "oo", "y", needs(lambda a, b: a < b), lambda a, b: ordered(a) < ordered(b)),
        Function("<=", "oo", "y", needs(lambda a, b: a <= b), lambda a, b: ordered(a) <= ordered(b)),
        Function(">", "oo", "y", needs(lambda a, b: a > b), lambda a, b: ordered(a) > ordered(b)),
        Function(">=", "oo", "y", needs(lambda a, b: a >= b), lambda a, b: ordered(a) >= ordered(b)),
        Function("and", "yy", "y", both, and_),
        Function("or", "yy", "y", either, or_),
        Function("not", "y", "y", needs(lambda a: not a), not_),
        Function("&", "xx", "t", lambda *parts: "".join(map(as_text, parts)) or None, lambda *parts: filled(func.concat(*map(sql_text, parts), type_=Text))),
        Function("if", "yss", "s", lambda c, a, b: a if c else b, lambda c, a, b: case((c, a), else_=b)),
        Function("coalesce", "ss*", "s", lambda *parts: next((part for part in parts if part is not None), None), lambda *parts: func.coalesce(*parts, type_=parts[0].type)),
        Function("is_empty", "e", "y", lambda a: a is None, sql_is_empty),
        Function("round", "nn?", "n", rounded, lambda a, d=None: func.round(a, cast(func.greatest(func.least(func.trunc(d), 6), -12), Integer) if d is not None else 0, type_=n)),
        Function("floor", "n", "n", needs(lambda a: a.to_integral_value(ROUND_FLOOR)), lambda a: func.floor(a, type_=n)),
        Function("ceiling", "n", "n", needs(lambda a: a.to_integral_value(ROUND_CEILING)), lambda a: func.ceiling(a, type_=n)),
        Function("abs", "n", "n", needs(abs), lambda a: func.abs(a, type_=n)),
        Function("min", "nn*", "n", some(min), lambda *parts: func.least(*parts, type_=n)),
        Function("max", "nn*", "n", some(max), lambda *parts: func.greatest(*parts, type_=n)),
        Function("days_between", "dd", "n", needs(lambda a, b: Decimal((b - a).days)), lambda a, b: cast(b.op("-")(a), Numeric)),
        Function("add_days", "dn", "d", needs(moved), sql_moved, weight=2),
        Function("year", "d", "n", needs(lambda a: Decimal(a.year)), lambda a: numeric(extract("year", a))),
        Function("month", "d", "n", needs(lambda a: Decimal(a.month)), lambda a: numeric(extract("month", a))),
        Function("day", "d", "n", needs(lambda a: Decimal(a.day)), lambda a: numeric(extract("day", a))),
        Function("concat", "xx*", "t", lambda *parts: "".join(map(as_text, parts)) or None, lambda *parts: filled(func.concat(*map(sql_text, parts), type_=Text))),
        Function("upper", "t", "t", needs(lambda a: a.translate(TO_LARGE)), lambda a: func.translate(a, SMALL, LARGE, type_=Text)),
        Function("lower", "t", "t", needs(lambda a: a.translate(TO_SMALL)), low),
        Function("trim", "t", "t", needs(lambda a: a.strip(" ") or None), lambda a: filled(func.btrim(a))),
        Function("length", "t", "n", lambda a: Decimal(len(a or "")), lambda a: numeric(func.coalesce(func.length(a), 0))),
        Function("left", "tn", "t", lambda a, c: None if a is None else a[: characters(c)] or None, lambda a, c: filled(func.left(a, clamped(c)))),
        Function("right", "tn", "t", lambda a, c: None if a is None or not characters(c) else a[-characters(c) :], lambda a, c: filled(func.right(a, clamped(c)))),
        Function("contains", "lt", "y", holds, sql_holds),
        Function("starts_with", "tt", "y", lambda a, b: a is not None and b is not None and a.translate(TO_SMALL).startswith(b.translate(TO_SMALL)),
                 lambda a, b: func.coalesce(func.starts_with(low(a), low(b)), False, type_=Boolean)),
    ]  # fmt: skip


FUNCTIONS = {function.name: function for function in _all()}
SIGNS = ("+", "-", "*", "/", "negative", "=", "!=", "<", "<=", ">", ">=", "and", "or", "not", "&")
