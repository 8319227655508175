"""Which products in which order: the models' lists for a place, blended, and narrowed to what may be shown.

Lists are blended by rank (reciprocal rank fusion; Cormack, Clarke, Buettcher 2009), since the scores of different models
cannot be compared. Equal scores keep the order in which products were first named, so an answer is the same each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from saas.recommend import shelf
from saas.recommend.rules import Orders
from saas.recommend.shoppers import Shopper, today
from saas.recommend.stock import Catalogue, Product
from saas.recommend.suggestions import Suggestion

SMOOTH = 5.0  # the k of the fusion: how much the first place counts over the second
RESERVE = 24  # named beyond what is wanted, for what is sold out, hidden or in the cart
WITHOUT_PICTURE = 0.7
JUST_BOUGHT = 30.0  # days
LEAST_MEETINGS = 2  # a pair that met once proves nothing


class Ask(NamedTuple):
    """What is asked for: a place, a shopper, perhaps the product beside which it is shown, and how many."""

    tenant_id: int
    slot: str
    shopper: Shopper
    product: Product | None
    limit: int
    source: str


class Choice(NamedTuple):
    """One product to show, which list spoke loudest for it, and that list's evidence."""

    product: Product
    algorithm: str
    because: int | None = None
    together: int = 0


@dataclass(frozen=True)
class Named:
    """A list of one model, with the weight of its word."""

    algorithm: str
    weight: float
    suggestions: Sequence[Suggestion]


def choose(ask: Ask, catalogue: Catalogue) -> list[Choice]:
    """Choose the products for a place, best first, each offerable now and not excluded."""
    orders = Orders(shelf.get(ask.tenant_id, "rules"), slot=ask.slot, now=time.time())
    barred = excluded(ask) | orders.hidden
    pinned = [(place, catalogue.by_number.get(number)) for place, number in orders.pinned if number not in barred]
    chosen: dict[int, Choice] = {}
    for name in (learnt, popular, newest):  # the next only where the one before could not fill the place
        if len(chosen) >= ask.limit:
            break
        fused = _fused(name(ask, catalogue), catalogue, orders)
        for choice in fused:
            number = choice.product.number
            if number not in chosen and number not in barred and catalogue.offerable_in(choice.product, ask.source):
                chosen[number] = choice
                if len(chosen) >= ask.limit:
                    break
    answer = list(chosen.values())
    for place, product in pinned:
        if product is not None and catalogue.offerable_in(product, ask.source):
            answer = [choice for choice in answer if choice.product.number != product.number]
            answer.insert(place - 1, Choice(product, "rule"))
    return answer[: ask.limit]


def excluded(ask: Ask) -> set[int]:
    """Name what is not shown: what lies in the cart, the page's own product, what was just bought and does not run out."""
    shopper = ask.shopper
    barred = set(shopper.cart)
    if ask.product is not None:
        barred.add(ask.product.number)
    if shopper.bought:
        repeats = shelf.get(ask.tenant_id, "repeats") or ()
        since = today() - JUST_BOUGHT
        barred |= {number for number, day in shopper.bought if day >= since and number not in repeats}
    if ask.slot == "discover":
        barred |= set(shopper.seen) | {number for number, _day in shopper.bought}
    return barred


def learnt(ask: Ask, catalogue: Catalogue) -> list[Named]:
    """Ask the models that have something to say about this place and this shopper."""
    return [named for make in PLACES[ask.slot] for named in [make(ask)] if named is not None and named.suggestions]


def _wanted(ask: Ask) -> int:
    return ask.limit + RESERVE


def _bought_with_product(ask: Ask) -> Named | None:
    model = shelf.get(ask.tenant_id, "bought") if ask.product else None
    if model is None:
        return None
    return Named("bought_together", 1.0, model.predict([ask.product.number], n=_wanted(ask), least=LEAST_MEETINGS))


def _viewed_with_product(ask: Ask) -> Named | None:
    model = shelf.get(ask.tenant_id, "viewed") if ask.product else None
    if model is None:
        return None
    return Named("viewed_together", 0.6, model.predict([ask.product.number], n=_wanted(ask), least=LEAST_MEETINGS))


def _bought_with_cart(ask: Ask) -> Named | None:
    model = shelf.get(ask.tenant_id, "bought") if ask.shopper.cart else None
    if model is None:
        return None
    return Named("bought_together", 1.0, model.predict(ask.shopper.cart[-30:], n=_wanted(ask), least=LEAST_MEETINGS))


def _session(weight: float, mode: str) -> Callable[[Ask], Named | None]:
    def following(ask: Ask) -> Named | None:
        seen = ask.shopper.seen
        if ask.product is not None and ask.slot == "product" and (not seen or seen[-1] != ask.product.number):
            seen = [*seen, ask.product.number]
        model = shelf.get(ask.tenant_id, "sessions") if seen else None
        return None if model is None else Named("session", weight, model.predict(seen, n=_wanted(ask), mode=mode))

    return following


def _taste(weight: float, mode: str) -> Callable[[Ask], Named | None]:
    def liked(ask: Ask) -> Named | None:
        bought = ask.shopper.bought
        model = shelf.get(ask.tenant_id, "buyers") if bought else None
        if model is None:
            return None
        items, days = zip(*bought, strict=True)
        return Named("buyer", weight, model.predict(items, days, now=today(), n=_wanted(ask), mode=mode))

    return liked


def popular(ask: Ask, catalogue: Catalogue) -> list[Named]:
    """Name what many want just now, beside a product those of its categories first."""
    model = shelf.get(ask.tenant_id, "popular")
    if model is None:
        return []
    category = ask.product.categories[0] if ask.product is not None and ask.product.categories else None
    most = _wanted(ask) + len(ask.shopper.seen) + len(ask.shopper.cart)
    found = model.predict(n=most, category=category)
    if sum(catalogue.offerable_in(catalogue.by_number.get(one.item), ask.source) for one in found) < ask.limit + RESERVE / 2:
        found = model.predict(n=2000, category=category)  # much is sold out
    return [Named("popular", 1.0, found)]


def newest(ask: Ask, catalogue: Catalogue) -> list[Named]:
    """Name what came last, for a shop nobody has bought in yet."""
    return [Named("newest", 1.0, [Suggestion(number, 0.0, None, 0) for number in catalogue.newest])]


PLACES: dict[str, tuple[Callable[[Ask], Named | None], ...]] = {
    "product": (_bought_with_product, _session(1.0, "discover"), _viewed_with_product),
    "cart": (_bought_with_cart, _session(0.4, "discover")),
    "home": (_session(1.0, "continue"), _taste(0.5, "repeat")),
    "discover": (_session(1.0, "discover"), _taste(0.5, "discover")),
    "mail": (_taste(1.0, "repeat"), _session(0.5, "continue")),
}


def _fused(lists: Iterable[Named], catalogue: Catalogue, orders: Orders) -> list[Choice]:
    """Blend lists: a product's score is the sum of weight / (k + rank), its reason that of the list which adds most."""
    scores: dict[int, float] = {}
    lead: dict[int, tuple[float, Choice]] = {}
    for named in lists:
        for rank, suggestion in enumerate(named.suggestions, 1):
            product = catalogue.by_number.get(suggestion.item)
            if product is None:
                continue
            gift = named.weight / (SMOOTH + rank) * (1.0 if product.image_url else WITHOUT_PICTURE)
            if orders.boosted:
                gift *= orders.weight(product.categories)
            scores[suggestion.item] = scores.get(suggestion.item, 0.0) + gift
            if suggestion.item not in lead or gift > lead[suggestion.item][0]:
                lead[suggestion.item] = gift, Choice(product, named.algorithm, suggestion.because, suggestion.together)
    return [lead[number][1] for number in sorted(scores, key=scores.__getitem__, reverse=True)]
