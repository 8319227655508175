"""What records hold in a company's own fields: read with the place of what is wrong, and written with the rows that find it.

`given` is by field key, as programs and forms send it; a key that is no field (or one the actor must not see) is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from saas.kit import access, errors, record_values, records
from saas.kit.db import db
from saas.kit.records import CUSTOM, PLAIN, Field, Manner, NotReadable
from saas.kit.text import gettext as _

Values = dict[Field, Any]
NOBODY = UUID(int=0)


class BadValues(errors.Invalid):
    """A value cannot be read, is missing, or belongs to no field; `fields` names it as custom.<key>."""


class TakenAlready(errors.Conflict):
    """Another record has a value that each record must have for itself."""


def read(kind: str, given: Any, *, new: bool = False, manner: Manner = PLAIN) -> Values:
    """Return the values by field; raises BadValues. A new record must have what is required, and nothing takes it away."""
    if not isinstance(given, Mapping):
        raise BadValues(fields={"custom": [_("Give an object of keys and values.")]})
    known = records.kind(kind).fields()
    found, wrong = read_each(kind, given, known=known, manner=manner)
    required = [one for one in known.values() if one.custom and one.required]
    for field in required:
        if found.get(field) is None and (new or field in found) and field.name not in wrong:
            wrong[field.name] = [_("This is needed.")]
    if wrong:
        raise BadValues(fields=wrong)
    access.require_writable(kind, [field.name for field in found])
    return found


def read_each(
    kind: str, given: Mapping[str, Any], *, known: Mapping[str, Field], manner: Manner = PLAIN
) -> tuple[Values, dict[str, list[str]]]:
    """Return the values that can be read, and what is wrong with the others."""
    found: Values = {}
    wrong: dict[str, list[str]] = {}
    for key, written in given.items():
        field = known.get(f"{CUSTOM}{key}")
        if field is None:
            wrong[f"{CUSTOM}{str(key)[:60]}"] = [_("Nothing is known about “%(name)s”.", name=str(key)[:60])]
            continue
        try:
            found[field] = field.read(written, manner)
        except (NotReadable, TypeError, AttributeError) as error:
            sentence = str(error) if isinstance(error, NotReadable) else _("This value is of another kind.")
            wrong[field.name] = [sentence]
    return found, wrong


def merged(held: Mapping[str, Any], values: Values) -> dict[str, Any]:
    """Return what a record keeps, with these values in it; empty ones are taken out."""
    after = dict(held)
    for field, value in values.items():
        if value is None:
            after.pop(field.key, None)
        else:
            after[field.key] = field.plain(value)
    return after


def checked(kind: str, given: Any, *, record: Any = None, manner: Manner = PLAIN) -> Values:
    """Return what would change of a record (a new one when None); raises BadValues or TakenAlready. Nothing is written."""
    values = read(kind, given or {}, new=record is None, manner=manner)
    held = {} if record is None else record.custom
    moved = {field: value for field, value in values.items() if held.get(field.key) != _plain(field, value)}
    refuse_taken(kind, {NOBODY if record is None else record.id: moved})
    return moved


def apply(kind: str, record: Any, moved: Values, *, new: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write what `checked` returned into a record that is in the database; returns what was held before and is now."""
    if not moved:
        return {}, {}
    before = {field.name: record.custom.get(field.key) for field in moved}
    record.custom = merged(record.custom, moved)
    db.session.flush()
    record_values.write(records.kind(kind).values, {record.id: moved}, fresh=new)
    return before, {field.name: _plain(field, value) for field, value in moved.items()}


def put_back(kind: str, record: Any, held: Mapping[str, Any]) -> None:
    """Have a record hold again what it, or one that becomes part of it, held before: as JSON keeps it, by key (None: nothing).

    Nothing is refused: archived fields and choices come back as they were, what no field knows any more is kept and not
    found, and a value that is another record's own by now is left out.
    """
    known = records.kind(kind).every()
    values = {known[f"{CUSTOM}{key}"]: records.unplain(kept, known[f"{CUSTOM}{key}"].type) for key, kept in held.items() if f"{CUSTOM}{key}" in known}  # fmt: skip
    taken = taken_by_others(kind, {record.id: values})
    values = {
        field: value for field, value in values.items() if record.id not in taken or taken[record.id][0] is not field
    }
    unknown = {key: kept for key, kept in held.items() if f"{CUSTOM}{key}" not in known and kept is not None}
    record.custom = merged(record.custom, values) | unknown
    db.session.flush()
    record_values.write(records.kind(kind).values, {record.id: values})


def of_items(kind: str, items: Sequence[Mapping[str, Any]]) -> tuple[dict[int, Values], dict[int, str]]:
    """Return the values that items bring in `custom` by the items' places, and why those of others cannot be read."""
    named = [index for index, item in enumerate(items) if item.get("custom")]
    if not named:
        return {}, {}
    known = records.kind(kind).editable()
    found, failed = {}, {}
    for index in named:
        given = items[index]["custom"]
        if not isinstance(given, Mapping):
            failed[index] = _("Give an object of keys and values.")
            continue
        found[index], wrong = read_each(kind, given, known=known)
        if wrong:
            failed[index] = "; ".join(f"{name}: {' '.join(sentences)}" for name, sentences in wrong.items())
    return found, failed


def plainly(values: Values) -> dict[str, Any]:
    """Return values as JSON holds them, by field name (custom.<key>)."""
    return {field.name: _plain(field, value) for field, value in values.items()}


def write_many(kind: str, changed: Mapping[UUID, Values], *, fresh: bool = False) -> None:
    """Write the finding rows of many records whose `custom` is written already."""
    record_values.write(
        records.kind(kind).values, {key: values for key, values in changed.items() if values}, fresh=fresh
    )


def _plain(field: Field, value: Any) -> Any:
    return None if value is None else field.plain(value)


def refuse_taken(kind: str, wanted: Mapping[UUID, Values]) -> None:
    """Raise TakenAlready when another record holds one of the values that must be each record's own."""
    taken = taken_by_others(kind, wanted)
    if taken:
        fields = {field.name: [_("Another one has this value already.")] for field, _word in taken.values()}
        raise TakenAlready(_("Another record has this value already, and each must have its own."), fields=fields)


def taken_by_others(kind: str, wanted: Mapping[UUID, Values]) -> dict[UUID, tuple[Field, str]]:
    """Return the records that cannot have what they want, with the field, for another record holds it or wants it first.

    The whole company is looked at, whoever acts: a value may be taken by a record they cannot see.
    """
    table = records.kind(kind).values
    asked: dict[tuple[UUID, str], list[tuple[UUID, Field]]] = {}
    for record_id, values in wanted.items():
        for field, value in values.items():
            if field.unique and value is not None:
                sole = record_values.rows(record_id, field, value)[0]["sole"]
                asked.setdefault((field.id, sole), []).append((record_id, field))
    if not asked:
        return {}
    query = select(table.field_id, table.sole, table.id).where(
        table.field_id.in_({key[0] for key in asked}), table.sole.in_({key[1] for key in asked})
    )
    with access.lifted(reason="a value that each record has for itself may be held by one the actor cannot see"):
        holders = {(field_id, sole): holder for field_id, sole, holder in db.session.execute(query)}
    refused: dict[UUID, tuple[Field, str]] = {}
    for key, wishes in asked.items():
        holder = holders.get(key, wishes[0][0])
        refused |= {record_id: (field, key[1]) for record_id, field in wishes if record_id != holder}
    return refused


def shown(kind: str, record: Any) -> dict[str, Any]:
    """Return what the actor may see of a record's own fields by key, as JSON holds it; formulas are worked out."""
    return shown_many(kind, [record])[0]


def shown_many(kind: str, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return what the actor may see of many records; a row may be a tuple that begins with the record."""
    fields = own_fields(kind)
    return [{field.key: field.plain(value) for field in fields if (value := field.of(row)) is not None} for row in rows]


def own_fields(kind: str) -> list[Field]:
    """Return the company's own fields that the actor may see, in their order."""
    return [field for field in records.kind(kind).fields().values() if field.custom]


def texts(record: Any, fields: Iterable[Field]) -> list[str]:
    """Return a record's own texts and choices, as the search box finds them."""
    found = []
    for field in fields:
        if field.type in ("text", "choice", "choices", "link"):
            found.append(field.write(field.of(record)))
    return [one for one in found if one]
