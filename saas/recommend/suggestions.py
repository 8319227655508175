"""What every recommender answers with, so that doors, mails and the widget can treat all of them alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from saas.recommend.vocabulary import Id, Vocabulary


class Suggestion(NamedTuple):
    """One item to show, with the evidence for its reason.

    `score` orders suggestions of one answer and means nothing across answers. `because` is the item of the shopper
    from which this one follows, the item itself when it is a reminder, None when there is none (popularity).
    `together` counts who had both: other sessions, orders or buyers; for a reminder and for popularity it is how
    many had the item.
    """

    item: Id
    score: float
    because: Id | None
    together: int


def best(scores: np.ndarray, n: int) -> np.ndarray:
    """Find the places of the n greatest positive scores, greatest first, equal ones in order of place."""
    places = np.flatnonzero(scores > 0)
    if len(places) > n > 0:
        floor = np.partition(scores[places], len(places) - n)[len(places) - n]
        places = places[scores[places] >= floor]
    return places[np.argsort(-scores[places], kind="stable")][: max(n, 0)]


def filled(
    found: list[tuple[Id, float]], vocabulary: Vocabulary, demand: np.ndarray, *, n: int, without: Iterable[Id] = ()
) -> list[tuple[Id, float]]:
    """Fill a list of (item, score) up to n with the items of the greatest demand, scored below all that were found."""
    if len(found) >= n:
        return found
    allowed = block(np.ones(len(demand), dtype=bool), vocabulary, [*without, *(item for item, _ in found)], None)
    more = best(np.where(allowed, demand, 0.0), n - len(found))
    unit = (found[-1][1] if found else 1.0) / (2 * float(demand.max(initial=1.0)))
    return found + [(vocabulary[place], float(demand[place]) * unit) for place in more]


def block(allowed: np.ndarray, vocabulary: Vocabulary, exclude: Iterable[Id], only: Iterable[Id] | None) -> np.ndarray:
    """Narrow a boolean array over the vocabulary: keep those in `only` (when given), drop those in `exclude`."""
    if only is not None:
        kept = np.zeros_like(allowed)
        kept[vocabulary.known(only)] = True
        allowed &= kept
    allowed[vocabulary.known(exclude)] = False
    return allowed
