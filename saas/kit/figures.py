"""What is counted: by every program, told by the web at /metrics.

Labels are words of ours (a route, a queue, a job, a result), never a tenant or a value somebody sent, so that their number is
bounded. With PROMETHEUS_MULTIPROC_DIR all programs of a machine count into one folder and any web tells the sum; what waits
right now is not counted but asked of the servers, in `standing`.
"""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import Counter, Histogram

MOMENTS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 10)
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

REQUESTS = Counter("regulars_requests_total", "Requests by route and status", ["route", "method", "status"])
SECONDS = Histogram("regulars_request_seconds", "Seconds a request took", ["route"], buckets=MOMENTS)
STATEMENTS = Histogram(
    "regulars_request_statements", "Statements a request put to PostgreSQL", ["door"],
    buckets=(0, 1, 2, 4, 6, 8, 12, 16, 24, 50),
)  # fmt: skip
REFUSED = Counter("regulars_share_refused_total", "Requests put off because a company had its share", ["door"])
JOBS = Counter("regulars_jobs_total", "Jobs by what came of them", ["queue", "job", "result"])
JOB_SECONDS = Histogram(
    "regulars_job_seconds", "Seconds a job took", ["queue", "job"], buckets=(0.01, 0.05, 0.2, 1, 5, 30, 120, 600)
)
REACTIONS = Counter("regulars_reactions_total", "Reactions to events by what came of them", ["reaction", "result"])
MAILS = Counter("regulars_mails_total", "Mails handed over, by the answer", ["result"])
HOOKS_IN = Counter("regulars_webhooks_in_total", "Deliveries of shops and of Stripe", ["kind", "result"])
HOOKS_OUT = Counter("regulars_webhooks_out_total", "Calls of addresses that tenants gave us", ["result"])
LATENESS = Histogram(
    "regulars_tick_lateness_seconds", "How late the timetable wrote down what was due", ["task"],
    buckets=(0.5, 1, 2, 5, 15, 60, 300, 3600),
)  # fmt: skip


def request(*, route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request; a method nobody has heard of is "other"."""
    counted, took = _told_of(route, method if method in METHODS else "other", status)
    counted.inc()
    took.observe(seconds)


@lru_cache(maxsize=4096)
def _told_of(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """Find by labels once what is asked for with each request."""
    return REQUESTS.labels(route, method, status), SECONDS.labels(route)
