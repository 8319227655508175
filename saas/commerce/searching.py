"""Orders as the search box finds them: by their number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select

from saas.commerce.models import Order
from saas.customers import owners
from saas.customers.models import Customer
from saas.kit import access, money, search
from saas.kit.db import db
from saas.kit.search import Record


def records(ids: Sequence[UUID] | None) -> Iterator[Record]:
    """Yield the records of these orders, or of all, without holding them all in memory; hidden fields are empty."""
    query = select(Order, Customer.id, Customer.owner_id).outerjoin(
        Customer, (Customer.tenant_id == Order.tenant_id) & (Customer.id == Order.customer_id)
    )
    if ids is not None:
        query = query.where(Order.id.in_(ids))
    shared = owners.shared_with(None)
    for order, customer, owner in db.session.execute(query.order_by(Order.id).execution_options(yield_per=500)):
        held = access.blanked("order", {name: getattr(order, name) for name in ("number", "external_id")})
        total = f"{money.amount_text(order.total_amount, order.currency)} {order.currency}"
        yield Record(
            kind="order", id=order.id, title=held["number"] or held["external_id"] or "—",
            subtitle=" · ".join(part for name, part in (("placed_at", f"{order.placed_at:%Y-%m-%d}"), ("total", total)) if access.readable("order", name)),
            numbers=(held["number"], held["external_id"]), owners=[*([owner] if owner else ()), *shared.get(customer, ())],
        )  # fmt: skip


def touch_of(customer_ids: Sequence[UUID]) -> None:
    """Note that the orders of these customers are somebody else's to find now."""
    search.touch("order", *db.session.scalars(select(Order.id).where(Order.customer_id.in_(customer_ids))))


search.register("order", records)
