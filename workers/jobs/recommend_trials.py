"""Counting the trials of offers, each hour, and telling owners of one that paused by itself."""

from __future__ import annotations

import logging

from saas.kit import scope, ticks, work
from saas.recommend import trial_counting, trial_letters

log = logging.getLogger("regulars.trials")
AUTOMATION = scope.Actor("automation", "trials", "Regulars")
COUNT = "workers.jobs.recommend_trials.count_due"


def count_due(*, run_at: str, **_: object) -> None:
    """Count every trial whose figures still change; one that fails does not keep the others waiting."""
    with work.platform_unit(reason="find the trials of offers that are to be counted"):
        due = trial_counting.due()
    for tenant_id, trial_id in due:
        try:
            with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
                trial_counting.count(trial_id)
        except Exception:
            log.exception("trial %s of tenant %s was not counted", trial_id, tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task=COUNT, run_at=run_at)


def write_paused(*, trial_id: str, **_: object) -> None:
    """Tell a company's owners and administrators that a trial paused by itself, and why."""
    trial_letters.write_paused(trial_id)
