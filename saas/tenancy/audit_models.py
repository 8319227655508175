"""The tables of the trace and of the bin: what was done, the seals over it, and what was thrown away.

An entry says who did what and is never changed. The values it tells of stand beside it, bound to it by a salted digest, so
that what erasure must reach can go without breaking the seal.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Index, Integer, Text, UniqueConstraint, Uuid, literal_column
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit import clock
from saas.kit.db import TenantModel, tenant_fk


class AuditEntry(TenantModel):
    """Who did what, through which door; the application may add rows and read them, and no more.

    `era` and `xid` say which transaction of which database wrote the row: seals go by them. A row with `detail` is one line
    of a batch that has an entry of its own. `undoes` is the entry that this one took back.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_record", "tenant_id", "record_kind", "record_id", "id"),
        Index("ix_audit_entries_sealing", "tenant_id", "era", "xid", "id"),
        Index(
            "ix_audit_entries_batch", "tenant_id", "batch", "id", postgresql_where=literal_column("batch IS NOT NULL")
        ),
        Index("ix_audit_entries_shown", "tenant_id", "id", postgresql_where=literal_column("NOT detail")),
        Index("ix_audit_entries_actor", "tenant_id", "actor_id", "id", postgresql_where=literal_column("NOT detail")),
        Index("ix_audit_entries_action", "tenant_id", "action", "id", postgresql_where=literal_column("NOT detail")),
    )

    era: Mapped[int] = mapped_column(BigInteger)
    xid: Mapped[int] = mapped_column(BigInteger)
    acted_at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    record_kind: Mapped[str] = mapped_column(Text)
    record_id: Mapped[str] = mapped_column(Text)
    batch: Mapped[UUID | None]
    undoes: Mapped[UUID | None]
    detail: Mapped[bool] = mapped_column(Boolean)
    door: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(Text)
    values_digest: Mapped[bytes]
    who_digest: Mapped[bytes]


class AuditValues(TenantModel):
    """What an entry tells of: before and after, and who it was in words; `id` is the entry's.

    Erasing empties a part with its salt and names the entry that recorded the erasure.
    """

    __tablename__ = "audit_values"

    salt: Mapped[bytes | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    erased_in: Mapped[UUID | None]
    who_salt: Mapped[bytes | None]
    who: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    who_erased_in: Mapped[UUID | None]


class AuditSeal(TenantModel):
    """One link of a tenant's chain: the entries that the transactions from `from_xid` up to (not with) `to_xid` wrote.

    `witnesses` holds 16 bytes of id and 8 of digest for each row, in order, to tell which row a broken seal breaks on.
    """

    __tablename__ = "audit_seals"
    __table_args__ = (
        UniqueConstraint("tenant_id", "position"),
        Index("ix_audit_seals_era", "tenant_id", "era", "to_xid"),
    )

    position: Mapped[int] = mapped_column(BigInteger)
    era: Mapped[int] = mapped_column(BigInteger)
    from_xid: Mapped[int] = mapped_column(BigInteger)
    to_xid: Mapped[int] = mapped_column(BigInteger)
    rows: Mapped[int] = mapped_column(Integer)
    witnesses: Mapped[bytes]
    previous: Mapped[bytes]
    hash: Mapped[bytes]
    mac: Mapped[bytes]
    sealed_at: Mapped[datetime] = mapped_column(default=lambda: clock.now())


class AuditHead(TenantModel):
    """How far a tenant's chain reaches, so that a chain whose end was cut off is found to be short."""

    __tablename__ = "audit_heads"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    position: Mapped[int] = mapped_column(BigInteger)
    era: Mapped[int] = mapped_column(BigInteger)
    to_xid: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]
    mac: Mapped[bytes]


class AuditUndo(TenantModel):
    """That an entry was taken back, and by which; its key lets one of two people win who press Undo at once."""

    __tablename__ = "audit_undos"

    undone_at: Mapped[datetime] = mapped_column(default=lambda: clock.now())
    actor_name: Mapped[str] = mapped_column(Text, default="")
    partly: Mapped[bool] = mapped_column(Boolean, default=False)


class BinItem(TenantModel):
    """One record that was thrown away, with what it was called and until when it can be brought back."""

    __tablename__ = "bin_items"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind", "record_id"),
        Index("ix_bin_items_deleted_at", "tenant_id", "deleted_at", "id"),
        Index("ix_bin_items_until", "tenant_id", "until", "id"),
        Index("ix_bin_items_journal", "tenant_id", "journal"),
        Index("ix_bin_items_batch", "tenant_id", "batch", "id", postgresql_where=literal_column("batch IS NOT NULL")),
    )

    kind: Mapped[str] = mapped_column(Text)
    record_id: Mapped[UUID]
    title: Mapped[str] = mapped_column(Text, default="")
    deleted_at: Mapped[datetime] = mapped_column(default=lambda: clock.now())
    deleted_by: Mapped[str] = mapped_column(Text, default="")
    deleted_by_id: Mapped[str] = mapped_column(Text, default="")
    batch: Mapped[UUID | None]
    journal: Mapped[UUID]
    until: Mapped[datetime]


class BulkTarget(TenantModel):
    """A thousand records that a bulk action was started for, so that who is meant does not move while it runs."""

    __tablename__ = "bulk_targets"
    __table_args__ = (
        tenant_fk("operation_id", "operations", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "operation_id", "part"),
    )

    operation_id: Mapped[UUID]
    part: Mapped[int] = mapped_column(Integer)
    ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
