"""Counting shop events for the plan: by the way in Valkey, and carried over to PostgreSQL every hour.

Events are never refused for their number, and a shopper never waits for the counting. What Valkey loses, the company does
not pay for.
"""

from __future__ import annotations

from typing import Any

from redis.exceptions import RedisError

from saas.kit import scope, valkey
from saas.tenancy import limits

NAME = "events_month"
KEPT = 40 * 86_400  # seconds; longer than a month, so that a worker that was away finds it


def _key(tenant_id: int, month: str) -> str:
    return f"meter:{NAME}:{tenant_id}:{month}"


def add(pipe: Any, tenant_id: int, number: int) -> None:
    """Add to the company's count of this month, in a pipeline that is on its way anyhow."""
    key = _key(tenant_id, limits.period())
    pipe.incrby(key, number)
    pipe.expire(key, KEPT)


def waiting() -> int:
    """Return how many of the bound company's events of this month were not carried over yet."""
    try:
        return int(valkey.quick().get(_key(scope.tenant_id(), limits.period())) or 0)
    except (RedisError, OSError):
        return 0


def carry_over(*, month: str | None = None) -> int:
    """Add what was counted to the bound company's meter, and return how many; at a month's turn ask for the old one too."""
    month = month or limits.period()
    counted = int(valkey.client().getdel(_key(scope.tenant_id(), month)) or 0)
    if counted:
        limits.count(NAME, by=counted, month=month)
    return counted
