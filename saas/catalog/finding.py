"""Lists of products, a page at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from saas.catalog.models import Product
from saas.kit import access, errors, pages, record_values, records

SORTS = {
    "newest": ((Product.id, "desc"),),
    "name": ((Product.name_sort, "asc"), (Product.id, "asc")),
    "-name": ((Product.name_sort, "desc"), (Product.id, "desc")),
}


class BadSort(errors.Invalid):
    """A list cannot be sorted by that."""


def narrowed(
    query: Select, *, external_id: str | None = None, active: bool | None = None, sold_out: bool | None = None,
    ids: Collection[UUID] | None = None, where: Iterable[ColumnElement[bool]] = (),
) -> Select:  # fmt: skip
    """Return the select with only the products that are on or off sale, sold out or not, among these and as asked by `where`;
    what asks a hidden field is refused like what asks an unknown one."""
    asked = {"external_id": external_id, "active": active, "stock": sold_out}
    access.require_readable("product", [name for name, value in asked.items() if value is not None])
    if external_id is not None:
        query = query.where(Product.external_id == external_id)
    if active is not None:
        query = query.where(Product.active.is_(active))
    if sold_out is not None:
        query = query.where(Product.stock <= 0 if sold_out else Product.stock > 0)
    if ids is not None:
        query = query.where(Product.id.in_(ids))
    return query.where(*where)


def listed(*, sort: str = "newest", cursor: str | None = None, limit: int = pages.LIMIT, **wanted: Any) -> pages.Page:
    """Return one page of products; `sort` is newest, name, -name or one of the company's own fields, and `wanted` is what
    `narrowed` takes. Raises BadSort or BadCursor."""
    query = narrowed(select(Product), **wanted)
    if sort.removeprefix("-").startswith(records.CUSTOM):
        return record_values.sorted_page(
            records.kind("product"), query, sort=sort, cursor=cursor, limit=limit, unsortable=BadSort
        )
    if sort not in SORTS:
        raise BadSort(fields={"sort": [f"One of {', '.join(SORTS)} or custom.<key>."]})
    access.require_readable("product", [sort.removeprefix("-")])
    return pages.page(query, order=SORTS[sort], cursor=cursor, limit=limit)
