"""Fitted models, the rules a shop sets against them, and every offer that was shown with what became of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import Stamped, TenantModel, tenant_fk
from saas.recommend.answer_models import OfferAnswer  # noqa: F401  all tables of the room are met here
from saas.recommend.places import SLOTS
from saas.recommend.slot_models import OfferSlot  # noqa: F401  all tables of the room are met here
from saas.recommend.trial_models import OfferTrial, TrialDay, TrialPerson  # noqa: F401  all tables of the room are met here

NO_SOURCE = UUID(int=0)
RULE_KINDS = ("pin", "hide", "boost")
HELD_BACK = ("", "worse", "pinned")


class FittedModel(TenantModel):
    """One fit of a kind as bytes; `version` names it, `notes` say on how much and how well.

    Of a kind one fit is `serving`; with `pinned_at` somebody decided so and newer ones wait. `held_back` says why a newer fit
    does not serve. The kind "rules" is not learnt: it is what the rules below come to, kept alike so that it travels alike.
    """

    __tablename__ = "recommend_models"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind", "version"),
        Index("uq_recommend_models_serving", "tenant_id", "kind", unique=True, postgresql_where=text("serving")),
        CheckConstraint(f"held_back IN {HELD_BACK}", name="held_back"),
    )

    kind: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text)
    fitted_at: Mapped[datetime]
    blob: Mapped[bytes] = mapped_column(deferred=True)
    notes: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    serving: Mapped[bool] = mapped_column(Boolean, default=False)
    pinned_at: Mapped[datetime | None]
    held_back: Mapped[str] = mapped_column(Text, default="")


class FitState(TenantModel):
    """Whether a company has news to learn from; one row, its id the nil UUID.

    A fit moves `changed_at` to `taken_at`, and takes that away when it is done: who is killed in between leaves the news there.
    """

    __tablename__ = "recommend_states"

    changed_at: Mapped[datetime | None]
    taken_at: Mapped[datetime | None]
    fitted_at: Mapped[datetime | None]
    tuned_at: Mapped[datetime | None]
    notes: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")


class OfferRule(Stamped, TenantModel):
    """What people decide against the arithmetic: put a product first, never offer it, or favour a category."""

    __tablename__ = "offer_rules"
    __table_args__ = (
        tenant_fk("product_id", "products", ondelete="CASCADE"),
        CheckConstraint(f"kind IN {RULE_KINDS}", name="kind"),
        CheckConstraint(f"slot = '' OR slot IN {SLOTS}", name="slot"),
        CheckConstraint("(kind = 'boost') = (product_id IS NULL)", name="subject"),
        Index("ix_offer_rules_product_id", "tenant_id", "product_id"),
    )

    kind: Mapped[str] = mapped_column(Text)
    slot: Mapped[str] = mapped_column(Text, default="")
    product_id: Mapped[UUID | None]
    category: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(Integer, default=1)
    percent: Mapped[int] = mapped_column(Integer, default=100)
    active: Mapped[bool] = mapped_column(Boolean, default=True)
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(Text, default="")


class OfferShown(TenantModel):
    """One product offered to one visitor; `product_key` is the shop's id of it. Partitioned by ranges of id, which are of time.

    `rule_id` is the rule of the house behind it, `model_version` the fit that named it; in a trial `arm` is whose it is.
    Carted means: put into a cart within seven days of the showing, and the offer was seen before.

    Bought means: an order within seven days of the showing has this product, and the offer was seen or clicked before.
    """

    __tablename__ = "offers_shown"
    __table_args__ = (
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        tenant_fk("product_id", "products", ondelete="SET NULL"),
        tenant_fk("bought_order_id", "orders", ondelete="SET NULL"),
        Index("ix_offers_shown_visitor", "tenant_id", "visitor", "id"),
        Index("ix_offers_shown_customer_id", "tenant_id", "customer_id", "id"),
        Index("ix_offers_shown_product_id", "tenant_id", "product_id"),
        Index(
            "ix_offers_shown_bought_order_id",
            "tenant_id",
            "bought_order_id",
            postgresql_where=text("bought_order_id IS NOT NULL"),
        ),
        Index(
            "ix_offers_shown_trial_id",
            "tenant_id",
            "trial_id",
            postgresql_where=text("trial_id IS NOT NULL AND seen_at IS NOT NULL"),
        ),
        Index("ix_offers_shown_bought_at", "tenant_id", "bought_at", postgresql_where=text("bought_at IS NOT NULL")),
        CheckConstraint("bought_after IN ('', 'seen', 'clicked')", name="bought_after"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    request_id: Mapped[UUID]
    at: Mapped[datetime]
    slot: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(Integer)
    visitor: Mapped[str] = mapped_column(Text, default="")
    customer_id: Mapped[UUID | None]
    source_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    product_id: Mapped[UUID | None]
    product_key: Mapped[str] = mapped_column(Text)
    reason_code: Mapped[str] = mapped_column(Text)
    reason_text: Mapped[str] = mapped_column(Text, default="")
    algorithm: Mapped[str] = mapped_column(Text)
    rule_id: Mapped[UUID | None]
    model_version: Mapped[str] = mapped_column(Text, default="", server_default="")
    trial_id: Mapped[UUID | None]
    arm: Mapped[str] = mapped_column(Text, default="", server_default="")
    seen_at: Mapped[datetime | None]
    clicked_at: Mapped[datetime | None]
    carted_at: Mapped[datetime | None]
    bought_at: Mapped[datetime | None]
    bought_after: Mapped[str] = mapped_column(Text, default="")
    bought_order_id: Mapped[UUID | None]
    bought_micros: Mapped[int] = mapped_column(BigInteger, default=0)
    bought_currency: Mapped[str] = mapped_column(Text, default="")


class OfferCount(TenantModel):
    """How many offers a day (UTC, of the showing), place, algorithm and rule brought to people's eyes and carts; kept when the
    offers are thrown away. The nil UUID is no rule. `requests` are counted with what stood first."""

    __tablename__ = "offer_counts"
    __table_args__ = (UniqueConstraint("tenant_id", "day", "slot", "algorithm", "rule_id"),)

    day: Mapped[date]
    slot: Mapped[str] = mapped_column(Text)
    algorithm: Mapped[str] = mapped_column(Text, default="")
    rule_id: Mapped[UUID] = mapped_column(default=NO_SOURCE)
    requests: Mapped[int] = mapped_column(BigInteger, default=0)
    shown: Mapped[int] = mapped_column(BigInteger, default=0)
    seen: Mapped[int] = mapped_column(BigInteger, default=0)
    clicked: Mapped[int] = mapped_column(BigInteger, default=0)
    carted: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class OfferVersionCount(TenantModel):
    """The same by the version of what is learnt that named them, so that somebody sees whether a new version does better."""

    __tablename__ = "offer_version_counts"
    __table_args__ = (UniqueConstraint("tenant_id", "day", "algorithm", "model_version"),)

    day: Mapped[date]
    algorithm: Mapped[str] = mapped_column(Text)
    model_version: Mapped[str] = mapped_column(Text)
    requests: Mapped[int] = mapped_column(BigInteger, default=0)
    shown: Mapped[int] = mapped_column(BigInteger, default=0)
    seen: Mapped[int] = mapped_column(BigInteger, default=0)
    clicked: Mapped[int] = mapped_column(BigInteger, default=0)
    carted: Mapped[int] = mapped_column(BigInteger, default=0)
