"""How long a trial would take, from what happened at the place in the last days: a guess, made before anybody meets it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from saas.commerce.models import COUNTED
from saas.kit import clock, identifiers, queries
from saas.kit.db import db
from saas.recommend import trial_statistics as statistics

LOOKED_AT = timedelta(days=14)
MOST_PEOPLE = 5_000  # the newest, of whom it is looked at what they did
FEWEST = 20  # who did it, below which nothing is said


@dataclass(frozen=True)
class Plan:
    """People who meet the place in a day, the share that does it, and the people and days that are needed; None where it cannot be
    told yet."""

    people_a_day: float
    rate: float | None
    people: int | None = None
    days: int | None = None


def plan(
    *, slot: str, goal: str, mode: str, shares: Sequence[int], worth_percent: int, days: int, currency: str
) -> Plan:
    """This function will estimate how many people and days a trial of the bound tenant needs to find a difference that matters."""
    now = clock.now()
    values = {
        "slot": slot, "low": identifiers.floor(now - LOOKED_AT), "most": MOST_PEOPLE, "days": days, "counted": list(COUNTED),
        "currency": currency,
    }  # fmt: skip
    row = db.session.execute(queries.load("recommend/queries/trial_plan.sql"), values).one()
    people, span = int(row.people or 0), float(row.span or 0.0)
    a_day = people / max(span / 86_400, 1.0)
    did = int({"clicks": row.clickers, "orders": row.buyers, "money": row.buyers}[goal] or 0)
    if did < FEWEST or not people:
        return Plan(a_day, did / people if people else None)
    rate, worth = did / people, worth_percent / 100
    alpha = statistics.ALPHA / (len(shares) - 1)
    smallest, base = min(shares[1:]), shares[0]
    if goal == "money":
        mean = float(row.amount) / people
        deviation = math.sqrt(max(float(row.squares) / people - mean**2, 0.0))
        if not mean:
            return Plan(a_day, rate)
        an_arm = statistics.needed_payers(worth=worth, mean=mean, deviation=deviation, alpha=alpha)
        needed = math.ceil(an_arm * 100 / min(smallest, base))
    else:
        chance = 0.5 if mode == "interleaved" else smallest / (smallest + base)
        hits = statistics.needed_hits(worth=worth, chance=chance, alpha=alpha)
        part = 1.0 if mode == "interleaved" else (smallest + base) / 100
        needed = math.ceil(hits / rate / part)
    return Plan(a_day, rate, needed, math.ceil(needed / a_day) + (days if goal == "money" else 0))
