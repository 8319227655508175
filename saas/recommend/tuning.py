"""Finding good parameters by trying neighbours of the best so far; the figure to raise is the caller's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

GAIN = 1e-5  # smaller improvements are noise


def climb(
    start: dict[str, float],
    *,
    judge: Callable[[dict[str, Any]], float],
    moves: Mapping[str, tuple[str, float]],
    rounds: int,
) -> dict[str, float]:
    """Raise `judge(parameters)` one parameter at a time, halving a step that helps in neither direction.

    `moves` gives for each parameter how it moves: ("times", 1.6) multiplies and divides, ("plus", .2) adds and
    subtracts, never below 0. Parameters that are not in `moves` stay. Returns the best parameters seen.
    """
    best, figure = dict(start), judge(start)
    steps = dict(moves)
    for _ in range(rounds):
        for name, (kind, step) in steps.items():
            for trial in _around(best[name], kind, step):
                raised = judge({**best, name: trial})
                if raised > figure + GAIN:
                    best, figure = {**best, name: trial}, raised
                    break
            else:
                steps[name] = (kind, step**0.5 if kind == "times" else step / 2)
    return best


def _around(value: float, kind: str, step: float) -> tuple[float, float]:
    if kind == "times":
        return value * step, value / step
    return value + step, max(0.0, value - step)
