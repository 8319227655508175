"""Real input: 541,909 order lines of a real shop through the public API, and the figures that must come out exactly.

An invoice is an order, its lines keyed by their position in the file, so that doubled lines stay two lines. A few invoices
carry two moments; an order is placed at the first. Prices of zero and below and negative quantities are taken as they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any

import orjson

from bench import data, running, table

SECTION = "A"
DATA = ("online_retail",)
EXPECTED = {
    "lines": 541_909, "sum": "9747747.934", "cleaned lines": 397_884, "cleaned sum": "8911407.904", "customers": 4_338, "invoices": 18_532,
    "SKUs": 3_665, "repeat rate": 0.6558, "UK": "7308391.55", "November 2011": "1161817.38",
    "cohort 2010-12": [885, 324, 286, 340, 321, 352, 321, 309, 313, 350, 331, 445, 235], "top 20%": 0.7459,
    "support": 0.079082, "confidence": 0.815789, "lift": 8.642959, "leverage": 0.069932,
}  # fmt: skip
LINES = """
    SELECT InvoiceNo, StockCode, coalesce(Description, ''), Quantity, InvoiceDate, CAST(UnitPrice AS DECIMAL(18, 6)), CustomerID, Country
    FROM {t} ORDER BY InvoiceNo, InvoiceDate"""


def orders() -> Iterator[dict[str, Any]]:
    """Yield the invoices as orders in the API's shape."""
    current: dict[str, Any] | None = None
    for invoice, code, name, quantity, at, price, customer, country in data.query(LINES, t="online_retail"):
        if current is None or current["external_id"] != invoice:
            if current is not None:
                yield current
            who = {"country": country} | ({"external_id": str(customer)} if customer else {})
            current = {"external_id": invoice, "number": invoice, "placed_at": f"{at.isoformat()}Z", "currency": "GBP",
                       "status": "fulfilled", "customer": who if customer else None, "country": country, "lines": []}  # fmt: skip
        current["lines"].append({"position": len(current["lines"]), "product": code, "sku": code, "name": name, "quantity": quantity,
                                 "unit_price": str(price)})  # fmt: skip
    if current is not None:
        yield current


def load(server: running.Running) -> tuple[int, float]:
    """Send every invoice through POST /api/v1/orders/bulk; returns orders sent and seconds."""
    began, sent, source = time.perf_counter(), 0, orders()
    while batch := list(islice(source, 500)):
        answer = server.api("POST", "/orders/bulk", orjson.dumps({"items": batch}))
        failed = [item for item in answer["items"] if item["status"] not in ("created", "updated")]
        assert not failed, failed[:3]
        sent += len(batch)
    return sent, time.perf_counter() - began


def figures(server: running.Running) -> dict[str, Any]:
    """Return the figures as the product reports them."""
    from datetime import UTC, datetime

    from saas.insights import reports
    from saas.kit import work

    with server.app.app_context(), work.unit(tenant_id=server.tenant_id):
        everything, cleaned = reports.sales(reports.Scope(cleaned=False)), reports.sales()
        november = reports.Scope(since=datetime(2011, 11, 1, tzinfo=UTC), until=datetime(2011, 12, 1, tzinfo=UTC))
        rule = reports.goes_with("22726", "22727", reports.Scope(country="France"))
        return {
            "lines": everything["lines"], "sum": reports.revenue_text(everything["revenue_micros"]), "cleaned lines": cleaned["lines"],
            "cleaned sum": reports.revenue_text(cleaned["revenue_micros"]), "customers": cleaned["customers"], "invoices": cleaned["orders"],
            "SKUs": reports.products_sold(), "repeat rate": round(cleaned["repeat_rate"], 4),
            "UK": f"{reports.sales(reports.Scope(country='United Kingdom'))['revenue_micros'] / 1e6:.2f}",
            "November 2011": reports.revenue_text(reports.sales(november)["revenue_micros"]),
            "cohort 2010-12": reports.cohorts()[date(2010, 12, 1)], "top 20%": round(reports.concentration(0.2), 4),
            **{name: round(value, 6) for name, value in rule.items()},
        }  # fmt: skip


def times(server: running.Running) -> dict[str, float]:
    """Return how many seconds each report takes over all of it, the second time it is asked for."""
    from saas.insights import reports
    from saas.kit import work

    asked = {
        "sales": reports.sales, "sales by month": reports.sales_by_month, "sales by day": reports.sales_by_day, "cohorts": reports.cohorts,
        "concentration": reports.concentration, "best products": reports.best_products, "bought together": reports.bought_together,
        "goes with": lambda: reports.goes_with("22726", "22727"),
    }  # fmt: skip
    found = {}
    with server.app.app_context(), work.unit(tenant_id=server.tenant_id):
        for name, ask in asked.items():
            for _turn in range(2):
                began = time.perf_counter()
                ask()
                found[name] = time.perf_counter() - began
    return found


def rows() -> Iterator[table.Row]:
    """Load the shop once and hold every figure against what the data's own papers and counts say."""
    with running.product(currency="GBP") as server:
        sent, seconds = load(server)
        yield table.Row(
            "541,909 real lines through the API", f"{541_909 / seconds:,.0f}/s, {sent:,} orders", "-", "-", None
        )
        found, took = figures(server), times(server)
    slowest = max(took, key=took.__getitem__)
    yield table.at_most(f"the slowest of {len(took)} reports: {slowest}", took[slowest], 1.0, form=".2f", unit=" s")
    for name, expected in EXPECTED.items():
        shown = str(expected) if not isinstance(expected, list) else f"{len(expected)} months"
        ours = str(found[name]) if not isinstance(expected, list) or found[name] != expected else shown
        yield table.Row(f"reports: {name}", ours, "-", f"= {shown}", found[name] == expected)
