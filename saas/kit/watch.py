"""What operators look at: is it alive, can it work, how much does it do."""

from __future__ import annotations

import time

import psycopg
from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from saas.kit import doors, pool, queues, valkey

REQUESTS = Counter("regulars_requests_total", "Requests by route and status", ["route", "method", "status"])
SECONDS = Histogram(
    "regulars_request_seconds",
    "Seconds a request took",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 10),
)


def init(app: Flask) -> None:
    """Count every request and answer /healthz, /readyz and /metrics."""
    app.before_request(_begin)
    app.after_request(_count)
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)
    app.add_url_rule("/metrics", "metrics", metrics)


def _begin() -> None:
    g.began = time.perf_counter()


def _count(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "none"
    count(
        route=route, method=request.method, status=response.status_code,
        seconds=time.perf_counter() - g.get("began", time.perf_counter()),
    )  # fmt: skip
    return response


def count(*, route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    REQUESTS.labels(route, method, status).inc()
    SECONDS.labels(route).observe(seconds)


@doors.open_to("anyone", unit=False)
def healthz() -> dict:
    """Answer that this process runs."""
    return {"status": "ok"}


@doors.open_to("anyone", unit=False)
def readyz() -> tuple[dict, int]:
    """Answer whether the database is there and migrated; Valkey is reported, and its absence is survived."""
    state = {"database": "ok", "valkey": "ok"}
    try:
        with pool.global_connection() as opened:
            opened.execute("SELECT version_num FROM alembic_version").fetchone()
    except (psycopg.Error, OSError):
        state["database"] = "away"
    try:
        valkey.client().ping()
    except (RedisError, OSError):
        state["valkey"] = "away"
    return state, 200 if state["database"] == "ok" else 503


@doors.open_to("anyone", unit=False)
def metrics() -> Response:
    """Answer the figures in Prometheus' text form; none names a tenant."""
    registry = CollectorRegistry()
    try:
        multiprocess.MultiProcessCollector(registry)
    except ValueError:  # one process only: its own figures are all there are
        from prometheus_client import REGISTRY as registry  # noqa: N811
    text = generate_latest(registry) + generate_latest(_depths())
    return Response(text, content_type=CONTENT_TYPE_LATEST)


class Depths(Collector):
    """What waits, measured when asked: events without all their reactions, and jobs in each queue.

    No Gauge objects: where several processes share their figures those would be written to the shared files too.
    """

    def collect(self):
        jobs = GaugeMetricFamily("regulars_queue_jobs", "Jobs waiting in a queue", labels=["queue"])
        try:
            with pool.global_connection() as opened:
                count, age = opened.execute(
                    "SELECT count(*), coalesce(extract(epoch FROM now() - min(due_at)), 0) FROM outbox_doorbell"
                ).fetchone()
            for name in queues.QUEUES:
                jobs.add_metric([name], valkey.client().llen(f"rq:queue:{name}"))
        except (psycopg.Error, RedisError, OSError):
            return
        yield GaugeMetricFamily("regulars_outbox_waiting", "Events that are not fully reacted to", value=count)
        age = max(float(age), 0)
        yield GaugeMetricFamily("regulars_outbox_oldest_seconds", "Age of the oldest of them that is due", value=age)
        yield jobs


def _depths() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Depths())
    return registry
