"""Sums by day that are kept beside what they are sums of, and reports that were worked out in the background.

Triggers of the database write a `DayChange` in the transaction that changes an order, a visit or somebody's first order, so
that no writer can forget it: neither a bulk statement, nor a foreign key that takes a customer off an order, nor a bin that
puts rows back. What a day comes to is its `DaySum` and the changes not folded into it yet, both read in one statement.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Numeric, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from saas.kit.db import TenantModel

FIGURES = (
    "orders", "paid_amount", "first_orders", "visits", "known_orders", "known_lines", "known_micros", "all_orders", "all_lines", "all_micros",
)  # fmt: skip


class Figures:
    """What is summed: `known_` of orders of customers with something sold for a price, `all_` of any order with lines.

    `orders` are those that are no mere return, `paid_amount` is in minor units of the currency after refunds.
    """

    currency: Mapped[str] = mapped_column(Text, default="")
    country: Mapped[str] = mapped_column(Text, default="")
    orders: Mapped[int] = mapped_column(BigInteger, server_default="0")
    paid_amount: Mapped[Decimal] = mapped_column(Numeric, server_default="0")
    first_orders: Mapped[int] = mapped_column(BigInteger, server_default="0")
    visits: Mapped[int] = mapped_column(BigInteger, server_default="0")
    known_orders: Mapped[int] = mapped_column(BigInteger, server_default="0")
    known_lines: Mapped[int] = mapped_column(BigInteger, server_default="0")
    known_micros: Mapped[Decimal] = mapped_column(Numeric, server_default="0")
    all_orders: Mapped[int] = mapped_column(BigInteger, server_default="0")
    all_lines: Mapped[int] = mapped_column(BigInteger, server_default="0")
    all_micros: Mapped[Decimal] = mapped_column(Numeric, server_default="0")


class DayBook(TenantModel):
    """That a company's sums are whole, and of which zone its days are; without it, or in another zone, nobody reads them.

    There is one, whose id is that of NO_SOURCE. Who folds or fills holds its row, so that one does at a time.
    """

    __tablename__ = "day_books"

    zone: Mapped[str] = mapped_column(Text, default="")
    filled_at: Mapped[datetime | None]


class DayChange(Figures, TenantModel):
    """By how much the sums of a moment changed; written by triggers, folded into `DaySum` by a job."""

    __tablename__ = "day_changes"

    at: Mapped[datetime]


class DaySum(Figures, TenantModel):
    """The sums of a day of the book's zone."""

    __tablename__ = "day_sums"
    __table_args__ = (UniqueConstraint("tenant_id", "day", "currency", "country"),)

    day: Mapped[date]


class ReportRun(TenantModel):
    """What reports said of a scope that is too large to be looked at while somebody waits.

    `key` is a digest of `scope`; `result` holds the rows of each report as of `made_at`; `asked_at` is when it was asked for
    again and has not been worked out since, `done` how many of its reports are worked out since then.
    """

    __tablename__ = "report_runs"
    __table_args__ = (UniqueConstraint("tenant_id", "key"),)

    key: Mapped[str] = mapped_column(Text)
    scope: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    made_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    seen_at: Mapped[datetime]
    took_ms: Mapped[int] = mapped_column(BigInteger, default=0)
    done: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
