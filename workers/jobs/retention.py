"""Retention at night: an operation for each company and rule that has something to take; and the ledger of who was erased."""

from __future__ import annotations

from saas.integrations import erasure_ledger, retention
from saas.kit import scope, ticks, work


def run_due(*, run_at: str, **_: object) -> None:
    """Begin tonight's work of every company's rules."""
    with work.platform_unit(reason="find companies with retention rules"):
        wanting = retention.companies()
    for tenant_id in wanting:
        with work.unit(tenant_id=tenant_id, actor=scope.PLATFORM):
            retention.start_due()
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.retention.run_due", run_at=run_at)


def write_ledger(*, run_at: str, **_: object) -> None:
    """Write the ledger of erasures beside the backups when somebody was erased since."""
    with work.platform_unit(reason="write the ledger of erasures"):
        if erasure_ledger.stale(erasure_ledger.path()):
            erasure_ledger.write()
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.retention.write_ledger", run_at=run_at)
