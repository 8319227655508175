"""Shops name products as they like; the arithmetic wants the numbers 0, 1, 2... This is the dictionary between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

Id = int | str


def as_array(ids: Sequence[Id]) -> np.ndarray:
    """Put ids into an array that keeps them as they are: numbers and words side by side stay what they were."""
    if isinstance(ids, np.ndarray) and ids.dtype.kind in "iuU":
        return ids
    ids = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
    kinds = {type(identity) for identity in ids}
    if kinds <= {int} or kinds <= {str}:
        return np.array(ids, dtype=None if ids else np.int64)
    return np.fromiter(ids, dtype=object, count=len(ids))


class Vocabulary:
    """A growing list of ids, all integers or all strings, with the number of each."""

    def __init__(self, ids: np.ndarray) -> None:
        self._list: list[Id] = ids.tolist()
        self._numbers = {identity: number for number, identity in enumerate(self._list)}

    @classmethod
    def encode(cls, ids: np.ndarray) -> tuple[Vocabulary, np.ndarray]:
        """Number the distinct ids in sorted order, objects in the order of coming; returns the vocabulary and the number
        of each given id (int32)."""
        ids = np.asarray(ids)
        if ids.dtype == object:
            vocabulary = cls(np.array([], dtype=np.int64))
            return vocabulary, np.array([vocabulary.learn(identity) for identity in ids], dtype=np.int32)
        distinct, numbers = np.unique(ids, return_inverse=True)
        return cls(distinct), numbers.astype(np.int32)

    def __len__(self) -> int:
        return len(self._list)

    def __contains__(self, identity: Id) -> bool:
        return identity in self._numbers

    def __getitem__(self, number: int) -> Id:
        return self._list[number]

    def number(self, identity: Id) -> int:
        """Find the number of an id, -1 when it is unknown."""
        return self._numbers.get(identity, -1)

    def known(self, ids: Iterable[Id]) -> np.ndarray:
        """Find the numbers of those ids that are known, in the given order (int32)."""
        found = [self._numbers[identity] for identity in ids if identity in self._numbers]
        return np.array(found, dtype=np.int32)

    def learn(self, identity: Id) -> int:
        """Find the number of an id, giving it the next one when it is new."""
        number = self._numbers.setdefault(identity, len(self._list))
        if number == len(self._list):
            self._list.append(identity)
        return number

    def array(self) -> np.ndarray:
        """List all ids by number, as an array of integers or of strings."""
        return np.array(self._list) if self._list else np.array([], dtype=np.int64)
