"""Which order and which customer a payment belongs to, whichever of them came first.

An order is found by a reference that its shop keeps of the payment, or by the number that the shop wrote into the payment. Both
are worked out anew from what is here, for every payment that a new order might concern, so the order of arrival makes no
difference. A number alone must fit in currency and time, and to one order only: two shops may have the same number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update

from saas.commerce import payment_refunds, payment_telling
from saas.commerce.models import NO_SOURCE, Order, Shop
from saas.commerce.payment_models import Dispute, OrderReference, Payment, PaymentAccount, PaymentRefund
from saas.customers import identity, merging
from saas.kit.db import db

AROUND = timedelta(days=92)
"""So far apart an order and a payment that names its number may lie."""
TOGETHER = 500


def tie(payment_ids: Iterable[UUID]) -> None:
    """Work out anew to which order and customer these payments belong, and what follows for refunds and timelines."""
    ids = sorted(set(payment_ids))
    for start in range(0, len(ids), TOGETHER):
        _tie_some(ids[start : start + TOGETHER])


def _tie_some(ids: Sequence[UUID]) -> None:
    payments = list(
        db.session.scalars(select(Payment).where(Payment.id.in_(ids)).order_by(Payment.id).with_for_update())
    )
    if not payments:
        return
    accounts = dict(db.session.execute(select(PaymentAccount.id, PaymentAccount.shop_id)).all())
    referred, numbered = _by_reference(payments), _by_number(payments)
    chosen = {
        payment.id: _referred(payment, referred, accounts.get(payment.account_id))
        or _numbered(payment, numbered, accounts.get(payment.account_id))
        for payment in payments
    }
    people = _people(payments, chosen)
    touched: set[UUID] = set()
    for payment in payments:
        order = chosen[payment.id]
        order_id, customer_id = order.id if order else None, people.get(payment.id)
        if payment.order_id != order_id:
            touched |= {one for one in (payment.order_id, order_id) if one}
        payment.order_id, payment.customer_id = order_id, customer_id
    db.session.flush()
    _tie_children(payments)
    touched |= {payment.order_id for payment in payments if payment.order_id and payment.refunded_amount}
    payment_refunds.settle(touched)
    payment_telling.tell(payments)


def _by_reference(payments: Sequence[Payment]) -> dict[str, list[Any]]:
    words = {word for payment in payments for word in (payment.key, payment.charge, payment.reference) if word}
    query = (
        select(OrderReference.value, Order.id, Order.source_id, Order.currency, Order.placed_at, Order.customer_id)
        .join(Order, (Order.tenant_id == OrderReference.tenant_id) & (Order.id == OrderReference.order_id))
        .where(OrderReference.value.in_(words))
    )
    found: dict[str, list[Any]] = {}
    for row in db.session.execute(query):
        found.setdefault(row.value, []).append(row)
    return found


def _referred(payment: Payment, found: dict[str, list[Any]], shop_id: UUID | None) -> Any:
    words = dict.fromkeys((payment.key, payment.charge, payment.reference))
    orders = [row for word in words if word for row in found.get(word, ())]
    return min(
        orders, key=lambda row: (row.source_id != (shop_id or row.source_id), row.placed_at, row.id), default=None
    )


def _by_number(payments: Sequence[Payment]) -> dict[str, list[Any]]:
    numbers = {payment.number for payment in payments if payment.number}
    if not numbers:
        return {}
    columns = (Order.id, Order.source_id, Order.currency, Order.placed_at, Order.customer_id, Order.total_amount)
    sources = [NO_SOURCE, *db.session.scalars(select(Shop.id))]
    found: dict[str, dict[UUID, Any]] = {}
    wanted = [
        (Order.number, Order.number.in_([*numbers, *(f"#{number}" for number in numbers)])),
        (Order.external_id, Order.source_id.in_(sources) & Order.external_id.in_(numbers)),
    ]
    for name, condition in wanted:
        for row in db.session.execute(select(name.label("word"), *columns).where(condition)):
            found.setdefault(row.word.lstrip("#"), {})[row.id] = row
    return {word: list(rows.values()) for word, rows in found.items()}


def _numbered(payment: Payment, found: dict[str, list[Any]], shop_id: UUID | None) -> Any:
    fitting = [
        row for row in found.get(payment.number, ())
        if row.currency == payment.currency and abs(row.placed_at - payment.at) <= AROUND and shop_id in (None, row.source_id)
    ]  # fmt: skip
    same = [row for row in fitting if row.total_amount == payment.amount] or fitting
    return same[0] if len(same) == 1 else None


def _people(payments: Sequence[Payment], chosen: dict[UUID, Any]) -> dict[UUID, UUID]:
    """Return whose payments these are: the order's customer, or whoever is known by the address that the payer gave."""
    found = {
        payment.id: order.customer_id for payment in payments if (order := chosen[payment.id]) and order.customer_id
    }
    names = {
        payment.id: ("email", NO_SOURCE, payment.email)
        for payment in payments
        if payment.id not in found and payment.email
    }
    known = identity.find_many(set(names.values())) if names else {}
    return found | {payment_id: known[name] for payment_id, name in names.items() if name in known}


def _tie_children(payments: Sequence[Payment]) -> None:
    """Refunds and disputes are their payment's, whichever came first."""
    for model in (PaymentRefund, Dispute):
        for payment in payments:
            words = [word for word in (payment.key, payment.charge) if word]
            same = (model.payment_id, model.customer_id)
            statement = update(model).where(
                model.account_id == payment.account_id, model.payment_key.in_(words),
                or_(same[0].is_distinct_from(payment.id), same[1].is_distinct_from(payment.customer_id)),
            )  # fmt: skip
            db.session.execute(
                statement.values(payment_id=payment.id, customer_id=payment.customer_id).execution_options(synchronize_session=False)
            )  # fmt: skip


def tie_children(account_id: UUID, keys: Iterable[str]) -> None:
    """Tie refunds and disputes that just came to payments that are here, and have the orders' sums follow."""
    words = sorted({key for key in keys if key})
    query = select(Payment.id).where(
        Payment.account_id == account_id,
        or_(Payment.key.in_(words), Payment.charge.in_(words) & (Payment.charge != "")),
    )
    ids = list(db.session.scalars(query)) if words else []
    if ids:
        tie(ids)
        orders = set(
            db.session.scalars(select(Payment.order_id).where(Payment.id.in_(ids), Payment.order_id.is_not(None)))
        )
        payment_refunds.settle(orders)
    db.session.expire_all()  # the children were written past their rows in memory


def follow_orders(order_ids: Sequence[UUID]) -> None:
    """Work out anew the payments that orders which came or changed may concern; most companies have none."""
    if db.session.scalar(select(Payment.id).limit(1)) is None:
        return
    named = select(Order.number, Order.external_id).where(Order.id.in_(order_ids))
    numbers = {word.lstrip("#") for row in db.session.execute(named) for word in row if word}
    words = set(db.session.scalars(select(OrderReference.value).where(OrderReference.order_id.in_(order_ids))))
    found: set[UUID] = set()
    for condition in (
        Payment.order_id.in_(order_ids), Payment.number.in_(numbers) & (Payment.number != ""), Payment.key.in_(words),
        Payment.charge.in_(words) & (Payment.charge != ""), Payment.reference.in_(words) & (Payment.reference != ""),
    ):  # fmt: skip
        found |= set(db.session.scalars(select(Payment.id).where(condition)))
    tie(found)
    payment_refunds.settle(set(order_ids))


def _merged(winner: UUID, loser: UUID) -> None:
    """Payments move by their foreign keys."""


def _parted(holder: UUID, back: UUID, since: datetime) -> None:
    """What came while two were one is worked out anew."""
    late = select(Payment.id).where(
        Payment.customer_id.in_((holder, back)), func.greatest(Payment.at, Payment.created_at) >= since
    )
    tie(list(db.session.scalars(late.order_by(Payment.id).limit(2_000))))


merging.follow(merging.Follower(merged=_merged, parted=_parted))
