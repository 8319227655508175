"""What webhooks are told: one message per event, small, with the records as the API shows them while they are few.

A message is `{"type", "timestamp", "data"}`. `data.ids` names every record the message is about; `data.items` holds the
records themselves when they are few and small; of a mass change only the ids are told, and the receiver fetches what it needs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import insert

from saas.catalog import products
from saas.catalog import schemas as product_schemas
from saas.commerce import finding as order_finding
from saas.commerce import orders
from saas.commerce import schemas as order_schemas
from saas.customers import facts
from saas.customers import finding as customer_finding
from saas.customers import schemas as customer_schemas
from saas.integrations import hooks
from saas.integrations.models import DeliveryOut
from saas.kit import clock, identifiers, scope
from saas.kit.db import db

FEW, MOST_BYTES = 20, 20_000


def tell_ids(topic: str, ids: list[str]) -> int:
    """Write a message about records for every webhook that wants it; returns how many messages."""
    wanting = hooks.telling(topic) if ids else []
    if not wanting:
        return 0
    data: dict[str, Any] = {"ids": ids}
    if len(ids) <= FEW and topic in SHOWN:
        items = SHOWN[topic]([UUID(one) for one in ids])
        if len(_plain(items)) <= MOST_BYTES - 1500:
            data["items"] = items
    return _write(topic, data, wanting)


def tell(topic: str, data: dict[str, Any]) -> int:
    """Write a message with this data for every webhook that wants the topic; returns how many messages."""
    wanting = hooks.telling(topic)
    return _write(topic, data, wanting) if wanting else 0


def ping(hook_id: UUID) -> UUID:
    """Write a message that only tries whether a webhook hears us; returns its id."""
    row = _row("ping", {"hook_id": str(hook_id)}, hook_id)
    db.session.execute(insert(DeliveryOut), [row])
    return row["id"]


def _write(topic: str, data: dict[str, Any], wanting: list[UUID]) -> int:
    db.session.execute(insert(DeliveryOut), [_row(topic, data, hook_id) for hook_id in wanting])
    return len(wanting)


def _row(topic: str, data: dict[str, Any], hook_id: UUID) -> dict[str, Any]:
    body = _plain({"type": topic, "timestamp": clock.now().isoformat(), "data": data})
    return {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "hook_id": hook_id, "topic": topic, "body": body}


def _plain(value: Any) -> bytes:
    return orjson.dumps(value, default=str)


def _customers(ids: list[UUID]) -> list[dict[str, Any]]:
    known, found = facts.of(ids), customer_finding.many(ids)
    return [customer_schemas.shown(found[one], known.get(one)) for one in ids if one in found]


def _products(ids: list[UUID]) -> list[dict[str, Any]]:
    found = products.many(ids)
    return [product_schemas.shown(found[one]) for one in ids if one in found]


def _orders(ids: list[UUID]) -> list[dict[str, Any]]:
    lines, found = defaultdict(list), order_finding.many(ids)
    for line in orders.lines_of(list(found)):
        lines[line.order_id].append(line)
    beside = orders.parts_of(list(found))
    return [order_schemas.shown(found[one], lines[one], **beside[one]) for one in ids if one in found]


SHOWN: dict[str, Callable[[list[UUID]], list[dict[str, Any]]]] = {
    "customer.changed": _customers, "product.changed": _products, "order.changed": _orders,
}  # fmt: skip
