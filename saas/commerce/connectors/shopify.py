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
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from saas import config
from saas.catalog import products
from saas.commerce import orders, privacy, shops
from saas.commerce.connectors import past, shopify_carts, shopify_shapes
from saas.commerce.connectors.delivery import BadSignature, Body, Delivery, Headers, Unmappable, filled, must, plain
from saas.commerce.connectors.past import Origin
from saas.commerce.connectors.shopify_past import Shopify
from saas.commerce.models import Shop
from saas.customers import arriving, consent, identity, timeline
from saas.kit import money

PRIVACY = ("customers/data_request", "customers/redact", "shop/redact")
PAID = {
    "paid": "paid", "partially_refunded": "paid", "refunded": "refunded", "voided": "cancelled", "expired": "failed",
    "pending": "pending", "authorized": "pending", "partially_paid": "pending",
}  # fmt: skip
WISHES = {"subscribed": "granted", "unsubscribed": "withdrawn"}
SHIPPED = ("success", "open", "pending")


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


def take(body: Body, *, topic: str, origin: Origin) -> None:
    """Write what a delivery tells; raises Unmappable with the reason. Topics that concern nobody here change nothing."""
    kind, _slash, act = topic.partition("/")
    if topic in PRIVACY:
        _pass_on(topic, body, origin)
    elif topic == "app/uninstalled":
        shops.uninstalled(origin.source_id)
    elif kind in ("orders", "products", "customers") and "id" not in body:
        raise Unmappable("The body has no id.")
    elif kind == "orders" and act == "delete":
        orders.remove(keys=[str(body["id"])], source_id=origin.source_id)
    elif kind == "orders" and "line_items" in body:
        must(_store_orders([body], origin))
    elif kind == "refunds":
        _take_refund(body, origin)
    elif kind == "fulfillments":
        _take_fulfilment(body, origin)
    elif kind == "products" and act == "delete":
        products.retire(external_ids=[str(body["id"])], source_id=origin.source_id)
    elif kind == "products":
        must(products.upsert_many([product_item(body, origin)], origin.source_id))
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


def history(shop: Shop) -> Shopify | None:
    """Return the store with its keys, to read its past from; None while it has none."""
    held = shops.access(shop)
    return Shopify(held) if held and held["way"] != shops.GONE else None


def write(kind: str, bodies: Sequence[Body], origin: Origin) -> tuple[int, int]:
    """Write a portion of the past; returns how many changed something and how many could not be understood."""
    if kind == "products":
        store: Any = lambda items: products.upsert_many(items, origin.source_id)  # noqa: E731 - one line says it all
        return past.write(bodies, read=lambda node: product_item(shopify_shapes.product(node), origin), store=store)
    if kind == "customers":
        return past.write(bodies, read=_read_customer, store=lambda found: _store_customers(found, origin))
    return past.write(bodies, read=_read_order, store=lambda found: _store_orders(found, origin))


def _read_customer(node: Body) -> Body:
    body = shopify_shapes.customer(node)
    customer_item(body)
    return body


def _read_order(node: Body) -> Body:
    body = shopify_shapes.order(node)
    order_item(body)
    return body


# Customers


def customer_item(body: Body) -> dict[str, Any]:
    """Return a Shopify customer in our shape; what is empty there stays unsaid. What they agreed to is taken apart."""
    where = body.get("default_address") or {}
    tags = body.get("tags")
    return filled(
        external_id=str(body["id"]), email=body.get("email"), first_name=body.get("first_name") or where.get("first_name"),
        last_name=body.get("last_name") or where.get("last_name"), language=body.get("locale"), created_at=moment(body, "created_at"),
        updated_at=moment(body, "updated_at") or moment(body, "created_at"), tags=_words(tags) if tags is not None else None,
        **(_address(where) | filled(phone=body.get("phone") or where.get("phone"))),
    )  # fmt: skip


def person_item(body: Body) -> dict[str, Any] | None:
    """Return whom an order or a checkout names, or None: the account, and beside it what was typed for this purchase."""
    account, typed = body.get("customer") or {}, body.get("billing_address") or body.get("shipping_address") or {}
    where = typed or account.get("default_address") or {}
    found = filled(
        external_id=str(account["id"]) if account.get("id") else None, email=account.get("email") or body.get("email"),
        first_name=account.get("first_name") or where.get("first_name"), last_name=account.get("last_name") or where.get("last_name"),
        language=body.get("customer_locale"), **(_address(where) | filled(phone=account.get("phone") or body.get("phone") or where.get("phone"))),
    )  # fmt: skip
    return found if found.keys() & {"external_id", "email", "phone"} else None


def _address(where: Body) -> dict[str, Any]:
    street = " ".join(part for part in (where.get("address1"), where.get("address2")) if part)
    return filled(
        company=where.get("company"), address=street, city=where.get("city"), postcode=where.get("zip"),
        country=where.get("country_code"),
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


# Products


def product_item(body: Body, origin: Origin) -> dict[str, Any]:
    """Return a Shopify product in our shape: one product, at the price of its cheapest variant, with the stock of all."""
    variants = body.get("variants") or []
    images = [body.get("image") or {}, *(body.get("images") or [])]
    prices = [amount(variant.get("price")) for variant in variants if variant.get("price") not in (None, "")]
    category = (body.get("category") or {}).get("name")
    return filled(
        external_id=str(body["id"]), sku=next((one["sku"] for one in variants if one.get("sku")), None), name=body.get("title"),
        url=f"{origin.url}/products/{body['handle']}" if origin.url and body.get("handle") else None,
        image_url=next((one["src"] for one in images if one.get("src")), None), price=str(min(prices)) if prices else None,
        currency=origin.currency, description=plain(body.get("body_html") or ""),
        updated_at=moment(body, "updated_at") or moment(body, "created_at"),
    ) | {
        "categories": list(dict.fromkeys(word for word in (body.get("product_type"), category) if word)), "tags": _words(body.get("tags") or ""),
        "stock": _stock(variants), "active": str(body.get("status") or "active").lower() == "active" and bool(body.get("published_at")),
    }  # fmt: skip


def _stock(variants: Sequence[Body]) -> int | None:
    """Return how many can be sold, None where a variant is not counted or is sold beyond its stock."""
    counted = [one for one in variants if one.get("inventory_management") and one.get("inventory_policy") != "continue"]
    if not variants or len(counted) < len(variants):
        return None
    return sum(max(int(one.get("inventory_quantity") or 0), 0) for one in counted)


# Orders


def _store_orders(bodies: Sequence[Body], origin: Origin) -> list[orders.Recorded]:
    real = [body for body in bodies if not body.get("test")]
    results = orders.record_many([order_item(body) for body in real], origin.source_id) if real else []
    parcels = [
        (result.id, parcel)
        for result, body in zip(results, real, strict=True)
        if result.id
        for parcel in body.get("fulfillments") or []
    ]
    _tell_parcels(parcels)
    return results


def order_item(body: Body) -> dict[str, Any]:
    """Return a Shopify order in our shape; raises Unmappable when its money cannot be read."""
    attributes = {
        str(one.get("name")): one.get("value") for one in body.get("note_attributes") or [] if isinstance(one, dict)
    }
    changed = moment(body, "updated_at") or moment(body, "created_at")
    refunds = [refund_item(one, str(body.get("currency") or "")) for one in body.get("refunds") or []]
    given_back = [one for one in refunds if Decimal(one["amount"])]
    return {
        "external_id": str(body["id"]), "number": str(body.get("name") or body.get("order_number") or body["id"]).lstrip("#"),
        "status": state_of(body), "currency": body.get("currency"), "placed_at": moment(body, "processed_at") or moment(body, "created_at"),
        "updated_at": changed, "customer": person_item(body), "visitor": str(attributes.get("_regulars_visitor") or ""),
        "cart_id": cart_key(body.get("cart_token")), "lines": _lines(body, bool(given_back)), "shipping": _shipping(body), "discount": "0",
        "tax": str(amount(body.get("total_tax"))), "total": str(_total(body, given_back)), "refunds": given_back,
    }  # fmt: skip


def state_of(body: Body) -> str:
    """Return the one state of an order from Shopify's two and its cancellation."""
    if body.get("cancelled_at"):
        return "cancelled"
    state = PAID.get(str(body.get("financial_status") or "pending").lower(), "pending")
    return "fulfilled" if state in ("paid", "pending") and body.get("fulfillment_status") == "fulfilled" else state


def _total(body: Body, given_back: Sequence[dict[str, Any]]) -> Decimal:
    """Return what was agreed on in the end: without what an edit took out again, with what was given back later."""
    agreed = amount(body.get("total_price"))
    if body.get("current_total_price") in (None, "") or body.get("cancelled_at"):
        return agreed
    return amount(body["current_total_price"]) + sum((Decimal(one["amount"]) for one in given_back), Decimal(0))


def _shipping(body: Body) -> str:
    whole = (body.get("total_shipping_price_set") or {}).get("shop_money") or {}
    if whole.get("amount") not in (None, ""):
        return str(amount(whole["amount"]))
    return str(sum((amount(line.get("price")) for line in body.get("shipping_lines") or []), Decimal(0)))


def _lines(body: Body, money_went_back: bool) -> list[dict[str, Any]]:
    """Return the lines in their order; their ids are larger than a position can be."""
    returned: dict[str, int] = {}
    listed = False
    for refund in body.get("refunds") or []:
        listed = listed or "refund_line_items" in refund
        if Decimal(refund_item(refund, str(body.get("currency") or ""))["amount"]):
            for one in refund.get("refund_line_items") or []:
                key = str(one.get("line_item_id"))
                returned[key] = returned.get(key, 0) + int(one.get("quantity") or 0)
    found = []
    for place, line in enumerate(body.get("line_items") or []):
        first = int(line.get("quantity") or 0)
        quantity = first
        if (
            line.get("current_quantity") is not None
            and not body.get("cancelled_at")
            and (listed or not money_went_back)
        ):
            quantity = min(int(line["current_quantity"]) + returned.get(str(line.get("id")), 0), first)
        found.append({
            "position": place, "product": str(line.get("product_id") or ""), "sku": line.get("sku") or "",
            "name": line.get("name") or line.get("title") or "", "quantity": quantity, "unit_price": _unit_price(line, first),
        })  # fmt: skip
    return [line for line in found if line["quantity"]]


def _unit_price(line: Body, quantity: int) -> str:
    """Return the price after all discounts on this line; they are given for the whole line."""
    off = sum((amount(one.get("amount")) for one in line.get("discount_allocations") or []), Decimal(0))
    each = amount(line.get("price")) - (off / quantity if quantity else 0)
    return money.micros_text(money.parse_micros(each))


def refund_item(body: Body, currency: str) -> dict[str, Any]:
    """Return a refund in our shape: the money that went back, in the shop's currency. 0 where nothing did, as with an edit."""
    went = [
        one for one in body.get("transactions") or []
        if one.get("kind") == "refund" and one.get("status") == "success" and not one.get("test")
    ]  # fmt: skip
    if currency and any((one.get("currency") or currency) != currency for one in went):
        sums = [
            (line.get(name) or {}).get("shop_money")
            for line in body.get("refund_line_items") or []
            for name in ("subtotal_set", "total_tax_set")
        ]
        whole = sum((amount((one or {}).get("amount")) for one in sums), Decimal(0))
        for one in body.get("order_adjustments") or []:
            whole -= amount(((one.get("amount_set") or {}).get("shop_money") or {}).get("amount"))
    else:
        whole = sum((amount(one.get("amount")) for one in went), Decimal(0))
    return filled(
        external_id=str(body["id"]), amount=str(whole), reason=body.get("note"), at=moment(body, "processed_at") or moment(body, "created_at"),
    )  # fmt: skip


def _take_refund(body: Body, origin: Origin) -> None:
    """A refund that comes by itself; whether it is in the shop's currency is known by its order."""
    if not body.get("order_id") or "id" not in body:
        raise Unmappable("A refund needs an id and the id of its order.")
    order = orders.by_key(str(body["order_id"]), origin.source_id)
    item = refund_item(body, order.currency if order is not None else "")
    if Decimal(item["amount"]):
        try:
            orders.record_refund(item, order_key=str(body["order_id"]), source_id=origin.source_id)
        except orders.BadItem as error:
            raise Unmappable(str(error)) from None


# Parcels


def _take_fulfilment(body: Body, origin: Origin) -> None:
    """A parcel is told of on its order's customer; one that comes before its order comes again inside the order."""
    order = orders.by_key(str(body.get("order_id") or ""), origin.source_id)
    if order is not None:
        _tell_parcels([(order.id, body)])


def _tell_parcels(parcels: Sequence[tuple[UUID, Body]]) -> None:
    """Put parcels into the timelines of those who wait for them; what happens to a parcel later renews its entry."""
    held = orders.many({order_id for order_id, _body in parcels})
    entries = []
    for order_id, body in parcels:
        order, at = held.get(order_id), moment(body, "created_at")
        if (
            order is None
            or order.customer_id is None
            or at is None
            or str(body.get("status") or "success").lower() not in SHIPPED
        ):
            continue
        there = str(body.get("shipment_status") or "").lower() == "delivered"
        details = filled(
            order_id=str(order.id), number=order.number, company=body.get("tracking_company"), tracking=body.get("tracking_number"),
            tracking_url=body.get("tracking_url"), state="delivered" if there else "sent",
        )  # fmt: skip
        title = f"Order {order.number} was delivered" if there else f"Order {order.number} was sent"
        entries.append({"customer_id": order.customer_id, "kind": "order", "at": at, "title": title, "key": f"{order.id}:{body.get('id')}",
                        "link": f"/orders/{order.id}", "details": details})  # fmt: skip
    timeline.add_many(entries)


# Small things


def cart_key(token: Any) -> str:
    """Return what a cart is known by: newer carts carry a secret of their own behind a question mark."""
    return str(token or "").partition("?")[0]


def moment(body: Body, name: str) -> datetime | None:
    """Return a time of a resource; raises Unmappable when it is none."""
    text = body.get(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise Unmappable(f"{name} is not a time: {str(text)[:40]}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def amount(text: Any) -> Decimal:
    """Return an amount of money, 0 when nothing is said; raises Unmappable."""
    try:
        found = Decimal(str(text if text not in (None, "") else 0))
    except InvalidOperation:
        raise Unmappable(f"This is not money: {str(text)[:40]}") from None
    if not found.is_finite():
        raise Unmappable(f"This is not money: {str(text)[:40]}")
    return found


def _words(tags: Any) -> list[str]:
    found = tags if isinstance(tags, list) else str(tags).split(",")
    return [word for tag in found if (word := str(tag).strip())]
