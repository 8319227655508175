"""Companies, their people and the keys that lead to them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit import clock, identifiers
from saas.kit.db import GlobalModel, Stamped, TenantModel, tenant_fk
from saas.tenancy.roles import ROLES

STATES = ("active", "read_only", "closed")


class Tenant(Stamped, GlobalModel):
    """A subscriber company."""

    __tablename__ = "tenants"
    __table_args__ = (CheckConstraint(f"state IN {STATES}", name="state"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="active")
    simulated: Mapped[bool] = mapped_column(Boolean, default=False)


class Login(Stamped, GlobalModel):
    """A person who can sign in; members of several tenants may be one login."""

    __tablename__ = "logins"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=identifiers.new)
    email: Mapped[str] = mapped_column(Text)
    email_norm: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text, default="")
    password_hash: Mapped[str | None] = mapped_column(Text)
    verified_at: Mapped[datetime | None]
    language: Mapped[str] = mapped_column(Text, default="")
    zone: Mapped[str] = mapped_column(Text, default="")


class LoginSession(GlobalModel):
    """One signed-in browser; only the digest of its cookie is kept."""

    __tablename__ = "login_sessions"

    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    login_id: Mapped[UUID] = mapped_column(ForeignKey("logins.id", ondelete="CASCADE"), index=True)
    tenant_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=lambda: clock.now())
    seen_at: Mapped[datetime] = mapped_column(default=lambda: clock.now())
    expires_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(Text, default="")
    browser: Mapped[str] = mapped_column(Text, default="")


class DirectoryEntry(GlobalModel):
    """Which tenant a key, token or outside id belongs to; `digest` hides the key itself."""

    __tablename__ = "key_directory"
    __table_args__ = (Index("ix_key_directory_tenant_id_kind", "tenant_id", "kind"),)

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    tenant_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    subject_id: Mapped[UUID | None]


class PlatformAct(GlobalModel):
    """A crossing of tenants by the platform, with its reason: once a day for each reason, for jobs cross every minute."""

    __tablename__ = "platform_acts"
    __table_args__ = (UniqueConstraint("acted_on", "actor", "reason"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=identifiers.new)
    acted_at: Mapped[datetime] = mapped_column(default=lambda: clock.now())
    acted_on: Mapped[date] = mapped_column(default=lambda: clock.now().date())
    reason: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text, default="")


class TenantSettings(Stamped, TenantModel):
    """What a company says of itself; one row a tenant."""

    __tablename__ = "tenant_settings"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    address: Mapped[str] = mapped_column(Text, default="")
    country: Mapped[str] = mapped_column(Text, default="")
    currency: Mapped[str] = mapped_column(Text, default="EUR")
    zone: Mapped[str] = mapped_column(Text, default="UTC")
    languages: Mapped[list[str]] = mapped_column(ARRAY(Text), default=lambda: ["en"])
    sender_name: Mapped[str] = mapped_column(Text, default="")
    sender_email: Mapped[str] = mapped_column(Text, default="")
    reply_to: Mapped[str] = mapped_column(Text, default="")
    dkim_domain: Mapped[str] = mapped_column(Text, default="")
    dkim_selector: Mapped[str] = mapped_column(Text, default="regulars")
    dkim_algorithm: Mapped[str] = mapped_column(Text, default="rsa")
    dkim_key_sealed: Mapped[bytes | None]
    dkim_public: Mapped[str] = mapped_column(Text, default="")
    dkim_verified_at: Mapped[datetime | None]
    site_key: Mapped[str] = mapped_column(Text, default="")
    onboarding: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class Member(Stamped, TenantModel):
    """A person of the company's staff."""

    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("tenant_id", "login_id"),
        UniqueConstraint("tenant_id", "email_norm"),
        CheckConstraint(f"role IN {ROLES}", name="role"),
    )

    login_id: Mapped[UUID | None] = mapped_column(ForeignKey("logins.id", ondelete="SET NULL"))
    email: Mapped[str] = mapped_column(Text)
    email_norm: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, default="")
    role: Mapped[str] = mapped_column(Text)
    invited_at: Mapped[datetime | None]
    joined_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class ApiKey(Stamped, TenantModel):
    """A key a program signs in with; shown once, kept as a digest."""

    __tablename__ = "api_keys"

    name: Mapped[str] = mapped_column(Text)
    hint: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    made_by: Mapped[UUID | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    __table_args__ = (tenant_fk("made_by", "members", ondelete="SET NULL"),)


class Entitlement(Stamped, TenantModel):
    """What the plan allows of one thing; written by billing, asked by everyone. `most` None: no limit."""

    __tablename__ = "entitlements"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)

    name: Mapped[str] = mapped_column(Text)
    most: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(Text, default="plan")


class UsageCount(TenantModel):
    """How much of a metered thing was used in one period (a month, written YYYY-MM)."""

    __tablename__ = "usage_counts"
    __table_args__ = (UniqueConstraint("tenant_id", "name", "period"),)

    name: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    used: Mapped[int] = mapped_column(BigInteger, default=0)


class AuditEntry(TenantModel):
    """Who did what, before and after; the application may add rows and read them."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_record", "tenant_id", "record_kind", "record_id"),)

    acted_at: Mapped[datetime] = mapped_column(default=lambda: clock.now())
    actor_kind: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[str] = mapped_column(Text)
    actor_name: Mapped[str] = mapped_column(Text, default="")
    action: Mapped[str] = mapped_column(Text)
    record_kind: Mapped[str] = mapped_column(Text, default="")
    record_id: Mapped[str] = mapped_column(Text, default="")
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    sequence: Mapped[int] = mapped_column(Integer, default=0)
