"""What customers said to offers that somebody made them, for programs: a telephone system, a help desk."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import fields, validate

from saas.api import shapes
from saas.kit import doors, pages
from saas.recommend import answers
from saas.recommend.answer_models import DECLINES, VERDICTS
from saas.recommend.answer_schemas import OfferAnswerIn, OfferAnswerOut, answer_plain

blueprint = Blueprint("api_offer_answers", __name__, description="What customers said to offers made by a person")


class AnswersQuery(shapes.ListQuery):
    """Whose answers, and which."""

    customer_id = fields.UUID()
    verdict = fields.String(validate=validate.OneOf(VERDICTS))
    reason = fields.String(validate=validate.OneOf([one for one in DECLINES if one]))


@blueprint.route("/recommendations/answers")
class Answers(MethodView):
    @blueprint.arguments(AnswersQuery, location="query")
    @blueprint.response(200, shapes.page_of(OfferAnswerOut))
    @doors.open_to("key", "customers.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List answers that stand, newest first."""
        wanted = {name: query.get(name) for name in ("customer_id", "verdict", "reason")}
        page = pages.page(answers.query(**wanted), order=answers.ORDER, cursor=query["cursor"], limit=query["limit"])
        return {"items": [answer_plain(row) for row in page.items], "next": page.next}

    @blueprint.arguments(OfferAnswerIn)
    @blueprint.response(201, OfferAnswerOut)
    @doors.open_to("key", "customers.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Tell what a customer said to a product; what they declined is offered to them nowhere for some time."""
        return answer_plain(answers.say(**item))


@blueprint.route("/recommendations/answers/<answer_id>")
class OneAnswer(MethodView):
    @blueprint.response(200, OfferAnswerOut)
    @doors.open_to("key", "customers.read")
    def get(self, answer_id: UUID) -> dict[str, Any]:
        """Show one answer."""
        return answer_plain(answers.one(answer_id))

    @blueprint.response(204)
    @doors.open_to("key", "customers.edit")
    def delete(self, answer_id: UUID) -> None:
        """Take an answer back; what was declined may be offered again at once."""
        answers.take_back(answer_id)
