"""Running reactions: each once, recorded in the transaction of its effect, and the event finished when all are done.

Reactions that may be are run once for several events of a company, in one transaction, with their lists put together; should
that fail, each event is reacted to by itself, so that one bad event holds up no other.
"""

from __future__ import annotations

import importlib
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

from saas.kit import errand, figures, logs, outbox, scope, stopping, work
from workers import trays
from workers.reactions import REACTIONS

log = logging.getLogger("regulars.reactions")
AUTOMATION = scope.Actor("automation", "reactions", "Regulars")
WANTED = {name: {reaction.function for reaction in reactions} for name, reactions in REACTIONS.items()}
TOGETHER = {one.function: one.together for reactions in REACTIONS.values() for one in reactions if one.together > 1}


def clear(*, queue: str, tenant_id: int, **_: object) -> None:
    """Run what lies on a company's tray."""
    react(items=[[tenant_id, *item] for item in trays.take(queue, tenant_id)])


def react(*, items: list[list], **_: object) -> None:
    """Run some reactions, given as [tenant_id, event_id, function]; a failure is noted and the others go on."""
    packs: dict[tuple, list[list]] = defaultdict(list)
    for item in items:
        tenant_id, event_id, function = item
        packs[(tenant_id, function) if function in TOGETHER else (tenant_id, function, event_id)].append(item)
    rest = list(packs.values())
    while rest:
        if stopping.asked():
            _leave([item for pack in rest for item in pack])
            return
        pack = rest.pop(0)
        if len(pack) == 1:
            _alone(*pack[0])
        elif not _together(pack):
            rest[:0] = [[item] for item in pack]


def _alone(tenant_id: int, event_id: str, function: str) -> None:
    try:
        with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
            _react(UUID(event_id), function)
        figures.REACTIONS.labels(function, "done").inc()
    except Exception as error:
        log.exception("%s failed for event %s of tenant %s", function, event_id, tenant_id)
        figures.REACTIONS.labels(function, "failed").inc()
        with work.unit(tenant_id=None):
            outbox.note_failure(event_id=UUID(event_id), error=error)


def _together(pack: list[list]) -> bool:
    """Run one reaction to several events of a company; False when that failed and nothing was done."""
    tenant_id, _event_id, function = pack[0]
    try:
        with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
            _react_to_all([UUID(event_id) for _tenant_id, event_id, _function in pack], function)
    except Exception as error:
        log.warning("%s is done one by one: %s", function, logs.named(error))
        return False
    figures.REACTIONS.labels(function, "done").inc(len(pack))
    return True


def _leave(items: list[list]) -> None:
    """Have others do at once what this worker, which is asked to stop, will not begin."""
    with work.unit(tenant_id=None):
        outbox.bring_back([UUID(event_id) for _tenant_id, event_id, _function in items])


def _react_to_all(event_ids: list[UUID], function: str) -> None:
    fresh = outbox.record_reactions(event_ids=event_ids, reaction=function)
    for some in _portions(outbox.many(fresh) if fresh else (), TOGETHER[function]):
        with errand.about(f"reaction {function}", given=some[0].request_id):
            resolve(function)(**_put_together(some))
    outbox.finish(event_ids=event_ids, wanted=WANTED)


def _portions(events: Sequence[outbox.OutboxEvent], most: int) -> Iterator[list[outbox.OutboxEvent]]:
    """Yield events a few at a time, so that none of their lists becomes longer than the reaction wants it at once."""
    portion: list[outbox.OutboxEvent] = []
    for event in events:
        told = _put_together([*portion, event])
        if portion and any(len(ids) > most for ids in told.values()):
            yield portion
            portion = []
        portion.append(event)
    if portion:
        yield portion


def _put_together(events: Sequence[outbox.OutboxEvent]) -> dict[str, list[Any]]:
    """Return the lists that events carry as if they were one's, without what is in one twice."""
    found: dict[str, dict[Any, None]] = {}
    for event in events:
        for name, ids in event.payload.items():
            if isinstance(ids, list):
                found.setdefault(name, {}).update(dict.fromkeys(ids))
    return {name: list(ids) for name, ids in found.items()}


def _react(event_id: UUID, function: str) -> None:
    if outbox.record_reaction(event_id=event_id, reaction=function):
        event = outbox.one(event_id)
        if event is not None:
            with errand.about(f"reaction {function}", given=event.request_id):
                resolve(function)(**event.payload)
    outbox.finish(event_ids=[event_id], wanted=WANTED)


def resolve(dotted: str) -> Callable[..., None]:
    """Return the function of a dotted name."""
    module, name = dotted.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)
