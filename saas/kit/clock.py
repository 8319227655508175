"""What time it is. Code that needs the time asks here, so that tests and the demo can travel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

EARLIEST, AHEAD = datetime(1970, 1, 1, tzinfo=UTC), timedelta(days=366)
_offset: ContextVar[timedelta] = ContextVar("clock_offset", default=timedelta(0))


def now() -> datetime:
    """Return the present moment in UTC, with its zone."""
    return datetime.now(UTC) + _offset.get()


def likely(moment: datetime) -> bool:
    """Tell whether something that is told of can have happened then; a time far ahead would be the newest for ever."""
    return EARLIEST <= moment <= now() + AHEAD


@contextmanager
def travel(*, to: datetime) -> Iterator[None]:
    """Make `now` run on from the moment `to` within the block."""
    token = _offset.set(to - datetime.now(UTC))
    try:
        yield
    finally:
        _offset.reset(token)
