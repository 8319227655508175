"""The nightly work of retention rules: batch by batch, each committed with how far it came, never undone."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, null, select, update

from saas.integrations import persons, retention
from saas.integrations import retention_parts as parts
from saas.kit import errors
from saas.kit.db import db
from saas.kit.text import later as _l
from saas.tenancy import audit, operations

BATCH, PEOPLE, SECONDS = 5_000, 100, 1.5
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
    operation.report = {"taken": counts, "rule": rule, "before": operation.params["before"]}
    if last is not None:
        operation.cursor = {"part": place, "after": str(last)}
        return True
    operation.cursor = {"part": place + 1}
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
    """Erase some people, each wherever they are; who cannot be erased is noted and stays."""
    query = select(part.model.id).select_from(part.model).where(part.old(before)).order_by(part.model.id).limit(PEOPLE)
    found = list(db.session.scalars(query if after is None else query.where(part.model.id > after)))
    until, gone, last = time.monotonic() + SECONDS, 0, None
    for place, customer_id in enumerate(found):
        try:
            with db.session.begin_nested():
                persons.erase_now(customer_id)
            gone += 1
        except errors.Refusal as refusal:
            operations.note_failed(operation, [(operation.done + place, {"id": str(customer_id)}, refusal.message)])
        last = customer_id
        if time.monotonic() > until:
            return gone, last
    return gone, last if len(found) == PEOPLE else None
