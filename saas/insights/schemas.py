"""How reports look to programs: money as decimal texts, in the company's currency."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from saas.kit import money


class SalesOut(Schema):
    """What was sold in all."""

    currency = fields.String()
    revenue = fields.String(metadata={"description": "the goods of the orders, before discounts, shipping and refunds"})
    lines = fields.Integer()
    orders = fields.Integer()
    products = fields.Integer()
    customers = fields.Integer()
    repeat_customers = fields.Integer()
    repeat_rate = fields.Float(allow_none=True)


class MonthOut(Schema):
    """What was sold in one month; `month` is its first day."""

    month = fields.Date()
    revenue = fields.String()
    orders = fields.Integer()
    customers = fields.Integer()


class DayOut(Schema):
    """What was sold on one day."""

    day = fields.Date()
    revenue = fields.String()
    orders = fields.Integer()
    customers = fields.Integer()


class CohortOut(Schema):
    """How many of those who first ordered in a month ordered in it and in each month after it."""

    month = fields.Date()
    customers = fields.List(fields.Integer())


class ShareOut(Schema):
    """Which part of the revenue the best share of customers brings."""

    share = fields.Float()
    customers = fields.Integer()
    part = fields.Float(allow_none=True)


class BestProductOut(Schema):
    """A product and what it brought."""

    product = fields.String()
    name = fields.String()
    quantity = fields.Integer()
    revenue = fields.String()
    orders = fields.Integer()


class RuleOut(Schema):
    """Who buys `first` buys `second`: in how many orders they meet and what that says."""

    first = fields.String()
    second = fields.String()
    together = fields.Integer()
    support = fields.Float()
    confidence = fields.Float()
    lift = fields.Float()
    leverage = fields.Float()


class SoonOut(Schema):
    """A report that is being worked out, and how much of that is done."""

    state = fields.String(metadata={"description": "working"})
    done = fields.Integer()
    total = fields.Integer()


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a report for programs: its revenue as a text."""
    return {
        "revenue": money.micros_text(row["revenue_micros"]),
        **{name: value for name, value in row.items() if name != "revenue_micros"},
    }
