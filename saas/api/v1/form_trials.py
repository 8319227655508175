"""Trials of forms for programs: planning, starting, ending, what they come to, and taking a variant over."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint

from saas.api import shapes
from saas.kit import doors, pages
from saas.marketing import form_trial_results, form_trials
from saas.marketing.form_trial_schemas import (
    FormTrialFiguresOut,
    FormTrialIn,
    FormTrialOut,
    FormVariantTakenIn,
    figures_plain,
    trial_plain,
)

blueprint = Blueprint("api_form_trials", __name__, description="Trials of forms: two or more variants, side by side")


@blueprint.route("/forms/<form_id>/trials")
class Trials(MethodView):
    @blueprint.arguments(shapes.ListQuery, location="query")
    @blueprint.response(200, shapes.page_of(FormTrialOut))
    @doors.open_to("key", "campaigns.read")
    def get(self, query: dict[str, Any], form_id: UUID) -> dict[str, Any]:
        """List a form's trials, newest first."""
        wanted = form_trials.listed(form_id)
        page = pages.page(wanted, order=form_trials.NEWEST, cursor=query["cursor"], limit=query["limit"])
        return {"items": [trial_plain(trial) for trial in page.items], "next": page.next}

    @blueprint.arguments(FormTrialIn)
    @blueprint.response(201, FormTrialOut)
    @doors.open_to("key", "campaigns.edit")
    def post(self, item: dict[str, Any], form_id: UUID) -> dict[str, Any]:
        """Plan a trial of a form; nobody meets it before it is started."""
        return trial_plain(form_trials.create(form_id, **item))


@blueprint.route("/form-trials/<form_trial_id>")
class OneTrial(MethodView):
    @blueprint.response(200, FormTrialOut)
    @doors.open_to("key", "campaigns.read")
    def get(self, form_trial_id: UUID) -> dict[str, Any]:
        """Show a trial."""
        return trial_plain(form_trials.one(form_trial_id))

    @blueprint.response(204)
    @doors.open_to("key", "campaigns.edit")
    def delete(self, form_trial_id: UUID) -> None:
        """Throw away a plan that nobody met."""
        form_trials.discard(form_trial_id)


@blueprint.route("/form-trials/<form_trial_id>/start", methods=["POST"])
@blueprint.response(200, FormTrialOut)
@doors.open_to("key", "campaigns.send")
def start(form_trial_id: UUID) -> dict[str, Any]:
    """Begin a trial of a form that is shown."""
    return trial_plain(form_trials.start(form_trial_id))


@blueprint.route("/form-trials/<form_trial_id>/stop", methods=["POST"])
@blueprint.response(200, FormTrialOut)
@doors.open_to("key", "campaigns.send")
def stop(form_trial_id: UUID) -> dict[str, Any]:
    """End a trial; everybody is shown the form as it is, and the figures stay."""
    return trial_plain(form_trials.stop(form_trial_id))


@blueprint.route("/form-trials/<form_trial_id>/take-over", methods=["POST"])
@blueprint.arguments(FormVariantTakenIn)
@blueprint.response(200, FormTrialOut)
@doors.open_to("key", "campaigns.send")
def take_over(item: dict[str, Any], form_trial_id: UUID) -> dict[str, Any]:
    """Make a variant the form itself, and end the trial."""
    return trial_plain(form_trials.take_over(form_trial_id, item["arm"]))


@blueprint.route("/form-trials/<form_trial_id>/results")
@blueprint.response(200, FormTrialFiguresOut)
@doors.open_to("key", "campaigns.read")
def results(form_trial_id: UUID) -> dict[str, Any]:
    """Tell what a trial has come to; it may be asked at any time."""
    trial = form_trials.one(form_trial_id)
    return figures_plain(trial, form_trial_results.examine(trial))
