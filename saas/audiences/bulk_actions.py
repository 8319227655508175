"""One change to many customers: told by a filter or by hand, tried on a few, then done in the background and undone as one.

Who it is for is frozen when it begins: a list that moves while the work runs would leave some out and take others twice.
Each batch is one transaction with its lines of the history, so a worker that is killed goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, Uuid, cast, delete, func, insert, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from saas.audiences import bulk_changes, bulk_undoing, segments
from saas.audiences.bulk_changes import DOERS, Action
from saas.customers import bulk, owners
from saas.customers.models import Customer
from saas.kit import access, errors, records, scope, text
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.kit.text import later as _l
from saas.tenancy import audit, operations, undoing
from saas.tenancy.audit import Told
from saas.tenancy.models import BulkTarget, Operation

BATCH = 1_000
EXAMPLES = 5
MOST_CHOSEN = 1_000
DONE = "customers.bulk"
DELETED = "customers.bulk_delete"
EACH_THEIR_OWN = frozenset({"email", "external_id", "phone"})
"""What belongs to one customer alone: nobody gives it to many at once."""


class BadAction(errors.Invalid):
    """What is to be done to many cannot be done; `fields` says why."""


class Nobody(errors.Invalid):
    """Nobody is chosen."""


@dataclass(frozen=True)
class Example:
    """One customer as it is and as it would be; both are texts for people."""

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


def fields() -> dict[str, records.Field]:
    """Return the fields the acting member may set for many, the company's own among them."""
    return {
        name: field for name, field in records.kind("customer").editable().items()
        if name not in EACH_THEIR_OWN and not field.unique and field.type != "tags" and (field.column is not None or field.custom)
        and name != "owner_id"
    }  # fmt: skip


def read(given: Mapping[str, Any]) -> Action:
    """Return an action from what a form or program gave (do, field, value); raises BadAction, access.MayNot or access.Locked."""
    do, value = str(given.get("do") or ""), given.get("value")
    if do not in DOERS:
        raise BadAction(fields={"do": [_("Choose what to do.")]})
    access.require("customers.delete" if do == "delete" else "customers.edit")
    if do == "set":
        name = str(given.get("field") or "")
        access.require_writable("customer", [name])
        field = fields().get(name)
        if field is None:
            raise BadAction(fields={"field": [access.unknown(name)]})
        return Action(do, name, _plain(field, _read(field, value)))
    if do in ("tag", "untag"):
        access.require_writable("customer", ["tags"])
        tag = text.clean(str(value or ""), most=60)
        if not tag:
            raise BadAction(fields={"value": [_("Give a tag.")]})
        return Action(do, "tags", tag)
    if do == "own":
        access.require_writable("customer", ["owner_id"])
        return Action(do, "owner_id", _owner(value))
    if do == "withdraw":
        reason = text.clean(str(value or ""), most=500)
        if not reason:
            raise BadAction(fields={"value": [_("Say how you know, such as “asked for it on the phone”.")]})
        return Action(do, "email_consent", reason)
    return Action(do)


def _read(field: records.Field, value: Any) -> Any:
    try:
        found = field.read(value)
    except records.NotReadable as error:
        raise BadAction(fields={"value": [str(error)]}) from None
    if found is None and field.required:
        raise BadAction(fields={"value": [_("This is needed.")]})
    return found


def _plain(field: records.Field, value: Any) -> Any:
    return None if value is None else field.plain(value)


def _owner(value: Any) -> str | None:
    found = owners.known(value) if value else None
    return str(found) if found else None


def audience(*, definition: dict[str, Any] | None = None, ids: Sequence[UUID | str] | None = None) -> Select:
    """Return a select of the ids of whoever is meant: those chosen by hand, or all who fit a definition. Raises Nobody.

    Who was chosen by hand is meant also when they no longer fit what the list asked.
    """
    if ids is not None:
        try:
            wanted = [UUID(str(one)) for one in ids][: MOST_CHOSEN + 1]
        except ValueError:
            raise Nobody(_("Choose somebody first.")) from None
        if not wanted or len(wanted) > MOST_CHOSEN:
            raise Nobody(
                _("Choose somebody first.") if not wanted else _("Choose at most %(most)s by hand.", most=MOST_CHOSEN)
            )
        return select(Customer.id).where(Customer.id.in_(wanted))
    return segments.query(definition or segments.EVERYBODY)


def counted(who: Select) -> int:
    return db.session.scalar(select(func.count()).select_from(who.subquery())) or 0


def preview(action: Action, who: Select) -> Preview:
    """Return what an action would do to whom, trying it on a few."""
    count = counted(who)
    ids = list(db.session.scalars(who.order_by(Customer.id.desc()).limit(EXAMPLES)))
    held = bulk.held(ids)
    shown = []
    for one in ids:
        if one in held:
            before, after = DOERS[action.do].tried(action, held[one])
            shown.append(Example(one, bulk_changes.called(held[one]), before, after))
    return Preview(count, sentence(action, count), shown)


def sentence(action: Action, count: int) -> str:
    """Say what an action does, with its number."""
    number = f"{count:,}"
    if action.do == "set":
        field = records.kind("customer").field(action.field)
        value = field.write(records.unplain(action.value, field.type)) if action.value is not None else _("nothing")
        return _("Set %(field)s to “%(value)s” for %(count)s customers", field=field.label, value=value, count=number)
    return {
        "tag": _("Add the tag “%(tag)s” to %(count)s customers", tag=action.value, count=number),
        "untag": _("Take the tag “%(tag)s” off %(count)s customers", tag=action.value, count=number),
        "own": _("Change the owner of %(count)s customers", count=number),
        "withdraw": _("Note for %(count)s customers that they want no mails", count=number),
        "delete": _("Move %(count)s customers to the bin", count=number),
    }[action.do]


def start(action: Action, who: Select, *, told: Any = None) -> Operation:
    """Freeze who is meant and begin; `told` is how they were chosen, for the history. Raises Nobody."""
    kind = DELETED if action.do == "delete" else DONE
    operation = operations.start(kind=kind, params=action.params())
    operation.total = _freeze(operation, who)
    if not operation.total:
        raise Nobody(_("Nobody fits, so there is nothing to do."))
    operation.title = sentence(action, operation.total)
    entry = audit.record(
        action=f"{kind}_started", kind="operation", record_id=operation.id, batch=operation.id,
        after={"title": operation.title, "count": operation.total, "chosen": told} | action.params(),
    )  # fmt: skip
    operation.params = action.params() | {"entry": str(entry)}
    db.session.flush()
    return operation


def _freeze(operation: Operation, who: Select) -> int:
    """Write down who is meant, a batch a row (a row for each of a million would take longer than a page may), and return how many."""
    wanted = who.subquery()
    place = (func.row_number().over(order_by=wanted.c.id) - 1) / BATCH
    numbered = select(wanted.c.id, cast(func.floor(place), Integer).label("part")).subquery()
    parts = select(
        literal(scope.tenant_id(), BulkTarget.tenant_id.type), func.gen_random_uuid(), literal(operation.id, Uuid), numbered.c.part,
        func.array_agg(aggregate_order_by(numbered.c.id, numbered.c.id.asc())),
    ).group_by(numbered.c.part)  # fmt: skip
    names = ["tenant_id", "id", "operation_id", "part", "ids"]
    db.session.execute(insert(BulkTarget).from_select(names, parts, include_defaults=False))
    mine = select(func.sum(func.cardinality(BulkTarget.ids))).where(BulkTarget.operation_id == operation.id)
    return db.session.scalar(mine) or 0


@operations.kind(DONE, permission="customers.edit", title=_l("Change many customers"), undo=bulk_undoing.undo_some)
def _change_some(operation: Operation) -> bool:
    return _step(operation)


@operations.kind(
    DELETED, permission="customers.delete", title=_l("Delete many customers"), undo=bulk_undoing.restore_some
)
def _delete_some(operation: Operation) -> bool:
    return _step(operation)


def _step(operation: Operation) -> bool:
    """Do the next batch: lock it, change what differs, write its lines of the history, and move the cursor."""
    action = Action(*(operation.params[name] for name in ("do", "field", "value")))
    part = operation.cursor.get("part", 0)
    ids = db.session.scalar(
        select(BulkTarget.ids).where(BulkTarget.operation_id == operation.id, BulkTarget.part == part)
    )
    if not ids:
        gone = delete(BulkTarget).where(BulkTarget.operation_id == operation.id)
        db.session.execute(gone.execution_options(synchronize_session=False))
        return False
    held = bulk.held(ids, lock=True)
    with scope.together(operation.id):
        changed, failed = DOERS[action.do].done(action, held)
    place = operation.done + operation.failed
    failed |= {one: _("This customer is not there any more, or not yours to see.") for one in ids if one not in held}
    operations.note_failed(operation, [
        (place + number, {"id": str(one), "name": bulk_changes.called(held[one]) if one in held else ""}, failed[one])
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


undoing.register(f"{DONE}_started", _undo_all, permission="customers.edit")
undoing.register(f"{DELETED}_started", _undo_all, permission="customers.delete")
