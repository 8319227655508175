"""What a shopper will look at next, from the sessions of others: nearest neighbours, fitted in about a second.

Modes: "continue" may return to what the shopper saw (for "go on where you were"), "discover" never does.
The formula is in `neighbourhood`, the search for its weights in `session_tuning`. `fit` does both on plain lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

import numpy as np

from saas.recommend import archive, session_tuning, suggestions
from saas.recommend.live import Factors, LiveSession
from saas.recommend.neighbourhood import DEFAULTS, Weights
from saas.recommend.session_log import SessionLog
from saas.recommend.suggestions import Suggestion
from saas.recommend.vocabulary import Id, Vocabulary, as_array

KIND, VERSION = "sessions", 1


def fit(sessions: Iterable[Sequence[Id]], *, times: Sequence[float] | None = None) -> SessionModel:
    """This function will learn from sessions and choose its own weights on a validation cut of them.

    `sessions` gives for each session the items (integers or strings) in the order in which they were looked at; `times`, when given,
    has one number per session, its end in epoch seconds, and without it the sessions count as listed oldest first. The newest
    fifth at most is held back for choosing, then everything is learnt. Raises ValueError when `times` has another length.
    Some 20 CPU seconds for 126,000 sessions; ask the model through `recommend`.
    """
    sessions = list(sessions)
    if times is not None and len(times) != len(sessions):
        raise ValueError(f"{len(times)} times for {len(sessions)} sessions")
    sizes = [len(session) for session in sessions]
    names = np.repeat(np.arange(len(sizes)), sizes)
    items = as_array([item for session in sessions for item in session])
    at = None if times is None else np.repeat(np.asarray(times, dtype=float), sizes)
    return SessionModel.fit(names, items, at, weights=session_tuning.tune(names, items, at))


class SessionModel:
    """Session nearest neighbours: `fit`, `predict`, `add` finished sessions as they come."""

    def __init__(self, log: SessionLog, weights: Mapping[str, Weights]) -> None:
        self.log, self.weights = log, dict(weights)
        self._held: dict[str, Factors] = {}

    @classmethod
    def fit(
        cls,
        sessions: np.ndarray,
        items: np.ndarray,
        at: np.ndarray | None = None,
        *,
        weights: Mapping[str, Weights] = DEFAULTS,
    ) -> SessionModel:
        """Fit on clicks: three arrays with one entry per click.

        `sessions` names the session (any integers or strings; only equality matters), `items` the product (integers
        or strings), `at` orders the clicks (numbers or datetime64; the order of the rows when left out). Sessions are
        aged by their last click. `weights` are one Weights per mode, from `session_tuning.tune` or the defaults.
        """
        return cls(SessionLog.gather(sessions, items, at), weights)

    def add(self, items: Sequence[Id]) -> None:
        """Learn one finished session (items, oldest click first) as the newest; new items become known."""
        self.log.add(items)

    def recommend(self, prefix: Sequence[Id], *, n: int = 20, include_seen: bool = True) -> list[tuple[Id, float]]:
        """This function will list the n items most likely to come next as (item, score), the likeliest first.

        `prefix` holds the items of the running session, oldest first; without `include_seen` none of them is listed. Where
        neighbours lead to fewer than n, what is in demand now fills up with scores below theirs.
        """
        mode = "continue" if include_seen else "discover"
        found = [(one.item, one.score) for one in self.predict(prefix, n=n, mode=mode, explain=False)]
        return suggestions.filled(
            found, self.log.vocabulary, self.log.demand, n=n, without=() if include_seen else prefix
        )

    def predict(
        self,
        seen: Sequence[Id],
        *,
        n: int = 20,
        mode: str = "continue",
        exclude: Iterable[Id] = (),
        only: Iterable[Id] | None = None,
        explain: bool = True,
        count: bool = True,
    ) -> list[Suggestion]:
        """List the n items most likely to follow in a session whose clicks so far are `seen`, oldest first.

        Unknown items in `seen` are passed over; with none known the answer is empty and the caller falls back to
        popularity. `exclude` are never listed (out of stock, just bought), `only` restricts to these. Without
        `explain` the evidence is left empty, which saves about half of the time; without `count` it says which item led
        there and not how many had both, for callers who know that already.
        """
        known = self.log.vocabulary.known(seen).tolist()
        if not known:
            return []
        near = LiveSession(self.log, known, self.weights[mode], self._factors(mode))
        if mode == "continue":
            near.remind()
        else:
            near.discover(known)
        scores = self._narrowed(near, exclude, only)
        cells = suggestions.best(scores, n)
        reasons = self._reasons(near, cells, count=count) if explain else [(None, 0)] * len(cells)
        name = self.log.vocabulary.__getitem__
        return [
            Suggestion(name(item), score, None if why is None else name(why), together)
            for item, score, (why, together) in zip(
                near.named(cells).tolist(), scores[cells].tolist(), reasons, strict=True
            )
        ]

    def _factors(self, mode: str) -> Factors:
        """What depends on the history alone, worked out anew when sessions were added."""
        held = self._held.get(mode)
        if held is None or held.sessions != self.log.sessions:
            held = self._held[mode] = Factors(self.log, self.weights[mode])
        return held

    def _narrowed(self, near: LiveSession, exclude: Iterable[Id], only: Iterable[Id] | None) -> np.ndarray:
        if only is None and not exclude:
            return near.scores
        allowed = np.ones(len(self.log.vocabulary), dtype=bool)
        suggestions.block(allowed, self.log.vocabulary, exclude, only)
        return np.where(allowed if near.cells is None else allowed[near.cells], near.scores, 0.0)

    def _reasons(self, near: LiveSession, cells: np.ndarray, *, count: bool) -> list[tuple[int | None, int]]:
        """Find for each cell the seen item whose neighbours gave it most, and how many sessions have both."""
        items = near.named(cells)
        reminded = (items[:, None] == near.items).any(axis=1)
        chosen = np.where(reminded, items, near.leads(cells))
        if not count:
            return [(why, 0) for why in chosen.tolist()]
        together = self.log.spread[items]
        for source in np.unique(chosen[~reminded]):
            followers = np.flatnonzero((chosen == source) & ~reminded)
            together[followers] = self.log.meetings(source, items[followers])
        return list(zip(chosen.tolist(), together.tolist(), strict=True))

    def to_bytes(self) -> bytes:
        """Write the model, added sessions included, for `from_bytes`."""
        facts = {"fitted": self.log.fitted, "weights": {mode: asdict(values) for mode, values in self.weights.items()}}
        return archive.pack(kind=KIND, version=VERSION, facts=facts, arrays=self.log.arrays())

    @classmethod
    def from_bytes(cls, data: bytes) -> SessionModel:
        """Read a model; raises archive.Unreadable."""
        facts, arrays = archive.unpack(data, kind=KIND, version=VERSION)
        log = SessionLog(Vocabulary(arrays.pop("ids")), **arrays, fitted=facts["fitted"])
        return cls(log, {mode: Weights(**values) for mode, values in facts["weights"].items()})
