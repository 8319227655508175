"""Trials of offers for programs: planning, starting, pausing, ending, what they come to, and taking an arm over."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import fields, validate

from saas.api import entrance, shapes
from saas.kit import clock, doors, pages
from saas.recommend import trial_counting, trial_verdicts, trials
from saas.recommend.trial_models import STATES
from saas.recommend.trial_schemas import (
    OfferTrialChange,
    OfferTrialIn,
    OfferTrialOut,
    TakeOverIn,
    TrialFiguresOut,
    figures_plain,
    trial_plain,
)
from saas.tenancy import tenants

blueprint = Blueprint("api_recommend_trials", __name__, description="Trials of places for offers")


class TrialsQuery(shapes.ListQuery):
    """Which trials a list has."""

    slot = fields.String(validate=validate.Length(max=40))
    state = fields.String(validate=validate.OneOf(STATES))


def version(trial: Any) -> str:
    return entrance.etag(trial.id, trial.updated_at)


def answered(trial: Any) -> tuple[dict[str, Any], int, dict[str, str]]:
    return trial_plain(trial), 200, {"ETag": f'"{version(trial)}"'}


@blueprint.route("/recommendations/trials")
class Trials(MethodView):
    @blueprint.arguments(TrialsQuery, location="query")
    @blueprint.response(200, shapes.page_of(OfferTrialOut))
    @doors.open_to("key", "offers.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the trials, newest first."""
        wanted = trials.query(slot=query.get("slot"), state=query.get("state"))
        page = pages.page(wanted, order=trials.ORDER, cursor=query["cursor"], limit=query["limit"])
        return {"items": [trial_plain(trial) for trial in page.items], "next": page.next}

    @blueprint.arguments(OfferTrialIn)
    @blueprint.response(201, OfferTrialOut)
    @doors.open_to("key", "offers.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Plan a trial; nobody meets it before it is started."""
        return trial_plain(trials.create(**item))


@blueprint.route("/recommendations/trials/<trial_id>")
class OneTrial(MethodView):
    @blueprint.response(200, OfferTrialOut)
    @doors.open_to("key", "offers.read")
    def get(self, trial_id: UUID) -> Any:
        """Show a trial; the ETag is its version."""
        return answered(trials.one(trial_id))

    @blueprint.arguments(OfferTrialChange)
    @blueprint.response(200, OfferTrialOut)
    @doors.open_to("key", "offers.edit")
    def patch(self, item: dict[str, Any], trial_id: UUID) -> Any:
        """Change the plan of a trial that was not started (409); with If-Match only while nobody changed it meanwhile (412)."""
        entrance.require_match(version(trials.one(trial_id, lock=True)))
        return answered(trials.change(trial_id, **item))

    @blueprint.response(204)
    @doors.open_to("key", "offers.edit")
    def delete(self, trial_id: UUID) -> None:
        """Throw a plan away; a trial that was started can only be stopped (409)."""
        entrance.require_match(version(trials.one(trial_id, lock=True)))
        trials.delete(trial_id)


@blueprint.route("/recommendations/trials/<trial_id>/figures")
class Figures(MethodView):
    @blueprint.response(200, TrialFiguresOut)
    @doors.open_to("key", "offers.read")
    def get(self, trial_id: UUID) -> dict[str, Any]:
        """Tell what a trial comes to, as it was counted in the last hour; it may be looked at at any time."""
        trial = trials.one(trial_id)
        found = trial_verdicts.examine(trial, trial_counting.days(trial.id), now=clock.now())
        return figures_plain(trial, found, tenants.settings().currency)


@blueprint.route("/recommendations/trials/<trial_id>/start")
class Start(MethodView):
    @blueprint.response(200, OfferTrialOut)
    @doors.open_to("key", "offers.edit")
    def post(self, trial_id: UUID) -> dict[str, Any]:
        """Begin a trial, or go on with a paused one; one at a time at a place (409)."""
        return trial_plain(trials.start(trial_id))


@blueprint.route("/recommendations/trials/<trial_id>/pause")
class Pause(MethodView):
    @blueprint.response(200, OfferTrialOut)
    @doors.open_to("key", "offers.edit")
    def post(self, trial_id: UUID) -> dict[str, Any]:
        """Show everybody what they see without the trial, until it goes on."""
        return trial_plain(trials.pause(trial_id))


@blueprint.route("/recommendations/trials/<trial_id>/stop")
class Stop(MethodView):
    @blueprint.response(200, OfferTrialOut)
    @doors.open_to("key", "offers.edit")
    def post(self, trial_id: UUID) -> dict[str, Any]:
        """End a trial; its figures stay."""
        return trial_plain(trials.stop(trial_id))


@blueprint.route("/recommendations/trials/<trial_id>/take-over")
class TakeOver(MethodView):
    @blueprint.arguments(TakeOverIn)
    @blueprint.response(200, OfferTrialOut)
    @doors.open_to("key", "offers.edit")
    def post(self, item: dict[str, Any], trial_id: UUID) -> dict[str, Any]:
        """Have everybody get what an arm showed, and end the trial; it can be undone by its entry of the history."""
        return trial_plain(trials.take_over(trial_id, item["arm"]))
