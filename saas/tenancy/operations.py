"""Long work: what takes longer than a request is done in steps, each committed with how far it came.

An operation is a row. Its kind names a function that does one bounded batch and says whether there is more; a worker calls
it until it ends, is cancelled or fails. Because a step and its cursor are one transaction, a worker that is killed loses at
most the step it was in, and nothing is done twice. Undoing runs the same way, backwards.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, or_, select

from saas.kit import access, clock, errors, identifiers, scope, work
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import rights
from saas.tenancy.events import OperationEnded, OperationStarted
from saas.tenancy.models import OPERATION_STATES, Operation, OperationFailure

log = logging.getLogger(__name__)

STATES = OPERATION_STATES
GOING = ("waiting", "running", "cancelling", "undoing")
QUIET = timedelta(seconds=30)
"""How long an operation may go without a step before somebody else takes it up; one that is in a step holds its row."""
ATTEMPTS = 4
NEWEST = [(Operation.id, "desc")]
FAILURE_ORDER = [(OperationFailure.position, "asc"), (OperationFailure.id, "asc")]
Step = Callable[[Operation], bool]


@dataclass(frozen=True)
class Kind:
    """A kind of long work: its step, how it is undone, and the permission that starting, watching and undoing it needs."""

    name: str
    step: Step
    undo: Step | None
    permission: str
    title: Any
    undoable_for: timedelta


_kinds: dict[str, Kind] = {}


class NoSuchOperation(errors.NotFound):
    """There is no such operation."""


class CannotUndo(errors.Conflict):
    """This kind of work cannot be undone, is undone already, or its time is over."""

    code = "cannot_undo"


def kind(
    name: str, *, permission: str, title: Any, undo: Step | None = None, undoable_for: timedelta = timedelta(days=30)
) -> Callable[[Step], Step]:
    """Register the step of a kind of long work.

    A step gets the operation, works at most about two seconds in the open unit of work, moves `operation.cursor` (a dict it
    is free to fill; assign a new one) and the counts, and returns whether there is more. `undo` is the same for the way
    back; it moves `operation.undo_cursor`.
    """

    def register(step: Step) -> Step:
        _kinds[name] = Kind(name, step, undo, permission, title, undoable_for)
        return step

    return register


def kind_of(operation: Operation) -> Kind:
    return _kinds[operation.kind]


def start(*, kind: str, params: dict[str, Any], total: int | None = None, title: str = "") -> Operation:
    """Write down long work for the acting member, key or job; a worker begins after the commit."""
    actor = scope.actor()
    operation = Operation(
        kind=kind, params=params, total=total, title=title or str(_kinds[kind].title), state="waiting",
        actor_kind=actor.kind, actor_id=actor.id, actor_name=actor.name, touched_at=func.now(),
    )  # fmt: skip
    db.session.add(operation)
    db.session.flush()
    announce(OperationStarted(operation_id=str(operation.id)))
    return operation


def one(operation_id: UUID | str, *, lock: bool = False) -> Operation:
    """Return an operation; raises NoSuchOperation."""
    return kit_db.one(Operation, operation_id, NoSuchOperation, lock=lock)


def visible(*, member_id: UUID, kinds: list[str], kind: str | None = None, state: str | None = None) -> Select:
    """Return a select of what a member began, and of all of these kinds, for they may do them too; of one kind or state."""
    query = select(Operation).where(or_(Operation.actor_id == str(member_id), Operation.kind.in_(kinds)))
    wanted = {"kind": kind, "state": state}
    return query.filter_by(**{name: value for name, value in wanted.items() if value is not None})


def kinds() -> list[Kind]:
    """Return every kind of long work there is."""
    return list(_kinds.values())


def going(kind: str | None = None) -> list[Operation]:
    """Return what is under way, of one kind or of all."""
    query = select(Operation).where(Operation.state.in_(GOING)).order_by(Operation.id)
    return list(db.session.scalars(query if kind is None else query.where(Operation.kind == kind)))


def failures(operation_id: UUID) -> Select:
    """Return a select of what failed; FAILURE_ORDER is the order of the source."""
    return select(OperationFailure).where(OperationFailure.operation_id == operation_id)


def note_failed(operation: Operation, items: list[tuple[int, Any, str]]) -> None:
    """Keep what could not be done: (its place in the source, the row as JSON, why in words); counts them too."""
    if items:
        operation.failed += len(items)
        rows = [
            {"id": identifiers.new(), "tenant_id": operation.tenant_id, "operation_id": operation.id, "position": place, "row": row, "reason": why}
            for place, row, why in items
        ]  # fmt: skip
        db.session.execute(insert(OperationFailure), rows)


def cancel(operation_id: UUID | str) -> Operation:
    """Have an operation stop after the step it is in; what is done stays done until it is undone."""
    operation = one(operation_id, lock=True)
    if operation.state == "waiting":
        _end(operation, "cancelled")
    elif operation.state == "running":
        operation.state = "cancelling"
    return operation


def may_undo(operation: Operation) -> bool:
    """Tell whether an operation can be undone now."""
    return (
        operation.state in ("done", "cancelled", "failed")
        and kind_of(operation).undo is not None
        and operation.done > 0
        and operation.undo_until is not None
        and clock.now() < operation.undo_until
    )


def undo(operation_id: UUID | str) -> Operation:
    """Begin to undo an operation; raises CannotUndo."""
    operation = one(operation_id, lock=True)
    if not may_undo(operation):
        raise CannotUndo(_("This cannot be undone any more."))
    operation.state, operation.undone, operation.undo_cursor, operation.attempts = "undoing", 0, {}, 0
    operation.touched_at = func.now()
    announce(OperationStarted(operation_id=str(operation.id)))
    return operation


def run(operation_id: UUID | str, *, seconds: float = 10.0) -> bool:
    """Do steps of an operation of the bound tenant, each in a unit of work of its own; returns whether there is more to do.

    Somebody else who is at it is left alone. A refusal ends the operation with its sentence; any other failure is tried
    again a few times, later.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            more = _step(operation_id)
        except errors.Refusal as refusal:
            _fail(operation_id, refusal.message)
            return False
        except Exception:
            log.exception("a step of operation %s failed", operation_id)
            _count_attempt(operation_id)
            return False  # the sweep takes it up after a pause
        if not more:
            return False
        if time.monotonic() > until:
            return True


def _step(operation_id: UUID | str) -> bool:
    with work.unit(tenant_id=scope.tenant_id()):
        begun = one(operation_id)
        actor = scope.Actor(begun.actor_kind, begun.actor_id, begun.actor_name)
        held = rights.of_actor(actor.kind, actor.id)
    with access.bound(held), work.unit(tenant_id=scope.tenant_id(), actor=actor):
        query = select(Operation).where(Operation.id == operation_id, Operation.state.in_(GOING))
        operation = db.session.scalars(query.with_for_update(skip_locked=True)).one_or_none()
        if operation is None:
            return False
        if operation.state == "cancelling":
            _end(operation, "cancelled")
            return False
        way_back = operation.state == "undoing"
        if operation.state == "waiting":
            operation.state, operation.started_at = "running", clock.now()
        known = kind_of(operation)
        access.require(known.permission)  # whoever began it may have lost the right, or left
        more = known.undo(operation) if way_back and known.undo is not None else known.step(operation)
        operation.attempts, operation.touched_at = 0, func.now()
        if not more:
            _end(operation, "undone" if way_back else "done")
        return more


def _end(operation: Operation, state: str) -> None:
    operation.state, operation.ended_at, operation.touched_at = state, clock.now(), func.now()
    if state in ("done", "cancelled", "failed") and kind_of(operation).undo is not None:
        operation.undo_until = clock.now() + kind_of(operation).undoable_for
    announce(OperationEnded(operation_id=str(operation.id), kind=operation.kind, state=state))


def _fail(operation_id: UUID | str, sentence: str) -> None:
    with work.unit(tenant_id=scope.tenant_id()):
        operation = one(operation_id, lock=True)
        operation.error = sentence
        _end(operation, "failed")


def _count_attempt(operation_id: UUID | str) -> None:
    """Count a failed attempt; after the last one the operation has failed."""
    with work.unit(tenant_id=scope.tenant_id()):
        operation = one(operation_id, lock=True)
        operation.attempts += 1
        operation.touched_at = func.now()
        if operation.attempts < ATTEMPTS:
            return
        operation.error = _("Something went wrong on our side. What was done until then is kept.")
        _end(operation, "failed")


def left_alone() -> list[tuple[int, UUID]]:
    """Return (tenant, operation) of everything under way that nobody has touched for a while; for the platform's sweep."""
    query = select(Operation.tenant_id, Operation.id).where(
        Operation.state.in_(GOING), or_(Operation.touched_at < func.now() - QUIET, Operation.touched_at.is_(None))
    )
    return [(tenant_id, operation_id) for tenant_id, operation_id in db.session.execute(query)]
