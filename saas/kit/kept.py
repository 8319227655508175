"""Figures that take long to work out, kept for a while: those of a very large company are minutes old rather than seconds in coming.

Kept is only what took longer than SLOW, the longer the more it took, so that a company of ordinary size always sees what is.
It is kept in the memory of this process, by company, and never for somebody who sees a part of the records only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from saas import config
from saas.kit import access, scope

T = TypeVar("T")
SLOW = 0.3
"""Seconds above which an answer is kept."""
TIMES, LONGEST = 200, 600.0
"""So many times as long as it took, and no longer than ten minutes."""
MOST = 500
_kept: dict[tuple[Hashable, ...], tuple[float, Any]] = {}


def keeping() -> bool:
    """Tell whether anything is kept: not while testing, for on a busy machine everything is slow at times."""
    return config.get().environment != "test"


def for_a_while(key: tuple[Hashable, ...], work: Callable[[], T]) -> T:
    """Return what `work` works out for the bound company, or what it did some minutes ago where that took long."""
    tenant_id = scope.tenant_or_none()
    if tenant_id is None or access.limiting() is not None or not keeping():
        return work()
    whole, now = (tenant_id, *key), time.monotonic()
    held = _kept.get(whole)
    if held is not None and held[0] > now:
        value: T = held[1]
        return value
    value = work()
    took = time.monotonic() - now
    if took > SLOW:
        while len(_kept) >= MOST:
            _kept.pop(next(iter(_kept)), None)
        _kept[whole] = time.monotonic() + min(took * TIMES, LONGEST), value
    else:
        _kept.pop(whole, None)
    return value


def forget() -> None:
    """Keep nothing of what was kept."""
    _kept.clear()
