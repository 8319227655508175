"""Lists of customers: filtered, sorted, a page at a time, whatever their number."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, false, select

from saas.customers.models import Customer, Facts, Identity
from saas.kit import pages, text
from saas.kit.db import db

SORTS = {
    "newest": ((Customer.created_at, "desc"), (Customer.id, "desc")),
    "name": ((Customer.name_sort, "asc"), (Customer.id, "asc")),
}
FACT_SORTS = {
    "spent": (Facts.spent_amount, "desc"),
    "orders": (Facts.orders_count, "desc"),
    "last_order": (Facts.last_order_at, "desc"),
    "last_visit": (Facts.last_visit_at, "desc"),
}


def narrowed(query: Select, *, email: str | None = None, external_id: str | None = None, consent: str | None = None,
             country: str | None = None, ids: Any = None) -> Select:  # fmt: skip
    """Return the select with only the customers that fit what is asked; nothing asked leaves it as it is."""
    if email:
        try:
            query = query.where(Customer.email_norm == text.email(email))
        except text.NotAnEmail:
            query = query.where(false())
    if external_id:
        named = select(Identity.customer_id).where(Identity.kind == "external", Identity.value == external_id)
        query = query.where(Customer.id.in_(named))
    if consent:
        query = query.where(Customer.email_consent == consent)
    if country:
        query = query.where(Customer.country == country)
    if ids is not None:
        query = query.where(Customer.id.in_(ids))
    return query


def listed(*, sort: str = "newest", cursor: str | None = None, limit: int = pages.LIMIT, **wanted: Any) -> pages.Page:
    """Return one page of customers; `sort` is newest, name, spent, orders, last_order or last_visit."""
    if sort in FACT_SORTS:
        return _by_facts(sort, cursor=cursor, limit=limit, **wanted)
    return pages.page(narrowed(select(Customer), **wanted), order=SORTS.get(sort, SORTS["newest"]), cursor=cursor, limit=limit)


def _by_facts(sort: str, *, cursor: str | None, limit: int, **wanted: Any) -> pages.Page:
    """Page through the facts, whose indexes carry the sort, and fetch the customers of that page."""
    query = select(Facts)
    if any(value is not None for value in wanted.values()):
        query = query.where(Facts.id.in_(narrowed(select(Customer.id), **wanted)))
    found = pages.page(query, order=(FACT_SORTS[sort], (Facts.id, "asc")), cursor=cursor, limit=limit)
    ids = [facts.id for facts in found.items]
    held = {customer.id: customer for customer in db.session.scalars(select(Customer).where(Customer.id.in_(ids)))}
    return pages.Page([held[one] for one in ids if one in held], found.next)


def many(customer_ids: list[UUID]) -> dict[UUID, Customer]:
    """Return customers by their id."""
    return {c.id: c for c in db.session.scalars(select(Customer).where(Customer.id.in_(customer_ids)))}
