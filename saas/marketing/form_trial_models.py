"""Trials of forms: two or more variants of one form, each for its share of the browsers that agreed to statistics."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import Stamped, TenantModel, tenant_fk

GOALS = ("sent", "confirmed", "bought")
STATES = ("draft", "running", "stopped")


class FormTrial(Stamped, TenantModel):
    """A trial of one form. `arms` are its variants, the first of them the form as it is: key, name, share in percent, and the parts of
    the content that are different. `worth_percent` is the smallest difference that would matter."""

    __tablename__ = "form_trials"
    __table_args__ = (
        tenant_fk("form_id", "forms", ondelete="CASCADE"),
        CheckConstraint(f"goal IN {GOALS}", name="goal"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index("ix_form_trials_form_id", "tenant_id", "form_id"),
        Index("uq_form_trials_open", "tenant_id", "form_id", unique=True, postgresql_where=text("state <> 'stopped'")),
    )

    form_id: Mapped[UUID]
    goal: Mapped[str] = mapped_column(Text, default="sent")
    state: Mapped[str] = mapped_column(Text, default="draft")
    arms: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    worth_percent: Mapped[int] = mapped_column(Integer, default=10)
    started_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    taken_arm: Mapped[str] = mapped_column(Text, default="")


class FormTrialDay(TenantModel):
    """How many browsers met an arm for the first time on a day; nothing is kept of any of them."""

    __tablename__ = "form_trial_days"
    __table_args__ = (
        tenant_fk("trial_id", "form_trials", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "trial_id", "arm", "day"),
    )

    trial_id: Mapped[UUID]
    arm: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    seen: Mapped[int] = mapped_column(Integer, default=0)
