"""The nightly work of retention rules: batch by batch, each committed with how far it came, never undone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, null, select, update

from saas.integrations import erasures, retention
from saas.integrations import retention_parts as parts
from saas.kit.db import db
from saas.kit.text import later as _l
from saas.tenancy import audit, operations

BATCH = 5_000
QUIET = {"synchronize_session": False}


@operations.kind(retention.KIND, permission="settings.edit", title=_l("Retention"))
def step(operation: Any) -> bool:
    """Take the next rows; the cursor is the part and the last id that was looked at."""
    rule, before = operation.params["rule"], datetime.fromisoformat(operation.params["before"])
    place = operation.cursor.get("part", 0)
    after = operation.cursor.get("after")
    part = parts.PARTS[rule][place]
    taken, last = (_erase if part.erased else _take)(operation, part, before, UUID(after) if after else None)
    taken_before = operation.report.get("taken", {})
    counts = taken_before | {part.name: taken_before.get(part.name, 0) + taken}
    operation.done += taken
    operation.report = operation.report | {"taken": counts, "rule": rule, "before": operation.params["before"]}
    if last is not None:
        operation.cursor = operation.cursor | {"part": place, "after": str(last)}
        return True
    operation.cursor = operation.cursor | {"part": place + 1, "after": None}
    if place + 1 < len(parts.PARTS[rule]):
        return True
    audit.record(
        action="retention.ran", kind="retention", record_id=rule, after={"before": operation.params["before"]} | counts
    )
    return False


def _take(_operation: Any, part: parts.Part, before: datetime, after: UUID | None) -> tuple[int, UUID | None]:
    """Delete or empty one batch; returns how many rows, and the last id when there may be more."""
    model, old = part.model, [part.old(before)]
    if after is not None:
        old.append(model.id > after)
    last = db.session.scalar(select(model.id).where(*old).order_by(model.id).offset(BATCH - 1).limit(1))
    if last is not None:
        old.append(model.id <= last)
    if part.emptied is None:
        statement = delete(model).where(*old)
    else:
        values = {name: null() if value is None else value for name, value in part.emptied.items()}
        statement = update(model).where(*old).values(values)
    return db.session.execute(statement.execution_options(**QUIET)).rowcount, last


def _erase(operation: Any, part: parts.Part, before: datetime, after: UUID | None) -> tuple[int, UUID | None]:
    """Erase some people, wherever they are."""
    query = select(part.model.id).select_from(part.model).where(part.old(before)).order_by(part.model.id)
    if after is not None:
        query = query.where(part.model.id > after)
    found = list(db.session.scalars(query.limit(erasures.TOGETHER)))
    gone = erasures.erase_some(operation, found) if found else 0
    return gone, found[-1] if len(found) == erasures.TOGETHER else None
