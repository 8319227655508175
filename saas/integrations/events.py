"""What happens to deliveries."""

from __future__ import annotations

from saas.kit.events import event


@event
class DeliveryReceived:
    """A genuine delivery was stored and is to be taken."""

    delivery_id: str


@event
class HookDisabled:
    """A company's webhook was switched off because it takes nothing any more; its owners are told."""

    hook_id: str
