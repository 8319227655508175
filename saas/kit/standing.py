"""What waits at this moment: measured when asked, for /metrics, the platform's page and the doctor.

Nothing here names a tenant; the platform's page asks for tenants in tenancy.
"""

from __future__ import annotations

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from psycopg import Error as PostgresError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from saas.kit import beats, pool, queues, search, valkey, work

OUTBOX = "SELECT count(*), coalesce(extract(epoch FROM now() - min(due_at)), 0), count(*) FILTER (WHERE last_error IS NOT NULL) FROM outbox_doorbell"
TICKS = "SELECT task, extract(epoch FROM now() - max(done_at)) FROM ticks WHERE done_at IS NOT NULL GROUP BY task"


def outbox() -> dict[str, float]:
    """Return how many events wait, how long the oldest of them is due, and how many have failed before."""
    with pool.global_connection() as opened:
        waiting, oldest, failed = opened.execute(OUTBOX).fetchone()
    return {"waiting": waiting, "oldest": max(float(oldest), 0.0), "failed": failed}


def lined_up() -> list[dict]:
    """Return for each queue how many jobs wait and how long the first of them has waited."""
    found = []
    for name in queues.QUEUES:
        waiting, oldest = queues.waiting(name)
        found.append({"queue": name, "jobs": waiting, "oldest": oldest})
    return found


def ticks() -> dict[str, float]:
    """Return for each task of the timetable how long ago it was last finished, in seconds."""
    with pool.global_connection() as opened:
        return {task: max(float(age), 0.0) for task, age in opened.execute(TICKS)}


class Standing(Collector):
    """The same as Prometheus wants it. No Gauge objects: those would be written into the shared files of all processes."""

    def collect(self):
        for part in (self._outbox, self._queues, self._programs, self._search, self._pool):
            try:
                yield from part()
            except (PostgresError, SQLAlchemyError, RedisError, OSError):
                continue  # a server that is away has no figures; /readyz tells of it

    def _outbox(self):
        now = outbox()
        yield GaugeMetricFamily("regulars_outbox_waiting", "Events that are not fully reacted to", value=now["waiting"])
        yield GaugeMetricFamily(
            "regulars_outbox_failed", "Those of them that failed at least once", value=now["failed"]
        )
        yield GaugeMetricFamily(
            "regulars_outbox_oldest_seconds", "Age of the oldest of them that is due", value=now["oldest"]
        )
        finished = GaugeMetricFamily(
            "regulars_tick_finished_seconds", "Seconds since a task of the timetable was finished", labels=["task"]
        )
        for task, age in ticks().items():
            finished.add_metric([task], age)
        yield finished

    def _queues(self):
        jobs = GaugeMetricFamily("regulars_queue_jobs", "Jobs waiting in a queue", labels=["queue"])
        oldest = GaugeMetricFamily(
            "regulars_queue_oldest_seconds", "How long the first of them has waited", labels=["queue"]
        )
        for line in lined_up():
            jobs.add_metric([line["queue"]], line["jobs"])
            oldest.add_metric([line["queue"]], line["oldest"])
        yield jobs
        yield oldest

    def _programs(self):
        signs = beats.heard()
        running = GaugeMetricFamily("regulars_programs", "Programs that gave a sign of life lately", labels=["program"])
        busy = GaugeMetricFamily(
            "regulars_program_busy_seconds", "The longest that one of them is in its job", labels=["program"]
        )
        for program in beats.PROGRAMS:
            alive = [sign for sign in signs if sign["program"] == program and sign["age"] < beats.SILENT]
            running.add_metric([program], len(alive))
            busy.add_metric([program], max((sign["busy"] or 0.0 for sign in alive), default=0.0))
        yield running
        yield busy
        memory = valkey.client().info("memory")["used_memory"]
        yield GaugeMetricFamily("regulars_valkey_bytes", "Memory Valkey uses", value=memory)

    def _search(self):
        with work.platform_unit(reason="measure how far the search index is behind"):
            waiting, oldest = search.lag()
        yield GaugeMetricFamily("regulars_search_waiting", "Records to be indexed, up to 100,000", value=waiting)
        yield GaugeMetricFamily("regulars_search_oldest_seconds", "How long the first of them has waited", value=oldest)

    def _pool(self):
        held = GaugeMetricFamily(
            "regulars_database_sessions", "Sessions of the database by what they do", labels=["state"]
        )
        with pool.global_connection() as opened:
            asked = "SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1"
            for state, number in opened.execute(asked):
                held.add_metric([state], number)
        yield held
        waits = GaugeMetricFamily("regulars_database_pool", "This web process' quick connections", labels=["state"])
        for state, number in pool.standing().items():
            waits.add_metric([state], number)
        yield waits
