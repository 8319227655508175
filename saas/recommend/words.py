"""The words of products' names and categories, in memory: what fits a shopper's search without asking a database.

A word counts the more the rarer it is. The last letters may be missing, a slip of the hand is forgiven where nothing else
fits, and writing without blanks (Han, kana, Hangul) is taken apart into single signs and pairs.
"""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Iterable
from itertools import pairwise

from rapidfuzz import fuzz, process

from saas.kit import text

WORD = re.compile(r"\w+")
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
MOST_WORDS, MOST_ENDINGS = 8, 200
BEGINNING, SLIP, LIKENESS = (
    2,
    4,
    75,
)  # letters a word needs to be a beginning, or a slip, and how alike they must be then


class Words:
    """Which products hold which word."""

    def __init__(self) -> None:
        self._holders: dict[str, set[int]] = {}
        self._of: dict[int, frozenset[str]] = {}
        self._sorted: list[str] | None = None

    def take(self, number: int, name: str, categories: Iterable[str]) -> None:
        """Put in a product as it is called now."""
        words, before = frozenset(split(" ".join((name, *categories)), signs=True)), self._of.get(number, frozenset())
        if words == before:
            return
        for word in before - words:
            self._holders[word].discard(number)
        for word in words - before:
            if word not in self._holders:
                self._holders[word], self._sorted = set(), None
            self._holders[word].add(number)
        self._of[number] = words

    def find(self, query: str, *, most: int) -> list[int]:
        """Return the products that fit best, first those with more and rarer words of the query."""
        scores: dict[int, float] = {}
        for word in split(query)[:MOST_WORDS]:
            best: dict[int, float] = {}
            for known, likeness in self._meant(word):
                holders = self._holders[known]
                weight = likeness * math.log1p(len(self._of) / (len(holders) or 1))
                for number in list(holders):  # another thread may put one in meanwhile
                    best[number] = max(best.get(number, 0.0), weight)
            for number, weight in best.items():
                scores[number] = scores.get(number, 0.0) + weight
        return sorted(scores, key=lambda number: (-scores[number], number))[:most]

    def _meant(self, word: str) -> list[tuple[str, float]]:
        """Return the words there are that somebody may have meant, with how sure that is."""
        if word in self._holders:
            return [(word, 1.0), *((plural, 0.9) for plural in (word + "s", word + "es") if plural in self._holders)]
        if word.endswith("s") and word[:-1] in self._holders:
            return [(word[:-1], 0.9)]
        if len(word) < BEGINNING:
            return []
        if self._sorted is None:
            self._sorted = sorted(self._holders)
        start = bisect.bisect_left(self._sorted, word)
        longer = [known for known in self._sorted[start : start + MOST_ENDINGS] if known.startswith(word)]
        if longer:
            return [(known, 0.8) for known in longer]
        if len(word) < SLIP:
            return []
        close = process.extract(word, self._sorted, scorer=fuzz.ratio, score_cutoff=LIKENESS, limit=3)
        return [(known, 0.5 * score / 100) for known, score, _place in close]


def split(written: str, *, signs: bool = False) -> list[str]:
    """Return the words of a text as they are compared, each once, in their order; with `signs` each unspaced sign too."""
    words: list[str] = []
    for part in WORD.findall(text.fold(written)):
        for piece in re.split(f"({UNSPACED.pattern})", part):
            if UNSPACED.fullmatch(piece):
                words += [*piece] if signs or len(piece) == 1 else []
                words += ["".join(two) for two in pairwise(piece)]
            elif piece:
                words.append(piece)
    return list(dict.fromkeys(words))
