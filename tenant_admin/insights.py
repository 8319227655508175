"""Insights: sales by month, who comes back, who brings the money, what sells and what is bought together.

Every figure of the page can be had as a table and as a file; what it looks at is said in sentences and stands in the address.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, render_template, request, url_for
from flask_babel import gettext as _

from saas.catalog import products
from saas.insights import reports, runs
from saas.kit import clock, doors, errors
from tenant_admin import figures, formats, frame
from tenant_admin.markup import here

pages = Blueprint("insights", __name__)


class NoSuchFigure(errors.NotFound):
    """There is no such figure to download."""


class NotYet(errors.Unavailable):
    """A figure over very many orders that is still being worked out."""


@pages.get("/insights")
@doors.open_to("member", "reports.read")
def index() -> Any:
    """Show the figures of the chosen orders."""
    scope = wanted()
    parts = reports.sums(scope, zone=g.member.zone)
    sold = reports.in_all(parts)
    countries = reports.countries()
    common = {
        "chips": _chips(scope),
        "add": _add(scope, countries),
        "since": request.args.get("since", ""),
        "until": request.args.get("until", ""),
    }
    if not sold["orders"]:
        guests = (
            not _filtered()
            and len(reports.sums(reports.Scope(cleaned=False, currency=g.member.currency), zone=g.member.zone)) > 0
        )
        return render_template("insights/empty.html", guests=guests, filtered=_filtered(), **common)
    currency, zone = g.member.currency, g.member.zone
    told = runs.look(scope, zone=zone, orders=None if scope.country else sold["orders"])
    if told.rows is not None and request.args.get("waiting"):
        return frame.go(here(waiting=None))
    months = figures.months([{**part, "month": part["began"]} for part in parts], currency, today=_today())
    if told.rows is None:
        tiles = figures.tiles(sold, currency, orders_url=_orders(scope))
        again = here(waiting="1")
        return render_template(
            "insights/soon.html", tiles=tiles, months=months, country=scope.country, again=again, told=told, **common
        )
    rows = told.rows
    sold |= {name: rows["sales"][name] for name in ("customers", "repeat_customers", "repeat_rate")}
    best = rows["products"][:10]
    return render_template(
        "insights/index.html", sold=sold, tiles=figures.tiles(sold, currency, orders_url=_orders(scope)), months=months,
        cohorts=figures.cohorts(rows["cohorts"], today=_today()), shares=figures.shares(rows["shares"]), repeat=figures.repeat(sold),
        best=[_product(row, currency, best[0]["revenue_micros"]) for row in best], as_of=told.made_at,
        best_finding=figures.best(best, rows["sales"]), pairs=_pairs(rows["pairs"][:10]), country=scope.country, **common,
    )  # fmt: skip


@pages.get("/insights/csv")
@doors.open_to("member", "reports.read")
def download() -> Response:
    """Give one figure as a file; raises NoSuchFigure."""
    figure, scope, zone = request.args.get("figure", ""), wanted(), g.member.zone
    tables: dict[str, Callable[[Any], Any]] = {
        "months": figures.month_rows, "cohorts": figures.cohort_rows, "shares": figures.share_rows,
        "products": figures.product_rows, "pairs": figures.pair_rows,
    }  # fmt: skip
    if figure not in tables:
        raise NoSuchFigure
    rows = runs.look(scope, zone=zone, only=figure).rows
    if rows is None:
        raise NotYet(_("These figures are still being worked out. Look again in a moment."))
    page = io.StringIO()
    csv.writer(page).writerows([[figures.plain(cell) for cell in row] for row in tables[figure](rows[figure])])
    # the mark at the start makes spreadsheets read it as UTF-8
    return Response(
        "\ufeff" + page.getvalue(),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{figure}.csv"'},
    )


def wanted() -> reports.Scope:
    """Return what the address asks for: days of the company's zone, a country, and whether everything counts."""
    return reports.Scope(
        since=_day("since"), until=_day("until", after=1), country=request.args.get("country", "").strip()[:60] or None,
        cleaned=request.args.get("all") != "1", currency=g.member.currency,
    )  # fmt: skip


def _day(name: str, *, after: int = 0) -> datetime | None:
    """Return the beginning of a day of the address, or of so many days after it, where the company is; None when it is none."""
    try:
        day = date.fromisoformat(request.args.get(name, "")) + timedelta(days=after)
        return datetime.combine(day, time(), ZoneInfo(g.member.zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _local(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(g.member.zone)).date()


def _today() -> date:
    return _local(clock.now())


def _filtered() -> bool:
    return any(request.args.get(name) for name in ("since", "until", "country", "all"))


def _chips(scope: reports.Scope) -> list[dict[str, Any]]:
    """Return a sentence for each thing the address asks for."""
    chips = []
    if scope.since:
        chips.append({"sentence": _("from %(day)s", day=formats.day(_local(scope.since))), "remove": here(since=None)})
    if scope.until:
        chips.append(
            {
                "sentence": _("until %(day)s", day=formats.day(_local(scope.until) - timedelta(days=1))),
                "remove": here(until=None),
            }
        )
    if scope.country:
        chips.append(
            {"sentence": _("from %(country)s", country=figures.country(scope.country)), "remove": here(country=None)}
        )
    if not scope.cleaned:
        chips.append({"sentence": _("with guests, returns and gifts"), "remove": here(all=None)})
    return chips


def _add(scope: reports.Scope, countries: list[str]) -> list[Any]:
    today = _today()
    year = today.replace(month=1, day=1)
    spans = (
        (_("in the last 90 days"), today - timedelta(days=89), None), (_("in the last 12 months"), figures.months_back(today, 11), None),
        (_("this year"), year, None), (_("last year"), year.replace(year=year.year - 1), year - timedelta(days=1)),
    )  # fmt: skip
    entries: list[Any] = [{"heading": _("Placed")}]
    entries += [
        {"label": label, "url": here(since=since.isoformat(), until=until and until.isoformat())}
        for label, since, until in spans
    ]
    entries.append({"label": _("between two days…"), "url": here(), "attrs": {"data-open": "days"}})
    if countries:
        entries.append({"heading": _("From")})
        entries += [
            {"label": figures.country(code), "url": here(country=code)}
            for code in countries[:12]
            if code != scope.country
        ]
    if scope.cleaned:
        entries += [{"heading": _("Counted")}, {"label": _("with guests, returns and gifts"), "url": here(all="1")}]
    return entries


def _orders(scope: reports.Scope) -> str:
    until = scope.until and _local(scope.until) - timedelta(days=1)
    return url_for("orders.index", since=scope.since and _local(scope.since), until=until)


def _product(row: dict[str, Any], currency: str, most: int) -> dict[str, Any]:
    url = url_for("products.show", product_id=row["product_id"]) if row["product_id"] else None
    return row | {"id": row["product_id"] or row["key"], "url": url, "amount": figures.amount(row["revenue_micros"], currency),
                  "share": row["revenue_micros"] / most if most > 0 else 0}  # fmt: skip


def _pairs(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the pairs with what their products are called and where they stand."""
    known = products.by_external({key for row in rows for key in (row["first"], row["second"])})
    return [
        row
        | {"id": f"{row['first']} {row['second']}", "goods": [_good(row[side], known) for side in ("first", "second")]}
        for row in rows
    ]


def _good(key: str, known: dict[str, Any]) -> dict[str, Any]:
    product = known.get(key)
    if product is None:
        return {"name": key, "url": None, "image": None}
    return {"name": product.name, "url": url_for("products.show", product_id=product.id), "image": product.picture}
