"""What can be done to many of any kind: a field set, a tag added or taken off, and all of them into the bin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from saas.audiences.bulk_kinds import Action, BadAction, Doer, Done, Held, Room, Row
from saas.kit import access, money, records, text
from saas.kit.text import gettext as _
from saas.tenancy import audit, bin, custom_values

MOST_TAGS = 50


def held_value(name: str, row: Row) -> Any:
    """Return what a record holds under a name of the history."""
    return row["custom"].get(name.removeprefix(records.CUSTOM)) if name.startswith(records.CUSTOM) else row[name]


def write(room: Room, changes: Mapping[UUID, Mapping[str, Any]], held: Held) -> int:
    """Write the fields that differ, by record and as the history names them, with a line of the history each; how many."""
    lines, columns, own = [], {}, {}
    catalogue = records.kind(room.kind).every()
    for one, wanted in changes.items():
        before, after = audit.differing({name: held_value(name, held[one]) for name in wanted}, wanted)
        if not after:
            continue
        mine = {name: value for name, value in after.items() if name.startswith(records.CUSTOM)}
        columns[one] = {name: wanted[name] for name in after if name not in mine}
        if mine:
            columns[one]["custom"] = {name.removeprefix(records.CUSTOM): value for name, value in mine.items()}
            own[one] = {
                catalogue[name]: records.unplain(value, catalogue[name].type) for name, value in mine.items() if name in catalogue
            }  # fmt: skip
        lines.append({
            "action": f"{room.plural}.edited", "kind": room.kind, "record_id": one, "before": before, "after": after, "detail": True,
        })  # fmt: skip
    room.update(columns, held)
    custom_values.write_many(room.kind, own)
    tell(room, lines, list(columns))
    return len(columns)


def tell(room: Room, lines: Sequence[Mapping[str, Any]], ids: Sequence[UUID]) -> None:
    if ids:
        audit.record_many(lines)
        room.tell(ids)


def in_words(room: Room, name: str, row: Row) -> str:
    """Return what a record, given as columns, holds in a field, for people."""
    return _written(records.kind(room.kind).field(name), records.kind(room.kind).field(name).in_row(row))


def _written(field: records.Field, value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field.type == "money" and value is not None:
        return money.micros_text(int(value * 1_000_000))
    return field.write(value)


def _wanted(action: Action, row: Row) -> dict[str, Any]:
    """Return what the record holds afterwards, as the history names it."""
    if action.do == "set":
        return action.room.columns(action.field, action.value)
    tags = row["tags"]
    if action.do == "untag":
        return {"tags": [one for one in tags if one != action.value]}
    return {"tags": tags if action.value in tags or len(tags) >= MOST_TAGS else [*tags, action.value]}


def _try_value(action: Action, row: dict[str, Any]) -> tuple[str, str]:
    wanted = _wanted(action, row)
    own = {
        name.removeprefix(records.CUSTOM): value for name, value in wanted.items() if name.startswith(records.CUSTOM)
    }
    after = row | wanted | {"custom": row["custom"] | own}
    before = in_words(action.room, action.field, row)
    return before, before if action.room.stays(action.field, row) else in_words(action.room, action.field, after)


def _write_values(action: Action, held: Held) -> Done:
    stay = {one: why for one, row in held.items() if (why := action.room.stays(action.field, row))}
    changes = {one: _wanted(action, row) for one, row in held.items() if one not in stay}
    return write(action.room, changes, held), stay


def _read_field(room: Room, name: str, value: Any) -> tuple[str, Any]:
    access.require_writable(room.kind, [name])
    field = room.fields().get(name)
    if field is None:
        raise BadAction(fields={"field": [access.unknown(name)]})
    try:
        found = field.read(value)
    except records.NotReadable as error:
        raise BadAction(fields={"value": [str(error)]}) from None
    if found is None and field.required:
        raise BadAction(fields={"value": [_("This is needed.")]})
    plain = None if found is None else field.plain(found)
    room.columns(name, plain)  # what the room would refuse is refused now and not in the middle
    return name, plain


def _read_tag(room: Room, name: str, value: Any) -> tuple[str, Any]:
    access.require_writable(room.kind, ["tags"])
    tag = text.clean(str(value or ""), most=60)
    if not tag:
        raise BadAction(fields={"value": [_("Give a tag.")]})
    return "tags", tag


def value_said(action: Action) -> tuple[str, str]:
    """Return a field's label and its new value in words."""
    field = records.kind(action.kind).field(action.field)
    value = records.unplain(action.value, field.type)
    return str(field.label), _written(field, value) if value is not None else _("nothing")


def _nothing(room: Room, name: str, value: Any) -> tuple[str, Any]:
    return "", None


def _try_delete(action: Action, row: dict[str, Any]) -> tuple[str, str]:
    here = action.room.below(row)
    return here, here if action.room.kept(row) else _("in the bin")


def _delete(action: Action, held: Held) -> Done:
    room = action.room
    stay = {one: why for one, row in held.items() if (why := room.kept(row))}
    titles = {one: room.called(row) for one, row in held.items() if one not in stay}
    audit.record_many([
        {"action": f"{room.plural}.deleted", "kind": room.kind, "record_id": one, "before": {"name": name}, "detail": True}
        for one, name in titles.items()
    ])  # fmt: skip
    if titles:
        room.take(titles, held)
        bin.put(room.kind, titles)
    return len(titles), stay


def setting(said: Any) -> Doer:
    return Doer(_read_field, _try_value, _write_values, said)


def tagging(said: Any) -> Doer:
    return Doer(_read_tag, _try_value, _write_values, said)


def deleting(said: Any) -> Doer:
    return Doer(_nothing, _try_delete, _delete, said, deletes=True)
