"""The doorbell: RQ queues in Valkey that wake workers. What has to be done is written in PostgreSQL (see `outbox`).

RQ both loses and doubles jobs (two-queue workers lose them, a worker that dies mid-job has them run again), so every job
here may run twice or never: the relay hands out what is not recorded as done. Payloads are JSON, and a worker refuses
every function that is not on the list, so that a stranger in Valkey cannot run code.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rq import Queue
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from saas.kit import clock, errand, valkey

QUEUES = ("events", "mail", "heavy")
TIMEOUT = 900
_allowed: set[str] = set()


class NotListed(Exception):
    """A job names a function that is not on the list, or carries callbacks or webhooks."""


def allow(names: Iterable[str]) -> None:
    """Put functions, by their dotted names, on the list of what jobs may run."""
    _allowed.update(names)


def allowed() -> frozenset[str]:
    return frozenset(_allowed)


class ListedJob(Job):
    """A job that runs only functions on the list and has no callbacks, webhooks or instances."""

    @property
    def func(self):
        self.check()
        return super().func

    def check(self) -> None:
        """Raise NotListed unless this job is plain and its function is on the list."""
        hooks = (self._success_callback_name, self._failure_callback_name, self._stopped_callback_name)
        if self.func_name not in _allowed or self.instance is not None or any(hooks) or self.webhooks or self.args:
            raise NotListed(f"refused to run {self.func_name!r}")

    def restore(self, raw_data):
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []


def queue(name: str) -> Queue:
    if name not in QUEUES:
        raise NotListed(f"there is no queue {name!r}")
    return Queue(
        name, connection=valkey.client(), serializer=JSONSerializer, job_class=ListedJob, default_timeout=TIMEOUT
    )


def depth(name: str) -> int:
    """Return how many jobs wait in a queue."""
    return queue(name).count


def waiting(name: str) -> tuple[int, float]:
    """Return how many jobs wait in a queue and for how many seconds the first of them has."""
    waits = queue(name)
    first = waits.connection.lindex(waits.key, 0)
    since = waits.connection.hget(Job.key_for(first.decode()), "enqueued_at") if first else None
    if not since:
        return waits.count, 0.0
    return waits.count, max((clock.now() - datetime.fromisoformat(since.decode())).total_seconds(), 0.0)


def enqueue(name: str, function: str, **kwargs: Any) -> None:
    """Ring for one job; `kwargs` must be JSON-able. Raises NotListed, or Valkey's errors when it is away."""
    if function not in _allowed:
        raise NotListed(f"{function!r} is not on the list of jobs")
    rung_for = {"request_id": errand.request_id()}
    queue(name).enqueue(function, kwargs=kwargs, meta=rung_for, description=function, result_ttl=0, failure_ttl=3600)


def failed() -> list[dict[str, Any]]:
    """Return the jobs that failed in the last hour: queue, id, function, when. What they were given is not told."""
    found = []
    for name in QUEUES:
        waits = queue(name)
        for job_id in waits.failed_job_registry.get_job_ids(0, 99):
            job = waits.fetch_job(job_id)
            if job is not None:
                found.append({"queue": name, "id": job_id, "function": job.func_name, "ended_at": job.ended_at})
    return found


def retry(name: str, job_id: str) -> bool:
    """Put a failed job back into its queue; False when it is not there any more."""
    try:
        queue(name).failed_job_registry.requeue(job_id)
    except (NoSuchJobError, InvalidJobOperation):
        return False
    return True


def give_up(name: str, job_id: str) -> bool:
    """Throw a failed job away; False when it is not there any more."""
    waits = queue(name)
    if job_id not in waits.failed_job_registry.get_job_ids():
        return False
    waits.failed_job_registry.remove(job_id, delete_job=True)
    return True
