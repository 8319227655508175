"""What operators look at: is it alive, can it work, how much does it do.

/healthz says that this process answers; /readyz that it can work (a database that answers and has run the newest migration;
without Valkey it works on, degraded); /metrics how much it does. The figures are for the operator: they are told on the
machine itself or to whoever has the token, and are not there for anybody else.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import pathlib
import time
from functools import lru_cache

import psycopg
from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess
from redis.exceptions import RedisError

from saas import config
from saas.kit import costs, doors, errors, figures, pool, roles, valkey
from saas.kit.standing import Standing

log = logging.getLogger("regulars.web")
VERSIONS = pathlib.Path(__file__).parents[2] / "migrations" / "versions"
SLOW = 1.0  # seconds after which a request is worth a line


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
    seconds = time.perf_counter() - g.get("began", time.perf_counter())
    asked = costs.asked()
    figures.request(route=route, method=request.method, status=response.status_code, seconds=seconds)
    figures.STATEMENTS.labels(request.blueprint or "none").observe(asked)
    failed, slow = response.status_code >= 500, seconds >= SLOW
    if failed or slow or config.get().log_requests:
        line = {"status": response.status_code, "ms": round(seconds * 1000, 1), "statements": asked}
        log.log(logging.WARNING if failed or slow else logging.INFO, "answered", extra=line)
    return response


@doors.open_to("anyone", unit=False)
def healthz() -> dict:
    """Answer that this process runs."""
    return {"status": "ok"}


@lru_cache(maxsize=1)
def _newest() -> frozenset[str]:
    return frozenset(roles.newest(VERSIONS))


@doors.open_to("anyone", unit=False)
def readyz() -> tuple[dict, int]:
    """Answer whether the database is there and migrated; Valkey is reported, and its absence is survived."""
    state = {"status": "ready", "database": "ok", "migrations": "ok", "valkey": "ok"}
    try:
        valkey.quick().ping()
    except (RedisError, OSError):
        state |= {"status": "degraded", "valkey": "away"}
    try:
        with pool.global_connection() as opened:
            run = {row[0] for row in opened.execute("SELECT version_num FROM alembic_version")}
        if run - _known():
            state["migrations"] = (
                "ahead"  # a newer version is being put in place; this one goes on until it is replaced
            )
        elif run != _newest():
            state |= {"status": "not ready", "migrations": "behind"}
    except (psycopg.Error, OSError):
        state |= {"status": "not ready", "database": "away", "migrations": "unknown"}
    return state, 503 if state["status"] == "not ready" else 200


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(roles.revisions(VERSIONS))


@doors.open_to("anyone", unit=False)
def metrics() -> Response:
    """Answer the figures in Prometheus' text form; none names a tenant. Raises NotFound for who may not know."""
    if not _may_know():
        raise errors.NotFound
    registry = CollectorRegistry()
    try:
        multiprocess.MultiProcessCollector(registry)
    except ValueError:  # one process only: its own figures are all there are
        from prometheus_client import REGISTRY as registry  # noqa: N811
    now = CollectorRegistry()
    now.register(Standing())
    return Response(generate_latest(registry) + generate_latest(now), content_type=CONTENT_TYPE_LATEST)


def _may_know() -> bool:
    """The token, or this very machine: not what a proxy on it hands on for somebody else."""
    token, given = config.get().metrics_token, request.headers.get("Authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    handed_on = any(request.headers.get(name) for name in ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"))
    try:
        near = ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        near = False
    return near and not handed_on and not config.get().proxy_hops
