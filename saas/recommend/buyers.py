"""What a known buyer will buy next, from what all buyers bought over months: for mails, accounts and the portal.

Modes: "repeat" may list what the buyer bought before (they will run out of it), "discover" never does (cross-sell).
To the ties between items (see `ties`) come the buyer's own frequency, as in TIFU-KNN (Hu et al., SIGIR 2020), and
the demand of the moment. The model holds no buyer: `predict` takes the history, so it knows the order of a
minute ago. `fit` chooses its own parameters and keeps the histories it was given, for who has only arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from saas.recommend import archive, buyer_tuning, ragged, suggestions
from saas.recommend.buyer_weights import DEFAULTS, Weights
from saas.recommend.suggestions import Suggestion
from saas.recommend.ties import Fading, Purchases, Ties, learn
from saas.recommend.vocabulary import Id, Vocabulary, as_array

KIND, VERSION = "buyers", 1


def fit(buyers: Sequence[Id], items: Sequence[Id], times: Sequence[float] | np.ndarray) -> Buyers:
    """This function will learn from order lines and choose its own parameters on a validation cut of them.

    Three lists or arrays of equal length with one entry per line: who bought (integers or strings), what (integers or strings), when
    (epoch seconds, or an array of datetime64). The newest 30 days at most are held back for choosing, then everything is learnt.
    Raises ValueError when the lengths differ. Ask what comes through `recommend`.
    """
    if not len(buyers) == len(items) == len(times):
        raise ValueError(f"{len(buyers)} buyers, {len(items)} items and {len(times)} times")
    days = in_days(times)
    names, people = Vocabulary.encode(as_array(buyers))
    things = as_array(items)
    fading, weights = buyer_tuning.tune(people, things, days)
    return Buyers(BuyerModel.fit(people, things, days, fading=fading, weights=weights), names, people, things, days)


def in_days(times: Sequence[float] | np.ndarray) -> np.ndarray:
    """This function will turn epoch seconds or datetime64 into days (float) since 1970."""
    moments = np.asarray(times)
    if moments.dtype.kind in "MO":
        return moments.astype("datetime64[us]").astype(np.int64) / 86_400e6
    return moments.astype(float) / 86_400


class Buyers:
    """A BuyerModel with the histories that it was fitted on, asked by the buyer's name as of the newest line."""

    def __init__(
        self, model: BuyerModel, names: Vocabulary, people: np.ndarray, items: np.ndarray, days: np.ndarray
    ) -> None:
        order = np.lexsort((days, people))
        self.model, self.names = model, names
        self.items, self.days, self.now = items[order], days[order], float(days.max(initial=0.0))
        self.first = ragged.bounds(people[order], len(names))

    def recommend(self, buyer: Id, *, n: int = 20, include_bought: bool = True) -> list[tuple[Id, float]]:
        """This function will list the n items a buyer is most likely to buy next as (item, score), the likeliest first.

        Without `include_bought` none of what the buyer has is listed. An unknown buyer, and a list that is too short, get what is in
        demand now, with scores below those that were found.
        """
        number = self.names.number(buyer)
        low, high = self.first[number : number + 2] if number >= 0 else (0, 0)
        owned, days = self.items[low:high].tolist(), self.days[low:high]
        mode = "repeat" if include_bought else "discover"
        found = [(one.item, one.score) for one in self.model.predict(owned, days, now=self.now, n=n, mode=mode)]
        wanted = self.model.demand[mode] * self.model.ties.buyers
        return suggestions.filled(found, self.model.vocabulary, wanted, n=n, without=() if include_bought else owned)


class BuyerModel:
    """Ties between items with the number of buyers of both, and the demand of the moment for each mode."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        ties: Ties,
        demand: Mapping[str, np.ndarray],
        *,
        fading: Fading,
        weights: Mapping[str, Weights],
    ) -> None:
        self.vocabulary, self.ties, self.demand = vocabulary, ties, dict(demand)
        self.fading, self.weights = fading, dict(weights)

    @classmethod
    def fit(
        cls,
        buyers: np.ndarray,
        items: np.ndarray,
        days: np.ndarray,
        *,
        fading: Fading | None = None,
        weights: Mapping[str, Weights] = DEFAULTS,
    ) -> BuyerModel:
        """Fit on order lines: three arrays with one entry per line.

        `buyers` and `items` are integers or strings, `days` the time of the order in days (float, any origin); lines
        of the same buyer, item and time count once. Memory is bounded: only the 4,000 most bought items are tied to
        each other, the others are known by habit alone. `fading` and `weights` come from `buyer_tuning.tune`.
        """
        fading = fading or Fading()
        bought = Purchases(buyers, items, days)
        demand = {mode: bought.demand(values.season) for mode, values in weights.items()}
        return cls(bought.vocabulary, learn(bought, fading), demand, fading=fading, weights=weights)

    def predict(
        self,
        items: Sequence[Id],
        days: Sequence[float] | np.ndarray,
        *,
        now: float,
        n: int = 20,
        mode: str = "repeat",
        exclude: Iterable[Id] = (),
        only: Iterable[Id] | None = None,
    ) -> list[Suggestion]:
        """List the n items a buyer is most likely to buy next.

        `items` and `days` are the buyer's own order lines, `now` the present, in the same days as at the fit. With
        no known item the answer is empty and the caller falls back to popularity. `because` is the bought item
        that adds most, the item itself where habit adds more than all ties (or nothing else leads to it);
        `together` counts the buyers of both, for a habit the buyers of the item.
        """
        lines = dict.fromkeys((item, day) for item, day in zip(items, days, strict=True) if item in self.vocabulary)
        owned, rows = np.unique(self.vocabulary.known(item for item, _ in lines), return_inverse=True)
        ages = now - np.array([day for _, day in lines], dtype=float)
        weights, size = self.weights[mode], len(self.vocabulary)
        taste = np.minimum(np.bincount(rows, np.exp(-ages / self.fading.taste), len(owned)), 1.0)
        sources, places = self.ties.of(owned)
        followers = self.ties.followers[places]
        gifts = self.ties.weights[places] * taste[sources]
        tied = np.bincount(followers, gifts, size) * self.demand[mode] ** weights.trend
        habits, allowed = np.zeros(size), np.ones(size, dtype=bool)
        if mode == "repeat":
            frequency = np.bincount(rows, np.exp(-ages / weights.habit_span), len(owned))
            habits[owned] = weights.habit * frequency**weights.evenness
        else:
            allowed[owned] = False
        suggestions.block(allowed, self.vocabulary, exclude, only)
        total = np.where(allowed, tied + habits, 0.0)
        answer = []
        for item in suggestions.best(total, n):
            own = np.flatnonzero(followers == item)
            because, together = item, int(self.ties.buyers[item])
            if tied[item] > habits[item]:
                lead = own[np.argmax(gifts[own])]
                because, together = owned[sources[lead]], int(self.ties.together[places[lead]])
            answer.append(Suggestion(self.vocabulary[item], float(total[item]), self.vocabulary[because], together))
        return answer

    def to_bytes(self) -> bytes:
        """Write the model for `from_bytes`."""
        facts = {"fading": asdict(self.fading), "weights": {mode: asdict(w) for mode, w in self.weights.items()}}
        arrays = {
            "ids": self.vocabulary.array(),
            **{f"tie_{name}": array for name, array in vars(self.ties).items()},
            **{f"demand_{mode}": array for mode, array in self.demand.items()},
        }
        return archive.pack(kind=KIND, version=VERSION, facts=facts, arrays=arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> BuyerModel:
        """Read a model; raises archive.Unreadable."""
        facts, arrays = archive.unpack(data, kind=KIND, version=VERSION)
        ties = Ties(**{name[4:]: array for name, array in arrays.items() if name.startswith("tie_")})
        return cls(
            Vocabulary(arrays["ids"]),
            ties,
            {mode: arrays[f"demand_{mode}"] for mode in facts["weights"]},
            fading=Fading(**facts["fading"]),
            weights={mode: Weights(**values) for mode, values in facts["weights"].items()},
        )
