"""Parcels of orders: when they went, with whom, where they are. They come inside an order or by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from saas.commerce import drafting, orders, parts
from saas.commerce.models import Fulfilment
from saas.kit import clock


def record(item: dict[str, Any], *, order_key: str, source_id: UUID, loud: bool = False) -> None:
    """Record one fulfilment that came by itself, before or after its order; raises BadItem."""
    at = item.get("updated_at") or clock.now()
    orders.record_part(
        Fulfilment, lambda: drafting.fulfilment(item, at), order_key=order_key, source_id=source_id, loud=loud
    )


def of(order_ids: Sequence[UUID]) -> list[Fulfilment]:
    """Return the fulfilments of orders, those that went first before the others."""
    return parts.of(Fulfilment, order_ids, Fulfilment.shipped_at)
