"""Which products in which order: the models' lists for a place, blended, and narrowed to what may be shown.

Lists are blended by rank (reciprocal rank fusion; Cormack, Clarke, Buettcher 2009), since the scores of different models
cannot be compared. Equal scores keep the order in which products were first named, so an answer is the same each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from saas.recommend import shelf
from saas.recommend.neighbourhood import MEMORY
from saas.recommend.rules import Orders
from saas.recommend.shoppers import Shopper, today
from saas.recommend.stock import Catalogue, Product
from saas.recommend.suggestions import Suggestion

SMOOTH = 5.0  # the k of the fusion: how much the first place counts over the second
RESERVE, MORE = (
    8,
    20,
)  # named beyond what is wanted for what is sold out, hidden or in the cart; times so many when short
WITHOUT_PICTURE = 0.7
JUST_BOUGHT = 30.0  # days
MOST_KNOWN = 10_000  # predictions that are remembered in a process
_known: dict[Hashable, list[Suggestion]] = {}
FOUND = 100.0  # what a search finds stands before what anybody may like
LEAST_MEETINGS = 2  # a pair that met once proves nothing


class Ask(NamedTuple):
    """What is asked for: a place, a shopper, perhaps the product beside which it is shown, and how many.

    `wanted` is how many each model is asked to name, `bought` what an order of a moment ago consists of, `query` what was
    searched for, and `like` the product whose category stands for the whole where nothing better is known. `models` are asked
    in place of those on the shelf, and `day` (since 1970) is the present where it is not today: for trying on the past.
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


class Choice(NamedTuple):
    """One product to show, which list spoke loudest for it, that list's evidence, and the id of the house's rule behind it."""

    product: Product
    algorithm: str
    because: int | None = None
    together: int = 0
    rule: str = ""


@dataclass(frozen=True)
class Named:
    """A list of one model, with the weight of its word."""

    algorithm: str
    weight: float
    suggestions: Sequence[Suggestion]


Source = Callable[[Ask, Catalogue], list[Named]]
"""Names lists for a question: what is learnt, what is popular, what is new."""


def choose(ask: Ask, catalogue: Catalogue, *, chain: Sequence[Source] | None = None) -> list[Choice]:
    """Choose the products for a place, best first, each offerable now and not excluded.

    `chain` names the sources, the next only where the one before could not fill the place; left out, it is what is learnt, then
    what is popular, then what is new.
    """
    orders = Orders(_model(ask, "rules"), slot=ask.slot, now=time.time())
    barred = excluded(ask) | orders.hidden
    chosen: dict[int, Choice] = {}
    for name in chain or (learnt, popular, newest):
        for most in (ask.limit + RESERVE, MORE * (ask.limit + RESERVE)):
            if len(chosen) >= ask.limit:
                break
            lists = name(ask._replace(wanted=most), catalogue)
            _take(chosen, _fused(lists, catalogue, orders), ask, catalogue, barred)
            if all(len(named.suggestions) < most for named in lists):
                break
    answer = list(chosen.values())
    for place, number in orders.pinned:
        product = catalogue.by_number.get(number)
        if number not in barred and product is not None and catalogue.offerable_in(product, ask.source):
            answer = [choice for choice in answer if choice.product.number != number]
            answer.insert(place - 1, Choice(product, "rule", rule=orders.behind(number)))
    return answer[: ask.limit]


def _take(chosen: dict[int, Choice], fused: Iterable[Choice], ask: Ask, catalogue: Catalogue, barred: set[int]) -> None:
    """Add what may be shown, until there is enough."""
    for choice in fused:
        if len(chosen) >= ask.limit:
            return
        number = choice.product.number
        if number not in chosen and number not in barred and catalogue.offerable_in(choice.product, ask.source):
            chosen[number] = choice


def excluded(ask: Ask) -> set[int]:
    """Name what is not shown: the page's own product, what lies in the cart, what was declined or just bought and does not run out."""
    shopper = ask.shopper
    barred = {*shopper.cart, *ask.bought, *shopper.declined}
    if ask.product is not None:
        barred.add(ask.product.number)
    if shopper.bought:
        repeats = _model(ask, "repeats") or ()
        since = _day(ask) - JUST_BOUGHT
        barred |= {number for number, day in shopper.bought if day >= since and number not in repeats}
    if ask.slot == "discover":
        barred |= set(shopper.seen) | {number for number, _day in shopper.bought}
    return barred


def learnt(ask: Ask, catalogue: Catalogue) -> list[Named]:
    """Ask the models that have something to say about this place and this shopper; what a search finds goes first."""
    found = catalogue.words.find(ask.query, most=ask.wanted) if ask.query else []
    first = [Named("found", FOUND, [Suggestion(number, 0.0, None, 0) for number in found])] if found else []
    return first + [
        named for make in PLACES[ask.slot] for named in [make(ask)] if named is not None and named.suggestions
    ]


def _model(ask: Ask, kind: str) -> Any | None:
    return shelf.get(ask.tenant_id, kind) if ask.models is None else ask.models.get(kind)


def _day(ask: Ask) -> float:
    return today() if ask.day is None else ask.day


def _predicted(ask: Ask, kind: str, what: Hashable, predict: Callable[[Any], list[Suggestion]]) -> list[Suggestion]:
    """Ask a model, or remember what it answered to the same question; several places of a page ask the same."""
    model = _model(ask, kind)
    if model is None or ask.models is not None:
        return predict(model) if model is not None else []
    question = (ask.tenant_id, shelf.stamp(ask.tenant_id), kind, what, ask.wanted)
    known = _known.get(question)
    if known is None:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        known = _known[question] = predict(model)
    return known


def _paired(ask: Ask, kind: str, items: Sequence[int], *, alone: bool = False) -> list[Suggestion]:
    """Ask what goes with some products; with `alone` a model of carts is asked for the pairs of the one."""
    return _predicted(
        ask, kind, (alone, *items),
        lambda model: (model.pairs if alone else model).predict(items, n=ask.wanted, least=LEAST_MEETINGS),
    )  # fmt: skip


def _bought_with_product(ask: Ask) -> Named | None:
    return (
        Named("bought_together", 1.0, _paired(ask, "bought", [ask.product.number], alone=True)) if ask.product else None
    )


def _viewed_with_product(ask: Ask) -> Named | None:
    return Named("viewed_together", 0.6, _paired(ask, "viewed", [ask.product.number])) if ask.product else None


def _bought_with_order(ask: Ask) -> Named | None:
    return Named("bought_together", 1.0, _paired(ask, "bought", ask.bought[-MEMORY:])) if ask.bought else None


def _viewed_with_order(ask: Ask) -> Named | None:
    return Named("viewed_together", 0.5, _paired(ask, "viewed", ask.bought[-MEMORY:])) if ask.bought else None


def _bought_with_cart(ask: Ask) -> Named | None:
    return (
        Named("bought_together", 1.0, _paired(ask, "bought", ask.shopper.cart[-MEMORY:])) if ask.shopper.cart else None
    )


def _session(weight: float, mode: str) -> Callable[[Ask], Named | None]:
    def following(ask: Ask) -> Named | None:
        seen = ask.shopper.seen
        if ask.product is not None and ask.slot == "product" and (not seen or seen[-1] != ask.product.number):
            seen = [*seen, ask.product.number]
        seen = seen[-MEMORY:]
        found = _predicted(
            ask, "sessions", (mode, *seen), lambda model: model.predict(seen, n=ask.wanted, mode=mode, count=False)
        ) if seen else []  # fmt: skip
        return Named("session", weight, found)

    return following


def _taste(weight: float, mode: str) -> Callable[[Ask], Named | None]:
    def liked(ask: Ask) -> Named | None:
        bought = ask.shopper.bought
        model = _model(ask, "buyers") if bought else None
        if model is None:
            return None
        items, days = zip(*bought, strict=True)
        return Named("buyer", weight, model.predict(items, days, now=_day(ask), n=ask.wanted, mode=mode))

    return liked


def popular(ask: Ask, catalogue: Catalogue) -> list[Named]:
    """Name what many want just now, beside a product those of its categories first."""
    category = ask.like.categories[0] if ask.like is not None and ask.like.categories else None
    found = _predicted(ask, "popular", category, lambda model: model.predict(n=ask.wanted, category=category))
    return [Named("popular", 1.0, found)]


def newest(ask: Ask, catalogue: Catalogue) -> list[Named]:
    """Name what came last, for a shop nobody has bought in yet."""
    return [Named("newest", 1.0, [Suggestion(number, 0.0, None, 0) for number in catalogue.newest[: ask.wanted]])]


PLACES: dict[str, tuple[Callable[[Ask], Named | None], ...]] = {
    "product": (_bought_with_product, _session(1.0, "discover"), _viewed_with_product),
    "cart": (_bought_with_cart, _session(0.4, "discover")),
    "home": (_session(1.0, "continue"), _taste(0.5, "repeat")),
    "discover": (_session(1.0, "discover"), _taste(0.5, "discover")),
    "thank-you": (_bought_with_order, _viewed_with_order, _session(0.3, "discover"), _taste(0.3, "discover")),
    "search": (_session(0.3, "discover"), _taste(0.2, "discover")),
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
                rule = orders.favouring(product.categories) if orders.boosted else ""
                choice = Choice(product, named.algorithm, suggestion.because, suggestion.together, rule)
                lead[suggestion.item] = gift, choice
    return [lead[number][1] for number in sorted(scores, key=scores.__getitem__, reverse=True)]
