"""What happens to deliveries."""

from __future__ import annotations

from saas.kit.events import event


@event
class DeliveryReceived:
    """Genuine deliveries were stored and are to be taken; at most 500 an event."""

    delivery_ids: list[str]


@event
class HookDisabled:
    """A company's webhook was switched off because it takes nothing any more; its owners are told."""

    hook_id: str
