"""What of a store's past could not be understood: kept as a delivery that waits with its reason, by the room that keeps those."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from saas.commerce.connectors.past import Outcome

Keeper = Callable[[UUID, str, Sequence[Outcome]], None]
_keepers: list[Keeper] = []
TOPIC = "past."
"""Such a delivery's topic begins so, followed by the kind of the past."""


def keep_with(keeper: Keeper) -> None:
    """Have what cannot be understood given to this function: (shop, kind, what became of the things)."""
    if keeper not in _keepers:
        _keepers.append(keeper)


def keep(shop_id: UUID, kind: str, outcomes: Sequence[Outcome]) -> None:
    """Give away what could not be understood, within the unit of work that is open."""
    for keeper in _keepers if outcomes else ():
        keeper(shop_id, kind, outcomes)
