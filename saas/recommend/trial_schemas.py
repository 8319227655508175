"""The shapes of trials, in and out."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from saas.kit import money
from saas.recommend import trial_arms, trial_words, trials
from saas.recommend.trial_models import GOALS, MODES, OfferTrial
from saas.recommend.trial_statistics import FAR
from saas.recommend.trial_verdicts import Arm, Findings


class ArmIn(Schema):
    """One arm. The first is as today; another changes settings of the place, or shows nothing."""

    class Meta:
        unknown = RAISE

    name = fields.String(validate=validate.Length(max=80))
    kind = fields.String(load_default="changed", validate=validate.OneOf(trial_arms.KINDS))
    share = fields.Integer(
        load_default=50, validate=validate.Range(1, 99), metadata={"description": "percent of people"}
    )
    settings = fields.Dict(
        keys=fields.String(validate=validate.OneOf(trial_arms.SETTINGS)), load_default=dict,
        metadata={"description": "what is different: settings of the place"},
    )  # fmt: skip


class OfferTrialIn(Schema):
    """A plan: what is tried where, and what it is about. Nobody meets it before it is started."""

    class Meta:
        unknown = RAISE

    name = fields.String(required=True, validate=validate.Length(1, 120))
    slot = fields.String(required=True, validate=validate.Length(1, 40), metadata={"description": "the place's key"})
    mode = fields.String(
        validate=validate.OneOf(MODES),
        metadata={"description": "split: each person gets one arm; interleaved: two arms draft products in turn"},
    )
    goal = fields.String(validate=validate.OneOf(GOALS))
    arms = fields.List(fields.Nested(ArmIn), required=True, validate=validate.Length(2, trial_arms.MOST_ARMS))
    days = fields.Integer(
        validate=validate.Range(1, trials.MOST_DAYS),
        metadata={"description": "what somebody does counts for so many days from when they met it"},
    )
    worth_percent = fields.Integer(
        validate=validate.Range(1, 200), metadata={"description": "the smallest difference that would matter"}
    )
    guards = fields.Dict(
        keys=fields.String(validate=validate.OneOf(trials.GUARDS)), values=fields.Integer(validate=validate.Range(0, 100)),
        metadata={"description": "by how many percent an arm may fall behind before the trial pauses by itself"},
    )  # fmt: skip


class OfferTrialChange(OfferTrialIn):
    """What may be changed of a plan: everything; what is left out stays."""

    name = fields.String(validate=validate.Length(1, 120))
    slot = fields.String(validate=validate.Length(1, 40))
    arms = fields.List(fields.Nested(ArmIn), validate=validate.Length(2, trial_arms.MOST_ARMS))


class TakeOverIn(Schema):
    """Which arm everybody shall get."""

    class Meta:
        unknown = RAISE

    arm = fields.String(required=True, validate=validate.Length(1, 40))


class ArmOut(Schema):
    """An arm of the plan."""

    key = fields.String()
    name = fields.String()
    kind = fields.String()
    share = fields.Integer()
    settings = fields.Dict()


class OfferTrialOut(Schema):
    """A trial as it is planned and stands."""

    id = fields.UUID()
    name = fields.String()
    slot = fields.String()
    mode = fields.String()
    goal = fields.String()
    state = fields.String(metadata={"description": "draft, running, paused or stopped"})
    arms = fields.List(fields.Nested(ArmOut))
    days = fields.Integer()
    worth_percent = fields.Integer()
    guards = fields.Dict()
    paused_because = fields.String()
    taken_arm = fields.String()
    started_at = fields.AwareDateTime(allow_none=True)
    stopped_at = fields.AwareDateTime(allow_none=True)
    counted_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class ArmFiguresOut(Schema):
    """What the people of an arm did. `difference` and its always-valid interval are relative to the first arm (0.1: a tenth more)."""

    key = fields.String()
    name = fields.String()
    people = fields.Integer()
    buyers = fields.Integer()
    clickers = fields.Integer()
    leavers = fields.Integer(metadata={"description": "who unsubscribed"})
    ended = fields.Integer(metadata={"description": "people whose days are over"})
    amount = fields.String(allow_none=True, metadata={"description": "what those paid; null where you may not see it"})
    difference = fields.Float(allow_none=True)
    low = fields.Float(allow_none=True)
    high = fields.Float(allow_none=True)


class TrialFiguresOut(Schema):
    """A trial's figures and what they come to; looking at them at any time, and stopping then, does not raise the errors."""

    counted_at = fields.AwareDateTime(allow_none=True)
    currency = fields.String()
    verdict = fields.String(metadata={"description": "nobody, mismatch, better, worse, same or open"})
    arm = fields.String(metadata={"description": "of which arm the verdict is"})
    text = fields.String(metadata={"description": "the verdict in words"})
    more_days = fields.Integer(allow_none=True)
    whole_weeks_on = fields.Date(allow_none=True)
    arms = fields.List(fields.Nested(ArmFiguresOut))


def trial_plain(trial: OfferTrial) -> dict[str, Any]:
    """Return a trial as plain values."""
    names = ("id", "state", "taken_arm", "started_at", "stopped_at", "counted_at", "created_at", "updated_at")
    found = {name: getattr(trial, name) for name in names}
    return trials.plain(trial) | found | {"paused_because": trial_words.why_paused(trial)}


def figures_plain(trial: OfferTrial, found: Findings, currency: str) -> dict[str, Any]:
    """Return what a trial comes to as plain values."""
    return {
        "counted_at": trial.counted_at, "currency": currency, "verdict": found.verdict.what, "arm": found.verdict.arm,
        "text": trial_words.sentence(trial, found), "more_days": found.more_days, "whole_weeks_on": found.whole_weeks,
        "arms": [_arm(trial, arm, currency) for arm in found.arms],
    }  # fmt: skip


def _arm(trial: OfferTrial, arm: Arm, currency: str) -> dict[str, Any]:
    band = arm.band if trial_words.sizes_shown(trial) else None
    shown = {name: getattr(arm, name) for name in ("key", "name", "people", "buyers", "clickers", "leavers", "ended")}
    ends = {
        "difference": band.estimate if band and band.estimate < FAR else None, "low": band.low if band else None,
        "high": band.high if band and band.high < FAR else None,
    }  # fmt: skip
    amount = None if trial_words.hidden_money() else money.amount_text(int(arm.amount), currency)
    return shown | ends | {"amount": amount}
