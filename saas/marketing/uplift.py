"""What a mailing caused: those who were to get it against those held out by chance, with the interval chance leaves.

Compared is who was meant to get the mail, delivered or not, for only that was left to chance. Rates: Newcombe's hybrid
score interval (Newcombe 1998, Statistics in Medicine 17, 873-890, method 10), which holds for small groups and rates
near zero. Spend a head: Welch's interval for means of unequal spread (Welch 1947, Biometrika 34, 28-35).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from saas.kit import intervals

LEVEL = 0.95
FEWEST_HELD_OUT, FEWEST_ORDERS = 50, 10


@dataclass(frozen=True)
class Group:
    """One side: how many people, how many of them did it, what they spent (minor units) and the sum of its squares."""

    people: int
    buyers: int
    spent: float = 0.0
    squares: float = 0.0

    @property
    def rate(self) -> float:
        return self.buyers / self.people if self.people else 0.0

    @property
    def mean(self) -> float:
        return self.spent / self.people if self.people else 0.0

    @property
    def variance(self) -> float:
        """The sample's variance of spend a head."""
        if self.people < 2:
            return 0.0
        return max(self.squares - self.spent**2 / self.people, 0.0) / (self.people - 1)


@dataclass(frozen=True)
class Difference:
    """A difference and the 95% interval around it."""

    value: float
    low: float
    high: float

    @property
    def sure(self) -> bool:
        """Whether chance alone would hardly do this: the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def rates(mailed: Group, held_out: Group) -> Difference | None:
    """Return the difference of the shares that did it; None when a group is empty."""
    if not mailed.people or not held_out.people:
        return None
    p1, p2 = mailed.rate, held_out.rate
    (l1, u1), (l2, u2) = (intervals.wilson(group.buyers, group.people) for group in (mailed, held_out))
    value = p1 - p2
    return Difference(value, value - math.hypot(p1 - l1, u2 - p2), value + math.hypot(u1 - p1, p2 - l2))


def spends(mailed: Group, held_out: Group) -> Difference | None:
    """Return the difference of spend a head, in minor units; None where a group has fewer than two people."""
    if mailed.people < 2 or held_out.people < 2:
        return None
    a, b = mailed.variance / mailed.people, held_out.variance / held_out.people
    value, error = mailed.mean - held_out.mean, math.sqrt(a + b)
    if not error:
        return Difference(value, value, value)
    freedom = (a + b) ** 2 / (a * a / (mailed.people - 1) + b * b / (held_out.people - 1))
    reach = _t(freedom) * error
    return Difference(value, value - reach, value + reach)


def _t(freedom: float) -> float:
    from scipy.special import stdtrit  # late: most processes never ask

    return float(stdtrit(freedom, 1 - (1 - LEVEL) / 2))


def enough(mailed: Group, held_out: Group) -> bool:
    """Tell whether there is anything to conclude from at all."""
    return held_out.people >= FEWEST_HELD_OUT and mailed.buyers + held_out.buyers >= FEWEST_ORDERS
