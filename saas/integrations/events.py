"""What happens to deliveries."""

from __future__ import annotations

from dataclasses import field

from saas.kit.events import event


@event
class DeliveryReceived:
    """Genuine deliveries were stored and are to be taken; at most 500 an event. `heard` are those that came just now."""

    delivery_ids: list[str]
    heard: list[str] = field(default_factory=list)


@event
class HookDisabled:
    """A company's webhook was switched off because it takes nothing any more; its owners are told."""

    hook_id: str
