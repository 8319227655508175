"""What a request costs: counted for /metrics, and told in its Server-Timing header while testing.

The header is there with ENVIRONMENT=test only: outside of it the figures would tell strangers how our work is done. Queries are counted by the
cursor, below both ways to the database (the ORM's session and `kit.pool`); binding the tenant is not counted as one.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any

import psycopg
from flask import Flask, Response, g

from saas import config

_statements: ContextVar[list[object] | None] = ContextVar("statements_of_request", default=None)


class CountingCursor(psycopg.Cursor):
    """A cursor that remembers what the request has asked the database."""

    def execute(self, query, *arguments: Any, **options: Any):
        _note(query)
        return super().execute(query, *arguments, **options)

    def executemany(self, query, *arguments: Any, **options: Any):
        _note(query)
        return super().executemany(query, *arguments, **options)


def _note(query: object) -> None:
    asked = _statements.get()
    if asked is not None and query and not str(query).startswith("SET LOCAL"):
        asked.append(query)


def connect_arguments() -> dict[str, Any]:
    """Return what to connect to PostgreSQL with so that queries are counted."""
    return {"cursor_factory": CountingCursor}


def begin() -> None:
    """Count from nothing: a request begins."""
    _statements.set([])


def asked() -> int:
    """Return how many statements the request has put to PostgreSQL so far."""
    return len(_statements.get() or ())


def init(app: Flask) -> None:
    """Have every request counted, and every answer tell what it cost while testing."""
    app.before_request(_begin)
    if config.get().environment == "test":
        app.after_request(_tell)


def _begin() -> None:
    g.costs_began = time.perf_counter()
    begin()


def _tell(response: Response) -> Response:
    """Before the request ends; a page has been made and its unit of work committed by then."""
    spent = (time.perf_counter() - g.get("costs_began", time.perf_counter())) * 1000
    response.headers["Server-Timing"] = f'app;dur={spent:.1f}, queries;desc="{asked()}"'
    return response
