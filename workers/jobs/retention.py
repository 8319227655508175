"""Retention at night: an operation for each company and rule that has something to take."""

from __future__ import annotations

from saas.integrations import retention
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
