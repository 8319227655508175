"""Taking what shops delivered."""

from __future__ import annotations

from saas.integrations import deliveries_in


def take_delivery(*, delivery_id: str, **_: object) -> None:
    """Take one stored delivery."""
    deliveries_in.take(delivery_id)
