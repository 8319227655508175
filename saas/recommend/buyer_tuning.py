"""Parameters for one shop's buyers, chosen on its own last weeks: how fast tastes and seasons pass differs by trade.

The last `horizon` days are held back, the model is fitted on what was before, and judged by what the known
buyers then bought. Nothing else is looked at.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from saas.recommend import tuning
from saas.recommend.buyer_weights import DEFAULTS, MODES, Weights
from saas.recommend.ties import Fading, Purchases, learn

NDCG_AT, RECALL_AT = 10, 20
FEWEST, MOST = 50, 1500  # buyers to judge by: below chance would choose, above it only costs time
CELLS = (
    40_000_000  # buyers x items judged at once, some 20 bytes each: a large range of goods is judged by fewer buyers
)
FADINGS = [Fading(taste=taste, ridge=ridge) for taste in (120.0, 250.0) for ridge in (7.0, 20.0, 60.0)]
ROUNDS = 3
MOVES = {
    "repeat": {
        "habit": ("times", 1.8),
        "evenness": ("plus", 0.3),
        "trend": ("plus", 0.15),
        "season": ("times", 1.6),
        "habit_span": ("times", 2.0),
    },
    "discover": {"trend": ("plus", 0.15), "season": ("times", 1.6)},
}


def tune(
    buyers: np.ndarray, items: np.ndarray, days: np.ndarray, *, horizon: float = 30.0, seed: int = 0
) -> tuple[Fading, dict[str, Weights]]:
    """Choose Fading and the Weights of each mode on a validation cut of the given order lines (as for BuyerModel.fit).

    Raises NDCG@10 + Recall@20 of what is bought in the last `horizon` days (a quarter of the history if that is
    shorter) by up to 1,500 buyers known before, drawn with `seed`. Too few buyers answer with the defaults.
    """
    buyers, items, days = np.asarray(buyers), np.asarray(items), np.asarray(days, dtype=float)
    if not len(days):
        return Fading(), dict(DEFAULTS)
    cut = days.max() - min(horizon, (days.max() - days.min()) / 4)
    before = days < cut
    bought = Purchases(buyers[before], items[before], days[before], now=float(cut))
    exam = Exam(bought, buyers[~before], items[~before], seed=seed)
    if len(exam.rows) < FEWEST:
        return Fading(), dict(DEFAULTS)
    best, fading, tied = -1.0, Fading(), None
    for trial in FADINGS:
        scores = exam.tied(trial)
        figure = sum(exam.judge(mode, DEFAULTS[mode], scores) for mode in MODES)
        if figure > best:
            best, fading, tied = figure, trial, scores
    return fading, {mode: exam.improve(mode, DEFAULTS[mode], tied) for mode in MODES}


class Exam:
    """Buyers with what they bought before and after the cut, as boolean arrays buyers x items."""

    def __init__(self, bought: Purchases, buyers: np.ndarray, items: np.ndarray, *, seed: int) -> None:
        self.bought = bought
        rows = {name: row for row, name in enumerate(bought.buyers.tolist())}
        later = {
            (rows[buyer], bought.vocabulary.number(item))
            for buyer, item in zip(buyers.tolist(), items.tolist(), strict=True)
            if buyer in rows and item in bought.vocabulary
        }
        self.rows = np.unique([row for row, _ in later]).astype(np.int64)
        most = max(FEWEST, min(MOST, CELLS // max(len(bought.vocabulary), 1)))
        if len(self.rows) > most:
            self.rows = np.sort(np.random.default_rng(seed).choice(self.rows, most, replace=False))
        self.bought_later = np.zeros((len(self.rows), len(bought.vocabulary)), dtype=bool)
        place = {row: number for number, row in enumerate(self.rows.tolist())}
        for row, item in later:
            if row in place:
                self.bought_later[place[row], item] = True
        self.owned = bought.faded(1e9)[self.rows].toarray() > 0

    def tied(self, fading: Fading) -> np.ndarray:
        """Score all items for all buyers by the ties learnt under `fading`, before demand and habit."""
        taste = self.bought.faded(fading.taste)[self.rows]
        taste.data = np.minimum(taste.data, 1.0)
        return (taste @ learn(self.bought, fading).matrix()).toarray()

    def judge(self, mode: str, weights: Weights, tied: np.ndarray) -> float:
        """Work out mean NDCG@10 + mean Recall@20 over the buyers who bought something that the mode may list."""
        scores = tied * self.bought.demand(weights.season).astype(np.float32) ** weights.trend
        wanted = self.bought_later
        if mode == "repeat":
            frequency = self.bought.faded(weights.habit_span)[self.rows]
            frequency.data = weights.habit * frequency.data**weights.evenness
            scores += frequency.toarray()
        else:
            wanted = wanted & ~self.owned
            scores[self.owned] = -np.inf
        judged = wanted.any(axis=1)
        return figure(scores[judged], wanted[judged]) if judged.any() else 0.0

    def improve(self, mode: str, start: Weights, tied: np.ndarray) -> Weights:
        """Search better weights for a mode."""

        def judge(values: dict[str, float]) -> float:
            return self.judge(mode, Weights(**values), tied)

        return Weights(**tuning.climb(asdict(start), judge=judge, moves=MOVES[mode], rounds=ROUNDS))


def figure(scores: np.ndarray, wanted: np.ndarray) -> float:
    """Compute mean NDCG@10 + mean Recall@20 as `evaluation` defines them, for whole arrays buyers x items."""
    depth = min(RECALL_AT, scores.shape[1])
    top = np.argpartition(-scores, depth - 1, axis=1)[:, :depth]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
    hits = np.take_along_axis(wanted, np.take_along_axis(top, order, axis=1), axis=1)
    number = wanted.sum(axis=1)
    discounts = 1.0 / np.log2(np.arange(2, NDCG_AT + 2))
    ideal = np.cumsum(discounts)[np.minimum(number, NDCG_AT) - 1]
    gains = hits[:, :NDCG_AT] @ discounts[: min(depth, NDCG_AT)]
    return float(np.mean(gains / ideal) + np.mean(hits.sum(axis=1) / number))
