"""Figures over orders: what was sold, to how many, how often they come back, and what goes together.

Money is the goods of the orders in millionths, so sums are exact: before discounts, shipping and refunds. Orders that were
cancelled or failed are left out, and those in another currency than the company's. "Cleaned" also leaves out what no known
person bought: lines without a customer, returns, and prices of zero or less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, func, select

from saas.catalog import products
from saas.commerce.models import COUNTED, Order
from saas.kit import access, kept, money, queries
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import tenants

LOOKED_AT, FEWEST_TOGETHER = 40, 3
"""Pairs are counted among so many products, and one that met less often is chance."""


@dataclass(frozen=True)
class Scope:
    """Which orders a report looks at: placed from `since` to before `until`, of a country, and whether cleaned.

    Without a currency it is the company's.
    """

    since: datetime | None = None
    until: datetime | None = None
    country: str | None = None
    cleaned: bool = True
    currency: str | None = None

    def values(self) -> dict[str, Any]:
        return {
            "since": self.since, "until": self.until, "country": self.country, "cleaned": self.cleaned, "counted": list(COUNTED),
            "currency": self.currency or tenants.settings().currency,
        }  # fmt: skip


EVERYTHING = Scope()
SUMMED = frozenset(
    {"status", "placed_at", "country", "customer_id", "total", "shipping", "tax", "discount", "refunded", "lines_count"}
)
"""Fields of an order that reports count, sum or group by."""


def require_visible() -> None:
    """Raise MayNot for who must not see all of an order, since sums over a field tell of it."""
    if access.hidden("order") & SUMMED:
        raise access.MayNot(_("Your role does not allow this. Ask an owner or administrator."))


def _rows(name: str, scope: Scope, **values: Any) -> Sequence[RowMapping]:
    """Return what a query counts."""
    require_visible()
    asked = {**scope.values(), **values}
    query = queries.load(f"insights/queries/{name}.sql")
    key = ("report", name, *((one, str(value)) for one, value in sorted(asked.items())))
    return kept.for_a_while(key, lambda: db.session.execute(query, asked).mappings().all())


def _plain(row: RowMapping) -> dict[str, Any]:
    """Sums come as decimals; they are whole numbers."""
    return {
        name: int(value) if name in ("revenue_micros", "quantity", "lines", "orders") else value
        for name, value in row.items()
    }


def read_for(scope: Scope, *, most: int) -> int:
    """Return how many orders reports of a scope would read, counted no further than to `most`."""
    query = select(Order.id)
    if scope.since is not None:
        query = query.where(Order.placed_at >= scope.since)
    if scope.until is not None:
        query = query.where(Order.placed_at < scope.until)
    return db.session.scalar(select(func.count()).select_from(query.limit(most).subquery())) or 0


def sales(scope: Scope = EVERYTHING) -> dict[str, Any]:
    """Return lines, revenue_micros, customers, orders, and the share of customers who ordered more than once."""
    found = _plain(_rows("sales", scope)[0])
    return found | {"repeat_rate": found["repeat_customers"] / found["customers"] if found["customers"] else None}


def sums(scope: Scope = EVERYTHING, *, zone: str = "UTC", step: str = "month") -> list[dict[str, Any]]:
    """Return orders, lines and revenue_micros of each month (or day) in the company's zone that has any, under `began`.

    They are read from the sums of the days where these are kept and the scope begins and ends with a day, so they cost the
    same however many orders there are; how many different customers there were they cannot tell.
    """
    first, last = _day(scope.since, zone), _day(scope.until, zone)
    aligned = (first is None) == (scope.since is None) and (last is None) == (scope.until is None)
    return [_plain(row) for row in _rows("sums", scope, zone=zone, step=step, first=first, last=last, aligned=aligned)]


def _day(moment: datetime | None, zone: str) -> date | None:
    """Return the day that begins at a moment, None when none does."""
    try:
        local = moment and moment.astimezone(ZoneInfo(zone))
        return (
            local.date()
            if local and datetime.combine(local.date(), time(), local.tzinfo).astimezone(UTC) == moment
            else None
        )
    except OverflowError:
        return None


def in_all(parts: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Return what the rows of `sums` come to together."""
    return {name: sum(part[name] for part in parts) for name in ("orders", "lines", "revenue_micros")}


def products_sold(scope: Scope = EVERYTHING) -> int:
    """Return how many different products were sold."""
    return _rows("products_sold", scope)[0]["count"]


def sales_by_month(scope: Scope = EVERYTHING, *, zone: str = "UTC") -> list[dict[str, Any]]:
    """Return revenue_micros, orders and customers of each month (its first day in the company's zone)."""
    return [_plain(row) for row in _rows("sales_by_month", scope, zone=zone)]


def sales_by_day(scope: Scope = EVERYTHING, *, zone: str = "UTC") -> list[dict[str, Any]]:
    """Return revenue_micros, orders and customers of each day in the company's zone."""
    return [_plain(row) for row in _rows("sales_by_day", scope, zone=zone)]


def cohorts(scope: Scope = EVERYTHING, *, zone: str = "UTC") -> dict[date, list[int]]:
    """Return, by the month of their first order, how many customers ordered in that month and in each month after it."""
    found: dict[date, dict[int, int]] = {}
    for began, distance, customers in (row.values() for row in _rows("cohorts", scope, zone=zone)):
        found.setdefault(began, {})[distance] = customers
    last = max((began.year * 12 + began.month + max(row) for began, row in found.items()), default=0)
    return {
        began: [row.get(distance, 0) for distance in range(last - began.year * 12 - began.month + 1)]
        for began, row in sorted(found.items())
    }  # fmt: skip


def concentration(share: float = 0.2, scope: Scope = EVERYTHING) -> float | None:
    """Return which part of the revenue comes from the best `share` of customers (rounded down to whole customers)."""
    return concentrations([share], scope)[0]["part"]


def concentrations(shares: Sequence[float], scope: Scope = EVERYTHING) -> list[dict[str, Any]]:
    """Return for each share of customers, the best first, how many they are and which part of the revenue they bring."""
    rows = _rows("concentration", scope, shares=[str(share) for share in shares])
    return [
        {
            "share": float(row["share"]),
            "customers": row["customers"],
            "part": float(row["top"] / row["whole"]) if row["whole"] else None,
        }
        for row in rows
    ]


def best_products(scope: Scope = EVERYTHING, *, limit: int = 10) -> list[dict[str, Any]]:
    """Return the products that brought most: key, product_id, name and image_url (today's, where the catalogue knows it),
    quantity, revenue_micros, orders."""
    found = [_plain(row) for row in _rows("best_products", scope, most=limit)]
    known = products.many([row["product_id"] for row in found if row["product_id"]])
    return [
        {**row, "name": product.name, "image_url": product.picture} if (product := known.get(row["product_id"]))
        else {**row, "name": row["name"] or row["key"], "image_url": ""}
        for row in found
    ]  # fmt: skip


def goes_with(first: str, second: str, scope: Scope = EVERYTHING) -> dict[str, float]:
    """Return support, confidence, lift and leverage of "who buys `first` (a product key) buys `second`", over orders.

    Orders of guests count too, and returned lines do not, whatever the scope says of cleaning.
    Source: Agrawal, Imielinski and Swami, "Mining association rules", 1993; leverage by Piatetsky-Shapiro, 1991.
    """
    found = pair(first, second, scope)
    return {name: found[name] for name in ("support", "confidence", "lift", "leverage")}


def pair(first: str, second: str, scope: Scope = EVERYTHING) -> dict[str, Any]:
    """Return the same with the pair's names and in how many orders they are together."""
    orders, a, b, together = (int(value) for value in _rows("goes_with", scope, first=first, second=second)[0].values())
    return {"first": first, "second": second, "together": together, **rule(orders, a, b, together)}


def rule(orders: int, with_first: int, with_second: int, together: int) -> dict[str, float]:
    """Return what four counts of orders say of a pair."""
    if not (orders and with_first and with_second):
        return {"support": 0.0, "confidence": 0.0, "lift": 0.0, "leverage": 0.0}
    expected = with_first * with_second / orders
    return {
        "support": together / orders, "confidence": together / with_first, "lift": together / expected,
        "leverage": (together - expected) / orders,
    }  # fmt: skip


def bought_together(scope: Scope = EVERYTHING, *, limit: int = 10) -> list[dict[str, Any]]:
    """Return pairs that meet in orders beyond chance, the furthest beyond first: first, second, together, and their rule.

    Looked at are the products that are in most orders; guests and returns as in `goes_with`.
    """
    rows = _rows("bought_together", scope, looked_at=LOOKED_AT, fewest=FEWEST_TOGETHER, most=limit)
    return [
        {"first": row["first"], "second": row["second"], "together": row["together"],
         **rule(row["orders"], row["with_first"], row["with_second"], row["together"])}
        for row in rows
    ]  # fmt: skip


def countries(*, limit: int = 30) -> list[str]:
    """Return the countries orders came from, those with most orders first."""
    query, values = queries.load("insights/queries/countries.sql"), {"counted": list(COUNTED), "most": limit}
    return list(kept.for_a_while(("countries", limit), lambda: db.session.scalars(query, values).all()))


def revenue_text(micros: int) -> str:
    """Return an exact sum as a decimal text."""
    return money.micros_text(micros)
