"""How much each part of what is written about a shop's products tells of what is wanted together, chosen on its own newest pairs.

One shop sorts its range well, another names its products well, a third writes long descriptions. What was looked at or bought
one after the other is asked for with what is written alone, as though nothing had a history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from saas.recommend import suggestions
from saas.recommend.likeness import LikenessModel, Shares, Text, weighed
from saas.recommend.vocabulary import Id

N = 10
FEWEST, MOST = 100, 400  # pairs to judge by: below that chance would choose
LARGEST = 20_000  # products; comparing more of them so often takes too long
USUAL = Shares()
CHOICES = (
    USUAL, replace(USUAL, categories=0.0), replace(USUAL, categories=1.5), replace(USUAL, pieces=0.0), replace(USUAL, pieces=0.8),
    replace(USUAL, description=0.0), replace(USUAL, description=0.8), replace(USUAL, tags=0.0), replace(USUAL, tags=1.2),
)  # fmt: skip
SURELY = 1.05  # a choice must be better by so much than the usual one


def tune(items: Sequence[Id], texts: Sequence[Text], pairs: Sequence[tuple[Id, Id]]) -> Shares:
    """This function will choose Shares by how often the second of a pair is among the ten likest of the first.

    `pairs` are what was wanted together lately; too few of them, or too large a range, answer with the usual ones.
    """
    number = {item: place for place, item in enumerate(items)}
    asked = [(number[a], number[b]) for a, b in pairs if a in number and b in number and a != b][-MOST:]
    if len(asked) < FEWEST or len(items) > LARGEST:
        return USUAL
    hits = {choice: _hits(texts, asked, choice) for choice in CHOICES}
    best = max(CHOICES, key=lambda choice: hits[choice])
    return best if hits[best] > SURELY * hits[USUAL] else USUAL


def _hits(texts: Sequence[Text], asked: list[tuple[int, int]], shares: Shares) -> int:
    table = weighed(texts, shares)
    rows, wanted = np.array(asked).T
    likeness = (table[rows] @ table.T).tolil()
    likeness[np.arange(len(rows)), rows] = 0.0
    found = 0
    for how, others, one in zip(likeness.data, likeness.rows, wanted.tolist(), strict=True):
        found += one in np.array(others)[suggestions.best(np.array(how), N)].tolist() if others else 0
    return found


def score(
    model: LikenessModel, pairs: Sequence[tuple[Id, Id]], popular: Sequence[Id], *, n: int = 20
) -> dict[str, float | int]:
    """This function will work out how often the second of a pair is among the likest of the first, beside what is popular."""
    asked = [(a, b) for a, b in pairs if a != b and a in model.vocabulary and b in model.vocabulary][-MOST:]
    if not asked:
        return {}
    hits = sum(b in [one.item for one in model.predict([a], n=n)] for a, b in asked)
    plain = sum(b in popular[:n] for _a, b in asked)
    return {
        "hit_rate": round(hits / len(asked), 4),
        "popular_hit_rate": round(plain / len(asked), 4),
        "cases": len(asked),
    }
