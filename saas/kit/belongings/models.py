"""The journal: each row that was taken out of its table, and each column that was emptied or turned to another record."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import TenantModel

ACTS = ("taken", "emptied", "moved")


class JournalRow(TenantModel):
    """One entry of a journal. `row` holds each column as PostgreSQL writes it in text, which brings back every type exactly.

    taken: the row `record_id` of the table, whole. emptied and moved: the rows `ids` named `before` in `column_name` (and
    `after` since).
    """

    __tablename__ = "journal_rows"
    __table_args__ = (
        CheckConstraint(f"act IN {ACTS}", name="act"),
        Index("ix_journal_rows_journal", "tenant_id", "journal", "table_name", "record_id"),
        Index("ix_journal_rows_record_id", "tenant_id", "record_id"),
    )

    journal: Mapped[UUID]
    act: Mapped[str] = mapped_column(Text)
    table_name: Mapped[str] = mapped_column(Text)
    column_name: Mapped[str] = mapped_column(Text, default="", server_default="")
    record_id: Mapped[UUID | None]
    row: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    before: Mapped[UUID | None]
    after: Mapped[UUID | None]
    ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
