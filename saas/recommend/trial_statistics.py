"""The arithmetic of trials that may be looked at at any time: every answer holds however often, and whenever, somebody looks.

Looking again and again at a fixed-size test finds winners where there are none. What is here is *always valid* instead: the
chance that it ever errs, over all looks together, is at most `alpha`. Pure functions on counts; no database, no Flask.

Sources
- Shares (orders, clicks, unsubscribes): under the null each buyer belongs to an arm with the chance of its share, whatever the time
  of day did to all. A beta mixture over that coin is an e-process, exact for any number of people: Lindon and Malek 2022,
  "Anytime-Valid Inference for Multinomial Count Data" (NeurIPS 35); Robbins 1970, Ann. Math. Statist. 41 (mixtures).
- Money a head: normal mixture over the difference of means, an asymptotic confidence sequence: Waudby-Smith, Arbour, Sinha, Kennedy
  and Ramdas 2024, "Time-uniform central limit theory and asymptotic confidence sequences" (Ann. Statist. 52); Johari, Koomen,
  Pekelis and Walsh 2022, "Always Valid Inference" (Oper. Res. 70), the mixture sequential probability ratio test.
- Interleaving: a coin again, each person one vote; Chapelle, Joachims, Radlinski and Yue 2012, "Large-scale validation and
  analysis of interleaved search evaluation" (ACM TOIS 30).
- Unequal arms: Lindon and Malek 2020, "Sequential Testing of Multinomial Hypotheses" (arXiv 2011.03567), a Dirichlet mixture.
- That an e-process crosses 1/alpha with a chance of at most alpha: Ville 1939.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaln, gammaln, ndtri, xlog1py, xlogy

ALPHA = 0.05
POWER = 0.8
SURE_OF_MISMATCH = 0.01
FEWEST_PAYERS = 40
"""Payers in each of two arms before money is judged: a mean of fewer heavy-tailed values is not yet normal."""
FAR = 1e6
LARGE = 0.5  # a difference that few people are enough to show


@dataclass(frozen=True)
class Band:
    """A difference with its always-valid interval; `evidence` is the e-value against "no difference" (20 is 5%)."""

    estimate: float
    low: float
    high: float
    evidence: float

    def within(self, worth: float) -> bool:
        """Return whether any difference that is left is smaller than what would matter."""
        return -worth < self.low and self.high < worth


def coin_evidence(ours: Any, theirs: Any, *, chance: float, strengths: Sequence[float]) -> Any:
    """This function will return the logarithm of the e-value against a coin that shows `ours` with `chance`.

    `ours` and `theirs` are how often each side came, numbers or arrays of them; `strengths` are how many throws each of the mixture's
    priors is worth (beta(strength x chance, strength x (1 - chance)), all alike likely): many look for small differences.
    """
    return _mixed(ours, theirs, chance, strengths) - ours * math.log(chance) - theirs * math.log1p(-chance)


def _mixed(ours: Any, theirs: Any, chance: float, strengths: Sequence[float]) -> Any:
    """Return the logarithm of the mixture's likelihood."""
    each = [
        betaln(strength * chance + ours, strength * (1 - chance) + theirs)
        - betaln(strength * chance, strength * (1 - chance))
        for strength in strengths
    ]
    return np.logaddexp.reduce(each) - math.log(len(strengths))


def strengths_for(lift: float, *, chance: float) -> tuple[float, float]:
    """This function will return the priors' strengths for a relative difference that would matter (0.1 is a tenth).

    One looks for differences of that size, one for large ones, which few people then are enough to show.
    """
    return _strength(lift, chance), _strength(max(LARGE, lift), chance)


def _strength(lift: float, chance: float) -> float:
    spread = max(abs(lift), 0.005) * chance * (1 - chance)
    return max(chance * (1 - chance) / spread**2 - 1, 4.0)


def coin_interval(
    ours: int, theirs: int, *, chance: float, strengths: Sequence[float], alpha: float = ALPHA
) -> tuple[float, float]:
    """This function will return all chances of the coin that its throws do not rule out, as an always-valid interval.

    A chance q stays while the mixture's likelihood is below 1/alpha times that of q (a confidence sequence by Ville).
    """
    mixed = float(_mixed(ours, theirs, chance, strengths)) + math.log(alpha)

    def left(q: float) -> float:
        return mixed - float(xlogy(ours, q) + xlog1py(theirs, -q))

    total = ours + theirs
    peak = min(max(ours / total if total else chance, 1e-9), 1 - 1e-9)
    low = brentq(left, 1e-12, peak) if left(1e-12) > 0 else 0.0
    high = brentq(left, peak, 1 - 1e-12) if left(1 - 1e-12) > 0 else 1.0
    return low, high


def share_lift(*, hits: int, base_hits: int, part: float, base_part: float, worth: float, alpha: float = ALPHA) -> Band:
    """This function will compare how many people did something in two arms, as a relative difference (0.1: a tenth more).

    `hits` and `base_hits` are people who did it, each once; `part` and `base_part` the shares of all people that the arms were given
    (any unit); `worth` the smallest relative difference that would matter. The number of people who did not is not needed.
    """
    chance = part / (part + base_part)
    strengths = strengths_for(worth, chance=chance)
    low, high = coin_interval(hits, base_hits, chance=chance, strengths=strengths, alpha=alpha)
    evidence = _evidence(coin_evidence(hits, base_hits, chance=chance, strengths=strengths))
    estimate = (hits / part) / (base_hits / base_part) - 1 if base_hits else (0.0 if not hits else FAR)
    return Band(estimate, _lift(low, chance), _lift(high, chance), evidence)


def _evidence(logarithm: Any) -> float:
    return math.exp(min(float(logarithm), 600.0))


def _lift(q: float, chance: float) -> float:
    """Turn a buyer's chance to be of an arm into that arm's relative difference."""
    return min(q * (1 - chance) / ((1 - q) * chance) - 1, FAR) if q < 1 else FAR


@dataclass(frozen=True)
class Sums:
    """What an arm's people paid: how many people, how many of them paid, the sum and the sum of squares."""

    people: int
    payers: int
    amount: float
    squares: float

    @property
    def mean(self) -> float:
        return self.amount / self.people if self.people else 0.0

    @property
    def variance(self) -> float:
        """The variance of what one person pays."""
        if self.people < 2:
            return 0.0
        return max(self.squares - self.amount**2 / self.people, 0.0) / (self.people - 1)


def money_difference(
    ours: Sums, base: Sums, *, worth: float, alpha: float = ALPHA, fewest: int = FEWEST_PAYERS
) -> Band | None:
    """This function will compare what a head pays in two arms, in the unit of the amounts; None while too few paid.

    `worth` is the smallest difference that would matter, in the same unit; it is the spread of the mixture, so it must be settled
    before the trial begins and not follow from its figures.
    """
    if min(ours.payers, base.payers) < fewest or worth <= 0:
        return None
    spread = ours.variance / ours.people + base.variance / base.people
    if spread <= 0:
        return None
    estimate = ours.mean - base.mean
    width, evidence = _width(spread, worth, alpha), mean_evidence(estimate, spread, worth=worth)
    return Band(estimate, estimate - width, estimate + width, _evidence(evidence))


def mean_evidence(estimate: Any, spread: Any, *, worth: Any) -> Any:
    """This function will return the logarithm of the e-value against "no difference of means", numbers or arrays of them.

    `estimate` is the difference, `spread` its variance, `worth` the standard deviation of the mixture.
    """
    prior = worth**2
    return 0.5 * np.log(spread / (spread + prior)) + prior * estimate**2 / (2 * spread * (spread + prior))


def _width(spread: float, worth: float, alpha: float) -> float:
    """Return half of the interval's width where the estimate's variance is `spread`."""
    prior = worth**2
    return math.sqrt(2 * spread * (spread + prior) / prior * (math.log(1 / alpha) + 0.5 * math.log1p(prior / spread)))


def votes(ours: int, theirs: int, *, worth: float, alpha: float = ALPHA) -> Band:
    """This function will compare two teams whose products were drafted in turn: people who chose more of ours, and more of theirs.

    The difference is relative, as in `share_lift`: 0.1 where eleven people prefer ours for ten who prefer theirs.
    """
    return share_lift(hits=ours, base_hits=theirs, part=1.0, base_part=1.0, worth=worth, alpha=alpha)


def mismatch(people: Sequence[int], parts: Sequence[float], *, strength: float = 200.0) -> float:
    """This function will return the e-value against "the arms got the people they were meant to get".

    `people` is how many each arm has, `parts` their shares. Above 1/SURE_OF_MISMATCH something loses people of one arm (a broken page,
    a filter, robots), and no figure of the trial can be trusted.
    """
    whole, total = sum(parts), sum(people)
    given = [part / whole for part in parts]
    log_evidence = float(gammaln(strength) - gammaln(strength + total))
    for count, share in zip(people, given, strict=True):
        log_evidence += float(gammaln(strength * share + count) - gammaln(strength * share)) - count * math.log(share)
    return _evidence(log_evidence)


def needed_hits(*, worth: float, chance: float = 0.5, alpha: float = ALPHA, power: float = POWER) -> int:
    """This function will estimate how many buyers of two arms together it takes to find a relative difference of `worth`.

    As if the interval were normal: it must have shrunk until a true difference lies outside of it with `power`.
    """
    true = chance * (1 + worth) / (chance * (1 + worth) + (1 - chance))
    one, prior = true * (1 - true), (max(worth, 0.005) * chance * (1 - chance)) ** 2
    return _until(
        lambda n: _shrunk(one / n, prior, true - chance, alpha / 2, power)
    )  # half of the mixture looks elsewhere


def needed_payers(*, worth: float, mean: float, deviation: float, alpha: float = ALPHA, power: float = POWER) -> int:
    """This function will estimate how many people *an arm* it takes to find a difference of `worth` x `mean` a head.

    `deviation` is the standard deviation of what a head pays, those who pay nothing included.
    """
    effect = worth * mean
    return _until(lambda n: _shrunk(2 * deviation**2 / n, effect**2, effect, alpha, power))


def _shrunk(spread: float, prior: float, effect: float, alpha: float, power: float) -> bool:
    return _width(spread, math.sqrt(prior), alpha) + _quantile(power) * math.sqrt(spread) <= abs(effect)


def _quantile(p: float) -> float:
    return float(ndtri(p))


def _until(enough: Callable[[int], bool]) -> int:
    """Return the first number that is enough, within one percent."""
    low, high = 1, 1
    while not enough(high) and high < 10**12:
        low, high = high, high * 2
    while high - low > max(low // 100, 1):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def judge(band: Band | None, *, worth: float) -> str:
    """This function will say what an interval comes to: "better", "worse", "same" (no difference that would matter) or "open"."""
    if band is None:
        return "open"
    if band.low > 0:
        return "better"
    if band.high < 0:
        return "worse"
    return "same" if band.within(worth) else "open"
