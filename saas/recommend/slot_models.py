"""The places of a shop's pages where offers stand: what a company decides for those built in, and those it makes itself."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Integer, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import Stamped, TenantModel
from saas.recommend.places import ENGINES, SLOTS


class OfferSlot(Stamped, TenantModel):
    """The settings of one place (see `places.Slot`); a built-in place without a row is as it came.

    Lists of products have no foreign keys: a product that is gone is passed over, and there again when it comes back.
    """

    __tablename__ = "offer_slots"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key"),
        CheckConstraint(f"place IN {SLOTS}", name="place"),
        CheckConstraint(f"engine IN {ENGINES}", name="engine"),
    )

    key: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(Text)
    engine: Mapped[str] = mapped_column(Text)
    fallback: Mapped[list[str]] = mapped_column(ARRAY(Text))
    count: Mapped[int | None] = mapped_column(Integer)
    active: Mapped[bool] = mapped_column(Boolean)
    pinned: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    buried: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    picked: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    excluded_tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    excluded_categories: Mapped[list[str]] = mapped_column(ARRAY(Text))
    least_stock: Mapped[int] = mapped_column(Integer)
    least_margin: Mapped[int | None] = mapped_column(Integer)
    unknown_margin: Mapped[bool] = mapped_column(Boolean)
    price_least: Mapped[int | None] = mapped_column(BigInteger)
    price_most: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    reduced_only: Mapped[bool] = mapped_column(Boolean)
    category_cap: Mapped[int | None] = mapped_column(Integer)
    not_bought_days: Mapped[int | None] = mapped_column(Integer)
    diversity: Mapped[int] = mapped_column(Integer)
    step_least: Mapped[int] = mapped_column(Integer)
    step_most: Mapped[int] = mapped_column(Integer)
    bundle: Mapped[bool] = mapped_column(Boolean)
