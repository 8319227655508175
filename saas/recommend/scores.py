"""How well a fit does: each kind of model is learnt from the older part of a history and asked what came after it.

A score is a dict with `hit_rate` (the share of questions whose answer stood among the first twenty), `popular_hit_rate` (the same
questions put to what was wanted most) and `cases`; it is empty where nothing could be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from saas.recommend import cart_tuning, session_tuning
from saas.recommend.baskets import BasketModel
from saas.recommend.buyer_weights import Weights as BuyerWeights
from saas.recommend.buyers import BuyerModel
from saas.recommend.carts import CartModel
from saas.recommend.carts import Weights as CartWeights
from saas.recommend.neighbourhood import Weights
from saas.recommend.popularity import PopularityModel
from saas.recommend.session_log import SessionLog
from saas.recommend.sessions import SessionModel
from saas.recommend.ties import Fading
from saas.recommend.vocabulary import Id

QUESTIONS = 300
N = 20
HELD_BACK = 0.15  # of what is wanted now, the newest events


def next_view(
    visits: np.ndarray, items: np.ndarray, seconds: np.ndarray, weights: Mapping[str, Weights]
) -> dict[str, Any]:
    """This function will ask for each next product of the newest visits what follows in a visit."""
    log, pairs, popular = _cut(visits, items, seconds)
    model = SessionModel(log, weights)
    return judged(lambda seen: [one.item for one in model.predict(seen, n=N, explain=False)], pairs, popular)


def next_to_it(visits: np.ndarray, items: np.ndarray, seconds: np.ndarray) -> dict[str, Any]:
    """This function will ask for each next product of the newest visits what is looked at together with the one before."""
    log, pairs, popular = _cut(visits, items, seconds)
    names = log.vocabulary.array()
    model = BasketModel.fit(log.owner[: log.clicks], names[log.items[: log.clicks]])
    return judged(lambda seen: [one.item for one in model.predict(seen[-1:], n=N)], pairs, popular)


def _cut(
    visits: np.ndarray, items: np.ndarray, seconds: np.ndarray
) -> tuple[SessionLog, list[tuple[list[Id], set[Id]]], list[Id]]:
    """Return the older visits, questions (seen, the next) of the newer ones, and what the older ones looked at most."""
    whole = SessionLog.gather(visits, items, seconds)
    log, asked = session_tuning.split(whole, questions=QUESTIONS, seed=0)
    name = whole.vocabulary
    popular = np.argsort(-np.bincount(log.items, minlength=len(name)), kind="stable")[:N]
    return (
        log,
        [([name[one] for one in seen], {name[wanted]}) for seen, wanted in asked],
        [name[one] for one in popular],
    )


def missing_line(orders: np.ndarray, items: np.ndarray, weights: CartWeights) -> dict[str, Any]:
    """This function will take one product out of each of the newest orders and ask for it with the others in the cart."""
    old, asked = cart_tuning.split(orders, items, seed=1)
    if not asked or not old.any():
        return {}
    model = CartModel.fit(orders[old], items[old], weights=weights)
    cases = [(cart, {wanted}) for cart, wanted in asked[:QUESTIONS]]
    return judged(lambda cart: [one.item for one in model.predict(cart, n=N)], cases, _most(items[old]))


def next_purchase(
    buyers: np.ndarray, items: np.ndarray, days: np.ndarray, *, fading: Fading, weights: Mapping[str, BuyerWeights]
) -> dict[str, Any]:
    """This function will ask what the buyers known by the cut bought afterwards; one of their products is enough."""
    histories, later, cut = buyers_after(buyers, items, days)
    if not later:
        return {}
    before = days < cut
    model = BuyerModel.fit(buyers[before], items[before], days[before], fading=fading, weights=weights)

    def answer(buyer: Id) -> list[Id]:
        owned, when = zip(*histories[buyer], strict=True)
        return [one.item for one in model.predict(owned, when, now=cut, n=N)]

    return judged(answer, list(later.items()), _most(items[before]))


def buyers_after(
    buyers: np.ndarray, items: np.ndarray, days: np.ndarray, *, horizon: float = 30.0, most: int = QUESTIONS
) -> tuple[dict[Id, list[tuple[Id, float]]], dict[Id, set[Id]], float]:
    """Return what some buyers bought before the last `horizon` days, what they bought in them, and the day of the cut.

    A quarter of the history is held back where it is shorter; of more than `most` buyers some are drawn, always the same.
    """
    cut = float(days.max(initial=0.0) - min(horizon, (days.max(initial=0.0) - days.min(initial=0.0)) / 4))
    later: dict[Id, set[Id]] = {}
    histories: dict[Id, list[tuple[Id, float]]] = {}
    for buyer, item, day in zip(buyers.tolist(), items.tolist(), days.tolist(), strict=True):
        if day < cut:
            histories.setdefault(buyer, []).append((item, day))
        else:
            later.setdefault(buyer, set()).add(item)
    known = sorted(buyer for buyer in later if buyer in histories)
    if len(known) > most:
        known = [known[place] for place in np.sort(np.random.default_rng(0).choice(len(known), most, replace=False))]
    return {buyer: histories[buyer] for buyer in known}, {buyer: later[buyer] for buyer in known}, cut


def wanted_next(items: np.ndarray, days: np.ndarray) -> dict[str, Any]:
    """This function will ask what is wanted most for the newest events; with time decay, beside plain counts."""
    order = np.argsort(days, kind="stable")
    old, new = np.split(items[order], [int(len(items) * (1 - HELD_BACK))])
    if not len(old) or not len(new):
        return {}
    model = PopularityModel.fit(old, days[order][: len(old)])
    listed = [one.item for one in model.predict(n=N)]
    if len(new) > QUESTIONS:
        new = new[np.sort(np.random.default_rng(0).choice(len(new), QUESTIONS, replace=False))]
    return judged(lambda _nobody: listed, [(None, {item}) for item in new.tolist()], _most(old))


def _most(items: np.ndarray) -> list[Id]:
    names, counts = np.unique(items, return_counts=True)
    return names[np.argsort(-counts, kind="stable")[:N]].tolist()


def judged(
    answer: Callable[[Any], Sequence[Id]], cases: Sequence[tuple[Any, Collection[Id]]], popular: Sequence[Id]
) -> dict[str, Any]:
    """This function will work out the score of `answer` on cases of (question, any of these is right)."""
    if not cases:
        return {}
    hits = sum(any(one in wanted for one in answer(asked)) for asked, wanted in cases)
    plain = sum(any(one in wanted for one in popular) for _asked, wanted in cases)
    return {
        "hit_rate": round(hits / len(cases), 4), "popular_hit_rate": round(plain / len(cases), 4), "cases": len(cases),
    }  # fmt: skip
