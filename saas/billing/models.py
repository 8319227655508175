"""A copy of what Stripe knows of each company, and what we asked of it. Stripe is the truth; these rows are a cache of it.

No payment data is here: cards are typed on Stripe's pages, and only their last four digits come back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit import identifiers
from saas.kit.db import GlobalModel, Stamped, TenantModel

STANDINGS = ("free", "trialing", "active", "past_due", "unpaid")
STATUSES = ("incomplete", "incomplete_expired", "trialing", "active", "past_due", "canceled", "unpaid", "paused")
INVOICE_STATUSES = ("draft", "open", "paid", "uncollectible", "void")
CHECKOUT_STATES = ("started", "open", "paid", "expired", "replaced")


class Account(Stamped, TenantModel):
    """How the company stands with us; one row a tenant, held while anything about its plan changes."""

    __tablename__ = "billing_accounts"
    __table_args__ = (UniqueConstraint("tenant_id"), CheckConstraint(f"standing IN {STANDINGS}", name="standing"))

    customer: Mapped[str | None] = mapped_column(Text)
    plan: Mapped[str | None] = mapped_column(Text)
    standing: Mapped[str] = mapped_column(Text, default="free")
    ends_at: Mapped[datetime | None]
    renews_at: Mapped[datetime | None]
    grace_until: Mapped[datetime | None]
    double: Mapped[bool] = mapped_column(Boolean, default=False)
    card: Mapped[str] = mapped_column(Text, default="")
    card_expires: Mapped[str] = mapped_column(Text, default="")
    seats: Mapped[int] = mapped_column(Integer, default=0)
    credit_amount: Mapped[int] = mapped_column(BigInteger, default=0)


class Subscription(Stamped, TenantModel):
    """A subscription of the company's at Stripe, as it was when last asked for."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "stripe_id"),
        CheckConstraint(f"status IN {STATUSES}", name="status"),
    )

    stripe_id: Mapped[str] = mapped_column(Text)
    item: Mapped[str] = mapped_column(Text)
    plan: Mapped[str] = mapped_column(Text)
    price: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    price_amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime]
    period_end_at: Mapped[datetime]
    trial_end_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str] = mapped_column(Text, default="")
    let_go: Mapped[bool] = mapped_column(Boolean, default=False)
    past_due_at: Mapped[datetime | None]
    seats: Mapped[int] = mapped_column(Integer, default=0)
    seat_item: Mapped[str] = mapped_column(Text, default="")
    coupon: Mapped[str] = mapped_column(Text, default="")
    collection_paused: Mapped[bool] = mapped_column(Boolean, default=False)
    asked_at: Mapped[datetime]


class Invoice(Stamped, TenantModel):
    """An invoice of Stripe's to the company, with where it can be seen and paid."""

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("tenant_id", "stripe_id"),
        CheckConstraint(f"status IN {INVOICE_STATUSES}", name="status"),
        Index("ix_invoices_issued_at", "tenant_id", "issued_at"),
    )

    stripe_id: Mapped[str] = mapped_column(Text)
    subscription: Mapped[str | None] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    currency: Mapped[str] = mapped_column(Text)
    total_amount: Mapped[int] = mapped_column(BigInteger)
    due_amount: Mapped[int] = mapped_column(BigInteger)
    refunded_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    dispute: Mapped[str] = mapped_column(Text, default="")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime | None]
    asks_confirmation: Mapped[bool] = mapped_column(Boolean, default=False)
    told: Mapped[str] = mapped_column(Text, default="")
    page_url: Mapped[str] = mapped_column(Text, default="")
    pdf_url: Mapped[str] = mapped_column(Text, default="")
    issued_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]


class StripeEvent(TenantModel):
    """What Stripe told us, once: which object to ask for again. The message itself is not kept, for it may be old."""

    __tablename__ = "stripe_events"
    __table_args__ = (UniqueConstraint("tenant_id", "event"), Index("ix_stripe_events_told_at", "tenant_id", "told_at"))

    event: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    object_id: Mapped[str] = mapped_column(Text, default="")
    subscription: Mapped[str | None] = mapped_column(Text)
    charge: Mapped[str | None] = mapped_column(Text)
    checkout: Mapped[str | None] = mapped_column(Text)
    happened_at: Mapped[datetime]
    told_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class Checkout(Stamped, TenantModel):
    """An owner's wish for a plan, written down before Stripe is asked, so that asking again is the same question."""

    __tablename__ = "checkouts"
    __table_args__ = (
        CheckConstraint(f"state IN {CHECKOUT_STATES}", name="state"),
        CheckConstraint("kind IN ('subscribe', 'change', 'seats')", name="kind"),
        Index("ix_checkouts_state", "tenant_id", "state"),
    )

    kind: Mapped[str] = mapped_column(Text)
    plan: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="started")
    session: Mapped[str | None] = mapped_column(Text)
    subscription: Mapped[str | None] = mapped_column(Text)
    asked_at: Mapped[datetime]
    trial_days: Mapped[int] = mapped_column(Integer, default=0)
    seats: Mapped[int | None] = mapped_column(Integer)


class Notice(TenantModel):
    """What was said once and is not said again: a warning of a month, a reminder of a debt, a card that runs out."""

    __tablename__ = "billing_notices"
    __table_args__ = (UniqueConstraint("tenant_id", "key"),)

    key: Mapped[str] = mapped_column(Text)
    said_at: Mapped[datetime]


class Closing(Stamped, TenantModel):
    """An owner's wish that the company be closed: it can be taken back until `erase_at`, and then all is erased."""

    __tablename__ = "company_closings"
    __table_args__ = (
        Index("uq_company_closings_open", "tenant_id", unique=True, postgresql_where=text("reopened_at IS NULL")),
    )

    closed_by: Mapped[str] = mapped_column(Text)
    closed_at: Mapped[datetime]
    erase_at: Mapped[datetime]
    reopened_at: Mapped[datetime | None]


class Certificate(GlobalModel):
    """That a company was erased: when, and how many rows of each table. It outlives the company and names nobody."""

    __tablename__ = "erasure_certificates"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=identifiers.new)
    erased_tenant: Mapped[int] = mapped_column(BigInteger, unique=True)
    closed_at: Mapped[datetime]
    began_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    digest: Mapped[str] = mapped_column(Text, default="")
