"""Goods on their way back, as the shop tells of them. What is paid back for them is a refund and comes by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from saas.commerce import drafting, orders, parts
from saas.commerce.models import Return
from saas.kit import clock


def record(item: dict[str, Any], *, order_key: str, source_id: UUID, loud: bool = False) -> None:
    """Record one return that came by itself, before or after its order; raises BadItem."""
    orders.record_part(
        Return, lambda: drafting.a_return(item, clock.now()), order_key=order_key, source_id=source_id, loud=loud
    )


def of(order_ids: Sequence[UUID]) -> list[Return]:
    """Return the returns of orders, the oldest first."""
    return parts.of(Return, order_ids, Return.at)
