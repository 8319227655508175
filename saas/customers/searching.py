"""Customers as the search box finds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select

from saas.customers import owners
from saas.customers.models import Customer
from saas.kit import access, search, text
from saas.kit.db import db
from saas.kit.search import Record
from saas.tenancy import custom_values


def records(ids: Sequence[UUID] | None) -> Iterator[Record]:
    """Yield the records of these customers, or of all, without holding them all in memory; hidden fields are empty."""
    query = select(Customer).order_by(Customer.id)
    if ids is not None:
        query = query.where(Customer.id.in_(ids))
    own = custom_values.own_fields("customer")
    hidden, shared = access.hidden("customer"), owners.shared_with(ids)
    for customer in db.session.scalars(query.execution_options(yield_per=500)):
        held = {name: "" if name in hidden else getattr(customer, name) or "" for name in READ}
        yield Record(
            kind="customer", id=customer.id, title=customer.name, subtitle=held["email"] or held["phone"] or held["city"],
            names=(text.full_name(held["first_name"], held["last_name"]), held["company"]), emails=(held["email"],),
            phones=(held["phone"],), numbers=(held["external_id"],),
            text=" ".join((held["city"], held["note"], *held["tags"], *custom_values.texts(customer, own))),
            owners=[*([customer.owner_id] if customer.owner_id else ()), *shared.get(customer.id, ())],
        )  # fmt: skip


READ = ("first_name", "last_name", "company", "email", "phone", "city", "note", "tags", "external_id")
search.register("customer", records)
