"""One fit of a company at a time: a lease in Valkey that ends by itself soon after its holder was killed.

It keeps work from being done twice and guards nothing: two fits at once are slow, not wrong (see `model_versions`).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from redis.exceptions import RedisError

from saas.kit import crypto, valkey

LASTS = 15  # seconds without a sign of life
RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('EXPIRE', KEYS[1], ARGV[2]) end"
LEAVE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


@contextlib.contextmanager
def taken(name: str) -> Iterator[bool]:
    """Take a turn for as long as the block lasts; yields whether nobody else has it."""
    mine = crypto.new_token(12)
    if not valkey.client().set(name, mine, nx=True, ex=LASTS):
        yield False
        return
    over = threading.Event()

    def hold() -> None:
        while not over.wait(LASTS / 3):
            with contextlib.suppress(RedisError, OSError):
                valkey.client().eval(RENEW, 1, name, mine, LASTS)

    holding = threading.Thread(target=hold, name="turn", daemon=True)
    holding.start()
    try:
        yield True
    finally:
        over.set()
        holding.join()
        with contextlib.suppress(RedisError, OSError):
            valkey.client().eval(LEAVE, 1, name, mine)
