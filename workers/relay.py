"""The relay: takes events off the outbox's doorbell and hands their reactions to the queues.

It is woken by a nudge after each commit and looks by itself every second. What it handed out comes back after a lease
(longer each time) unless its reactions were recorded, so neither a lost Valkey nor a killed worker loses anything. When
Valkey turns out to have been emptied, everything handed out comes back at once.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict

from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError

from saas.kit import beats, logs, outbox, queues, stopping, valkey, work
from saas.kit.events import NUDGE
from workers import trays
from workers.reactions import REACTIONS

log = logging.getLogger("regulars.relay")
JOB = "workers.handing_out.react"
MARK = "outbox:relay-was-here"
AGAIN = 0.05  # seconds after which the relay looks again when something was left over
GATHER = 0.05  # seconds in which more may come while the workers have something to do anyhow
FULL = 60
"""Jobs in a queue above which it is given no more. What waits in Valkey longer than its lease would be handed out again,
and the more there is to do the more would be done twice; in PostgreSQL it waits for nothing."""


def hand_out(*, most: int = 500, per_job: int = 25) -> int:
    """Claim events that are due, ring for their reactions, and return how many there were."""
    full = {name for name in queues.QUEUES if queues.depth(name) >= FULL}
    held_back = [name for name, reactions in REACTIONS.items() if any(reaction.queue in full for reaction in reactions)]
    with work.unit(tenant_id=None):
        claimed = outbox.claim(most=most, held_back=held_back)
        idle = [row.event_id for row in claimed if not REACTIONS.get(row.name)]
        if idle:
            outbox.forget(idle)
    together: dict[tuple[str, int], list[list]] = defaultdict(list)
    alone: dict[str, list[list]] = defaultdict(list)
    for row in claimed:
        for reaction in REACTIONS.get(row.name, ()):
            if reaction.together > 1:
                together[reaction.queue, row.tenant_id].append([str(row.event_id), reaction.function])
            else:
                alone[reaction.queue].append([row.tenant_id, str(row.event_id), reaction.function])
    for (queue, tenant_id), items in together.items():
        trays.put(queue, tenant_id, items)
    for queue, items in alone.items():
        for start in range(0, len(items), per_job):
            queues.enqueue(queue, JOB, items=items[start : start + per_job])
    return len(claimed)


def left_over() -> bool:
    """Tell whether something is due that could not be handed out."""
    with work.unit(tenant_id=None):
        return outbox.due()


def bring_back_if_emptied() -> None:
    """Make everything due again when our mark in Valkey is gone: it was flushed or came back empty."""
    if valkey.client().set(MARK, b"1", nx=True):
        with work.unit(tenant_id=None):
            outbox.bring_back()


def gather() -> None:
    """Let come what comes in a moment, where that keeps nobody waiting: asking for each event by itself costs as much as for
    twenty."""
    if queues.depth("events"):
        time.sleep(GATHER)


def run() -> None:
    """Hand out until told to stop."""
    logs.begin("relay")
    stopping.hear()
    queues.allow([JOB, trays.CLEAR])
    while not stopping.asked():
        beats.beat()
        try:
            bring_back_if_emptied()
            if hand_out():
                gather()
            else:
                valkey.client().blpop([NUDGE], timeout=AGAIN if left_over() else 1)
                valkey.client().delete(NUDGE)
        except (RedisError, OperationalError, OSError) as error:
            log.warning("waiting for a server: %s", error)
            time.sleep(0.5)
    beats.leave()
