"""Who a person is in the data, or who many are: the ids and words by which their rows are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

SHORTEST = 6
"""A shorter word (a number of four digits, say) would be found where nobody meant the person."""


@dataclass(frozen=True)
class Traces:
    """Ids and words of one person or many: what they are and were as customers, their orders, mails, browsers and addresses."""

    customers: tuple[UUID, ...]
    orders: tuple[UUID, ...] = ()
    recipients: tuple[UUID, ...] = ()
    visitors: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()

    def of(self, what: str) -> list[Any]:
        return list(getattr(self, what))

    @property
    def words(self) -> list[str]:
        """Return what tells of the person wherever it is written, in small letters."""
        told = {word.lower() for word in (*self.emails, *self.visitors, *self.phones)}
        return sorted(word for word in told if len(word) >= SHORTEST)
