"""Which of two values is the newer one, field by field, so that messages may come in any order, twice or late.

Each field remembers the moment of the message that set it; a later moment wins, and of two values of one moment the larger
text. That makes taking messages commutative and idempotent (a last-writer-wins register per field; Shapiro et al. 2011).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def stamp(moment: datetime) -> str:
    """Return a moment as text that sorts like the moment."""
    return f"{int(moment.timestamp() * 1_000_000):020d}"


def newer(
    row: Mapping[str, Any], *, at: datetime, held: Mapping[str, Any], versions: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the fields of `row` (a message of the moment `at`) that beat what is held, and the versions as they are then."""
    moment = stamp(at)
    taken: dict[str, Any] = {}
    after = dict(versions)
    for name, value in row.items():
        known = versions.get(name, "")
        if moment < known or (moment == known and str(value) <= str(held.get(name))):
            continue
        after[name] = moment
        if value != held.get(name):
            taken[name] = value
    return taken, after
