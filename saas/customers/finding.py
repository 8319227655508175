"""Lists of customers: filtered, sorted, a page at a time, whatever their number."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, false, func, select

from saas.customers.models import Customer, Facts, Identity
from saas.kit import access, errors, pages, record_values, records, text
from saas.kit.db import db

SORTS = {
    "name": (Customer.name_sort, Customer.id),
    "created": (Customer.created_at, Customer.id),
    "spent": (Facts.spent_amount, Facts.id),
    "orders": (Facts.orders_count, Facts.id),
    "last_order": (Facts.last_order_at, Facts.id),
    "last_visit": (Facts.last_visit_at, Facts.id),
}
NEWEST = "-created"


class BadSort(errors.Invalid):
    """A list cannot be sorted by that."""


def sorts() -> dict[str, tuple[Any, Any]]:
    """Return what the acting member may sort by: an order tells of the field it is by.

    The sorted name stands for all that a customer may be called by, the address among it.
    """
    hidden = access.hidden("customer")
    of = {"name": {"name", "first_name", "last_name", "company", "email", "external_id"}}
    return {name: columns for name, columns in SORTS.items() if not hidden & of.get(name, {columns[0].key})}


def order(sort: str) -> pages.Order:
    """Return the columns of a sort; a minus before its name means the largest or newest first. Raises BadSort."""
    known = sorts()
    columns = known.get(sort.removeprefix("-"))
    if columns is None:
        raise BadSort(fields={"sort": [f"One of {', '.join(known)}, with a minus before it for the other direction."]})
    direction = "desc" if sort.startswith("-") else "asc"
    return [(column, direction) for column in columns]


def narrowed(query: Select, *, email: str | None = None, external_id: str | None = None, consent: str | None = None,
             country: str | None = None, ids: Any = None, where: ColumnElement[bool] | None = None) -> Select:  # fmt: skip
    """Return the select with only the customers that fit what is asked; nothing asked leaves it as it is.

    Raises access.UnknownField for a field that the acting member must not see.
    """
    asked = {"email": email, "external_id": external_id, "email_consent": consent, "country": country}
    access.require_readable("customer", [name for name, value in asked.items() if value])
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
    return query if where is None else query.where(where)


def with_facts(*entities: Any) -> Select:
    """Return a select over customers and their facts."""
    return (
        select(*entities)
        .select_from(Customer)
        .join(Facts, (Facts.tenant_id == Customer.tenant_id) & (Facts.id == Customer.id))
    )


def listed(*, sort: str = NEWEST, cursor: str | None = None, limit: int = pages.LIMIT, **wanted: Any) -> pages.Page:
    """Return one page of (customer, facts); `wanted` is what `narrowed` takes. Raises BadSort or BadCursor."""
    if sort.removeprefix("-").startswith(records.CUSTOM):
        return record_values.sorted_page(
            records.kind("customer"), narrowed(with_facts(Customer, Facts), **wanted), sort=sort, cursor=cursor, limit=limit, unsortable=BadSort
        )  # fmt: skip
    return pages.page(narrowed(with_facts(Customer, Facts), **wanted), order=order(sort), cursor=cursor, limit=limit)


def with_their_facts(customer_id: UUID | str) -> tuple[Customer, Facts] | None:
    """Return a customer and their facts in one query, or None when there is none of this id (any more)."""
    try:
        wanted = customer_id if isinstance(customer_id, UUID) else UUID(str(customer_id))
    except ValueError:
        return None
    row = db.session.execute(with_facts(Customer, Facts).where(Customer.id == wanted)).one_or_none()
    return (row[0], row[1]) if row else None


def counted(*, most: int, facts: bool = True, **wanted: Any) -> int:
    """Return how many customers fit, at most `most` + 1: to say "more than" needs no more."""
    query = narrowed(with_facts(Customer.id) if facts else select(Customer.id), **wanted)
    return db.session.scalar(select(func.count()).select_from(query.limit(most + 1).subquery())) or 0


def many(customer_ids: list[UUID]) -> dict[UUID, Customer]:
    """Return customers by their id."""
    return {c.id: c for c in db.session.scalars(select(Customer).where(Customer.id.in_(customer_ids)))}
