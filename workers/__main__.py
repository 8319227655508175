"""A worker: does the jobs of exactly one queue (a worker on two queues loses jobs when it dies between them)."""

from __future__ import annotations

import gc
import logging
import time

from rq import SimpleWorker
from rq.serializers import JSONSerializer

from saas.kit import beats, errand, figures, logs, queues, stopping, valkey
from workers import trays
from workers.relay import JOB
from workers.timetable import TASKS

log = logging.getLogger("regulars.worker")
# What a door itself rings for: it must answer a stranger as fast when there is nothing to do, so it looks up nothing.
RUNG_FOR = (
    "workers.jobs.tenancy.take_wish", "workers.jobs.marketing.send_some", "workers.jobs.marketing.note_sent", "workers.jobs.operations.run_some",
    "workers.jobs.integrations.deliver", "workers.jobs.shops.go_on", "workers.jobs.coupons.go_on",
)  # fmt: skip


class Worker(SimpleWorker):
    """A worker that runs listed jobs in its own process; the supervisor starts it again when it dies.

    Asked to stop it finishes the job it is in, or the reaction of a job of many, and takes no other.
    """

    job_class = queues.ListedJob

    def perform_job(self, job, queue, execution) -> bool:
        name = job.func_name if job.func_name in queues.allowed() else "unknown"
        began = time.monotonic()
        with errand.about(f"job {name}", given=job.meta.get("request_id")):
            beats.doing(name)
            done = super().perform_job(job, queue, execution)
            beats.doing(None)
        figures.JOBS.labels(queue.name, name, "done" if done else "failed").inc()
        figures.JOB_SECONDS.labels(queue.name, name).observe(time.monotonic() - began)
        return done

    def handle_exception(self, job, *exc_info) -> None:
        """Said by us: RQ would print the exception's words, which may quote a person's."""
        log.error("a job failed", exc_info=exc_info)

    def request_stop(self, signum, frame) -> None:
        stopping.ask()
        super().request_stop(signum, frame)


def run(queue: str) -> None:
    """Work off a queue until told to stop."""
    from saas.app import create_app

    logs.begin(f"worker-{queue}")
    queues.allow([JOB, trays.CLEAR, *RUNG_FOR, *(task.function for task in TASKS)])
    with create_app(only_rooms=True).app_context():
        gc.collect()
        gc.freeze()  # what is loaded stays to the end: looking through it again takes 0.2 s each time
        beats.keep_beating()
        worker = Worker(
            [queues.queue(queue)], connection=valkey.client(), serializer=JSONSerializer, job_class=queues.ListedJob
        )
        worker.work(with_scheduler=False, logging_level="CRITICAL")
        beats.leave()
