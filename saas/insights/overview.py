"""The company at a glance: what happened on each of the last days, what there is of everything, and who bought last.

Money here is what customers paid, shipping included and refunds taken off; `reports` has the goods line by line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from saas.commerce.models import COUNTED, Order
from saas.customers.models import Customer, Facts
from saas.kit import clock, kept, money, queries
from saas.kit.db import db
from saas.tenancy import limits

FIGURES = ("revenue", "orders", "new_customers", "visits", "after_offers", "after_mails")


@dataclass(frozen=True)
class Days:
    """Figures of some days of the company's zone, the last of them today, and their sums in as many days before."""

    days: list[date]
    values: dict[str, list[int]]
    before: dict[str, int]

    def total(self, figure: str) -> int:
        return sum(self.values[figure])


def of_last(days: int, *, zone: str, currency: str) -> Days:
    """Return revenue, orders, new customers, visits, and what was bought after offers and after mails."""
    place = ZoneInfo(zone)
    today = clock.now().astimezone(place).date()
    every = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    values = {
        "zone": zone, "currency": currency, "counted": list(COUNTED), "micros": 10 ** (6 - money.exponent(currency)),
        "first": every[0] - timedelta(days=days), "last": today,
        "since": datetime.combine(every[0] - timedelta(days=days), time(), place), "until": datetime.combine(today + timedelta(days=1), time(), place),
    }  # fmt: skip
    found = {figure: dict.fromkeys(every, 0) for figure in FIGURES}
    before = dict.fromkeys(FIGURES, 0)
    query, key = queries.load("insights/queries/days.sql"), ("days", *(str(value) for value in values.values()))
    for figure, day, value in kept.for_a_while(key, lambda: db.session.execute(query, values).all()):
        if day in found[figure]:
            found[figure][day] = int(value)
        else:
            before[figure] += int(value)
    return Days(every, {figure: list(by_day.values()) for figure, by_day in found.items()}, before)


def standing() -> dict[str, Any]:
    """Return how many contacts (0 where the plan has no limit), shops, members and mails this month there are, whether there are
    orders and mailings, and how many campaigns are paused or could not be sent."""
    row = (
        db.session.execute(queries.load("insights/queries/standing.sql"), {"period": limits.period()}).mappings().one()
    )
    return dict(row)


def newest_orders(limit: int = 6) -> list[tuple[Order, Customer | None, bool]]:
    """Return the newest orders with their customers, and whether each was the customer's first."""
    query = (
        select(Order, Customer, Facts.first_order_at)
        .outerjoin(Customer, (Customer.tenant_id == Order.tenant_id) & (Customer.id == Order.customer_id))
        .outerjoin(Facts, (Facts.tenant_id == Order.tenant_id) & (Facts.id == Order.customer_id))
        .order_by(Order.placed_at.desc(), Order.id.desc())
        .limit(limit)
    )
    return [(order, customer, first == order.placed_at) for order, customer, first in db.session.execute(query)]


def newest_customers(limit: int = 6) -> list[tuple[Customer, Facts]]:
    """Return those who bought for the first time most lately."""
    query = (
        select(Customer, Facts)
        .join(Facts, (Facts.tenant_id == Customer.tenant_id) & (Facts.id == Customer.id))
        .where(Facts.first_order_at.is_not(None))
        .order_by(Facts.first_order_at.desc(), Facts.id.desc())
        .limit(limit)
    )
    return [(customer, known) for customer, known in db.session.execute(query)]
