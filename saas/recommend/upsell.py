"""The step up: another size of the same product, what the shop would rather sell, or a neighbour of its category that costs a little more.

How much more is for the shop to say (`step_least` to `step_most` percent). Where the cost of both is known, a step up earns the
shop no less than what it replaces: a dearer product with less left over is no step up.
"""

from __future__ import annotations

from saas.recommend.asking import Ask, Named, model
from saas.recommend.places import Slot
from saas.recommend.stock import Catalogue, Product
from saas.recommend.suggestions import Suggestion

MOST_NEIGHBOURS = 5_000  # of a category that are looked at
MOST_RANKED = 500  # of the popular whose order counts
HUNDRED = 100


def name(ask: Ask, catalogue: Catalogue) -> list[Named]:
    """Name the steps up from the page's product, else from what lies last in the cart, else from what was looked at last."""
    base = base_of(ask, catalogue)
    if base is None or ask.placed is None:
        return []
    variant = better_variant(base, ask.placed)
    rather = [catalogue.find(key, base.source) for key in base.up_sells]
    found = [one for one in rather if one is not None and is_step(base, one, ask.placed)]
    numbers = [base.number] if variant is not None else []
    numbers += [one.number for one in found] + _neighbours(ask, catalogue, base)
    suggestions = [Suggestion(number, 0.0, base.number, 0) for number in dict.fromkeys(numbers)]
    return [Named("up_sell", 1.0, suggestions, {base.number: variant} if variant is not None else {})]


def base_of(ask: Ask, catalogue: Catalogue) -> Product | None:
    """Return what is stepped up from, None where nothing is known or it has no price."""
    numbers = [ask.product.number] if ask.product is not None else [*ask.shopper.seen[-1:], *ask.shopper.cart[-1:]]
    base = catalogue.by_number.get(numbers[-1]) if numbers else None
    return base if base is not None and base.micros else None


def is_step(base: Product, other: Product, slot: Slot) -> bool:
    """Tell whether a product costs so much more as the shop wants, and earns no less where both are known."""
    if other.currency != base.currency or other.micros is None or not base.micros:
        return False
    share = other.micros * HUNDRED
    if not base.micros * (HUNDRED + slot.step_least) <= share <= base.micros * (HUNDRED + slot.step_most):
        return False
    return base.earned is None or other.earned is None or other.earned >= base.earned


def better_variant(base: Product, slot: Slot) -> Product | None:
    """Return the product in the size or colour that is a step up: the one that earns most, or costs least where that is not known."""
    steps = [one for one in map(base.as_variant, base.variants) if is_step(base, one, slot)]
    return min(steps, key=lambda one: (-(one.earned or 0), one.micros), default=None)


def _neighbours(ask: Ask, catalogue: Catalogue, base: Product) -> list[int]:
    """Return the steps up in its categories: those that share most of them, then what many want, then what costs least."""
    by_category = sorted((catalogue.members(category) for category in base.categories), key=len)
    shared: dict[int, int] = {}
    for members in by_category:
        for number in sorted(members, reverse=True)[:MOST_NEIGHBOURS]:
            shared[number] = shared.get(number, 0) + 1
    steps = [
        one for number in shared
        if number != base.number and (one := catalogue.by_number[number]).offerable and is_step(base, one, ask.placed)
    ]  # fmt: skip
    asked = model(ask, "popular")
    wanted = asked.predict(n=MOST_RANKED, category=base.categories[0] if base.categories else None) if asked else []
    rank = {one.item: place for place, one in enumerate(wanted)}
    steps.sort(key=lambda one: (-shared[one.number], rank.get(one.number, MOST_RANKED), one.micros, one.number))
    return [one.number for one in steps[: ask.wanted]]
