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
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit import clock, identifiers
from saas.kit.db import GlobalModel, Stamped, TenantModel, tenant_fk
from saas.tenancy.audit_models import (  # noqa: F401  all tables of the room are met here
    AuditEntry,
    AuditHead,
    AuditSeal,
    AuditUndo,
    AuditValues,
    BinItem,
    BulkTarget,
)
from saas.tenancy.roles import CUSTOM, ROLES
from saas.tenancy.team_models import Role, Team, TeamMember  # noqa: F401

STATES = ("active", "read_only", "closed")
OPERATION_STATES = ("waiting", "running", "cancelling", "undoing", "done", "cancelled", "failed", "undone")


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
    staff: Mapped[bool] = mapped_column(Boolean, default=False)
    signed_in_at: Mapped[datetime | None]
    totp_sealed: Mapped[bytes | None]
    totp_confirmed_at: Mapped[datetime | None]
    totp_step: Mapped[int | None] = mapped_column(BigInteger)
    recovery_marks: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)


class Passkey(GlobalModel):
    """A key pair a person's device made for us; only its public half is here, and how often it was used."""

    __tablename__ = "passkeys"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=identifiers.new)
    login_id: Mapped[UUID] = mapped_column(ForeignKey("logins.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[str] = mapped_column(Text, unique=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    name: Mapped[str] = mapped_column(Text, default="")
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    created_at: Mapped[datetime] = mapped_column(default=lambda: clock.now())
    last_used_at: Mapped[datetime | None]


class LoginSession(GlobalModel):
    """One signed-in browser; only the digest of its cookie is kept.

    `half` until the second factor is shown; `confined_to` the company whose own sign-in opened it; `support_id` the
    consent under which one of the platform's staff acts.
    """

    __tablename__ = "login_sessions"
    __table_args__ = (CheckConstraint("stage IN ('full', 'half')", name="stage"),)

    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    login_id: Mapped[UUID] = mapped_column(ForeignKey("logins.id", ondelete="CASCADE"), index=True)
    tenant_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("tenants.id", ondelete="CASCADE"), index=True)
    member_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=lambda: clock.now())
    seen_at: Mapped[datetime] = mapped_column(default=lambda: clock.now())
    expires_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(Text, default="")
    browser: Mapped[str] = mapped_column(Text, default="")
    stage: Mapped[str] = mapped_column(Text, default="full")
    method: Mapped[str] = mapped_column(Text, default="")
    second_factor: Mapped[bool] = mapped_column(Boolean, default=False)
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str] = mapped_column(Text, default="")
    confined_to: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("tenants.id", ondelete="CASCADE"))
    support_id: Mapped[UUID | None]


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
    second_factor_required: Mapped[bool] = mapped_column(Boolean, default=False)
    second_factor_from: Mapped[datetime | None]
    only_sso: Mapped[bool] = mapped_column(Boolean, default=False)


class Member(Stamped, TenantModel):
    """A person of the company's staff."""

    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("tenant_id", "login_id"),
        UniqueConstraint("tenant_id", "email_norm"),
        CheckConstraint(f"role IN {(*ROLES, CUSTOM)}", name="role"),
        CheckConstraint(f"(role = '{CUSTOM}') = (role_id IS NOT NULL)", name="role_id"),
        tenant_fk("role_id", "roles"),
    )

    login_id: Mapped[UUID | None] = mapped_column(ForeignKey("logins.id", ondelete="SET NULL"))
    email: Mapped[str] = mapped_column(Text)
    email_norm: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, default="")
    role: Mapped[str] = mapped_column(Text)
    role_id: Mapped[UUID | None]
    invited_at: Mapped[datetime | None]
    joined_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class SsoConnection(Stamped, TenantModel):
    """The company's own sign-in (OpenID Connect); `code` stands in its address, an empty role takes only the invited."""

    __tablename__ = "sso_connections"
    __table_args__ = (UniqueConstraint("tenant_id"),)

    code: Mapped[str] = mapped_column(Text)
    issuer: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(Text)
    secret_sealed: Mapped[bytes | None]
    newcomer_role: Mapped[str] = mapped_column(Text, default="")
    enabled: Mapped[bool] = mapped_column(Boolean, default=False)
    tested_at: Mapped[datetime | None]


class SsoDomain(Stamped, TenantModel):
    """A mail domain the company has shown to be its own (`proven_by` dns or address), or is about to."""

    __tablename__ = "sso_domains"
    __table_args__ = (UniqueConstraint("tenant_id", "domain"),)

    domain: Mapped[str] = mapped_column(Text)
    token: Mapped[str] = mapped_column(Text)
    proven_at: Mapped[datetime | None]
    proven_by: Mapped[str] = mapped_column(Text, default="")


class SsoIdentity(Stamped, TenantModel):
    """Who a subject of the company's own sign-in is here; it opens this company and no other."""

    __tablename__ = "sso_identities"
    __table_args__ = (UniqueConstraint("tenant_id", "issuer", "subject"),)

    issuer: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    login_id: Mapped[UUID] = mapped_column(ForeignKey("logins.id", ondelete="CASCADE"))
    last_used_at: Mapped[datetime | None]


class SupportGrant(Stamped, TenantModel):
    """The company's consent that the platform's staff may come in, until it ends or is withdrawn."""

    __tablename__ = "support_grants"
    __table_args__ = (tenant_fk("granted_by", "members", ondelete="SET NULL"),)

    granted_by: Mapped[UUID | None]
    granted_by_name: Mapped[str] = mapped_column(Text, default="")
    may_edit: Mapped[bool] = mapped_column(Boolean, default=False)
    reason: Mapped[str] = mapped_column(Text, default="")
    expires_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class ApiKey(Stamped, TenantModel):
    """A key a program signs in with; shown once, kept as a digest."""

    __tablename__ = "api_keys"

    name: Mapped[str] = mapped_column(Text)
    hint: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    made_by: Mapped[UUID | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    role: Mapped[str] = mapped_column(Text, default="owner")
    role_id: Mapped[UUID | None]
    scopes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    expires_at: Mapped[datetime | None]
    __table_args__ = (
        tenant_fk("made_by", "members", ondelete="SET NULL"),
        tenant_fk("role_id", "roles"),
        CheckConstraint(f"role IN {(*ROLES, CUSTOM)}", name="role"),
        CheckConstraint(f"(role = '{CUSTOM}') = (role_id IS NOT NULL)", name="role_id"),
    )


class ApiRequest(TenantModel):
    """A request a program named with an idempotency key, with what it was answered, so that sending it twice does it once."""

    __tablename__ = "api_requests"
    __table_args__ = (
        UniqueConstraint("tenant_id", "key_id", "name"),
        Index("ix_api_requests_asked_at", "asked_at"),
    )

    key_id: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(Text)
    status: Mapped[int | None] = mapped_column(Integer)
    headers: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    body: Mapped[bytes | None]
    asked_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


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


class CustomField(Stamped, TenantModel):
    """A field of the company's own for a kind of record. `key` never changes: values are kept under it.

    `choices` are {"key", "label", "archived"?, "into"?}: `into` is the key of the choice that took over its records.
    """

    __tablename__ = "custom_fields"
    __table_args__ = (UniqueConstraint("tenant_id", "kind", "key"),)

    kind: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    help: Mapped[str] = mapped_column(Text, default="")
    required: Mapped[bool] = mapped_column(Boolean, default=False)
    unique: Mapped[bool] = mapped_column(Boolean, default=False)
    personal: Mapped[bool] = mapped_column(Boolean, default=False)
    currency: Mapped[str] = mapped_column(Text, default="")
    choices: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    formula: Mapped[str] = mapped_column(Text, default="")
    place: Mapped[int] = mapped_column(Integer, default=0)
    archived_at: Mapped[datetime | None]


class SavedView(Stamped, TenantModel):
    """A way to look at a list, kept under a name: filters, columns, sort and search words, for one person or for more.

    One that a program made is nobody's (`member_id` is empty) and everybody sees it.
    """

    __tablename__ = "saved_views"
    __table_args__ = (
        tenant_fk("member_id", "members", ondelete="CASCADE"),
        CheckConstraint("audience IN ('mine', 'team', 'everyone')", name="audience"),
        Index("ix_saved_views_kind", "tenant_id", "kind", "place"),
    )

    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    member_id: Mapped[UUID | None]
    audience: Mapped[str] = mapped_column(Text, default="mine")
    team_id: Mapped[UUID | None]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    place: Mapped[int] = mapped_column(Integer, default=0)


class DefaultView(TenantModel):
    """The view a list opens with: a person's, or the company's where `member_id` is empty."""

    __tablename__ = "default_views"
    __table_args__ = (
        tenant_fk("member_id", "members", ondelete="CASCADE"),
        tenant_fk("view_id", "saved_views", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "kind", "member_id", postgresql_nulls_not_distinct=True),
    )

    kind: Mapped[str] = mapped_column(Text)
    member_id: Mapped[UUID | None]
    view_id: Mapped[UUID]


class Operation(Stamped, TenantModel):
    """Long work and how far it is; `cursor` and `undo_cursor` belong to the kind, `report` is what its page shows."""

    __tablename__ = "operations"
    __table_args__ = (
        CheckConstraint(f"state IN {OPERATION_STATES}", name="state"),
        Index(
            "ix_operations_going", "tenant_id", "touched_at", postgresql_where=text(f"state IN {OPERATION_STATES[:4]}")
        ),
    )

    kind: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(Text, default="waiting")
    params: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    cursor: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    undo_cursor: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    report: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    total: Mapped[int | None] = mapped_column(BigInteger)
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    failed: Mapped[int] = mapped_column(BigInteger, default=0)
    undone: Mapped[int] = mapped_column(BigInteger, default=0)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    actor_kind: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[str] = mapped_column(Text)
    actor_name: Mapped[str] = mapped_column(Text, default="")
    touched_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    undo_until: Mapped[datetime | None]


class OperationFailure(TenantModel):
    """One thing that long work could not do: its place in the source, the thing, and why."""

    __tablename__ = "operation_failures"
    __table_args__ = (
        tenant_fk("operation_id", "operations", ondelete="CASCADE"),
        Index("ix_operation_failures_operation_id", "tenant_id", "operation_id", "position"),
    )

    operation_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(BigInteger, default=0)
    row: Mapped[Any] = mapped_column(JSONB)
    reason: Mapped[str] = mapped_column(Text)
