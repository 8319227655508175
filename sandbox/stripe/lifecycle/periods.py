"""Calendar arithmetic of billing: a month after 31 January is the last of February, and the anchor's day comes back."""

import calendar
import datetime

from sandbox.stripe.world import DAY

UTC = datetime.UTC


def add(anchor: int, *, interval: str, count: int) -> int:
    """This function will give the moment ``count`` intervals after the anchor, on the anchor's day of the month."""
    if interval in ("day", "week"):
        return anchor + count * DAY * (7 if interval == "week" else 1)
    start = datetime.datetime.fromtimestamp(anchor, UTC)
    months = start.year * 12 + start.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def end_after(anchor: int, *, start: int, interval: str, count: int) -> int:
    """This function will give the first billing moment after ``start`` on the grid that the anchor lays."""
    if start < anchor:
        return anchor
    length = {"day": DAY, "week": 7 * DAY, "month": 31 * DAY, "year": 366 * DAY}[interval] * count
    turns = max(0, (start - anchor) // length)
    while (moment := add(anchor, interval=interval, count=turns * count)) <= start:
        turns += 1
    return moment


def share(amount: int, *, start: int, end: int, at: int) -> int:
    """This function will give the part of an amount that falls on the time left, rounded half away from zero."""
    if end <= start:
        return 0
    left = min(max(end - at, 0), end - start)
    doubled = 2 * abs(amount) * left + (end - start)
    return (1 if amount >= 0 else -1) * (doubled // (2 * (end - start)))


def spoken(moment: int) -> str:
    """This function will give a date as invoices print it."""
    return datetime.datetime.fromtimestamp(moment, UTC).strftime("%-d %b %Y")
