"""What a check of a connection came to: a code that has its words in every language, and what stands in them."""

from __future__ import annotations

from typing import Any


class Found:
    """A step that is well; `values` are what was found out."""

    state = "good"

    def __init__(self, code: str, **values: Any) -> None:
        self.code, self.values = code, values


class Waiting(Found):
    """A step that waits for the shop."""

    state = "wait"


class Bad(Exception):
    """A step that is not well; the code says why, and its words what to do."""

    state = "bad"

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code, self.values = code, values
