"""Undoing a bulk action: batch by batch, whatever still is as the action left it; the rest is reported and stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from saas.audiences import bulk_changes, bulk_kinds
from saas.audiences.bulk_kinds import Held, Room
from saas.kit import clock, scope
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import bin, operations, undoing
from saas.tenancy.models import AuditEntry, AuditUndo, AuditValues, Operation

BATCH = 1_000
NOTHING = UUID(int=0)


def room_of(operation: Operation) -> Room:
    """Return the kind of record that an operation changes."""
    return next(room for room in bulk_kinds.rooms() if operation.kind in (room.done_as, room.deleted_as))


def _mark_undone(operation: Operation) -> None:
    """Have the history say that the whole batch is taken back, whether that was asked for there or on the work's own page."""
    row = {
        "tenant_id": scope.tenant_id(),
        "id": UUID(operation.params["entry"]),
        "undone_at": clock.now(),
        "actor_name": scope.actor().name,
    }
    db.session.execute(insert(AuditUndo).values(row).on_conflict_do_nothing())


def undo_some(operation: Operation) -> bool:
    """Take the next lines of the batch back: whatever holds now what the batch wrote; what was changed since stays."""
    room = room_of(operation)
    last = UUID(operation.undo_cursor.get("last", str(NOTHING)))
    if not operation.undo_cursor:
        _mark_undone(operation)
        operation.undo_cursor = {"skipped": 0}
    same = (AuditValues.tenant_id == AuditEntry.tenant_id) & (AuditValues.id == AuditEntry.id)
    query = select(AuditEntry.id, AuditEntry.action, AuditEntry.record_id, AuditValues.before, AuditValues.after).join(
        AuditValues, same
    )
    mine = query.where(
        AuditEntry.batch == operation.id, AuditEntry.detail, AuditEntry.undoes.is_(None), AuditEntry.id > last
    )
    lines = list(db.session.execute(mine.order_by(AuditEntry.id).limit(BATCH)))
    if not lines:
        return False
    held = room.held([UUID(line.record_id) for line in lines], lock=True)
    head = UUID(operation.params["entry"])
    with scope.together(operation.id, undoes=head):
        stay = (room.backs.get(lines[0].action) or _write_back)(room, lines, held)
    place = operation.undone
    operations.note_failed(operation, [
        (place + number, {"id": line.record_id, "name": room.called(held[UUID(line.record_id)]) if UUID(line.record_id) in held else ""},
         stay[line.id])
        for number, line in enumerate(lines, 1) if line.id in stay
    ])  # fmt: skip
    operation.undone += len(lines) - len(stay)
    operation.report = operation.report | {"kept": operation.report.get("kept", 0) + len(stay)}
    operation.undo_cursor = {"last": str(lines[-1].id)}
    return True


def _write_back(room: Room, lines: Sequence[Any], held: Held) -> dict[UUID, str]:
    """Write what the fields held before, where they still hold what the batch wrote; returns the lines that stay, and why."""
    changes, stay = {}, {}
    for line in lines:
        one = UUID(line.record_id)
        if line.after is None or one not in held:
            stay[line.id] = _("This record is not there any more, or its values were erased.")
            continue
        now = undoing.plain({name: bulk_changes.held_value(name, held[one]) for name in line.after})
        moved = [name for name, value in line.after.items() if now[name] not in (value, (line.before or {}).get(name))]
        if moved:
            stay[line.id] = _("Changed since: %(fields)s.", fields=", ".join(_labels(room, moved)))
        else:
            changes[one] = line.before or {}
    bulk_changes.write(room, changes, held)
    return stay


def _labels(room: Room, names: Iterable[str]) -> list[str]:
    known = undoing.field_labels(room.kind)
    return [known.get(name, undoing.named(name)) for name in names]


def restore_some(operation: Operation) -> bool:
    """Bring the next ones back from the bin; whoever lost their place stays there and is reported."""
    if not operation.undo_cursor:
        _mark_undone(operation)
        operation.undo_cursor = {"begun": True}
    with scope.together(operation.id, undoes=UUID(operation.params["entry"])):
        found = bin.restore_some(operation.id)
    if found is None:
        return False
    back, stay = found
    operations.note_failed(operation, [
        (operation.undone + number, {"id": str(one), "name": title}, why) for number, (one, title, why) in enumerate(stay, 1)
    ])  # fmt: skip
    operation.undone += back
    return True
