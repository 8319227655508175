"""What is announced of an order, each once: that it was sent, that it arrived, that it was cancelled, that money went back.

Whether something was announced stands with it, so a delivery that comes twice, late or out of order announces nothing twice.
What comes from a shop's past is noted as told and not announced, and neither is what happened long ago; what comparing with
the shop finds is news that it should have told, and is announced.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select, update

from saas.commerce import order_history
from saas.commerce.events import OrderCancelled, OrderDelivered, OrderFulfilled, OrderRefunded
from saas.commerce.models import Fulfilment, Order, Refund
from saas.kit import clock, money
from saas.kit.db import db
from saas.kit.events import announce

OLD = timedelta(days=30)
GONE_OUT = ("sent", "in_transit", "delivered")
NOTHING = ("cancelled", "failed")


def follow(order_ids: Sequence[UUID], *, loud: bool) -> None:
    """Announce what is news of these orders, or with `loud` false only note it as known."""
    if not order_ids:
        return
    happened = _of_orders(order_ids, loud) + _of_refunds(order_ids, loud)
    if happened:
        announce(*happened)


def _of_orders(order_ids: Sequence[UUID], loud: bool) -> list[Any]:
    parcels = (
        select(
            Fulfilment.order_id,
            func.bool_or(Fulfilment.state.in_(GONE_OUT)).label("out"),
            func.bool_and(Fulfilment.state == "delivered").filter(Fulfilment.state.not_in(NOTHING)).label("there"),
        )
        .where(Fulfilment.order_id.in_(order_ids))
        .group_by(Fulfilment.order_id)
        .subquery()
    )
    query = (
        select(Order.id, Order.customer_id, Order.status, Order.version, Order.cancel_reason, Order.told, parcels.c.out, parcels.c.there)
        .outerjoin(parcels, and_(parcels.c.order_id == Order.id))
        .where(Order.id.in_(order_ids))
        .order_by(Order.id)
    )  # fmt: skip
    marked: dict[tuple[str, ...], list[UUID]] = {}
    found: list[Any] = []
    for order in db.session.execute(query):
        is_so = {
            "cancelled": order.status == "cancelled", "fulfilled": order.status == "fulfilled" or bool(order.out),
            "delivered": bool(order.there),
        }  # fmt: skip
        news = [name for name, so in is_so.items() if so and name not in order.told]
        if not news:
            continue
        marked.setdefault(tuple(sorted([*order.told, *news])), []).append(order.id)
        if loud and order_history.at(order.version) > clock.now() - OLD:
            whose = order.customer_id and str(order.customer_id)
            made = {"cancelled": OrderCancelled, "fulfilled": OrderFulfilled, "delivered": OrderDelivered}
            found += [made[name](order_id=str(order.id), customer_id=whose) for name in news]
    for told, ids in marked.items():
        db.session.execute(update(Order).where(Order.id.in_(ids)).values(told=list(told)))
    return found


def _of_refunds(order_ids: Sequence[UUID], loud: bool) -> list[Any]:
    fresh = Refund.order_id.in_(order_ids) & Refund.told.is_(False)
    rows = db.session.execute(
        update(Refund).where(fresh).values(told=True).returning(Refund.id, Refund.order_id, Refund.amount_micros, Refund.at)
        .execution_options(synchronize_session=False)
    ).all()  # fmt: skip
    recent = [row for row in rows if loud and row.amount_micros and row.at > clock.now() - OLD]
    if not recent:
        return []
    query = select(Order.id, Order.customer_id, Order.currency).where(Order.id.in_({row.order_id for row in recent}))
    orders = {order.id: order for order in db.session.execute(query)}
    return [
        OrderRefunded(
            order_id=str(row.order_id), customer_id=(whose := orders[row.order_id].customer_id) and str(whose), refund_id=str(row.id),
            amount=money.micros_text(row.amount_micros), currency=orders[row.order_id].currency,
        )
        for row in sorted(recent, key=lambda row: row.id)
    ]  # fmt: skip
