"""What happens to deliveries."""

from __future__ import annotations

from saas.kit.events import event


@event
class DeliveryReceived:
    """A genuine delivery was stored and is to be taken."""

    delivery_id: str
