"""Products as the search box finds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select

from saas.catalog.models import Product
from saas.kit.db import db
from saas.kit.search import Record
from saas.tenancy import custom_values


def records(ids: Sequence[UUID] | None) -> Iterator[Record]:
    """Yield the records of these products, or of all, without holding them all in memory."""
    query = select(Product).order_by(Product.id)
    if ids is not None:
        query = query.where(Product.id.in_(ids))
    own = custom_values.own_fields("product")
    for product in db.session.scalars(query.execution_options(yield_per=500)):
        yield Record(
            kind="product", id=product.id, title=product.name or product.external_id, subtitle=product.sku,
            names=(product.name,), numbers=(product.sku, product.external_id), text=" ".join((*product.categories, *product.tags, *custom_values.texts(product, own))),
        )  # fmt: skip
