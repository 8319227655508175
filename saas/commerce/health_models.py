"""What is known of how well shops speak with us: what came by the hour, what comparing found, and when one fell silent."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Float, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import TenantModel, tenant_fk


class ShopHour(TenantModel):
    """What was heard from a shop in one hour under one topic (order.created, event.page_viewed, refused.…, tracker.…).

    `late` are those that came long after what they tell of; `missed` what the comparison found that never came.
    """

    __tablename__ = "shop_hours"
    __table_args__ = (
        tenant_fk("shop_id", "shops", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "shop_id", "topic", "at"),
        Index("ix_shop_hours_at", "tenant_id", "shop_id", "at"),
    )

    shop_id: Mapped[UUID]
    topic: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    seen: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    late: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    missed: Mapped[int] = mapped_column(Integer, default=0, server_default="0")


class ShopComparison(TenantModel):
    """One comparison with a shop. `found` says for each topic how many changes there were in the shop that should have been
    told (expected), how many were known here already (came), how many were not (missed), how late the latest was in seconds, and
    how many were repaired; `gone` how many orders and products the shop has no more."""

    __tablename__ = "shop_comparisons"
    __table_args__ = (
        tenant_fk("shop_id", "shops", ondelete="CASCADE"),
        Index("ix_shop_comparisons_began_at", "tenant_id", "shop_id", text("began_at DESC")),
    )

    shop_id: Mapped[UUID]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    since: Mapped[datetime | None]
    deep: Mapped[bool] = mapped_column(Boolean, default=False)
    found: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    gone: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    webhooks: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class ShopAlarm(TenantModel):
    """A time in which something of a shop was not well. `kind`: silent (nothing came where something must have), undelivered
    (comparing found what was never told), webhooks (they were off, and are on again), keys (refused), away (it does not answer).

    `expected` is how much should have come, `seen` how much did, `chance` how probable so little is.
    """

    __tablename__ = "shop_alarms"
    __table_args__ = (
        tenant_fk("shop_id", "shops", ondelete="CASCADE"),
        Index("uq_shop_alarms_open", "tenant_id", "shop_id", "kind", "topic", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_shop_alarms_began_at", "tenant_id", "shop_id", text("began_at DESC")),
    )  # fmt: skip

    shop_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    topic: Mapped[str] = mapped_column(Text, default="", server_default="")
    began_at: Mapped[datetime]
    noticed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    seen: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    expected: Mapped[float] = mapped_column(Float, default=0.0, server_default="0")
    chance: Mapped[float] = mapped_column(Float, default=0.0, server_default="0")
    said: Mapped[str] = mapped_column(Text, default="", server_default="")


class PlayOrder(TenantModel):
    """An order of a shop that was no real one: paid with play money, or called a test. `reason` is the note that gave it away,
    empty where the shop says so itself. Whether it was left out is a matter of the shop's setting (`play_money`)."""

    __tablename__ = "play_orders"
    __table_args__ = (
        tenant_fk("shop_id", "shops", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "shop_id", "order_key"),
        Index("ix_play_orders_placed_at", "tenant_id", "shop_id", text("placed_at DESC"), text("id DESC")),
    )

    shop_id: Mapped[UUID]
    order_key: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text, default="")
    placed_at: Mapped[datetime]
    currency: Mapped[str] = mapped_column(Text)
    total_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    reason: Mapped[str] = mapped_column(Text, default="")
