"""Products that are like each other by what is written about them: for those that nobody has looked at or bought yet.

A product is a bag of terms: the words of its name, tags and description, pieces of four signs of the name's words (so that an
inflected or mistyped word still counts), signs and pairs of signs where a script has no blanks, and its categories. Terms weigh
their rarity, products are compared by the cosine (Salton and Buckley 1988). What the shop itself says goes with a product is
kept beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np

from saas.kit import text
from saas.recommend import archive, ragged, suggestions, words
from saas.recommend.suggestions import Suggestion
from saas.recommend.vocabulary import Id, Vocabulary

KIND, VERSION = "alike", 1
KEPT = 60  # likest products kept for each
MOST_HOLDERS = 2_000  # a term of more products tells them not apart, and comparing them would take the square of it
SHARE = 0.5  # the same as a share of a small range
PIECE = 4  # signs
MOST_WORDS, LONGEST = 60, 500  # words of a description, signs of it that are read
OF_ITSELF, LIKEST = 0.3, 10  # the word of likeness beside that of what the likest ones were wanted with
BLOCK = 512  # products compared with all others at once
LATIN = re.compile(r"[a-z0-9]+")
MARKUP = re.compile(r"<[^>]*>?")


class Pairs(Protocol):
    """A model of pairs, such as `BasketModel`."""

    def predict(self, items: Sequence[Id], *, n: int = 20) -> list[Suggestion]: ...


@dataclass(frozen=True)
class Shares:
    """How much each part of what is written weighs against the words of the name."""

    pieces: float = 0.3
    tags: float = 0.6
    description: float = 0.3
    categories: float = 0.7


@dataclass(frozen=True)
class Text:
    """What is written about one product."""

    name: str
    categories: Sequence[str] = ()
    tags: Sequence[str] = ()
    description: str = ""


class LikenessModel:
    """For each product those likest to it, as runs first[i]..first[i + 1], and what the shop says goes with it."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        near: tuple[np.ndarray, np.ndarray, np.ndarray],
        told: tuple[np.ndarray, np.ndarray],
        *,
        shares: Shares,
    ) -> None:
        self.vocabulary, self.shares = vocabulary, shares
        self.first, self.neighbours, self.weights = near
        self.told_first, self.told = told

    @classmethod
    def fit(
        cls,
        items: Sequence[Id],
        texts: Sequence[Text],
        *,
        told: Iterable[tuple[Id, Id]] = (),
        shares: Shares | None = None,
    ) -> LikenessModel:
        """This function will compare products with each other.

        `items` are distinct integers or strings, `texts` what is written about each; `told` lists (item, what goes with it) in the
        shop's order. Memory is bounded: 60 neighbours an item are kept, and 512 items are compared at a time.
        """
        shares = shares or Shares()
        vocabulary = Vocabulary(np.array([], dtype=np.int64))
        for item in items:
            vocabulary.learn(item)
        table = weighed(texts, shares)
        pairs = [
            (vocabulary.number(item), vocabulary.number(other))
            for item, other in dict.fromkeys(told) if item in vocabulary and other in vocabulary and item != other
        ]  # fmt: skip
        pairs.sort(key=lambda pair: pair[0])
        owners, others = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        return cls(
            vocabulary,
            _nearest(table),
            (ragged.bounds(owners, len(vocabulary)), others.astype(np.int32)),
            shares=shares,
        )

    def predict(self, items: Sequence[Id], *, n: int = 20, exclude: Iterable[Id] = ()) -> list[Suggestion]:
        """List the n products likest to the given ones, none of which is listed; the score is the greatest likeness.

        `because` is the given one that it is likest to.
        """
        best: dict[int, tuple[float, int]] = {}
        barred = {*items, *exclude}
        for number in self.vocabulary.known(items).tolist():
            low, high = self.first[number], self.first[number + 1]
            for other, weight in zip(self.neighbours[low:high].tolist(), self.weights[low:high].tolist(), strict=True):
                if weight > best.get(other, (0.0, 0))[0]:
                    best[other] = weight, number
        order = sorted(best, key=lambda other: (-best[other][0], other))
        found = ((self.vocabulary[other], *best[other]) for other in order)
        answer = (
            Suggestion(item, weight, self.vocabulary[lead], 0) for item, weight, lead in found if item not in barred
        )
        return [one for one, _ in zip(answer, range(n), strict=False)]

    def goes_with(self, items: Sequence[Id], *, n: int = 20) -> list[Suggestion]:
        """List what the shop says goes with the given products, in its order."""
        found: dict[int, int] = {}
        for number in self.vocabulary.known(items).tolist():
            for other in self.told[self.told_first[number] : self.told_first[number + 1]].tolist():
                found.setdefault(other, number)
        barred = set(items)
        listed = [(self.vocabulary[other], self.vocabulary[lead]) for other, lead in found.items()]
        return [
            Suggestion(item, 1.0 / place, lead, 0) for place, (item, lead) in enumerate(listed, 1) if item not in barred
        ][:n]

    def inherited(self, items: Sequence[Id], pairs: Pairs | None, *, n: int = 20) -> list[Suggestion]:
        """List what goes with products of no history: those likest to them, and what went together with the likest.

        A score is OF_ITSELF times the likeness, plus for each of the ten likest its likeness times the score of the pair in `pairs`.
        """
        near = self.predict(items, n=LIKEST)
        scores = {one.item: OF_ITSELF * one.score for one in self.predict(items, n=KEPT)}
        lead = {one.item: one.because for one in self.predict(items, n=KEPT)}
        for one in near if pairs is not None else ():
            for other in pairs.predict([one.item], n=n):
                scores[other.item] = scores.get(other.item, 0.0) + one.score * other.score
                lead.setdefault(other.item, one.because)
        barred = set(items)
        order = sorted((item for item in scores if item not in barred), key=lambda item: -scores[item])
        return [Suggestion(item, scores[item], lead[item], 0) for item in order[:n]]

    def __len__(self) -> int:
        return len(self.vocabulary)

    def to_bytes(self) -> bytes:
        """Write the model for `from_bytes`."""
        arrays = {
            "ids": self.vocabulary.array(), "first": self.first, "neighbours": self.neighbours, "weights": self.weights,
            "told_first": self.told_first, "told": self.told,
        }  # fmt: skip
        return archive.pack(kind=KIND, version=VERSION, facts={"shares": asdict(self.shares)}, arrays=arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> LikenessModel:
        """Read a model; raises archive.Unreadable."""
        facts, held = archive.unpack(data, kind=KIND, version=VERSION)
        near, told = (held["first"], held["neighbours"], held["weights"]), (held["told_first"], held["told"])
        return cls(Vocabulary(held["ids"]), near, told, shares=Shares(**facts["shares"]))


def terms(written: Text, shares: Shares) -> dict[str, float]:
    """This function will take what is written about a product apart into terms with their weights; a term in two parts weighs the more."""
    found: dict[str, float] = {}

    def add(term: str, weight: float) -> None:
        if weight > found.get(term, 0.0):
            found[term] = weight

    for word in words.split(MARKUP.sub(" ", written.description[:LONGEST]))[:MOST_WORDS]:
        add(word, shares.description)
    for tag in written.tags:
        for word in words.split(tag):
            add(word, shares.tags)
    for word in words.split(written.name, signs=True):
        add(word, 1.0)
        if LATIN.fullmatch(word) and len(word) > PIECE:
            for start in range(len(word) - PIECE + 1):
                add("#" + word[start : start + PIECE], shares.pieces)
    for category in written.categories:
        add("/" + text.fold(category), shares.categories)
    return found


def weighed(texts: Sequence[Text], shares: Shares):
    """This function will make the sparse table products x terms, each weight times the rarity of its term, each row of length 1."""
    from scipy import sparse

    known: dict[str, int] = {}
    columns: list[int] = []
    values: list[float] = []
    starts = [0]
    for written in texts:
        for term, weight in terms(written, shares).items():
            columns.append(known.setdefault(term, len(known)))
            values.append(weight)
        starts.append(len(columns))
    table = sparse.csr_matrix(
        (np.array(values, dtype=np.float32), np.array(columns, dtype=np.int32), np.array(starts)),
        (len(texts), len(known)),
    )
    holders = np.bincount(table.indices, minlength=len(known))
    rarity = np.log1p(len(texts) / np.maximum(holders, 1)).astype(np.float32)
    rarity[(holders > min(MOST_HOLDERS, max(SHARE * len(texts), 2))) | (holders < 2)] = 0.0
    table.data *= rarity[table.indices]
    table.eliminate_zeros()
    lengths = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
    table.data /= np.repeat(np.maximum(lengths, 1e-9), np.diff(table.indptr)).astype(np.float32)
    return table


def _nearest(table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the likest others of each row: bounds, who they are, how like."""
    turned = table.T.tocsr()
    sizes, neighbours, weights = [], [], []
    for start in range(0, table.shape[0], BLOCK):
        likeness = (table[start : start + BLOCK] @ turned).tocsr()
        for row in range(likeness.shape[0]):
            low, high = likeness.indptr[row], likeness.indptr[row + 1]
            others, how = likeness.indices[low:high], likeness.data[low:high]
            kept = others != start + row
            others, how = others[kept], how[kept]
            order = suggestions.best(how, KEPT)
            order = order[np.lexsort((others[order], -how[order]))]
            sizes.append(len(order))
            neighbours.append(others[order])
            weights.append(how[order])
    first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64) if sizes else np.zeros(1, dtype=np.int64)
    none = np.array([], dtype=np.int32)
    return (
        first,
        np.concatenate([none, *neighbours]).astype(np.int32),
        np.concatenate([none, *weights]).astype(np.float32),
    )
