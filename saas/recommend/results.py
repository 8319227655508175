"""What offers bring: how many were shown, seen, clicked and bought, by place and day, and the money that followed.

Days are those of the showing, in UTC. A sale counts for the place whose offer was clicked or seen last before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Date, cast, func, select

from saas.kit import clock, money
from saas.kit.db import db
from saas.recommend import freshness, shelf
from saas.recommend.models import SLOTS, FittedModel, OfferCount, OfferShown


@dataclass
class Place:
    """One place's figures; money in minor units of the asked currency."""

    slot: str
    requests: int = 0
    shown: int = 0
    seen: int = 0
    clicked: int = 0
    bought: int = 0
    bought_clicked: int = 0
    revenue: int = 0
    revenue_clicked: int = 0

    @property
    def click_rate(self) -> float | None:
        """The share of what was seen that was clicked."""
        return self.clicked / self.seen if self.seen else None


@dataclass
class Results:
    """Figures of some days: by place, all together, and by day."""

    places: list[Place]
    total: Place
    days: list[date]
    clicked: dict[str, list[int]]
    revenue: dict[str, list[int]]
    other_currencies: list[str] = field(default_factory=list)


def of_last(days: int, *, currency: str) -> Results:
    """Work out the bound tenant's results of the last days, today included; money in one currency, others are named."""
    today = clock.now().date()
    every = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    counts = list(db.session.scalars(select(OfferCount).where(OfferCount.day >= every[0])))
    sales = db.session.execute(_sales(every[0])).all()
    own = {row.slot for row in (*counts, *sales)} - set(SLOTS)
    keys = [*SLOTS, *sorted(own)]
    places = {slot: Place(slot) for slot in keys}
    clicked = {slot: dict.fromkeys(every, 0) for slot in keys}
    revenue = {slot: dict.fromkeys(every, 0) for slot in keys}
    for row in counts:
        place = places[row.slot]
        for name in ("requests", "shown", "seen", "clicked"):
            setattr(place, name, getattr(place, name) + getattr(row, name))
        if row.day in clicked[row.slot]:
            clicked[row.slot][row.day] += row.clicked
    others = set()
    for slot, day, after, money_of, count, micros in sales:
        place, amount = places[slot], money.from_micros(int(micros), money_of)
        place.bought += count
        place.bought_clicked += count if after == "clicked" else 0
        if money_of != currency:
            others.add(money_of)
            continue
        place.revenue += amount
        place.revenue_clicked += amount if after == "clicked" else 0
        if day in revenue[slot]:
            revenue[slot][day] += amount
    total = Place("")
    for place in places.values():
        for name in ("requests", "shown", "seen", "clicked", "bought", "bought_clicked", "revenue", "revenue_clicked"):
            setattr(total, name, getattr(total, name) + getattr(place, name))
    return Results(
        [place for place in places.values() if place.shown or place.bought], total, every,
        {slot: list(by_day.values()) for slot, by_day in clicked.items()},
        {slot: list(by_day.values()) for slot, by_day in revenue.items()}, sorted(others),
    )  # fmt: skip


def _sales(since: date) -> Any:
    """Sales by place, day (UTC), kind of proof and currency, of offers shown since a day."""
    day = cast(func.timezone("UTC", OfferShown.at), Date)
    return (
        select(
            OfferShown.slot,
            day,
            OfferShown.bought_after,
            OfferShown.bought_currency,
            func.count(),
            func.sum(OfferShown.bought_micros),
        )
        .where(OfferShown.bought_at >= since, OfferShown.at >= since)
        .group_by(OfferShown.slot, day, OfferShown.bought_after, OfferShown.bought_currency)
    )


def models() -> dict[str, dict[str, Any]]:
    """Return the state of each kind of model: whether and when it was fitted, and on how much."""
    query = select(FittedModel.kind, FittedModel.fitted_at, FittedModel.notes).where(
        FittedModel.kind.in_(shelf.LEARNT), FittedModel.serving
    )
    told = freshness.read().notes.get("models", {})
    found = {kind: {**notes, "fitted": True, "fitted_at": at} for kind, at, notes in db.session.execute(query)}
    missing = {kind: {**notes, "fitted": False, "fitted_at": None} for kind, notes in told.items() if kind not in found}
    return found | missing


def learning() -> bool:
    """Tell whether there is news that nothing was learnt from yet, or something is being learnt right now."""
    state = freshness.read()
    return state.changed_at is not None or state.taken_at is not None


def tried() -> dict[str, Any] | None:
    """Return what the offers would have hit on the held-back past (see `backtest.examine`), None before the first try."""
    return freshness.read().notes.get("backtest")
