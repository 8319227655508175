"""The connection to Valkey: live sessions, rate limits, the doorbell of the queues. Nothing here is the only copy."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from saas import config

_clients: dict[int, redis.Redis] = {}
_quick_clients: dict[int, redis.Redis] = {}
_own = threading.local()
HURRY = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}


def once_more() -> Retry:
    """Try again once and at once, for a connection that died while idle; redis-py's own retries wait for seconds."""
    return Retry(NoBackoff(), 1)


def client() -> redis.Redis:
    """Return this process's client; a forked child opens its own. Answers are bytes."""
    mine = os.getpid()
    if mine not in _clients:
        _clients[mine] = redis.Redis.from_url(
            config.get().redis_url,
            socket_timeout=15,
            socket_connect_timeout=2,
            health_check_interval=30,
            retry=once_more(),
        )
    return _clients[mine]


def quick() -> redis.Redis:
    """Return a client for what a shopper waits for: it gives up within half a second."""
    mine = os.getpid()
    if mine not in _quick_clients:
        _quick_clients[mine] = redis.Redis.from_url(config.get().redis_url, retry=once_more(), **HURRY)
    return _quick_clients[mine]


def values(names: Sequence[str]) -> list[bytes | None]:
    """Return what stands under some names, over a connection of this thread's own: a third of the work of a client's pool.

    For what every shopper waits for. A connection that died while idle is opened anew; raises Valkey's errors.
    """
    mine = client()
    held = getattr(_own, "held", None)
    if held is None or held[0] is not mine:
        held = _own.held = mine, mine.connection_pool.make_connection()
    connection = held[1]
    try:
        connection.send_packed_command(connection.pack_command("MGET", *names))
        return connection.read_response()
    except (RedisError, OSError):
        connection.disconnect()
        return mine.mget(names)
    except BaseException:
        connection.disconnect()  # or the next would read an answer that is not theirs
        raise


def close() -> None:
    for clients in (_clients, _quick_clients):
        held = clients.pop(os.getpid(), None)
        if held is not None:
            held.close()
