"""Running reactions: each once, recorded in the transaction of its effect, and the event finished when all are done."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from uuid import UUID

from saas.kit import errand, figures, outbox, scope, stopping, work
from workers.reactions import REACTIONS

log = logging.getLogger("regulars.reactions")
AUTOMATION = scope.Actor("automation", "reactions", "Regulars")
WANTED = {name: {reaction.function for reaction in reactions} for name, reactions in REACTIONS.items()}


def react(*, items: list[list], **_: object) -> None:
    """Run some reactions, given as [tenant_id, event_id, function]; a failure is noted and the others go on."""
    for place, (tenant_id, event_id, function) in enumerate(items):
        if stopping.asked():
            _leave(items[place:])
            return
        try:
            with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
                _react_once(UUID(event_id), function)
            figures.REACTIONS.labels(function, "done").inc()
        except Exception as error:
            log.exception("%s failed for event %s of tenant %s", function, event_id, tenant_id)
            figures.REACTIONS.labels(function, "failed").inc()
            with work.unit(tenant_id=None):
                outbox.note_failure(event_id=UUID(event_id), error=error)


def _leave(items: list[list]) -> None:
    """Have others do at once what this worker, which is asked to stop, will not begin."""
    with work.unit(tenant_id=None):
        outbox.bring_back([UUID(event_id) for _tenant_id, event_id, _function in items])


def _react_once(event_id: UUID, function: str) -> None:
    if outbox.record_reaction(event_id=event_id, reaction=function):
        event = outbox.one(event_id)
        if event is not None:
            with errand.about(f"reaction {function}", given=event.request_id):
                resolve(function)(**event.payload)
    outbox.finish(event_id=event_id, wanted=WANTED)


def resolve(dotted: str) -> Callable[..., None]:
    """Return the function of a dotted name."""
    module, name = dotted.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)
