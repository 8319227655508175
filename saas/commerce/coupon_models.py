"""Coupons, the codes they are given out by, and the orders these were used in."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.commerce.refusal_words import Kept
from saas.kit.db import Stamped, TenantModel, tenant_fk

COUPON_KINDS = ("percent", "amount", "shipping")
COUPON_STATES = ("active", "stopped")
CODE_STATES = ("waiting", "ready", "stopping", "stopped", "gone", "failed")
GIVEN_BY = ("campaign", "form", "member", "program")


class Coupon(Stamped, TenantModel):
    """What a company gives: so much off, or free shipping, in one shop. Its terms stand fast once it has codes.

    `days` is how long a code is good from the day it is given; `pool` how many codes stand ready in the shop ahead of time.
    `at_shop` is what its shop calls parts of it; `trouble` says why codes wait, `not_before` until when the shop is spared.
    """

    __tablename__ = "coupons"
    __table_args__ = (
        tenant_fk("shop_id", "shops", ondelete="CASCADE"),
        CheckConstraint(f"kind IN {COUPON_KINDS}", name="kind"),
        CheckConstraint(f"state IN {COUPON_STATES}", name="state"),
        Index("ix_coupons_shop_id", "tenant_id", "shop_id"),
    )

    shop_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="active")
    percent_hundredths: Mapped[int] = mapped_column(Integer, default=0)
    off_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    least_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    currency: Mapped[str] = mapped_column(Text)
    product_keys: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    categories: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    alone: Mapped[bool] = mapped_column(Boolean, default=False)
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    days: Mapped[int | None] = mapped_column(Integer)
    uses: Mapped[int] = mapped_column(Integer, default=1)
    per_customer: Mapped[int] = mapped_column(Integer, default=1)
    prefix: Mapped[str] = mapped_column(Text, default="")
    pool: Mapped[int] = mapped_column(Integer, default=0)
    at_shop: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    trouble: Mapped[str] = mapped_column(Kept, default="")
    tries: Mapped[int] = mapped_column(Integer, default=0)
    not_before: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]


class CouponCode(TenantModel):
    """One code: waiting to be written to its shop, ready there, stopping, stopped, gone (the shop deleted it) or failed.

    `norm` is the code in capitals, for shops write it as they like. `key` is the shop's id of it. It is nobody's until it is
    given: `given_key` says what for, so that the same wish gets the same code; `given_for` the mailing or form.
    """

    __tablename__ = "coupon_codes"
    __table_args__ = (
        tenant_fk("coupon_id", "coupons", ondelete="CASCADE"),
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        CheckConstraint(f"state IN {CODE_STATES}", name="state"),
        CheckConstraint(f"given_by IN {('', *GIVEN_BY)}", name="given_by"),
        UniqueConstraint("tenant_id", "shop_id", "norm"),
        UniqueConstraint("tenant_id", "coupon_id", "given_key"),
        Index("ix_coupon_codes_customer_id", "tenant_id", "customer_id", postgresql_where=text("customer_id IS NOT NULL")),
        Index("ix_coupon_codes_given_for", "tenant_id", "given_for", postgresql_where=text("given_for IS NOT NULL")),
        Index("ix_coupon_codes_state", "tenant_id", "coupon_id", "state", "id"),
        Index("ix_coupon_codes_due", "tenant_id", "coupon_id", postgresql_where=text("state IN ('waiting', 'stopping')")),
        Index("ix_coupon_codes_free", "tenant_id", "coupon_id", "id", postgresql_where=text("given_at IS NULL")),
    )  # fmt: skip

    coupon_id: Mapped[UUID]
    shop_id: Mapped[UUID]
    code: Mapped[str] = mapped_column(Text)
    norm: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, default="waiting")
    key: Mapped[str] = mapped_column(Text, default="", server_default="")
    reason: Mapped[str] = mapped_column(Kept, default="", server_default="")
    made_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    ready_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    claimed_until: Mapped[datetime | None]
    customer_id: Mapped[UUID | None]
    given_at: Mapped[datetime | None]
    given_by: Mapped[str] = mapped_column(Text, default="", server_default="")
    given_for: Mapped[UUID | None]
    given_key: Mapped[str | None] = mapped_column(Text)


class CouponUse(TenantModel):
    """A code in an order: once a code and order, however often and in whatever order the order came.

    `counted` is false while the order is cancelled, failed or paid back in full.
    """

    __tablename__ = "coupon_uses"
    __table_args__ = (
        tenant_fk("coupon_id", "coupons", ondelete="CASCADE"),
        tenant_fk("code_id", "coupon_codes", ondelete="CASCADE"),
        tenant_fk("order_id", "orders", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "code_id", "order_id"),
        Index("ix_coupon_uses_order_id", "tenant_id", "order_id"),
        Index("ix_coupon_uses_coupon_id", "tenant_id", "coupon_id"),
    )

    coupon_id: Mapped[UUID]
    code_id: Mapped[UUID]
    order_id: Mapped[UUID]
    counted: Mapped[bool] = mapped_column(Boolean, default=True)
    discount_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    currency: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
