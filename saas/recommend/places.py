"""What a shop wants for a place of its pages: which engine, how many, which products never, which first.

A `Slot` is plain and travels on the shelf like a model (see `slots`, which keeps and changes it); `ranking` and `gates` obey it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import orjson

SLOTS = ("home", "product", "cart", "discover", "mail", "thank-you", "search")
"""The places that are built in. A place made by a shop stands in one of them: it is asked what that one is asked."""
ENGINES = (
    "automatic", "continue", "discover", "bought_together", "viewed_together", "up_sell", "for_you", "buy_again", "popular",
    "newest", "by_hand",
)  # fmt: skip
FALLBACK = ("popular", "newest")


@dataclass(frozen=True)
class Slot:
    """The settings of one place. Products are numbers (see `stock.number_of`), money is in millionths of `currency`.

    `count` is None where whoever asks says how many. `pinned` come first in their order, `buried` only where nothing else is
    left, `picked` are what the engine "by_hand" shows. `least_margin`, `diversity` and the steps of up-sell are in percent.
    `category_cap` counts a product in each of its categories. `not_bought_days` None: what was just bought and does not
    run out is left out for a month, as everywhere.
    """

    key: str
    place: str
    name: str = ""
    engine: str = "automatic"
    fallback: tuple[str, ...] = FALLBACK
    count: int | None = None
    active: bool = True
    pinned: tuple[int, ...] = ()
    buried: tuple[int, ...] = ()
    picked: tuple[int, ...] = ()
    excluded_tags: tuple[str, ...] = ()
    excluded_categories: tuple[str, ...] = ()
    least_stock: int = 1
    least_margin: int | None = None
    unknown_margin: bool = False
    price_least: int | None = None
    price_most: int | None = None
    currency: str = ""
    reduced_only: bool = False
    category_cap: int | None = None
    not_bought_days: int | None = None
    diversity: int = 0
    step_least: int = 5
    step_most: int = 60
    bundle: bool = False

    tags: frozenset[str] = field(init=False, compare=False, repr=False)
    categories: frozenset[str] = field(init=False, compare=False, repr=False)
    last: frozenset[int] = field(init=False, compare=False, repr=False)
    narrow: bool = field(init=False, compare=False, repr=False)
    plain: bool = field(init=False, compare=False, repr=False)
    reckoned: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Reckon once what every answer asks: the hash, and whether products have to be looked at one by one."""
        narrow = (
            self.excluded_tags or self.excluded_categories or self.least_stock > 1 or self.least_margin is not None
            or self.price_least is not None or self.price_most is not None or self.reduced_only
        )  # fmt: skip
        reckoned = {
            "tags": frozenset(tag.casefold() for tag in self.excluded_tags),
            "categories": frozenset(name.casefold() for name in self.excluded_categories),
            "last": frozenset(self.buried), "narrow": bool(narrow),
            "plain": not (narrow or self.buried or self.diversity or self.category_cap or {"discover", "up_sell"} & {self.engine, *self.fallback}),
            "reckoned": hash(tuple(getattr(self, name) for name in NAMES)),
        }  # fmt: skip
        for name, value in reckoned.items():
            object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        return self.reckoned

    def changed(self, **settings: Any) -> Slot:
        """Return this place with other settings, for a preview or an arm of a trial."""
        return replace(self, **settings)


NAMES = tuple(one.name for one in fields(Slot) if one.init)
BUILT_IN = {place: Slot(place, place) for place in SLOTS}


def packed(slots: Mapping[str, Slot]) -> bytes:
    """Write places for `read`."""
    return orjson.dumps([{name: getattr(slot, name) for name in NAMES} for slot in slots.values()])


def read(data: bytes) -> dict[str, Slot]:
    """Read places by their keys; what a later release added to them is left out, what it lacks is as it is everywhere."""
    return {row["key"]: slot_of(row) for row in orjson.loads(data)}


def slot_of(row: Mapping[str, Any]) -> Slot:
    """Make a place of plain values."""
    values = {name: row[name] for name in NAMES if name in row}
    return Slot(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
