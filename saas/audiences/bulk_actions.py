"""One change to many records of a kind: told by a filter or by hand, tried on a few, then done in the background and undone as one.

Whom it is for is frozen when it begins: a list that moves while the work runs would leave some out and take others twice.
Each batch is one transaction with its lines of the history, so a worker that is killed goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from saas.audiences import bulk_goods, bulk_kinds, bulk_people, bulk_undoing
from saas.audiences.bulk_kinds import Action, BadAction, Room
from saas.kit import access, errors, records, scope
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, frozen, operations, undoing
from saas.tenancy.audit import Told
from saas.tenancy.models import Operation

BATCH = 1_000
EXAMPLES = 5
MOST_CHOSEN = 1_000
KINDS = (bulk_people.ROOM, bulk_goods.PRODUCTS, bulk_goods.ORDERS)


class Nobody(errors.Invalid):
    """Nothing is chosen."""


@dataclass(frozen=True)
class Example:
    """One record as it is and as it would be; both are texts for people."""

    id: UUID
    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Preview:
    """What an action would do: to how many, said in a sentence, with a few examples."""

    count: int
    sentence: str
    examples: list[Example]


def fields(kind: str) -> dict[str, records.Field]:
    """Return the fields of a kind that the acting member may set for many, the company's own among them."""
    return bulk_kinds.room(kind).fields()


def read(kind: str, given: Mapping[str, Any]) -> Action:
    """Return an action from what a form or program gave (do, field, value); raises BadAction, access.MayNot or access.Locked."""
    room, do = bulk_kinds.room(kind), str(given.get("do") or "")
    doer = room.doers.get(do)
    if doer is None:
        raise BadAction(fields={"do": [_("Choose what to do.")]})
    access.require(room.delete if doer.deletes else room.edit)
    field, value = doer.read(room, str(given.get("field") or ""), given.get("value"))
    return Action(kind, do, field, value)


def audience(kind: str, asked: Mapping[str, Any] | None = None, *, ids: Sequence[UUID | str] | None = None) -> Select:
    """Return a select of the ids of the records that are meant: those chosen by hand, or all who fit what a list asked.

    For customers that is a `definition`, for others what `selecting` takes. What was chosen by hand is meant also when it no
    longer fits what the list asked. Raises Nobody, and errors.Invalid for what cannot be asked.
    """
    if ids is None:
        return bulk_kinds.room(kind).everybody(asked or {})
    try:
        wanted = [UUID(str(one)) for one in ids][: MOST_CHOSEN + 1]
    except ValueError:
        raise Nobody(_("Choose some first.")) from None
    if not wanted or len(wanted) > MOST_CHOSEN:
        raise Nobody(_("Choose some first.") if not wanted else _("Choose at most %(most)s by hand.", most=MOST_CHOSEN))
    model = records.kind(kind).model
    return select(model.id).where(model.id.in_(wanted))


def counted(who: Select) -> int:
    return db.session.scalar(select(func.count()).select_from(who.subquery())) or 0


def preview(action: Action, who: Select) -> Preview:
    """Return what an action would do to whom, trying it on a few."""
    room, model = action.room, records.kind(action.kind).model
    count = counted(who)
    ids = list(db.session.scalars(who.order_by(model.id.desc()).limit(EXAMPLES)))
    held = room.held(ids)
    shown = []
    for one in ids:
        if one in held:
            before, after = room.doers[action.do].tried(action, held[one])
            shown.append(Example(one, room.called(held[one]), before, after))
    return Preview(count, sentence(action, count), shown)


def sentence(action: Action, count: int) -> str:
    """Say what an action does, with its number."""
    return action.room.doers[action.do].sentence(action, f"{count:,}")


def start(action: Action, who: Select, *, told: Any = None) -> Operation:
    """Freeze who is meant and begin; `told` is how they were chosen, for the history. Raises Nobody."""
    room = action.room
    kind = room.deleted_as if room.doers[action.do].deletes else room.done_as
    operation = operations.start(kind=kind, params=action.params())
    operation.total = frozen.freeze(operation, who, together=BATCH)
    if not operation.total:
        raise Nobody(_("Nothing fits, so there is nothing to do."))
    operation.title = sentence(action, operation.total)
    entry = audit.record(
        action=f"{kind}_started", kind="operation", record_id=operation.id, batch=operation.id,
        after={"title": operation.title, "count": operation.total, "chosen": told} | action.params(),
    )  # fmt: skip
    operation.params = action.params() | {"entry": str(entry)}
    db.session.flush()
    return operation


def _step(operation: Operation) -> bool:
    """Do the next batch: lock it, change what differs, write its lines of the history, and move the cursor."""
    room = bulk_undoing.room_of(operation)
    action = Action(room.kind, *(operation.params[name] for name in ("do", "field", "value")))
    part = operation.cursor.get("part", 0)
    ids = frozen.part(operation, part)
    if not ids:
        frozen.forget(operation)
        return False
    held = room.held(ids, lock=True)
    with scope.together(operation.id):
        changed, failed = room.doers[action.do].done(action, held)
    place = operation.done + operation.failed
    failed |= {one: _("This record is not there any more, or not yours to see.") for one in ids if one not in held}
    operations.note_failed(operation, [
        (place + number, {"id": str(one), "name": room.called(held[one]) if one in held else ""}, failed[one])
        for number, one in enumerate(ids, 1) if one in failed
    ])  # fmt: skip
    operation.done += len(ids) - len(failed)
    report = operation.report
    operation.report = {
        "changed": report.get("changed", 0) + changed, "unchanged": report.get("unchanged", 0) + len(ids) - changed - len(failed),
    }  # fmt: skip
    operation.cursor = {"part": part + 1}
    return True


def _undo_all(told: Told, rest: bool) -> None:
    """Begin to undo the whole batch; raises operations.CannotUndo."""
    operations.undo(told.entry.record_id)


def _register(room: Room) -> None:
    change, remove = room.titles
    operations.kind(room.done_as, permission=room.edit, title=change, undo=bulk_undoing.undo_some)(_step)
    operations.kind(room.deleted_as, permission=room.delete, title=remove, undo=bulk_undoing.restore_some)(_step)
    undoing.register(f"{room.done_as}_started", _undo_all, permission=room.edit)
    undoing.register(f"{room.deleted_as}_started", _undo_all, permission=room.delete)


for _room in KINDS:
    _register(_room)
