"""What the running code is about: one request, job or command, under one id from the door to the last statement.

The id is made at a door (or taken over from the proxy in front), answered in `X-Request-Id`, written beside each event in the
outbox, carried by jobs, said in every log line, and shown to PostgreSQL as `application_name`, so that a slow statement in
`pg_stat_activity` leads back to the request that asked for it. An id says nothing of a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass

from saas.kit import identifiers

PLAIN = re.compile(r"[A-Za-z0-9-]{8,40}")
HEADER = "X-Request-Id"
_program = ["regulars"]


@dataclass(frozen=True)
class Errand:
    """One piece of work: its id, and in our own words what it is (a route, a job, a command)."""

    id: str
    what: str


_current: ContextVar[Errand | None] = ContextVar("errand", default=None)


def program() -> str:
    """Return the name of the program this process is: web, worker-events, relay, timetable or a command's."""
    return _program[0]


def be(name: str) -> None:
    """Say once which program this process is."""
    _program[0] = name


def current() -> Errand | None:
    return _current.get()


def request_id() -> str:
    """Return the id of what is being done, or nothing outside of everything."""
    errand = _current.get()
    return errand.id if errand else ""


def begin(what: str, *, given: str | None = None) -> Token:
    """Begin a piece of work under the given id where it is a plain one, else under a new one; `end` takes the token."""
    known = given if given and PLAIN.fullmatch(given) else str(identifiers.new())
    return _current.set(Errand(known, what))


def end(token: Token) -> None:
    _current.reset(token)


@contextmanager
def about(what: str, *, given: str | None = None) -> Iterator[Errand]:
    """Do one piece of work within the block."""
    token = begin(what, given=given)
    try:
        yield _current.get()
    finally:
        end(token)


def statements() -> list[str]:
    """Return the SQL that shows PostgreSQL for whom the open transaction works; it rides along with the tenant's.

    A comment in each statement would say the same and make every statement a new text for those who count them.
    """
    errand = _current.get()
    return [f"SET LOCAL application_name = '{_program[0]} {errand.id}'"] if errand else []
