"""Answers that are remembered in a process, never more than its bound however many others are asked for.

What was asked for lately stays: an answer that is found in the older half moves to the newer one, and when the newer one is full the
older is forgotten at once. Nothing has to be kept in order for that, so asking costs no more than a dictionary.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Memory(Generic[T]):
    """Remembers answers by questions, those of `most` in weight at the most; an answer weighs what `keep` is told."""

    def __init__(self, most: int) -> None:
        self._half = most / 2
        self._guard = threading.Lock()
        self._newer: dict[Hashable, tuple[int, T]] = {}
        self._older: dict[Hashable, tuple[int, T]] = {}
        self._weight = 0

    def get(self, question: Hashable) -> T | None:
        """Return the answer that was kept, None where there is none (any more)."""
        held = self._newer.get(question)
        if held is None:
            held = self._older.get(question)
            if held is None:
                return None
            self._put(question, held)
        return held[1]

    def keep(self, question: Hashable, answer: T, *, weight: int = 1) -> None:
        """Remember an answer; one that is heavier than all that may be kept is not."""
        if weight <= self._half:
            self._put(question, (weight, answer))

    def _put(self, question: Hashable, held: tuple[int, T]) -> None:
        with self._guard:
            if self._weight + held[0] > self._half:
                self._older, self._newer, self._weight = self._newer, {}, 0
            before = self._newer.get(question)
            self._newer[question] = held
            self._weight += held[0] - (before[0] if before is not None else 0)

    def clear(self) -> None:
        with self._guard:
            self._newer, self._older, self._weight = {}, {}, 0

    @property
    def weight(self) -> int:
        """What all that is remembered weighs; what stands in both halves counts twice."""
        return self._weight + sum(weight for weight, _answer in self._older.values())

    def __len__(self) -> int:
        return len(self._newer.keys() | self._older.keys())
