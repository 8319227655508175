"""The tables of search: what the PostgreSQL engine searches, what waits to be indexed, which engine serves whom.

Nothing here is a source of truth; all of it can be built again from the rooms' rows.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import TenantModel

ENGINES = ("whoosh", "postgres")


class SearchRecord(TenantModel):
    """One thing that can be found; `id` is the record's own. Each of its terms begins with the tenant."""

    __tablename__ = "search_records"
    __table_args__ = (
        Index("ix_search_records_terms", "terms", postgresql_using="gin"),
        Index(
            "ix_search_records_parts",
            "tenant_id",
            "parts",
            postgresql_using="gin",
            postgresql_ops={"parts": "gin_trgm_ops"},
        ),
    )

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    subtitle: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    parts: Mapped[str] = mapped_column(Text)
    terms: Mapped[str] = mapped_column(TSVECTOR)


class SearchChange(TenantModel):
    """That a record was made, changed or removed since it was last indexed. No `record_id` means all of them."""

    __tablename__ = "search_changes"

    kind: Mapped[str] = mapped_column(Text)
    record_id: Mapped[UUID | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class SearchPlace(TenantModel):
    """Which engine serves a tenant, and which version of the terms it was built with."""

    __tablename__ = "search_places"
    __table_args__ = (
        UniqueConstraint("tenant_id"),
        CheckConstraint(f"engine IN {ENGINES!r}", name="engine"),
    )

    engine: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    built_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
