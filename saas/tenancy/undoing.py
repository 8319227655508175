"""Taking back what was done: each room says how its acts are undone, and an entry of the history is all that is needed.

An undo is an act like any other: it has an entry of its own, which can be undone in turn. Where later changes stand in the
way they are named, with who made them and when, and the rest can be undone without them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from saas.kit import access, clock, errors, records, scope
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, bin, seeing
from saas.tenancy.audit import Told
from saas.tenancy.models import AuditEntry, AuditUndo

LOOKED_AT = 500
"""Later entries of a record that are looked through for who changed a field."""
Fn = Callable[[Told, bool], None]


@dataclass(frozen=True)
class Way:
    """How entries of an action are undone: the function, and the permission it needs."""

    undo: Fn
    permission: str


@dataclass(frozen=True)
class Obstacle:
    """A field that was changed again since: what it holds now, who changed it and when (nobody known: a shop or a job)."""

    field: str
    label: str
    now: Any
    who: str
    at: datetime | None


class CannotUndo(errors.Conflict):
    """This act cannot be undone, or there is nothing left to undo."""

    code = "cannot_undo"


class UndoneAlready(errors.Conflict):
    """Somebody undid it before."""

    code = "undone_already"


class InTheWay(errors.Conflict):
    """Later changes stand in the way; `obstacles` names them, and `rest` tells whether the others can be undone alone."""

    code = "changed_since"

    def __init__(self, obstacles: list[Obstacle], *, rest: bool) -> None:
        self.obstacles, self.rest = obstacles, rest
        sentences = {one.field: [_sentence(one)] for one in obstacles}
        message = _("Later changes stand in the way: %(what)s.", what="; ".join(s[0] for s in sentences.values()))
        super().__init__(message, fields=sentences)


_ways: dict[str, Way] = {}


def register(action: str, undo: Fn, *, permission: str) -> None:
    """Say how entries of an action are undone: `undo(told, rest)` does it, or raises InTheWay or CannotUndo.

    `rest` asks to undo what can be undone although later changes stand in the way of some of it.
    """
    _ways[action] = Way(undo, permission)


def register_edit(
    action: str, *, kind: str, permission: str, read: Callable[[str, list[str]], Mapping[str, Any]],
    write: Callable[[str, dict[str, Any]], Any],
) -> None:  # fmt: skip
    """Say how an edit is undone: `read(record_id, names)` returns what the fields hold, `write(record_id, values)` changes them."""

    def undo(told: Told, rest: bool) -> None:
        record_id = told.entry.record_id
        before, after, held = told.before, told.after, plain(read(record_id, list(told.after)))
        back = {name: before.get(name) for name in after if held.get(name) == after[name] != before.get(name)}
        moved = [name for name in after if held.get(name) not in (after[name], before.get(name))]
        if moved and not (rest and back):
            raise InTheWay(_obstacles(told, kind, moved, held), rest=bool(back))
        if not back:
            raise CannotUndo(_("It is as it was before already."))
        write(record_id, back)

    register(action, undo, permission=permission)


def in_the_way(told: Told, kind: str, held: Mapping[str, Any]) -> InTheWay:
    """Return the refusal that names these fields, what they hold now, and who changed them since."""
    return InTheWay(_obstacles(told, kind, list(held), held), rest=False)


def register_bin(kind: str, plural: str, *, permission: str, delete: Callable[[str], Any]) -> None:
    """Say how deleting a kind is undone (from the bin), and bringing back and making (into it)."""

    def bring_back(told: Told, rest: bool) -> None:
        bin.restore(bin.find(kind, told.entry.record_id, lock=True))

    def put_away(told: Told, rest: bool) -> None:
        delete(told.entry.record_id)

    register(f"{plural}.deleted", bring_back, permission=permission)
    register(f"{plural}.restored", put_away, permission=permission)
    register(f"{plural}.created", put_away, permission=permission)


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as the history holds them."""
    return orjson.loads(audit._json([dict(values)]))[0]


def possible(told: Told) -> bool:
    """Tell whether an entry may be undone by the acting person, as far as can be seen without trying."""
    way = _ways.get(told.entry.action)
    return way is not None and told.undo is None and not told.erased and access.may(way.permission)


def undo(entry_id: UUID | str, *, rest: bool = False) -> UUID | None:
    """Undo an entry and return the undo's own entry; of two who try at once one does it.

    Raises NoSuchEntry, CannotUndo, UndoneAlready, InTheWay or what the act itself refuses.
    """
    told = seeing.one(entry_id)
    way = _ways.get(told.entry.action)
    if way is None or told.erased:
        raise CannotUndo(_("This cannot be undone."))
    access.require(way.permission)
    _claim(told, rest)
    with scope.together(None, undoes=told.entry.id):
        way.undo(told, rest)
    return audit.latest()


def _claim(told: Told, partly: bool) -> None:
    """Write down that the entry is undone; who comes second waits for the first to end and finds it done."""
    row = {
        "tenant_id": scope.tenant_id(),
        "id": told.entry.id,
        "undone_at": clock.now(),
        "actor_name": scope.actor().name,
        "partly": partly,
    }
    mine = db.session.execute(insert(AuditUndo).values(row).on_conflict_do_nothing().returning(AuditUndo.id)).first()
    if mine is None:
        held = db.session.scalars(select(AuditUndo).where(AuditUndo.id == told.entry.id)).one()
        who = held.actor_name or _("somebody")
        raise UndoneAlready(
            _("%(who)s undid this already, on %(when)s.", who=who, when=f"{held.undone_at:%Y-%m-%d %H:%M}")
        )


def _obstacles(told: Told, kind: str, fields: list[str], held: Mapping[str, Any]) -> list[Obstacle]:
    """Find who changed each field last, in the record's later entries; what shops and jobs send has none."""
    labels = field_labels(kind)
    found = {name: Obstacle(name, labels.get(name, named(name)), held.get(name), "", None) for name in fields}
    later = audit.told().where(
        AuditEntry.record_kind == told.entry.record_kind, AuditEntry.record_id == told.entry.record_id, AuditEntry.id > told.entry.id
    )  # fmt: skip
    for entry, values, _undo in db.session.execute(later.order_by(AuditEntry.id.desc()).limit(LOOKED_AT)):
        for name in values.after or {}:
            if name in found and found[name].at is None:
                found[name] = replace(found[name], who=(values.who or {}).get("name", ""), at=entry.acted_at)
    return [one for one in found.values() if access.readable(kind, one.field)]


def _sentence(one: Obstacle) -> str:
    if one.at is None:
        return _("%(field)s was changed since by a shop or an import", field=one.label)
    return _(
        "%(field)s, changed by %(who)s on %(when)s",
        field=one.label,
        who=one.who or _("somebody"),
        when=f"{one.at:%Y-%m-%d %H:%M}",
    )


def field_labels(kind: str) -> dict[str, str]:
    """Return what people call a kind's fields, its own ones too."""
    try:
        return {name: str(field.label) for name, field in records.kind(kind).fields().items()}
    except records.NoSuchKind:
        return {}


def named(field: str) -> str:
    """Return a readable word for a field that no catalogue knows."""
    return field.removesuffix("_id").removesuffix("_at").replace("_", " ").strip().capitalize()
