"""Figures over orders: what was sold, to how many, how often they come back, and what goes together.

Every figure is taken from order lines in millionths, so sums are exact; "cleaned" leaves out what no person bought: lines
without a customer, returns, and prices of zero or less.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from saas.kit import money, queries
from saas.kit.db import db


@dataclass(frozen=True)
class Scope:
    """Which lines a report looks at: placed from `since` to before `until`, of a country, and whether cleaned."""

    since: datetime | None = None
    until: datetime | None = None
    country: str | None = None
    cleaned: bool = True

    def values(self) -> dict[str, Any]:
        return {"since": self.since, "until": self.until, "country": self.country, "cleaned": self.cleaned}


def sales(scope: Scope = Scope()) -> dict[str, Any]:
    """Return lines, revenue_micros, customers, orders, products, and the share of customers who ordered more than once."""
    row = db.session.execute(queries.load("insights/queries/sales.sql"), scope.values()).mappings().one()
    found = dict(row)
    found["revenue_micros"] = int(found["revenue_micros"] or 0)
    found["repeat_rate"] = found["repeat_customers"] / found["customers"] if found["customers"] else None
    return found


def sales_by_month(scope: Scope = Scope(), *, zone: str = "UTC") -> list[dict[str, Any]]:
    """Return revenue_micros, orders and customers of each month (its first day in the company's zone)."""
    rows = db.session.execute(queries.load("insights/queries/sales_by_month.sql"), {**scope.values(), "zone": zone}).mappings()
    return [{**row, "revenue_micros": int(row["revenue_micros"])} for row in rows]


def sales_by_day(scope: Scope = Scope(), *, zone: str = "UTC") -> list[dict[str, Any]]:
    """Return revenue_micros, orders and customers of each day in the company's zone."""
    rows = db.session.execute(queries.load("insights/queries/sales_by_day.sql"), {**scope.values(), "zone": zone}).mappings()
    return [{**row, "revenue_micros": int(row["revenue_micros"])} for row in rows]


def cohorts(scope: Scope = Scope(), *, zone: str = "UTC") -> dict[date, list[int]]:
    """Return, by the month of their first order, how many customers ordered in that month and in each month after it."""
    rows = db.session.execute(queries.load("insights/queries/cohorts.sql"), {**scope.values(), "zone": zone})
    found: dict[date, dict[int, int]] = {}
    for began, distance, customers in rows:
        found.setdefault(began, {})[distance] = customers
    last = max((began.year * 12 + began.month + max(row) for began, row in found.items()), default=0)
    return {
        began: [row.get(distance, 0) for distance in range(last - began.year * 12 - began.month + 1)]
        for began, row in sorted(found.items())
    }  # fmt: skip


def concentration(share: float = 0.2, scope: Scope = Scope()) -> float | None:
    """Return which part of the revenue comes from the best `share` of customers (rounded down to whole customers)."""
    row = db.session.execute(queries.load("insights/queries/concentration.sql"), {**scope.values(), "share": share}).one()
    return float(row.top / row.whole) if row.whole else None


def best_products(scope: Scope = Scope(), *, limit: int = 10) -> list[dict[str, Any]]:
    """Return the products that brought most: key, name, quantity, revenue_micros, orders."""
    rows = db.session.execute(queries.load("insights/queries/best_products.sql"), {**scope.values(), "most": limit}).mappings()
    return [{**row, "revenue_micros": int(row["revenue_micros"]), "quantity": int(row["quantity"])} for row in rows]


def goes_with(first: str, second: str, scope: Scope = Scope()) -> dict[str, float]:
    """Return support, confidence, lift and leverage of "who buys `first` (a product key) buys `second`", over orders.

    Orders of guests count too, and returned lines do not, whatever the scope says of cleaning.
    Source: Agrawal, Imielinski and Swami, "Mining association rules", 1993; leverage by Piatetsky-Shapiro, 1991.
    """
    values = {"since": scope.since, "until": scope.until, "country": scope.country, "first": first, "second": second}
    row = db.session.execute(queries.load("insights/queries/goes_with.sql"), values).one()
    orders, a, b, both = (int(value) for value in row)
    if not (orders and a and b):
        return {"support": 0.0, "confidence": 0.0, "lift": 0.0, "leverage": 0.0}
    return {
        "support": both / orders, "confidence": both / a, "lift": both * orders / (a * b), "leverage": both / orders - a * b / orders**2,
    }  # fmt: skip


def revenue_text(micros: int) -> str:
    """Return an exact sum as a decimal text."""
    return money.micros_text(micros)
