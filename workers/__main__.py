"""A worker: does the jobs of exactly one queue (a worker on two queues loses jobs when it dies between them)."""

from __future__ import annotations

import logging

from rq import SimpleWorker
from rq.serializers import JSONSerializer

from saas.kit import queues, valkey
from workers.relay import JOB
from workers.timetable import TASKS

# What a door itself rings for: it must answer a stranger as fast when there is nothing to do, so it looks up nothing.
RUNG_FOR = (
    "workers.jobs.tenancy.take_wish", "workers.jobs.marketing.send_some", "workers.jobs.marketing.note_sent", "workers.jobs.operations.run_some",
)  # fmt: skip


class Worker(SimpleWorker):
    """A worker that runs listed jobs in its own process; the supervisor starts it again when it dies."""

    job_class = queues.ListedJob


def run(queue: str) -> None:
    """Work off a queue until told to stop."""
    from saas.app import create_app

    logging.getLogger("rq.worker").setLevel(logging.WARNING)
    queues.allow([JOB, *RUNG_FOR, *(task.function for task in TASKS)])
    with create_app(only_rooms=True).app_context():
        worker = Worker(
            [queues.queue(queue)], connection=valkey.client(), serializer=JSONSerializer, job_class=queues.ListedJob
        )
        worker.work(with_scheduler=False, logging_level="WARNING")
