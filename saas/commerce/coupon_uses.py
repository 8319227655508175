"""Codes as they were used: read from the orders that name them, whichever order those come in, and once a code and order.

Shops tell codes as they like, in capitals or not. An order that is cancelled, failed or paid back in full takes its use back,
and one that names a code no more never used it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, DateTime, Text, Uuid, and_, delete, literal, select
from sqlalchemy.dialects.postgresql import insert

from saas.commerce.coupon_events import CouponRedeemed
from saas.commerce.coupon_models import Coupon, CouponCode, CouponUse
from saas.commerce.models import NO_SOURCE, Order
from saas.kit import arrays, clock, identifiers, money, scope
from saas.kit.db import db
from saas.kit.events import announce

COUNTS = ("pending", "paid", "fulfilled")
OLD = timedelta(days=30)


def follow(order_ids: Iterable[str]) -> None:
    """Bring the uses of codes up to date with these orders (at most 500)."""
    if db.session.scalar(select(CouponCode.id).limit(1)) is None:
        return
    wanted = Order.id == arrays.among([UUID(str(one)) for one in order_ids])
    columns = (
        Order.id, Order.source_id, Order.customer_id, Order.status, Order.currency, Order.placed_at, Order.total_amount,
        Order.refunded_amount, Order.details["discounts"].label("discounts"),
    )  # fmt: skip
    orders = {row.id: row for row in db.session.execute(select(*columns).where(wanted))}
    if not orders:
        return
    named = [
        (order.id, shop_id, norm, amount)
        for order in orders.values()
        for norm, amount in _codes(order).items()
        for shop_id in _shops(order)
    ]
    known: dict[tuple[UUID, UUID], tuple[UUID, int]] = {}
    if named:
        told = arrays.table(
            order_id=([one[0] for one in named], Uuid), shop_id=([one[1] for one in named], Uuid),
            norm=([one[2] for one in named], Text), amount=([one[3] for one in named], BigInteger),
        )  # fmt: skip
        same = and_(CouponCode.shop_id == told.c.shop_id, CouponCode.norm == told.c.norm)
        query = select(told.c.order_id, CouponCode.id, CouponCode.coupon_id, told.c.amount).join(CouponCode, same)
        known = {(order, code): (coupon, amount) for order, code, coupon, amount in db.session.execute(query)}
    _forget(orders, known)
    _write(orders, known)


def _shops(order: Any) -> list[UUID]:
    """Return whose codes an order may name: its shop's, or any shop's where a program told it without one."""
    if order.source_id != NO_SOURCE:
        return [order.source_id]
    return list(db.session.scalars(select(Coupon.shop_id).distinct()))


def _codes(order: Any) -> dict[str, int]:
    """Return the codes an order names, in capitals, with what each took off."""
    found: dict[str, int] = {}
    for share in order.discounts or ():
        norm = str(share.get("code") or "").strip().upper()[:200]
        if norm:
            found[norm] = found.get(norm, 0) + abs(money.parse_amount(share.get("amount") or 0, order.currency))
    return found


def _forget(orders: dict[UUID, Any], known: dict[tuple[UUID, UUID], Any]) -> None:
    """Take out uses that their orders do not name any more."""
    held = select(CouponUse.id, CouponUse.order_id, CouponUse.code_id).where(
        CouponUse.order_id == arrays.among(list(orders))
    )
    gone = [use for use, order, code in db.session.execute(held) if (order, code) not in known]
    if gone:
        db.session.execute(delete(CouponUse).where(CouponUse.id.in_(gone)).execution_options(synchronize_session=False))


def _write(orders: dict[UUID, Any], known: dict[tuple[UUID, UUID], tuple[UUID, int]]) -> None:
    if not known:
        return
    keys = sorted(known)
    new = arrays.table(
        id=(identifiers.many(len(keys)), Uuid), order_id=([order for order, _code in keys], Uuid), code_id=([code for _order, code in keys], Uuid),
        coupon_id=([known[key][0] for key in keys], Uuid), discount_amount=([known[key][1] for key in keys], BigInteger),
        counted=([_counts(orders[order]) for order, _code in keys], Boolean),
        currency=([orders[order].currency for order, _code in keys], Text),
        at=([orders[order].placed_at for order, _code in keys], DateTime(timezone=True)),
    )  # fmt: skip
    columns = {"tenant_id": literal(scope.tenant_id(), CouponUse.tenant_id.type)} | {one.name: one for one in new.c}
    statement = insert(CouponUse).from_select(list(columns), select(*columns.values()), include_defaults=False)
    renewed = {name: statement.excluded[name] for name in ("discount_amount", "counted", "currency", "at")}
    query = select(CouponUse.order_id, CouponUse.code_id).where(CouponUse.order_id == arrays.among(list(orders)))
    held = {(order, code) for order, code in db.session.execute(query)}
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["tenant_id", "code_id", "order_id"], set_=renewed)
    )
    fresh = [key for key in keys if key not in held and _counts(orders[key[0]])]
    announce(*[
        CouponRedeemed(
            coupon_id=str(known[order, code][0]), code_id=str(code), order_id=str(order),
            customer_id=orders[order].customer_id and str(orders[order].customer_id),
        )
        for order, code in fresh if orders[order].placed_at > clock.now() - OLD
    ])  # fmt: skip


def _counts(order: Any) -> bool:
    paid_back = order.total_amount > 0 and order.refunded_amount >= order.total_amount
    return order.status in COUNTS and not paid_back
