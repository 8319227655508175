"""Products: what can be shown, offered and bought."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Index, Integer, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit import record_values
from saas.kit.db import Stamped, TenantModel

NO_SOURCE = UUID(int=0)


class Product(Stamped, TenantModel):
    """One product of a source (a shop, or NO_SOURCE for what came straight through the API); `external_id` is its id there.

    The source is a shop's id without a foreign key, for shops stand in a room above. `stock` None: not counted.
    """

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("tenant_id", "source_id", "external_id"),
        Index("ix_products_external_id", "tenant_id", "external_id"),
        Index("ix_products_sku", "tenant_id", "sku"),
        Index("ix_products_name_sort", "tenant_id", "name_sort", "id"),
    )

    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    external_id: Mapped[str] = mapped_column(Text)
    sku: Mapped[str] = mapped_column(Text, default="")
    name: Mapped[str] = mapped_column(Text, default="")
    name_sort: Mapped[str] = mapped_column(Text, default="")
    description: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(Text, default="")
    image_url: Mapped[str] = mapped_column(Text, default="")
    price_micros: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text, default="")
    categories: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    stock: Mapped[int | None] = mapped_column(Integer)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    custom: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    versions: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict, server_default="{}")

    @property
    def available(self) -> bool:
        """Whether it may be offered: on sale and not sold out."""
        return self.active and (self.stock is None or self.stock > 0)


class ProductValue(record_values.RecordValue, TenantModel):
    """A product's value of one of the company's own fields, for finding; `id` is the product's."""

    __tablename__ = "product_values"
    __table_args__ = record_values.parts("product_values", "products")
