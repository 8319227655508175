"""Deliveries as they came in, kept until they are understood."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import TenantModel, tenant_fk

STATES = ("waiting", "done", "failed")


class DeliveryIn(TenantModel):
    """One delivery of a shop: stored once, taken when it can be understood, failed with its reason until then."""

    __tablename__ = "deliveries_in"
    __table_args__ = (
        tenant_fk("shop_id", "shops", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "shop_id", "key"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index("ix_deliveries_in_shop_id", "tenant_id", "shop_id", text("received_at DESC")),
        Index("ix_deliveries_in_state", "tenant_id", "state", text("received_at DESC")),
    )

    shop_id: Mapped[UUID]
    key: Mapped[str] = mapped_column(Text)
    topic: Mapped[str] = mapped_column(Text)
    resource: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(Text, default="waiting")
    reason: Mapped[str] = mapped_column(Text, default="")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    taken_at: Mapped[datetime | None]


class Refused(TenantModel):
    """A delivery that was turned away at the door, so that the shop's page can say what is wrong."""

    __tablename__ = "deliveries_refused"
    __table_args__ = (
        tenant_fk("shop_id", "shops", ondelete="CASCADE"),
        Index("ix_deliveries_refused_shop_id", "tenant_id", "shop_id", text("refused_at DESC")),
    )

    shop_id: Mapped[UUID]
    refused_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    reason: Mapped[str] = mapped_column(Text)
    topic: Mapped[str] = mapped_column(Text, default="")
    address: Mapped[str] = mapped_column(Text, default="")
