"""What is wrong with a template, said to the marketer with the line and column in what they wrote."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One fault. `part` is subject, body or text; lines and columns count from 1, columns in characters."""

    part: str
    line: int
    column: int
    sentence: str


def problem(*, part: str, source: str, at: int, sentence: str) -> Problem:
    """This function will place a sentence at the character offset `at` of a source."""
    at = max(0, min(at, len(source)))
    before = source[:at]
    return Problem(part, before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1, sentence)


class Rewriting:
    """A text that is built from pieces of another one and remembers where each piece came from."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._starts: list[int] = []
        self._origins: list[tuple[int, bool]] = []
        self._length = 0

    def add(self, text: str, origin: int, *, copied: bool = True) -> None:
        """This function will append text that stood at `origin`; when not `copied`, all of it maps to that point."""
        if text:
            self._starts.append(self._length)
            self._origins.append((origin, copied))
            self._pieces.append(text)
            self._length += len(text)

    def origin(self, at: int) -> int:
        """This function will return where the character at `at` came from."""
        if not self._starts:
            return 0
        piece = max(bisect_right(self._starts, at) - 1, 0)
        origin, copied = self._origins[piece]
        return origin + (at - self._starts[piece] if copied else 0)

    def __str__(self) -> str:
        return "".join(self._pieces)
