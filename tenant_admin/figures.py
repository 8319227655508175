"""Reports made ready for people: findings as sentences, charts, tables of shares, and the rows of their files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from babel import Locale
from flask import url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from saas.kit import money
from tenant_admin import formats

MONTHS_SHOWN, COHORTS_SHOWN, DISTANCES = 25, 18, 12
STEPS = (0.03, 0.06, 0.1, 0.15, 0.22, 0.3, 0.4)
"""From these shares on a cell of the cohorts is one step deeper."""


def amount(micros: int, currency: str) -> int:
    """Return millionths as minor units."""
    return money.from_micros(micros, currency)


def country(code: str) -> str:
    """Return a country's name where shops send its code, else what they send."""
    return Locale.parse(str(get_locale())).territories.get(code.upper(), code) if len(code) == 2 else code


def months_back(day: date, count: int) -> date:
    """Return the first day of the month so many months before."""
    place = day.year * 12 + day.month - 1 - count
    return date(place // 12, place % 12 + 1, 1)


def tiles(sold: dict[str, Any], currency: str, *, orders_url: str) -> list[dict[str, Any]]:
    """Return the sums over everything that is looked at; those of customers are left out while they are not known."""
    each = sold["revenue_micros"] // sold["orders"]
    hint = _("The goods of the orders, before discounts, shipping and refunds")
    shown = [
        {"label": _("Goods sold"), "value": formats.money(amount(sold["revenue_micros"], currency), currency, whole=True), "hint": hint, "url": orders_url},
        {"label": _("Orders"), "value": formats.number(sold["orders"]), "hint": _("Without those that were cancelled or failed"), "url": orders_url},
        {"label": _("Goods in an order"), "value": formats.money(amount(each, currency), currency), "hint": hint, "url": None},
    ]  # fmt: skip
    if "customers" not in sold:
        return shown
    return shown + [
        {"label": _("Customers"), "value": formats.number(sold["customers"]), "hint": None, "url": url_for("customers.index", where="orders_count.at_least.1")},
        {"label": _("Came back"), "value": formats.percent(sold["repeat_rate"], 0), "url": url_for("customers.index", where="orders_count.at_least.2"),
         "hint": _("The share of customers who ordered more than once")},
    ]  # fmt: skip


def months(rows: Sequence[dict[str, Any]], currency: str, *, today: date) -> dict[str, Any]:
    """Return the chart of sales by month with its finding; months without orders are drawn as nothing."""
    by_month = {row["month"]: row for row in rows}
    first, last = max(min(by_month), months_back(max(by_month), MONTHS_SHOWN - 1)), max(by_month)
    every = [
        months_back(last, back) for back in range((last.year - first.year) * 12 + last.month - first.month, -1, -1)
    ]
    values = [amount(by_month[month]["revenue_micros"], currency) if month in by_month else 0 for month in every]
    ends = [months_back(month, -1).toordinal() - 1 for month in every]
    data = {
        "x": [formats.month(month) for month in every], "x_name": _("Month"), "y_name": _("Goods sold"),
        "series": [{"name": _("Goods sold"), "values": values}],
        "links": [url_for("orders.index", since=month, until=date.fromordinal(end)) for month, end in zip(every, ends, strict=True)],
    }  # fmt: skip
    return {"data": data, "finding": _month_finding(dict(zip(every, values, strict=True)), currency, today)}


def _month_finding(values: dict[date, int], currency: str, today: date) -> str:
    """The last whole months against the same a year before where there are three or more, else the best month.

    The first month is left out, for the shop may have begun in the middle of it.
    """
    whole = [month for month in values if min(values) < month < today.replace(day=1)][-24:]
    count = min(12, len(whole) - 12)
    now, then = (
        (sum(values[month] for month in part) for part in (whole[-count:], whole[-count - 12 : -12]))
        if count >= 3
        else (0, 0)
    )
    if then > 0:
        share = formats.percent(abs(now / then - 1), 0)
        if now >= then:
            return _(
                "The last %(count)s whole months brought %(share)s more than the same months a year before",
                count=count,
                share=share,
            )
        return _(
            "The last %(count)s whole months brought %(share)s less than the same months a year before",
            count=count,
            share=share,
        )
    best = max(values, key=lambda month: values[month])
    return _(
        "%(month)s was the best month with %(amount)s",
        month=formats.month(best),
        amount=formats.money(values[best], currency, whole=True),
    )


def repeat(sold: dict[str, Any]) -> str:
    """Say how many came back."""
    return _(
        "%(count)s of %(customers)s customers ordered more than once",
        count=formats.number(sold["repeat_customers"]),
        customers=formats.number(sold["customers"]),
    )


def cohorts(found: dict[date, list[int]], *, today: date) -> dict[str, Any] | None:
    """Return the newest cohorts as rows of shares with how deep each cell is, and the finding; None for fewer than two months."""
    if len(found) < 2:
        return None
    rows = []
    for month, counts in list(found.items())[-COHORTS_SHOWN:]:
        cells = [_cell(count, counts[0]) for count in counts[1 : DISTANCES + 1]]
        began = [f"first_order_at.after.{month}", f"first_order_at.before.{months_back(month, -1)}"]
        rows.append({"month": formats.month(month), "size": counts[0], "cells": cells + [None] * (_widest(found) - len(cells)),
                     "url": url_for("customers.index", where=began)})  # fmt: skip
    return {"rows": rows, "distances": range(1, _widest(found) + 1), "finding": _cohort_finding(found, today)}


def _widest(found: dict[date, list[int]]) -> int:
    return min(max(len(counts) for counts in list(found.values())[-COHORTS_SHOWN:]) - 1, DISTANCES)


def _cell(count: int, size: int) -> dict[str, Any]:
    share = count / size if size else 0
    return {"share": share, "count": count, "step": sum(share >= step for step in STEPS)}


def _cohort_finding(found: dict[date, list[int]], today: date) -> str:
    """How many come again in the month after, over all cohorts whose next month is over."""
    done = [counts for month, counts in found.items() if len(counts) > 1 and months_back(month, -2) <= today]
    size, again = sum(counts[0] for counts in done), sum(counts[1] for counts in done)
    if not size:
        return _("Who first bought in a month, and who bought again in the months after")
    return _(
        "Of those who buy for the first time, %(share)s buy again in the next month",
        share=formats.percent(again / size, 0),
    )


def shares(found: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the chart of how much the best customers bring, with its finding; shares of nobody are left out."""
    real = [row for row in found if row["customers"] and row["part"] is not None]
    if not real:
        return None
    fifth = next((row for row in real if row["share"] == 0.2), real[-1])
    data = {
        "x": [_("The best %(share)s (%(count)s)", share=formats.percent(row["share"], 0), count=formats.number(row["customers"])) for row in real],
        "x_name": _("Customers"), "y_name": _("Part of the goods sold"), "series": [{"name": _("Part of the goods sold"), "values": [row["part"] for row in real]}],
        "links": [url_for("customers.index", sort="-spent")] * len(real),
    }  # fmt: skip
    finding = _(
        "The best %(share)s of customers bring %(part)s of sales",
        share=formats.percent(fifth["share"], 0),
        part=formats.percent(fifth["part"], 0),
    )
    return {"data": data, "finding": finding}


def best(rows: Sequence[dict[str, Any]], sold: dict[str, Any]) -> str:
    """Say how much the best products bring together."""
    if sold["revenue_micros"] <= 0:
        return _("What sold best")
    part = sum(row["revenue_micros"] for row in rows) / sold["revenue_micros"]
    return _("%(count)s products bring %(part)s of sales", count=len(rows), part=formats.percent(part, 0))


def month_rows(rows: Sequence[dict[str, Any]]) -> Iterable[Sequence[Any]]:
    yield _("Month"), _("Goods sold"), _("Orders"), _("Customers")
    for row in rows:
        yield row["month"], money.micros_text(row["revenue_micros"]), row["orders"], row["customers"]


def cohort_rows(found: dict[date, list[int]]) -> Iterable[Sequence[Any]]:
    yield _("First order"), *range(max((len(row) for row in found.values()), default=0))
    for month, counts in found.items():
        yield month, *counts


def share_rows(found: Sequence[dict[str, Any]]) -> Iterable[Sequence[Any]]:
    yield _("Share of customers"), _("Customers"), _("Part of the goods sold")
    for row in found:
        yield row["share"], row["customers"], row["part"]


def product_rows(rows: Sequence[dict[str, Any]]) -> Iterable[Sequence[Any]]:
    yield _("Product"), _("Name"), _("Quantity"), _("Orders"), _("Goods sold")
    for row in rows:
        yield row["key"], row["name"], row["quantity"], row["orders"], money.micros_text(row["revenue_micros"])


def pair_rows(rows: Sequence[dict[str, Any]]) -> Iterable[Sequence[Any]]:
    yield _("First"), _("Second"), _("Orders with both"), _("Support"), _("Confidence"), _("Lift"), _("Leverage")
    for row in rows:
        yield (
            row["first"],
            row["second"],
            row["together"],
            *(round(row[name], 6) for name in ("support", "confidence", "lift", "leverage")),
        )


def plain(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula, whatever a shop called its things."""
    return (
        f"'{cell}"
        if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not _number(cell)
        else cell
    )


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
