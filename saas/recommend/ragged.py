"""Lists of unequal length as two flat arrays, so that NumPy can walk many of them in one step."""

from __future__ import annotations

import numpy as np


def expand(starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List the places start, start + 1, ... of every run; returns (number of the run, place), one entry per place."""
    runs = np.repeat(np.arange(len(lengths)), lengths)
    before = np.cumsum(lengths) - lengths
    return runs, np.arange(len(runs)) + (starts - before)[runs]


def bounds(sorted_keys: np.ndarray, size: int) -> np.ndarray:
    """Find where each key 0..size-1 begins in a sorted array; entry `size` is the end (size + 1 entries)."""
    return np.searchsorted(sorted_keys, np.arange(size + 1))


def grown(array: np.ndarray, size: int) -> np.ndarray:
    """Give an array room for `size` entries, doubling so that appending one by one stays cheap."""
    if size <= len(array):
        return array
    larger = np.zeros(max(size, 2 * len(array), 16), dtype=array.dtype)
    larger[: len(array)] = array
    return larger
