"""How well a shop speaks with us, put together for its page and for programs, from what is counted anyway.

Nothing here reads single events or deliveries: hours, comparisons and alarms are few, however much a shop sells.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from saas.commerce import backfill, hearing, reconciling, shops, silence
from saas.commerce.models import Shop
from saas.kit import clock

DAYS = 30
RECENTLY = timedelta(hours=24)


def health(shop: Shop, *, zone: str = "UTC") -> dict[str, Any]:
    """Return what is known: topics and pages by day, webhooks, comparisons, alarms, and how far the fetching is."""
    now = clock.now()
    since = now - timedelta(days=DAYS)
    rows = hearing.days(shop.id, since=since, zone=zone)
    compared = reconciling.newest(shop.id)
    last = hearing.last_heard(shop.id, since=since)
    return {
        "days": _days(rows), "topics": _topics(rows, compared, last), "pages": _pages(rows, last), "webhooks": _webhooks(shop),
        "compared_at": shop.reconciled_at, "next_at": _next(shop), "comparisons": [compared_shown(one) for one in compared],
        "alarms": [alarm_shown(one) for one in silence.history(shop.id)], "fetching": fetching(shop),
    }  # fmt: skip


def _is_delivery(topic: str) -> bool:
    return not topic.startswith((hearing.EVENT, hearing.REFUSED, hearing.TRACKER))


def _days(rows: list[tuple[str, date, int, int, int]]) -> list[dict[str, Any]]:
    """What came by day, what came late of it, and what never came."""
    found: dict[date, list[int]] = {}
    for topic, on, *figures in rows:
        if _is_delivery(topic):
            found[on] = [one + other for one, other in zip(found.get(on, [0, 0, 0]), figures, strict=True)]
    return [
        {"on": on, "seen": seen, "late": late, "missed": missed} for on, (seen, late, missed) in sorted(found.items())
    ]


def _topics(rows: list[Any], compared: list[Any], last: dict[str, datetime]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for topic, _on, seen, late, missed in rows:
        if _is_delivery(topic):
            row = found.setdefault(
                topic, {"topic": topic, "seen": 0, "late": 0, "missed": 0, "repaired": 0, "latest": 0}
            )
            row["seen"], row["late"], row["missed"] = row["seen"] + seen, row["late"] + late, row["missed"] + missed
    for one in compared:
        for topic, said in one.found.items():
            row = found.setdefault(
                topic, {"topic": topic, "seen": 0, "late": 0, "missed": 0, "repaired": 0, "latest": 0}
            )
            row["repaired"] += said["repaired"]
            row["latest"] = max(row["latest"], said.get("late", 0))
    return [
        row | {"expected": row["seen"] + row["missed"], "last_at": last.get(row["topic"])}
        for _topic, row in sorted(found.items())
    ]


def _pages(rows: list[Any], last: dict[str, datetime]) -> dict[str, Any]:
    """What the shop's pages told: by type, what was turned away and why, and which trackers spoke."""
    told: dict[str, dict[str, int]] = {hearing.EVENT: {}, hearing.REFUSED: {}, hearing.TRACKER: {}}
    for topic, _on, seen, _late, _missed in rows:
        for mark, counted in told.items():
            if topic.startswith(mark):
                name = topic.removeprefix(mark)
                counted[name] = counted.get(name, 0) + seen
    taken, refused = sum(told[hearing.EVENT].values()), sum(told[hearing.REFUSED].values())
    return {
        "taken": taken, "refused": refused, "refused_share": refused / (taken + refused) if taken + refused else 0.0,
        "an_hour": taken / (DAYS * 24),
        "types": [{"type": name, "seen": seen, "last_at": last.get(hearing.EVENT + name)} for name, seen in _most(told[hearing.EVENT])],
        "reasons": [{"reason": name, "count": count} for name, count in _most(told[hearing.REFUSED])],
        "versions": [{"version": name, "count": count} for name, count in _most(told[hearing.TRACKER])],
    }  # fmt: skip


def _most(counted: dict[str, int], most: int = 20) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:most]


def _webhooks(shop: Shop) -> dict[str, Any]:
    held = shop.reconciled.get("webhooks") or {}
    at = shop.reconciled.get("tended_at")
    mended = sum(held.get(name, 0) for name in ("made", "woken", "moved", "renewed"))
    state = "unknown" if not at else "barred" if held.get("barred") else "mended" if mended else "well"
    return {"state": state, "looked_at": datetime.fromisoformat(at) if at else None} | {
        name: held.get(name, 0) for name in ("made", "woken", "moved", "renewed")
    }


def _next(shop: Shop) -> datetime | None:
    """Return when the shop is compared next, None when it cannot be."""
    every = backfill.EVERY.get(shop.kind)
    if every is None or not shops.readable(shop) or shop.state == shops.PAUSED or shop.reconciled_at is None:
        return None
    return max(shop.reconciled_at + every, clock.now())


def fetching(shop: Shop) -> dict[str, Any] | None:
    """Return how far the fetching or comparing is, None when nothing was asked for."""
    held = shop.backfill
    if not held.get("state"):
        return None
    again, done = held.get("leased_until"), held.get("done", {})
    return {
        "state": held["state"], "comparing": bool(held.get("since")), "kind": held.get("kind", ""), "share": backfill.share(held),
        "seconds_left": backfill.left(held), "said": held.get("said", ""), "tries": held.get("tries", 0),
        "again_at": datetime.fromisoformat(again) if again and held.get("tries") and not held.get("holder") else None,
        "kinds": [
            {"kind": kind, "fetched": done[kind]["fetched"], "changed": done[kind]["changed"], "failed": done[kind]["failed"],
             "total": done[kind].get("total", (held.get("totals") or {}).get(kind))}
            for kind in held.get("kinds") or done if kind in done
        ],
    }  # fmt: skip


def compared_shown(one: Any) -> dict[str, Any]:
    """Return a comparison as plain values, with its sums."""
    found = one.found.values()
    sums = {name: sum(row.get(name, 0) for row in found) for name in ("expected", "came", "missed", "repaired")}
    return {"began_at": one.began_at, "ended_at": one.ended_at, "deep": one.deep, "found": one.found, "gone": one.gone,
            "webhooks": one.webhooks, "late": max((row.get("late", 0) for row in found), default=0), **sums}  # fmt: skip


def alarm_shown(one: Any) -> dict[str, Any]:
    """Return an alarm as plain values."""
    names = ("id", "kind", "topic", "began_at", "noticed_at", "ended_at", "seen", "expected", "chance", "said")
    return {name: getattr(one, name) for name in names}
