"""How far offers come: shown, seen, clicked, put into a cart, bought, with the money, for each place, model, its version or rule.

What customers said to a person who offered them something stands beside it, by the day of the answer. Days are those of the showing, in UTC. Up to the cart the numbers come from the kept daily counts, which outlive the offers;
what was bought comes from the offers themselves, since an order that is cancelled takes its success back.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import func, select

from saas.kit import access, clock, intervals, money
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.recommend import answers
from saas.recommend.models import NO_SOURCE, OfferCount, OfferShown, OfferVersionCount

BY = ("slot", "algorithm", "rule", "version")
STEPS = ("shown", "seen", "clicked", "carted", "bought")
ANSWERS = ("accepted", "declined")
COUNTS = ("requests", "shown", "seen", "clicked", "carted")
MOST_DAYS = 365
MOST_LINES = 200
SLACK = timedelta(hours=1)  # by which a shop's and a browser's clock may differ


@dataclass
class Line:
    """The figures of one place, model, version or rule; money in minor units of the asked currency, None where it may not be seen.

    `algorithm` and `began_at` tell of a version which model it is of and since when; `against` whether it surely brings more or
    fewer clicks than the version before it ("more", "fewer", "open"; "" where there is none).
    """

    key: str
    algorithm: str = ""
    began_at: datetime | None = None
    against: str = ""
    requests: int = 0
    shown: int = 0
    seen: int = 0
    clicked: int = 0
    carted: int = 0
    bought: int = 0
    bought_clicked: int = 0
    accepted: int = 0
    declined: int = 0
    revenue: int | None = 0
    revenue_clicked: int | None = 0

    def rate(self, step: str) -> float | None:
        """Return the share that came so far: of what was shown for seen, of what was seen for the steps after it, of all answers
        for accepted and declined."""
        whole = self._whole(step)
        return min(getattr(self, step), whole) / whole if whole else None

    def interval(self, step: str) -> tuple[float, float] | None:
        """Return how far off that share may be, at 95%."""
        whole = self._whole(step)
        return intervals.wilson(min(getattr(self, step), whole), whole) if whole else None

    def _whole(self, step: str) -> int:
        if step in ANSWERS:
            return self.accepted + self.declined
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


@dataclass(frozen=True)
class Day:
    """What was seen and clicked of one model's offers that were shown on a day, and how many versions of it began then."""

    day: date
    seen: int
    clicked: int
    began: int

    def rate(self) -> float | None:
        return min(self.clicked, self.seen) / self.seen if self.seen else None

    def interval(self) -> tuple[float, float] | None:
        return intervals.wilson(min(self.clicked, self.seen), self.seen) if self.seen else None


def of_last(days: int, *, by: str, currency: str) -> Funnel:
    """This function will return the bound tenant's funnel of the last days, today included, by one of `BY`.

    By rule only what a rule had a hand in makes a line, by version only what something learnt named; all together is everything.
    Versions are counted since they are. Who may not see what orders come to is told no money.
    """
    since, until = _days(days)
    lines: dict[str, Line] = {}
    total = Line("")
    for key, *figures in db.session.execute(_counted(since, by)):
        for line in (total, *_line(lines, by, key)):
            _add(line, figures)
    if by == "version":
        for algorithm, version, *figures in db.session.execute(_by_version(since)):
            _add(_of_version(lines, algorithm, version), figures)
    others: set[str] = set()
    for key, algorithm, after, money_of, count, micros in db.session.execute(_sold(since, by)):
        amount = money.from_micros(int(micros), money_of) if money_of == currency else 0
        if money_of != currency:
            others.add(money_of)
        theirs = _line(lines, by, key) if by != "version" else [_of_version(lines, algorithm, key)] if key else []
        for line in (total, *theirs):
            line.bought += count
            line.revenue += amount
            if after == "clicked":
                line.bought_clicked += count
                line.revenue_clicked += amount
    _answered(since, by, total, lines)
    told = _in_order(lines, by)
    if not access.readable("order", "total"):
        for line in (total, *told):
            line.revenue = line.revenue_clicked = None
        others = set()
    return Funnel(since, until, told[:MOST_LINES], total, sorted(others), len(told) > MOST_LINES)


def day_by_day(days: int, algorithm: str) -> list[Day]:
    """This function will return, day by day, how much of a model's offers was clicked, with the days on which a version began."""
    since, until = _days(days)
    counts = OfferVersionCount
    query = select(counts.day, counts.model_version, counts.seen, counts.clicked).where(
        counts.algorithm == algorithm, counts.day >= since, counts.model_version != ""
    )
    seen: dict[date, list[int]] = {}
    began: dict[str, date] = {}
    for day, version, *figures in db.session.execute(query.order_by(counts.day)):
        held = seen.setdefault(day, [0, 0])
        seen[day] = [held[0] + figures[0], held[1] + figures[1]]
        began.setdefault(version, day)
    first = min(seen, default=until)
    turns = [day for day in began.values() if day > first]
    length = (until - first).days + 1 if seen else 0
    whole = (first + timedelta(days=number) for number in range(length))
    return [Day(day, *seen.get(day, (0, 0)), turns.count(day)) for day in whole]


def _days(days: int) -> tuple[date, date]:
    until = clock.now().date()
    return until - timedelta(days=min(max(days, 1), MOST_DAYS) - 1), until


def _add(line: Line, figures: Iterable[Any]) -> None:
    for name, value in zip(COUNTS, figures, strict=True):
        setattr(line, name, getattr(line, name) + int(value))


def _line(lines: dict[str, Line], by: str, key: Hashable) -> list[Line]:
    """Return the line of a key, made where there is none yet; what no rule had a hand in has none."""
    if by == "version" or (by == "rule" and key in (None, NO_SOURCE)):
        return []
    return [lines.setdefault(str(key), Line(str(key)))]


def _of_version(lines: dict[str, Line], algorithm: str, version: str) -> Line:
    """A version is of one model, which may speak in several ways: `alike` names what is alike, and what the shop itself told."""
    made = Line(version, algorithm=algorithm, began_at=_began(version))
    return lines.setdefault(f"{algorithm} {version}", made)


def _began(version: str) -> datetime | None:
    """A version's name tells when it was made."""
    found = kit_db.uuid(version)
    return datetime.fromtimestamp((found.int >> 80) / 1000, UTC) if found is not None else None


def _in_order(lines: dict[str, Line], by: str) -> list[Line]:
    told = sorted(lines.values(), key=lambda line: (-line.revenue, -line.clicked, -line.seen, -line.shown, line.key))
    if by != "version":
        return told
    models = list(dict.fromkeys(line.algorithm for line in told))
    told.sort(key=lambda line: line.key, reverse=True)  # the newest first, for a version's name begins with its time
    told.sort(key=lambda line: models.index(line.algorithm))
    for line, before in pairwise(told):
        if line.algorithm == before.algorithm:
            line.against = _against(line, before)
    return told


def _against(line: Line, before: Line) -> str:
    """Tell whether a line surely has more or fewer clicks than another, of what was seen; at 95% (Newcombe 1998, method 10)."""
    mine, theirs = line.rate("clicked"), before.rate("clicked")
    if mine is None or theirs is None:
        return "open"
    (low, high), (their_low, their_high) = line.interval("clicked"), before.interval("clicked")
    difference = mine - theirs
    if difference - math.hypot(mine - low, their_high - theirs) > 0:
        return "more"
    return "fewer" if difference + math.hypot(high - mine, theirs - their_low) < 0 else "open"


def _answered(since: date, by: str, total: Line, lines: dict[str, Line]) -> None:
    """Add what customers said to what a person offered them."""
    for row in answers.counted(since=datetime.combine(since, time(), UTC)):
        theirs = _line(lines, by, row[by]) if by in ("slot", "algorithm") and row[by] else []
        for line in (total, *theirs):
            setattr(line, row["verdict"], getattr(line, row["verdict"]) + row["count"])


def _counted(since: date, by: str) -> Any:
    key = {"algorithm": OfferCount.algorithm, "rule": OfferCount.rule_id}.get(by, OfferCount.slot)
    return select(key, *_sums(OfferCount)).where(OfferCount.day >= since).group_by(key)


def _by_version(since: date) -> Any:
    key = OfferVersionCount.algorithm, OfferVersionCount.model_version
    wanted = (OfferVersionCount.day >= since, OfferVersionCount.model_version != "")
    return select(*key, *_sums(OfferVersionCount)).where(*wanted).group_by(*key)


def _sums(counts: Any) -> list[Any]:
    return [func.sum(getattr(counts, name)) for name in COUNTS]


def _sold(since: date, by: str) -> Any:
    """What was bought of offers shown since a day, by key, kind of proof and currency."""
    key = {
        "slot": OfferShown.slot, "algorithm": OfferShown.algorithm, "rule": OfferShown.rule_id, "version": OfferShown.model_version,
    }[by]  # fmt: skip
    begin = datetime.combine(since, time(), UTC)
    by_what = (key, OfferShown.algorithm, OfferShown.bought_after, OfferShown.bought_currency)
    return (
        select(*by_what, func.count(), func.sum(OfferShown.bought_micros))
        .where(OfferShown.bought_at >= begin - SLACK, OfferShown.at >= begin)
        .group_by(*by_what)
    )
