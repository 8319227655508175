"""Undoing a bulk action: batch by batch, whatever still is as the action left it; the rest is reported and stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from saas.audiences import bulk_changes
from saas.customers import bulk, consent
from saas.customers.models import NO_SOURCE
from saas.kit import clock, scope
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import bin, operations, undoing
from saas.tenancy.models import AuditEntry, AuditUndo, AuditValues, Operation

BATCH = 1_000


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
    last = UUID(operation.undo_cursor.get("last", str(NO_SOURCE)))
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
    held = bulk.held([UUID(line.record_id) for line in lines], lock=True)
    head = UUID(operation.params["entry"])
    with scope.together(operation.id, undoes=head):
        stay = {kind: back(lines, held) for kind, back in BACK.items() if lines[0].action == kind}.get(
            lines[0].action, {}
        )
    place = operation.undone
    operations.note_failed(operation, [
        (place + number, {"id": line.record_id, "name": bulk_changes.called(held[UUID(line.record_id)]) if UUID(line.record_id) in held else ""},
         stay[line.id])
        for number, line in enumerate(lines, 1) if line.id in stay
    ])  # fmt: skip
    operation.undone += len(lines) - len(stay)
    operation.report = operation.report | {"kept": operation.report.get("kept", 0) + len(stay)}
    operation.undo_cursor = {"last": str(lines[-1].id)}
    return True


def _write_back(lines: Sequence[Any], held: bulk_changes.Held) -> dict[UUID, str]:
    """Write what the fields held before, where they still hold what the batch wrote; returns the lines that stay, and why."""
    changes, stay = {}, {}
    for line in lines:
        one = UUID(line.record_id)
        if line.after is None or one not in held:
            stay[line.id] = _("This customer is not there any more, or their values were erased.")
            continue
        now = undoing.plain({name: bulk_changes.held_value(name, held[one]) for name in line.after})
        moved = [name for name, value in line.after.items() if now[name] not in (value, (line.before or {}).get(name))]
        if moved:
            stay[line.id] = _("Changed since: %(fields)s.", fields=", ".join(_labels(moved)))
        else:
            changes[one] = line.before or {}
    bulk_changes.write(changes, held)
    return stay


def _labels(names: Iterable[str]) -> list[str]:
    known = undoing.field_labels("customer")
    return [known.get(name, undoing.named(name)) for name in names]


def _give_back(lines: Sequence[Any], held: bulk_changes.Held) -> dict[UUID, str]:
    now, wanted, stay = bulk_changes.owners_of(held), {}, {}
    for line in lines:
        one = UUID(line.record_id)
        if (
            one in now
            and line.after is not None
            and bulk_changes.written(now[one]) in (line.after["owner_id"], (line.before or {}).get("owner_id"))
        ):
            before = (line.before or {}).get("owner_id")
            wanted[one] = UUID(before) if before else None
        else:
            stay[line.id] = _("Somebody else has given this customer to a colleague since.")
    bulk_changes.give(wanted)
    return stay


def _agree_again(lines: Sequence[Any], held: bulk_changes.Held) -> dict[UUID, str]:
    """Write down that the withdrawal was a mistake where there was an agreement; what nobody ever said stays withdrawn."""
    back, stay = [], {}
    for line in lines:
        one, before = UUID(line.record_id), (line.before or {}).get("email")
        if one in held and before == "granted" and held[one]["email_consent"] == "withdrawn":
            back.append(one)
        elif before != "granted":
            stay[line.id] = _("They had never agreed, so they stay without mails.")
    consent.record_many(
        [(one, "granted", None) for one in back],
        source="staff",
        proof={"reason": _("The withdrawal was undone."), "by": scope.actor().name},
    )
    lines_back = [
        {"action": "customers.consent", "kind": "customer", "record_id": one, "before": {"email": "withdrawn"}, "after": {"email": "granted"},
         "detail": True} for one in back
    ]  # fmt: skip
    bulk_changes.tell(lines_back, back)
    return stay


BACK = {"customers.edited": _write_back, "customers.handed_over": _give_back, "customers.consent": _agree_again}


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
