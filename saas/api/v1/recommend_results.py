"""How far offers come and what they bring, for programs."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.kit import doors, money
from saas.recommend import funnel
from saas.tenancy import tenants

blueprint = Blueprint("api_recommend_results", __name__, description="How far offers come, and what they bring")


class FunnelQuery(shapes.Shape):
    """Of how many last days, and what makes a line."""

    days = fields.Integer(load_default=30, validate=validate.Range(1, funnel.MOST_DAYS))
    by = fields.String(load_default="slot", validate=validate.OneOf(funnel.BY))


class RateOut(Schema):
    """A share with how far off it may be at 95% (Wilson); of what was shown for `seen`, of what was answered for
    `accepted` and `declined`, of what was seen for the others."""

    rate = fields.Float()
    low = fields.Float()
    high = fields.Float()


class FunnelLineOut(Schema):
    """The figures of one place, model, version or rule; `revenue` is null where you may not see what orders come to."""

    key = fields.String(metadata={"description": "the place, the algorithm, the id of the rule, or the version"})
    algorithm = fields.String(metadata={"description": "by version: which model it is of"})
    began_at = fields.AwareDateTime(allow_none=True, metadata={"description": "by version: since when it is there"})
    against = fields.String(
        metadata={"description": "by version: surely more, fewer clicks than the one before it, or open; at 95%"}
    )
    requests = fields.Integer()
    shown = fields.Integer()
    seen = fields.Integer()
    clicked = fields.Integer()
    carted = fields.Integer()
    bought = fields.Integer()
    bought_clicked = fields.Integer()
    accepted = fields.Integer(metadata={"description": "customers who took what somebody of the company offered them"})
    declined = fields.Integer(metadata={"description": "and who did not want it"})
    revenue = fields.String(allow_none=True)
    revenue_clicked = fields.String(allow_none=True)
    rates = fields.Dict(keys=fields.String(), values=fields.Nested(RateOut))


class FunnelOut(Schema):
    """The lines, the one that brought most first, and all together; at most two hundred lines."""

    since = fields.Date()
    until = fields.Date()
    currency = fields.String()
    other_currencies = fields.List(fields.String(), metadata={"description": "their sales count, their money does not"})
    total = fields.Nested(FunnelLineOut)
    items = fields.List(fields.Nested(FunnelLineOut))


@blueprint.route("/recommendations/funnel")
class Funnel(MethodView):
    @blueprint.arguments(FunnelQuery, location="query")
    @blueprint.response(200, FunnelOut)
    @doors.open_to("key", "offers.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Tell how many offers were shown, seen, clicked, put into a cart and bought, and the money, by place, model, version or rule.

        What customers said to a person who made them an offer stands beside it.
        """
        currency = tenants.settings().currency
        found = funnel.of_last(query["days"], by=query["by"], currency=currency)
        return {
            "since": found.since, "until": found.until, "currency": currency, "other_currencies": found.other_currencies,
            "total": _plain(found.total, currency), "items": [_plain(line, currency) for line in found.lines],
        }  # fmt: skip


def _plain(line: funnel.Line, currency: str) -> dict[str, Any]:
    names = (
        "key",
        "requests",
        "shown",
        "seen",
        "clicked",
        "carted",
        "bought",
        "bought_clicked",
        "accepted",
        "declined",
        "algorithm",
        "began_at",
        "against",
    )
    amounts = {name: getattr(line, name) for name in ("revenue", "revenue_clicked")}
    rates = {step: (line.rate(step), line.interval(step)) for step in (*funnel.STEPS[1:], *funnel.ANSWERS)}
    return {name: getattr(line, name) for name in names} | {
        **{name: None if amount is None else money.amount_text(amount, currency) for name, amount in amounts.items()},
        "rates": {step: {"rate": rate, "low": at[0], "high": at[1]} for step, (rate, at) in rates.items() if at is not None},
    }  # fmt: skip
