"""Section A: what a shop is offered when little is known: products without a history, and shops of fifty orders.

Real order lines of a gift shop. First its newest month is asked with a seventh of the range taken out of all that is learnt
from. Then shops of fifty of its orders are drawn, with the products that are in them; the very order of a place is asked
(`ranking.choose`) with models fitted as the product fits them. Beside stands what is popular alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from uuid import UUID

import numpy as np

from bench import data
from bench.table import Row, at_least
from saas.recommend import fitting, ranking, stock, training
from saas.recommend.asking import Ask
from saas.recommend.baskets import BasketModel
from saas.recommend.likeness import LikenessModel, Text
from saas.recommend.shoppers import Shopper
from saas.recommend.stock import Catalogue, Product

SECTION = "A"
SHOP = "online_retail"
DATA = (SHOP,)
DRAWS, ORDERS, SHARE = 12, 50, 0.15
N = 10
LINES = """select dense_rank() over (order by min_at, InvoiceNo), code, epoch(InvoiceDate) / 86400.0, InvoiceDate < '2011-11-09', name from (
    select *, left(StockCode, 5) as code, last_value(Description) over (partition by left(StockCode, 5) order by InvoiceDate
        rows between unbounded preceding and unbounded following) as name, min(InvoiceDate) over (partition by InvoiceNo) as min_at
    from {t} where regexp_matches(StockCode, '^[0-9]{{5}}') and Quantity > 0 and UnitPrice > 0 and Description is not null)
    order by min_at, InvoiceNo"""


def rows() -> Iterator[Row]:
    """Yield the rows of new products and of small shops."""
    orders, codes, days, early, names = (np.array(column) for column in zip(*data.query(LINES, t=SHOP), strict=True))
    every, items = np.unique(codes, return_inverse=True)
    texts = [""] * len(every)
    for item, name in zip(items.tolist(), names.tolist(), strict=True):
        texts[item] = name
    yield from new_products(orders, items, early, texts)
    yield from small_shops(orders, items, days, early, texts)


def new_products(orders: np.ndarray, items: np.ndarray, early: np.ndarray, texts: list[str]) -> Iterator[Row]:
    """Ask the page of a product without history for another one of the order, and the other way round."""
    model = LikenessModel.fit(range(len(texts)), [Text(one) for one in texts])
    found, plain, shown, asked = 0, 0, 0, 0
    for draw in range(3):
        random = np.random.default_rng(draw)
        new = random.random(len(texts)) < SHARE
        learnt = early & ~new[items]
        pairs = BasketModel.fit(orders[learnt], items[learnt])
        popular = set(np.argsort(-np.bincount(items[learnt], minlength=len(texts)))[:N].tolist())
        hidden = np.flatnonzero(new).tolist()

        @cache
        def beside(item: int, pairs: BasketModel = pairs, hidden: frozenset[int] = frozenset(hidden)) -> set[int]:
            listed = [one.item for one in model.inherited([item], pairs, n=60)]
            return set([one for one in listed if one not in hidden][:N])

        for item, other in _couples(orders[~early], items[~early], new, random):
            asked += 1
            found += other in beside(item)
            plain += other in popular
            newcomers = [one.item for one in model.predict([other], n=60) if new[one.item]][:N]
            shown += item in newcomers
    yield at_least(f"page of a product without history, HitRate@{N}, {asked:,} asked", found / asked, 2 * plain / asked,
                   others=f"popular {plain / asked:.3f}")  # fmt: skip
    yield Row(
        f"such a product as a newcomer beside others, HitRate@{N}",
        f"{shown / asked:.3f}",
        "popular 0, never seen",
        "",
        None,
    )


def _couples(
    orders: np.ndarray, items: np.ndarray, new: np.ndarray, random: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """Yield a new product and one with a history of each order that has both."""
    for order in np.split(items, np.flatnonzero(np.diff(orders)) + 1):
        order = np.unique(order)
        if new[order].any() and not new[order].all():
            yield int(random.choice(order[new[order]])), int(random.choice(order[~new[order]]))


def small_shops(
    orders: np.ndarray, items: np.ndarray, days: np.ndarray, early: np.ndarray, texts: list[str]
) -> Iterator[Row]:
    """Ask shops of fifty orders for a product that was taken out of later orders, on a product's page and in the cart."""
    rates: dict[str, list[tuple[float, float]]] = {"product": [], "cart": []}
    for draw in range(DRAWS):
        random = np.random.default_rng(draw)
        bought = np.unique(orders[early])
        drawn = np.isin(orders, random.choice(bought[-8_000:], ORDERS, replace=False))
        lines = training.Purchases(orders[drawn], np.zeros(drawn.sum(), dtype=np.int64), items[drawn], days[drawn])
        known = np.unique(items[drawn])
        models = _models(lines, known, texts)
        catalogue = Catalogue([_product(item, texts[item]) for item in known.tolist()], None)
        later = ~early & np.isin(items, known)
        for place in rates:
            rates[place].append(
                _asked(
                    place,
                    orders[later],
                    items[later],
                    models,
                    catalogue,
                    np.random.default_rng(draw),
                    days[early].max(),
                )
            )
    for place, of_draws in rates.items():
        ours, plain = np.mean(of_draws, axis=0)
        won = sum(a > b for a, b in of_draws)
        yield at_least(
            f"shop of {ORDERS} orders, {place}, HitRate@{N}, {DRAWS} draws",
            ours,
            plain,
            others=f"popular {plain:.3f}, better in {won} of {DRAWS}",
        )


def _models(lines: training.Purchases, known: np.ndarray, texts: list[str]) -> dict:
    """Fit what the product fits on so little."""

    class Known:
        categories: list = []

    none = training.Views(*(np.array([], dtype=kind) for kind in (np.int64, np.int64, np.float64)))
    written = training.Texts(known.tolist(), [Text(texts[item]) for item in known.tolist()], [])
    return {
        "popular": fitting.popular(none, lines, Known())[0], "bought": fitting.bought(lines, {})[0],
        "alike": fitting.alike(written, none, lines, {})[0],
    }  # fmt: skip


def _product(item: int, name: str) -> Product:
    fields = dict.fromkeys(Product.__dataclass_fields__, "")
    fields |= {"number": item, "id": str(UUID(int=item)), "key": str(item), "source": stock.NO_SOURCE, "name": name, "url": "u", "image_url": "i",
               "price": "1.00", "currency": "GBP", "categories": (), "offerable": True}  # fmt: skip
    return Product(**fields)


def _asked(
    place: str,
    orders: np.ndarray,
    items: np.ndarray,
    models: dict,
    catalogue: Catalogue,
    random: np.random.Generator,
    day: float,
) -> tuple[float, float]:
    """Return the share of later orders whose missing product is among the first ten: ours, and what is popular alone."""
    ours, plain, asked = 0, 0, 0
    for order in np.split(items, np.flatnonzero(np.diff(orders)) + 1)[:400]:
        order = np.unique(order)
        if len(order) < 2:
            continue
        wanted, *others = random.permutation(order).tolist()
        product = catalogue.by_number[others[0]] if place == "product" else None
        ask = Ask(
            0,
            place,
            Shopper(cart=others[:20] if place == "cart" else []),
            product,
            N,
            stock.NO_SOURCE,
            like=product,
            models=models,
            day=day,
        )
        asked += 1
        ours += wanted in [one.product.number for one in ranking.choose(ask, catalogue)]
        plain += wanted in [
            one.product.number for one in ranking.choose(ask, catalogue, chain=(ranking.popular, ranking.newest))
        ]
    return ours / asked, plain / asked
