"""A stretch of one browser's events, as moments and as the ids of the partitioned table."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from saas.kit import identifiers

AHEAD, BEHIND = timedelta(days=1, seconds=1), timedelta(hours=12, minutes=2)
"""How far an id may lie after and before its event's time: browsers with clocks that are wrong (see batches)."""


def window(visitor: str, since: datetime, until: datetime) -> dict[str, Any]:
    """Return the parameters that the queries of this room take for a browser's events from `since` to `until`."""
    bounds = {"low": identifiers.floor(since - BEHIND), "high": identifiers.floor(until + AHEAD)}
    return {"visitor": visitor, "since": since, "until": until, **bounds}
