"""Weights for one shop's sessions, chosen on its own newest sessions: they differ by what people buy there.

The newest part of the history is held back (by order: sessions need no clock), the rest is the history, and every
step of the held-back sessions asks for its next item. Nothing else is looked at.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from saas.recommend import evaluation, tuning
from saas.recommend.neighbourhood import DEFAULTS, Neighbourhood, Weights
from saas.recommend.session_log import SessionLog

N = 20  # the list length that is judged
HELD_BACK = 0.2  # at most this share of the sessions is held back
FEWEST = 300  # below this many questions chance would choose, so the defaults stay
ENTRIES = 8_000_000  # bound of the table's length, about 200 MB
ROUNDS = 4

SHARED = {
    "position": ("times", 1.6),
    "rarity": ("plus", 0.3),
    "recency": ("times", 1.6),
    "brevity": ("plus", 0.15),
    "after": ("times", 1.6),
    "before": ("times", 1.6),
    "backward": ("times", 1.4),
    "niche": ("plus", 0.08),
    "trend": ("plus", 0.1),
    "similarity": ("times", 1.15),
}
REMINDERS = {
    "itself": ("times", 1.6),
    "last": ("times", 1.6),
    "earlier": ("times", 1.6),
    "fading": ("times", 1.6),
    "repeated": ("plus", 0.2),
}


def tune(
    sessions: np.ndarray, items: np.ndarray, at: np.ndarray | None = None, *, questions: int = 5000, seed: int = 0
) -> dict[str, Weights]:
    """Choose Weights for each mode on a validation cut of the given clicks (arrays as for SessionModel.fit).

    Raises HitRate@20 + MRR@20 over up to `questions` (items so far, next item) pairs of the newest sessions; `seed`
    draws the pairs when there are more. Too short a history answers with the defaults. Takes some ten seconds on
    a million clicks.
    """
    whole = SessionLog.gather(sessions, items, at)
    log, asked = split(whole, questions=questions, seed=seed)
    if len(asked) < FEWEST:
        return dict(DEFAULTS)
    fresh = [(seen, wanted) for seen, wanted in asked if wanted not in seen]
    return {
        "continue": _chosen(log, asked, "continue", {**SHARED, **REMINDERS}),
        "discover": _chosen(log, fresh, "discover", SHARED) if len(fresh) >= FEWEST else DEFAULTS["discover"],
    }


def split(whole: SessionLog, *, questions: int, seed: int) -> tuple[SessionLog, list[tuple[list[int], int]]]:
    """Cut a log into an older one and the questions of the newest sessions, as (seen, wanted) of its item numbers.

    Items that the older part does not know are left out of the questions, since nothing could find them.
    """
    steps = np.cumsum(np.maximum(np.diff(whole.starts) - 1, 0)[::-1])
    held = min(int(np.searchsorted(steps, 2 * questions)) + 1, int(whole.sessions * HELD_BACK))
    cut = whole.sessions - held
    end = whole.starts[cut]
    log = SessionLog(whole.vocabulary, whole.items[:end], whole.starts[: cut + 1])
    asked = []
    for session in np.split(whole.items[end:], whole.starts[cut + 1 : -1] - end):
        known = session[log.spread[session] > 0].tolist()
        asked += [(known[:step], known[step]) for step in range(1, len(known))]
    if len(asked) > questions:
        drawn = np.random.default_rng(seed).choice(len(asked), questions, replace=False)
        asked = [asked[index] for index in np.sort(drawn)]
    return log, asked


def _chosen(log: SessionLog, asked: list[tuple[list[int], int]], mode: str, moves: dict) -> Weights:
    sample = Neighbourhood(log, [seen for seen, _ in asked[:200]])
    most = int(ENTRIES / max(len(sample.entry_cell) / sample.size, 1))
    asked = asked[:: -(-len(asked) // most)]
    near = Neighbourhood(log, [seen for seen, _ in asked])
    wanted = np.array([item for _, item in asked])

    def judge(values: dict[str, float]) -> float:
        weights = Weights(**values)
        scores = near.scores(weights)
        if mode == "continue":
            scores = near.remind(scores, weights)
        else:
            scores[near.seen_cell] = 0.0
        places = ranks(near, scores, wanted)
        return evaluation.hit_rate(places, n=N) + evaluation.mrr(places, n=N)

    return Weights(**tuning.climb(asdict(DEFAULTS[mode]), judge=judge, moves=moves, rounds=ROUNDS))


def ranks(near: Neighbourhood, scores: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Find the rank of the wanted item of every session, 0 when nothing leads to it; of equal scores the lower
    item number comes first, as in `predict`."""
    right = near.cell_item == wanted[near.cell_query]
    own = np.zeros(near.size)
    own[near.cell_query[right]] = scores[right]
    rival = own[near.cell_query]
    ahead = (scores > rival) | ((scores == rival) & (near.cell_item < wanted[near.cell_query]))
    places = np.bincount(near.cell_query, ahead, near.size).astype(np.int64) + 1
    return np.where(own > 0, places, 0)
