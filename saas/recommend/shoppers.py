"""Who is being offered something: what they look at now, what lies in their cart, and, where proven, what they bought.

Everything comes from Valkey: the live session (kept by commerce.live) with whose browser it is (see `browsers`) in one look,
and for a proven customer `bought:<tenant>:<customer>`, a copy for some minutes that is dropped when they order. A claimed
customer is nobody here: anybody could have typed that address.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from redis.exceptions import RedisError

from saas.commerce.models import COUNTED
from saas.customers import identity
from saas.kit import pool, valkey
from saas.recommend import answers, arrivals, browsers, copies
from saas.recommend.stock import NUMBER, Catalogue

log = logging.getLogger(__name__)
MOST_BOUGHT = 400  # purchases of one customer that are looked at, the newest
DAY = 86_400.0

BOUGHT = """
    SELECT o.customer_id, coalesce(l.product_id, p.id), extract(epoch FROM o.placed_at)::float8
    FROM orders o JOIN order_lines l ON l.tenant_id = o.tenant_id AND l.order_id = o.id
    LEFT JOIN products p ON l.product_id IS NULL AND l.product_key <> '' AND p.tenant_id = l.tenant_id
        AND p.source_id = o.source_id AND p.external_id = l.product_key
    WHERE o.customer_id = ANY(%s) AND o.status = ANY(%s) AND l.quantity > 0 AND coalesce(l.product_id, p.id) IS NOT NULL
    ORDER BY o.placed_at DESC, l.position LIMIT %s
"""
LEFT_BEHIND = (
    "SELECT items FROM carts WHERE key = %s AND visitor = %s AND closed_at IS NULL ORDER BY changed_at DESC LIMIT 1"
)
LOOKED_AT = """
    SELECT v.customer_id, v.products FROM (
        SELECT customer_id, products, began_at, row_number() OVER (PARTITION BY customer_id ORDER BY began_at DESC) AS place
        FROM visits WHERE customer_id = ANY(%s) AND cardinality(products) > 0) v
    WHERE v.place <= 3 ORDER BY v.customer_id, v.began_at
"""
Bought = list[tuple[int, float]]
"""Product numbers with the day (since 1970, as a float) of their purchase, newest first."""


@dataclass
class Shopper:
    """What is known of whoever is offered something. `seen` and `cart` are product numbers, oldest first.

    `ways` says by which ways a newcomer came of whom nothing
    else is known (see `arrivals`). `declined` are those that they did not want when somebody of the company offered them. `anchor` is a proven customer's
    first browser, by which trials know them in all their browsers.
    """

    visitor: str = ""
    customer_id: UUID | None = None
    seen: list[int] = field(default_factory=list)
    cart: list[int] = field(default_factory=list)
    bought: Bought = field(default_factory=list)
    declined: frozenset[int] = frozenset()
    ways: tuple[str, ...] = ()
    anchor: str = ""

    def bought_since(self, days: float) -> list[int]:
        """Return what they bought in so many last days, the newest last."""
        return [number for number, day in reversed(self.bought) if day >= today() - days]


def meet(
    *, tenant_id: int, catalogue: Catalogue, source: str, visitor: str = "", customer_id: UUID | None = None,
    cart: Sequence[str] = (), cart_id: str = "",
) -> Shopper:  # fmt: skip
    """Find out about a visitor, or about a customer the caller vouches for.

    Of a customer without a browser what they looked at in their last visits stands for the live session. `cart` adds products by
    the shop's ids; `cart_id` is the visitor's own cart, for when the live session is over.
    """
    live = _live(tenant_id, visitor) if visitor else {}
    if visitor and cart_id and "items" not in live:
        live["cart"] = _left_behind(tenant_id, visitor, cart_id)
    shopper = Shopper(visitor, customer_id or live.get("whose"), anchor=live.get("anchor", ""))
    shopper.seen = _numbers(catalogue, (item[0] for item in live.get("items", ())), source)
    here = live.get("seen") or {}
    if here and not shopper.seen and shopper.customer_id is None:
        shopper.ways = arrivals.ways(f"//{here.get('from', '')}", here.get("landing") or here.get("url") or "")
    shopper.cart = _numbers(catalogue, [*live.get("cart", ()), *cart], source)
    if customer_id is not None and not visitor:
        shopper.seen = _numbers(catalogue, looked_lately(tenant_id, customer_id), source)
    if shopper.customer_id is not None:
        shopper.bought = bought_by(tenant_id, shopper.customer_id)
        shopper.declined = answers.declined(tenant_id, shopper.customer_id)
    return shopper


def _numbers(catalogue: Catalogue, keys: Any, source: str) -> list[int]:
    found = (catalogue.find(str(key), source) for key in keys)
    return [product.number for product in found if product is not None]


def _live(tenant_id: int, visitor: str) -> dict[str, Any]:
    """Read the live session, whose browser it is under "whose" (a UUID, where proven), and their first browser under "anchor"."""
    names = [f"live:{tenant_id}:{visitor}", browsers.key(tenant_id, visitor), browsers.whole(tenant_id)]
    try:
        told, whose, whole = valkey.values(names)
    except (RedisError, OSError):
        told = whose = whole = None
    live = orjson.loads(told) if told else {}
    if whole is None and not live.get("customer"):
        whose = browsers.look_up(tenant_id, visitor)
    customer, _blank, first = whose.decode().partition(" ") if whose else ("", "", "")
    if live.get("customer"):
        first = first if live["customer"] == customer else ""
        customer = live["customer"] if live.get("proven") else ""
    live["whose"], live["anchor"] = UUID(customer) if customer else None, first if customer else ""
    return live


def _left_behind(tenant_id: int, visitor: str, cart_id: str) -> list[str]:
    """Read a cart from before the session; another browser's cart stays its own, for ids of carts can be guessed."""
    with pool.connection(tenant_id=tenant_id) as opened:
        row = opened.execute(LEFT_BEHIND, [cart_id, visitor]).fetchone()
    return [str(item.get("product", "")) for item in row[0]] if row else []


def bought_by(tenant_id: int, customer_id: UUID) -> Bought:
    """Return a customer's newest purchases, from Valkey or else from PostgreSQL."""
    held = copies.read(
        f"bought:{tenant_id}:{customer_id}",
        lambda: orjson.dumps(purchases(tenant_id, [customer_id], most=MOST_BOUGHT).get(customer_id, [])),
    )
    return [(number, day) for number, day in orjson.loads(held)]


def purchases(tenant_id: int, customer_ids: Sequence[UUID], *, most: int) -> dict[UUID, Bought]:
    """Return the newest `most` purchases of all these customers together, by customer."""
    found: dict[UUID, Bought] = {}
    with pool.connection(tenant_id=tenant_id) as opened:
        for customer_id, product_id, seconds in opened.execute(BOUGHT, [list(customer_ids), list(COUNTED), most]):
            found.setdefault(customer_id, []).append((product_id.int & NUMBER, seconds / DAY))
    return found


def looked_lately(tenant_id: int, customer_id: UUID) -> list[str]:
    """Return what a customer looked at in their last three visits, from Valkey or else from PostgreSQL."""
    found = copies.read(
        f"looked:{tenant_id}:{customer_id}",
        lambda: orjson.dumps(looked_at(tenant_id, [customer_id]).get(customer_id, [])),
    )
    return orjson.loads(found)


def looked_at(tenant_id: int, customer_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Return what each customer looked at in their last three visits, by the shops' ids, the newest last."""
    found: dict[UUID, list[str]] = {}
    with pool.connection(tenant_id=tenant_id) as opened:
        for customer_id, products in opened.execute(LOOKED_AT, [list(customer_ids)]):
            found.setdefault(customer_id, []).extend(products)
    return found


def forget(*, tenant_id: int, customer_ids: Sequence[str]) -> None:
    """Drop the copies about customers who ordered; raises Valkey's errors, so that it is tried again."""
    copies.drop([f"{what}:{tenant_id}:{one}" for what in ("bought", "looked") for one in customer_ids])


def follow_merge(*, tenant_id: int, customer_ids: Sequence[str]) -> None:
    """Drop the copies about customers who became one or were taken apart, and have their browsers lead to who they are now."""
    forget(tenant_id=tenant_id, customer_ids=customer_ids)
    answers.forget(tenant_id=tenant_id, customer_ids=customer_ids)
    for one in customer_ids:
        for name in identity.names_of(UUID(one)):
            if name.kind == "visitor":
                browsers.refresh(tenant_id=tenant_id, visitors=[name.value])


def today() -> float:
    """Return the present in days since 1970."""
    return time.time() / DAY
