"""Keeping an eye on who may be one person."""

from __future__ import annotations

from uuid import UUID

from saas.customers import duplicate_work, duplicates
from saas.kit import scope, ticks, work

FEW = 50
"""So many changed customers are compared at once; of more only the keys are renewed, and the night compares them."""


def look_for_duplicates(*, customer_ids: list[str], **_: object) -> None:
    """Look who else customers that changed may be."""
    ids = [UUID(one) for one in customer_ids]
    if len(ids) <= FEW:
        duplicates.look_again(ids)
    else:
        duplicates.renew_keys(ids)


def scan_changed(*, run_at: str, **_: object) -> None:
    """Have customers that changed since the last scan compared, in each company that had one."""
    with work.platform_unit(reason="find companies whose customers are scanned for duplicates"):
        waiting = duplicate_work.scanned()
    for tenant_id, since in waiting:
        with work.unit(tenant_id=tenant_id, actor=scope.PLATFORM):
            duplicate_work.scan_changed(since)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.customers.scan_changed", run_at=run_at)
