"""The trace: who did what in a company, with before and after. Rows are only ever added."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from saas.kit import clock, identifiers, scope, work
from saas.kit.db import db
from saas.tenancy.models import AuditEntry, PlatformAct


def record(
    *, action: str, kind: str = "", record_id: object = "", before: dict | None = None, after: dict | None = None
) -> None:
    """Add one entry for the acting member, key or job, in the same transaction as the act."""
    actor = scope.actor()
    db.session.add(
        AuditEntry(
            actor_kind=actor.kind, actor_id=actor.id, actor_name=actor.name, action=action,
            record_kind=kind, record_id=str(record_id), before=before, after=after,
        )
    )  # fmt: skip


def of_record(*, kind: str, record_id: object) -> Any:
    """Return a select of one record's entries, newest first."""
    return (
        select(AuditEntry)
        .where(AuditEntry.record_kind == kind, AuditEntry.record_id == str(record_id))
        .order_by(AuditEntry.id.desc())
    )


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
