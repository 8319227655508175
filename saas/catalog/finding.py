"""Lists of products, a page at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, any_, exists, func, literal, or_, select

from saas.catalog.models import Product, ProductVariant
from saas.kit import access, clock, errors, pages, record_values, records
from saas.kit.db import db

MOST_READ = 5_000
SORTS = {
    "newest": ((Product.id, "desc"),),
    "name": ((Product.name_sort, "asc"), (Product.id, "asc")),
    "-name": ((Product.name_sort, "desc"), (Product.id, "desc")),
}


class BadSort(errors.Invalid):
    """A list cannot be sorted by that."""


def narrowed(
    query: Select, *, external_id: str | None = None, active: bool | None = None, sold_out: bool | None = None,
    sku: str | None = None, reduced: bool | None = None, category: str | None = None, pictured: bool | None = None,
    ids: Collection[UUID] | None = None, where: Iterable[ColumnElement[bool]] = (),
) -> Select:  # fmt: skip
    """Return the select with only the products that are on or off sale, sold out or not, reduced now or not, of a category,
    with or without a picture, among these and as asked by `where`; what asks a hidden field is refused like what asks an
    unknown one. An article number finds all that have it, also by a variant: shops give one twice."""
    asked = {
        "external_id": external_id, "active": active, "stock": sold_out, "sku": sku, "sale_price": reduced, "categories": category,
        "image_url": pictured,
    }  # fmt: skip
    access.require_readable("product", [name for name, value in asked.items() if value is not None])
    if external_id is not None:
        query = query.where(Product.external_id == external_id)
    if active is not None:
        query = query.where(Product.active.is_(active))
    if sold_out is not None:
        query = query.where(Product.stock <= 0 if sold_out else Product.stock > 0)
    if sku is not None:
        query = query.where(or_(Product.sku == sku, _of_variant(ProductVariant.sku == sku)))
    if reduced is not None:
        query = query.where(is_reduced() if reduced else ~is_reduced())
    if category is not None:
        query = query.where(literal(category) == any_(Product.categories))
    if pictured is not None:
        query = query.where(Product.image_url != "" if pictured else Product.image_url == "")
    if ids is not None:
        query = query.where(Product.id.in_(ids))
    return query.where(*where)


def _of_variant(wanted: ColumnElement[bool]) -> ColumnElement[bool]:
    same = and_(ProductVariant.tenant_id == Product.tenant_id, ProductVariant.product_id == Product.id)
    return exists().where(same, ProductVariant.gone.is_(False), wanted).correlate(Product)


def is_reduced() -> ColumnElement[bool]:
    """Return the condition that a product, or one of its variants that can be had, is reduced at this moment."""
    return or_(_reduced(Product), _of_variant(and_(ProductVariant.active.is_(True), _reduced(ProductVariant))))


def _reduced(thing: Any) -> ColumnElement[bool]:
    now = clock.now()
    return and_(
        thing.sale_price_micros.is_not(None),
        or_(thing.regular_price_micros.is_(None), thing.sale_price_micros < thing.regular_price_micros),
        or_(thing.sale_from_at.is_(None), thing.sale_from_at <= now),
        or_(thing.sale_to_at.is_(None), thing.sale_to_at > now),
    )


def reduced_among(ids: Collection[UUID]) -> set[UUID]:
    """Return which of these products are reduced at this moment."""
    return set(db.session.scalars(select(Product.id).where(Product.id.in_(ids), is_reduced()))) if ids else set()


def categories(*, limit: int = 100) -> list[str]:
    """Return the categories of the newest products, those with most of them first."""
    newest = select(Product.categories).order_by(Product.id.desc()).limit(MOST_READ).subquery()
    words = select(func.unnest(newest.c.categories).label("word")).subquery()
    query = select(words.c.word).group_by(words.c.word).order_by(func.count().desc(), words.c.word).limit(limit)
    return list(db.session.scalars(query))


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
