"""The shapes of trials of forms, in and out."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from saas.marketing import form_trial_results, form_trials
from saas.marketing.form_trial_models import GOALS, FormTrial
from saas.marketing.form_trial_results import Arm, Findings
from saas.recommend.trial_statistics import FAR


class FormVariantIn(Schema):
    """One variant. The first is the form as it is; another says what is different."""

    class Meta:
        unknown = RAISE

    name = fields.String(load_default="", validate=validate.Length(max=80))
    share = fields.Integer(
        required=True, validate=validate.Range(1, 99), metadata={"description": "percent of browsers"}
    )
    content = fields.Dict(
        keys=fields.String(), load_default=dict,
        metadata={"description": "what is different: texts, look, after or rules, each whole, as in a form's content"},
    )  # fmt: skip


class FormTrialIn(Schema):
    """A plan: the variants, and what it is about. Nobody meets it before it is started."""

    class Meta:
        unknown = RAISE

    goal = fields.String(
        load_default="sent", validate=validate.OneOf(GOALS),
        metadata={"description": "sent it, confirmed by the click in a mail, or bought within 30 days"},
    )  # fmt: skip
    worth_percent = fields.Integer(
        load_default=10,
        validate=validate.Range(1, 200),
        metadata={"description": "the smallest difference that would matter"},
    )
    arms = fields.List(fields.Nested(FormVariantIn), required=True, validate=validate.Length(2, form_trials.MOST_ARMS))


class FormVariantTakenIn(Schema):
    """Which variant the form shall be from now on."""

    class Meta:
        unknown = RAISE

    arm = fields.String(required=True, validate=validate.Length(1, 40))


class FormVariantOut(Schema):
    """A variant of the plan."""

    key = fields.String()
    name = fields.String()
    share = fields.Integer()
    content = fields.Dict(keys=fields.String())


class FormTrialOut(Schema):
    """A trial of a form as it is planned and stands."""

    id = fields.UUID()
    form_id = fields.UUID()
    goal = fields.String()
    state = fields.String(metadata={"description": "draft, running or stopped"})
    worth_percent = fields.Integer()
    arms = fields.List(fields.Nested(FormVariantOut))
    taken_arm = fields.String()
    started_at = fields.AwareDateTime(allow_none=True)
    stopped_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class FormVariantFiguresOut(Schema):
    """What came of a variant. `difference` and its always-valid interval are relative to the first variant (0.1: a tenth more)."""

    key = fields.String()
    name = fields.String()
    seen = fields.Integer(metadata={"description": "browsers that agreed to statistics and saw it, each once"})
    sent = fields.Integer(metadata={"description": "people who sent it, each once"})
    confirmed = fields.Integer()
    bought = fields.Integer(metadata={"description": "of those who sent it, within 30 days"})
    difference = fields.Float(allow_none=True)
    low = fields.Float(allow_none=True)
    high = fields.Float(allow_none=True)


class FormTrialFiguresOut(Schema):
    """A trial's figures and what they come to; looking at them at any time, and stopping then, does not raise the errors."""

    verdict = fields.String(metadata={"description": "nobody, mismatch, better, worse, same or open"})
    arm = fields.String(metadata={"description": "of which variant the verdict is"})
    text = fields.String(metadata={"description": "the verdict in words"})
    more_days = fields.Integer(allow_none=True)
    arms = fields.List(fields.Nested(FormVariantFiguresOut))


def trial_plain(trial: FormTrial) -> dict[str, Any]:
    """Return a trial as plain values."""
    names = (
        "id",
        "form_id",
        "goal",
        "state",
        "worth_percent",
        "taken_arm",
        "started_at",
        "stopped_at",
        "created_at",
        "updated_at",
    )
    arms = [arm | {"name": form_trials.arm_name(arm)} for arm in trial.arms]
    return {name: getattr(trial, name) for name in names} | {"arms": arms}


def figures_plain(trial: FormTrial, found: Findings) -> dict[str, Any]:
    """Return what a trial comes to as plain values."""
    return {
        "verdict": found.verdict.what, "arm": found.verdict.arm, "text": form_trial_results.sentence(trial, found),
        "more_days": found.more_days, "arms": [_arm(arm) for arm in found.arms],
    }  # fmt: skip


def _arm(arm: Arm) -> dict[str, Any]:
    band, names = arm.band, ("key", "name", "seen", "sent", "confirmed", "bought")
    return {name: getattr(arm, name) for name in names} | {
        "difference": band.estimate if band and band.estimate < FAR else None, "low": band.low if band else None,
        "high": band.high if band and band.high < FAR else None,
    }  # fmt: skip
