"""What is asked for, what is answered, and the lists in between: what engines, gates and the order of a place have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from saas.recommend import shelf
from saas.recommend.places import Slot
from saas.recommend.shoppers import Shopper, today
from saas.recommend.stock import Catalogue, Product
from saas.recommend.suggestions import Suggestion


class Ask(NamedTuple):
    """What is asked for: a place, a shopper, perhaps the product beside which it is shown, and how many.

    `wanted` is how many each model is asked to name, `bought` what an order of a moment ago consists of, `query` what was
    searched for, and `like` the product whose category stands for the whole where nothing better is known. `models` are asked
    in place of those on the shelf, and `day` (since 1970) is the present where it is not today: for trying on the past.
    `placed` is what the shop wants for the place; left out, it is what is on the shelf for `slot`.
    """

    tenant_id: int
    slot: str
    shopper: Shopper
    product: Product | None
    limit: int
    source: str
    wanted: int = 0
    bought: tuple[int, ...] = ()
    query: str = ""
    like: Product | None = None
    models: Mapping[str, Any] | None = None
    day: float | None = None
    placed: Slot | None = None


class Choice(NamedTuple):
    """One product to show, which list spoke loudest for it, that list's evidence, the id of the house's rule behind it, and the engine
    of the place by which it came ("pinned" where people put it there)."""

    product: Product
    algorithm: str
    because: int | None = None
    together: int = 0
    rule: str = ""
    engine: str = ""


class Named(NamedTuple):
    """A list of one model, with the weight of its word; `instead` is what stands for a product's number, such as one of its variants."""

    algorithm: str
    weight: float
    suggestions: Sequence[Suggestion]
    instead: Mapping[int, Product] = MappingProxyType({})


Source = Callable[[Ask, Catalogue], list[Named]]
"""Names lists for a question: what is learnt, what is popular, what is new."""


def model(ask: Ask, kind: str) -> Any | None:
    """Return the model of a kind that is to be asked, None where there is none."""
    return shelf.get(ask.tenant_id, kind) if ask.models is None else ask.models.get(kind)


def day(ask: Ask) -> float:
    """Return the present of a question, in days since 1970."""
    return today() if ask.day is None else ask.day
