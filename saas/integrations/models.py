"""Deliveries as they came in, kept until they are understood; those that go out to webhooks; and files that people bring."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.commerce.refusal_words import Kept
from saas.kit.db import Stamped, TenantModel, tenant_fk

STATES = ("waiting", "done", "failed")
HOOK_STATES = ("active", "paused", "disabled")
OUT_STATES = ("waiting", "done", "given_up")
IMPORT_KINDS = ("customer", "product", "order")


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
    reason: Mapped[str] = mapped_column(Kept, default="")
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


class Import(Stamped, TenantModel):
    """A file that somebody brought, how it is read, what its columns mean, and the long work that checked and took it.

    `mapping` says for each column (by its place) which field it fills; `fixes` are cells mended in the preview.
    """

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint(f"kind IN {IMPORT_KINDS}", name="kind"),
        tenant_fk("check_id", "operations", ondelete="SET NULL"),
        tenant_fk("run_id", "operations", ondelete="SET NULL"),
    )

    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, default="")
    file_id: Mapped[UUID]
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    reading: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    headers: Mapped[list[str]] = mapped_column(JSONB, default=list)
    mapping: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    fixes: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    remembered: Mapped[bool] = mapped_column(Boolean, default=False)
    made_by: Mapped[str] = mapped_column(Text, default="")
    made_by_name: Mapped[str] = mapped_column(Text, default="")
    check_id: Mapped[UUID | None]
    run_id: Mapped[UUID | None]


class ImportRecipe(Stamped, TenantModel):
    """What the columns of a file with these headers meant the last time, and the options that were chosen."""

    __tablename__ = "import_recipes"
    __table_args__ = (UniqueConstraint("tenant_id", "kind", "digest"),)

    kind: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    mapping: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class ImportEntry(TenantModel):
    """What an import did to one record, so that it can be undone: made it, or changed it from `before` to `after`.

    `at` is the record's `updated_at` as the import left it.
    """

    __tablename__ = "import_entries"
    __table_args__ = (UniqueConstraint("tenant_id", "import_id", "record_id"),)

    import_id: Mapped[UUID]
    record_id: Mapped[UUID]
    made: Mapped[bool] = mapped_column(Boolean)
    at: Mapped[datetime]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class ImportSeen(TenantModel):
    """That a trial run met a person, product or order; `id` is a digest of the trial and the key."""

    __tablename__ = "import_seen"
    __table_args__ = (Index("ix_import_seen_trial_id", "tenant_id", "trial_id"),)

    trial_id: Mapped[UUID]


class Hook(Stamped, TenantModel):
    """An address of the company's own that is told what happens; its secret signs what it is told."""

    __tablename__ = "hooks"
    __table_args__ = (CheckConstraint(f"state IN {HOOK_STATES}", name="state"),)

    name: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    topics: Mapped[list[str]] = mapped_column(ARRAY(Text))
    secret_sealed: Mapped[bytes]
    previous_secret_sealed: Mapped[bytes | None]
    previous_until: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(Text, default="active")
    reason: Mapped[str] = mapped_column(Text, default="")
    last_taken_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    not_before: Mapped[datetime | None]


class DeliveryOut(TenantModel):
    """One message to a hook: waits until it is due, is tried until the hook takes it or the schedule ends."""

    __tablename__ = "deliveries_out"
    __table_args__ = (
        tenant_fk("hook_id", "hooks", ondelete="CASCADE"),
        CheckConstraint(f"state IN {OUT_STATES}", name="state"),
        Index("ix_deliveries_out_hook_id", "tenant_id", "hook_id", text("id DESC")),
        Index("ix_deliveries_out_due_at", "tenant_id", "hook_id", "due_at", postgresql_where=text("state = 'waiting'")),
    )

    hook_id: Mapped[UUID]
    topic: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(Text, default="waiting")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    made_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    ended_at: Mapped[datetime | None]


class Attempt(TenantModel):
    """One try to deliver a message: the status that came back, or why none did, and how long it took."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (
        tenant_fk("delivery_id", "deliveries_out", ondelete="CASCADE"),
        Index("ix_delivery_attempts_delivery_id", "tenant_id", "delivery_id", "id"),
    )

    delivery_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    status: Mapped[int | None] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(Text, default="")
    milliseconds: Mapped[int] = mapped_column(Integer, default=0)


class RetentionRule(Stamped, TenantModel):
    """That a company keeps one kind of its data for `number` days or months and no longer."""

    __tablename__ = "retention_rules"
    __table_args__ = (
        UniqueConstraint("tenant_id", "rule"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("unit IN ('days', 'months')", name="unit"),
    )

    rule: Mapped[str] = mapped_column(Text)
    number: Mapped[int] = mapped_column(Integer)
    unit: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(Text, default="")
