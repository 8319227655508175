"""Past sessions laid out for searching: the clicks in a row, and for each item where it was clicked.

Sessions are numbered by time, the newest last, and that number is their age: the file holds no clock, so a quiet
week does not make a shop forget.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from saas.recommend import ragged
from saas.recommend.vocabulary import Id, Vocabulary

TREND = 0.05  # share of the history after which a session counts 1/e for what is in demand now

HEAVY = 1 / 64  # share of the sessions above which an item's sessions are compared as bits, not as a list


class SessionLog:
    """Sessions of item numbers with postings: per item, the last click in each session that has it, oldest first."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        items: np.ndarray,
        starts: np.ndarray,
        *,
        postings: np.ndarray | None = None,
        fitted: int | None = None,
    ) -> None:
        self.vocabulary = vocabulary
        self.sessions = len(starts) - 1
        self.fitted = self.sessions if fitted is None else fitted  # ages and demand are reckoned from here
        self.clicks = len(items)
        self.items, self.starts = items.astype(np.int32), starts.astype(np.int64)
        self.owner = np.repeat(np.arange(self.sessions, dtype=np.int32), np.diff(starts))
        self.postings = last_clicks(self.items, self.owner) if postings is None else postings
        posted = self.items[self.postings]
        self.first = ragged.bounds(posted, len(vocabulary))
        self.extra: dict[int, list[int]] = {}
        self.base = self.sessions  # postings know the sessions below, extra those from here on
        self._bits: dict[int, np.ndarray] = {}
        self.spread = np.diff(self.first)  # sessions that have the item
        freshness = np.exp((self.owner[self.postings] - self.fitted) / self.trend_span)
        self.demand = np.bincount(posted, freshness, len(vocabulary))

    @classmethod
    def gather(cls, sessions: np.ndarray, items: np.ndarray, at: np.ndarray | None) -> SessionLog:
        """Lay out clicks given as three arrays of equal length; see SessionModel.fit."""
        vocabulary, numbers = Vocabulary.encode(items)
        _, first_rows, codes = np.unique(np.asarray(sessions), return_index=True, return_inverse=True)
        at = np.arange(len(numbers)) if at is None else np.asarray(at)
        by_time = np.lexsort((at, codes))
        ends = np.cumsum(np.bincount(codes, minlength=len(first_rows)))
        last_at = at[by_time[ends - 1]] if len(ends) else at
        # equal times keep the order of the rows, so the sessions' names never matter
        place = np.empty(len(first_rows), dtype=np.int64)
        place[np.lexsort((first_rows, last_at))] = np.arange(len(first_rows))
        order = np.lexsort((at, place[codes]))
        return cls(vocabulary, numbers[order], ragged.bounds(place[codes][order], len(first_rows)))

    @property
    def trend_span(self) -> float:
        return max(1.0, TREND * self.fitted)

    def add(self, items: Sequence[Id]) -> list[int]:
        """Append one finished session, items in the order of the clicks; returns the numbers of its items."""
        numbers = [self.vocabulary.learn(item) for item in items]
        if not numbers:
            return numbers
        size = len(self.vocabulary)
        if size > len(self.spread):
            new = size - len(self.spread)
            self.first = np.append(self.first, np.full(new, self.first[-1]))
            self.spread = np.append(self.spread, np.zeros(new, dtype=self.spread.dtype))
            self.demand = np.append(self.demand, np.zeros(new))
        end = self.clicks + len(numbers)
        self.items, self.owner = ragged.grown(self.items, end), ragged.grown(self.owner, end)
        self.starts = ragged.grown(self.starts, self.sessions + 2)
        self.items[self.clicks : end], self.owner[self.clicks : end] = numbers, self.sessions
        self.starts[self.sessions + 1] = end
        for number, click in {n: c for c, n in enumerate(numbers, self.clicks)}.items():
            self.extra.setdefault(number, []).append(click)
            self.spread[number] += 1
            self.demand[number] += np.exp((self.sessions - self.fitted) / self.trend_span)
        self.clicks, self.sessions = end, self.sessions + 1
        return numbers

    def newest(self, items: np.ndarray, most: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the most recent postings of each item, at most `most[i]` for items[i]; returns (i, click)."""
        late = [self.extra.get(item, [])[-limit:] if limit else [] for item, limit in zip(items, most, strict=True)]
        lengths = np.array([len(clicks) for clicks in late], dtype=np.int64)
        ends = self.first[items + 1]
        older = np.minimum(ends - self.first[items], most - lengths)
        runs, places = ragged.expand(ends - older, older)
        clicks = self.postings[places]
        if lengths.any():
            runs = np.append(runs, np.repeat(np.arange(len(items)), lengths))
            clicks = np.append(clicks, [click for group in late for click in group])
        return runs, clicks

    def sessions_with(self, item: int) -> np.ndarray:
        """List the sessions that have an item, oldest first."""
        older = self.owner[self.postings[self.first[item] : self.first[item + 1]]]
        late = self.extra.get(item)
        return np.append(older, self.owner[late]) if late else older

    def meetings(self, item: int, others: np.ndarray) -> np.ndarray:
        """Count the sessions that have both `item` and each of `others`."""
        member = np.zeros(self.sessions, dtype=bool)
        member[self.sessions_with(item)] = True
        heavy = self.spread[others] > self.base * HEAVY
        counts = np.zeros(len(others), dtype=np.int64)
        runs, clicks = self.newest(others[~heavy], self.spread[others[~heavy]])
        counts[~heavy] = np.bincount(runs, member[self.owner[clicks]], int((~heavy).sum()))
        if heavy.any():
            packed = np.packbits(member[: self.base])
            for place in np.flatnonzero(heavy):
                late = self.extra.get(others[place], ())
                met = np.bitwise_count(packed & self._packed(others[place])).sum()
                counts[place] = met + member[self.owner[list(late)]].sum()
        return counts

    def _packed(self, item: int) -> np.ndarray:
        """Mark the sessions below `base` that have an item, a bit each: for frequent items smaller than postings."""
        bits = self._bits.get(item)
        if bits is None:
            member = np.zeros(self.base, dtype=bool)
            member[self.owner[self.postings[self.first[item] : self.first[item + 1]]]] = True
            bits = self._bits[item] = np.packbits(member)
        return bits

    def arrays(self) -> dict[str, np.ndarray]:
        """List what rebuilds this log, sessions added since the fit included (together with `fitted`)."""
        items, owner = self.items[: self.clicks], self.owner[: self.clicks]
        return {
            "ids": self.vocabulary.array(),
            "items": items,
            "starts": self.starts[: self.sessions + 1],
            "postings": last_clicks(items, owner) if self.extra else self.postings,
        }


def last_clicks(items: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """List the last click of every item in every session, by item and then by time (int32)."""
    order = np.argsort(items, kind="stable")
    by_item, by_owner = items[order], owner[order]
    last = np.ones(len(order), dtype=bool)
    last[:-1] = (by_item[1:] != by_item[:-1]) | (by_owner[1:] != by_owner[:-1])
    return order[last].astype(np.int32)
