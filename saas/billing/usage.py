"""How much of what the plan allows is used, how it grew, when it will be full, and the warnings before that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from saas.billing import banner, notices
from saas.billing.events import UsageWarned
from saas.billing.models import Account
from saas.billing.plans import PLANS, Plan
from saas.kit import clock
from saas.kit.events import announce
from saas.tenancy import limits, members

Limits = Mapping[str, int | None]
METERED = ("mails_month", "events_month")  # counted up from nought each month; the others are how many there are
WARN_AT = (80, 100)
MONTHS = 12
FAR = timedelta(days=366)  # a forecast further away than this says nothing


@dataclass(frozen=True)
class Use:
    """One thing the plan counts; `most` None means without limit."""

    name: str
    used: int
    most: int | None

    @property
    def share(self) -> float:
        return 0.0 if self.most is None else 1.0 if self.most == 0 else self.used / self.most


Counted = Mapping[tuple[str, str], int]


def counted_lately() -> Counted:
    """Return what was counted of each thing in each of the last twelve months."""
    return limits.history(since=months()[0])


def measured(
    *, contacts: int, shops: int, allowed: Limits, events_waiting: int = 0, counted: Counted | None = None
) -> list[Use]:
    """Return what is used of everything the plan counts; rooms above hand in what they count, and `counted` if they have it."""
    month = limits.period()
    counted = limits.history(since=month) if counted is None else counted
    used = {name: counted.get((name, month), 0) for name in METERED}
    used["events_month"] += events_waiting
    used |= {"contacts": contacts, "shops": shops, "members": members.count()}
    return [Use(name, used[name], allowed.get(name)) for name in limits.NAMES]


def plan(account: Account | None, *, allowed: Limits) -> Plan | None:
    """Return the company's plan: what it pays for, or the one it was given; None when its limits are of its own."""
    if account is not None and account.plan:
        return PLANS.get(account.plan)
    return next((one for one in PLANS.values() if one.limits == allowed), None)


def note_levels(uses: Sequence[Use]) -> None:
    """Keep how many there are of what is not counted up, as this month's figure."""
    for use in uses:
        if use.name not in METERED:
            limits.note_level(use.name, use.used)


def warn(uses: Sequence[Use]) -> list[int]:
    """Announce what reached four fifths or all of what the plan allows, each once a month; returns the percents said now.

    Whoever jumps past both is told of the second only.
    """
    said = []
    for use in uses:
        if use.most is None or use.share < WARN_AT[0] / 100 or (use.used == 0 and use.most == 0):
            continue
        reached = [percent for percent in WARN_AT if use.share >= percent / 100]
        news = [percent for percent in reached if notices.first(f"usage:{limits.period()}:{use.name}:{percent:03d}")]
        if reached[-1] in news and not _always_full(use):
            announce(UsageWarned(name=use.name, percent=reached[-1], used=use.used, most=use.most))
            said.append(reached[-1])
    if said:
        banner.forget()
    return said


def _always_full(use: Use) -> bool:
    """Places that are all taken are what they are paid for: nobody is warned of one shop of one, or of full seats."""
    return use.name in ("shops", "members")


def months(now: datetime | None = None) -> list[str]:
    """Return the last twelve months as YYYY-MM, this one last."""
    today = now or clock.now()
    place = today.year * 12 + today.month - 1
    return [f"{month // 12}-{month % 12 + 1:02d}" for month in range(place - MONTHS + 1, place + 1)]


def history(uses: Sequence[Use], counted: Counted | None = None) -> dict[str, list[int | None]]:
    """Return for each thing what was used in each of the last twelve months; None before it was counted."""
    known = months()
    counted = counted_lately() if counted is None else counted
    found = {use.name: [counted.get((use.name, month)) for month in known] for use in uses}
    for use in uses:
        found[use.name][-1] = use.used
    return found


def full_on(use: Use, past: Sequence[int | None], *, now: datetime | None = None) -> date | None:
    """Return the day on which the limit will be reached if it goes on like this, or None when it will not within a year.

    A monthly meter goes on as fast as this month so far, and starts anew with the next one; what there is goes on growing
    as fast as in the last three months.
    """
    today = now or clock.now()
    if use.most is None or use.used >= use.most:
        return None
    if use.name in METERED:
        begun = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        passed = max((today - begun).total_seconds(), 86_400.0)
        at = _at(today, use, per_second=use.used / passed)
        next_month = (begun + timedelta(days=32)).replace(day=1)
        return at.date() if at is not None and at < next_month else None
    known = [(back, number) for back, number in enumerate(reversed(past[:-1]), start=0) if number is not None][:3]
    if not known:
        return None
    back, number = known[-1]
    begun = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _month in range(back):
        begun = (begun - timedelta(days=1)).replace(day=1)
    passed = (today - begun).total_seconds()
    at = _at(today, use, per_second=(use.used - number) / passed if passed > 86_400 else 0)
    return at.date() if at is not None else None


def rest_of_month(use: Use, *, now: datetime | None = None) -> int:
    """Return how much more a monthly meter will count until the month is over if it goes on like this."""
    if use.name not in METERED:
        return 0
    today = now or clock.now()
    begun = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    whole = ((begun + timedelta(days=32)).replace(day=1) - begun).total_seconds()
    passed = max((today - begun).total_seconds(), 86_400.0)
    return round(use.used * max(0.0, whole - passed) / passed)


def _at(today: datetime, use: Use, *, per_second: float) -> datetime | None:
    if per_second <= 0 or use.most is None:
        return None
    wait = (use.most - use.used) / per_second
    return today + timedelta(seconds=wait) if wait <= FAR.total_seconds() else None
