"""Trials: two or more ways to fill a place, tried on different people at the same time."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, Integer, Numeric, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import Stamped, TenantModel, tenant_fk

MODES = ("split", "interleaved")
GOALS = ("orders", "money", "clicks")
STATES = ("draft", "running", "paused", "stopped")


class OfferTrial(Stamped, TenantModel):
    """One trial of a place. `arms` are its ways, the first of them as today: key, name, kind, share in percent, settings.

    What somebody does counts for `days` days from when they first met the trial. `worth_percent` is the smallest difference that
    would matter, `guards` by how many percent each figure may fall behind. `verdict` is kept as soon as one is reached.
    """

    __tablename__ = "offer_trials"
    __table_args__ = (
        CheckConstraint(f"mode IN {MODES}", name="mode"),
        CheckConstraint(f"goal IN {GOALS}", name="goal"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index("uq_offer_trials_running", "tenant_id", "slot", unique=True, postgresql_where=text("state = 'running'")),
    )

    name: Mapped[str] = mapped_column(Text)
    slot: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text, default="split")
    goal: Mapped[str] = mapped_column(Text, default="orders")
    state: Mapped[str] = mapped_column(Text, default="draft")
    arms: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    days: Mapped[int] = mapped_column(Integer, default=3)
    worth_percent: Mapped[int] = mapped_column(Integer, default=10)
    guards: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict)
    paused_for: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    verdict: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    started_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    counted_at: Mapped[datetime | None]
    taken_arm: Mapped[str] = mapped_column(Text, default="", server_default="")


class TrialPerson(TenantModel):
    """Somebody who met a trial: the browser, or the customer where there is none, and the arm they were first given.

    The id is made of the trial and the person, so meeting it again is the same row.
    """

    __tablename__ = "offer_trial_people"
    __table_args__ = (
        tenant_fk("trial_id", "offer_trials", ondelete="CASCADE"),
        tenant_fk("customer_id", "customers", ondelete="SET NULL"),
        Index("ix_offer_trial_people_trial_id", "tenant_id", "trial_id", "met_at"),
        Index("ix_offer_trial_people_customer_id", "tenant_id", "customer_id"),
        Index("ix_offer_trial_people_visitor", "tenant_id", "visitor"),
    )

    trial_id: Mapped[UUID]
    visitor: Mapped[str] = mapped_column(Text, default="")
    customer_id: Mapped[UUID | None]
    arm: Mapped[str] = mapped_column(Text)
    met_at: Mapped[datetime]


class TrialDay(TenantModel):
    """What the people of one arm did on a day (UTC); kept when the people are forgotten.

    `people` met the trial on that day; `buyers`, `clickers`, `leavers` bought, clicked an offer, or unsubscribed for the first time
    on that day. `ended` are people who met it on that day and whose days are over, `payers` those of them who paid, `amount` and
    `squares` what they paid, the sum and the sum of squares, in minor units. In an interleaved trial an arm's `buyers` and
    `clickers` are people who, their days being over, chose more of its products than of the other's.
    """

    __tablename__ = "offer_trial_days"
    __table_args__ = (
        tenant_fk("trial_id", "offer_trials", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "trial_id", "day", "arm"),
    )

    trial_id: Mapped[UUID]
    day: Mapped[date] = mapped_column(Date)
    arm: Mapped[str] = mapped_column(Text)
    people: Mapped[int] = mapped_column(BigInteger, default=0)
    buyers: Mapped[int] = mapped_column(BigInteger, default=0)
    clickers: Mapped[int] = mapped_column(BigInteger, default=0)
    leavers: Mapped[int] = mapped_column(BigInteger, default=0)
    ended: Mapped[int] = mapped_column(BigInteger, default=0)
    payers: Mapped[int] = mapped_column(BigInteger, default=0)
    amount: Mapped[int] = mapped_column(BigInteger, default=0)
    squares: Mapped[Any] = mapped_column(Numeric(40, 0), default=0)
