"""The clock: what is due is written down once in PostgreSQL and then rung for.

A tick is a row (task, moment); two timetables write it once. A tick that nobody finished is rung again, so a task must be
content to run twice.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError

from saas.kit import beats, errand, figures, logs, queues, stopping, ticks, work

log = logging.getLogger("regulars.timetable")


@dataclass(frozen=True)
class Task:
    """A function of workers.jobs that runs every so often on a queue; `offset` moves it within its period."""

    function: str
    every: timedelta
    queue: str = "heavy"
    offset: timedelta = timedelta(0)


TASKS: tuple[Task, ...] = (
    Task("workers.jobs.platform.tidy", timedelta(hours=1)),
    Task("workers.jobs.commerce.make_months", timedelta(hours=6)),
    Task("workers.jobs.search.sweep", timedelta(minutes=1)),
    Task("workers.jobs.marketing.sweep", timedelta(seconds=10), "events"),
    Task("workers.jobs.forms.fold", timedelta(minutes=1), "events"),
    Task("workers.jobs.forms.sweep", timedelta(hours=1), offset=timedelta(minutes=20)),
    Task("workers.jobs.reviews.sweep", timedelta(seconds=20), "mail", offset=timedelta(seconds=5)),
    Task("workers.jobs.reviews.compare", timedelta(seconds=30), offset=timedelta(seconds=25)),
    Task("workers.jobs.operations.sweep", timedelta(seconds=10), "events"),
    Task("workers.jobs.integrations.sweep", timedelta(seconds=5), "events"),
    Task("workers.jobs.trace.seal", timedelta(minutes=1)),
    Task("workers.jobs.trace.fold_reads", timedelta(minutes=10)),
    Task("workers.jobs.trace.empty_bins", timedelta(days=1), offset=timedelta(hours=3, minutes=30)),
    Task("workers.jobs.shops.fetch", timedelta(seconds=20)),
    Task("workers.jobs.payments.fetch", timedelta(seconds=30)),
    Task("workers.jobs.coupons.sweep", timedelta(seconds=10)),
    Task("workers.jobs.coupons.look_over", timedelta(days=1), offset=timedelta(hours=2, minutes=20)),
    Task("workers.jobs.shops.carry", timedelta(minutes=5), offset=timedelta(minutes=1)),
    Task("workers.jobs.shops.watch", timedelta(minutes=30), offset=timedelta(minutes=8)),
    Task("workers.jobs.catalog.fetch_whole", timedelta(seconds=20), offset=timedelta(seconds=10)),
    Task("workers.jobs.catalog.fetch_pictures", timedelta(seconds=20), offset=timedelta(seconds=15)),
    Task("workers.jobs.catalog.tidy_pictures", timedelta(days=1), offset=timedelta(hours=3, minutes=45)),
    Task("workers.jobs.recommend.write_shown", timedelta(seconds=10), "events"),
    Task("workers.jobs.recommend.fit_due", timedelta(hours=1), offset=timedelta(minutes=7)),
    Task("workers.jobs.recommend_trials.count_due", timedelta(hours=1), offset=timedelta(minutes=25)),
    Task("workers.jobs.insights.keep_days", timedelta(minutes=1), offset=timedelta(seconds=40)),
    Task("workers.jobs.insights.work_out_due", timedelta(days=1), offset=timedelta(hours=2, minutes=50)),
    Task("workers.jobs.billing.compare", timedelta(days=1), "mail", offset=timedelta(hours=2)),
    Task("workers.jobs.billing.watch", timedelta(hours=1), offset=timedelta(minutes=12)),
    Task("workers.jobs.billing.erase_closed", timedelta(minutes=10), offset=timedelta(minutes=3)),
    Task("workers.jobs.recommend.tidy", timedelta(days=1), offset=timedelta(hours=3)),
    Task("workers.jobs.retention.run_due", timedelta(days=1), offset=timedelta(hours=1)),
    Task("workers.jobs.retention.write_ledger", timedelta(minutes=10), offset=timedelta(minutes=4)),
    Task("workers.jobs.customers.scan_changed", timedelta(days=1), offset=timedelta(hours=4)),
)


def due_moment(task: Task, now: datetime) -> datetime:
    """Return the latest moment at which the task was due."""
    period = task.every.total_seconds()
    passed = (now - task.offset).timestamp() // period * period
    return datetime.fromtimestamp(passed, UTC) + task.offset


def tick() -> int:
    """Write down and ring for what is due, and ring again for what was not finished; returns how many."""
    by_name = {task.function: task for task in TASKS}
    with work.unit(tenant_id=None):
        now = ticks.database_now()
        due = [(task, due_moment(task, now)) for task in TASKS]
        fresh = [(task, moment) for task, moment in due if ticks.note(task=task.function, run_at=moment)]
        stuck = [(by_name[row.task], row.run_at) for row in ticks.unfinished() if row.task in by_name]
    for task, moment in fresh:
        figures.LATENESS.labels(task.function).observe(max((now - moment).total_seconds(), 0))
    for task, moment in fresh + stuck:
        with errand.about(f"tick {task.function}"):
            queues.enqueue(task.queue, task.function, run_at=moment.isoformat())
    return len(fresh) + len(stuck)


def run() -> None:
    """Tick every second until told to stop."""
    logs.begin("timetable")
    stopping.hear()
    queues.allow(task.function for task in TASKS)
    while not stopping.asked():
        beats.beat()
        try:
            tick()
        except (RedisError, OperationalError, OSError) as error:
            log.warning("waiting for a server: %s", error)
        stopping.wait(1)
    beats.leave()
