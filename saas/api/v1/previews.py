"""Looking at things before they are there, for programs: a mail as somebody would get it, and whom a segment would hold."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.api.v1 import customers
from saas.audiences import segments
from saas.customers.schemas import CustomerOut
from saas.kit import doors, rates, scope
from saas.marketing import letters, schemas
from saas.marketing.schemas import ProblemOut
from saas.tenancy import reads

blueprint = Blueprint("api_previews", __name__, description="Mails and segments before they are there")
SOURCE = {"validate": validate.Length(max=300_000), "load_default": ""}
SAMPLE = 5


class MailIn(shapes.Shape):
    """A mail as it is written."""

    subject = fields.String(validate=validate.Length(max=500), load_default="")
    source = fields.String(**SOURCE, metadata={"description": "MJML or HTML with Liquid"})
    text_source = fields.String(**SOURCE, metadata={"description": "the text part; empty: derived"})
    language = shapes.Text(12, load_default="en")
    customer_id = fields.UUID(
        load_default=None, allow_none=True, metadata={"description": "whom to fill it in for; somebody made up without"}
    )


class MailOut(Schema):
    """A mail filled in, or what is wrong with it."""

    subject = fields.String(allow_none=True)
    html = fields.String(allow_none=True)
    text = fields.String(allow_none=True)
    problems = fields.List(fields.Nested(ProblemOut))
    warnings = fields.List(fields.Nested(ProblemOut))


class SegmentTried(shapes.Shape):
    """Conditions to try."""

    definition = fields.Dict(required=True)


class SegmentPreview(Schema):
    """How many fit, and a few of them."""

    count = fields.Integer()
    sample = fields.List(fields.Nested(CustomerOut))


@blueprint.route("/campaigns/preview", methods=["POST"])
@blueprint.arguments(MailIn)
@blueprint.response(200, MailOut)
@doors.open_to("key", "campaigns.edit")
def mail(item: dict[str, Any]) -> dict[str, Any]:
    """Show a mail as somebody would get it, with its faults and where they are; nothing is kept or sent."""
    rates.require(f"preview:{scope.actor().id}", "240/minute")
    made, parts = letters.preview(**item)
    filled = {"subject": parts.subject, "html": parts.html, "text": parts.text} if parts else {}
    return {"subject": None, "html": None, "text": None} | filled | schemas.faults(made.dump())


@blueprint.route("/segments/preview", methods=["POST"])
@blueprint.arguments(SegmentTried)
@blueprint.response(200, SegmentPreview)
@doors.open_to("key", "segments.read")
def segment(item: dict[str, Any]) -> dict[str, Any]:
    """Count whom conditions fit, with a few of them; 422 names the condition that cannot be asked. Nothing is kept."""
    page = segments.members(item["definition"], limit=SAMPLE)
    reads.note(kind="customer", count=len(page.items))
    return {"count": segments.count(item["definition"]), "sample": customers.shown(page.items)}
