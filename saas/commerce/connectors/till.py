"""What every kind of shop that takes codes has in common: terms in plain words, and what became of codes it was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class Terms:
    """What codes give, as their shop is told: `percent` and amounts as texts, `ends_at` of these very codes."""

    coupon_id: str
    name: str
    kind: str
    percent: str
    amount: str
    least: str
    currency: str
    products: Sequence[str]
    categories: Sequence[str]
    alone: bool
    starts_at: datetime | None
    ends_at: datetime | None
    uses: int
    per_customer: int

    @property
    def mark(self) -> str:
        """By this a coupon in the shop is known as ours."""
        return f"Regulars {self.coupon_id}"


@dataclass
class Taken:
    """What became of codes: `ready` with the shop's ids of them, `elsewhere` those that the shop uses for something else,
    `refused` with why. `at_shop` is what is to be remembered of the shop for the next time."""

    ready: dict[str, str] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    at_shop: dict[str, Any] = field(default_factory=dict)


class Till(Protocol):
    """A shop that takes codes. Nothing of it is called inside a transaction; all raise StoreRefused or StoreBusy.

    Each call may be repeated after an answer that was lost: codes that the shop took already are found again.
    """

    most: int

    def renewed(self) -> dict[str, Any] | None:
        """Return keys to be kept from now on when the old ones were about to end, or None."""

    def write(self, terms: Terms, codes: Sequence[str], at_shop: Mapping[str, Any]) -> Taken:
        """Have the shop take codes."""

    def stop(self, terms: Terms, codes: Mapping[str, str], at_shop: Mapping[str, Any], *, whole: bool) -> set[str]:
        """Have the shop refuse codes, given with its ids of them as far as known; with `whole` the coupon is over.
        Returns those that it refuses now, which it does with one that it does not know."""

    def absent(self, codes: Mapping[str, str], at_shop: Mapping[str, Any]) -> set[str]:
        """Return which of these codes the shop has no more."""
