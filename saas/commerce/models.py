"""Shops, the orders and refunds they send, and what browsers of shoppers did."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.commerce.coupon_models import Coupon, CouponCode, CouponUse  # noqa: F401  all tables of the room are met here
from saas.commerce.health_models import PlayOrder, ShopAlarm, ShopComparison, ShopHour  # noqa: F401  all tables of the room are met here
from saas.commerce.payment_models import (  # noqa: F401  all tables of the room are met here
    Dispute,
    OrderReference,
    Payment,
    PaymentAccount,
    PaymentRefund,
    PaymentTold,
    Payout,
    PayoutLine,
)
from saas.kit import record_values
from saas.kit.db import Stamped, TenantModel, tenant_fk

NO_SOURCE = UUID(int=0)
SHOP_KINDS = ("generic", "shopify", "woocommerce")
ORDER_STATES = ("pending", "paid", "fulfilled", "cancelled", "refunded", "failed")
PARCEL_STATES = ("pending", "sent", "in_transit", "delivered", "failed", "cancelled")
BACK_STATES = ("requested", "open", "closed", "declined", "cancelled")
RETURN_STATES = ("asked", "accepted", "declined", "received", "refunded", "cancelled")
COUNTED = ("pending", "paid", "fulfilled", "refunded")
"""States in which an order counts as bought; a refunded one counts with its refund against it."""


class Shop(Stamped, TenantModel):
    """A connected store. Its secrets are sealed; the hook token's digest leads here through the key directory."""

    __tablename__ = "shops"
    __table_args__ = (CheckConstraint(f"kind IN {SHOP_KINDS}", name="kind"),)

    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text, default="")
    currency: Mapped[str] = mapped_column(Text, default="")
    site_key: Mapped[str] = mapped_column(Text)
    hook_token: Mapped[str] = mapped_column(Text)
    secret_sealed: Mapped[bytes]
    previous_secret_sealed: Mapped[bytes | None]
    access_sealed: Mapped[bytes | None]
    state: Mapped[str] = mapped_column(Text, default="connected")
    trouble: Mapped[str] = mapped_column(Text, default="")
    last_delivery_at: Mapped[datetime | None]
    last_event_at: Mapped[datetime | None]
    backfill: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    reconciled: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    reconciled_at: Mapped[datetime | None]
    checks: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    coupons_url: Mapped[str] = mapped_column(Text, default="", server_default="")
    count_tests: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))
    removed_at: Mapped[datetime | None]


class Order(Stamped, TenantModel):
    """One order of a source; `external_id` is its id there. A later version replaces an earlier, never the reverse.

    `lines_count` and `lines_micros` are of all its lines; `sold_count` and `sold_micros` of those that are no return and
    have a price, so that reports over years need not read the lines. `details` are its discounts, taxes, shipping lines and
    fees one by one; `presentment` is what the buyer saw, where that is another currency. `customer_version` is the version that
    said whose it is, since a later one may not say; `came_by` are the names (identities) it said that by. `told` names what was
    announced of it.
    """

    __tablename__ = "orders"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        UniqueConstraint("tenant_id", "source_id", "external_id"),
        CheckConstraint(f"status IN {ORDER_STATES}", name="status"),
        Index("ix_orders_customer_id", "tenant_id", "customer_id", "placed_at"),
        Index("ix_orders_placed_at", "tenant_id", text("placed_at DESC"), text("id DESC")),
        Index("ix_orders_number", "tenant_id", "number"),
        Index("ix_orders_visitor", "tenant_id", "visitor", postgresql_where=text("visitor <> ''")),
        Index("ix_orders_cart_id", "tenant_id", "cart_id", postgresql_where=text("cart_id <> ''")),
    )

    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    external_id: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text, default="")
    customer_id: Mapped[UUID | None]
    visitor: Mapped[str] = mapped_column(Text, default="")
    cart_id: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[str] = mapped_column(Text, default="paid")
    currency: Mapped[str] = mapped_column(Text)
    placed_at: Mapped[datetime]
    lines_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    lines_micros: Mapped[int] = mapped_column(BigInteger, default=0)
    sold_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    sold_micros: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    shipping_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    tax_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    discount_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    fee_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    tip_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    gift_card_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    taxes_included: Mapped[bool | None] = mapped_column(Boolean)
    total_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    refunded_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    presentment_currency: Mapped[str] = mapped_column(Text, default="", server_default="")
    presentment_amount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    told: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    customer_version: Mapped[str] = mapped_column(Text, default="", server_default="")
    came_by: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list, server_default="{}")
    country: Mapped[str] = mapped_column(Text, default="")
    custom: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    version: Mapped[str] = mapped_column(Text, default="")


class OrderValue(record_values.RecordValue, TenantModel):
    """An order's value of one of the company's own fields, for finding; `id` is the order's."""

    __tablename__ = "order_values"
    __table_args__ = record_values.parts("order_values", "orders")


class OrderLine(TenantModel):
    """One line of an order, known by its position: two equal lines are two lines. A negative quantity is a return.

    `flags` say what is odd about it: return, free, negative_price, unknown_product. `variant_name` and `options` (of size, of
    colour) are put here where lines are read to be shown.
    """

    variant_name = ""
    options = ()

    __tablename__ = "order_lines"
    __table_args__ = (
        tenant_fk("order_id", "orders", ondelete="CASCADE"),
        tenant_fk("product_id", "products", ondelete="SET NULL"),
        tenant_fk("variant_id", "product_variants", ondelete="SET NULL"),
        UniqueConstraint("tenant_id", "order_id", "position"),
        Index(  # how products sell is read from it alone, without the lines themselves
            "ix_order_lines_sold", "tenant_id", "product_id", "order_id", postgresql_include=["quantity", "line_micros"]
        ),
        Index("ix_order_lines_product_key", "tenant_id", "product_key"),
        Index("ix_order_lines_variant_id", "tenant_id", "variant_id"),
    )

    order_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(Integer)
    product_id: Mapped[UUID | None]
    product_key: Mapped[str] = mapped_column(Text, default="")
    variant_id: Mapped[UUID | None]
    variant_key: Mapped[str] = mapped_column(Text, default="", server_default="")
    sku: Mapped[str] = mapped_column(Text, default="")
    name: Mapped[str] = mapped_column(Text, default="")
    quantity: Mapped[int] = mapped_column(BigInteger)
    unit_micros: Mapped[int] = mapped_column(BigInteger)
    line_micros: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str] = mapped_column(Text, default="", server_default="")
    discount_micros: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    tax_micros: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    flags: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)


class OrderVersion(TenantModel):
    """What an order said before its present version, kept for every version that ever came, so that what changed when can be
    told whatever order they came in."""

    __tablename__ = "order_versions"
    __table_args__ = (
        tenant_fk("order_id", "orders", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "order_id", "version"),
    )

    order_id: Mapped[UUID]
    version: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)


class RemovedOrder(TenantModel):
    """An order that its shop deleted, known by the shop's id of it, for the deletion may come before the order."""

    __tablename__ = "removed_orders"
    __table_args__ = (UniqueConstraint("tenant_id", "source_id", "order_key"),)

    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    order_key: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class Fulfilment(TenantModel):
    """A parcel of an order, or whatever else it is fulfilled by. It may come before its order, as a refund may."""

    __tablename__ = "fulfilments"
    __table_args__ = (
        tenant_fk("order_id", "orders", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "source_id", "order_key", "key"),
        CheckConstraint(f"state IN {PARCEL_STATES}", name="state"),
        Index("ix_fulfilments_order_id", "tenant_id", "order_id"),
    )

    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    order_key: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    order_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(Text)
    carrier: Mapped[str] = mapped_column(Text, default="")
    tracking_number: Mapped[str] = mapped_column(Text, default="")
    tracking_url: Mapped[str] = mapped_column(Text, default="")
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    shipped_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    version: Mapped[str] = mapped_column(Text, default="")


class Return(TenantModel):
    """Goods on their way back, as the shop tells of them; what is paid back for them is a refund of its own."""

    __tablename__ = "returns"
    __table_args__ = (
        tenant_fk("order_id", "orders", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "source_id", "order_key", "key"),
        CheckConstraint(f"state IN {BACK_STATES}", name="state"),
        Index("ix_returns_order_id", "tenant_id", "order_id"),
    )

    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    order_key: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    order_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    at: Mapped[datetime | None]
    version: Mapped[str] = mapped_column(Text, default="")


class Refund(TenantModel):
    """Money given back; `key` is the shop's id of it, `order_key` the shop's id of the order, which may come later."""

    __tablename__ = "refunds"
    __table_args__ = (
        tenant_fk("order_id", "orders", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "source_id", "order_key", "key"),
        Index("ix_refunds_order_id", "tenant_id", "order_id"),
    )

    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    order_key: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    order_id: Mapped[UUID | None]
    amount_micros: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text, default="")
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default="[]")
    version: Mapped[str] = mapped_column(Text, default="", server_default="")
    told: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")


class Visitor(TenantModel):
    """A browser in a shop; `customer_id` once it is known whose. `proven`: by a signature, a mailed link or an order.

    `announcement` is the outbox event that told of events which are not digested yet; they lie between `pending_from` and
    `pending_to`. `weight` is how many events the last digest had to read.
    """

    __tablename__ = "visitors"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        UniqueConstraint("tenant_id", "visitor"),
        Index("ix_visitors_customer_id", "tenant_id", "customer_id"),
        Index("ix_visitors_last_seen_at", "tenant_id", text("last_seen_at DESC")),
        {"info": {"held_first": True}},
    )

    visitor: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[UUID | None]
    proven: Mapped[bool] = mapped_column(Boolean, default=False)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    announcement: Mapped[UUID | None]
    pending_from: Mapped[datetime | None]
    pending_to: Mapped[datetime | None]
    weight: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    consent: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class ShopEvent(TenantModel):
    """One thing a browser did. The id is a UUIDv7 of the event's time and client id, so the same event is one row;
    the table is partitioned by ranges of id, which are ranges of time."""

    __tablename__ = "shop_events"
    __table_args__ = (
        Index("ix_shop_events_visitor", "tenant_id", "visitor", "id"),
        Index("ix_shop_events_product", "tenant_id", "product", "id"),
        Index("ix_shop_events_identified", "tenant_id", "visitor", "id", postgresql_where=text("type = 'identified'")),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    visitor: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    product: Mapped[str | None] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    details: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class Visit(TenantModel):
    """A browser's stay: events less than 30 minutes apart."""

    __tablename__ = "visits"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        Index("ix_visits_visitor", "tenant_id", "visitor", text("began_at DESC")),
        Index("ix_visits_customer_id", "tenant_id", "customer_id", text("began_at DESC")),
        Index("ix_visits_began_at", "tenant_id", text("began_at DESC")),
    )

    visitor: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[UUID | None]
    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    events_count: Mapped[int] = mapped_column(Integer, default=0)
    views_count: Mapped[int] = mapped_column(Integer, default=0)
    products: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    referrer: Mapped[str] = mapped_column(Text, default="")
    landing: Mapped[str] = mapped_column(Text, default="")


class Cart(TenantModel):
    """What lies in a shopper's cart, as one browser tells it; closed by being emptied or by the order that came of it.

    `key` is the shop's id of it, empty where it gives none. It is not trusted beyond its browser, for anybody could tell
    us another's. `changed_by` is the event that told the newest state; `left_at` when it was last left alone for an hour
    before it was taken up again or ordered.
    """

    __tablename__ = "carts"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        tenant_fk("order_id", "orders", ondelete="SET NULL"),
        UniqueConstraint("tenant_id", "visitor", "source_id", "key"),
        Index("ix_carts_key", "tenant_id", "key"),
        Index("ix_carts_customer_id", "tenant_id", "customer_id"),
        Index("ix_carts_changed_at", "tenant_id", text("changed_at DESC")),
    )

    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    key: Mapped[str] = mapped_column(Text, default="")
    visitor: Mapped[str] = mapped_column(Text)
    customer_id: Mapped[UUID | None]
    order_id: Mapped[UUID | None]
    url: Mapped[str] = mapped_column(Text, default="")
    currency: Mapped[str] = mapped_column(Text, default="")
    amount: Mapped[int] = mapped_column(BigInteger, default=0)
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    began_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    changed_by: Mapped[UUID]
    checkout_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class ReturnRequest(Stamped, TenantModel):
    """What a shopper wants to send back of an order, asked for on their own page, and what the company says to it.

    `lines` is what they chose: [{"position", "name", "quantity"}], positions being those of the order's lines.
    """

    __tablename__ = "return_requests"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        tenant_fk("order_id", "orders", ondelete="CASCADE"),
        CheckConstraint(f"state IN {RETURN_STATES}", name="state"),
        Index("ix_return_requests_customer_id", "tenant_id", "customer_id"),
        Index("ix_return_requests_order_id", "tenant_id", "order_id"),
        Index("ix_return_requests_state", "tenant_id", "state", text("id DESC")),
    )

    customer_id: Mapped[UUID | None]
    order_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(Text, default="asked")
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    reason: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text, default="")
    answer: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(Text, default="")
    asked_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
