"""What the counted days of a trial come to: each arm beside today's, a verdict, how long it may still take, and harm that is done."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from saas.kit import intervals
from saas.recommend import trial_arms
from saas.recommend import trial_statistics as statistics
from saas.recommend.trial_models import OfferTrial, TrialDay
from saas.recommend.trial_statistics import Band, Sums

COUNTS = ("people", "buyers", "clickers", "leavers", "ended", "payers", "amount", "squares")
HITS = {"orders": "buyers", "clicks": "clickers"}
POINTS = 90  # of the curve, at most
WEEK = 7
FEWEST_LEAVERS = 5


@dataclass
class Arm:
    """One arm's figures so far; `band` is its difference from the first arm in what the trial is about, relative (0.1: a tenth
    more), None where that cannot be said yet. Money is in minor units."""

    key: str
    name: str
    kind: str
    share: int
    people: int = 0
    buyers: int = 0
    clickers: int = 0
    leavers: int = 0
    ended: int = 0
    payers: int = 0
    amount: float = 0.0
    squares: float = 0.0
    band: Band | None = None
    curve: list[tuple[date, float, float, float]] = field(default_factory=list)

    @property
    def sums(self) -> Sums:
        return Sums(self.ended, self.payers, self.amount, self.squares)

    def rate(self, what: str) -> float | None:
        """Return the share of people who did something: buyers, clickers or leavers."""
        return getattr(self, what) / self.people if self.people else None

    def interval(self, what: str) -> tuple[float, float] | None:
        return intervals.wilson(min(getattr(self, what), self.people), self.people) if self.people else None


@dataclass(frozen=True)
class Verdict:
    """What can be said: nobody, mismatch, better, worse, same or open; of which arm, and by how much."""

    what: str
    arm: str = ""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None

    def plain(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("what", "arm", "estimate", "low", "high")}


@dataclass
class Findings:
    """A trial as it stands. `more_days` is None where it cannot be told; `whole_weeks` is the day from which on it has seen each day
    of the week as often; `harm` says why it should pause."""

    arms: list[Arm]
    verdict: Verdict
    mismatch: float
    days: int
    more_days: int | None
    whole_weeks: date | None
    harm: dict[str, Any] | None
    until: date | None


def examine(trial: OfferTrial, rows: Sequence[TrialDay], *, now: datetime) -> Findings:
    """This function will return what a trial's counted days come to."""
    arms = [Arm(one["key"], trial_arms.arm_name(one), one["kind"], one["share"]) for one in trial.arms]
    alpha = statistics.ALPHA / (len(arms) - 1)
    worth = trial.worth_percent / 100
    dates = sorted({row.day for row in rows})
    by_day = {day: [row for row in rows if row.day == day] for day in dates}
    drawn = set(dates[:: max(math.ceil(len(dates) / POINTS), 1)]) | set(dates[-1:])
    scale: float | None = None
    for day in dates:
        _add(arms, by_day[day])
        scale = scale or _scale(arms[0], worth)
        if day in drawn:
            for arm in arms[1:]:
                arm.band = _band(trial, arm, arms[0], worth=worth, scale=scale, alpha=alpha)
                if arm.band is not None and arm.band.high < statistics.FAR:
                    arm.curve.append((day, arm.band.low, arm.band.estimate, arm.band.high))
    split = trial.mode == "split"
    mismatch = statistics.mismatch([arm.people for arm in arms], [arm.share for arm in arms]) if split else 1.0
    verdict = _verdict(trial, arms, mismatch, worth)
    lasted = _lasted(trial, now)
    return Findings(
        arms, verdict, mismatch, lasted, _more_days(trial, arms, lasted, worth, alpha) if verdict.what == "open" else None,
        _whole_weeks(trial, lasted), _harm(trial, arms, scale, alpha) if split else None, dates[-1] if dates else None,
    )  # fmt: skip


def _add(arms: list[Arm], rows: Iterable[TrialDay]) -> None:
    known = {arm.key: arm for arm in arms}
    for row in rows:
        if row.arm in known:
            for name in COUNTS:
                setattr(known[row.arm], name, getattr(known[row.arm], name) + float(getattr(row, name)))
    for arm in arms:
        for name in COUNTS[:6]:
            setattr(arm, name, int(getattr(arm, name)))


def _scale(base: Arm, worth: float) -> float | None:
    """Settle how much money a head would matter, once enough people paid; from then on it does not move."""
    return worth * base.sums.mean if base.payers >= statistics.FEWEST_PAYERS else None


def _band(trial: OfferTrial, arm: Arm, base: Arm, *, worth: float, scale: float | None, alpha: float) -> Band | None:
    if trial.mode == "interleaved":
        ours, theirs = getattr(arm, HITS[trial.goal]), getattr(base, HITS[trial.goal])
        return statistics.votes(ours, theirs, worth=worth, alpha=alpha) if ours + theirs else None
    if trial.goal == "money":
        return _money(arm, base, scale=scale, alpha=alpha)
    return _share(arm, base, HITS[trial.goal], worth=worth, alpha=alpha)


def _share(arm: Arm, base: Arm, what: str, *, worth: float, alpha: float) -> Band | None:
    hits, base_hits = getattr(arm, what), getattr(base, what)
    if not hits + base_hits:
        return None
    return statistics.share_lift(
        hits=hits, base_hits=base_hits, part=arm.share, base_part=base.share, worth=worth, alpha=alpha
    )


def _money(arm: Arm, base: Arm, *, scale: float | None, alpha: float) -> Band | None:
    """Compare what a head pays, as a part of what a head pays today."""
    band = statistics.money_difference(arm.sums, base.sums, worth=scale, alpha=alpha) if scale else None
    mean = base.sums.mean
    return Band(band.estimate / mean, band.low / mean, band.high / mean, band.evidence) if band and mean else None


def _verdict(trial: OfferTrial, arms: list[Arm], mismatch: float, worth: float) -> Verdict:
    if not sum(arm.people for arm in arms):
        return Verdict("nobody")
    if mismatch >= 1 / statistics.SURE_OF_MISMATCH:
        return Verdict("mismatch")
    if trial.verdict:  # what was reached once holds, whatever chance does afterwards
        return Verdict(**{name: trial.verdict.get(name) for name in ("what", "arm", "estimate", "low", "high")})
    judged = [(arm, arm.band, statistics.judge(arm.band, worth=worth)) for arm in arms[1:]]
    better = [(arm, band) for arm, band, said in judged if said == "better"]
    if better:
        return _said("better", *max(better, key=lambda pair: pair[1].estimate))
    for what in ("worse", "same"):
        if all(said in ("worse", what) for _arm, _band_of, said in judged):
            return _said(what, *next((arm, band) for arm, band, said in judged if said == what))
    shown = max((pair for pair in judged if pair[1] is not None), key=lambda pair: pair[1].evidence, default=None)
    return _said("open", shown[0], shown[1]) if shown else Verdict("open")


def _said(what: str, arm: Arm, band: Band) -> Verdict:
    high = band.high if band.high < statistics.FAR else None
    return Verdict(what, arm.key, band.estimate if band.estimate < statistics.FAR else None, band.low, high)


def _lasted(trial: OfferTrial, now: datetime) -> int:
    """Return the days since it began."""
    if trial.started_at is None:
        return 0
    return max(((trial.stopped_at or now) - trial.started_at).days, 0)


def _whole_weeks(trial: OfferTrial, lasted: int) -> date | None:
    """Return the day on which the week is whole, None where it is."""
    if trial.started_at is None or (lasted and lasted % WEEK == 0):
        return None
    return trial.started_at.date() + timedelta(days=(lasted // WEEK + 1) * WEEK)


def _more_days(trial: OfferTrial, arms: list[Arm], lasted: int, worth: float, alpha: float) -> int | None:
    """Estimate how long it takes to be sure of a difference that would matter, at the pace so far."""
    base = arms[0]
    needs = []
    for arm in arms[1:]:
        if trial.goal == "money":
            sums = base.sums
            if not sums.mean or not lasted:
                return None
            needed = statistics.needed_payers(
                worth=worth, mean=sums.mean, deviation=math.sqrt(sums.variance), alpha=alpha
            )
            have = min(arm.ended, base.ended)
        else:
            chance = 0.5 if trial.mode == "interleaved" else arm.share / (arm.share + base.share)
            needed = statistics.needed_hits(worth=worth, chance=chance, alpha=alpha)
            have = getattr(arm, HITS[trial.goal]) + getattr(base, HITS[trial.goal])
        if not have:
            return None
        needs.append(max(math.ceil((needed - have) / (have / max(lasted, 1))), 1))
    return max(needs)


def _harm(trial: OfferTrial, arms: list[Arm], scale: float | None, alpha: float) -> dict[str, Any] | None:
    """Return the first guard rail an arm is surely beyond; showing nothing on purpose is not watched."""
    base = arms[0]
    for arm in arms[1:]:
        for what, bound in trial.guards.items():
            least = bound / 100
            if arm.kind == "nothing":
                continue
            if what == "orders":
                band = _share(arm, base, "buyers", worth=trial.worth_percent / 100, alpha=alpha)
                beyond = band is not None and band.high < -least
            elif what == "money":
                band = _money(arm, base, scale=scale, alpha=alpha)
                beyond = band is not None and band.high < -least
            else:
                band = _share(arm, base, "leavers", worth=0.5, alpha=alpha)
                beyond = band is not None and band.low > least and arm.leavers >= FEWEST_LEAVERS
            if beyond:
                return {
                    "by": "guard",
                    "what": what,
                    "arm": arm.key,
                    "bound": bound,
                    "estimate": min(band.estimate, 1000.0),
                }
    return None
