"""Carts: the newest state each browser told of each of its carts, closed by being emptied or by an order.

The newest event wins however late an older one comes. What closes a cart is looked up, never remembered: an order that
names the cart or the browser and was placed after the cart's last change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from saas.commerce.models import NO_SOURCE, Cart, Order, Shop, Visitor
from saas.commerce.windows import BEHIND, window
from saas.customers import facts, joins, timeline
from saas.kit import addresses, identifiers, money, queries
from saas.kit.db import db
from saas.tenancy import tenants

LATE = timedelta(minutes=2)
"""A cart may be told this much after its order, because two clocks are compared."""
RECOVERED = timedelta(days=30)
LEFT = timedelta(hours=1)
"""A cart nobody touched for so long is left (also in queries/pauses.sql)."""
MOST = 2000


def renew(row: Visitor, since: datetime, until: datetime) -> set[UUID]:
    """Take over what a browser told of its carts from `since` to `until`; returns the customers of them."""
    told = db.session.execute(queries.load("commerce/queries/carts.sql"), window(row.visitor, since, until)).all()
    if not told:
        return set()
    keys = {(one.source_id, one.key) for one in told}
    query = select(Cart).where(Cart.visitor == row.visitor, Cart.key.in_({key for _source, key in keys}))
    held = {(cart.source_id, cart.key): cart for cart in db.session.scalars(query)}
    hosts = _hosts({one.source_id for one in told})
    company = tenants.settings().currency
    parts = joins.of(row.visitor)
    before = {cart.id: cart.began_at for cart in held.values()}
    for one in told:
        cart = held.get((one.source_id, one.key))
        if cart is None:
            cart = Cart(id=identifiers.new(), source_id=one.source_id, key=one.key, visitor=row.visitor, customer_id=parts.owner(one.at),
                        began_at=one.began_at, **_state(one, hosts, company))  # fmt: skip
            db.session.add(cart)
            held[one.source_id, one.key] = cart
        elif (one.at, one.id) > (cart.changed_at, cart.changed_by):
            for name, value in _state(one, hosts, company).items():
                setattr(cart, name, value)
            cart.customer_id = parts.owner(one.at)
        cart.began_at = min(cart.began_at, one.began_at)
        cart.checkout_at = max((at for at in (cart.checkout_at, one.checkout_at) if at), default=None)
    db.session.flush()
    renewed = [held[key] for key in keys]
    settle(renewed)
    timeline.remove_many(
        [
            ("cart", before[cart.id], str(cart.id))
            for cart in renewed
            if before.get(cart.id, cart.began_at) != cart.began_at
        ]
    )
    _tell(renewed)
    return {cart.customer_id for cart in renewed if cart.customer_id is not None}


def _state(one: Any, hosts: dict[UUID, str], company: str) -> dict[str, Any]:
    """The columns an event fills. The address is kept only where it leads to the shop, for mails will link to it."""
    currency = one.cart.get("currency") or company
    items = [item for item in one.cart["items"] if item["quantity"]]
    micros = sum(money.parse_micros(item["price"] or 0) * item["quantity"] for item in items)
    url = one.cart.get("url", "")
    return {
        "items": items, "currency": currency, "amount": min(money.from_micros(micros, currency), money.MOST),
        "url": url if _leads_to(url, hosts.get(one.source_id, "")) else "", "changed_at": one.at, "changed_by": one.id,
    }  # fmt: skip


def _hosts(source_ids: Iterable[UUID]) -> dict[UUID, str]:
    query = select(Shop.id, Shop.url).where(Shop.id.in_([one for one in source_ids if one != NO_SOURCE]))
    return {shop: addresses.host(url) for shop, url in db.session.execute(query)}


def _leads_to(url: str, host: str) -> bool:
    """Tell whether an address is the shop's. Anybody can send events, so without knowing the shop's host none is taken."""
    return (
        bool(host)
        and url.startswith(("https://", "http://"))
        and (addresses.host(url) == host or addresses.host(url).endswith(f".{host}"))
    )


def settle(carts: Sequence[Cart]) -> None:
    """Close carts that are empty or became an order, and open again those that are neither; note when they had been left."""
    orders, pauses = _orders(carts), _pauses(carts)
    apart = joins.parted_refs("order", {cart.visitor for cart in carts})
    for cart in carts:
        mine = (order for order in orders if (cart.visitor, str(order.id)) not in apart or cart.key == order.cart_id)
        order = next((order for order in mine if _became(cart, order)), None)
        cart.order_id = order.id if order is not None else None
        if order is not None:
            cart.closed_at = max(order.placed_at, cart.changed_at)
        else:
            cart.closed_at = None if cart.items else cart.changed_at
        waited = order is not None and order.placed_at - cart.changed_at >= LEFT
        cart.left_at = cart.changed_at if waited else pauses.get((cart.visitor, cart.source_id, cart.key))
    db.session.flush()


def _pauses(carts: Sequence[Cart]) -> dict[tuple[str, UUID, str], datetime]:
    """When each of the carts was last left for an hour and then taken up again, by its browser, shop and key."""
    if not carts:
        return {}
    earliest = min(cart.began_at for cart in carts) - BEHIND
    asked = {"visitors": list({cart.visitor for cart in carts}), "low": identifiers.floor(earliest)}
    rows = db.session.execute(queries.load("commerce/queries/pauses.sql"), asked)
    return {(row.visitor, row.source_id, row.key): row.left_at for row in rows}


def _orders(carts: Sequence[Cart]) -> list[Order]:
    """The orders that may have come of carts, the earliest first."""
    if not carts:
        return []
    named = or_(
        (Order.visitor != "") & Order.visitor.in_({cart.visitor for cart in carts}),
        (Order.cart_id != "") & Order.cart_id.in_({cart.key for cart in carts}),
    )
    earliest = min(cart.changed_at for cart in carts) - LATE
    query = select(Order).where(named, Order.placed_at >= earliest, Order.status != "failed")
    return list(db.session.scalars(query.order_by(Order.placed_at, Order.id).limit(MOST)))


def _became(cart: Cart, order: Order) -> bool:
    if not cart.items or order.placed_at < cart.changed_at - LATE:
        return False
    same_shop = order.source_id == cart.source_id or NO_SOURCE in (order.source_id, cart.source_id)
    if cart.key and order.cart_id == cart.key and same_shop:
        return True
    return order.visitor == cart.visitor and same_shop and order.placed_at <= cart.changed_at + RECOVERED


def close_for(orders: Sequence[Order]) -> None:
    """Look again at the carts that orders may have come of."""
    visitors, keys = {order.visitor for order in orders} - {""}, {order.cart_id for order in orders} - {""}
    if not visitors and not keys:
        return
    query = (
        select(Cart)
        .where(or_(Cart.visitor.in_(visitors), Cart.key.in_(keys)))
        .order_by(Cart.id)
        .limit(MOST)
        .with_for_update()
    )
    touched = list(db.session.scalars(query))
    settle(touched)
    _tell(touched)
    count(cart.customer_id for cart in touched if cart.customer_id is not None)


def _tell(carts: Sequence[Cart]) -> None:
    """Put carts of known customers into their timelines."""
    timeline.add_many([_entry(cart) for cart in carts if cart.customer_id is not None])


def _entry(cart: Cart) -> dict[str, Any]:
    pieces = sum(item["quantity"] for item in cart.items)
    state = "ordered" if cart.order_id else "left" if cart.items else "emptied"
    title = {
        "ordered": "Ordered what was in the cart",
        "left": f"Put {pieces} in the cart",
        "emptied": "Emptied the cart",
    }[state]
    details = {
        "state": state, "pieces": pieces, "amount": money.amount_text(cart.amount, cart.currency), "currency": cart.currency,
        "items": cart.items[:10], "url": cart.url, "changed_at": cart.changed_at.isoformat(),
        "checkout_at": cart.checkout_at.isoformat() if cart.checkout_at else None,
    }  # fmt: skip
    return {"customer_id": cart.customer_id, "kind": "cart", "at": cart.began_at, "title": title, "key": str(cart.id),
            "details": details}  # fmt: skip


def look_again(visitor: str) -> None:
    """Look again what became of a browser's newest carts: which orders are its own may have changed."""
    query = select(Cart).where(Cart.visitor == visitor).order_by(Cart.changed_at.desc()).limit(MOST)
    held = list(db.session.scalars(query))
    settle(held)
    _tell(held)


def give(visitor: str, parts: joins.Parts) -> set[UUID]:
    """Give a browser's carts to whoever changed them last; returns the customers who got or lost some."""
    touched: set[UUID] = set()
    changed = []
    for cart in db.session.scalars(select(Cart).where(Cart.visitor == visitor).order_by(Cart.id)):
        whose = parts.owner(cart.changed_at)
        if whose != cart.customer_id:
            touched |= {one for one in (whose, cart.customer_id) if one is not None}
            cart.customer_id = whose
            changed.append(cart)
    db.session.flush()
    timeline.remove_many([("cart", cart.began_at, str(cart.id)) for cart in changed if cart.customer_id is None])
    _tell(changed)
    return touched


def count(customer_ids: Iterable[UUID]) -> None:
    """Push down to customers' facts what their newest open cart is worth; another currency than the company's counts as 0."""
    held = facts.hold(customer_ids)
    if not held:
        return
    company = tenants.settings().currency
    query = (
        select(Cart.customer_id, Cart.amount, Cart.currency, Cart.changed_at)
        .where(Cart.customer_id.in_(held), Cart.closed_at.is_(None))
        .ext(distinct_on(Cart.customer_id)).order_by(Cart.customer_id, Cart.changed_at.desc(), Cart.id)
    )  # fmt: skip
    open_now = {
        customer: (amount if currency == company else 0, at)
        for customer, amount, currency, at in db.session.execute(query)
    }
    facts.note_carts([
        dict(zip(("customer_id", *facts.CARRIED), (customer, *open_now.get(customer, (0, None))), strict=True)) for customer in held
    ])  # fmt: skip
