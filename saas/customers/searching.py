"""Customers as the search box finds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select

from saas.customers.models import Customer
from saas.kit.db import db
from saas.kit.search import Record


def records(ids: Sequence[UUID] | None) -> Iterator[Record]:
    """Yield the records of these customers, or of all, without holding them all in memory."""
    query = select(Customer).order_by(Customer.id)
    if ids is not None:
        query = query.where(Customer.id.in_(ids))
    for customer in db.session.scalars(query.execution_options(yield_per=500)):
        yield Record(
            kind="customer", id=customer.id, title=customer.name, subtitle=customer.email or customer.phone or customer.city,
            names=(f"{customer.first_name} {customer.last_name}", customer.company), emails=(customer.email or "",),
            phones=(customer.phone,), numbers=(customer.external_id or "",),
            text=" ".join((customer.city, customer.note, *customer.tags)),
        )  # fmt: skip
