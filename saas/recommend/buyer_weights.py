"""How a buyer's list is scored: the parameters that `buyer_tuning` chooses and `buyers` serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MODES = ("repeat", "discover")


@dataclass(frozen=True)
class Weights:
    """How a list is scored: ties * demand ** `trend` + `habit` * frequency ** `evenness`.

    Ties are the sum over the items owned of their tie to the item times min(1, sum of exp(-age / taste)). Demand is
    Purchases.demand over `season` days. Frequency is the buyer's own sum of exp(-age / `habit_span`) over their
    purchases of the item (not used in "discover"). Ages are in days.
    """

    season: float = 15.0
    trend: float = 0.5
    habit: float = 0.3
    habit_span: float = 400.0
    evenness: float = 1.0


DEFAULTS: Mapping[str, Weights] = {"repeat": Weights(), "discover": Weights()}
