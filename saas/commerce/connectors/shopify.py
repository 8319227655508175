"""Shopify: its signature in both generations of headers, its deliveries, and what they mean here.

Facts behind it: a delivery is signed over its raw body with the app's client secret and comes at least once, in any order,
with the same body when it is repeated. Its documentation names two ids to tell repetitions by, and both are seen to be
shared by deliveries that differ; so a delivery is known by its topic, its event and the digest of its body. Money is text in
the shop's own currency. `current_total_price` is after edits and refunds, `total_price` before them: what was agreed on in
the end is the current total and what was given back. Carts carry no address; checkouts do.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from saas import config
from saas.catalog import products
from saas.commerce import fulfilments, orders, privacy, returns, shops
from saas.commerce.connectors import past, shopify_carts, shopify_products, shopify_shapes
from saas.commerce.connectors.delivery import BadSignature, Body, Delivery, Headers, Unmappable, filled, must
from saas.commerce.connectors.past import Origin
from saas.commerce.connectors.shopify_coupons import Till
from saas.commerce.connectors.shopify_orders import (
    address,
    cart_key,
    fulfilment_item,
    moment,
    order_item,
    person_item,
    refund_item,
    return_item,
)
from saas.commerce.connectors.shopify_past import Shopify
from saas.commerce.models import Shop
from saas.commerce.refusal_words import Reason
from saas.customers import arriving, consent, identity

PRIVACY = ("customers/data_request", "customers/redact", "shop/redact")
WISHES = {"subscribed": "granted", "unsubscribed": "withdrawn"}


def signing_secrets(shop: Shop) -> list[str]:
    """Return the client secrets deliveries may be signed with: the own app's, now and before, or that of the house's app."""
    held = shops.access(shop) or {}
    found = [held.get("client_secret"), held.get("previous_secret"), config.get().shopify_client_secret]
    return [secret for secret in found if secret]


def told(headers: Headers, name: str) -> str:
    """Return a header of a delivery in either generation: X-Shopify-Topic or Shopify-Topic."""
    return headers.get(f"x-shopify-{name}") or headers.get(f"shopify-{name}") or ""


def topic_said(headers: Headers) -> str:
    return told(headers, "topic").lower()


def verified(headers: Headers, raw: bytes, secrets: Sequence[str]) -> Delivery | None:
    """Return the delivery when its signature is one of the secrets'; raises BadSignature."""
    given = told(headers, "hmac-sha256")
    good = [base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode() for secret in secrets]
    if not any(hmac.compare_digest(given.encode(), one.encode()) for one in good):
        raise BadSignature
    topic = topic_said(headers)[:100]
    event = (told(headers, "event-id") or told(headers, "webhook-id"))[:100]
    return Delivery(topic=topic, resource="", key=f"{topic}:{event}:{hashlib.sha256(raw).hexdigest()}")


def topic_of(delivery: Delivery, body: Body) -> Delivery:
    resource = body.get("id") or body.get("customer_id") or (body.get("customer") or {}).get("id") or ""
    return Delivery(topic=delivery.topic, resource=str(resource)[:200], key=delivery.key)


def order_of(body: Body, *, topic: str) -> dict[str, Any] | None:
    """Return the order a delivery tells of in our shape, or None when it tells of something else; raises Unmappable."""
    whole = topic.startswith("orders/") and topic != "orders/delete" and "id" in body and "line_items" in body
    return order_item(body) if whole else None


def take(body: Body, *, topic: str, origin: Origin) -> None:
    """Write what a delivery tells; raises Unmappable with the reason. Topics that concern nobody here change nothing."""
    kind, _slash, act = topic.partition("/")
    if topic in PRIVACY:
        _pass_on(topic, body, origin)
    elif topic == "app/uninstalled":
        shops.uninstalled(origin.source_id)
    elif kind in ("orders", "products", "customers") and "id" not in body:
        raise Unmappable(Reason("body_no_id"))
    elif kind == "orders" and act == "delete":
        orders.remove(keys=[str(body["id"])], source_id=origin.source_id, loud=True)
    elif kind == "orders" and "line_items" in body:
        must(orders.record_many([order_item(body)], origin.source_id, loud=True))
    elif kind == "orders" and act in (
        "create",
        "updated",
        "cancelled",
        "edited",
        "paid",
        "fulfilled",
        "partially_fulfilled",
    ):
        raise Unmappable(Reason("field_missing", name="line_items"))
    elif kind == "returns":
        _take_return(body, origin)
    elif kind == "refunds":
        _take_refund(body, origin)
    elif kind == "fulfillments":
        _take_fulfilment(body, origin)
    elif kind == "products" and act == "delete":
        products.retire(external_ids=[str(body["id"])], source_id=origin.source_id)
    elif kind == "products":
        shopify_products.take(body, origin)
    elif topic == "inventory_levels/update":
        shopify_products.take_level(body, origin)
    elif kind == "customers" and act != "delete":
        must(_store_customers([body], origin))
    elif kind == "customers_email_marketing_consent":
        _take_consent(body, origin)
    elif kind in ("carts", "checkouts") and act != "delete":
        shopify_carts.take(body, key=cart_key, customer=person_item(body), origin=origin, checkout=kind == "checkouts")


def _pass_on(topic: str, body: Body, origin: Origin) -> None:
    try:
        privacy.asked(topic, body, source_id=origin.source_id)
    except privacy.NotAnswered as error:
        raise Unmappable(str(error)) from None


# What is read from the store's past has the shape of the API; it is brought into that of deliveries and taken like them.


whole = shopify_products.whole


def history(shop: Shop) -> Shopify | None:
    """Return the store with its keys, to read its past from; None while it has none."""
    held = shops.access(shop)
    return Shopify(held) if held and held["way"] != shops.GONE else None


def till(shop: Shop) -> Till | None:
    """Return the store as one that takes codes of coupons; None while it has no keys."""
    held = shops.access(shop)
    return Till(held) if held and held["way"] != shops.GONE else None


def write(kind: str, bodies: Sequence[Body], origin: Origin) -> past.Written:
    """Write a portion of the past, and say of each thing what became of it."""
    if kind == "products":
        store: Any = lambda items: products.upsert_many(items, origin.source_id)  # noqa: E731 - one line says it all
        return past.write(bodies, read=lambda node: shopify_products.read(node, origin), store=store)
    if kind == "customers":
        return past.write(bodies, read=_read_customer, store=lambda found: _store_customers(found, origin))
    return past.write(
        bodies, read=_read_order, store=lambda found: orders.record_many(found, origin.source_id, loud=origin.news)
    )


def _read_customer(node: Body) -> Body:
    body = shopify_shapes.customer(node)
    customer_item(body)
    return body


def _read_order(node: Body) -> Body:
    return order_item(shopify_shapes.order(node))


# Customers


def customer_item(body: Body) -> dict[str, Any]:
    """Return a Shopify customer in our shape; what is empty there stays unsaid. What they agreed to is taken apart."""
    where = body.get("default_address") or {}
    tags = body.get("tags")
    return filled(
        external_id=str(body["id"]), email=body.get("email"), first_name=body.get("first_name") or where.get("first_name"),
        last_name=body.get("last_name") or where.get("last_name"), language=body.get("locale"), created_at=moment(body, "created_at"),
        updated_at=moment(body, "updated_at") or moment(body, "created_at"), tags=_words(tags) if tags is not None else None,
        **(address(where) | filled(phone=body.get("phone") or where.get("phone"))),
    )  # fmt: skip


def wish_of(body: Body) -> tuple[str, datetime | None, bool] | None:
    """Return (granted or withdrawn, since when, whether confirmed by a click) of a customer, or None when they said neither."""
    said = body.get("email_marketing_consent")
    if isinstance(said, dict):
        state = WISHES.get(str(said.get("state")).lower())
        sure = str(said.get("opt_in_level")).lower() == "confirmed_opt_in"
        at = moment(said, "consent_updated_at") or moment(body, "created_at" if state == "granted" else "updated_at")
        return (state, at, sure) if state else None
    if body.get("accepts_marketing") is True:
        return "granted", moment(body, "accepts_marketing_updated_at") or moment(body, "created_at"), False
    return None


def _store_customers(bodies: Sequence[Body], origin: Origin) -> list[arriving.Upserted]:
    results = arriving.upsert_many([customer_item(body) for body in bodies], origin.source_id)
    wishes = [(result.id, wish_of(body)) for result, body in zip(results, bodies, strict=True) if result.id]
    _record_wishes([(customer, wish) for customer, wish in wishes if wish])
    return results


def _record_wishes(wishes: Sequence[tuple[UUID, tuple[str, datetime | None, bool]]]) -> None:
    """Write down what customers agreed to, as of when they did: the customer's own last change may be years later."""
    for sure in (False, True):
        said = [(customer, state, at) for customer, (state, at, confirmed) in wishes if confirmed is sure]
        if said:
            consent.record_many(said, source="shop", proof={"confirmed": True} if sure else None)


def _take_consent(body: Body, origin: Origin) -> None:
    """A change of mind comes by itself, for whom we know; whom we do not know comes with what they think."""
    found = identity.find("external", str(body.get("customer_id") or ""), origin.source_id)
    wish = wish_of(body)
    if found is not None and wish is not None:
        _record_wishes([(found, wish)])


# Orders


def _take_refund(body: Body, origin: Origin) -> None:
    """A refund that comes by itself; whether it is in the shop's currency is known by its order."""
    if not body.get("order_id") or "id" not in body:
        raise Unmappable(Reason("refund_lacks"))
    order = orders.by_key(str(body["order_id"]), origin.source_id)
    item = refund_item(body, order.currency if order is not None else "")
    if Decimal(item["amount"]):
        _part(orders.record_refund, item, str(body["order_id"]), origin)


def _take_fulfilment(body: Body, origin: Origin) -> None:
    if not body.get("order_id") or "id" not in body:
        raise Unmappable(Reason("fulfilment_lacks"))
    _part(fulfilments.record, fulfilment_item(body), str(body["order_id"]), origin)


def _take_return(body: Body, origin: Origin) -> None:
    order_key = (body.get("order") or {}).get("id") or body.get("order_id")
    if not order_key or "id" not in body:
        raise Unmappable(Reason("return_lacks"))
    _part(returns.record, return_item(body), str(order_key), origin)


def _part(record: Any, item: dict[str, Any], order_key: str, origin: Origin) -> None:
    try:
        record(item, order_key=order_key, source_id=origin.source_id, loud=True)
    except orders.BadItem as error:
        raise Unmappable(str(error)) from None


# Small things


def _words(tags: Any) -> list[str]:
    found = tags if isinstance(tags, list) else str(tags).split(",")
    return [word for tag in found if (word := str(tag).strip())]
