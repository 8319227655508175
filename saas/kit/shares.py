"""A fair part of a web process for each company: who hammers is put off while others want their turn.

Each company has a purse of seconds. Its requests are paid from it with the time they took, and it fills by TENANT_SHARE percent
of a second in each second. While nobody else asks, nothing is refused: an idle machine is everybody's. Programs are put
off as soon as the purse is empty, with the seconds after which it is not; people only when it is deep in debt.

Known by its key, a program that is put off is answered before anything is looked up, so that refusing costs next to nothing.
Who asks on and on while put off, and so minds no Retry-After, has a purse that fills slower until it listens: its requests would
else always run beside somebody's, and one request in four that shares its process takes twice as long.
All of it lives in the memory of one process: there is nothing to agree on with others.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from saas import config
from saas.kit import errors, figures

PURSE = 2.0  # seconds that can be saved up: a page with its parts, a sync that wakes
DEBT = 3.0  # seconds in which people are still let in
DEPOSIT = 0.05  # seconds laid down when one asks, so that an empty purse that fills lets in one and not all who wait
COMPANY = 10.0  # seconds for which somebody who asked still counts as wanting some
HELD, SLOTS = 0.3, 9
"""Seconds for which a refusal is held back and how many may be: who minds no Retry-After would else ask ten thousand times
a second, and refusing that often is work too. Some threads must be left for the others (WEB_THREADS is 12)."""
DEAF, LISTENING, SLOWER = 8, 5.0, 0.3
"""Refusals that make a company deaf, the seconds in which they are forgotten (to 1/e), and how much of its share is then left."""
KNOWN = 10_000  # keys and companies that are remembered at the most


class HadItsShare(errors.TooMany):
    """The company has had its part of the machine and others wait; `retry_after` says for how many seconds."""

    code, message = "had_its_share", "Your company asks for much at once and others wait. Try again in a moment."

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class Purses:
    """The purses of one process."""

    def __init__(self, *, clock=time.monotonic) -> None:
        self._clock, self._guard = clock, threading.Lock()
        self._held: dict[int, tuple[float, float]] = {}
        self._asked: dict[int, float] = {}
        self._keys: dict[int, int] = {}
        self._put_off: dict[int, tuple[float, float]] = {}
        self._slots = threading.BoundedSemaphore(SLOTS)

    def owed(self, tenant_id: int) -> float:
        """Return the seconds until a company's purse is no longer empty; 0 while nobody else wants some."""
        if not _share() or not self._others(tenant_id):
            return 0.0
        held = self._now(tenant_id)
        return -held / self._filling(tenant_id) if held < 0 else 0.0

    def ask(self, tenant_id: int, *, patience: float) -> None:
        """Note that a company wants some; raises HadItsShare when it is more than `patience` seconds in debt."""
        if not _share():
            return
        self._asked[tenant_id] = self._clock()
        if len(self._asked) > KNOWN:
            self._forget()
        owed = self.owed(tenant_id)
        if owed > patience / self._filling(tenant_id):
            raise HadItsShare(max(1, math.ceil(owed)))
        self._take(tenant_id, DEPOSIT)

    def pay(self, tenant_id: int, seconds: float) -> None:
        """Take the time a request took from a company's purse; what it laid down when it asked is counted in."""
        if _share():
            self._take(tenant_id, seconds - DEPOSIT)

    def _take(self, tenant_id: int, seconds: float) -> None:
        with self._guard:
            self._held[tenant_id] = (max(self._now(tenant_id) - seconds, -5 * PURSE), self._clock())

    def remember(self, key: int, tenant_id: int) -> None:
        """Remember whose a key (by its hash) is, to refuse early; never to let in."""
        if len(self._keys) > KNOWN:
            self._keys.clear()
        self._keys[key] = tenant_id

    def refused(self, key: int) -> int:
        """Return the seconds for which the company of a key is put off, or 0."""
        tenant_id = self._keys.get(key)
        if tenant_id is None:
            return 0
        owed = self.owed(tenant_id)
        if owed <= 0:
            return 0
        with self._guard:
            self._put_off[tenant_id] = (self._deafness(tenant_id) + 1, self._clock())
        return max(1, math.ceil(owed))

    def hold_back(self) -> None:
        """Let who was refused wait for a moment, unless too many do already."""
        if self._slots.acquire(blocking=False):
            try:
                time.sleep(HELD)
            finally:
                self._slots.release()

    def _now(self, tenant_id: int) -> float:
        held, at = self._held.get(tenant_id, (PURSE, 0.0))
        return min(PURSE, held + (self._clock() - at) * self._filling(tenant_id))

    def _filling(self, tenant_id: int) -> float:
        return _share() * (SLOWER if self._deafness(tenant_id) > DEAF else 1.0)

    def _deafness(self, tenant_id: int) -> float:
        refusals, at = self._put_off.get(tenant_id, (0.0, 0.0))
        return refusals * math.exp((at - self._clock()) / LISTENING)

    def _others(self, tenant_id: int) -> bool:
        since = self._clock() - COMPANY
        return any(asked > since for other, asked in list(self._asked.items()) if other != tenant_id)

    def _forget(self) -> None:
        since = self._clock() - COMPANY
        with self._guard:
            self._asked = {one: asked for one, asked in self._asked.items() if asked > since}
            self._held = {one: self._held[one] for one in self._asked if one in self._held}
            self._put_off = {one: self._put_off[one] for one in self._asked if one in self._put_off}


purses = Purses()


def _share() -> float:
    settings = config.get()
    return settings.tenant_share / 100 if settings.rate_limits else 0.0


@contextmanager
def paid(tenant_id: int | None, kind: str, *, began: float) -> Iterator[None]:
    """Let a request of a company in, if it has not had its share, and have it paid for from `began` (perf_counter)."""
    if tenant_id is None:
        yield
        return
    try:
        purses.ask(tenant_id, patience=0.0 if kind == "key" else DEBT)
    except HadItsShare:
        figures.REFUSED.labels(kind).inc()
        raise
    try:
        yield
    finally:
        purses.pay(tenant_id, time.perf_counter() - began)
