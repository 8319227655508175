"""Any store that can send JSON: signed like Standard Webhooks 1.0, bodies in the shape of our own API.

Source of the signature scheme: the Standard Webhooks specification, `id.timestamp.body` under HMAC-SHA256.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError

from saas.catalog import products
from saas.catalog.schemas import ProductIn
from saas.commerce import fulfilments, orders, returns, shops
from saas.commerce.connectors.delivery import BadSignature, Body, Delivery, Headers, Unmappable, must
from saas.commerce.connectors.generic_coupons import Till
from saas.commerce.connectors.past import Origin
from saas.commerce.models import Shop
from saas.commerce.refusal_words import Reason
from saas.commerce.schemas import FulfilmentIn, OrderIn, RefundIn, ReturnIn
from saas.customers import arriving
from saas.customers.schemas import CustomerIn
from saas.kit import clock

TOLERANCE = 300
TOPICS = (
    "customer.created", "customer.updated", "product.created", "product.updated", "product.deleted", "order.created", "order.updated",
    "order.deleted", "refund.created", "fulfilment.created", "fulfilment.updated", "return.created", "return.updated", "ping",
)  # fmt: skip


def key_of(secret: str) -> bytes:
    """Return the bytes a secret signs with: decoded base64 after `whsec_`, else the text itself."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            return secret.encode()
    return secret.encode()


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature header's value for a message."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()).decode()


def signing_secrets(shop: Shop) -> list[str]:
    return shops.secrets_of(shop)


def topic_said(headers: Headers) -> str:
    return ""


def history(shop: Shop) -> None:
    """Such a store sends its past itself, through the API."""


def till(shop: Shop) -> Till:
    """Return the shop as one that takes codes of coupons: told them at its address, or fetching them."""
    return Till(shop.coupons_url, shops.secret_of(shop), signature)


def verified(headers: Headers, raw: bytes, secrets: Sequence[str]) -> Delivery | None:
    """Return the delivery when its signature is one of the secrets' and fresh; raises BadSignature."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not timestamp.isdigit():
        raise BadSignature("Send webhook-id, webhook-timestamp and webhook-signature.")
    given = [part for part in headers.get("webhook-signature", "").split() if part.startswith("v1,")]
    good = [signature(secret, message_id, timestamp, raw) for secret in secrets]
    if not any(hmac.compare_digest(one, other) for one in given for other in good):
        raise BadSignature
    if abs(clock.now().timestamp() - int(timestamp)) > TOLERANCE:
        raise BadSignature("The webhook-timestamp is more than five minutes away from now.")
    return Delivery(topic="", resource="", key=message_id[:200])


def topic_of(delivery: Delivery, body: Body) -> Delivery:
    """Return the delivery with what its body says it is about."""
    data = body.get("data")
    resource = str(data.get("external_id", "")) if isinstance(data, dict) else ""
    return Delivery(topic=str(body.get("type", ""))[:100], resource=resource[:200], key=delivery.key)


def order_of(body: Body, *, topic: str) -> dict[str, Any] | None:
    """Return the order a delivery tells of in our shape, or None when it tells of something else; raises Unmappable."""
    data = body.get("data")
    return _load(OrderIn, data) if topic in ("order.created", "order.updated") and isinstance(data, dict) else None


def take(body: Body, *, topic: str, origin: Origin) -> None:
    """Write what a delivery tells; raises Unmappable with the reason when it cannot be understood."""
    data, source_id = body.get("data"), origin.source_id
    if topic == "ping":
        return
    if topic not in TOPICS:
        raise Unmappable(Reason("topic_unknown", topic=topic[:60]))
    if not isinstance(data, dict):
        raise Unmappable(Reason("body_no_data"))
    match topic.split("."):
        case ["customer", _]:
            must(arriving.upsert_many([_load(CustomerIn, data)], source_id))
        case ["product", "deleted"]:
            products.retire(external_ids=[str(data.get("external_id", ""))], source_id=source_id)
        case ["product", _]:
            must(products.upsert_many([_load(ProductIn, data)], source_id))
        case ["order", "deleted"]:
            orders.remove(keys=[str(data.get("external_id", ""))], source_id=source_id, loud=True)
        case ["order", _]:
            must(orders.record_many([_load(OrderIn, data)], source_id, loud=True))
        case [part, _]:
            _take_part(part, data, source_id)


PARTS: dict[str, tuple[type[Schema], Any]] = {
    "refund": (RefundIn, orders.record_refund), "fulfilment": (FulfilmentIn, fulfilments.record), "return": (ReturnIn, returns.record),
}  # fmt: skip


def _take_part(part: str, data: dict[str, Any], source_id: UUID) -> None:
    """Take what belongs to an order and comes by itself, before or after it."""
    order_key, (schema, record) = data.get("order"), PARTS[part]
    if not order_key:
        raise Unmappable(Reason("part_lacks", part=part))
    item = _load(schema, {name: value for name, value in data.items() if name != "order"})
    try:
        record(item, order_key=str(order_key), source_id=source_id, loud=True)
    except orders.BadItem as error:
        raise Unmappable(str(error)) from None


@lru_cache
def _made(schema: type[Schema]) -> Schema:
    """Return what reads a kind of item; making it anew for each takes longer than reading one."""
    return schema()


def _load(schema: type[Schema], data: dict[str, Any]) -> dict[str, Any]:
    try:
        return _made(schema).load(data)
    except ValidationError as error:
        words = "; ".join(
            f"{name}: {' '.join(map(str, said)) if isinstance(said, list) else said}"
            for name, said in error.messages.items()
        )
        raise Unmappable(words[:500]) from None
