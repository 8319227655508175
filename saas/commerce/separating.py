"""What commerce does when a name is taken off a customer: orders, payments and browsers that came by it go along with it.

An order remembers by which names it came. Everything else follows from whose the orders and the names are, and is worked out
anew for both customers, whichever way something went.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Text, cast, select, update

from saas.commerce import joining, order_effects, payment_joining
from saas.commerce.models import Order, ReturnRequest
from saas.commerce.payment_models import Payment
from saas.customers import arriving, splitting, timeline
from saas.customers.models import Join
from saas.kit import search
from saas.kit.db import db

TOGETHER = 500


def sets(customer_id: UUID) -> Iterable[frozenset[UUID]]:
    """Return under which sets of names a customer's orders came."""
    query = select(Order.came_by).where(Order.customer_id == customer_id).distinct()
    return [frozenset(names) for names in db.session.scalars(query) if names]


def split(split: splitting.Split) -> None:
    """Give the orders that came by these names, and what was said with the names in browsers, to whose they are."""
    moved = split.give(Order, Order.came_by.overlap(sorted(split.names)))
    split.give(ReturnRequest, ReturnRequest.order_id.in_(moved))
    said = update(Join).where(Join.customer_id == split.holder, Join.name_id.in_(split.names))
    db.session.execute(
        said.values(customer_id=split.back, self_id=split.back).execution_options(synchronize_session=False)
    )
    split.give(Payment, Payment.order_id.is_(None), Payment.email.in_(split.emails))
    search.touch("order", *moved)


def settle(customer_ids: Sequence[UUID]) -> None:
    """Have browsers, payments, timelines and figures of customers follow whose their orders are."""
    proofs = (
        update(Join)
        .where(
            Join.way == "order", Join.customer_id.in_(customer_ids), Join.ref == cast(Order.id, Text), Order.tenant_id == Join.tenant_id,
            Order.customer_id.in_(customer_ids), Order.customer_id != Join.customer_id,
        )
        .values(customer_id=Order.customer_id, self_id=Order.customer_id)
    )  # fmt: skip
    db.session.execute(proofs.execution_options(synchronize_session=False))
    joining.settle(*customer_ids)
    theirs = select(Payment.id).where(Payment.customer_id.in_(customer_ids))
    owned = theirs.join(Order, (Order.tenant_id == Payment.tenant_id) & (Order.id == Payment.order_id))
    payment_joining.tie(db.session.scalars(owned.where(Order.customer_id.is_distinct_from(Payment.customer_id))))
    _tell(customer_ids)
    joining.count(list(customer_ids))
    for customer_id in customer_ids:
        joining.tell_live(customer_id)
    arriving.touch_updated(customer_ids)


def _tell(customer_ids: Sequence[UUID]) -> None:
    ids = list(db.session.scalars(select(Order.id).where(Order.customer_id.in_(customer_ids)).order_by(Order.id)))
    for start in range(0, len(ids), TOGETHER):
        orders = select(Order).where(Order.id.in_(ids[start : start + TOGETHER]))
        order_effects.tell(list(db.session.scalars(orders.execution_options(populate_existing=True))))
    asked = select(ReturnRequest.customer_id, ReturnRequest.asked_at, ReturnRequest.id).where(
        ReturnRequest.customer_id.in_(customer_ids)
    )
    for to, at, request_id in db.session.execute(asked).all():
        for holder in customer_ids:
            if holder != to:
                timeline.give([("order", at, f"return:{request_id}")], holder=holder, to=to)


splitting.follow(splitting.Follower(sets=sets, split=split, settle=settle))
