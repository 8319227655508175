"""WooCommerce: its signature, its deliveries, its REST resources, as seen on running stores (10.0, 7.9, 3.8).

Its Delivery-ID is not one: deliveries of the same second share it and a repetition gets another. A delivery is therefore
known by its topic, its resource and the digest of its body; but one of a deletion says nothing than the id, and something may
be fetched out of the trash and deleted again, so there the Delivery-ID counts too. Bodies carry the state at delivery time; guests have customer
id 0 and only a billing address; money is text; the dates that count end in `_gmt` and carry no zone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from saas.catalog import products
from saas.commerce import orders, shops
from saas.commerce.connectors import past, woocommerce_products
from saas.commerce.connectors.delivery import BadSignature, Body, Delivery, Headers, Unmappable, filled, must
from saas.commerce.connectors.past import Origin
from saas.commerce.connectors.woocommerce_coupons import Till
from saas.commerce.connectors.woocommerce_orders import address, moment, order_item
from saas.commerce.connectors.woocommerce_past import BROKEN, Woo
from saas.commerce.connectors.woocommerce_products import product_item
from saas.commerce.connectors.woocommerce_rest import Store
from saas.commerce.models import Shop
from saas.commerce.refusal_words import Reason
from saas.customers import arriving
from saas.kit import reasons


def signing_secrets(shop: Shop) -> list[str]:
    return shops.secrets_of(shop)


def topic_said(headers: Headers) -> str:
    return headers.get("x-wc-webhook-topic", "")


def verified(headers: Headers, raw: bytes, secrets: Sequence[str]) -> Delivery | None:
    """Return the delivery when its signature is one of the secrets'; None for the unsigned ping; raises BadSignature."""
    if not headers.get("x-wc-webhook-topic") and raw.startswith(b"webhook_id="):
        return None
    given = headers.get("x-wc-webhook-signature", "")
    good = [base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode() for secret in secrets]
    if not any(hmac.compare_digest(given, one) for one in good):
        raise BadSignature
    if raw.strip() in NOTHING:
        return None
    topic, digest = headers.get("x-wc-webhook-topic", "")[:100], hashlib.sha256(raw).hexdigest()
    again = headers.get("x-wc-webhook-delivery-id", "")[:64] if topic.endswith((".deleted", ".restored")) else ""
    return Delivery(topic=topic, resource="", key=f"{topic}:{again}:{digest}" if again else f"{topic}:{digest}")


NOTHING = (b"", b"[]", b"null", b'""', b"false")
"""What older stores deliver of something that was gone before its message left; refused, it would switch their webhook off."""


def topic_of(delivery: Delivery, body: Body) -> Delivery:
    return Delivery(topic=delivery.topic, resource=str(body.get("id", ""))[:200], key=delivery.key)


def order_of(body: Body, *, topic: str) -> dict[str, Any] | None:
    """Return the order a delivery tells of in our shape, or None when it tells of something else; raises Unmappable."""
    whole = topic.startswith("order.") and topic not in ("order.deleted", "order.restored") and "id" in body
    return order_item(_whole("orders", body)) if whole else None


def take(body: Body, *, topic: str, origin: Origin) -> None:
    """Write what a delivery tells; raises Unmappable with the reason. Topics that concern nobody here change nothing."""
    kind, _dot, act = topic.partition(".")
    if "id" not in body and _refused(body) in (404, 410):
        return  # the store renders a delivery when it leaves; by then the resource was gone
    if "id" not in body and _refused(body) in (401, 403):
        raise Unmappable(Reason("hook_not_allowed"))
    if "id" not in body and isinstance(body.get(kind), dict):
        raise Unmappable(Reason("hook_legacy"))
    if "id" not in body and kind in ("order", "customer", "product", "product_variation"):
        raise Unmappable(Reason("body_no_id"))
    if kind == "order" and act == "deleted":
        orders.remove(keys=[str(body["id"])], source_id=origin.source_id, loud=True)
    elif kind == "order":
        if act == "restored":
            orders.put_back(keys=[str(body["id"])], source_id=origin.source_id)
        item = order_item(_whole("orders", body))
        must(orders.record_many([item] if item else [], origin.source_id, loud=True))
    elif kind in ("product", "product_variation") and act == "deleted":
        products.retire(external_ids=[str(body["id"])], source_id=origin.source_id)
    elif kind in ("product", "product_variation"):
        if act == "restored":
            products.put_back(external_ids=[str(body["id"])], source_id=origin.source_id)
        woocommerce_products.take(body, origin)
    elif kind == "customer" and act != "deleted":
        must(arriving.upsert_many([customer_item(body)], origin.source_id))


def _refused(body: Body) -> int | None:
    """Return the status of a refusal of WordPress that is delivered in place of a thing."""
    told = body.get("data")
    status = told.get("status") if isinstance(told, dict) else None
    return status if isinstance(status, int) else None


def customer_item(body: Body) -> dict[str, Any]:
    """Return a WooCommerce customer in our shape; what is empty there stays unsaid."""
    billing = body.get("billing") or {}
    return filled(
        external_id=str(body["id"]), email=body.get("email") or billing.get("email"),
        first_name=body.get("first_name") or billing.get("first_name"), last_name=body.get("last_name") or billing.get("last_name"),
        updated_at=moment(body, "date_modified") or moment(body, "date_created"), **address(billing),
    )  # fmt: skip


whole = woocommerce_products.whole


def history(shop: Shop) -> Woo | None:
    """Return the store with its keys, to read its past from; None while it has none."""
    held = shops.access(shop)
    if not held or not shop.url:
        return None
    store = Store(shop.url, held["key"], held["secret"], root=held.get("root", ""), way=held.get("way", ""))
    wished = shop.backfill.get("orders_from")
    return Woo(store, orders_from=datetime.fromisoformat(wished) if wished else None)


def till(shop: Shop) -> Till | None:
    """Return the store as one that takes codes of coupons; None while it has no keys."""
    held = shops.access(shop)
    if not held or not shop.url:
        return None
    return Till(Store(shop.url, held["key"], held["secret"], root=held.get("root", ""), way=held.get("way", "")))


WRITTEN = {"recent_orders": "orders", "aged_orders": "orders"}
EXPECTED: dict[str, tuple[str, ...]] = {
    "orders": ("status", "currency", "line_items", "total"), "products": ("name", "status"), "customers": ("email",),
}  # fmt: skip
"""What a thing of the past must say; a store that names one of these otherwise would be read as if it said nothing."""


def write(kind: str, bodies: Sequence[Body], origin: Origin) -> past.Written:
    """Write a portion of the past, and say of each thing what became of it."""
    kind = WRITTEN.get(kind, kind)
    read: Any = {
        "products": lambda body: product_item(body, origin.currency),
        "customers": customer_item,
        "orders": order_item,
    }
    store: Any = {
        "products": products.upsert_many,
        "customers": arriving.upsert_many,
        "orders": partial(orders.record_many, loud=origin.news),
    }
    return past.write(
        bodies,
        read=lambda body: read[kind](_whole(kind, body)),
        store=lambda items: store[kind](items, origin.source_id),
    )


def _whole(kind: str, body: Body) -> Body:
    """Return a thing of the past that says what it must; raises Unmappable with what is missing or of another kind."""
    if BROKEN in body:
        raise Unmappable(reasons.read(body[BROKEN]))
    for name in ("id", *EXPECTED[kind]):
        if name not in body:
            raise Unmappable(Reason("field_missing", name=name))
    if isinstance(body["id"], bool) or not str(body["id"]).isdigit():
        raise Unmappable(Reason("id_no_number", said=str(body["id"])[:40]))
    lines = body.get("line_items", [])
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise Unmappable(Reason("lines_no_list"))
    return body
