"""Carts and checkouts as Shopify's server tells of them: taken like what a browser tells, for they are the same carts.

A cart whose attributes carry our tracker's visitor is that browser's. Any other has a browser made up from the cart, so that
the cart, its checkout and its order find each other by the cart's own token.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from saas.commerce import browsing
from saas.commerce.batches import Batch
from saas.commerce.connectors.delivery import Body, Unmappable
from saas.commerce.connectors.past import Origin
from saas.commerce.models import Cart
from saas.commerce.refusal_words import Reason
from saas.customers import arriving, identity
from saas.kit import scope
from saas.kit.db import db

VISITOR = re.compile(r"[A-Za-z0-9_-]{16,64}")


def take(
    body: Body, *, key: Callable[[Any], str], customer: dict[str, Any] | None, origin: Origin, checkout: bool
) -> None:
    """Take a cart's state, and whose it is where a checkout says so. One that became an order is told of by the order."""
    token = key(body.get("cart_token") if checkout else body.get("token") or body.get("id")) or key(body.get("token"))
    at = body.get("updated_at") or body.get("created_at")
    if not token or not at:
        raise Unmappable(Reason("cart_lacks"))
    if body.get("completed_at"):
        return
    visitor = _told_visitor(body) or _known_visitor(token, origin) or "shopify-" + _digest(token)
    cart = {
        "id": token, "url": body.get("abandoned_checkout_url") or None, "currency": body.get("currency") or origin.currency,
        "items": [_item(line) for line in body.get("line_items") or []],
    }  # fmt: skip
    kind = "checkout_started" if checkout and cart["items"] else "cart_updated"
    event = {"id": _digest(f"{kind}:{token}:{at}:{cart['items']}"), "type": kind, "at": str(at), "cart": cart}
    batch = Batch("", visitor, True, False, [event])
    browsing.take(batch, tenant_id=scope.tenant_id(), shop_id=origin.source_id)
    if checkout and customer is not None:
        result = arriving.upsert_many([customer], origin.source_id)[0]
        if result.id is not None:
            identity.bind_visitors({visitor: (result.id, result.origin)}, proven=True)


def _item(line: Body) -> dict[str, Any]:
    product = line.get("product_id") or line.get("variant_id") or line.get("id") or ""
    return {"product": str(product), "quantity": int(line.get("quantity") or 0), "price": str(line.get("price") or "0")}


def _told_visitor(body: Body) -> str:
    for one in body.get("note_attributes") or []:
        if (
            isinstance(one, dict)
            and one.get("name") == "_regulars_visitor"
            and VISITOR.fullmatch(str(one.get("value")))
        ):
            return str(one["value"])
    return ""


def _known_visitor(token: str, origin: Origin) -> str | None:
    """Return the browser that told of this cart itself."""
    query = select(Cart.visitor).where(Cart.key == token, Cart.source_id == origin.source_id).order_by(Cart.id).limit(1)
    return db.session.scalar(query)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
