"""Reports for programs.

Over few orders they are worked out in the request. Over many no web worker is held by them: the last result is answered with
the moment it was worked out (`as_of`), and while there is none, 202 with how far it is and when to ask again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, jsonify
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from saas.api import shapes
from saas.insights import reports, runs
from saas.insights.schemas import (
    BestProductOut,
    CohortOut,
    DayOut,
    MonthOut,
    RuleOut,
    SalesOut,
    ShareOut,
    SoonOut,
    shown,
)
from saas.kit import doors
from saas.tenancy import tenants

AS_OF = fields.AwareDateTime(
    allow_none=True,
    metadata={"description": "when it was worked out; null when that was just now, as it is for few orders"},
)
SOON = "So many orders that it is being worked out; ask again after Retry-After seconds"
blueprint = Blueprint("api_reports", __name__, description="Figures over orders")


class ReportQuery(shapes.Shape):
    """Which orders a report looks at."""

    since = fields.AwareDateTime(metadata={"description": "placed at or after"})
    until = fields.AwareDateTime(metadata={"description": "placed before"})
    country = shapes.Text(60)
    cleaned = fields.Boolean(
        load_default=True,
        metadata={"description": "leave out lines without a customer, returns, and prices of zero or less"},
    )

    @validates_schema
    def in_order(self, data: dict[str, Any], **_: Any) -> None:
        if "since" in data and "until" in data and data["until"] <= data["since"]:
            raise ValidationError("This is not after since.", "until")


class ShareQuery(ReportQuery):
    """And which share of the customers."""

    share = fields.Float(
        load_default=0.2, validate=validate.Range(0, 1), metadata={"description": "the best customers, 0.2 for a fifth"}
    )


class BestQuery(ReportQuery):
    """And how many rows."""

    limit = fields.Integer(load_default=10, validate=validate.Range(1, 200))


class PairQuery(BestQuery):
    """And which two products; without them the pairs that meet furthest beyond chance."""

    first = shapes.Text(200, metadata={"description": "a product's id in its shop"})
    second = shapes.Text(200)

    @validates_schema
    def both(self, data: dict[str, Any], **_: Any) -> None:
        if ("first" in data) != ("second" in data):
            raise ValidationError("Name both products or none.", "second" if "first" in data else "first")


def scope_of(query: dict[str, Any]) -> reports.Scope:
    return reports.Scope(**{name: query[name] for name in ("since", "until", "country", "cleaned") if name in query})


def rows_of(item: type[Schema]) -> type[Schema]:
    """Return the schema of a report's rows; a report has no further pages."""
    content = {"currency": fields.String(), "items": fields.List(fields.Nested(item)), "as_of": AS_OF}
    return Schema.from_dict(content, name=f"{item.__name__}Report")


def whole(item: type[Schema]) -> type[Schema]:
    """Return the schema of a report of one row."""
    return type(f"{item.__name__}Report", (item,), {"as_of": AS_OF})


def answered(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"currency": tenants.settings().currency, "items": items}


def told(
    query: dict[str, Any],
    now: Callable[[reports.Scope, str], dict[str, Any]],
    later: Callable[[dict[str, Any]], dict[str, Any]],
    *,
    only: str,
    about: dict[str, Any] | None = None,
) -> dict[str, Any] | Response:
    """Answer a report: as `now` works it out where few orders are read, else as `later` finds it in what was worked out last.

    `only` is its name among those, and `about` what it is asked about that is worked out by itself.
    """
    scope, zone = scope_of(query), tenants.settings().zone
    if not runs.many(scope):
        return now(scope, zone) | {"as_of": None}
    found = runs.look(scope, zone=zone, only=only, about=about)
    if found.rows is not None:
        return later(found.rows) | {"as_of": found.made_at}
    soon = jsonify({"state": "working", "done": found.done, "total": found.of})
    soon.status_code, soon.headers["Retry-After"] = 202, str(found.wait)
    return soon


def report(name: str, schema: type[Schema], query: type[ReportQuery] = ReportQuery) -> Callable[[Callable], Callable]:
    """Return what makes a view the report of an address."""

    def made(view: Callable) -> Callable:
        taken = doors.open_to("key", "reports.read")(view)
        taken = blueprint.alt_response(202, schema=SoonOut, description=SOON, success=True)(taken)
        taken = blueprint.response(200, schema)(taken)
        return blueprint.route(f"/reports/{name}")(blueprint.arguments(query, location="query")(taken))

    return made


@report("sales", whole(SalesOut))
def sales(query: dict[str, Any]) -> dict[str, Any] | Response:
    """What was sold in all, and how many customers came back."""

    def answer(sold: dict[str, Any], products: int) -> dict[str, Any]:
        return shown(sold) | {"products": products, "currency": tenants.settings().currency}

    return told(
        query, lambda scope, _zone: answer(reports.sales(scope), reports.products_sold(scope)),
        lambda rows: answer(rows["sales"], rows["products_sold"]), only="products_sold",
    )  # fmt: skip


@report("sales_by_month", rows_of(MonthOut))
def sales_by_month(query: dict[str, Any]) -> dict[str, Any] | Response:
    """What was sold in each month of the company's zone; months without orders are left out."""
    return told(
        query, lambda scope, zone: answered([shown(row) for row in reports.sales_by_month(scope, zone=zone)]),
        lambda rows: answered([shown(row) for row in rows["months"]]), only="months",
    )  # fmt: skip


@report("sales_by_day", rows_of(DayOut))
def sales_by_day(query: dict[str, Any]) -> dict[str, Any] | Response:
    """What was sold on each day of the company's zone; days without orders are left out."""
    return told(
        query, lambda scope, zone: answered([shown(row) for row in reports.sales_by_day(scope, zone=zone)]),
        lambda rows: answered([shown(row) for row in rows["days"]]), only="days",
    )  # fmt: skip


@report("cohorts", rows_of(CohortOut))
def cohorts(query: dict[str, Any]) -> dict[str, Any] | Response:
    """Of those who first ordered in a month, how many ordered in each month after it."""

    def answer(found: dict[Any, list[int]]) -> dict[str, Any]:
        return answered([{"month": month, "customers": customers} for month, customers in found.items()])

    return told(
        query, lambda scope, zone: answer(reports.cohorts(scope, zone=zone)), lambda rows: answer(rows["cohorts"]), only="cohorts"
    )  # fmt: skip


@report("concentration", whole(ShareOut), ShareQuery)
def concentration(query: dict[str, Any]) -> dict[str, Any] | Response:
    """Which part of the revenue the best customers bring."""
    share = query["share"]
    return told(
        query, lambda scope, _zone: reports.concentrations([share], scope)[0],
        lambda rows: next(row for row in rows["shares"] if row["share"] == share), only="shares",
        about=None if share in runs.SHARES else {"shares": [share]},
    )  # fmt: skip


@report("best_products", rows_of(BestProductOut), BestQuery)
def best_products(query: dict[str, Any]) -> dict[str, Any] | Response:
    """The products that brought most."""

    def answer(found: list[dict[str, Any]]) -> dict[str, Any]:
        return answered([shown(row) | {"product": row["key"]} for row in found])

    return told(
        query, lambda scope, _zone: answer(reports.best_products(scope, limit=query["limit"])),
        lambda rows: answer(rows["products"][: query["limit"]]), only="products",
    )  # fmt: skip


@report("goes_with", rows_of(RuleOut), PairQuery)
def goes_with(query: dict[str, Any]) -> dict[str, Any] | Response:
    """Who buys one product buys another: of a named pair, or of those that meet furthest beyond chance."""
    if "first" not in query:
        return told(
            query, lambda scope, _zone: answered(reports.bought_together(scope, limit=query["limit"])),
            lambda rows: answered(rows["pairs"][: query["limit"]]), only="pairs",
        )  # fmt: skip
    first, second = query["first"], query["second"]
    return told(
        query, lambda scope, _zone: answered([reports.pair(first, second, scope)]), lambda rows: answered([rows["pair"]]), only="pair",
        about={"pair": [first, second]},
    )  # fmt: skip
