"""WooCommerce: its signature, its deliveries, its REST resources, as seen on running stores (10.0, 7.9, 3.8).

Its Delivery-ID is not one: deliveries of the same second share it and a repetition gets another. A delivery is therefore
known by its topic, its resource and the digest of its body. Bodies carry the state at delivery time; guests have customer
id 0 and only a billing address; money is text; the dates that count end in `_gmt` and carry no zone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from saas.catalog import products
from saas.commerce import orders, shops
from saas.commerce.connectors import past
from saas.commerce.connectors.delivery import BadSignature, Body, Delivery, Headers, Unmappable, filled, must, plain
from saas.commerce.connectors.past import Origin
from saas.commerce.connectors.woocommerce_rest import Store
from saas.commerce.models import Shop
from saas.customers import arriving
from saas.kit import money

STATES = {
    "pending": "pending", "on-hold": "pending", "checkout-draft": "pending", "processing": "paid", "completed": "fulfilled",
    "cancelled": "cancelled", "refunded": "refunded", "failed": "failed", "trash": "cancelled",
}  # fmt: skip


def signing_secrets(shop: Shop) -> list[str]:
    return shops.secrets(shop.id)


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
    topic = headers.get("x-wc-webhook-topic", "")[:100]
    return Delivery(topic=topic, resource="", key=f"{topic}:{hashlib.sha256(raw).hexdigest()}")


def topic_of(delivery: Delivery, body: Body) -> Delivery:
    return Delivery(topic=delivery.topic, resource=str(body.get("id", ""))[:200], key=delivery.key)


def take(body: Body, *, topic: str, origin: Origin) -> None:
    """Write what a delivery tells; raises Unmappable with the reason. Topics that concern nobody here change nothing."""
    kind, _dot, act = topic.partition(".")
    if (body.get("data") or {}).get("status") == 404 and "id" not in body:
        return  # the store renders a delivery when it leaves; by then the resource was gone
    if "id" not in body and kind in ("order", "customer", "product"):
        raise Unmappable("The body has no id.")
    if kind == "order" and act == "deleted":
        orders.remove(keys=[str(body["id"])], source_id=origin.source_id)
    elif kind == "order":
        must(orders.record_many([order_item(body)], origin.source_id))
    elif kind == "product" and act == "deleted":
        products.retire(external_ids=[str(body["id"])], source_id=origin.source_id)
    elif kind == "product":
        must(products.upsert_many([product_item(body, origin.currency)], origin.source_id))
    elif kind == "customer" and act != "deleted":
        must(arriving.upsert_many([customer_item(body)], origin.source_id))


def moment(body: Body, name: str) -> datetime | None:
    """Return a time of a resource in UTC; the `_gmt` twin is the one that means something."""
    text = body.get(f"{name}_gmt") or body.get(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise Unmappable(f"{name} is not a time: {str(text)[:40]}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def customer_item(body: Body) -> dict[str, Any]:
    """Return a WooCommerce customer in our shape; what is empty there stays unsaid."""
    billing = body.get("billing") or {}
    return filled(
        external_id=str(body["id"]), email=body.get("email") or billing.get("email"),
        first_name=body.get("first_name") or billing.get("first_name"), last_name=body.get("last_name") or billing.get("last_name"),
        updated_at=moment(body, "date_modified") or moment(body, "date_created"), **_address(billing),
    )  # fmt: skip


def _address(billing: Body) -> dict[str, Any]:
    street = " ".join(part for part in (billing.get("address_1"), billing.get("address_2")) if part)
    names = ("phone", "company", "country", "city", "postcode")
    return filled(address=street, **{name: billing.get(name) for name in names})


def product_item(body: Body, currency: str) -> dict[str, Any]:
    """Return a WooCommerce product in our shape; the shop's currency is not in it."""
    images = body.get("images") or []
    stock = body.get("stock_quantity")
    if stock is None and body.get("stock_status") == "outofstock":
        stock = 0
    return filled(
        external_id=str(body["id"]), sku=body.get("sku"), name=body.get("name"), url=body.get("permalink"),
        image_url=images[0].get("src") if images else None, price=body.get("price"), currency=currency,
        description=plain(body.get("short_description") or body.get("description") or ""),
        updated_at=moment(body, "date_modified") or moment(body, "date_created"),
    ) | {
        "categories": [str(one.get("name", "")) for one in body.get("categories") or []],
        "tags": [str(one.get("name", "")) for one in body.get("tags") or []],
        "stock": stock, "active": body.get("status") == "publish" and body.get("catalog_visibility") != "hidden",
    }  # fmt: skip


def order_item(body: Body) -> dict[str, Any]:
    """Return a WooCommerce order in our shape; raises Unmappable when its money cannot be read."""
    billing = body.get("billing") or {}
    account = int(body.get("customer_id") or 0)
    changed = moment(body, "date_modified") or moment(body, "date_created")
    customer = filled(
        external_id=str(account) if account else None, email=billing.get("email"), first_name=billing.get("first_name"),
        last_name=billing.get("last_name"), **_address(billing),
    )  # fmt: skip
    meta = {
        str(entry.get("key")): entry.get("value") for entry in body.get("meta_data") or [] if isinstance(entry, dict)
    }
    visitor = str(meta.get("_regulars_visitor") or "")
    return {
        "external_id": str(body["id"]), "number": str(body.get("number") or body["id"]), "status": STATES.get(str(body.get("status")), "pending"),
        "currency": body.get("currency"), "placed_at": moment(body, "date_created") or changed, "updated_at": changed,
        "customer": customer if customer.get("external_id") or customer.get("email") else None, "visitor": visitor,
        "cart_id": str(body.get("cart_hash") or ""), "lines": [_line(line) for line in body.get("line_items") or []],
        "shipping": body.get("shipping_total") or "0", "tax": body.get("total_tax") or "0", "discount": "0", "total": body.get("total"),
        "refunds": [
            {"external_id": str(one["id"]), "amount": str(one.get("total") or 0), "reason": one.get("reason") or ""}
            for one in body.get("refunds") or []
        ],
    }  # fmt: skip


def _line(line: Body) -> dict[str, Any]:
    """The unit price is the line's total after discounts over its quantity; `price` is a float there and not to be trusted."""
    quantity = int(line.get("quantity") or 0)
    try:
        total = Decimal(str(line.get("total") or line.get("subtotal") or 0))
    except InvalidOperation:
        raise Unmappable(f"A line's total is not money: {str(line.get('total'))[:40]}") from None
    unit = total / quantity if quantity else Decimal(0)
    return {
        "position": int(line["id"]), "product": str(line.get("product_id") or ""), "sku": line.get("sku") or "", "name": line.get("name") or "",
        "quantity": quantity, "unit_price": money.micros_text(money.parse_micros(unit)),
    }  # fmt: skip


def history(shop: Shop) -> Store | None:
    """Return the store with its keys, to read its past from; None while it has none."""
    held = shops.access(shop)
    if not held or not shop.url:
        return None
    return Store(shop.url, held["key"], held["secret"], root=held.get("root", ""), way=held.get("way", ""))


def write(kind: str, bodies: Sequence[Body], origin: Origin) -> tuple[int, int]:
    """Write a portion of the past; returns how many changed something and how many could not be understood."""
    read: Any = {
        "products": lambda body: product_item(body, origin.currency),
        "customers": customer_item,
        "orders": order_item,
    }
    store = {"products": products.upsert_many, "customers": arriving.upsert_many, "orders": orders.record_many}
    return past.write(bodies, read=read[kind], store=lambda items: store[kind](items, origin.source_id))
