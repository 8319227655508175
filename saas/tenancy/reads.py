"""Who read data about people: an entry of its own for each export, one for each key and hour of what programs read.

A row for every request would bury the history. Reads are counted in Valkey and written down when their hour is over; while
Valkey is away they are written at once. What is lost when Valkey loses its memory is the counts of at most the last hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from saas.kit import clock, identifiers, scope, valkey, work
from saas.tenancy import audit

HOURS = "reads:hours"
KEEP = 3 * 24 * 3600


def note(*, kind: str, count: int) -> None:
    """Count one request of the acting key that was answered with `count` records of people; other actors are not counted."""
    actor = scope.actor()
    if actor.kind != "key" or count == 0:
        return
    hour, tenant_id = f"{clock.now():%Y-%m-%dT%H}", scope.tenant_id()
    key, name = f"reads:{tenant_id}:{hour}", f"{actor.id}|{kind}"
    try:
        with valkey.client().pipeline(transaction=False) as pipe:
            pipe.hincrby(key, f"{name}|requests", 1)
            pipe.hincrby(key, f"{name}|records", count)
            pipe.hset(key, f"{name}|name", actor.name)
            pipe.expire(key, KEEP)
            pipe.sadd(HOURS, f"{tenant_id}:{hour}")
            pipe.execute()
    except valkey.redis.RedisError:
        audit.record(action=f"{kind}s.read", kind=kind, after={"requests": 1, "records": count})


def record_export(
    *, kind: str, count: int, filter: Any = None, fields: Any = None, form: str = "", **more: Any
) -> None:
    """Write down that data about people left as a file: how many records, which filter, which fields, in which format."""
    after = {"count": count, "filter": filter, "fields": fields, "format": form} | more
    audit.record(action=f"{kind}s.exported", kind=kind, after={name: value for name, value in after.items() if value})


def waiting() -> list[int]:
    """Return the companies that have an hour to write down that is over."""
    return sorted({tenant_id for tenant_id, _hour in _over()})


def fold(tenant_id: int) -> int:
    """Write down a company's hours that are over, and return how many entries that were; doing it twice writes them once."""
    written = 0
    for of, hour in _over():
        if of != tenant_id:
            continue
        key = f"reads:{tenant_id}:{hour}"
        entries = _entries(hour, valkey.client().hgetall(key))
        audit.record_many(entries)
        written += len(entries)
        work.after_commit(lambda key=key, hour=hour: _forget(tenant_id, key, hour), key=key)
    return written


def _forget(tenant_id: int, key: str, hour: str) -> None:
    with valkey.client().pipeline(transaction=False) as pipe:
        pipe.delete(key)
        pipe.srem(HOURS, f"{tenant_id}:{hour}")
        pipe.execute()


def _over() -> list[tuple[int, str]]:
    """Return (tenant, hour) of the hours that nothing is counted in any more."""
    present = f"{clock.now():%Y-%m-%dT%H}"
    pairs = (member.decode().partition(":") for member in valkey.client().smembers(HOURS))
    return [(int(tenant_id), hour) for tenant_id, _colon, hour in pairs if hour < present]


def _entries(hour: str, held: Mapping[bytes, bytes]) -> list[dict[str, Any]]:
    """Return the entries of one hour; their ids come from what they tell, so that none is written twice."""
    counted: dict[tuple[str, str], dict[str, Any]] = {}
    for field, value in held.items():
        key_id, kind, what = field.decode().split("|")
        counted.setdefault((key_id, kind), {})[what] = value.decode() if what == "name" else int(value)
    began = datetime.fromisoformat(f"{hour}:00:00+00:00")
    ended = began + timedelta(hours=1, microseconds=-1)
    return [
        {"id": identifiers.at(ended, str(scope.tenant_id()), key_id, kind), "acted_at": ended.isoformat(), "action": f"{kind}s.read",
         "kind": kind, "actor_kind": "key", "actor_id": key_id, "who": {"name": told.get("name", "")}, "door": "api",
         "after": {"from": began.isoformat(), "requests": told.get("requests", 0), "records": told.get("records", 0)}}
        for (key_id, kind), told in sorted(counted.items())
    ]  # fmt: skip
