"""What bulk actions need to know of a kind of record: one `Room` a kind, all else is the same for every kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from saas.kit import access, errors, records

Row = Mapping[str, Any]
Held = dict[UUID, dict[str, Any]]
Done = tuple[int, dict[UUID, str]]
"""How many were changed, and who failed why."""


class BadAction(errors.Invalid):
    """What is to be done to many cannot be done; `fields` says why."""


@dataclass(frozen=True)
class Action:
    """What is done to each record of a kind: set (a field), tag, untag, delete or what else its room knows; `value` is as JSON holds it."""

    kind: str
    do: str
    field: str = ""
    value: Any = None

    @property
    def room(self) -> Room:
        return room(self.kind)

    def params(self) -> dict[str, Any]:
        return {"do": self.do, "field": self.field, "value": self.value}


@dataclass(frozen=True)
class Doer:
    """One thing that can be done to many: read from what a form gave (field, value), tried on one record (before and after in
    words), done to a batch, and said as a sentence of its number."""

    read: Callable[[Room, str, Any], tuple[str, Any]]
    tried: Callable[[Action, dict[str, Any]], tuple[str, str]]
    done: Callable[[Action, Held], Done]
    sentence: Callable[[Action, str], str]
    deletes: bool = False


@dataclass(frozen=True)
class Room:
    """A kind of record as bulk actions see it.

    `everybody(asked)` selects the ids of those who fit what a list asked. `held(ids, lock=)` reads records as columns,
    `columns(field, value)` says what a field's value is in them (as the history names and holds it), `update(changes, held)`
    writes them, `tell(ids)` has all others learn of it, `stays(field, row)` says why a record's field is not ours to change.
    `take(ids)` deletes after `titles` went to the history. `backs` are the ways back of acts that only this kind knows.
    """

    kind: str
    plural: str
    edit: str
    delete: str
    titles: tuple[Any, Any]
    everybody: Callable[[Mapping[str, Any]], Any]
    held: Callable[..., Held]
    columns: Callable[[str, Any], dict[str, Any]]
    update: Callable[[Mapping[UUID, dict[str, Any]], Held], None]
    tell: Callable[[Sequence[UUID]], None]
    called: Callable[[Row], str]
    alone: frozenset[str]
    doers: dict[str, Doer]
    below: Callable[[Row], str] = lambda row: ""
    stays: Callable[[str, Row], str] = lambda name, row: ""
    kept: Callable[[Row], str] = lambda row: ""
    take: Callable[[Mapping[UUID, str], Held], None] = lambda titles, held: None
    backs: Mapping[str, Callable[[Room, Sequence[Any], Held], dict[UUID, str]]] = field(default_factory=dict)

    @property
    def done_as(self) -> str:
        return f"{self.plural}.bulk"

    @property
    def deleted_as(self) -> str:
        return f"{self.plural}.bulk_delete"

    def fields(self) -> dict[str, records.Field]:
        """Return the fields the acting member may set for many, the company's own among them."""
        return {
            name: one for name, one in records.kind(self.kind).editable().items()
            if name not in self.alone and not one.unique and (one.column is not None or one.custom)
        }  # fmt: skip

    def may(self) -> list[str]:
        """Return what the acting member may do to many."""
        locked = access.locked(self.kind)
        needs = {"tag": "tags", "untag": "tags", "own": "owner_id", "withdraw": "email_consent"}
        return [
            name for name, doer in self.doers.items()
            if access.may(self.delete if doer.deletes else self.edit) and needs.get(name) not in locked and (name != "set" or self.fields())
        ]  # fmt: skip


_rooms: dict[str, Room] = {}


def register(made: Room) -> Room:
    _rooms[made.kind] = made
    return made


def room(kind: str) -> Room:
    """Return what bulk actions know of a kind; raises records.NoSuchKind."""
    found = _rooms.get(kind)
    if found is None:
        raise records.NoSuchKind
    return found


def rooms() -> list[Room]:
    return list(_rooms.values())
