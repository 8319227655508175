"""Trays: what was handed out and may be done together gathers here, by company, until a worker comes to it and takes it all.

A job that names its events holds as many as there were when it was made, which is one or two while they come one after the other.
A tray is rung for once, however much is put on it until somebody comes: the more a worker has to do, the more it does at a time.
Like all that is in Valkey it may be lost: the ledger hands out again what is not recorded as done.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from saas.kit import queues, valkey

CLEAR = "workers.handing_out.clear"
MOST = 1000
KEPT, WAITS = 3600, 5  # seconds: a ring that was lost on its way is repeated with what comes after the second


def _place(queue: str, tenant_id: int) -> str:
    return f"tray:{queue}:{tenant_id}"


def _rung(queue: str, tenant_id: int) -> str:
    return f"tray-rung:{queue}:{tenant_id}"


def put(queue: str, tenant_id: int, items: Sequence[Sequence[str]]) -> None:
    """Lay [event_id, function] on a company's tray, and ring for it unless that is done already."""
    with valkey.client().pipeline() as pipe:
        pipe.rpush(_place(queue, tenant_id), *[orjson.dumps(item) for item in items])
        pipe.expire(_place(queue, tenant_id), KEPT)
        pipe.set(_rung(queue, tenant_id), b"1", nx=True, ex=WAITS)
        first = pipe.execute()[-1]
    if first:
        queues.enqueue(queue, CLEAR, queue=queue, tenant_id=tenant_id)


def take(queue: str, tenant_id: int) -> list[list[str]]:
    """Take what lies on a company's tray; what comes from now on rings anew. Should there be more than anybody takes at a
    time, it is rung for at the end of the queue, after the other companies'."""
    with valkey.client().pipeline() as pipe:
        pipe.delete(_rung(queue, tenant_id))
        pipe.lpop(_place(queue, tenant_id), MOST)
        found = pipe.execute()[-1] or []
    if len(found) == MOST:
        queues.enqueue(queue, CLEAR, queue=queue, tenant_id=tenant_id)
    return [orjson.loads(item) for item in found]
