"""What a trial of a form comes to: each variant beside the form as it is, and a verdict that may be looked at at any time.

The arithmetic is that of trials of offers (`saas.recommend.trial_statistics`): the chance that it ever errs, over all looks together,
is bounded. Each person counts once, in the variant they sent first; the day is that of what they did, in UTC.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Text, and_, cast, func, select

from saas.commerce.models import COUNTED, Order
from saas.kit import clock, intervals
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.marketing import form_trials
from saas.marketing.form_trial_models import FormTrial, FormTrialDay
from saas.marketing.models import FormSubmission
from saas.recommend import trial_statistics as statistics
from saas.recommend import trial_words
from saas.recommend.trial_statistics import Band
from saas.recommend.trial_verdicts import Verdict

AFTER = timedelta(days=30)
POINTS = 30  # days that are judged and drawn, at most
DID = ("sent", "confirmed", "bought")


@dataclass
class Arm:
    """One variant's figures; `band` is its difference from the first in what the trial is about, relative (0.1: a tenth more)."""

    key: str
    name: str
    share: int
    seen: int = 0
    sent: int = 0
    confirmed: int = 0
    bought: int = 0
    band: Band | None = None
    curve: list[tuple[date, float, float, float]] = field(default_factory=list)

    def rate(self, what: str) -> float | None:
        """Return the share of the browsers that saw it in which somebody did something."""
        return min(getattr(self, what) / self.seen, 1.0) if self.seen else None

    def interval(self, what: str) -> tuple[float, float] | None:
        return intervals.wilson(min(getattr(self, what), self.seen), self.seen) if self.seen else None


@dataclass
class Findings:
    """A trial as it stands; `more_days` is None where it cannot be told."""

    arms: list[Arm]
    verdict: Verdict
    more_days: int | None


def examine(trial: FormTrial) -> Findings:
    """Return what a trial has come to so far."""
    arms = [Arm(one["key"], form_trials.arm_name(one), one["share"]) for one in trial.arms]
    by_key = {arm.key: arm for arm in arms}
    for key, seen in _seen(trial):
        if key in by_key:
            by_key[key].seen = seen
    days = _days(trial)
    reached = _over_time(trial, arms, days)
    verdict = _verdict(trial, arms, reached)
    return Findings(arms, verdict, _more_days(trial, arms) if verdict.what == "open" else None)


def _seen(trial: FormTrial) -> Iterable[tuple[str, int]]:
    query = select(FormTrialDay.arm, func.sum(FormTrialDay.seen)).where(FormTrialDay.trial_id == trial.id)
    return [(arm, int(seen)) for arm, seen in db.session.execute(query.group_by(FormTrialDay.arm))]


def _days(trial: FormTrial) -> dict[date, list[tuple[str, str, int]]]:
    """Return by day who did what for the first time: (arm, what, how many people), in one query."""
    if trial.started_at is None:
        return {}
    who = func.coalesce(cast(FormSubmission.customer_id, Text), func.lower(FormSubmission.email))
    theirs = select(
        FormSubmission.arm, FormSubmission.customer_id, FormSubmission.sent_at,
        func.min(FormSubmission.confirmed_at).over(partition_by=who).label("confirmed_at"),
        func.row_number().over(partition_by=who, order_by=FormSubmission.sent_at).label("place"),
    ).where(
        FormSubmission.form_id == trial.form_id, FormSubmission.trial_id == trial.id, FormSubmission.sent_at >= trial.started_at
    ).subquery()  # fmt: skip
    ordered = and_(
        Order.customer_id == theirs.c.customer_id, Order.placed_at >= theirs.c.sent_at,
        Order.placed_at < theirs.c.sent_at + AFTER, Order.status.in_(COUNTED),
    )  # fmt: skip
    bought = select(func.min(Order.placed_at)).where(ordered).correlate(theirs).scalar_subquery()
    people = (
        select(theirs.c.arm, theirs.c.sent_at, theirs.c.confirmed_at, bought.label("bought_at"))
        .where(theirs.c.place == 1)
        .subquery()
    )
    at = [func.date(func.timezone("UTC", people.c[f"{what}_at"])) for what in DID]
    found: dict[date, list[tuple[str, str, int]]] = {}
    for arm, *moments, number in db.session.execute(
        select(people.c.arm, *at, func.count()).group_by(people.c.arm, *at)
    ):
        for what, day in zip(DID, moments, strict=True):
            if day is not None:
                found.setdefault(day, []).append((arm, what, number))
    return found


def _over_time(trial: FormTrial, arms: list[Arm], days: dict[date, list[tuple[str, str, int]]]) -> Verdict | None:
    """Add the days up, judge after each, and return the first verdict: it holds, whatever chance does afterwards."""
    by_key, worth = {arm.key: arm for arm in arms}, trial.worth_percent / 100
    alpha, dates, reached = statistics.ALPHA / (len(arms) - 1), sorted(days), None
    drawn = set(dates[:: max(math.ceil(len(dates) / POINTS), 1)]) | set(dates[-1:])
    for day in dates:
        for key, what, number in days[day]:
            if key in by_key:
                setattr(by_key[key], what, getattr(by_key[key], what) + number)
        if day not in drawn:
            continue
        for arm in arms[1:]:
            arm.band = _band(trial, arm, arms[0], worth=worth, alpha=alpha)
            if arm.band is not None and arm.band.high < statistics.FAR:
                arm.curve.append((day, arm.band.low, arm.band.estimate, arm.band.high))
        reached = reached or _judged(arms, worth)
    return reached


def _band(trial: FormTrial, arm: Arm, base: Arm, *, worth: float, alpha: float) -> Band | None:
    hits, base_hits = getattr(arm, trial.goal), getattr(base, trial.goal)
    if not hits + base_hits:
        return None
    return statistics.share_lift(
        hits=hits, base_hits=base_hits, part=arm.share, base_part=base.share, worth=worth, alpha=alpha
    )


def _judged(arms: Sequence[Arm], worth: float) -> Verdict | None:
    judged = [(arm, arm.band, statistics.judge(arm.band, worth=worth)) for arm in arms[1:]]
    better = [(arm, band) for arm, band, said in judged if said == "better"]
    if better:
        return _said("better", *max(better, key=lambda pair: pair[1].estimate))
    for what in ("worse", "same"):
        if all(said in ("worse", what) for _arm, _band_of, said in judged):
            return _said(what, *next((arm, band) for arm, band, said in judged if said == what))
    return None


def _said(what: str, arm: Arm, band: Band) -> Verdict:
    estimate = band.estimate if band.estimate < statistics.FAR else None
    return Verdict(what, arm.key, estimate, band.low, band.high if band.high < statistics.FAR else None)


def _verdict(trial: FormTrial, arms: Sequence[Arm], reached: Verdict | None) -> Verdict:
    if not sum(arm.seen + arm.sent for arm in arms):
        return Verdict("nobody")
    met = [arm.seen for arm in arms]
    if sum(met) and statistics.mismatch(met, [arm.share for arm in arms]) >= 1 / statistics.SURE_OF_MISMATCH:
        return Verdict("mismatch")
    return reached or Verdict("open")


def _more_days(trial: FormTrial, arms: Sequence[Arm]) -> int | None:
    """Estimate how long it takes to be sure of a difference that would matter, at the pace so far."""
    lasted = max((clock.now() - trial.started_at).days, 1) if trial.started_at else 0
    needs = []
    for arm in arms[1:]:
        have = getattr(arm, trial.goal) + getattr(arms[0], trial.goal)
        if not have:
            return None
        chance = arm.share / (arm.share + arms[0].share)
        needed = statistics.needed_hits(
            worth=trial.worth_percent / 100, chance=chance, alpha=statistics.ALPHA / (len(arms) - 1)
        )
        needs.append(max(math.ceil((needed - have) / (have / lasted)), 1))
    return max(needs)


def sentence(trial: FormTrial, found: Findings) -> str:
    """Return the verdict in words, for people and for programs."""
    verdict, worth = found.verdict, f"{trial.worth_percent}%"
    name = next((arm.name for arm in found.arms if arm.key == verdict.arm), "")
    if trial.state == "draft":
        return _("Not begun yet.")
    if verdict.what == "nobody":
        return _("Nobody has met the trial yet.")
    if verdict.what == "mismatch":
        return _(
            "Do not trust these figures: the arms did not get the people they were meant to get, and that is no chance. "
            "Something loses people of one arm."
        )
    if verdict.what == "same":
        return _(
            "No difference that matters: “%(name)s” is within %(worth)s of the form as it is.", name=name, worth=worth
        )
    if verdict.what == "open":
        return trial_words.too_early(found.more_days, worth)
    if verdict.estimate is None:
        return _("“%(name)s” wins.", name=name) if verdict.what == "better" else _("“%(name)s” does worse.", name=name)
    least = verdict.low if verdict.what == "better" else verdict.high
    values = {"name": name, "size": f"{abs(verdict.estimate):.1%}", "least": f"{abs(least or 0.0):.1%}"}
    return _SIZED[trial.goal][verdict.what](values)


_SIZED: dict[str, dict[str, Any]] = {
    "sent": {
        "better": lambda values: _("“%(name)s” wins: %(size)s more people fill it in, %(least)s at least.", **values),
        "worse": lambda values: _("“%(name)s” does worse: %(size)s fewer people fill it in, %(least)s at least.", **values),
    },
    "confirmed": {
        "better": lambda values: _("“%(name)s” wins: %(size)s more people confirm, %(least)s at least.", **values),
        "worse": lambda values: _("“%(name)s” does worse: %(size)s fewer people confirm, %(least)s at least.", **values),
    },
    "bought": {
        "better": lambda values: _("“%(name)s” wins: %(size)s more people buy, %(least)s at least.", **values),
        "worse": lambda values: _("“%(name)s” does worse: %(size)s fewer people buy, %(least)s at least.", **values),
    },
}  # fmt: skip
