"""The sessions that share items with a shopper's session, and the score they give to every item of theirs.

The formula is the VSTAN / V-SKNN family of session nearest neighbours (Jannach and Ludewig 2017; Garg et al., STAN,
SIGIR 2019; Ludewig, Mauro, Latifi and Jannach, UMUAI 2020), with three additions: demand of the moment, a division
by popularity, and reminders of what the shopper saw. A table is built once for many sessions and scored
under many weights, which is what makes tuning cheap; a shopper who waits is answered by `live`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from saas.recommend import ragged
from saas.recommend.session_log import SessionLog

MEMORY = 30  # clicks of the shopper that are looked at
NEWEST = 500  # sessions looked at per seen item
MOST = 1500  # sessions looked at in all, those of the newest clicks first
REACH = 20  # clicks of a neighbour looked at before and after the shared item


@dataclass(frozen=True)
class Weights:
    """The parameters; ages are shares of the history at the fit, distances are counted in clicks.

    A neighbour's similarity is the sum over shared items of exp(-distance from the newest click / `position`)
    * ln(1 + sessions / sessions with the item) ** `rarity`, divided by its greatest possible value, to the power
    `similarity`, times exp(-age / `recency`) / length ** `brevity`. It gives each of its items the similarity times
    exp(-(distance - 1) / `after`) when the item comes after the newest shared one, `backward` *
    exp(-(distance - 1) / `before`) when before, `itself` at that place. An item's sum is multiplied by
    (1 + demand) ** `trend` / sessions with it ** `niche`.

    Reminders add, to sums scaled to a maximum of 1, `last` for the newest item of the shopper and
    `earlier` * exp(-(distance - 1) / `fading`) for older ones, times clicks ** `repeated`.
    """

    position: float = 1.2
    rarity: float = 1.5
    similarity: float = 1.0
    recency: float = 0.8
    brevity: float = 0.3
    after: float = 3.0
    before: float = 7.0
    backward: float = 0.7
    itself: float = 0.8
    niche: float = 0.15
    trend: float = 0.2
    last: float = 0.2
    earlier: float = 1.0
    fading: float = 4.0
    repeated: float = 0.5


MODES = ("continue", "discover")
DEFAULTS: Mapping[str, Weights] = {"continue": Weights(), "discover": Weights(position=2.3, rarity=1.1, backward=0.9)}


class Neighbourhood:
    """A flat table of shopper's session x neighbour x item; `seen` are item numbers, oldest click first."""

    def __init__(self, log: SessionLog, seen: Sequence[Sequence[int]]) -> None:
        self.log, self.size = log, len(seen)
        self._look_at(seen)
        clicks = self._meet()
        self._open(clicks)

    def _look_at(self, seen: Sequence[Sequence[int]]) -> None:
        """List the distinct items of each session, newest first, with distance from the end and number of clicks."""
        rows = []
        for query, session in enumerate(seen):
            distances: dict[int, int] = {}
            counts: dict[int, int] = {}
            for distance, item in enumerate(reversed(session[-MEMORY:])):
                distances.setdefault(item, distance)
                counts[item] = counts.get(item, 0) + 1
            rows += [(query, item, distance, counts[item]) for item, distance in distances.items()]
        table = np.array(rows, dtype=np.int64).reshape(-1, 4)
        self.seen_query, self.seen_item, self.seen_distance, self.seen_count = table.T

    def _meet(self) -> np.ndarray:
        """Find the neighbours; returns, for each, its click on the newest item it shares."""
        limits = np.minimum(self.log.spread[self.seen_item], NEWEST)
        spent = np.cumsum(limits)
        starts = ragged.bounds(self.seen_query, self.size)
        before = np.append(0, spent)[starts[self.seen_query]]
        limits = np.clip(MOST - (spent - limits - before), 0, limits)
        self.match_seen, clicks = self.log.newest(self.seen_item, limits)
        sessions = self.log.owner[clicks]
        keys = self.seen_query[self.match_seen] * np.int64(self.log.sessions) + sessions
        order = np.lexsort((self.match_seen, keys))  # seen items are listed newest first
        keys = keys[order]
        leads = np.ones(len(keys), dtype=bool)
        leads[1:] = keys[1:] != keys[:-1]
        self.match_neighbour = np.empty(len(keys), dtype=np.int32)
        self.match_neighbour[order] = np.cumsum(leads) - 1
        lead = order[leads]
        self.lead_seen, self.neighbour = self.match_seen[lead], sessions[lead]
        self.neighbour_query = self.seen_query[self.lead_seen]
        return clicks[lead]

    def _open(self, clicks: np.ndarray) -> None:
        """List the items of the neighbours near the shared click, and number the distinct (session, item) cells."""
        starts, ends = self.log.starts[self.neighbour], self.log.starts[self.neighbour + 1]
        self.length = (ends - starts).astype(float)
        low, high = np.maximum(clicks - REACH, starts), np.minimum(clicks + REACH + 1, ends)
        near, places = ragged.expand(low, high - low)
        self.entry_neighbour = near.astype(np.int32)
        self.entry_distance = (places - clicks[near] + REACH).astype(np.int8)
        items = self.log.items[places]
        width = len(self.log.vocabulary)
        keys = np.append(self.neighbour_query[near] * width + items, self.seen_query * width + self.seen_item)
        cells, numbers = np.unique(keys, return_inverse=True)
        self.cell_query, self.cell_item = cells // width, cells % width
        self.entry_cell, self.seen_cell = numbers[: len(items)].astype(np.int32), numbers[len(items) :]

    def given(self, weights: Weights) -> np.ndarray:
        """Compute what each neighbour gives to each of its listed items (before the items' own factor)."""
        rarity = np.log1p(self.log.sessions / np.maximum(self.log.spread[self.seen_item], 1)) ** weights.rarity
        worth = np.exp(-self.seen_distance / weights.position) * rarity
        whole = np.bincount(self.seen_query, worth, self.size)
        shared = np.bincount(self.match_neighbour, worth[self.match_seen], len(self.neighbour))
        age = (self.log.fitted - self.neighbour) / max(self.log.fitted, 1)
        strength = (shared / whole[self.neighbour_query]) ** weights.similarity
        strength *= np.exp(-age / weights.recency) * self.length**-weights.brevity
        return strength[self.entry_neighbour] * steps(weights)[self.entry_distance]

    def scores(self, weights: Weights, *, given: np.ndarray | None = None) -> np.ndarray:
        """Score every cell by its neighbours alone."""
        given = self.given(weights) if given is None else given
        scores = np.bincount(self.entry_cell, given, len(self.cell_item))
        spread, demand = self.log.spread[self.cell_item], self.log.demand[self.cell_item]
        return scores * (1.0 + demand) ** weights.trend * np.maximum(spread, 1.0) ** -weights.niche

    def remind(self, scores: np.ndarray, weights: Weights) -> np.ndarray:
        """Scale the scores of each session to a maximum of 1 and add the reminders."""
        greatest = np.zeros(self.size)
        np.maximum.at(greatest, self.cell_query, scores)
        scores = scores / np.where(greatest > 0, greatest, 1.0)[self.cell_query]
        older = weights.earlier * np.exp(-(self.seen_distance - 1) / weights.fading)
        bonus = np.where(self.seen_distance == 0, weights.last, older)
        scores[self.seen_cell] += bonus * self.seen_count**weights.repeated
        return scores


def steps(weights: Weights) -> np.ndarray:
    """Tabulate the weight of a neighbour's item by its distance from the shared one, -REACH to REACH."""
    distance = np.arange(REACH)
    before, after = np.exp(-distance / weights.before), np.exp(-distance / weights.after)
    return np.concatenate([weights.backward * before[::-1], [weights.itself], after])
