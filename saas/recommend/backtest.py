"""What the offers would have hit last month: the newest part of a shop's history held back, learnt from the rest, and asked for.

The very order of a place is tried (`ranking.choose`), with models and parameters that have seen nothing of what they are
asked, beside the same place filled with what is popular. The house's rules are left out: they are a wish and not a guess.
Results are of the past: what an offer changes is told by `results`, not here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from saas.kit import clock, intervals, work
from saas.recommend import evaluation, fitting, freshness, ranking, stock, training
from saas.recommend.ranking import Ask
from saas.recommend.shoppers import Shopper
from saas.recommend.stock import Catalogue

N = 10
HELD_BACK = 30.0  # days, a quarter of the history at most
QUESTIONS = 400  # for each place
FEWEST = 100  # below so many questions a page says that chance may decide
AGAIN_AFTER = timedelta(days=1)
LARGE, LARGE_AGAIN_AFTER = (
    200_000,
    timedelta(days=7),
)  # entries of a history from which on learning twice takes its time


@dataclass(frozen=True)
class Question:
    """Who stands where, and the products any of which would have been right."""

    shopper: Shopper
    wanted: frozenset[int]
    beside: int | None = None


def repeat(tenant_id: int) -> bool:
    """This function will try a company's offers on its past where that is due; returns whether it was."""
    with work.unit(tenant_id=tenant_id):
        state = freshness.read()
    last, learnt = state.notes.get("backtest"), state.notes.get("models", {}).get("popular", {})
    entries = learnt.get("views", 0) + learnt.get("purchases", 0)
    pause = LARGE_AGAIN_AFTER if entries > LARGE else AGAIN_AFTER
    if not entries or (last and clock.now() - datetime.fromisoformat(last["at"]) < pause):
        return False
    products = training.Products(tenant_id)
    views, lines = training.views(tenant_id, products), training.purchases(tenant_id, products)
    figures = examine(views, lines, products, stock.catalogue(tenant_id))
    with work.unit(tenant_id=tenant_id):
        freshness.note_backtest(figures)
    return True


def examine(
    views: training.Views, lines: training.Purchases, products: training.Products, catalogue: Catalogue
) -> dict[str, Any]:
    """This function will hold back the newest part of a history and return how the places do on it, as plain values.

    `places` has, for each place with a question: `slot`, `asked`, `hits` and `popular_hits` (how often something wanted stood among
    the first ten), `interval` of the share, `better` ("yes", "no", "same": by a sign test at 5%), and of ours and of popularity
    `coverage`, `long_tail` and `novelty` as `evaluation` defines them.
    """
    offerable = {number for number, product in catalogue.by_number.items() if product.offerable}
    # views and orders have pasts of their own: a tracker of last week stands beside the orders of years
    of_visits, of_orders = _cut(views.seconds / training.DAY), _cut(lines.days)
    visits = _visits(views, of_visits)
    asked = (
        (of_visits, {"product": _next_views(visits, new=True, beside=True), "home": _next_views(visits, new=False),
                     "discover": _next_views(visits, new=True)}),
        (of_orders, {"cart": _missing_lines(lines, of_orders), "mail": _next_purchases(lines, of_orders)}),
    )  # fmt: skip
    places = []
    for since, by_slot in asked:
        fair = {slot: [one for one in some if one.wanted & offerable] for slot, some in by_slot.items()}
        if not any(fair.values()):
            continue
        old_views, old_lines = _older(views, lines, since)
        models = _learnt(old_views, old_lines, products)
        popularity = Counter(np.concatenate([old_views.items, old_lines.items]).tolist())
        for slot, questions in fair.items():
            if questions:
                place = _place(
                    slot, _drawn(questions), models, catalogue, popularity, range_size=len(offerable), day=since
                )
                places.append(place)
    days = max(_newest(views.seconds / training.DAY) - of_visits, _newest(lines.days) - of_orders)
    return {"at": clock.now().isoformat(), "days": round(days, 1), "places": places}


def _learnt(views: training.Views, lines: training.Purchases, products: training.Products) -> dict[str, Any]:
    """Fit all models on what was before, their parameters chosen on it too."""
    parameters: dict[str, Any] = {}
    return {
        "popular": fitting.popular(views, lines, products)[0],
        "sessions": fitting.sessions(views, parameters)[0],
        "viewed": fitting.viewed(views)[0],
        "bought": fitting.bought(lines, parameters)[0],
        "buyers": fitting.buyers(lines, parameters)[0],
        "repeats": fitting.repeats(lines)[0],
        "again": fitting.again(lines, parameters)[0],
    }


def _place(
    slot: str, questions: list[Question], models: dict[str, Any], catalogue: Catalogue, popularity: Counter[int],
    *, range_size: int, day: float,
) -> dict[str, Any]:  # fmt: skip
    ours = _answers(slot, questions, models, catalogue, day, chain=None)
    plain = _answers(slot, questions, models, catalogue, day, chain=(ranking.popular, ranking.newest))
    found = [bool(one.wanted & set(listed)) for one, listed in zip(questions, ours, strict=True)]
    found_plain = [bool(one.wanted & set(listed)) for one, listed in zip(questions, plain, strict=True)]
    only_ours = sum(a and not b for a, b in zip(found, found_plain, strict=True))
    only_plain = sum(b and not a for a, b in zip(found, found_plain, strict=True))
    return {
        "slot": slot, "asked": len(questions), "hits": sum(found), "popular_hits": sum(found_plain),
        "interval": intervals.wilson(sum(found), len(found)),
        "popular_interval": intervals.wilson(sum(found_plain), len(found_plain)),
        "better": better(only_ours, only_plain),
        "ours": _spread(ours, popularity, range_size), "popular": _spread(plain, popularity, range_size),
    }  # fmt: skip


def better(only_ours: int, only_plain: int) -> str:
    """This function will say whether more was found than by the other, by an exact sign test at 5%: "yes", "no" or "same".

    Source: McNemar 1947 on paired answers, with the exact binomial in place of the chi-squared.
    """
    from scipy.stats import binomtest

    if only_ours == only_plain or binomtest(only_ours, only_ours + only_plain).pvalue >= 0.05:
        return "same"
    return "yes" if only_ours > only_plain else "no"


def _spread(lists: list[list[int]], popularity: Counter[int], range_size: int) -> dict[str, float]:
    return {
        "coverage": round(evaluation.coverage(lists, of=range_size), 4),
        "long_tail": round(evaluation.long_tail(lists, popularity, of=range_size), 4),
        "novelty": round(evaluation.novelty(lists, popularity), 3),
    }


def _answers(
    slot: str, questions: list[Question], models: dict[str, Any], catalogue: Catalogue, day: float,
    *, chain: Sequence[ranking.Source] | None,
) -> list[list[int]]:  # fmt: skip
    asks = (
        Ask(0, slot, one.shopper, product, N, stock.NO_SOURCE, like=product, models=models, day=day)
        for one in questions
        for product in [catalogue.by_number.get(one.beside) if one.beside is not None else None]
    )
    return [[choice.product.number for choice in ranking.choose(ask, catalogue, chain=chain)] for ask in asks]


def _newest(days: np.ndarray) -> float:
    return float(days.max(initial=0.0))


def _cut(days: np.ndarray) -> float:
    """Find the day from which on a past is held back."""
    return float(days.max() - min(HELD_BACK, (days.max() - days.min()) / 4)) if len(days) else 0.0


def _older(views: training.Views, lines: training.Purchases, since: float) -> tuple[training.Views, training.Purchases]:
    """Keep what had ended by then: a visit that was under way is neither learnt from nor asked about."""
    before = views.seconds / training.DAY < since
    under_way = np.unique(views.visits[~before])
    before &= ~np.isin(views.visits, under_way)
    old = lines.days < since
    return (
        training.Views(views.visits[before], views.items[before], views.seconds[before]),
        training.Purchases(lines.orders[old], lines.buyers[old], lines.items[old], lines.days[old]),
    )


def _visits(views: training.Views, since: float) -> list[list[int]]:
    """List the visits that began after the cut, each its products in the order of looking."""
    begun: dict[int, list[int]] = {}
    first: dict[int, float] = {}
    for visit, item, at in zip(views.visits.tolist(), views.items.tolist(), views.seconds.tolist(), strict=True):
        begun.setdefault(visit, []).append(item)
        first.setdefault(visit, at / training.DAY)
    return [items for visit, items in begun.items() if first[visit] >= since and len(items) > 1]


def _next_views(visits: list[list[int]], *, new: bool, beside: bool = False) -> list[Question]:
    """Ask after each look for the next product; with `new` only for one that was not looked at before."""
    return [
        Question(Shopper(seen=items[:step]), frozenset({wanted}), items[step - 1] if beside else None)
        for items in visits
        for step, wanted in enumerate(items)
        if step and (wanted not in items[:step] if new else wanted != items[step - 1])
    ]


def _missing_lines(lines: training.Purchases, since: float) -> list[Question]:
    """Take the last product out of each order and ask for it with the others in the cart."""
    orders: dict[int, dict[int, None]] = {}
    for order, item in _since(lines, since, lines.orders):
        orders.setdefault(order, {})[item] = None
    baskets = [list(items) for items in orders.values() if len(items) > 1]
    return [Question(Shopper(cart=items[:-1]), frozenset({items[-1]})) for items in baskets]


def _next_purchases(lines: training.Purchases, since: float) -> list[Question]:
    """Ask for what the customers known by then bought afterwards."""
    later: dict[int, set[int]] = {}
    for buyer, item in _since(lines, since, lines.buyers):
        later.setdefault(buyer, set()).add(item)
    earlier: dict[int, list[tuple[int, float]]] = {}
    for buyer, item, day in zip(lines.buyers.tolist(), lines.items.tolist(), lines.days.tolist(), strict=True):
        if day < since and buyer in later:
            earlier.setdefault(buyer, []).append((item, day))
    return [
        Question(Shopper(bought=earlier[buyer][::-1]), frozenset(items))
        for buyer, items in later.items()
        if buyer and buyer in earlier
    ]


def _since(lines: training.Purchases, since: float, whose: np.ndarray) -> Iterator[tuple[int, int]]:
    new = lines.days >= since
    return zip(whose[new].tolist(), lines.items[new].tolist(), strict=True)


def _drawn(questions: list[Question]) -> list[Question]:
    """Draw as many as are asked, always the same ones of the same history."""
    if len(questions) <= QUESTIONS:
        return questions
    drawn = np.random.default_rng(0).choice(len(questions), QUESTIONS, replace=False)
    return [questions[place] for place in np.sort(drawn)]
