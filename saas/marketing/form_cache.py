"""Where the answer for the shops' pages is kept ready, and how it is made anew after a change."""

from __future__ import annotations

from redis.exceptions import RedisError

from saas.kit import scope, valkey, work

KEPT_FOR = 60  # seconds; a change makes it anew at once
AWAY = (RedisError, OSError)


def key(tenant_id: int) -> str:
    """Return the name of a company's answer."""
    return f"forms:{tenant_id}"


def trials_key(tenant_id: int) -> str:
    """Return the name of a company's running trials of forms."""
    return f"forms:{tenant_id}:trials"


def forget() -> None:
    """Have the bound company's answer made anew, once the change that asks for it is kept."""
    tenant_id = scope.tenant_id()
    work.after_commit(lambda: valkey.client().delete(key(tenant_id), trials_key(tenant_id)))
