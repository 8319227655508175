"""Lists of products, a page at a time."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from saas.catalog.models import Product
from saas.kit import pages

SORTS = {
    "newest": ((Product.id, "desc"),),
    "name": ((Product.name_sort, "asc"), (Product.id, "asc")),
    "-name": ((Product.name_sort, "desc"), (Product.id, "desc")),
}


def listed(
    *, external_id: str | None = None, active: bool | None = None, sold_out: bool | None = None, ids: Collection[UUID] | None = None,
    sort: str = "newest", cursor: str | None = None, limit: int = pages.LIMIT,
) -> pages.Page:  # fmt: skip
    """Return one page of products; `sort` is newest, name or -name, `ids` narrows it to what a search found."""
    query = select(Product)
    if external_id is not None:
        query = query.where(Product.external_id == external_id)
    if active is not None:
        query = query.where(Product.active.is_(active))
    if sold_out is not None:
        query = query.where(Product.stock <= 0 if sold_out else Product.stock > 0)
    if ids is not None:
        query = query.where(Product.id.in_(ids))
    return pages.page(query, order=SORTS[sort], cursor=cursor, limit=limit)
