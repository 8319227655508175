"""When somebody will want a product again: each person's own rhythm for what they buy time and again.

The pause between two purchases of a product by one person is taken as log-normal. Its mean leans on what is known: the person's own
pauses lean on the product's, those on the shop's, as though a few more had been seen (a pooled prior). What a product is worth
naming today is how likely it is wanted in the coming days, given that it was not wanted since, times how often such a product is
bought again at all, times how often this person bought it. Days count from any origin; purchases of one day are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from saas.recommend import archive
from saas.recommend.suggestions import Suggestion
from saas.recommend.vocabulary import Id, Vocabulary

KIND, VERSION = "again", 1
OF_PRODUCT, OF_PERSON = 5.0, 2.0  # pauses that the shop's mean counts for a product's, the product's for a person's
OF_SHARE = 10.0  # buyers that the shop's share of who buys again counts for a product's
HORIZON = 30.0  # days ahead
NARROWEST = 0.25  # of the log of a pause: nobody is a clock
SOON = 0.8  # of the rhythm, from which on it is said to be due
LATE = 3.0  # of the rhythm, from which on they seem to have given it up


class Rhythm(NamedTuple):
    """How often somebody buys a product: every so many days, the last time so many days ago, so many times by now."""

    item: Id
    every: float
    ago: float
    times: int

    @property
    def due(self) -> bool:
        """Whether it is about time: from four fifths of the rhythm to three times of it."""
        return self.times > 1 and SOON * self.every <= self.ago <= LATE * self.every


class AgainModel:
    """The mean log of the pause and the share of buyers who come back, for each product and for the shop.

    `weight` is the word it has beside a buyer model in a list of what somebody buys next, `alone` in one of what they buy again: 0
    where it does not help (see `again_tuning`).
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        means: np.ndarray,
        shares: np.ndarray,
        *,
        mean: float,
        spread: float,
        share: float,
        weight: float = 0.0,
        alone: float = 1.0,
    ) -> None:
        self.vocabulary, self.means, self.shares = vocabulary, means, shares
        self.mean, self.spread, self.share = mean, spread, share
        self.weight, self.alone = weight, alone

    @classmethod
    def fit(cls, buyers: np.ndarray, items: np.ndarray, days: np.ndarray) -> AgainModel:
        """This function will learn from order lines: three arrays with one entry per line."""
        vocabulary, columns = Vocabulary.encode(items)
        size = len(vocabulary)
        lines = np.unique(np.stack([np.asarray(buyers), columns, np.floor(days).astype(np.int64)]), axis=1)
        same = (lines[0][1:] == lines[0][:-1]) & (lines[1][1:] == lines[1][:-1])
        pauses = np.log(np.diff(lines[2])[same])
        of = lines[1][1:][same]
        mean = float(pauses.mean()) if len(pauses) else np.log(HORIZON)
        spread = max(float(pauses.std()) if len(pauses) > 1 else 1.0, NARROWEST)
        means = (np.bincount(of, pauses, size) + OF_PRODUCT * mean) / (np.bincount(of, minlength=size) + OF_PRODUCT)
        pairs, times = np.unique(lines[:2], axis=1, return_counts=True)
        having, back = np.bincount(pairs[1], minlength=size), np.bincount(pairs[1], times > 1, size)
        share = float(back.sum() / max(having.sum(), 1))
        return cls(
            vocabulary, means, (back + OF_SHARE * share) / (having + OF_SHARE), mean=mean, spread=spread, share=share
        )

    def predict(
        self,
        items: Sequence[Id],
        days: Sequence[float] | np.ndarray,
        *,
        now: float,
        n: int = 20,
        only: Iterable[Id] | None = None,
    ) -> list[Suggestion]:
        """List the n products of a history most likely bought again soon; `items` and `days` are the buyer's own order lines.

        `because` is the product itself, `together` on how many days they bought it.
        """
        moments = _moments(items, days)
        wanted = moments.keys() if only is None else moments.keys() & set(only)
        scores = {item: self._worth(item, moments[item], now) for item in moments if item in wanted}
        order = sorted(scores, key=lambda item: -scores[item])[:n]
        return [Suggestion(item, scores[item], item, len(moments[item])) for item in order]

    def rhythms(self, items: Sequence[Id], days: Sequence[float] | np.ndarray, *, now: float) -> list[Rhythm]:
        """List how often somebody buys each product of their history, what is due first and there the likeliest."""
        moments = _moments(items, days)
        found = [(self.rhythm(item, when, now=now), self._worth(item, when, now)) for item, when in moments.items()]
        return [rhythm for rhythm, _worth in sorted(found, key=lambda one: (not one[0].due, -one[1]))]

    def rhythm(self, item: Id, moments: Sequence[float], *, now: float) -> Rhythm:
        """Return how often somebody buys a product that they bought on these days, the oldest first."""
        return Rhythm(
            item, float(np.exp(self._mean(item, moments))), max(float(np.floor(now)) - moments[-1], 0.0), len(moments)
        )

    def _mean(self, item: Id, moments: Sequence[float]) -> float:
        number = self.vocabulary.number(item)
        usual = float(self.means[number]) if number >= 0 else self.mean
        own = np.log(np.maximum(np.diff(moments), 1.0))
        return float((own.sum() + OF_PERSON * usual) / (len(own) + OF_PERSON))

    def _worth(self, item: Id, moments: Sequence[float], now: float) -> float:
        number, age = self.vocabulary.number(item), max(now - moments[-1], 0.5)
        share = float(self.shares[number]) if number >= 0 else self.share
        mean = self._mean(item, moments)
        before, then = (_below((np.log(days) - mean) / self.spread) for days in (age, age + HORIZON))
        return (then - before) / max(1.0 - before, 1e-6) * share * len(moments)

    def __len__(self) -> int:
        return len(self.vocabulary)

    def to_bytes(self) -> bytes:
        """Write the model for `from_bytes`."""
        facts = {
            "mean": self.mean,
            "spread": self.spread,
            "share": self.share,
            "weight": self.weight,
            "alone": self.alone,
        }
        arrays = {"ids": self.vocabulary.array(), "means": self.means, "shares": self.shares}
        return archive.pack(kind=KIND, version=VERSION, facts=facts, arrays=arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> AgainModel:
        """Read a model; raises archive.Unreadable."""
        facts, held = archive.unpack(data, kind=KIND, version=VERSION)
        return cls(Vocabulary(held["ids"]), held["means"], held["shares"], **facts)


def _moments(items: Sequence[Id], days: Sequence[float] | np.ndarray) -> dict[Id, list[float]]:
    """Return on which days each product was bought, the oldest first; the time of day is dropped."""
    found: dict[Id, set[float]] = {}
    for item, day in zip(items, days, strict=True):
        found.setdefault(item, set()).add(float(np.floor(day)))
    return {item: sorted(moments) for item, moments in found.items()}


def _below(place: float) -> float:
    """Return the share of a standard normal below a place."""
    from math import erf, sqrt

    return 0.5 * (1.0 + erf(place / sqrt(2.0)))


def blended(buyer: Sequence[Suggestion], own: Sequence[Suggestion], weight: float, *, n: int) -> list[Id]:
    """This function will blend what a buyer model lists with what is due by rank, as places do (see `ranking`)."""
    scores: dict[Id, float] = {}
    for word, listed in ((1.0, buyer), (weight, own)):
        for place, one in enumerate(listed if word else (), 1):
            scores[one.item] = scores.get(one.item, 0.0) + word / (5.0 + place)
    return sorted(scores, key=lambda item: -scores[item])[:n]
