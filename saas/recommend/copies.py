"""Copies in Valkey of what PostgreSQL knows of a customer, so that a shopper waits for no query while they are warm."""

from __future__ import annotations

from collections.abc import Callable

from redis.exceptions import RedisError

from saas.kit import crypto, valkey

KEPT_FOR = 600  # seconds a copy lives
LOADING = b"?"

# A copy is stored only while the note that somebody is loading it is still there: whoever changes the truth deletes the
# note as well, so that what was read before the change is never kept.
KEEP = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end"


def read(name: str, load: Callable[[], bytes]) -> bytes:
    """Return what is copied under a name, or load it and keep a copy; while Valkey is away it is loaded each time."""
    try:
        held = valkey.client().get(name)
    except (RedisError, OSError):
        held = None
    return _copied(name, load) if held is None or held.startswith(LOADING) else held


def _copied(name: str, load: Callable[[], bytes]) -> bytes:
    """Load a value and keep a copy in Valkey, unless the truth changed while it was loaded."""
    mine = LOADING + crypto.new_token(12).encode()
    try:
        valkey.client().set(name, mine, ex=15)
        value = load()
        valkey.client().eval(KEEP, 1, name, mine, value, KEPT_FOR)
        return value
    except (RedisError, OSError):
        return load()


def drop(names: list[str]) -> None:
    """Drop copies whose truth changed; raises Valkey's errors."""
    for start in range(0, len(names), 500):
        valkey.client().delete(*names[start : start + 500])
