"""What follows from orders: the customers' figures, their timelines, and the carts that the orders came of.

Figures are counted anew from the orders, never added up, so a reaction that runs twice or late changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from saas.commerce import carts, recognition, sold_products
from saas.commerce.models import COUNTED, Fulfilment, Order, OrderLine, Refund
from saas.customers import arriving, facts, timeline
from saas.kit import money
from saas.kit.db import db
from saas.tenancy import tenants

ON_THE_WAY = ("sent", "in_transit", "delivered")


def apply(*, order_ids: Iterable[str], customer_ids: Iterable[str]) -> None:
    """Bring everything up to date that depends on these orders and these customers (at most 500 of each).

    Locks come before reading, in the order that digests take them too (browsers, customers, carts), so that of two
    reactions the later one has the last word.
    """
    order_ids = list(order_ids)
    wanted = Order.id.in_([UUID(str(one)) for one in order_ids])
    concerned = db.session.execute(select(Order.visitor, Order.customer_id).where(wanted)).all()
    recognition.hold_many({visitor for visitor, _customer in concerned if visitor})
    customers = {UUID(str(one)) for one in customer_ids} | {customer for _visitor, customer in concerned if customer}
    held = count(customers)
    orders = list(db.session.scalars(select(Order).where(wanted).order_by(Order.id)))
    sold_products.tie_lines_of(order_ids)
    tell(orders)
    carts.close_for(orders)
    arriving.touch_updated(held)


def count(customer_ids: Iterable[UUID]) -> list[UUID]:
    """Count anew what customers bought and push it down to their facts; returns those that exist.

    Orders in another currency than the company's are counted, and their money is left out. An order whose lines come to
    less than nothing is a return: its money counts against the others, but it is no purchase.
    """
    held = facts.hold(customer_ids)
    if not held:
        return []
    currency = tenants.settings().currency
    bought = Order.lines_micros >= 0
    money_of = {name: func.coalesce(func.sum(column).filter(Order.currency == currency), 0)
                for name, column in (("spent", Order.total_amount), ("refunded", Order.refunded_amount))}  # fmt: skip
    query = select(
        Order.customer_id, func.count().filter(bought), money_of["spent"], money_of["refunded"],
        func.min(Order.placed_at).filter(bought), func.max(Order.placed_at).filter(bought),
    ).where(Order.customer_id.in_(held), Order.status.in_(COUNTED)).group_by(Order.customer_id)  # fmt: skip
    figures = {customer: rest for customer, *rest in db.session.execute(query)}
    pieces = _pieces(held)
    rows = []
    for customer in held:
        orders, spent, refunded, first, last = figures.get(customer, (0, 0, 0, None, None))
        rows.append({
            "customer_id": customer, "currency": currency, "orders_count": orders, "items_count": pieces.get(customer, 0),
            "spent_amount": int(spent), "refunded_amount": int(refunded), "first_order_at": first, "last_order_at": last,
        })  # fmt: skip
    facts.refresh_orders(rows)
    return held


def _pieces(customer_ids: Sequence[UUID]) -> dict[UUID, int]:
    query = (
        select(Order.customer_id, func.sum(OrderLine.quantity))
        .join(OrderLine, (OrderLine.tenant_id == Order.tenant_id) & (OrderLine.order_id == Order.id))
        .where(Order.customer_id.in_(customer_ids), Order.status.in_(COUNTED))
        .group_by(Order.customer_id)
    )
    return {customer: int(pieces) for customer, pieces in db.session.execute(query)}


def tell(orders: Sequence[Order]) -> None:
    """Put orders, their parcels and refunds into the timelines of their customers, and take out what was told otherwise before."""
    known = {order.id: order for order in orders if order.customer_id is not None}
    entries = [_order_entry(order) for order in known.values()]
    if known:
        refunds = db.session.scalars(select(Refund).where(Refund.order_id.in_(list(known)), Refund.amount_micros > 0))
        entries += [_refund_entry(refund, known[refund.order_id]) for refund in refunds]
        parcels = db.session.scalars(
            select(Fulfilment).where(Fulfilment.order_id.in_(list(known)), Fulfilment.state.in_(ON_THE_WAY))
        )
        entries += [_parcel_entry(parcel, known[parcel.order_id]) for parcel in parcels]
        timeline.keep_only(
            [f"/orders/{order_id}" for order_id in known], {order.customer_id for order in known.values()}, entries
        )
    timeline.add_many(entries)


def _order_entry(order: Order) -> dict[str, Any]:
    undone = f" ({order.status})" if order.status in ("cancelled", "failed", "refunded") else ""
    details = {"order_id": str(order.id), "number": order.number, "status": order.status, "currency": order.currency,
               "total": money.amount_text(order.total_amount, order.currency)}  # fmt: skip
    return {"customer_id": order.customer_id, "kind": "order", "at": order.placed_at, "title": f"Order {order.number}{undone}",
            "key": str(order.id), "link": f"/orders/{order.id}", "details": details}  # fmt: skip


def _parcel_entry(parcel: Fulfilment, order: Order) -> dict[str, Any]:
    """What happens to a parcel later renews its entry."""
    there = parcel.state == "delivered"
    told = {"company": parcel.carrier, "tracking": parcel.tracking_number, "tracking_url": parcel.tracking_url}
    details = {
        "order_id": str(order.id), "number": order.number, "state": "delivered" if there else "sent",
        **{name: value for name, value in told.items() if value},
    }  # fmt: skip
    title = f"Order {order.number} was delivered" if there else f"Order {order.number} was sent"
    return {"customer_id": order.customer_id, "kind": "order", "at": parcel.shipped_at or parcel.delivered_at or order.placed_at,
            "title": title, "key": f"{order.id}:{parcel.key}", "link": f"/orders/{order.id}", "details": details}  # fmt: skip


def _refund_entry(refund: Refund, order: Order) -> dict[str, Any]:
    amount = money.amount_text(money.from_micros(refund.amount_micros, order.currency), order.currency)
    details = {
        "order_id": str(order.id),
        "number": order.number,
        "amount": amount,
        "currency": order.currency,
        "reason": refund.reason,
    }
    return {"customer_id": order.customer_id, "kind": "refund", "at": refund.at, "title": f"Refund of {amount} {order.currency} for order {order.number}",
            "key": str(refund.id), "link": f"/orders/{order.id}", "details": details}  # fmt: skip
