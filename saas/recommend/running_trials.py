"""Running trials as they come from the shelf: by their places, each arm's settings as something that can be looked up by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson


def read(data: bytes) -> dict[str, Any]:
    """Read running trials as `trials.compiled` wrote them."""
    running = orjson.loads(data)
    for trial in running.values():
        for arm in trial["arms"]:
            arm["frozen"] = frozen(arm["settings"])
    return running


def frozen(settings: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return settings as pairs in a fixed order, lists as tuples."""
    pairs = ((name, tuple(value) if isinstance(value, list) else value) for name, value in settings.items())
    return tuple(sorted(pairs))
