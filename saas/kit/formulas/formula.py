"""One formula and the catalogue of fields it reads: checked, worked out for a record, and as SQL for filters."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Context, Decimal, localcontext
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import list_currencies
from sqlalchemy import Boolean, Date, Numeric, Text, any_, case, cast, func, literal, null, or_

from saas.kit import clock, money, text
from saas.kit.formulas import functions, reading
from saas.kit.formulas.functions import FUNCTIONS, SQL_TYPES
from saas.kit.formulas.reading import BadFormula, Node
from saas.kit.text import gettext as _

MOST_WEIGHT, DEEPEST_NEST, LARGEST = 1_000, 5, Decimal(10) ** 12
LETTERS = {"n": "number", "t": "text", "d": "date", "y": "yes_no", "l": "list"}
OF_FIELDS = {
    "text": "text", "long_text": "text", "email": "text", "phone": "text", "link": "text", "choice": "text", "number": "number",
    "money": "number", "date": "date", "moment": "date", "yes_no": "yes_no", "tags": "list", "choices": "list",
}  # fmt: skip
EXACT = Context(prec=20_000)
_zone: Callable[[], str] = lambda: "UTC"  # noqa: E731 - replaced by whoever knows the company's zone
parsed = lru_cache(maxsize=1_000)(reading.read)


def zone_source(source: Callable[[], str]) -> None:
    """Have days begin and end in the zone that `source` names; tenancy registers itself here."""
    global _zone
    _zone = source


def today() -> date:
    return clock.now().astimezone(ZoneInfo(_zone())).date()


class Formula:
    """A formula as it was written; nothing is read of it before it is needed."""

    def __init__(self, source: str) -> None:
        self.source = source.strip()
        self._types: dict[str, str] = {}

    @property
    def tree(self) -> Node:
        return parsed(self.source)

    def check(self, kind: Any, *, own: str = "") -> str:
        """Return the type of the result when the formula can be worked out; raises BadFormula. `own` is its field's key."""
        fields = kind.every()
        self._follow(fields, seen=(f"custom.{own}",) if own else ())
        found = _Types(fields).of(self.tree)
        if found == "empty":
            raise BadFormula(_("This is always empty."), 0)
        if found == "list":
            raise BadFormula(_("A list is no result. Ask contains(…) or is_empty(…) of it."), 0)
        if self._weight(fields) > MOST_WEIGHT:
            raise BadFormula(_("This formula is too deep or too long. Split it into two fields."), 0)
        return found

    def result(self, kind: Any) -> str:
        """Return the type of the result, or nothing when the formula can no longer be worked out; asked once."""
        if kind.name not in self._types:
            try:
                self._types[kind.name] = self.check(kind)
            except BadFormula:
                self._types[kind.name] = ""
        return self._types[kind.name]

    def reads(self, kind: Any) -> frozenset[str]:
        """Return the names of all fields it depends on, those of formulas it reads among them."""
        try:
            return frozenset(self._follow(kind.every(), seen=()))
        except BadFormula:
            return frozenset()

    def value(self, kind: Any, record: Any) -> Any:
        """Return what it comes to for a record, or None: what cannot be worked out is empty."""
        if not self.result(kind):
            return None
        with localcontext(EXACT):
            return _bounded(_Worked(kind.every(), record).of(self.tree))

    def sql(self, kind: Any) -> Any:
        """Return it as SQL over the kind's columns, with the same results as `value`."""
        result = self.check(kind)
        found = _Compiled(kind.every()).of(self.tree, result)
        if result == "number":
            return case((func.abs(found) < LARGEST, func.round(found, 6, type_=Numeric())), else_=cast(null(), Numeric))
        return func.left(found, functions.LONGEST, type_=Text) if result == "text" else found

    def _follow(self, fields: Mapping[str, Any], seen: tuple[str, ...]) -> set[str]:
        """Return every field that is read; raises BadFormula for an unknown one, a circle, or too many in each other."""
        found: set[str] = set()
        for node in self.tree.walk():
            if node.what != "field":
                continue
            field = resolved(node, fields, own=seen[0] if seen else "")
            if field.name in seen:
                raise BadFormula(_("This field would read itself."), node.at)
            found.add(field.name)
            if field.formula is not None:
                if len(seen) > DEEPEST_NEST:
                    raise BadFormula(_("Too many formulas read each other."), node.at)
                try:
                    found |= field.formula._follow(fields, (*seen, field.name))
                except BadFormula:
                    raise BadFormula(
                        _("“%(name)s” would read itself or cannot be worked out.", name=str(field.label)), node.at
                    ) from None
        return found

    def _weight(self, fields: Mapping[str, Any]) -> int:
        def weigh(node: Node) -> int:
            if node.what == "field":
                field = resolved(node, fields)
                return field.formula._weight(fields) * 2 if field.formula is not None else 1
            own = FUNCTIONS[node.what].weight if node.what in FUNCTIONS else 1
            return 1 + own * sum(weigh(part) for part in node.parts)

        return weigh(self.tree)


def resolved(node: Node, fields: Mapping[str, Any], own: str = "") -> Any:
    """Return the field that a name means: a built-in one, or the company's own by its key. Raises BadFormula."""
    field = fields.get(node.name) or fields.get(f"custom.{node.name}")
    if field is None and own in (node.name, f"custom.{node.name}"):
        raise BadFormula(_("This field would read itself."), node.at)
    if field is None:
        near = difflib.get_close_matches(node.name, [name.removeprefix("custom.") for name in fields], n=1)
        hint = " " + _("Did you mean %(name)s?", name=near[0]) if near else ""
        raise BadFormula(_("There is no field called “%(name)s”.", name=node.name[:40]) + hint, node.at)
    usable = field.formula is not None or (field.type in OF_FIELDS and (field.column is not None or field.custom))
    if not usable:
        raise BadFormula(_("“%(name)s” cannot be used in a formula.", name=node.name[:40]), node.at)
    return field


def type_of(field: Any, fields: Mapping[str, Any]) -> str:
    return _Types(fields).of(field.formula.tree) if field.formula is not None else OF_FIELDS[field.type]


class _Types:
    """What each part comes to: number, text, date, yes_no, list, or empty."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields

    def of(self, node: Node) -> str:
        if node.what in ("number", "empty"):
            return node.what
        if node.what == "words":
            return "text"
        if node.what == "truth":
            return "yes_no"
        if node.what == "field":
            return type_of(resolved(node, self.fields), self.fields)
        if node.what == "today" and not node.parts:
            return "date"
        return self.call(node)

    def call(self, node: Node) -> str:
        function = FUNCTIONS.get(node.what)
        if function is None:
            near = difflib.get_close_matches(node.what, [name for name in FUNCTIONS if name.isidentifier()], n=1)
            hint = " " + _("Did you mean %(name)s?", name=near[0]) if near else ""
            raise BadFormula(_("There is no function called “%(name)s”.", name=node.name[:40]) + hint, node.at)
        letters = spread(function.takes, len(node.parts))
        if letters is None:
            raise BadFormula(_("“%(name)s” takes another number of parts.", name=node.name or node.what), node.at)
        found = [self.of(part) for part in node.parts]
        shared = ""
        for letter, kind, part in zip(letters, found, node.parts, strict=True):
            shared = self.fits(node, letter, kind, part, shared)
        return LETTERS.get(function.gives) or shared or "empty"

    def fits(self, node: Node, letter: str, kind: str, part: Node, shared: str) -> str:
        """Raise BadFormula unless a part is of the kind its place takes; return the type that several places share."""
        name = node.name or node.what
        if kind == "empty":
            return shared
        if letter == "l":
            good = kind in ("list", "text")
        elif letter in LETTERS:
            good = kind == LETTERS[letter]
        elif letter == "e":
            good = True
        else:
            good = (
                kind != "list"
                and (letter == "x" or not shared or kind == shared)
                and not (letter == "o" and kind == "yes_no")
            )
            shared = (shared or kind) if letter in "so" else shared
        if not good:
            wanted = LETTERS.get(letter) or shared or "text"
            names = {
                "number": _("a number"),
                "text": _("a text"),
                "date": _("a date"),
                "yes_no": _("yes or no"),
                "list": _("a list"),
                "empty": _("something"),
            }
            hint = " " + _("Join texts with &.") if name == "+" and kind == "text" else ""
            raise BadFormula(
                _(
                    "“%(name)s” needs %(wanted)s here, and this is %(kind)s.",
                    name=name,
                    wanted=names[wanted],
                    kind=names[kind],
                )
                + hint,
                part.at,
            )
        return shared


def spread(takes: str, count: int) -> str | None:
    """Return one letter for each of `count` parts, or None when so many do not fit."""
    if takes.endswith("?"):
        return takes[:count] if len(takes) - 2 <= count <= len(takes) - 1 else None
    if takes.endswith("*"):
        least = len(takes) - 1
        return takes[:-1] + takes[-2] * (count - least) if count >= least else None
    return takes if len(takes) == count else None


def choice_of(node: Node, fields: Mapping[str, Any]) -> tuple[Any, str] | None:
    """Return the field and the choice's key when a choice is compared with a text: keys are compared, whatever the labels."""
    if node.what not in ("=", "!=", "contains") or {"field", "words"} - {part.what for part in node.parts}:
        return None
    named = next(part for part in node.parts if part.what == "field")
    words = next(part for part in node.parts if part.what == "words")
    field = resolved(named, fields)
    if field.type not in ("choice", "choices") or (node.what == "contains") != (field.type == "choices"):
        return None
    wanted = text.fold(words.value or "")
    for one in sorted(field.choices, key=lambda one: one.archived):
        if (
            wanted in (text.fold(one.key), text.fold(str(one.label)))
            or text.slug(words.value or "").replace("-", "_") == one.key
        ):
            return field, one.into or one.key
    return field, words.value or ""


class _Worked:
    """Works a tree out for one record."""

    def __init__(self, fields: Mapping[str, Any], record: Any) -> None:
        self.fields, self.record = fields, record

    def of(self, node: Node) -> Any:
        if node.what == "number":
            return functions.six(node.value)
        if node.what in ("words", "truth"):
            return node.value
        if node.what == "empty":
            return None
        if node.what == "today":
            return today()
        if node.what == "field":
            return self.held(resolved(node, self.fields))
        chosen = choice_of(node, self.fields)
        if chosen is not None:
            field, key = chosen
            held = field.of(self.record)
            if node.what == "contains":
                return held is not None and key in held
            return None if held is None else (held == key) == (node.what == "=")
        return FUNCTIONS[node.what].work(*(self.of(part) for part in node.parts))

    def held(self, field: Any) -> Any:
        if field.formula is not None:
            return _bounded(_Worked(self.fields, self.record).of(field.formula.tree))
        value = field.of(self.record)
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(ZoneInfo(_zone())).date()
        if field.custom and field.type == "choice":
            return next((str(one.label) for one in field.choices if one.key == value), value)
        return value


def _bounded(value: Any) -> Any:
    """Return a result as a field may hold it: a number that is too large is empty, a text is cut."""
    if isinstance(value, Decimal):
        if abs(value) >= LARGEST:
            return None
        value = functions.six(value)
        return Decimal(functions.number_text(value))
    return value[: functions.LONGEST] if isinstance(value, str) else value


class _List:
    """A field of several values in SQL: only asked whether it holds one, or anything."""

    def __init__(self, field: Any, column: Any) -> None:
        self.field, self.column = field, column

    def holds(self, part: Any) -> Any:
        if self.field.custom:
            return self.column.op("?", return_type=Boolean())(part)
        return part == any_(self.column)

    def is_empty(self) -> Any:
        return self.column.is_(None) if self.field.custom else func.cardinality(self.column) == 0


class _Compiled:
    """Turns a tree into SQL; `wanted` is the type an empty literal takes."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields
        self.types = _Types(fields)

    def of(self, node: Node, wanted: str) -> Any:
        if node.what == "empty":
            return cast(null(), SQL_TYPES[wanted if wanted in SQL_TYPES else "text"])
        if node.what == "number":
            return literal(functions.six(node.value), Numeric())
        if node.what == "words":
            return literal(node.value, Text()) if node.value else cast(null(), Text)
        if node.what == "truth":
            return literal(node.value, Boolean())
        if node.what == "today":
            return literal(today(), Date())
        if node.what == "field":
            return column_of(resolved(node, self.fields), self.fields)
        chosen = choice_of(node, self.fields)
        if chosen is not None:
            return self.chosen(node, *chosen)
        function = FUNCTIONS[node.what]
        letters = spread(function.takes, len(node.parts)) or ""
        found = [self.types.of(part) for part in node.parts]
        shared = next(
            (kind for letter, kind in zip(letters, found, strict=True) if letter in "so" and kind != "empty"), wanted
        )
        parts = [self.of(part, LETTERS.get(letter, shared)) for letter, part in zip(letters, node.parts, strict=True)]
        return function.sql(*parts)

    def chosen(self, node: Node, field: Any, key: str) -> Any:
        keys = [key, *(one.key for one in field.choices if one.into == key)]
        if node.what == "contains":
            held = raw(field)
            return func.coalesce(or_(*(held.op("?", return_type=Boolean())(one) for one in keys)), False, type_=Boolean)
        held = raw(field).astext if field.custom else func.nullif(field.column, "", type_=Text)
        return held.in_(keys) if node.what == "=" else held.not_in(keys)


def raw(field: Any) -> Any:
    """Return the column of a company's own field as jsonb."""
    from saas.kit import records

    return records.kind(field.kind).model.custom[field.key]


def column_of(field: Any, fields: Mapping[str, Any]) -> Any:
    """Return a field as SQL with the value `Field.of` gives; a formula is put in whole."""
    if field.formula is not None:
        found = _Compiled(fields).of(field.formula.tree, type_of(field, fields))
        if isinstance(found.type, Numeric):
            return case((func.abs(found) < LARGEST, func.round(found, 6, type_=Numeric())), else_=cast(null(), Numeric))
        return func.left(found, functions.LONGEST, type_=Text) if isinstance(found.type, Text) else found
    if field.custom:
        return _custom(field)
    column, kind = field.column, OF_FIELDS[field.type]
    if field.type == "money":
        return _in_units(field, column)
    if kind == "list":
        return _List(field, column)
    if field.type == "moment":
        return cast(func.timezone(_zone(), column), Date)
    return (
        cast(column, Numeric) if kind == "number" else func.nullif(column, "", type_=Text) if kind == "text" else column
    )


def _custom(field: Any) -> Any:
    held = raw(field)
    if field.type == "choices":
        return _List(field, held)
    if field.type == "choice":
        names = {
            one.key: next((str(other.label) for other in field.choices if other.key == one.into), "")
            if one.into
            else str(one.label)
            for one in field.choices
        }
        return cast(case(names, value=held.astext, else_=held.astext), Text) if names else held.astext
    kind = OF_FIELDS[field.type]
    return held.astext if kind == "text" else cast(held.astext, SQL_TYPES[kind])


def _in_units(field: Any, column: Any) -> Any:
    """An amount in its currency's unit: minor units differ by currency, millionths do not."""
    if field.unit == "micros":
        return cast(column, Numeric) * literal(Decimal("0.000001"), Numeric())
    by_digits: dict[int, list[str]] = {}
    for currency in list_currencies():
        by_digits.setdefault(money.exponent(currency), []).append(currency)
    whens = [
        (field.currency.in_(sorted(codes)), literal(Decimal(1).scaleb(-digits), Numeric()))
        for digits, codes in sorted(by_digits.items())
        if digits != 2
    ]
    return cast(column, Numeric) * case(*whens, else_=literal(Decimal("0.01"), Numeric()))
