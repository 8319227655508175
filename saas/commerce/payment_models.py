"""Payment accounts that a company connects, and what they tell: payments, refunds, disputes and payouts.

Nothing here is charged or paid by us: rows are the vendor's word, asked for anew each time it says that something changed.
`asked_at` is when it was asked, so that an answer that was long on its way does not replace a newer one.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import Stamped, TenantModel, tenant_fk

WAYS = ("consent", "key")
PAYMENT_STATES = ("pending", "authorised", "succeeded", "failed", "cancelled")
REFUND_STATES = ("pending", "succeeded", "failed", "cancelled")
DISPUTE_STATES = ("needs_answer", "under_review", "won", "lost", "closed")
PAYOUT_STATES = ("pending", "in_transit", "paid", "failed", "cancelled")
LINE_KINDS = ("payment", "refund", "dispute", "fee", "payout", "other")


class PaymentAccount(Stamped, TenantModel):
    """A company's own account at a payment vendor. `way` is how we may read it: its owner's consent, or a key of theirs.

    `shop_id` is the shop it takes the money for, where one was chosen. `hook_token` is in the address the vendor tells us
    things at, `endpoint` the vendor's id of that address; both only where a key made it.
    """

    __tablename__ = "payment_accounts"
    __table_args__ = (
        tenant_fk("shop_id", "shops", ondelete="SET NULL"),
        CheckConstraint(f"way IN {WAYS}", name="way"),
    )

    vendor: Mapped[str] = mapped_column(Text, default="stripe")
    way: Mapped[str] = mapped_column(Text)
    account: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, default="")
    country: Mapped[str] = mapped_column(Text, default="")
    currency: Mapped[str] = mapped_column(Text, default="")
    live: Mapped[bool] = mapped_column(Boolean, default=False)
    shop_id: Mapped[UUID | None]
    key_sealed: Mapped[bytes | None]
    key_hint: Mapped[str] = mapped_column(Text, default="")
    hook_token: Mapped[str] = mapped_column(Text, default="")
    hook_secret_sealed: Mapped[bytes | None]
    endpoint: Mapped[str] = mapped_column(Text, default="")
    trouble: Mapped[str] = mapped_column(Text, default="")
    lacking: Mapped[list[str]] = mapped_column(JSONB, default=list)
    last_told_at: Mapped[datetime | None]
    backfill: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    compared_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class PaymentTold(TenantModel):
    """A webhook of a payment vendor, stored once: which object to ask for. Nothing else of it is kept or believed."""

    __tablename__ = "payments_told"
    __table_args__ = (
        tenant_fk("account_id", "payment_accounts", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "account_id", "event"),
        Index("ix_payments_told_waiting", "tenant_id", "account_id", postgresql_where=text("done_at IS NULL")),
        Index("ix_payments_told_told_at", "tenant_id", "told_at"),
    )

    account_id: Mapped[UUID]
    event: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text, default="")
    object_id: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    happened_at: Mapped[datetime]
    told_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class OrderReference(TenantModel):
    """A word by which an order's shop knows its payment: the vendor's id of it, or a key that the vendor was given."""

    __tablename__ = "order_references"
    __table_args__ = (
        tenant_fk("order_id", "orders", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "order_id", "value"),
        Index("ix_order_references_value", "tenant_id", "value"),
    )

    order_id: Mapped[UUID]
    value: Mapped[str] = mapped_column(Text)


class Payment(Stamped, TenantModel):
    """One wish to pay, with what became of it; `key` is the vendor's id of it, `charge` that of the newest try at it.

    `number` and `reference` are what the shop wrote into it of its order. `fee_amount` and `net_amount` are in
    `settled_currency`, all others in `currency`; each in minor units.
    """

    __tablename__ = "payments"
    __table_args__ = (
        tenant_fk("account_id", "payment_accounts", ondelete="CASCADE"),
        tenant_fk("order_id", "orders", ondelete="SET NULL"),
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        UniqueConstraint("tenant_id", "account_id", "key"),
        CheckConstraint(f"state IN {PAYMENT_STATES}", name="state"),
        Index("ix_payments_at", "tenant_id", text("at DESC"), text("id DESC")),
        Index("ix_payments_order_id", "tenant_id", "order_id"),
        Index("ix_payments_customer_id", "tenant_id", "customer_id", "at"),
        Index("ix_payments_charge", "tenant_id", "charge", postgresql_where=text("charge <> ''")),
        Index("ix_payments_key", "tenant_id", "key"),
        Index("ix_payments_number", "tenant_id", "number", postgresql_where=text("number <> ''")),
        Index("ix_payments_reference", "tenant_id", "reference", postgresql_where=text("reference <> ''")),
        Index("ix_payments_state", "tenant_id", "state", text("at DESC")),
    )

    account_id: Mapped[UUID]
    key: Mapped[str] = mapped_column(Text)
    charge: Mapped[str] = mapped_column(Text, default="")
    order_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    number: Mapped[str] = mapped_column(Text, default="")
    reference: Mapped[str] = mapped_column(Text, default="")
    email: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    received_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    refunded_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    settled_currency: Mapped[str] = mapped_column(Text, default="")
    fee_amount: Mapped[int | None] = mapped_column(BigInteger)
    net_amount: Mapped[int | None] = mapped_column(BigInteger)
    method: Mapped[str] = mapped_column(Text, default="")
    brand: Mapped[str] = mapped_column(Text, default="")
    last4: Mapped[str] = mapped_column(Text, default="")
    failure: Mapped[str] = mapped_column(Text, default="")
    risk: Mapped[str] = mapped_column(Text, default="")
    risk_score: Mapped[int | None] = mapped_column(Integer)
    disputed: Mapped[bool] = mapped_column(Boolean, default=False)
    asked_at: Mapped[datetime]


class PaymentRefund(Stamped, TenantModel):
    """Money given back, as the payment vendor tells it. `refund_id` is the same refund as the shop tells it."""

    __tablename__ = "payment_refunds"
    __table_args__ = (
        tenant_fk("account_id", "payment_accounts", ondelete="CASCADE"),
        tenant_fk("payment_id", "payments", ondelete="CASCADE"),
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        tenant_fk("refund_id", "refunds", ondelete="SET NULL"),
        UniqueConstraint("tenant_id", "account_id", "key"),
        CheckConstraint(f"state IN {REFUND_STATES}", name="state"),
        Index("ix_payment_refunds_payment_id", "tenant_id", "payment_id"),
        Index("ix_payment_refunds_payment_key", "tenant_id", "payment_key"),
        Index("ix_payment_refunds_customer_id", "tenant_id", "customer_id"),
        Index("ix_payment_refunds_refund_id", "tenant_id", "refund_id"),
    )

    account_id: Mapped[UUID]
    key: Mapped[str] = mapped_column(Text)
    payment_key: Mapped[str] = mapped_column(Text, default="")
    payment_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    refund_id: Mapped[UUID | None]
    at: Mapped[datetime]
    state: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text, default="")
    failure: Mapped[str] = mapped_column(Text, default="")
    asked_at: Mapped[datetime]


class Dispute(Stamped, TenantModel):
    """A card holder's bank takes the money back. `due_at` is until when it can be answered at the vendor."""

    __tablename__ = "disputes"
    __table_args__ = (
        tenant_fk("account_id", "payment_accounts", ondelete="CASCADE"),
        tenant_fk("payment_id", "payments", ondelete="CASCADE"),
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        UniqueConstraint("tenant_id", "account_id", "key"),
        CheckConstraint(f"state IN {DISPUTE_STATES}", name="state"),
        Index("ix_disputes_payment_id", "tenant_id", "payment_id"),
        Index("ix_disputes_payment_key", "tenant_id", "payment_key"),
        Index("ix_disputes_customer_id", "tenant_id", "customer_id"),
        Index("ix_disputes_opened_at", "tenant_id", text("opened_at DESC"), text("id DESC")),
        Index("ix_disputes_due_at", "tenant_id", "due_at", postgresql_where=text("state = 'needs_answer'")),
    )

    account_id: Mapped[UUID]
    key: Mapped[str] = mapped_column(Text)
    payment_key: Mapped[str] = mapped_column(Text, default="")
    payment_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(Text)
    inquiry: Mapped[bool] = mapped_column(Boolean, default=False)
    reason: Mapped[str] = mapped_column(Text, default="")
    currency: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    asked_at: Mapped[datetime]


class Payout(Stamped, TenantModel):
    """Money on its way to the company's bank. `listed` once all that it is made of is here."""

    __tablename__ = "payouts"
    __table_args__ = (
        tenant_fk("account_id", "payment_accounts", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "account_id", "key"),
        CheckConstraint(f"state IN {PAYOUT_STATES}", name="state"),
        Index("ix_payouts_made_at", "tenant_id", text("made_at DESC"), text("id DESC")),
    )

    account_id: Mapped[UUID]
    key: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
    arrives_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    automatic: Mapped[bool] = mapped_column(Boolean, default=True)
    listed: Mapped[bool] = mapped_column(Boolean, default=False)
    failure: Mapped[str] = mapped_column(Text, default="")
    asked_at: Mapped[datetime]


class PayoutLine(TenantModel):
    """One movement of an account's balance that a payout holds; `source` is the vendor's id of what it came of."""

    __tablename__ = "payout_lines"
    __table_args__ = (
        tenant_fk("payout_id", "payouts", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "payout_id", "key"),
        CheckConstraint(f"kind IN {LINE_KINDS}", name="kind"),
        Index("ix_payout_lines_payout_id", "tenant_id", "payout_id", "at"),
    )

    payout_id: Mapped[UUID]
    key: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    amount: Mapped[int] = mapped_column(BigInteger)
    fee_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    net_amount: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(Text, default="")
