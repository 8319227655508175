"""The ledger of events: what happened, who still has to react, and which reactions are done.

PostgreSQL is the ledger and RQ only the doorbell: a lost Valkey loses nothing, because an event's doorbell row stays
until every reaction to it is recorded in the same transaction as its effect.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import GlobalModel, TenantModel


class OutboxEvent(TenantModel):
    """One thing that happened in a room; `payload` is what the event's class carries."""

    __tablename__ = "outbox"

    name: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    announced_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    done_at: Mapped[datetime | None]


class Doorbell(GlobalModel):
    """An event that is not fully reacted to. Global, because the relay looks for work before it knows whose it is."""

    __tablename__ = "outbox_doorbell"
    __table_args__ = (Index("ix_outbox_doorbell_due_at", "due_at"),)

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    last_error: Mapped[str | None] = mapped_column(Text)


class ReactionDone(TenantModel):
    """That a reaction to an event has had its effect; `id` is the event's."""

    __tablename__ = "reactions_done"

    reaction: Mapped[str] = mapped_column(Text, primary_key=True)
    done_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Tick(GlobalModel):
    """One run of a task of the timetable. Global, because the timetable is the platform's."""

    __tablename__ = "ticks"

    task: Mapped[str] = mapped_column(Text, primary_key=True)
    run_at: Mapped[datetime] = mapped_column(primary_key=True)
    claimed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
