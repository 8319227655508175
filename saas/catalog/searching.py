"""Products as the search box finds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import select

from saas.catalog.models import Product
from saas.kit import access, search
from saas.kit.db import db
from saas.kit.search import Record
from saas.tenancy import custom_values


def records(ids: Sequence[UUID] | None) -> Iterator[Record]:
    """Yield the records of these products, or of all, without holding them all in memory; hidden fields are empty."""
    query = select(Product).order_by(Product.id)
    if ids is not None:
        query = query.where(Product.id.in_(ids))
    own = custom_values.own_fields("product")
    for product in db.session.scalars(query.execution_options(yield_per=500)):
        held = access.blanked("product", {name: getattr(product, name) for name in READ})
        yield Record(
            kind="product", id=product.id, title=held["name"] or held["external_id"] or "—", subtitle=held["sku"], names=(held["name"],),
            numbers=(held["sku"], held["external_id"]), text=" ".join((*held["categories"], *held["tags"], *custom_values.texts(product, own))),
        )  # fmt: skip


READ = ("name", "sku", "external_id", "categories", "tags")
search.register("product", records)
