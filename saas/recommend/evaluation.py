"""How good a recommender is, by the definitions the literature reports, so that our figures stand beside theirs.

`rank` is the place of a wanted item in a list, 1 for the first, 0 when it is not there. The functions on arrays of
ranks serve the next item of a session (one wanted item per case); those on lists serve baskets (several wanted).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Predict = Callable[[Any], Sequence[Any]]


def rank(recommended: Sequence[Any], wanted: Any) -> int:
    """Find the place of an item in a list: 1 is the first, 0 means that it is not in it."""
    return next((place for place, item in enumerate(recommended, 1) if item == wanted), 0)


def hit_rate(ranks: Sequence[int] | np.ndarray, *, n: int) -> float:
    """Share of cases whose wanted item is among the first n (HitRate@n; with one wanted item also Recall@n)."""
    ranks = np.asarray(ranks)
    return float(np.mean((ranks > 0) & (ranks <= n))) if len(ranks) else 0.0


def mrr(ranks: Sequence[int] | np.ndarray, *, n: int) -> float:
    """Mean of 1/rank, counting 0 beyond the first n (MRR@n, as in Hidasi et al. 2016, arXiv:1511.06939)."""
    ranks = np.asarray(ranks, dtype=float)
    inside = (ranks > 0) & (ranks <= n)
    return float(np.sum(1.0 / ranks[inside]) / len(ranks)) if len(ranks) else 0.0


def ndcg(recommended: Sequence[Any], relevant: Collection[Any], *, n: int) -> float:
    """Discounted gain of the first n over the best possible, gain 1 or 0, discount log2(place + 1).

    Source: Jarvelin and Kekalainen 2002; the ideal list holds min(n, number of relevant items) hits.
    """
    gains = np.array([item in relevant for item in recommended[:n]], dtype=float)
    discounts = 1.0 / np.log2(np.arange(2, n + 2))
    ideal = discounts[: min(n, len(relevant))].sum()
    return float((gains * discounts[: len(gains)]).sum() / ideal) if ideal else 0.0


def recall(recommended: Sequence[Any], relevant: Collection[Any], *, n: int) -> float:
    """Share of the relevant items that are among the first n."""
    return sum(item in relevant for item in recommended[:n]) / len(relevant) if relevant else 0.0


def next_items(predict: Predict, pairs: Iterable[tuple[Any, Any]], *, n: int) -> dict[str, float]:
    """Judge a session recommender on (items so far, wanted item) pairs.

    `predict(items so far)` answers a list of items. Returns `hit_rate` and `mrr`, both at n, and `cases`.
    """
    ranks = [rank(predict(seen), wanted) for seen, wanted in pairs]
    return {"hit_rate": hit_rate(ranks, n=n), "mrr": mrr(ranks, n=n), "cases": len(ranks)}


def baskets(
    predict: Predict, cases: Iterable[tuple[Any, Collection[Any]]], *, ndcg_at: int, recall_at: int
) -> dict[str, float]:
    """Judge a buyer recommender on (buyer, items bought later) cases; those without later items do not count.

    Returns means over the cases: `ndcg` at `ndcg_at`, `recall` at `recall_at`, and `cases`.
    """
    figures = [
        (ndcg(listed, later, n=ndcg_at), recall(listed, later, n=recall_at))
        for buyer, later in cases
        if later
        for listed in [predict(buyer)]
    ]
    means = np.mean(figures, axis=0) if figures else (0.0, 0.0)
    return {"ndcg": float(means[0]), "recall": float(means[1]), "cases": len(figures)}


def coverage(lists: Iterable[Iterable[Any]], *, of: int) -> float:
    """Share of a range of `of` items that stands in at least one of the lists (Herlocker et al. 2004, section 4.3.2)."""
    return len({item for listed in lists for item in listed}) / of if of else 0.0


def long_tail(lists: Iterable[Iterable[Any]], counts: Mapping[Any, float], *, of: int, head: float = 0.2) -> float:
    """Share of what is listed that does not belong to the most wanted `head` of a range of `of` items.

    `counts` says how often each item was wanted; one that is missing was never wanted.
    """
    most = set(sorted(counts, key=lambda item: -counts[item])[: round(of * head)])
    listed = [item for one in lists for item in one]
    return sum(item not in most for item in listed) / len(listed) if listed else 0.0


def novelty(lists: Iterable[Iterable[Any]], counts: Mapping[Any, float]) -> float:
    """Mean self-information -log2(share of all that was wanted) of what is listed, in bits; a never wanted item counts one half.

    Source: Vargas and Castells, RecSys 2011 (mean self-information, Zhou et al. 2010).
    """
    whole = sum(counts.values())
    listed = [item for one in lists for item in one]
    return float(np.mean([-np.log2(counts.get(item, 0.5) / whole) for item in listed])) if listed and whole else 0.0
