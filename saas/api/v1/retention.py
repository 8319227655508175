"""How long a company keeps what it no longer needs, for programs: the rules, what each would take, on and off."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.integrations import retention
from saas.kit import doors

blueprint = Blueprint("api_retention", __name__, description="How long old data is kept; what goes never comes back")


class RetentionRuleOut(Schema):
    """A rule; `number` is null while everything is kept."""

    key = fields.String()
    number = fields.Integer(allow_none=True, metadata={"description": "how many days or months it is kept"})
    unit = fields.String(validate=validate.OneOf(["days", "months"]))
    choices = fields.List(fields.Integer(), metadata={"description": "the times that can be chosen"})
    before = fields.AwareDateTime(allow_none=True, metadata={"description": "what is older goes tonight"})


class RetentionRules(Schema):
    """Every rule there is."""

    items = fields.List(fields.Nested(RetentionRuleOut))


class RetentionRuleIn(shapes.Shape):
    """How long to keep it; `confirm` is the company's name, because what goes never comes back."""

    number = fields.Integer(required=True, validate=validate.Range(1, 1000))
    confirm = shapes.Text(200, required=True)


class RetentionAsked(shapes.Shape):
    """The time to look at."""

    number = fields.Integer(
        validate=validate.Range(1, 1000), metadata={"description": "without it the time the rule has now"}
    )


class RetentionPreview(Schema):
    """What would go now."""

    before = fields.AwareDateTime()
    oldest = fields.AwareDateTime(allow_none=True)
    total = fields.Integer()
    counts = fields.Dict(keys=fields.String(), values=fields.Integer())


@blueprint.route("/retention-rules")
@blueprint.response(200, RetentionRules)
@doors.open_to("key", "settings.read")
def listed() -> dict[str, Any]:
    """List the rules, switched on or not."""
    return {"items": retention.listed()}


@blueprint.route("/retention-rules/<rule>")
class OneRule(MethodView):
    @blueprint.arguments(RetentionRuleIn)
    @blueprint.response(200, RetentionRuleOut)
    @doors.open_to("key", "settings.edit", always=True)
    def put(self, item: dict[str, Any], rule: str) -> Any:
        """Keep it for this long only, from tonight on."""
        return retention.switch_on(rule, number=item["number"], name=item["confirm"])

    @blueprint.response(204)
    @doors.open_to("key", "settings.edit", always=True)
    def delete(self, rule: str) -> None:
        """Keep everything again; what is gone stays gone."""
        retention.switch_off(rule)


@blueprint.route("/retention-rules/<rule>/preview")
@blueprint.arguments(RetentionAsked, location="query")
@blueprint.response(200, RetentionPreview)
@doors.open_to("key", "settings.read")
def preview(query: dict[str, Any], rule: str) -> dict[str, Any]:
    """Count what would go now, and how old the oldest is; nothing is changed."""
    return retention.preview(rule, query.get("number"))
