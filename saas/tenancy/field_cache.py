"""A company's fields in Valkey, for every page and every request asks which there are and they hardly ever change.

What is kept carries the number of the change it was read after; whoever changes fields counts that up when it has committed.
So a reader who began before the change never leaves the old state for those who come after. Without Valkey the database
answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from redis.exceptions import RedisError

from saas.kit import valkey

SECONDS = 300


def read(tenant_id: int, load: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return what is kept for a company, or what `load` returns, which is then kept."""
    try:
        number, kept = valkey.client().mget(_number(tenant_id), _kept(tenant_id))
    except RedisError:
        return load()
    number = int(number or 0)
    if kept is not None:
        held = orjson.loads(kept)
        if held["number"] == number:
            return held["rows"]
    rows = load()
    try:
        valkey.client().set(_kept(tenant_id), orjson.dumps({"number": number, "rows": rows}), ex=SECONDS)
    except RedisError:
        pass
    return rows


def changed(tenant_id: int) -> None:
    """Say that a company's fields are others now."""
    valkey.client().incr(_number(tenant_id))


def _number(tenant_id: int) -> str:
    return f"fields:{tenant_id}:number"


def _kept(tenant_id: int) -> str:
    return f"fields:{tenant_id}:kept"
