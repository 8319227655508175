"""Where products to offer come from: what each engine of a place names, in its order, with the evidence of its reason.

An engine names; whether a product may stand there is told by `gates`, and in which order they stand by `ranking`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from saas.kit.memory import Memory
from saas.recommend import gates, shelf, upsell
from saas.recommend.asking import Ask, Named, Source, day, model
from saas.recommend.neighbourhood import MEMORY
from saas.recommend.places import Slot
from saas.recommend.stock import NEWEST, Catalogue
from saas.recommend.suggestions import Suggestion

MOST_KNOWN = 200_000  # products in the predictions that are remembered in a process, some 40 MB
MOST_REMEMBERED = 600  # longer ones are asked for where rules leave little, and are made anew
MOST_POPULAR, MOST_ALLOWED = 5_000, 1_000
_known: Memory[list[Suggestion]] = Memory(MOST_KNOWN)
FOUND = 100.0  # what a search finds stands before what anybody may like
LEAST_HISTORY = 5  # looks and purchases (a purchase weighs five) below which a product is new
MOST_ALIKE, LEAST_LIKENESS = 60, 0.2
LEAST_MEETINGS = 2  # a pair that met once proves nothing


def learnt(ask: Ask, catalogue: Catalogue) -> list[Named]:
    """Ask the models that have something to say about this place and this shopper; what a search finds goes first."""
    found = catalogue.words.find(ask.query, most=ask.wanted) if ask.query else []
    first = [Named("found", FOUND, [Suggestion(number, 0.0, None, 0) for number in found])] if found else []
    return first + [
        named for make in PLACES[ask.slot] for named in [make(ask)] if named is not None and named.suggestions
    ]


def _predicted(
    ask: Ask, kind: str, what: Hashable, predict: Callable[[Any], list[Suggestion]], *, wanted: int | None = None
) -> list[Suggestion]:
    """Ask a model for as many as are wanted, or remember what it answered to the same question; several places of a page ask the same."""
    asked, wanted = model(ask, kind), ask.wanted if wanted is None else wanted
    if asked is None or ask.models is not None or wanted > MOST_REMEMBERED:
        return predict(asked) if asked is not None else []
    question = (ask.tenant_id, shelf.stamp(ask.tenant_id), kind, what, wanted)
    known = _known.get(question)
    if known is None:
        known = predict(asked)
        _known.keep(question, known, weight=len(known) + 2)
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
        asked = model(ask, "buyers") if bought else None
        if asked is None:
            return None
        items, days = zip(*bought, strict=True)
        return Named("buyer", weight, asked.predict(items, days, now=day(ask), n=ask.wanted, mode=mode))

    return liked


def _told(weight: float, whose: Callable[[Ask], list[int]]) -> Callable[[Ask], Named | None]:
    """Make a list of what the shop itself says goes with something: the first word where nothing is learnt of it, else one of several."""

    def said(ask: Ask) -> Named | None:
        items = whose(ask)
        found = (
            _predicted(ask, "alike", ("told", *items), lambda model: model.goes_with(items, n=ask.wanted))
            if items
            else []
        )
        return Named("told", weight if any(_is_new(ask, item) for item in items) else weight / 3, found)

    return said


def _alike(weight: float, whose: Callable[[Ask], list[int]]) -> Callable[[Ask], Named | None]:
    """Make a list of what is like something, and of what goes with what is like it: for what has no history of its own."""

    def near(ask: Ask) -> Named | None:
        items = [item for item in whose(ask) if _is_new(ask, item)]
        if not items:
            return None
        pairs = model(ask, "bought")
        most = min(ask.wanted, MOST_ALIKE)
        return Named("alike", weight, _predicted(
            ask, "alike", ("alike", *items), lambda model: model.inherited(items, pairs and pairs.pairs, n=most), wanted=most
        ))  # fmt: skip

    return near


def _newcomers(weight: float, whose: Callable[[Ask], list[int]]) -> Callable[[Ask], Named | None]:
    """Make a list of products without a history that are like something: who shows them only when they are wanted never will."""

    def near(ask: Ask) -> Named | None:
        items = whose(ask)
        found = _predicted(
            ask, "alike", ("new", *items),
            lambda model: [one for one in model.predict(items, n=MOST_ALIKE) if one.score >= LEAST_LIKENESS and _is_new(ask, one.item)],
            wanted=MOST_ALIKE,
        ) if items else []  # fmt: skip
        return Named("alike", weight, found)

    return near


def _is_new(ask: Ask, item: int) -> bool:
    """Tell whether so few looked at a product or bought it that nothing can be learnt from them."""
    known = model(ask, "popular")
    number = known.vocabulary.number(item) if known is not None else -1
    return number < 0 or known.counts[number] < LEAST_HISTORY


def _this(ask: Ask) -> list[int]:
    return [ask.product.number] if ask.product is not None else []


def _last_seen(ask: Ask) -> list[int]:
    return ask.shopper.seen[-1:]


def _in_cart(ask: Ask) -> list[int]:
    return ask.shopper.cart[-MEMORY:]


def _just_bought(ask: Ask) -> list[int]:
    return list(ask.bought[-MEMORY:])


def _arrived(ask: Ask) -> Named | None:
    by = ask.shopper.ways
    return (
        Named("arrival", 1.0, _predicted(ask, "arrivals", by, lambda model: model.predict(by, n=ask.wanted)))
        if by
        else None
    )


def _due(ask: Ask) -> Named | None:
    """Name what the shopper buys again and again, in their own rhythm, as far as that helps in this shop."""
    asked = model(ask, "again") if ask.shopper.bought else None
    if asked is None or not asked.weight:
        return None
    items, days = zip(*ask.shopper.bought, strict=True)
    return Named("again", 0.5 * asked.weight, asked.predict(items, days, now=day(ask), n=ask.wanted))


def popular(ask: Ask, catalogue: Catalogue) -> list[Named]:
    """Name what many want just now, beside a product those of its categories first."""
    category = ask.like.categories[0] if ask.like is not None and ask.like.categories else None
    ask = ask._replace(wanted=min(ask.wanted, MOST_POPULAR))
    found = _predicted(ask, "popular", category, lambda model: model.predict(n=ask.wanted, category=category))
    return [Named("popular", 1.0, found)]


def newest(ask: Ask, catalogue: Catalogue) -> list[Named]:
    """Name what came last, for a shop nobody has bought in yet; where rules leave little, from the whole range."""
    slot = ask.placed
    few = catalogue.newest[: ask.wanted]
    found = _allowed(slot, catalogue) if slot is not None and slot.narrow and ask.wanted > NEWEST else few
    return [Named("newest", 1.0, [Suggestion(number, 0.0, None, 0) for number in found])]


def _allowed(slot: Slot, catalogue: Catalogue) -> list[int]:
    """Return the newest products that a place's rules allow, found once for each state of the range."""
    found = catalogue.kept.get(slot)
    if found is None:
        every = sorted(
            (one.id, one.number) for one in catalogue.every() if one.offerable and not gates.unfit(slot, one)
        )
        found = [number for _id, number in every[: -MOST_ALLOWED - 1 : -1]]
        catalogue.kept[slot] = found
    return found


PLACES: dict[str, tuple[Callable[[Ask], Named | None], ...]] = {
    "product": (
        _bought_with_product,
        _session(1.0, "discover"),
        _viewed_with_product,
        _told(1.0, _this),
        _alike(0.4, _this),
        _newcomers(0.2, _this),
    ),
    "cart": (_bought_with_cart, _session(0.4, "discover"), _told(0.5, _in_cart), _alike(0.2, _in_cart)),
    "home": (_session(1.0, "continue"), _taste(0.5, "repeat"), _due, _alike(0.4, _last_seen), _arrived),
    "discover": (
        _session(1.0, "discover"),
        _taste(0.5, "discover"),
        _alike(0.4, _last_seen),
        _newcomers(0.8, _last_seen),
        _arrived,
    ),
    "thank-you": (
        _bought_with_order,
        _viewed_with_order,
        _session(0.3, "discover"),
        _taste(0.3, "discover"),
        _told(0.5, _just_bought),
        _alike(0.2, _just_bought),
    ),
    "search": (_session(0.3, "discover"), _taste(0.2, "discover")),
    "mail": (_taste(1.0, "repeat"), _due, _session(0.5, "continue")),
}


def _around(ask: Ask) -> tuple[list[int], bool]:
    """Return what "together" is about: the page's product alone, else the order, the cart, the last look, the last purchases."""
    if ask.product is not None:
        return [ask.product.number], True
    shopper = ask.shopper
    several = (
        ask.bought or shopper.cart or shopper.seen[-1:] or [number for number, _day in shopper.bought[:MEMORY]][::-1]
    )
    return list(several[-MEMORY:]), False


def bought_together(ask: Ask, catalogue: Catalogue) -> list[Named]:
    """Name what is bought with what the shopper looks at or has."""
    items, alone = _around(ask)
    return [Named("bought_together", 1.0, _paired(ask, "bought", items, alone=alone))] if items else []


def viewed_together(ask: Ask, catalogue: Catalogue) -> list[Named]:
    """Name what is looked at with what the shopper looks at or has."""
    items, _alone = _around(ask)
    return [Named("viewed_together", 1.0, _paired(ask, "viewed", items))] if items else []


def buy_again(ask: Ask, catalogue: Catalogue) -> list[Named]:
    """Name what the shopper has bought before: what they need next first, by taste and by their own rhythm as far as that is learnt."""
    often = Counter(number for number, _day in ask.shopper.bought)
    if not often:
        return []
    asked, found = model(ask, "buyers"), []
    if asked is not None:
        items, days = zip(*ask.shopper.bought, strict=True)
        found = asked.predict(items, days, now=day(ask), n=len(often), mode="repeat", only=often)
    named = {one.item for one in found}
    rest = [Suggestion(number, 0.0, number, times) for number, times in often.most_common() if number not in named]
    own = [one._replace(because=one.item) for one in found]
    listed = [Named("buyer", 1.0, own + rest)]
    rhythm = model(ask, "again")
    if rhythm is None or not rhythm.alone:
        return listed
    items, days = zip(*ask.shopper.bought, strict=True)
    return [*listed, Named("again", rhythm.alone, rhythm.predict(items, days, now=day(ask), n=len(often)))]


def by_hand(ask: Ask, catalogue: Catalogue) -> list[Named]:
    """Name what people of the shop picked for this place, in their order."""
    picked = ask.placed.picked if ask.placed is not None else ()
    return [Named("by_hand", 1.0, [Suggestion(number, 0.0, None, 0) for number in picked])]


def _of(*makers: Callable[[Ask], Named | None]) -> Source:
    def name(ask: Ask, catalogue: Catalogue) -> list[Named]:
        return [named for make in makers for named in [make(ask)] if named is not None]

    return name


ENGINES: dict[str, Source] = {
    "automatic": learnt,
    "continue": _of(_session(1.0, "continue")),
    "discover": _of(_session(1.0, "discover"), _taste(0.5, "discover")),
    "bought_together": bought_together,
    "viewed_together": viewed_together,
    "up_sell": upsell.name,
    "for_you": _of(_taste(1.0, "discover")),
    "buy_again": buy_again,
    "popular": popular,
    "newest": newest,
    "by_hand": by_hand,
}


def chain(slot: Slot) -> list[tuple[str, Source]]:
    """Return the engines of a place by name, the next for what the one before cannot fill."""
    return [(name, ENGINES[name]) for name in dict.fromkeys((slot.engine, *slot.fallback))]
