"""Keeping the sums that figures are read from, and working out the reports that nobody can wait for."""

from __future__ import annotations

import logging
import time

from saas.insights import days, runs
from saas.kit import ticks, work
from workers.handing_out import AUTOMATION

log = logging.getLogger("regulars.insights")
TOGETHER = 40.0
"""Seconds after which the rest is left to the next minute."""


def keep_days(*, run_at: str, **_: object) -> None:
    """Sum the days of companies that have no sums yet, and fold in what was noted since; one that fails keeps nobody waiting."""
    with work.platform_unit(reason="find companies whose sums by day are to be kept"):
        due = days.due()
    began = time.monotonic()
    for tenant_id in due:
        more = True
        while more and time.monotonic() - began < TOGETHER:
            more = False
            try:
                with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
                    more = days.keep().more
            except Exception:
                log.exception("the sums by day of tenant %s were not kept", tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.insights.keep_days", run_at=run_at)


def work_out(*, key: str, **_: object) -> None:
    """Work out reports that somebody asked for."""
    runs.work_out(key)


def work_out_due(*, run_at: str, **_: object) -> None:
    """Work out, for each company with many orders, what its page of figures shows first."""
    with work.platform_unit(reason="find companies whose figures are worked out over night"):
        large = runs.large()
    for tenant_id in large:
        try:
            with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
                runs.prepare()
        except Exception:
            log.exception("the figures of tenant %s were not asked for", tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.insights.work_out_due", run_at=run_at)
