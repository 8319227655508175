"""The connection to Valkey: live sessions, rate limits, the doorbell of the queues. Nothing here is the only copy."""

from __future__ import annotations

import os

import redis

from saas import config

_clients: dict[int, redis.Redis] = {}


def client() -> redis.Redis:
    """Return this process's client; a forked child opens its own. Answers are bytes."""
    mine = os.getpid()
    if mine not in _clients:
        _clients[mine] = redis.Redis.from_url(
            config.get().redis_url, socket_timeout=15, socket_connect_timeout=2, health_check_interval=30
        )
    return _clients[mine]


def close() -> None:
    held = _clients.pop(os.getpid(), None)
    if held is not None:
        held.close()
