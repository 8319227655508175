"""Announcing what happened, so that rooms above (and slower work) can react after the commit.

An event is a frozen dataclass of values JSON can carry, named in the past tense, defined in its room's `events.py`.
Which reactions follow is one readable table: `workers/reactions.py`.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any, TypeVar, dataclass_transform
from uuid import UUID

import orjson

from saas.kit import errand, identifiers, outbox, valkey, work

NUDGE = "outbox:nudge"
registry: dict[str, type] = {}
Event = TypeVar("Event")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(cls: type[Event]) -> type[Event]:
    """Make a class an event: frozen, keyword-only, and known by its name."""
    made = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
    if made.__name__ in registry and registry[made.__name__].__module__ != made.__module__:
        raise TypeError(f"two events are called {made.__name__}")
    registry[made.__name__] = made
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, (UUID, datetime)):
        return str(value) if isinstance(value, UUID) else value.isoformat()
    raise TypeError(f"an event cannot carry {type(value).__name__}")


def announce(*happened: Any, after: timedelta | None = None) -> None:
    """Write events of the bound tenant to the outbox, in the same transaction as what they tell of.

    `after` holds the reactions back by that time.
    """
    if not happened:
        return
    told = [
        {"id": identifiers.new(), "name": type(item).__name__,
         "payload": {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}}
        for item in happened
    ]  # fmt: skip
    outbox.write(orjson.dumps(told, default=_plain).decode(), request_id=errand.request_id(), after=after)
    work.after_commit(nudge, key="nudge")


def nudge() -> None:
    """Wake the relay. When Valkey is away nothing is lost: the relay also looks by itself."""
    try:
        valkey.client().lpush(NUDGE, b"1")
    except valkey.redis.RedisError:
        pass
