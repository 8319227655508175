"""Learning: one company's models from its own data, weighed against a held-back part of it, and put on the shelf.

A model is fitted only where there is enough to learn from; what is missing is said in the notes, and popularity takes its
place. Parameters are tuned on the shop's own history once a week, since that takes longer than all the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from saas.kit import clock, work
from saas.recommend import (
    again_tuning,
    arrivals,
    buyer_tuning,
    cart_tuning,
    freshness,
    likeness_tuning,
    model_versions,
    scores,
    session_tuning,
    training,
)
from saas.recommend.again import AgainModel
from saas.recommend.arrivals import ArrivalsModel, Visit
from saas.recommend.baskets import BasketModel
from saas.recommend.buyers import DEFAULTS as BUYER_DEFAULTS
from saas.recommend.buyers import BuyerModel
from saas.recommend.buyers import Weights as BuyerWeights
from saas.recommend.carts import CartModel
from saas.recommend.carts import Weights as CartWeights
from saas.recommend.likeness import LikenessModel, Shares
from saas.recommend.neighbourhood import Weights
from saas.recommend.popularity import PopularityModel
from saas.recommend.repeats import RepeatModel
from saas.recommend.sessions import DEFAULTS, SessionModel
from saas.recommend.ties import Fading

FEWEST = {
    "sessions": 20,
    "viewed": 20,
    "bought": 10,
    "buyers": 50,
    "popular": 1,
    "alike": 2,
    "again": 50,
    "arrivals": 100,
}
"""Visits with two products or more, such orders, buyers with two purchases, events: below that nothing is learnt."""
PURCHASE_WEIGHS = 5  # views, for what is popular
TUNED_FOR = timedelta(days=7)


def fit(tenant_id: int) -> dict[str, dict[str, Any]]:
    """Fit and store a company's models; returns the notes of each kind. Opens units of work of its own."""
    with work.unit(tenant_id=tenant_id):
        state = freshness.begin()
        tuned = state.tuned_at is not None and clock.now() - state.tuned_at < TUNED_FOR
        kept = state.notes if tuned else {}
    try:
        return _fit_all(tenant_id, state.tuned_at if tuned else None, dict(kept.get("parameters", {})))
    except BaseException:
        with work.unit(tenant_id=tenant_id):
            freshness.put_back(state)
        raise


def _fit_all(tenant_id: int, tuned_at: datetime | None, parameters: dict[str, Any]) -> dict[str, dict[str, Any]]:
    products = training.Products(tenant_id)
    views, lines = training.views(tenant_id, products), training.purchases(tenant_id, products)
    fitted = {
        "popular": lambda: popular(views, lines, products),
        "sessions": lambda: sessions(views, parameters),
        "viewed": lambda: viewed(views),
        "bought": lambda: bought(lines, parameters),
        "buyers": lambda: buyers(lines, parameters),
        "repeats": lambda: repeats(lines),
        "again": lambda: again(lines, parameters),
        "alike": lambda: alike(training.texts(tenant_id, products), views, lines, parameters),
        "arrivals": lambda: newcomers(training.visits(tenant_id, products)),
    }
    notes = {kind: _fit_one(tenant_id, kind, make) for kind, make in fitted.items()}
    with work.unit(tenant_id=tenant_id):
        freshness.finish(models=notes, parameters=parameters, tuned_at=tuned_at or clock.now())
    return notes


def _fit_one(tenant_id: int, kind: str, make: Callable[[], tuple[Any | None, dict[str, Any]]]) -> dict[str, Any]:
    started = time.monotonic()
    model, notes = make()
    notes["seconds"] = round(time.monotonic() - started, 2)
    with work.unit(tenant_id=tenant_id):
        if model is not None:
            model_versions.put(kind, model.to_bytes(), notes=notes)
        else:
            model_versions.take_down(kind)
    return notes | {"fitted": model is not None}


def popular(
    views: training.Views, lines: training.Purchases, products: training.Products
) -> tuple[Any, dict[str, Any]]:
    """Count what is wanted now; a purchase weighs five views."""
    items = np.concatenate([views.items, np.repeat(lines.items, PURCHASE_WEIGHS)])
    days = np.concatenate([views.seconds / training.DAY, np.repeat(lines.days, PURCHASE_WEIGHS)])
    notes: dict[str, Any] = {
        "views": len(views.items),
        "purchases": len(lines.items),
        "products": int(len(np.unique(items))),
    }
    if len(items) < FEWEST["popular"]:
        return None, notes
    wanted = np.concatenate([views.items, lines.items])
    notes["quality"] = scores.wanted_next(wanted, np.concatenate([views.seconds / training.DAY, lines.days]))
    return PopularityModel.fit(items, days, categories=products.categories), notes


def sessions(views: training.Views, parameters: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Fit what follows in a visit, and ask it for the next product of the newest visits."""
    visits, items, seconds = _with_company(views)
    notes: dict[str, Any] = {
        "visits": int(len(np.unique(visits))),
        "views": len(items),
        "products": int(len(np.unique(items))),
    }
    if notes["visits"] < FEWEST["sessions"]:
        return None, notes
    if "sessions" not in parameters:
        tuned = session_tuning.tune(visits, items, seconds)
        parameters["sessions"] = {mode: asdict(weights) for mode, weights in tuned.items()}
    weights = {**DEFAULTS, **{mode: Weights(**values) for mode, values in parameters["sessions"].items()}}
    notes["quality"] = scores.next_view(visits, items, seconds, weights)
    return SessionModel.fit(visits, items, seconds, weights=weights), notes


def _with_company(views: training.Views) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Leave out visits that looked at one product alone: nothing follows in them."""
    pairs = np.unique(np.stack([views.visits, views.items]), axis=1)
    sizes = np.bincount(pairs[0], minlength=int(views.visits.max()) + 1 if len(views.visits) else 0)
    kept = sizes[views.visits] >= 2
    return views.visits[kept], views.items[kept], views.seconds[kept]


def viewed(views: training.Views) -> tuple[Any, dict[str, Any]]:
    """Count what is looked at in one visit."""
    visits, items, seconds = _with_company(views)
    notes: dict[str, Any] = {"visits": int(len(np.unique(visits))), "products": int(len(np.unique(items)))}
    if notes["visits"] < FEWEST["viewed"]:
        return None, notes
    notes["quality"] = scores.next_to_it(visits, items, seconds)
    return BasketModel.fit(visits, items), notes


def bought(lines: training.Purchases, parameters: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Learn what is bought in one order; orders of one product count as orders without company."""
    pairs = np.unique(np.stack([lines.orders, lines.items]), axis=1)
    _orders, sizes = np.unique(pairs[0], return_counts=True)
    notes: dict[str, Any] = {
        "orders": len(sizes),
        "together": int((sizes >= 2).sum()),
        "products": int(len(np.unique(lines.items))),
    }
    if notes["together"] < FEWEST["bought"]:
        return None, notes
    if "carts" not in parameters:
        parameters["carts"] = asdict(cart_tuning.tune(lines.orders, lines.items))
    weights = CartWeights(**parameters["carts"])
    notes["quality"] = scores.missing_line(lines.orders, lines.items, weights)
    return CartModel.fit(lines.orders, lines.items, weights=weights), notes


def buyers(lines: training.Purchases, parameters: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Fit what known buyers buy next."""
    known = lines.buyers != 0
    people, items, days = lines.buyers[known], lines.items[known], lines.days[known]
    _names, times = np.unique(
        np.unique(np.stack([people, np.floor(days * 24).astype(np.int64)]), axis=1)[0], return_counts=True
    )
    notes: dict[str, Any] = {
        "buyers": len(times),
        "returning": int((times >= 2).sum()),
        "purchases": len(items),
        "products": int(len(np.unique(items))),
    }
    if notes["returning"] < FEWEST["buyers"]:
        return None, notes
    if "buyers" not in parameters:
        fading, tuned = buyer_tuning.tune(people, items, days)
        parameters["buyers"] = {"fading": asdict(fading), "weights": {mode: asdict(one) for mode, one in tuned.items()}}
    held = parameters["buyers"]
    weights = {**BUYER_DEFAULTS, **{mode: BuyerWeights(**values) for mode, values in held["weights"].items()}}
    fading = Fading(**held["fading"])
    notes["quality"] = scores.next_purchase(people, items, days, fading=fading, weights=weights)
    return BuyerModel.fit(people, items, days, fading=fading, weights=weights), notes


def alike(
    written: training.Texts, views: training.Views, lines: training.Purchases, parameters: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Compare products by what is written about them; how much each part of it counts is chosen on what was wanted together lately."""
    notes: dict[str, Any] = {"products": len(written.items), "told": len(written.told)}
    if notes["products"] < FEWEST["alike"]:
        return None, notes
    pairs = [*_next_to_each_other(views.visits, views.items), *_next_to_each_other(lines.orders, lines.items)]
    if "alike" not in parameters:
        parameters["alike"] = asdict(likeness_tuning.tune(written.items, written.texts, pairs[::2]))
    model = LikenessModel.fit(written.items, written.texts, told=written.told, shares=Shares(**parameters["alike"]))
    wanted, times = np.unique(np.concatenate([views.items, lines.items]), return_counts=True)
    notes["quality"] = likeness_tuning.score(model, pairs[1::2], wanted[np.argsort(-times, kind="stable")].tolist())
    return model, notes


def _next_to_each_other(owners: np.ndarray, items: np.ndarray) -> list[tuple[int, int]]:
    """Return the newest pairs of one visit or order, one after the other."""
    owners, items = owners[-10 * likeness_tuning.MOST :], items[-10 * likeness_tuning.MOST :]
    order = np.argsort(owners, kind="stable")
    same = (owners[order][1:] == owners[order][:-1]) & (items[order][1:] != items[order][:-1])
    newest = np.sort(np.flatnonzero(same))[-likeness_tuning.MOST :]
    return list(zip(items[order][:-1][newest].tolist(), items[order][1:][newest].tolist(), strict=True))


def again(lines: training.Purchases, parameters: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Learn how long it takes until somebody wants a product again, and how much that has to say beside tastes."""
    known = lines.buyers != 0
    people, items, days = lines.buyers[known], lines.items[known], lines.days[known]
    triples = np.unique(np.stack([people, items, np.floor(days).astype(np.int64)]), axis=1)
    notes: dict[str, Any] = {"pauses": int(triples.shape[1] - np.unique(triples[:2], axis=1).shape[1])}
    if notes["pauses"] < FEWEST["again"]:
        return None, notes
    model = AgainModel.fit(people, items, days)
    held = parameters.get("buyers")
    tastes = None
    if held:
        weights = {**BUYER_DEFAULTS, **{mode: BuyerWeights(**values) for mode, values in held["weights"].items()}}
        tastes = BuyerModel.fit(people[:1], items[:1], days[:1], fading=Fading(**held["fading"]), weights=weights)
    model.weight, model.alone, notes["figures"] = again_tuning.judge(people, items, days, tastes)
    return model, notes | {"days": round(float(np.exp(model.mean)), 1), "weight": model.weight, "alone": model.alone}


def newcomers(visits: list[Visit]) -> tuple[Any, dict[str, Any]]:
    """Count what those look at who came the same way; used only where that finds more than what is popular does."""
    notes: dict[str, Any] = {"visits": len(visits)}
    if notes["visits"] < FEWEST["arrivals"]:
        return None, notes
    notes["quality"] = arrivals.score(visits)
    if notes["quality"].get("hit_rate", 0.0) <= notes["quality"].get("popular_hit_rate", 0.0):
        return None, notes
    model = ArrivalsModel.fit(visits)
    return (model if len(model) else None), notes | {"ways": len(model)}


def repeats(lines: training.Purchases) -> tuple[Any, dict[str, Any]]:
    """Find what is bought again and again."""
    known = lines.buyers != 0
    model = RepeatModel.fit(lines.buyers[known], lines.items[known], lines.days[known])
    return model, {"products": len(model)}
