"""Segments and the list of addresses that must not be written to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit import clock
from saas.kit.db import Stamped, TenantModel


class Segment(Stamped, TenantModel):
    """A group of customers, told by conditions; who belongs is asked whenever it matters."""

    __tablename__ = "segments"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    name: Mapped[str] = mapped_column(Text)
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    size: Mapped[int | None] = mapped_column(Integer)
    counted_at: Mapped[datetime | None]


class Suppression(TenantModel):
    """An address nobody is to write to, whoever's it is and whatever they agreed to."""

    __tablename__ = "suppressions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "email_norm", "reason"),
        Index("ix_suppressions_at", "tenant_id", "at"),
    )

    email_norm: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(default=lambda: clock.now())
