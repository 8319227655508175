"""Reviews of products, the mails that ask for them, what browsers said of them, and how a company does all that."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, LargeBinary, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit import clock
from saas.kit.db import Stamped, TenantModel, tenant_fk

NO_SOURCE = UUID(int=0)
REVIEW_STATES = ("waiting", "published", "declined", "withdrawn")
ORIGINS = ("mail", "portal", "page", "shop", "api")
REQUEST_STATES = ("planned", "asked", "reminded", "written", "skipped")
VOTE_KINDS = ("helpful", "report")


class Review(Stamped, TenantModel):
    """What somebody says of a product. `verified`: written through the link that only who got the order has.

    `source_id` and `external_id` are the shop's, of one that came from there. `held` names what made it wait. `reason` and
    `words` are why it was declined; `photo` is a new picture made by us, and only read where it is shown.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        tenant_fk("product_id", "products", ondelete="SET NULL"),
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        tenant_fk("order_id", "orders", ondelete="SET NULL"),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        CheckConstraint(f"state IN {REVIEW_STATES}", name="state"),
        CheckConstraint(f"origin IN {ORIGINS}", name="origin"),
        Index("uq_reviews_order_product", "tenant_id", "order_id", "product_id", unique=True, postgresql_where=text("order_id IS NOT NULL AND product_id IS NOT NULL")),
        Index("uq_reviews_external_id", "tenant_id", "source_id", "external_id", unique=True, postgresql_where=text("external_id <> ''")),
        Index("ix_reviews_product_id", "tenant_id", "product_id", "state", text("written_at DESC"), text("id DESC")),
        Index("ix_reviews_customer_id", "tenant_id", "customer_id", text("written_at DESC")),
        Index("ix_reviews_state", "tenant_id", "state", text("written_at DESC"), text("id DESC")),
    )  # fmt: skip

    product_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    order_id: Mapped[UUID | None]
    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    external_id: Mapped[str] = mapped_column(Text, default="")
    product_key: Mapped[str] = mapped_column(Text, default="")
    product_name: Mapped[str] = mapped_column(Text, default="")
    stars: Mapped[int] = mapped_column(SmallInteger)
    title: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[str] = mapped_column(Text, default="")
    name: Mapped[str] = mapped_column(Text, default="")
    email: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(Text)
    held: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    verified: Mapped[bool] = mapped_column(default=False)
    origin: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    words: Mapped[str] = mapped_column(Text, default="")
    decided_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime | None]
    helpful: Mapped[int] = mapped_column(Integer, default=0)
    reports: Mapped[int] = mapped_column(Integer, default=0)
    told: Mapped[bool] = mapped_column(default=False)
    photo: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    photo_mark: Mapped[str] = mapped_column(Text, default="")
    written_at: Mapped[datetime] = mapped_column(default=lambda: clock.now())
    edited_at: Mapped[datetime | None]


class ReviewRequest(Stamped, TenantModel):
    """That the buyer of an order is to be asked, or was, or why not; one an order. `due_at`: when the next mail is to go."""

    __tablename__ = "review_requests"
    __table_args__ = (
        tenant_fk("order_id", "orders", ondelete="CASCADE"),
        tenant_fk("customer_id", "customers", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "order_id"),
        CheckConstraint(f"state IN {REQUEST_STATES}", name="state"),
        Index("ix_review_requests_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_review_requests_customer_id", "tenant_id", "customer_id"),
    )

    order_id: Mapped[UUID]
    customer_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(Text, default="planned")
    reason: Mapped[str] = mapped_column(Text, default="")
    due_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    written_at: Mapped[datetime | None]


class ReviewVote(TenantModel):
    """That a browser found a review helpful, or thinks it should not be there; once each. The browser's id is not kept, only a
    keyed digest of it."""

    __tablename__ = "review_votes"
    __table_args__ = (
        tenant_fk("review_id", "reviews", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "review_id", "kind", "voter"),
        CheckConstraint(f"kind IN {VOTE_KINDS}", name="kind"),
    )

    review_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    voter: Mapped[str] = mapped_column(Text)
    why: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(default=lambda: clock.now())


class ReviewSettings(TenantModel):
    """How a company asks for reviews and judges them; there is one row, whose id is nought."""

    __tablename__ = "review_settings"

    content: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
