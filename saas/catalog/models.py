"""Products and their variants: what can be shown, offered and bought, what it cost before, and small pictures of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.catalog import picture_addresses
from saas.kit import clock, record_values
from saas.kit.db import Stamped, TenantModel, tenant_fk

NO_SOURCE = UUID(int=0)
KINDS = ("simple", "variable", "grouped", "external", "gift", "other")
STOCK_STATES = ("", "in_stock", "out_of_stock", "on_backorder")


class Priced:
    """What a thing costs now, what it cost before it was reduced, and from when to when it is reduced."""

    price_micros: Mapped[int | None] = mapped_column(BigInteger)
    regular_price_micros: Mapped[int | None] = mapped_column(BigInteger)
    sale_price_micros: Mapped[int | None] = mapped_column(BigInteger)
    sale_from_at: Mapped[datetime | None]
    sale_to_at: Mapped[datetime | None]
    cost_micros: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def on_sale(self) -> bool:
        """Whether it is reduced at this moment."""
        sale, regular, now = self.sale_price_micros, self.regular_price_micros, clock.now()
        if sale is None or (regular is not None and sale >= regular):
            return False
        return (self.sale_from_at is None or self.sale_from_at <= now) and (
            self.sale_to_at is None or self.sale_to_at > now
        )


class Product(Priced, Stamped, TenantModel):
    """One product of a source (a shop, or NO_SOURCE for what came straight through the API); `external_id` is its id there.

    The source is a shop's id without a foreign key, for shops stand in a room above. `stock` None: not counted. What goes with
    it is kept by the shop's ids (`cross_sell_keys`, `up_sell_keys`, `grouped_keys`), for the other product may come later.
    `fetch_due_at` is when its shop is to be asked for all of it, because a delivery told only that something changed.
    """

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("tenant_id", "source_id", "external_id"),
        Index("ix_products_external_id", "tenant_id", "external_id"),
        Index("ix_products_sku", "tenant_id", "sku"),
        Index("ix_products_name_sort", "tenant_id", "name_sort", "id"),
        Index("ix_products_fetch_due_at", "fetch_due_at", postgresql_where=text("fetch_due_at IS NOT NULL")),
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
    )

    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    external_id: Mapped[str] = mapped_column(Text)
    sku: Mapped[str] = mapped_column(Text, default="")
    name: Mapped[str] = mapped_column(Text, default="")
    name_sort: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(Text, default="")
    image_url: Mapped[str] = mapped_column(Text, default="")
    images: Mapped[list[dict[str, str]]] = mapped_column(JSONB, default=list, server_default="[]")
    currency: Mapped[str] = mapped_column(Text, default="")
    kind: Mapped[str] = mapped_column(Text, default="simple", server_default="simple")
    brand: Mapped[str] = mapped_column(Text, default="", server_default="")
    rating_hundredths: Mapped[int | None] = mapped_column(SmallInteger)
    categories: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    cross_sell_keys: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    up_sell_keys: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    grouped_keys: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    stock: Mapped[int | None] = mapped_column(Integer)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    fetch_due_at: Mapped[datetime | None]
    picture_digest: Mapped[str] = mapped_column(Text, default="", server_default="")
    custom: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    versions: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict, server_default="{}")

    @property
    def picture(self) -> str:
        """Where its picture is to be shown from: the small one of our own as soon as it is made."""
        return picture_addresses.made(self.tenant_id, self.picture_digest) if self.picture_digest else self.image_url

    @property
    def available(self) -> bool:
        """Whether it may be offered: on sale and not sold out."""
        return self.active and (self.stock is None or self.stock > 0)


class ProductValue(record_values.RecordValue, TenantModel):
    """A product's value of one of the company's own fields, for finding; `id` is the product's."""

    __tablename__ = "product_values"
    __table_args__ = record_values.parts("product_values", "products")


class ProductVariant(Priced, Stamped, TenantModel):
    """One size or colour of a product; `external_id` is the shop's id of it, `stock_key` what the shop counts it under.

    `options` are ordered pairs of name and value. `gone`: a later list of the product's variants does not have it any more;
    it stays, for orders tell of it. Article numbers may come twice: shops have such.
    """

    __tablename__ = "product_variants"
    __table_args__ = (
        tenant_fk("product_id", "products", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "product_id", "external_id"),
        CheckConstraint(f"stock_state IN {STOCK_STATES}", name="stock_state"),
        Index("ix_product_variants_external_id", "tenant_id", "external_id"),
        Index("ix_product_variants_sku", "tenant_id", "sku"),
        Index("ix_product_variants_stock_key", "tenant_id", "stock_key", postgresql_where=text("stock_key <> ''")),
    )

    product_id: Mapped[UUID]
    external_id: Mapped[str] = mapped_column(Text)
    sku: Mapped[str] = mapped_column(Text, default="")
    name: Mapped[str] = mapped_column(Text, default="")
    options: Mapped[list[dict[str, str]]] = mapped_column(JSONB, default=list)
    stock: Mapped[int | None] = mapped_column(Integer)
    stock_state: Mapped[str] = mapped_column(Text, default="")
    stock_key: Mapped[str] = mapped_column(Text, default="")
    image_url: Mapped[str] = mapped_column(Text, default="")
    barcode: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(Integer, default=0)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    gone: Mapped[bool] = mapped_column(Boolean, default=False)
    versions: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)

    @property
    def available(self) -> bool:
        """Whether it may be bought now."""
        counted = self.stock is None or self.stock > 0 or self.stock_state == "on_backorder"
        return self.active and not self.gone and counted and self.stock_state != "out_of_stock"


class ProductPrice(TenantModel):
    """A price that changed, of a product or of one of its variants; rows are added and never changed."""

    __tablename__ = "product_prices"
    __table_args__ = (
        tenant_fk("product_id", "products", ondelete="CASCADE"),
        tenant_fk("variant_id", "product_variants", ondelete="CASCADE"),
        Index("ix_product_prices_product_id", "tenant_id", "product_id", "at"),
    )

    product_id: Mapped[UUID]
    variant_id: Mapped[UUID | None]
    at: Mapped[datetime]
    old_micros: Mapped[int | None] = mapped_column(BigInteger)
    new_micros: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text, default="")


class Picture(TenantModel):
    """A small picture, made by us and known by what is in it: equal pictures are kept once."""

    __tablename__ = "pictures"
    __table_args__ = (UniqueConstraint("tenant_id", "digest"),)

    digest: Mapped[str] = mapped_column(Text)
    width: Mapped[int] = mapped_column(SmallInteger)
    height: Mapped[int] = mapped_column(SmallInteger)
    data: Mapped[bytes]
    made_at: Mapped[datetime] = mapped_column(default=lambda: clock.now())


class ProductPicture(TenantModel):
    """How far a product's first picture is; `id` is the product's. `due_at` None: nothing to be done."""

    __tablename__ = "product_pictures"
    __table_args__ = (
        tenant_fk("id", "products", ondelete="CASCADE"),
        Index("ix_product_pictures_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_product_pictures_digest", "tenant_id", "digest"),
    )

    url: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text, default="")
    trouble: Mapped[str] = mapped_column(Text, default="")
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    due_at: Mapped[datetime | None]
