"""Questions about a company's own fields as SQL, for every kind of record: which hold a value, more than it, or none.

A value of one record among a million is found through the rows beside the records (see kit.record_values); parts of a text
and emptiness are read from the records themselves, for no index would help; formulas are worked out as they are asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, or_, select

from saas.kit import errors, formulas, record_values, records
from saas.kit.records import Field, Manner, NotReadable
from saas.kit.text import gettext as _

EMPTY = ("is_empty", "is_not_empty")
WAYS = {
    "text": ("is", "is_not", "contains", "begins_with", *EMPTY),
    "decimal": ("at_least", "at_most", "is", *EMPTY),
    "day": ("in_last_days", "not_in_last_days", "before", "after", "is", *EMPTY),
    "own_choice": ("is", "is_not", *EMPTY),
    "own_choices": ("has", "has_not", *EMPTY),
    "flag": ("is", *EMPTY),
}
"""The ways each kind of field can be asked."""
KINDS = {
    "text": "text", "link": "text", "number": "decimal", "money": "decimal", "date": "day", "choice": "own_choice", "choices": "own_choices",
    "yes_no": "flag",
}  # fmt: skip


def kind_of(field: Field) -> str:
    return KINDS[field.shape]


def read(kind: records.Kind, text: str) -> tuple[Field, str, str]:
    """Return the field, the way and the value of a filter written custom.level.is.gold; raises ValueError with a sentence."""
    prefix, _dot, rest = text.partition(".")
    key, _dot, rest = rest.partition(".")
    field = kind.fields(archived=True).get(f"{records.CUSTOM}{key}") if prefix == "custom" else None
    if field is None:
        raise ValueError(_("Nothing is known about “%(name)s”.", name=f"{prefix}.{key}"[:40]))
    way, _dot, value = rest.partition(".")
    ask(field, way, value)
    return field, way, value


def where(kind: str, texts: Sequence[str]) -> list[ColumnElement[bool]]:
    """Return the SQL of filters, all of which must fit; raises errors.Invalid for one that cannot be understood."""
    found = []
    for text in texts:
        try:
            found.append(ask(*read(records.kind(kind), text)))
        except ValueError as error:
            raise errors.Invalid(fields={"where": [str(error)]}) from None
    return found


def ask(field: Field, operator: str, value: Any) -> ColumnElement[bool]:
    """Return the SQL of one question; raises ValueError with a sentence when it cannot be asked so."""
    kind = records.kind(field.kind)
    if operator not in WAYS[kind_of(field)]:
        raise ValueError(_("“%(name)s” cannot be asked that way.", name=field.label))
    if field.formula is not None:
        return _of_formula(field, kind, operator, value)
    if operator in EMPTY:
        held = kind.model.custom[field.key]
        return held.is_(None) if operator == "is_empty" else held.is_not(None)
    return _of_values(field, kind, operator, value)


def _of_values(field: Field, kind: Any, operator: str, value: Any) -> ColumnElement[bool]:
    table, model = kind.values, kind.model
    if operator in ("contains", "begins_with"):
        text = model.custom[field.key].astext
        wanted = _words(value)
        return (
            text.icontains(wanted, autoescape=True)
            if operator == "contains"
            else text.istartswith(wanted, autoescape=True)
        )
    compared = table.word if kind_of(field) in ("text", "own_choice", "own_choices") else table.number
    asked = _compared(field, operator, value, compared)
    found = model.id.in_(select(table.id).where(table.field_id == field.id, asked))
    return not_(found) if operator in ("is_not", "has_not", "not_in_last_days") else found


def _compared(field: Field, operator: str, value: Any, column: Any) -> ColumnElement[bool]:
    """The rows of a value, or of its opposite, which the caller turns round."""
    if operator in ("in_last_days", "not_in_last_days"):
        today = formulas.today()
        return column.between(
            record_values.number_of(today - timedelta(days=_days(value))), record_values.number_of(today)
        )
    if kind_of(field) in ("own_choice", "own_choices"):
        key = _read(field, value)[0] if field.type == "choices" else _read(field, value)
        return column.in_([key, *(one.key for one in field.choices if one.into == key)])
    if kind_of(field) == "text":
        return column == record_values.word_of(_words(value))
    wanted = record_values.number_of(_read(field, value))
    signs: dict[str, Callable[[], ColumnElement[bool]]] = {
        "at_least": lambda: column >= wanted, "after": lambda: column >= wanted, "at_most": lambda: column <= wanted,
        "before": lambda: column < wanted, "is": lambda: column == wanted,
    }  # fmt: skip
    return signs[operator]()


def _of_formula(field: Field, kind: Any, operator: str, value: Any) -> ColumnElement[bool]:
    try:
        held = field.formula.sql(kind)
    except formulas.BadFormula as error:
        raise ValueError(str(error)) from None
    if operator in EMPTY:
        return held.is_(None) if operator == "is_empty" else held.is_not(None)
    if kind_of(field) == "text":
        wanted = _words(value)
        asked = {"is": held == wanted, "is_not": func.coalesce(held, "") != wanted,
                 "contains": held.icontains(wanted, autoescape=True), "begins_with": held.istartswith(wanted, autoescape=True)}  # fmt: skip
        return asked[operator]
    if kind_of(field) == "flag":
        return held.is_(_read(field, value))
    if operator in ("in_last_days", "not_in_last_days"):
        today = formulas.today()
        inside = and_(held >= today - timedelta(days=_days(value)), held <= today)
        return inside if operator == "in_last_days" else or_(not_(inside), held.is_(None))
    wanted = _read(field, value)
    signs = {
        "at_least": held.__ge__,
        "after": held.__ge__,
        "at_most": held.__le__,
        "before": held.__lt__,
        "is": held.__eq__,
    }
    return signs[operator](wanted)


def _read(field: Field, value: Any) -> Any:
    """Return what a question compares with, read as a value of the field."""
    try:
        if field.formula is not None:
            found = records.READERS[field.shape](field, value, Manner())
        else:
            found = field.read(value)
    except NotReadable as error:
        raise ValueError(str(error)) from None
    if found is None:
        raise ValueError(_("Give something to compare with."))
    return found


def _words(value: Any) -> str:
    wanted = str(value or "")[:200]
    if not wanted or "\x00" in wanted:
        raise ValueError(_("Give a text to compare with."))
    return wanted


def _days(value: Any) -> int:
    try:
        days = int(value)
    except (TypeError, ValueError):
        days = 0
    if not 0 < days <= 36_500:
        raise ValueError(_("Give a number of days between 1 and 36,500."))
    return days
