"""How much ties and pairs have to say in one shop's carts, chosen on its own newest orders: large mixed orders want ties,
small or rare ones pairs.

The newest orders are held back, a product is taken out of each, and the orders before are asked for it with the others.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from saas.recommend import evaluation
from saas.recommend.baskets import BasketModel
from saas.recommend.carts import CartModel, Weights, ties_of
from saas.recommend.vocabulary import Id

RIDGES = (0.2, 0.5, 2.0)
PAIRS = (0.0, 0.3, 0.6, 1.0, 3.0)
HELD_BACK = 0.15  # at most this share of the orders
N, MOST, FEWEST = 20, 600, 100  # the list that is judged, orders to judge by, and below how many chance would choose
LARGEST = 30  # items of a cart that are looked at


def tune(orders: np.ndarray, items: np.ndarray, *, seed: int = 0) -> Weights:
    """Choose Weights on a validation cut of order lines (arrays as for CartModel.fit, the oldest order first).

    Raises HitRate@20 + MRR@20 of the product taken out, over up to 600 of the newest orders of two products or more. Too few
    orders answer with the defaults.
    """
    old, asked = split(orders, items, seed=seed)
    if len(asked) < FEWEST:
        return Weights()
    pairs = BasketModel.fit(orders[old], items[old])
    best, chosen = -1.0, Weights()
    for ridge in RIDGES:
        model = CartModel(pairs, ties_of(orders[old], items[old], ridge), Weights(ridge=ridge))
        for word in PAIRS:
            model.weights = replace(model.weights, pairs=word)
            found = evaluation.next_items(lambda cart: [one.item for one in model.predict(cart, n=N)], asked, n=N)  # noqa: B023
            figure = found["hit_rate"] + found["mrr"]
            if figure > best:
                best, chosen = figure, model.weights
    return chosen


def split(orders: np.ndarray, items: np.ndarray, *, seed: int) -> tuple[np.ndarray, list[tuple[list[Id], Id]]]:
    """Cut order lines into older ones (a boolean array) and questions (cart, the product taken out) of the newest orders."""
    names, first = np.unique(orders, return_index=True)
    newest = names[np.argsort(first)][int(len(names) * (1 - HELD_BACK)) :]
    old = ~np.isin(orders, newest)
    known = set(items[old].tolist())
    carts: dict[int, dict[Id, None]] = {}
    for order, item in zip(orders[~old].tolist(), items[~old].tolist(), strict=True):
        if item in known:
            carts.setdefault(order, {})[item] = None
    random = np.random.default_rng(seed)
    whole = [list(cart) for cart in carts.values() if len(cart) > 1]
    if len(whole) > MOST:
        whole = [whole[place] for place in np.sort(random.choice(len(whole), MOST, replace=False))]
    asked = []
    for cart in whole:
        out = int(random.integers(len(cart)))
        asked.append(([item for place, item in enumerate(cart) if place != out][-LARGEST:], cart[out]))
    return old, asked
