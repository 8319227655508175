"""The one catalogue of fields for each kind of record, which forms, lists, filters, imports, exports and the API share.

A room registers its kind with the fields that are built in; the tenant's own come from whoever registered `custom_source`
(tenancy). `kind("customer").fields()` is what the acting member or key may see: what access hides is not there, so that
nothing made of the catalogue can tell of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from saas.kit import access, errors, money, values
from saas.kit.text import gettext as _
from saas.kit.values import MOST, PLAIN, Choice, Manner, NotReadable

__all__ = [
    "PLAIN",
    "Choice",
    "Field",
    "Kind",
    "Manner",
    "NotReadable",
    "all_kinds",
    "custom_source",
    "kind",
    "register",
]
CUSTOM = "custom."


class NoSuchField(errors.Invalid):
    """Nothing is known about a field of this name, or it must not be seen: nobody can tell the two apart."""


class NoSuchKind(errors.NotFound):
    """There is no such kind of record."""


@dataclass(frozen=True, eq=False)
class Field:
    """One field of a kind of record.

    `column` is where it is kept; a tenant's own has none and is kept in the record's `custom` by `key`. `unit` says how a
    column of money counts (minor units or micros) and `currency` which currency: a code, or the column that holds it.
    `sort` is the name the list sorts by. `show` reads what is in no column, from the record.
    """

    name: str
    type: str
    label: Any
    column: Any = None
    editable: bool = True
    required: bool = False
    filterable: bool = True
    personal: bool = False
    choices: tuple[Choice, ...] = ()
    group: Any = ""
    show: Callable[[Any], Any] | None = None
    sort: str = ""
    most: int = 0
    unit: str = "minor"
    currency: Any = ""
    help: str = ""
    unique: bool = False
    id: Any = None
    formula: Any = None
    kind: str = ""

    @property
    def custom(self) -> bool:
        return self.name.startswith(CUSTOM)

    @property
    def key(self) -> str:
        """The name without `custom.`: what a tenant's own field is kept and sent under."""
        return self.name.removeprefix(CUSTOM)

    @property
    def sortable(self) -> bool:
        return bool(self.sort)

    @property
    def shape(self) -> str:
        """The type of its values: a formula's is that of its result."""
        return (self.formula.result(kind(self.kind)) or "text") if self.formula is not None else self.type

    def read(self, written: Any, manner: Manner = PLAIN) -> Any:
        """Return the value of a text (or of a program's plain value); None when it is empty. Raises NotReadable."""
        if written is None or (isinstance(written, str) and not written.strip()) or written in ((), []):
            return None
        if self.type in ("formula", "record"):
            raise NotReadable(_("This field is worked out and cannot be set."))
        return READERS[self.type](self, written, manner)

    def write(self, value: Any, manner: Manner = PLAIN) -> str:
        """Return a value as text that `read` understands: choices by label, moments in the reader's zone."""
        if value is None:
            return ""
        if self.shape in ("choice", "choices"):
            labels = {one.key: str(one.label) for one in self.choices}
            keys = (value,) if self.shape == "choice" else value
            return ", ".join(labels.get(key, key) for key in keys)
        return written(value, manner)

    def plain(self, value: Any) -> Any:
        """Return a value as JSON holds it: money as a decimal text, dates in ISO 8601, choices by key."""
        return plain(value, self.shape)

    def of(self, record: Any) -> Any:
        """Return a record's value; `record` is the row of the kind's model, or a tuple that begins with it."""
        parts = record if isinstance(record, tuple) or hasattr(record, "_fields") else (record,)
        if self.formula is not None:
            return self.formula.value(kind(self.kind), record)
        if self.show is not None:
            return self.show(record)
        if self.column is None:
            return self.kept((getattr(parts[0], "custom", None) or {}).get(self.key))
        part = next((one for one in parts if isinstance(one, self.column.class_)), None)
        return None if part is None else self._held(part)

    def kept(self, held: Any) -> Any:
        """Return the value of what a record keeps in `custom`; a choice that was merged stands for the one it went into."""
        value = unplain(held, self.type)
        if value is not None and self.type == "choice":
            return values.standing(value, self.choices)
        if value is not None and self.type == "choices":
            return tuple(dict.fromkeys(values.standing(key, self.choices) for key in value)) or None
        return value

    def in_row(self, row: Mapping[str, Any]) -> Any:
        """Return the value of a record that is given as its columns; a formula's is in none."""
        return self.kept(row["custom"].get(self.key)) if self.column is None else self._held(SimpleNamespace(**row))

    def _held(self, part: Any) -> Any:
        value = getattr(part, self.column.key)
        if value is None or value == "" or value == []:
            return None
        if self.type == "money":
            currency = self.currency if isinstance(self.currency, str) else getattr(part, self.currency.key)
            return Decimal(value).scaleb(-6 if self.unit == "micros" else -money.exponent(currency or "EUR"))
        if self.type == "number":
            return Decimal(value)
        return tuple(value) if isinstance(value, list) else value

    def currency_of(self, record: Any) -> str:
        """Return the currency of a record's amount, or nothing when it is not known."""
        if isinstance(self.currency, str):
            return self.currency
        parts = record if isinstance(record, tuple) or hasattr(record, "_fields") else (record,)
        part = next((one for one in parts if isinstance(one, self.currency.class_)), None)
        return "" if part is None else getattr(part, self.currency.key)


def _long(one: Field, given: Any, manner: Manner) -> str:
    return values.words(given, one.most or MOST[one.type])


def _tags(one: Field, given: Any, manner: Manner) -> tuple[str, ...]:
    return tuple(values.many(given))[:50]


def _choices(one: Field, given: Any, manner: Manner) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values.choice(part, one.choices) for part in values.many(given)))


def _currency(one: Field, manner: Manner) -> str:
    return one.currency if isinstance(one.currency, str) else manner.currency


READERS: dict[str, Callable[[Field, Any, Manner], Any]] = {
    "text": _long,
    "long_text": _long,
    "phone": _long,
    "email": lambda one, given, manner: values.email(given),
    "number": lambda one, given, manner: values.number(given, manner),
    "money": lambda one, given, manner: values.amount(given, manner, _currency(one, manner)),
    "date": lambda one, given, manner: values.day(given, manner),
    "moment": lambda one, given, manner: values.moment(given, manner),
    "yes_no": lambda one, given, manner: values.yes_no(given),
    "choice": lambda one, given, manner: values.choice(given, one.choices),
    "choices": _choices,
    "tags": _tags,
    "link": lambda one, given, manner: values.link(given),
}


def written(value: Any, manner: Manner = PLAIN) -> str:
    """Return a plain Python value as text for a file: exact, and the same whoever reads."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(manner.zone)).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (tuple, list)):
        return ", ".join(str(part) for part in value)
    return value.isoformat() if isinstance(value, date) else str(value)


def plain(value: Any, type_: str) -> Any:
    """Return a value as JSON holds it."""
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        if type_ == "money":
            return f"{value:f}"
        return int(value) if value == value.to_integral_value() else float(value)
    return list(value) if isinstance(value, tuple) else value


def unplain(held: Any, type_: str) -> Any:
    """Return the value that JSON holds; the opposite of `plain`."""
    if held is None:
        return None
    if type_ in ("number", "money"):
        return Decimal(str(held))
    if type_ == "date":
        return date.fromisoformat(held)
    if type_ == "moment":
        return datetime.fromisoformat(held)
    return tuple(held) if isinstance(held, list) else held


@dataclass(frozen=True)
class Kind:
    """A kind of record: what it is called, its fields, and how one is found, made, changed and deleted.

    `room` begins its permissions (customers.read, customers.edit). `one(id, lock=)`, `create(**)`, `change(id, **)` and
    `delete(id)` are the room's; `query()` selects rows that `Field.of` reads. `parts` are other rows that belong to one.
    """

    name: str
    label: Any
    plural: Any
    room: str
    model: Any
    built_in: tuple[Field, ...]
    one: Callable[..., Any]
    query: Callable[[], Any]
    create: Callable[..., Any] | None = None
    change: Callable[..., Any] | None = None
    delete: Callable[..., Any] | None = None
    values: Any = None
    title: Callable[[Any], str] = field(default=lambda record: str(record.id))

    def fields(self, *, archived: bool = False) -> dict[str, Field]:
        """Return the fields the actor may see by name: built in, then the tenant's own (`custom.<key>`)."""
        hidden = access.hidden(self.name)
        every = self.every(archived=archived)
        if not hidden:
            return every
        return {
            name: one for name, one in every.items()
            if name not in hidden and (one.formula is None or not one.formula.reads(self) & hidden)
        }  # fmt: skip

    def every(self, *, archived: bool = True) -> dict[str, Field]:
        """Return all fields, whoever acts: for working out formulas, never for showing."""
        return {one.name: one for one in (*self.built_in, *_custom_source(self.name, archived))}

    def field(self, name: str) -> Field:
        """Return one field; raises NoSuchField."""
        found = self.fields().get(name)
        if found is None:
            raise NoSuchField(fields={name: [_("Nothing is known about “%(name)s”.", name=name[:60])]})
        return found

    def editable(self) -> dict[str, Field]:
        """Return the fields the actor may change."""
        locked = access.locked(self.name)
        return {name: one for name, one in self.fields().items() if one.editable and name not in locked}

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return values by field name as `create` and `change` take them: the tenant's own together as `custom`."""
        plainly = {name: value for name, value in given.items() if not name.startswith(CUSTOM)}
        own = {name.removeprefix(CUSTOM): value for name, value in given.items() if name.startswith(CUSTOM)}
        return plainly | ({"custom": own} if own else {})


_kinds: dict[str, Kind] = {}


def _nothing(name: str, archived: bool) -> Iterable[Field]:
    return ()


_custom_source: Callable[[str, bool], Iterable[Field]] = _nothing


def custom_source(source: Callable[[str, bool], Iterable[Field]]) -> None:
    """Have the tenant's own fields of a kind come from `source(kind, archived)`; tenancy registers itself here."""
    global _custom_source
    _custom_source = source


def register(made: Kind) -> Kind:
    """Put a kind on the list; its fields learn whose they are."""
    known = replace(made, built_in=tuple(replace(one, kind=made.name) for one in made.built_in))
    _kinds[made.name] = known
    return known


def kind(name: str) -> Kind:
    """Return a kind of record; raises NoSuchKind."""
    found = _kinds.get(name)
    if found is None:
        raise NoSuchKind
    return found


def all_kinds() -> dict[str, Kind]:
    """Return every kind by name, in the order of the rooms."""
    return dict(_kinds)
