"""Variants of products: written from messages that come in any order, and found again by lines of orders.

Two kinds of message tell of variants: a list of all that a product has, and one variant alone. Each variant remembers the
latest moment at which it was told of (`listed`), its product the latest moment of a list (`variants`); a variant that was
last told of before the latest list is gone. So the end is the same in whatever order the messages come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from saas.catalog.models import Product, ProductVariant
from saas.catalog.moving import Moves
from saas.kit import db as kit_db
from saas.kit import errors, identifiers, pages, versions
from saas.kit.db import db

LISTED, DELETED, LIST = "listed", "deleted", "variants"
BLANK = {"sku": "", "name": "", "stock_state": "", "stock_key": "", "image_url": "", "barcode": "", "position": 0,
         "active": True, "gone": False}  # fmt: skip


class NoSuchVariant(errors.NotFound):
    """There is no such variant."""


@dataclass(frozen=True)
class Told:
    """What a message says of a product's variants: each with its own moment, and whether these are all there are."""

    at: datetime
    rows: Sequence[tuple[datetime, dict[str, Any]]]
    whole: bool = True


def write(told: Mapping[UUID, Sequence[Told]], products: Mapping[UUID, Product], moves: Moves) -> set[UUID]:
    """Write variants of products that are locked; returns the products of which any changed."""
    if not told:
        return set()
    held = _held(told)
    changed = set()
    for product_id, messages in told.items():
        own = held.get(product_id, {})
        for message in messages:
            if _take(products[product_id], own, message, moves):
                changed.add(product_id)
        if _settle(products[product_id], own.values()):
            changed.add(product_id)
    return changed


def _held(product_ids: Iterable[UUID]) -> dict[UUID, dict[str, ProductVariant]]:
    query = select(ProductVariant).where(ProductVariant.product_id.in_(list(product_ids))).order_by(ProductVariant.id)
    found: dict[UUID, dict[str, ProductVariant]] = {}
    for variant in db.session.scalars(query.with_for_update()):
        found.setdefault(variant.product_id, {})[variant.external_id] = variant
    return found


def _take(product: Product, own: dict[str, ProductVariant], message: Told, moves: Moves) -> bool:
    """Write what one message says, field by field; tells whether anything changed."""
    changed = False
    for at, row in message.rows:
        variant = own.get(row["external_id"])
        if variant is None:
            variant = own[row["external_id"]] = ProductVariant(
                id=identifiers.new(), product_id=product.id, external_id=row["external_id"], options=[], versions={}, **BLANK
            )  # fmt: skip
            db.session.add(variant)
            known, changed = False, True
        else:
            known = True
        newer, after = versions.newer(
            row, at=at, held={name: getattr(variant, name) for name in row}, versions=variant.versions
        )
        after[LISTED] = max(after.get(LISTED, ""), versions.stamp(message.at))
        variant.versions = after
        if known and not variant.gone:
            moves.note(product, newer, held=variant, at=at, variant_id=variant.id)
        for name, value in newer.items():
            setattr(variant, name, value)
        changed = changed or bool(newer)
    if message.whole:
        product.versions = product.versions | {LIST: max(product.versions.get(LIST, ""), versions.stamp(message.at))}
    return changed


def _settle(product: Product, own: Iterable[ProductVariant]) -> bool:
    """Mark what the latest list does not have any more, and what it has again."""
    changed, latest = False, product.versions.get(LIST, "")
    for variant in own:
        gone = variant.versions.get(LISTED, "") < max(latest, variant.versions.get(DELETED, ""))
        if gone != variant.gone:
            variant.gone, changed = gone, True
    return changed


def retire(*, external_ids: Iterable[str], source_id: UUID, at: datetime) -> set[UUID]:
    """Take variants out that their shop deleted; returns their products."""
    keys = list(external_ids)
    query = (
        select(ProductVariant, Product)
        .join(Product, (Product.tenant_id == ProductVariant.tenant_id) & (Product.id == ProductVariant.product_id))
        .where(Product.source_id == source_id, ProductVariant.external_id.in_(keys))
        .order_by(ProductVariant.id)
    )
    touched = set()
    for variant, product in db.session.execute(query.with_for_update(of=ProductVariant)):
        variant.versions = variant.versions | {DELETED: max(variant.versions.get(DELETED, ""), versions.stamp(at))}
        if not variant.gone and variant.versions.get(LISTED, "") < variant.versions[DELETED]:
            variant.gone = True
            touched.add(product.id)
    db.session.flush()
    return touched


def called(variant: ProductVariant) -> str:
    """Return what tells a variant from the product's others in words: its size and colour, else its name."""
    values = [one.get("value", "") for one in variant.options or ()]
    return ", ".join(value for value in values if value) or variant.name


def of_product(product_id: UUID, *, cursor: str | None = None, limit: int = pages.LIMIT) -> pages.Page:
    """Return a page of a product's variants as the shop orders them; those that are gone are left out."""
    query = select(ProductVariant).where(ProductVariant.product_id == product_id, ProductVariant.gone.is_(False))
    order = ((ProductVariant.position, "asc"), (ProductVariant.id, "asc"))
    return pages.page(query, order=order, cursor=cursor, limit=limit)


def of_products(product_ids: Sequence[UUID], *, gone: bool = False) -> dict[UUID, list[ProductVariant]]:
    """Return the variants of products, in the shop's order."""
    query = select(ProductVariant).where(ProductVariant.product_id.in_(product_ids))
    if not gone:
        query = query.where(ProductVariant.gone.is_(False))
    found: dict[UUID, list[ProductVariant]] = {}
    for variant in db.session.scalars(query.order_by(ProductVariant.position, ProductVariant.id)):
        found.setdefault(variant.product_id, []).append(variant)
    return found


def counted(product_id: UUID) -> int:
    """Return how many variants a product has now."""
    own = (ProductVariant.product_id == product_id, ProductVariant.gone.is_(False))
    return db.session.scalar(select(func.count()).select_from(ProductVariant).where(*own))


def one(variant_id: UUID | str) -> ProductVariant:
    """Return a variant, also one that is gone; raises NoSuchVariant."""
    return kit_db.one(ProductVariant, variant_id, NoSuchVariant)


def by_sku(sku: str) -> list[ProductVariant]:
    """Return all variants with an article number: shops give one twice."""
    return list(db.session.scalars(select(ProductVariant).where(ProductVariant.sku == sku).order_by(ProductVariant.id)))


def by_stock_key(key: str, source_id: UUID) -> list[ProductVariant]:
    """Return what a shop counts under a key."""
    query = (
        select(ProductVariant)
        .join(Product, (Product.tenant_id == ProductVariant.tenant_id) & (Product.id == ProductVariant.product_id))
        .where(Product.source_id == source_id, ProductVariant.stock_key == key)
    )
    return list(db.session.scalars(query.order_by(ProductVariant.id))) if key else []


def new_since(product_ids: Iterable[str], moment: datetime) -> dict[tuple[UUID, str], UUID]:
    """Return the variants of these products that are known only since a moment, by product and the shop's id."""
    wanted = ProductVariant.product_id.in_([UUID(str(one_id)) for one_id in product_ids])
    query = select(ProductVariant.product_id, ProductVariant.external_id, ProductVariant.id)
    rows = db.session.execute(query.where(wanted, ProductVariant.created_at > moment))
    return {(product, key): found for product, key, found in rows}


def by_key(keys: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], UUID]:
    """Return variant ids by (product id, the shop's id of the variant)."""
    wanted = {(product, key) for product, key in keys if product and key}
    if not wanted:
        return {}
    query = select(ProductVariant.product_id, ProductVariant.external_id, ProductVariant.id).where(
        ProductVariant.product_id.in_({product for product, _key in wanted}),
        ProductVariant.external_id.in_({key for _product, key in wanted}),
    )
    return {(product, key): found for product, key, found in db.session.execute(query) if (product, key) in wanted}
