"""Which products people buy again: what runs out may be offered soon after it was bought, a sofa may not."""

from __future__ import annotations

import numpy as np

from saas.recommend import archive
from saas.recommend.vocabulary import Vocabulary

KIND, VERSION = "repeats", 1
FEWEST_BUYERS = 10  # below this many buyers chance would decide
SHARE = 0.2


class RepeatModel:
    """The products that more than a fifth of their buyers bought on another day again."""

    def __init__(self, items: np.ndarray) -> None:
        self._items = set(items.tolist())

    @classmethod
    def fit(cls, buyers: np.ndarray, items: np.ndarray, days: np.ndarray) -> RepeatModel:
        """Count order lines: three arrays with one entry per line; lines of one day are one purchase."""
        vocabulary, columns = Vocabulary.encode(items)
        lines = np.stack([np.asarray(buyers), columns, np.floor(days).astype(np.int64)])
        pairs, times = np.unique(np.unique(lines, axis=1)[:2], axis=1, return_counts=True)
        having = np.bincount(pairs[1], minlength=len(vocabulary))
        again = np.bincount(pairs[1], times > 1, len(vocabulary))
        return cls(vocabulary.array()[(having >= FEWEST_BUYERS) & (again > SHARE * having)])

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __len__(self) -> int:
        return len(self._items)

    def to_bytes(self) -> bytes:
        """Write the model for `from_bytes`."""
        return archive.pack(
            kind=KIND, version=VERSION, facts={}, arrays={"items": np.array(sorted(self._items), dtype=np.int64)}
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> RepeatModel:
        """Read a model; raises archive.Unreadable."""
        return cls(archive.unpack(data, kind=KIND, version=VERSION)[1]["items"])
