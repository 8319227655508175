"""The trace: who did what in a company, from where, with before and after. Rows are only ever added.

A writer appends plain rows and waits for nobody; `sealing` chains them afterwards. What an entry tells of stands beside it
under a salted digest, so that erasing a person reaches it and the chain still proves the rest (see docs/decisions/trace.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, Select, and_, func, null, select, update
from sqlalchemy.dialects.postgresql import insert

from saas.kit import clock, errand, errors, identifiers, queries, scope, work
from saas.kit.db import db
from saas.tenancy.models import AuditEntry, AuditUndo, AuditValues, PlatformAct

AT_ONCE = 5_000
"""Entries that one statement adds; more are cut into several."""
LATEST = "audit.latest"
NEWEST = ((AuditEntry.id, "desc"),)


class NoSuchEntry(errors.NotFound):
    """There is no such entry of the history."""


@dataclass(frozen=True)
class Told:
    """An entry as people read it: the row, its values, and who took it back, if anybody did."""

    entry: AuditEntry
    values: AuditValues
    undo: AuditUndo | None

    @property
    def before(self) -> dict[str, Any]:
        return self.values.before or {}

    @property
    def after(self) -> dict[str, Any]:
        return self.values.after or {}

    @property
    def erased(self) -> bool:
        return self.values.erased_in is not None


def record(
    *, action: str, kind: str = "", record_id: object = "", before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None, batch: UUID | None = None, detail: bool = False,
) -> UUID:  # fmt: skip
    """Add one entry for the acting member, key, shop or job, in the same transaction as the act; returns its id.

    `batch` is one id for what belongs together; left out, it is that of `scope.together`. `detail` marks a line of a batch
    that has an entry of its own, so that the history shows a bulk edit once and each record still knows of it.
    """
    entry_id = identifiers.new()
    record_many([
        {"id": entry_id, "action": action, "kind": kind, "record_id": record_id, "before": before, "after": after,
         "batch": batch, "detail": detail}
    ])  # fmt: skip
    if not detail:
        work.note(LATEST, entry_id)
    return entry_id


def record_many(entries: Sequence[Mapping[str, Any]]) -> None:
    """Add many entries as `record` does, in one statement per 5,000; each is a mapping of record's arguments."""
    actor, origin, now = scope.actor(), scope.origin(), clock.now().isoformat()
    who = {"name": actor.name, "address": origin.address, "browser": origin.browser}
    usual = {
        "acted_at": now, "actor_kind": actor.kind, "actor_id": actor.id, "door": origin.door, "undoes": scope.undoes(),
        "request_id": errand.request_id(), "who": {name: value for name, value in who.items() if value},
    }  # fmt: skip
    rows = [
        usual | {
            "id": entry.get("id") or identifiers.new(), "action": entry["action"], "record_kind": entry.get("kind", ""),
            "record_id": str(entry.get("record_id", "")), "before": entry.get("before"), "after": entry.get("after"),
            "batch": entry.get("batch") or scope.batch(), "detail": bool(entry.get("detail")),
        } | ({"acted_at": entry["acted_at"]} if "acted_at" in entry else {})
        | ({name: entry[name] for name in ("actor_kind", "actor_id", "who", "door") if name in entry})
        for entry in entries
    ]  # fmt: skip
    for start in range(0, len(rows), AT_ONCE):
        given = {"tenant": scope.tenant_id(), "entries": _json(rows[start : start + AT_ONCE])}
        db.session.execute(queries.load("tenancy/queries/audit_record.sql"), given)


def _json(rows: list[dict[str, Any]]) -> str:
    """Return rows as JSON that PostgreSQL takes: it keeps no null characters."""
    return orjson.dumps(rows, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode().replace("\\u0000", "�")


def _plain(value: Any) -> Any:
    return (
        sorted(value)
        if isinstance(value, (set, frozenset))
        else list(value)
        if isinstance(value, tuple)
        else str(value)
    )


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return before and after with only what differs, which is what a history should tell."""
    changed = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in changed}, {name: after[name] for name in changed}


def latest() -> UUID | None:
    """Return the entry that the open unit of work recorded last, for a door to offer its undo."""
    found = work.noted(LATEST)
    return found if isinstance(found, UUID) else None


def told() -> Select:
    """Return a select of (entry, values, undo), to narrow and page; it shows no lines of batches unless asked for a record."""
    values = and_(AuditValues.tenant_id == AuditEntry.tenant_id, AuditValues.id == AuditEntry.id)
    undo = and_(AuditUndo.tenant_id == AuditEntry.tenant_id, AuditUndo.id == AuditEntry.id)
    return select(AuditEntry, AuditValues, AuditUndo).join(AuditValues, values).outerjoin(AuditUndo, undo)


def listed(
    *, actor_id: str = "", actions: Sequence[str] = (), kind: str = "", record_id: str = "", batch: UUID | None = None,
    since: datetime | None = None, until: datetime | None = None,
) -> Select:  # fmt: skip
    """Return a select of (entry, values, undo): of a record with every line, else without the lines of batches.

    `actions` are whole names; `since` and `until` are read from the ids, which begin with their moment.
    """
    wanted: list[ColumnElement[bool]] = []
    if record_id:
        wanted.append(AuditEntry.record_id == record_id)
    if batch is not None:
        wanted.append(AuditEntry.batch == batch)
    if not record_id and batch is None:
        wanted.append(~AuditEntry.detail)
    if kind:
        wanted.append(AuditEntry.record_kind == kind)
    if actor_id:
        wanted.append(AuditEntry.actor_id == actor_id)
    if actions:
        wanted.append(AuditEntry.action.in_(actions))
    if since is not None:
        wanted.append(AuditEntry.id >= identifiers.floor(since))
    if until is not None:
        wanted.append(AuditEntry.id < identifiers.floor(until))
    return told().where(*wanted)


def one(entry_id: UUID | str) -> Told:
    """Return an entry with its values; raises NoSuchEntry."""
    try:
        wanted = entry_id if isinstance(entry_id, UUID) else UUID(str(entry_id))
    except ValueError:
        raise NoSuchEntry from None
    row = db.session.execute(told().where(AuditEntry.id == wanted)).one_or_none()
    if row is None:
        raise NoSuchEntry
    return Told(*row)


def last_change(*, kind: str, record_id: object, name: str) -> Told | None:
    """Return the newest of a record's latest entries that changed a field, or None."""
    return next((told for told in of_record(kind=kind, record_id=record_id) if name in told.after), None)


def of_record(*, kind: str, record_id: object) -> list[Told]:
    """Return one record's newest entries, the newest first; the history pages through all of them."""
    newest = listed(kind=kind, record_id=str(record_id)).order_by(AuditEntry.id.desc()).limit(200)
    return [Told(*row) for row in db.session.execute(newest)]


def actions_used() -> list[str]:
    """Return the actions a company's history holds, found by skipping along the index, however long the history is."""
    return _skipped(AuditEntry.action)


def actors_used() -> list[tuple[str, str, str]]:
    """Return (kind, id, name) of everybody in a company's history; the name is the one they last had."""
    found = []
    for actor_id in _skipped(AuditEntry.actor_id):
        newest = (
            told().where(AuditEntry.actor_id == actor_id, ~AuditEntry.detail).order_by(AuditEntry.id.desc()).limit(1)
        )
        entry, values, _undo = db.session.execute(newest).one()
        found.append((entry.actor_kind, actor_id, (values.who or {}).get("name", "")))
    return found


def _skipped(column: Any, *, most: int = 200) -> list[str]:
    """Return a column's different values by jumping from each to the next."""
    first = select(func.min(column).label("value")).where(~AuditEntry.detail).cte("skipped", recursive=True)
    following = select(func.min(column)).where(~AuditEntry.detail, column > first.c.value).scalar_subquery()
    whole = first.union_all(select(following).where(first.c.value.is_not(None)))
    return list(db.session.scalars(select(whole.c.value).where(whole.c.value.is_not(None)).limit(most)))


def erase_person(
    *, kind: str, record_ids: Iterable[object], others: Sequence[tuple[str, Iterable[object]]] = ()
) -> int:
    """Take the values of a person's entries out of the trace for good, and return of how many entries.

    `others` are further (kind, record ids) that tell of the same person: their orders, the address they were known by. What
    was done, when and by whom stays and the chain still verifies; an entry of its own says that values were erased.
    """
    wanted = [(kind, [str(one) for one in record_ids]), *((other, [str(one) for one in ids]) for other, ids in others)]
    entry_id = record(action="audit.erased", kind=kind, record_id=wanted[0][1][0] if len(wanted[0][1]) == 1 else "")
    erased = 0
    for of_kind, ids in wanted:
        theirs = select(AuditEntry.id).where(AuditEntry.record_kind == of_kind, AuditEntry.record_id.in_(ids))
        found = db.session.execute(
            update(AuditValues)
            .where(AuditValues.id.in_(theirs), AuditValues.erased_in.is_(None), AuditValues.id != entry_id)
            .values(salt=null(), before=null(), after=null(), erased_in=entry_id)
            .execution_options(synchronize_session=False)
        )
        erased += found.rowcount
    return erased


def erase_actor(actor_id: str) -> int:
    """Take a member's name, address and browser out of the trace for good, and return of how many entries."""
    entry_id = record(action="audit.erased", kind="member", record_id=actor_id)
    theirs = select(AuditEntry.id).where(AuditEntry.actor_id == actor_id, AuditEntry.id != entry_id)
    found = db.session.execute(
        update(AuditValues)
        .where(AuditValues.id.in_(theirs), AuditValues.who_erased_in.is_(None))
        .values(who_salt=null(), who=null(), who_erased_in=entry_id)
        .execution_options(synchronize_session=False)
    )
    return found.rowcount


def record_platform_act(reason: str) -> None:
    """Write down that the platform acted over all tenants, in a unit of work of its own."""
    with work.unit(tenant_id=None):
        now = clock.now()
        row = {
            "id": identifiers.new(),
            "acted_at": now,
            "acted_on": now.date(),
            "reason": reason,
            "actor": scope.actor().name,
        }
        db.session.execute(insert(PlatformAct).values(row).on_conflict_do_nothing())


scope.register_recorder(record_platform_act)
