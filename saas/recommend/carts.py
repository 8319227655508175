"""What completes a cart: pairs of products that meet in orders, and ties that ask what each product adds beside the others.

Pairs alone recommend the same companions again and again when a cart is large: whatever goes with one of its products goes with
most. Ties by EASE^R over orders (see `ties`) subtract what the other products explain already. How much each has to say is
chosen on the shop's own newest orders by `cart_tuning`. Beside one product alone the `pairs` are asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from saas.recommend import archive, ragged, suggestions
from saas.recommend.baskets import BasketModel
from saas.recommend.suggestions import Suggestion
from saas.recommend.ties import Fading, Purchases, Ties, learn
from saas.recommend.vocabulary import Id, Vocabulary

KIND, VERSION = "carts", 1
SHRINK = 5.0  # meetings at which a pair is half believed
FOR_EVER = 1e9  # days: what was in one order a year ago belongs together as much as what was yesterday
PAIRS = ("first", "consequents", "together", "having", "then_having")


@dataclass(frozen=True)
class Weights:
    """`ridge` is that of the ties (see Fading); `pairs` is the word of the pairs against a word of 1 of the ties."""

    ridge: float = 2.0
    pairs: float = 1.0


class CartModel:
    """Ties and pairs over orders, both of the same products."""

    def __init__(self, pairs: BasketModel, ties: Ties, weights: Weights) -> None:
        self.pairs, self.ties, self.weights, self.vocabulary = pairs, ties, weights, pairs.vocabulary

    @classmethod
    def fit(cls, orders: np.ndarray, items: np.ndarray, *, weights: Weights) -> CartModel:
        """Fit on order lines: two arrays with one entry per line; doubled lines count once."""
        return cls(BasketModel.fit(orders, items), ties_of(orders, items, weights.ridge), weights)

    def predict(
        self,
        items: Sequence[Id],
        *,
        n: int = 20,
        exclude: Iterable[Id] = (),
        only: Iterable[Id] | None = None,
        least: int = 1,
    ) -> list[Suggestion]:
        """List the n items that complete a cart, none of which lies in it.

        A score is the sum of the ties from the cart's items plus `pairs` times the sum of their pairs, each scaled to a maximum
        of 1; a pair scores its confidence / (baskets with the consequent) ** 0.25, shrunk by support. What met with
        no item of the cart `least` times is not listed. `because` is the item of the cart that adds most, `together` the orders
        that have both.
        """
        known = np.unique(self.vocabulary.known(items))
        allowed = np.ones(len(self.vocabulary), dtype=bool)
        allowed[known] = False
        allowed = suggestions.block(allowed, self.vocabulary, exclude, only)
        gifts = [self._tied(known, least), self._paired(known, least)]
        totals = np.zeros(len(self.vocabulary))
        scales = []
        for (_sources, found, given, _met), word in zip(gifts, (1.0, self.weights.pairs), strict=True):
            sums = np.where(allowed, np.bincount(found, given, len(totals)), 0.0)
            scales.append(word / sums.max() if sums.max(initial=0.0) > 0 else 0.0)
            totals += sums * scales[-1]
        return [self._suggested(item, totals, known, gifts, scales) for item in suggestions.best(totals, n)]

    def _suggested(
        self, item: int, totals: np.ndarray, known: np.ndarray, gifts: list[tuple], scales: list[float]
    ) -> Suggestion:
        """Find the item of the cart that gives most."""
        given = [
            (float(gift[place]) * scale, int(sources[place]), int(met[place]))
            for (sources, found, gift, met), scale in zip(gifts, scales, strict=True)
            for place in np.flatnonzero(found == item)
        ]
        _most, source, met = max(given)
        return Suggestion(self.vocabulary[item], float(totals[item]), self.vocabulary[known[source]], met)

    def _tied(self, known: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        sources, places = self.ties.of(known)
        met = self.ties.together[places]
        kept = met >= least
        places = places[kept]
        return sources[kept], self.ties.followers[places], self.ties.weights[places], met[kept]

    def _paired(self, known: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        pairs = self.pairs
        sources, places = ragged.expand(pairs.first[known], pairs.first[known + 1] - pairs.first[known])
        met = pairs.together[places]
        kept = met >= least
        sources, places, met = sources[kept], places[kept], met[kept]
        found = pairs.consequents[places]
        sure = met / pairs.having[known[sources]] / np.maximum(pairs.then_having[found], 1) ** 0.25
        return sources, found, sure * met / (met + SHRINK), met

    def to_bytes(self) -> bytes:
        """Write the model for `from_bytes`."""
        arrays = {
            "ids": self.vocabulary.array(),
            **{f"tie_{name}": array for name, array in vars(self.ties).items()},
            **{f"pair_{name}": getattr(self.pairs, name) for name in PAIRS},
        }
        facts = {"weights": asdict(self.weights), "pairs": self.pairs.facts}
        return archive.pack(kind=KIND, version=VERSION, facts=facts, arrays=arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> CartModel:
        """Read a model; raises archive.Unreadable."""
        facts, arrays = archive.unpack(data, kind=KIND, version=VERSION)
        ties = Ties(**{name[4:]: array for name, array in arrays.items() if name.startswith("tie_")})
        pairs = BasketModel(Vocabulary(arrays["ids"]), facts["pairs"], {name: arrays[f"pair_{name}"] for name in PAIRS})
        return cls(pairs, ties, Weights(**facts["weights"]))


def ties_of(orders: np.ndarray, items: np.ndarray, ridge: float) -> Ties:
    """This function will learn what the items of an order say of each other."""
    return learn(Purchases(orders, items, np.zeros(len(items))), Fading(taste=FOR_EVER, ridge=ridge))
