"""Lists of products, a page at a time."""

from __future__ import annotations

from sqlalchemy import select

from saas.catalog.models import Product
from saas.kit import pages

SORTS = {
    "newest": ((Product.id, "desc"),),
    "name": ((Product.name_sort, "asc"), (Product.id, "asc")),
}


def listed(
    *, external_id: str | None = None, active: bool | None = None, sort: str = "newest", cursor: str | None = None, limit: int = pages.LIMIT
) -> pages.Page:
    """Return one page of products; `sort` is newest or name."""
    query = select(Product)
    if external_id is not None:
        query = query.where(Product.external_id == external_id)
    if active is not None:
        query = query.where(Product.active.is_(active))
    return pages.page(query, order=SORTS[sort], cursor=cursor, limit=limit)
