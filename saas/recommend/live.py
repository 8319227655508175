"""The neighbours of one running session, for whoever waits: the arithmetic of `neighbourhood`, which scores many at a time.

What depends on the history and the weights alone is worked out once (`Factors`), and nothing is numbered or sorted that a single
session does not need. The scores are the same to the last bit; tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from saas.recommend.neighbourhood import MEMORY, MOST, NEWEST, REACH, Weights, steps
from saas.recommend.session_log import SessionLog

PLACES = 11  # bits of a click's place among those that are looked at
assert MOST < 1 << PLACES
COUNTING = np.arange(MOST * (2 * REACH + 1))
"""0, 1, 2... for as many clicks as a session's neighbours can have near what they share."""
COUNTING.flags.writeable = False


class Factors:
    """What the history and the weights say of each item and each session before anybody asks."""

    def __init__(self, log: SessionLog, weights: Weights) -> None:
        spread = log.spread
        self.sessions = log.sessions
        self.rarity = np.log1p(log.sessions / np.maximum(spread, 1)) ** weights.rarity
        self.trend, self.niche = (1.0 + log.demand) ** weights.trend, np.maximum(spread, 1.0) ** -weights.niche
        age = (log.fitted - np.arange(log.sessions)) / max(log.fitted, 1)
        length = np.diff(log.starts[: log.sessions + 1]).astype(float)
        self.strength = np.exp(-age / weights.recency) * length**-weights.brevity
        self.steps = steps(weights)


class LiveSession:
    """One session's scores: `cells` are the items that can be named (None: all of them, by their numbers), `scores` theirs."""

    def __init__(self, log: SessionLog, seen: Sequence[int], weights: Weights, factors: Factors) -> None:
        self.log, self.weights = log, weights
        self._look_at(seen)
        self._score(factors)

    def _look_at(self, seen: Sequence[int]) -> None:
        """List the distinct items, newest first, with distance from the end and number of clicks."""
        self._distances: dict[int, int] = {}
        self._counts: dict[int, int] = {}
        for distance, item in enumerate(seen[: -MEMORY - 1 : -1]):
            self._distances.setdefault(item, distance)
            self._counts[item] = self._counts.get(item, 0) + 1
        self.items = np.array([*self._distances])
        self._distance = np.array([*self._distances.values()])

    def _meet(self, factors: Factors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find the neighbours and how alike they are; returns, for each, its click on the newest item it shares, its number, and its
        strength."""
        log, weights, room = self.log, self.weights, MOST
        found, sizes = [], []
        for item in self._distances:
            most = min(int(log.spread[item]), NEWEST, room)
            late = log.extra.get(item, ())[-most:] if most else ()
            end = int(log.first[item + 1])
            older = min(end - int(log.first[item]), most - len(late))
            found.append(log.postings[end - older : end])
            if late:
                found.append(np.array(late, dtype=log.postings.dtype))
            sizes.append(older + len(late))
            room -= most
        clicks = np.concatenate(found)
        sessions = log.owner.take(clicks)
        if len(sizes) == 1:  # a session has an item once, so each of them is another
            self._lead = None
            return clicks, sessions, factors.strength.take(sessions)
        worth = np.exp(-self._distance / weights.position) * factors.rarity.take(self.items)
        keys = sessions.astype(np.int64)
        keys <<= PLACES
        keys |= COUNTING[: len(keys)]
        keys.sort()
        order, sessions = keys & ((1 << PLACES) - 1), keys >> PLACES
        leads = np.ones(len(keys), dtype=bool)
        np.not_equal(sessions[1:], sessions[:-1], out=leads[1:])
        source = COUNTING[: len(sizes)].repeat(sizes).take(order)
        run = leads.cumsum()
        run -= 1
        shared = np.bincount(run, worth.take(source))
        strength = (shared / sum(worth.tolist())) ** weights.similarity
        leading = leads.nonzero()[0]
        self._lead, sessions = source.take(leading), sessions.take(leading)
        strength *= factors.strength.take(sessions)
        return clicks.take(order.take(leading)), sessions, strength

    def _score(self, factors: Factors) -> None:
        """Have each neighbour give to its items near the shared click, and add up what each item was given."""
        log = self.log
        clicks, sessions, strength = self._meet(factors)
        low = np.maximum(clicks - REACH, log.starts.take(sessions))
        lengths = np.minimum(clicks + (REACH + 1), log.starts[1:].take(sessions))
        lengths -= low
        before = lengths.cumsum()
        counting = COUNTING[: before[-1] if len(before) else 0]
        before -= lengths
        steps = low - clicks
        steps += REACH
        steps -= before
        low -= before
        places = low.repeat(lengths)
        places += counting
        items = log.items.take(places)
        given = strength.repeat(lengths)
        places = steps.repeat(lengths)
        places += counting
        given *= factors.steps.take(places)
        self._lengths, self._given, width = lengths, given, len(log.vocabulary)
        if width <= 2 * len(items):  # most items are named anyway
            self.cells, self._entries, self._own = None, items, self.items
            self.scores = np.bincount(items, given, width) * factors.trend * factors.niche
            return
        marked = np.zeros(width, dtype=bool)
        marked[items] = marked[self.items] = True
        self.cells = np.flatnonzero(marked)
        numbers = np.empty(width, dtype=np.int32)
        numbers[self.cells] = np.arange(len(self.cells))
        self._entries, self._own = numbers[items], numbers[self.items]
        self.scores = (
            np.bincount(self._entries, given, len(self.cells)) * factors.trend[self.cells] * factors.niche[self.cells]
        )

    def remind(self) -> None:
        """Scale the scores to a maximum of 1 and add the reminders of what was seen."""
        weights, greatest = self.weights, self.scores.max(initial=0.0)
        bonus = weights.earlier * np.exp(-(self._distance - 1) / weights.fading)
        bonus[self._distance == 0] = weights.last
        self.scores /= greatest if greatest > 0 else 1.0
        self.scores[self._own] += bonus * np.array([*self._counts.values()]) ** weights.repeated

    def discover(self, seen: Sequence[int]) -> None:
        """Take out what was seen, however long ago."""
        self.scores[self._own] = 0.0
        if len(seen) > MEMORY:
            self.scores[np.isin(self.named(np.arange(len(self.scores))), seen)] = 0.0

    def named(self, cells: np.ndarray) -> np.ndarray:
        """Return the items of cells."""
        return cells if self.cells is None else self.cells[cells]

    def leads(self, cells: np.ndarray) -> np.ndarray:
        """Find for each cell the seen item whose neighbours gave it most."""
        if self._lead is None:
            return np.full(len(cells), self.items[0])
        width, rest = len(self.items), len(cells)
        rows = np.full(len(self.scores), rest * width)  # what the other cells were given comes into a row of its own
        rows[cells] = np.arange(0, rest * width, width)
        keys = rows.take(self._entries)
        keys += self._lead.repeat(self._lengths)
        gifts = np.bincount(keys, self._given, (rest + 1) * width).reshape(-1, width)
        return self.items.take(gifts[:rest].argmax(axis=1))
