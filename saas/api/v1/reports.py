"""Reports for programs."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from saas.api import shapes
from saas.insights import reports
from saas.insights.schemas import BestProductOut, CohortOut, DayOut, MonthOut, RuleOut, SalesOut, ShareOut, shown
from saas.kit import doors
from saas.tenancy import tenants

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
    return Schema.from_dict(
        {"currency": fields.String(), "items": fields.List(fields.Nested(item))}, name=f"{item.__name__}Report"
    )


def answered(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"currency": tenants.settings().currency, "items": items}


@blueprint.route("/reports/sales")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.response(200, SalesOut)
@doors.open_to("key", "reports.read")
def sales(query: dict[str, Any]) -> dict[str, Any]:
    """What was sold in all, and how many customers came back."""
    scope = scope_of(query)
    return shown(reports.sales(scope)) | {
        "products": reports.products_sold(scope),
        "currency": tenants.settings().currency,
    }


@blueprint.route("/reports/sales_by_month")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.response(200, rows_of(MonthOut))
@doors.open_to("key", "reports.read")
def sales_by_month(query: dict[str, Any]) -> dict[str, Any]:
    """What was sold in each month of the company's zone; months without orders are left out."""
    return answered([shown(row) for row in reports.sales_by_month(scope_of(query), zone=tenants.settings().zone)])


@blueprint.route("/reports/sales_by_day")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.response(200, rows_of(DayOut))
@doors.open_to("key", "reports.read")
def sales_by_day(query: dict[str, Any]) -> dict[str, Any]:
    """What was sold on each day of the company's zone; days without orders are left out."""
    return answered([shown(row) for row in reports.sales_by_day(scope_of(query), zone=tenants.settings().zone)])


@blueprint.route("/reports/cohorts")
@blueprint.arguments(ReportQuery, location="query")
@blueprint.response(200, rows_of(CohortOut))
@doors.open_to("key", "reports.read")
def cohorts(query: dict[str, Any]) -> dict[str, Any]:
    """Of those who first ordered in a month, how many ordered in each month after it."""
    found = reports.cohorts(scope_of(query), zone=tenants.settings().zone)
    return answered([{"month": month, "customers": customers} for month, customers in found.items()])


@blueprint.route("/reports/concentration")
@blueprint.arguments(ShareQuery, location="query")
@blueprint.response(200, ShareOut)
@doors.open_to("key", "reports.read")
def concentration(query: dict[str, Any]) -> dict[str, Any]:
    """Which part of the revenue the best customers bring."""
    return reports.concentrations([query["share"]], scope_of(query))[0]


@blueprint.route("/reports/best_products")
@blueprint.arguments(BestQuery, location="query")
@blueprint.response(200, rows_of(BestProductOut))
@doors.open_to("key", "reports.read")
def best_products(query: dict[str, Any]) -> dict[str, Any]:
    """The products that brought most."""
    found = reports.best_products(scope_of(query), limit=query["limit"])
    return answered([shown(row) | {"product": row["key"]} for row in found])


@blueprint.route("/reports/goes_with")
@blueprint.arguments(PairQuery, location="query")
@blueprint.response(200, rows_of(RuleOut))
@doors.open_to("key", "reports.read")
def goes_with(query: dict[str, Any]) -> dict[str, Any]:
    """Who buys one product buys another: of a named pair, or of those that meet furthest beyond chance."""
    scope = scope_of(query)
    if "first" not in query:
        return answered(reports.bought_together(scope, limit=query["limit"]))
    return answered([reports.pair(query["first"], query["second"], scope)])
