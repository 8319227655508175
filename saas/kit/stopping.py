"""Being asked to stop: TERM and INT set a mark that loops look at between two pieces of work."""

from __future__ import annotations

import signal
import threading

_asked = threading.Event()


def hear() -> None:
    """Have TERM and INT ask this process to stop instead of ending it."""
    _asked.clear()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _asked.set())


def ask() -> None:
    """Ask from within: a worker whose library hears the signals itself."""
    _asked.set()


def asked() -> bool:
    return _asked.is_set()


def wait(seconds: float) -> None:
    """Wait so long, or until asked to stop."""
    _asked.wait(seconds)
