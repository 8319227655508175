"""What many want just now: the fall-back where nothing is known of a shopper, and the filler of half-empty answers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from saas.recommend import archive, suggestions
from saas.recommend.suggestions import Suggestion
from saas.recommend.vocabulary import Id, Vocabulary

KIND, VERSION = "popularity", 1


class PopularityModel:
    """Time-decayed counts per item: an event weighs 1/2 after `half_life` days, 1/4 after two.

    Kept by forward decay (Cormode, Shkapenyuk, Srivastava, Xu 2009): weights grow from a landmark instead of
    shrinking to the present, so adding an event touches one number.
    """

    def __init__(self, vocabulary: Vocabulary, *, half_life: float, landmark: float) -> None:
        self.vocabulary, self.half_life, self.landmark = vocabulary, half_life, landmark
        self.weights = np.zeros(len(vocabulary))
        self.counts = np.zeros(len(vocabulary), dtype=np.int64)
        self.categories: dict[Id, set[int]] = {}

    @classmethod
    def fit(
        cls,
        items: np.ndarray,
        days: np.ndarray,
        *,
        half_life: float = 14.0,
        categories: Iterable[tuple[Id, Id]] = (),
    ) -> PopularityModel:
        """Count events: `items` and `days` (float, any origin) have one entry per event.

        `categories` lists (item, category) pairs; an item may be in several, and one without events may be listed.
        """
        vocabulary, numbers = Vocabulary.encode(items)
        days = np.asarray(days, dtype=float)
        model = cls(vocabulary, half_life=half_life, landmark=float(days.max()) if len(days) else 0.0)
        model.weights = np.bincount(numbers, np.exp2((days - model.landmark) / half_life), len(vocabulary))
        model.counts = np.bincount(numbers, minlength=len(vocabulary))
        for item, category in categories:
            if item in vocabulary:
                model.categories.setdefault(category, set()).add(vocabulary.number(item))
        return model

    def add(self, item: Id, *, day: float) -> None:
        """Count one more event."""
        number = self.vocabulary.learn(item)
        if number == len(self.weights):
            self.weights, self.counts = np.append(self.weights, 0.0), np.append(self.counts, 0)
        if day - self.landmark > 500 * self.half_life:  # move the landmark before the weights overflow a float
            self.weights *= np.exp2((self.landmark - day) / self.half_life)
            self.landmark = day
        self.weights[number] += np.exp2((day - self.landmark) / self.half_life)
        self.counts[number] += 1

    def predict(
        self, *, n: int = 20, category: Id | None = None, exclude: Iterable[Id] = (), only: Iterable[Id] | None = None
    ) -> list[Suggestion]:
        """List the n most wanted items: those of `category` first, then the rest to fill up.

        Scores are decayed counts as of the newest event; `together` is the plain count of events.
        """
        allowed = suggestions.block(np.ones(len(self.weights), dtype=bool), self.vocabulary, exclude, only)
        inside = np.zeros(len(self.weights), dtype=bool)
        inside[list(self.categories.get(category, ()))] = True
        first = suggestions.best(np.where(allowed & inside, self.weights, 0.0), n)
        rest = suggestions.best(np.where(allowed & ~inside, self.weights, 0.0), n - len(first))
        return [
            Suggestion(self.vocabulary[number], float(self.weights[number]), None, int(self.counts[number]))
            for number in [*first, *rest]
        ]

    def to_bytes(self) -> bytes:
        """Write the model for `from_bytes`."""
        names = list(self.categories)
        return archive.pack(
            kind=KIND,
            version=VERSION,
            facts={"half_life": self.half_life, "landmark": self.landmark, "categories": names},
            arrays={
                "ids": self.vocabulary.array(),
                "weights": self.weights,
                "counts": self.counts,
                "members": np.array([m for name in names for m in sorted(self.categories[name])], dtype=np.int32),
                "sizes": np.array([len(self.categories[name]) for name in names], dtype=np.int32),
            },
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> PopularityModel:
        """Read a model; raises archive.Unreadable."""
        facts, arrays = archive.unpack(data, kind=KIND, version=VERSION)
        model = cls(Vocabulary(arrays["ids"]), half_life=facts["half_life"], landmark=facts["landmark"])
        model.weights, model.counts = arrays["weights"], arrays["counts"]
        members = np.split(arrays["members"], np.cumsum(arrays["sizes"])[:-1]) if len(arrays["sizes"]) else []
        model.categories = {name: set(m.tolist()) for name, m in zip(facts["categories"], members, strict=True)}
        return model
