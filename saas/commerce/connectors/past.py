"""What every store that can be read has in common: its past comes in portions, and it may ask to be left alone for a while."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from saas.commerce.connectors.delivery import Body, Unmappable
from saas.kit import errors

log = logging.getLogger("regulars.shops")


class StoreRefused(errors.Refusal):
    """The store answered, and refused: wrong keys, no API, an error of its own."""

    status, code = 422, "store_refused"


class StoreBusy(StoreRefused):
    """The store asks to be left alone for `seconds`; when it is our pace and not its trouble, `quiet` is true."""

    def __init__(self, message: str, *, seconds: float, quiet: bool = False) -> None:
        super().__init__(message)
        self.seconds, self.quiet = seconds, quiet


@dataclass(frozen=True)
class Origin:
    """Whose things these are: the shop, what it sells in where a thing does not say, and the address of its pages."""

    source_id: UUID
    currency: str
    url: str = ""


@dataclass(frozen=True)
class Portion:
    """Some of a store's past. `place` says where to go on, None when this kind is all here; `share` how far this kind is,
    `wait` how many seconds the store wants before it is asked again."""

    bodies: Sequence[Body]
    place: dict[str, Any] | None
    share: float
    wait: float = 0.0


@dataclass(frozen=True)
class Tended:
    """What looking after a store's webhooks came to, and what the store says of itself."""

    webhooks: dict[str, int]
    shop: dict[str, Any] = field(default_factory=dict)


class Past(Protocol):
    """A store whose past can be read. Nothing of it is called inside a transaction."""

    def renewed(self) -> dict[str, Any] | None:
        """Return the keys to be kept from now on when the old ones were about to end, or None."""

    def tend(self, *, address: str, secret: str) -> Tended:
        """Have every topic delivered to our address; raises StoreRefused or Unreachable."""

    def kinds(self, *, since: datetime | None) -> tuple[str, ...]:
        """Return what is read, in this order; `since` when only what changed is wanted."""

    def portion(self, kind: str, place: dict[str, Any], *, since: datetime | None) -> Portion:
        """Return what comes next; raises StoreRefused, StoreBusy or Unreachable."""


def write(
    bodies: Iterable[Body], *, read: Callable[[Body], Any], store: Callable[[list[Any]], Sequence[Any]]
) -> tuple[int, int]:
    """Write a portion; returns how many changed something and how many could not be understood. None from `read` is left out."""
    good, failed = [], 0
    for body in bodies:
        try:
            item = read(body)
        except (Unmappable, KeyError, TypeError, ValueError, AttributeError) as error:
            log.warning("an item of the past could not be read: %s", error)
            failed += 1
            continue
        if item is not None:
            good.append(item)
    results = store(good) if good else []
    return sum(r.status in ("created", "updated") for r in results), failed + sum(r.status == "failed" for r in results)
