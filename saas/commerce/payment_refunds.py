"""A refund that the shop tells and the payment vendor tells is one refund.

They are the same when the shop names the vendor's id of it, or else when amount and currency are the same and they lie at most
two weeks apart, the nearest first. What only the vendor tells (a refund made in its dashboard) is put to the order as well, so that
what was given back is right; it goes again when the shop tells it after all. All is worked out anew each time, for whole orders.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update

from saas.commerce import orders, parts
from saas.commerce.models import Order, Refund
from saas.commerce.payment_models import Payment, PaymentRefund
from saas.customers import timeline
from saas.kit import clock, money, scope
from saas.kit.db import db

OURS = "payments:"
"""What the key of a refund begins with that no shop told."""
APART = timedelta(days=14)
COUNTED = ("pending", "succeeded")


def settle(order_ids: Iterable[UUID]) -> None:
    """Pair the refunds of orders with the vendor's, put to them what no shop told, and sum up anew."""
    ids = sorted(set(order_ids))
    if not ids:
        return
    query = (
        select(PaymentRefund, Payment.order_id)
        .join(Payment, (Payment.tenant_id == PaymentRefund.tenant_id) & (Payment.id == PaymentRefund.payment_id))
        .where(Payment.order_id.in_(ids))
        .order_by(PaymentRefund.at, PaymentRefund.key)
    )
    told: dict[UUID, list[PaymentRefund]] = {}
    for refund, order_id in db.session.execute(query):
        told.setdefault(order_id, []).append(refund)
    here: dict[UUID, list[Refund]] = {}
    for refund in db.session.scalars(select(Refund).where(Refund.order_id.in_(ids)).order_by(Refund.at, Refund.key)):
        here.setdefault(refund.order_id, []).append(refund)
    concerned = [order_id for order_id in ids if order_id in told or any(_is_ours(one) for one in here.get(order_id, ()))]  # fmt: skip
    if not concerned:
        return
    known = orders.many(concerned)
    for order_id in concerned:
        _settle_one(known[order_id], told.get(order_id, []), here.get(order_id, []))
    _sum(known)


def _is_ours(refund: Refund) -> bool:
    return refund.key.startswith(OURS)


def pair(told: list[Any], shops: list[Any], currency: str) -> dict[UUID, UUID]:
    """Return which of the vendor's refunds are which of the shop's, by their ids. Each is one other's at most."""
    left, found = {one.id: one for one in shops}, {}
    for refund in told:
        named = next((one for one in left.values() if refund.key in one.key), None)
        if named is not None:
            found[refund.id] = left.pop(named.id).id
    near = sorted(
        (
            (abs(one.at - refund.at), refund.key, one.key, refund, one)
            for refund in told if refund.id not in found and refund.currency == currency
            for one in left.values()
            if money.from_micros(one.amount_micros, currency) == refund.amount and abs(one.at - refund.at) <= APART
        ),
        key=lambda row: row[:3],
    )  # fmt: skip
    for _apart, _key, _other, refund, one in near:
        if refund.id not in found and one.id in left:
            found[refund.id] = left.pop(one.id).id
    return found


def _settle_one(order: Order, told: list[PaymentRefund], here: list[Refund]) -> None:
    counted = [refund for refund in told if refund.state in COUNTED]
    ours = {one.key: one for one in here if _is_ours(one)}
    found = pair(counted, [one for one in here if not _is_ours(one)], order.currency)
    alone = {f"{OURS}{refund.key}": refund for refund in counted if refund.id not in found and refund.currency == order.currency}  # fmt: skip
    gone = [one for key, one in ours.items() if key not in alone]
    if gone:
        timeline.remove_many([("refund", one.at, str(one.id)) for one in gone])
        db.session.execute(delete(Refund).where(Refund.id.in_([one.id for one in gone])).execution_options(synchronize_session=False))  # fmt: skip
    fresh = [(key, refund) for key, refund in alone.items() if key not in ours]
    if fresh:
        parts.keep(
            Refund,
            [
                {"order_key": order.external_id, "order_id": order.id, "key": key, "amount_micros": _micros(refund), "at": refund.at,
                 "reason": "", "lines": [], "version": "", "told": True}
                for key, refund in fresh
            ],
            order.source_id,
        )  # fmt: skip
    made = dict(db.session.execute(select(Refund.key, Refund.id).where(Refund.order_id == order.id)).all())
    for refund in told:
        refund.refund_id = found.get(refund.id) or (made.get(f"{OURS}{refund.key}") if refund in counted else None)
    db.session.flush()


def _micros(refund: PaymentRefund) -> int:
    return money.parse_micros(money.amount_text(refund.amount, refund.currency))


def _sum(known: dict[UUID, Order]) -> None:
    """Write what the orders' refunds come to, and tell of those whose sum changed."""
    query = select(Refund.order_id, func.sum(Refund.amount_micros)).where(Refund.order_id.in_(list(known)))
    sums = dict(db.session.execute(query.group_by(Refund.order_id)).all())
    changed = []
    for order_id, order in sorted(known.items()):
        amount = money.from_micros(int(sums.get(order_id) or 0), order.currency)
        if amount != order.refunded_amount:
            changed.append({"tenant_id": scope.tenant_id(), "id": order_id, "refunded_amount": amount, "updated_at": clock.now()})  # fmt: skip
    if changed:
        db.session.execute(update(Order), changed)
        ids = sorted(row["id"] for row in changed)
        orders.tell(ids, {known[one].customer_id for one in ids if known[one].customer_id})
