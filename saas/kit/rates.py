"""How often something may happen: counted in Valkey, and in this process's memory while Valkey is away."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from saas import config
from saas.kit import errors, valkey


class TooOften(errors.TooMany):
    message = "Too many attempts. Wait a little and try again."


@lru_cache(maxsize=1)
def _shared() -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(
        RedisStorage(config.get().redis_url, wrap_exceptions=False, retry=valkey.once_more(), **valkey.HURRY)
    )


@lru_cache(maxsize=1)
def _own() -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(MemoryStorage())


def allow(key: str, rate: str, *, cost: int = 1) -> bool:
    """Count one more under `key` and tell whether it is within `rate`, such as "5/minute"."""
    if not config.get().rate_limits:
        return True
    try:
        return _shared().hit(parse(rate), key, cost=cost)
    except (RedisError, OSError):
        return _own().hit(parse(rate), key, cost=cost)


def require(key: str, rate: str, *, cost: int = 1) -> None:
    """Count one more under `key`; raises TooOften beyond `rate`."""
    if not allow(key, rate, cost=cost):
        raise TooOften


def wait(key: str, rate: str) -> int:
    """Return in how many seconds what was counted under `key` is forgotten at the latest; nothing is counted by asking."""
    parsed = parse(rate)
    try:
        resets_at, _remaining = _shared().get_window_stats(parsed, key)
    except (RedisError, OSError):
        resets_at, _remaining = _own().get_window_stats(parsed, key)
    return max(1, min(ceil(resets_at - time.time()), parsed.get_expiry()))


@dataclass(frozen=True)
class Standing:
    """How somebody stands with a rate after one more was counted; `resets_at` is in epoch seconds."""

    allowed: bool
    most: int
    remaining: int
    window: int
    resets_at: float


def standing(key: str, rate: str) -> Standing:
    """Count one more under `key` and tell how it stands with `rate`, such as "600/minute"."""
    parsed = parse(rate)
    window = parsed.get_expiry()
    if not config.get().rate_limits:
        return Standing(True, parsed.amount, parsed.amount, window, time.time() + window)
    try:
        return _standing(_shared(), parsed, key)
    except (RedisError, OSError):
        return _standing(_own(), parsed, key)


def _standing(limiter: SlidingWindowCounterRateLimiter, parsed: RateLimitItem, key: str) -> Standing:
    allowed = limiter.hit(parsed, key)
    resets_at, remaining = limiter.get_window_stats(parsed, key)
    return Standing(allowed, parsed.amount, remaining, parsed.get_expiry(), resets_at)
