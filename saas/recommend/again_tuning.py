"""How much each person's rhythm has to say beside the model of buyers, chosen on a shop's own newest weeks.

Two lists are judged: everything somebody may buy next, and of what they had only what they buy again. A rhythm that does not
clearly help has no word in that list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from saas.recommend import evaluation, scores
from saas.recommend.again import AgainModel, blended
from saas.recommend.buyers import BuyerModel
from saas.recommend.vocabulary import Id

WEIGHTS = (0.0, 0.5, 1.0, 2.0)
CLEARLY = 1.02  # what it must better the figure by
FEWEST, LISTED = 50, 100  # buyers to judge by


def judge(
    buyers: np.ndarray, items: np.ndarray, days: np.ndarray, model: BuyerModel | None
) -> tuple[float, float, dict[str, Any]]:
    """This function will hold back the newest 30 days of order lines and choose the weight in the whole list and in the list of what was had.

    `model` is a buyer model of the same shop, of which only the parameters are used. Returns both weights and the notes: of what was
    bought again, NDCG@10 + Recall@20 by rhythm (`rhythm`), by how often (`frequency`), by the buyer model (`taste`) and blended.
    """
    histories, later, cut = scores.buyers_after(buyers, items, days)
    before = days < cut
    if len(later) < FEWEST:
        return 0.0, 1.0, {}
    own = AgainModel.fit(buyers[before], items[before], days[before])
    older = model and BuyerModel.fit(
        buyers[before], items[before], days[before], fading=model.fading, weights=model.weights
    )
    whole: dict[float, list[float]] = {weight: [] for weight in WEIGHTS}
    had: dict[str, list[float]] = {name: [] for name in ("frequency", "rhythm", "taste", *map(str, WEIGHTS))}
    for buyer, wanted in later.items():
        things, when = zip(*histories[buyer], strict=True)
        due = own.predict(things, when, now=cut, n=LISTED)
        taste = older.predict(things, when, now=cut, n=LISTED) if older else []
        for weight in WEIGHTS:
            whole[weight].append(_figure(blended(taste, due, weight, n=20), wanted))
        again = wanted & set(things)
        if again:
            known = older.predict(things, when, now=cut, n=LISTED, only=set(things)) if older else []
            often = [item for item, _times in Counter(things).most_common(20)]
            lists = {"frequency": often, "rhythm": [one.item for one in due], "taste": [one.item for one in known]}
            lists |= {str(weight): blended(known, due, weight, n=20) for weight in WEIGHTS}
            for name, listed in lists.items():
                had[name].append(_figure(listed, again))
    means = {name: float(np.mean(figures)) if figures else 0.0 for name, figures in had.items()}
    alone = _best({weight: means[str(weight)] for weight in WEIGHTS}) if older else 1.0
    notes = {name: round(means[name], 4) for name in ("rhythm", "frequency", "taste")}
    notes |= {"cases": len(had["rhythm"]), "blended": round(means[str(alone)], 4)}
    weight = _best({weight: float(np.mean(figures)) for weight, figures in whole.items()}) if older else 0.0
    return weight, alone, notes


def _figure(listed: Sequence[Id], wanted: Collection[Id]) -> float:
    return evaluation.ndcg(listed, wanted, n=10) + evaluation.recall(listed, wanted, n=20)


def _best(figures: dict[float, float]) -> float:
    best = max(figures, key=lambda weight: figures[weight])
    return best if figures[best] > CLEARLY * figures[0.0] else 0.0
