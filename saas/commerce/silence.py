"""Noticing that a shop has fallen silent, without crying wolf over small ones.

What is watched (orders, products, customers and what the pages tell, each by itself) has a rate for every hour of the week,
from the past weeks. Of a silence we ask how probable it is that nothing comes in so long a time:

- Events come in clusters (somebody changes forty products), so not events but clusters are taken to be Poisson: the counts are
  divided by their dispersion (Pearson's chi-square over its degrees of freedom, of the days; McCullagh and Nelder, Generalized
  Linear Models, 1989, 4.5).
- The rate is not known but estimated from n clusters in w weeks. With a gamma posterior the number to come is negative binomial,
  and nothing comes with (1 + expected / n) ** -n (Gelman et al., Bayesian Data Analysis, 2013, 2.6). A shop with few
  orders so needs a much longer silence.
- A silence begins after each cluster, so that among k clusters a week one passes a threshold p by mere chance p * k times a
  week. An alarm is raised below p = RARE / k: by chance once in ten years for each thing that is watched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from saas.commerce import hearing
from saas.commerce.events import ShopSpoke, ShopWentSilent
from saas.commerce.health_models import ShopAlarm
from saas.commerce.models import Shop
from saas.kit import clock, identifiers, scope
from saas.kit.db import db
from saas.kit.events import announce

HOURS, WEEKS = 168, 8
BASIS = timedelta(weeks=WEEKS)
RARE = 0.1 / 52.18
"""False alarms a week for each thing watched: one in ten years."""
LEAST_EVENTS, LEAST_WEEKS, LEAST_SILENCE = 10, 2.0, 3
"""What has to be known before a silence is judged, and how many whole hours it lasts at least: shops deliver by a clock."""
SMOOTH = 2.0
"""Weeks' worth of the average hour of that day that each hour of the week is mixed with."""
WATCHED = {"order": ("order.created", "order.updated"), "product": ("product.created", "product.updated"),
           "customer": ("customer.created", "customer.updated"), "event": None}  # fmt: skip
TOLD = ("silent", "undelivered", "keys", "away")
"""Alarms that people are written to about, once each."""


@dataclass(frozen=True)
class Judged:
    """How probable a silence is: the chance of nothing, below which chance it is an alarm, and how much should have come."""

    chance: float
    limit: float
    expected: float

    @property
    def alarming(self) -> bool:
        return self.chance < self.limit


UNKNOWN = Judged(1.0, 0.0, 0.0)


def judge(counts: Sequence[int]) -> Judged:
    """Return how probable the silence at the end of hourly counts is; the last is the newest hour that is over."""
    silent = next((place for place, number in enumerate(reversed(counts)) if number), len(counts))
    basis = counts[: len(counts) - silent]
    first = next((place for place, number in enumerate(basis) if number), len(basis))
    basis = basis[first:]
    weeks, total = len(basis) / HOURS, sum(basis)
    if silent < LEAST_SILENCE or total < LEAST_EVENTS or weeks < LEAST_WEEKS:
        return UNKNOWN
    rates = _rates(basis)
    spread = _dispersion(basis)
    expected = sum(rates[place % HOURS] for place in range(len(basis), len(basis) + silent)) * _trend(basis, rates)
    clusters = total / spread
    chance = (1 + expected / spread / clusters) ** -clusters
    return Judged(chance, RARE / max(clusters / weeks, RARE), expected)


def _rates(basis: Sequence[int]) -> list[float]:
    """Return the rate of each hour of the week (counted from the basis' first hour): its own and its neighbours' average, mixed
    with that hour of all days."""
    sums, times = [0.0] * HOURS, [0] * HOURS
    for place, number in enumerate(basis):
        sums[place % HOURS] += number
        times[place % HOURS] += 1
    mean = sum(basis) / len(basis)
    by_day = []
    for hour in range(24):
        own = range(hour, HOURS, 24)
        by_day.append(
            (sum(sums[place] for place in own) + SMOOTH * mean) / (sum(times[place] for place in own) + SMOOTH)
        )
    found = []
    for place in range(HOURS):
        near = ((place - 1) % HOURS, place, (place + 1) % HOURS)
        weight = (0.25, 0.5, 0.25)
        number = sum(part * sums[one] for part, one in zip(weight, near, strict=True))
        seen = sum(part * times[one] for part, one in zip(weight, near, strict=True))
        found.append((number + SMOOTH * by_day[place % 24]) / (seen + SMOOTH))
    return found


def _trend(basis: Sequence[int], rates: Sequence[float]) -> float:
    """Return how much less than usual came lately, at most as much as usual: a season that ends is no silence."""
    parts = []
    for hours in (HOURS, 2 * HOURS):
        lately = range(len(basis) - hours, len(basis))
        usual = sum(rates[place % HOURS] for place in lately)
        parts.append((sum(basis[place] for place in lately) + 0.5) / (usual + 0.5))
    return min(1.0, *parts)


def _dispersion(basis: Sequence[int]) -> float:
    """Return how much more the days' counts vary than single events would, at least 1."""
    days = [sum(basis[start : start + 24]) for start in range(0, len(basis) - 23, 24)]
    of_week = [days[day::7] for day in range(min(7, len(days)))]
    mean = sum(days) / len(days)
    squares, freedom = 0.0, len(days)
    for held in of_week:
        usual = (sum(held) + mean) / (len(held) + 1)
        freedom -= 1
        if usual > 0:
            squares += sum((number - usual) ** 2 for number in held) / usual
    return max(1.0, squares / max(freedom, 1))


def watch(shop: Shop) -> int:
    """Judge what a shop was last heard by, raise or end its alarms, and return how many are open now.

    What was heard of within the last hours is not read any further, so busy shops cost next to nothing.
    """
    now = clock.now()
    since = now - BASIS - timedelta(days=28)
    heard = hearing.last_heard(shop.id, since=since)
    newest = now.replace(minute=0, second=0, microsecond=0)
    for name, topics in WATCHED.items():
        own = [topic for topic in heard if (topic in topics if topics else topic.startswith(hearing.EVENT))]
        if not own:
            continue
        last = max(heard[topic] for topic in own)
        if last >= newest - timedelta(hours=LEAST_SILENCE):
            end_alarms(shop, kinds=("silent",), topic=name)
            continue
        found = judge(_series(shop.id, own, newest))
        if found.alarming and not (name != "event" and _explained(shop.id)):
            raise_alarm("silent", shop, topic=name, began_at=last, expected=found.expected, chance=found.chance)
    _heard_again(shop, heard)
    return count_open(shop.id)


def _series(shop_id: UUID, topics: Sequence[str], newest: datetime) -> list[int]:
    """Return the hourly counts of some topics up to the newest hour that is over, in the local order of the week."""
    first = newest.astimezone(UTC) - BASIS - timedelta(days=28)
    counts = [0] * int((newest - first) / timedelta(hours=1))
    for _topic, at, seen in hearing.hours(shop_id, topics, since=first):
        place = int((at - first) / timedelta(hours=1))
        if 0 <= place < len(counts):
            counts[place] += seen
    return counts


def _explained(shop_id: UUID) -> bool:
    """Deliveries that stay out because the shop does not answer or refuses our keys are told of as that."""
    return bool(db.session.scalar(select(ShopAlarm.id).where(_open(shop_id), ShopAlarm.kind == "away").limit(1)))


def _heard_again(shop: Shop, heard: dict[str, datetime]) -> None:
    """What is delivered again is not undelivered any more."""
    for alarm in open_alarms(shop.id):
        last = heard.get(alarm.topic)
        if alarm.kind == "undelivered" and last is not None and last > alarm.noticed_at:
            end_alarms(shop, kinds=("undelivered",), topic=alarm.topic)


def _open(shop_id: UUID) -> Any:
    return (ShopAlarm.shop_id == shop_id) & ShopAlarm.ended_at.is_(None)


def raise_alarm(
    kind: str, shop: Shop, *, topic: str = "", began_at: datetime | None = None, seen: int = 0, expected: float = 0.0, chance: float = 0.0,
    said: str = "",
) -> bool:  # fmt: skip
    """Raise an alarm unless it is raised already, and announce it; tells whether it is new."""
    now, alarm_id = clock.now(), identifiers.new()
    row = {
        "tenant_id": scope.tenant_id(), "id": alarm_id, "shop_id": shop.id, "kind": kind, "topic": topic, "began_at": began_at or now,
        "noticed_at": now, "seen": seen, "expected": expected, "chance": chance, "said": said[:500],
    }  # fmt: skip
    stored = insert(ShopAlarm).values(row).on_conflict_do_nothing(
        index_elements=["tenant_id", "shop_id", "kind", "topic"], index_where=ShopAlarm.ended_at.is_(None)
    )  # fmt: skip
    if db.session.execute(stored.returning(ShopAlarm.id)).scalar_one_or_none() is None:
        return False
    announce(ShopWentSilent(shop_id=str(shop.id), alarm_id=str(alarm_id), what=kind, topic=topic))
    return True


def noted(kind: str, shop: Shop, *, said: str) -> None:
    """Write down what was not well and is again, so that it stands in the history; nobody has to do anything."""
    now = clock.now()
    began = shop.reconciled_at or now
    db.session.add(ShopAlarm(id=identifiers.new(), shop_id=shop.id, kind=kind, topic="", began_at=began, noticed_at=now, ended_at=now, said=said[:500]))  # fmt: skip


def end_alarms(shop: Shop, *, kinds: Sequence[str], topic: str | None = None) -> int:
    """End open alarms of these kinds, all or of one topic, and announce that the shop speaks again; returns how many."""
    over = update(ShopAlarm).where(_open(shop.id), ShopAlarm.kind.in_(kinds))
    over = over if topic is None else over.where(ShopAlarm.topic == topic)
    ended = db.session.execute(
        over.values(ended_at=clock.now())
        .returning(ShopAlarm.id, ShopAlarm.kind, ShopAlarm.topic)
        .execution_options(synchronize_session=False)
    ).all()
    announce(
        *[ShopSpoke(shop_id=str(shop.id), alarm_id=str(alarm), what=kind, topic=about) for alarm, kind, about in ended]
    )
    return len(ended)


def open_alarms(shop_id: UUID) -> list[ShopAlarm]:
    """Return a shop's alarms that are not over, the oldest first."""
    return list(db.session.scalars(select(ShopAlarm).where(_open(shop_id)).order_by(ShopAlarm.began_at, ShopAlarm.id)))


def alarming() -> list[ShopAlarm]:
    """Return the open alarms of all shops of the company, the oldest first."""
    query = select(ShopAlarm).join(Shop, (Shop.tenant_id == ShopAlarm.tenant_id) & (Shop.id == ShopAlarm.shop_id))
    open_ones = query.where(ShopAlarm.ended_at.is_(None), Shop.removed_at.is_(None))
    return list(db.session.scalars(open_ones.order_by(ShopAlarm.began_at, ShopAlarm.id)))


def history(shop_id: UUID, *, most: int = 20) -> list[ShopAlarm]:
    """Return a shop's newest alarms, open or over."""
    query = select(ShopAlarm).where(ShopAlarm.shop_id == shop_id)
    return list(db.session.scalars(query.order_by(ShopAlarm.began_at.desc(), ShopAlarm.id.desc()).limit(most)))


def one(alarm_id: UUID | str) -> ShopAlarm | None:
    return db.session.scalars(select(ShopAlarm).where(ShopAlarm.id == UUID(str(alarm_id)))).one_or_none()


def count_open(shop_id: UUID) -> int:
    return db.session.scalar(select(func.count()).select_from(ShopAlarm).where(_open(shop_id))) or 0


def watchable() -> list[tuple[int, UUID]]:
    """Return (tenant, shop) of all shops that are connected; in a unit of work over all tenants."""
    return [
        (tenant, shop)
        for tenant, shop in db.session.execute(select(Shop.tenant_id, Shop.id).where(Shop.removed_at.is_(None)))
    ]
