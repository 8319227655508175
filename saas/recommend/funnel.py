"""How far offers come: shown, seen, clicked, put into a cart, bought, with the money, for each place, model or rule.

Days are those of the showing, in UTC. Up to the cart the numbers come from the kept daily counts, which outlive the offers;
what was bought comes from the offers themselves, since an order that is cancelled takes its success back.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import func, select

from saas.kit import access, clock, intervals, money
from saas.kit.db import db
from saas.recommend.models import NO_SOURCE, OfferCount, OfferShown

BY = ("slot", "algorithm", "rule")
STEPS = ("shown", "seen", "clicked", "carted", "bought")
MOST_DAYS = 365
MOST_LINES = 200
SLACK = timedelta(hours=1)  # by which a shop's and a browser's clock may differ


@dataclass
class Line:
    """The figures of one place, model or rule; money in minor units of the asked currency, None where it may not be seen."""

    key: str
    requests: int = 0
    shown: int = 0
    seen: int = 0
    clicked: int = 0
    carted: int = 0
    bought: int = 0
    bought_clicked: int = 0
    revenue: int | None = 0
    revenue_clicked: int | None = 0

    def rate(self, step: str) -> float | None:
        """Return the share that came so far: of what was shown for seen, of what was seen for the steps after it."""
        whole = self._whole(step)
        return min(getattr(self, step), whole) / whole if whole else None

    def interval(self, step: str) -> tuple[float, float] | None:
        """Return how far off that share may be, at 95%."""
        whole = self._whole(step)
        return intervals.wilson(min(getattr(self, step), whole), whole) if whole else None

    def _whole(self, step: str) -> int:
        return self.shown if step == "seen" else self.seen


@dataclass
class Funnel:
    """The lines, the one that brought most first, all together, and the currencies whose money is left out."""

    since: date
    until: date
    lines: list[Line]
    total: Line
    other_currencies: list[str] = field(default_factory=list)
    more: bool = False


def of_last(days: int, *, by: str, currency: str) -> Funnel:
    """This function will return the bound tenant's funnel of the last days, today included, by "slot", "algorithm" or "rule".

    By rule only what a rule had a hand in makes a line; all together is everything. Who may not see what orders come to is told
    no money.
    """
    until = clock.now().date()
    since = until - timedelta(days=min(max(days, 1), MOST_DAYS) - 1)
    lines: dict[str, Line] = {}
    total = Line("")
    for key, *figures in db.session.execute(_counted(since, by)):
        for line in (total, *_line(lines, by, key)):
            for name, value in zip(("requests", "shown", "seen", "clicked", "carted"), figures, strict=True):
                setattr(line, name, getattr(line, name) + int(value))
    others: set[str] = set()
    for key, after, money_of, count, micros in db.session.execute(_sold(since, by)):
        amount = money.from_micros(int(micros), money_of) if money_of == currency else 0
        if money_of != currency:
            others.add(money_of)
        for line in (total, *_line(lines, by, key)):
            line.bought += count
            line.revenue += amount
            if after == "clicked":
                line.bought_clicked += count
                line.revenue_clicked += amount
    told = sorted(lines.values(), key=lambda line: (-line.revenue, -line.clicked, -line.seen, -line.shown, line.key))
    if not access.readable("order", "total"):
        for line in (total, *told):
            line.revenue = line.revenue_clicked = None
        others = set()
    return Funnel(since, until, told[:MOST_LINES], total, sorted(others), len(told) > MOST_LINES)


def _line(lines: dict[str, Line], by: str, key: Hashable) -> list[Line]:
    """Return the line of a key, made where there is none yet; what no rule had a hand in has none."""
    if by == "rule" and key in (None, NO_SOURCE):
        return []
    return [lines.setdefault(str(key), Line(str(key)))]


def _counted(since: date, by: str) -> Any:
    key = {"slot": OfferCount.slot, "algorithm": OfferCount.algorithm, "rule": OfferCount.rule_id}[by]
    sums = [func.sum(getattr(OfferCount, name)) for name in ("requests", "shown", "seen", "clicked", "carted")]
    return select(key, *sums).where(OfferCount.day >= since).group_by(key)


def _sold(since: date, by: str) -> Any:
    """What was bought of offers shown since a day, by key, kind of proof and currency."""
    key = {"slot": OfferShown.slot, "algorithm": OfferShown.algorithm, "rule": OfferShown.rule_id}[by]
    begin = datetime.combine(since, time(), UTC)
    return (
        select(
            key, OfferShown.bought_after, OfferShown.bought_currency, func.count(), func.sum(OfferShown.bought_micros)
        )
        .where(OfferShown.bought_at >= begin - SLACK, OfferShown.at >= begin)
        .group_by(key, OfferShown.bought_after, OfferShown.bought_currency)
    )
