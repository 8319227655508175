"""What a request costs, told in its Server-Timing header while testing, so that a page that grows slow is noticed.

Only with ENVIRONMENT=test: outside of it the figures would tell strangers how our work is done. Queries are counted by the
cursor, below both ways to the database (the ORM's session and `kit.pool`); binding the tenant is not counted as one.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any

import psycopg
from flask import Flask, Response, g

from saas import config

_statements: ContextVar[list[str] | None] = ContextVar("statements_of_request", default=None)


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
        asked.append(str(query))


def connect_arguments() -> dict[str, Any]:
    """Return what to connect to PostgreSQL with so that queries are counted; nothing outside of tests."""
    return {"cursor_factory": CountingCursor} if config.get().environment == "test" else {}


def init(app: Flask) -> None:
    """Have every answer tell what it cost, while testing."""
    if config.get().environment == "test":
        app.before_request(_begin)
        app.after_request(_tell)


def _begin() -> None:
    g.costs_began = time.perf_counter()
    _statements.set([])


def _tell(response: Response) -> Response:
    """Before the request ends; a page has been made and its unit of work committed by then."""
    asked = _statements.get() or []
    spent = (time.perf_counter() - g.get("costs_began", time.perf_counter())) * 1000
    response.headers["Server-Timing"] = f'app;dur={spent:.1f}, queries;desc="{len(asked)}"'
    return response
