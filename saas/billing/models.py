"""A copy of what Stripe knows of each company, and what we asked of it. Stripe is the truth; these rows are a cache of it.

No payment data is here: cards are typed on Stripe's pages, and only their last four digits come back.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import Stamped, TenantModel

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
        CheckConstraint("kind IN ('subscribe', 'change')", name="kind"),
        Index("ix_checkouts_state", "tenant_id", "state"),
    )

    kind: Mapped[str] = mapped_column(Text)
    plan: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="started")
    session: Mapped[str | None] = mapped_column(Text)
    subscription: Mapped[str | None] = mapped_column(Text)
    asked_at: Mapped[datetime]
