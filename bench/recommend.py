"""Section A of the targets: how often recommendations are right, and what they cost.

The public functions are called with plain lists and nothing else: all parameters come from their own tuning on the
training part, and the test part is only asked. Times are
CPU seconds, so that a busy machine does not change them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import numpy as np

from bench import data
from bench.table import Row, at_least, at_most, exactly
from saas.recommend import again_tuning, baskets, buyer_tuning, cart_tuning, evaluation
from saas.recommend import buyers as buyer_recommender
from saas.recommend import sessions as session_recommender
from saas.recommend.again import AgainModel, blended
from saas.recommend.buyers import BuyerModel
from saas.recommend.carts import CartModel
from saas.recommend.sessions import SessionModel

SECTION = "A"
TRAIN, TEST, SHOP = "sess_retailrocket_cotrec_train", "sess_retailrocket_cotrec_test", "online_retail"
DATA = (TRAIN, TEST, SHOP)


def rows() -> Iterator[Row]:
    """Yield all rows of this bench."""
    yield from sessions()
    yield from buyers()
    yield from again()
    yield from carts()
    yield from rules()


def sessions() -> Iterator[Row]:
    """Next item of a session: every (prefix, label) pair of the test file."""
    clicks = [items for (items,) in data.query("select items from {t}", t=TRAIN)]
    names = np.repeat(np.arange(len(clicks)), [len(items) for items in clicks])
    items = np.concatenate(clicks)
    pairs = data.query("select prefix, label from {t}", t=TEST)
    fresh = [(seen, wanted) for seen, wanted in pairs if wanted not in seen]

    started = time.process_time()
    model = session_recommender.fit(clicks)
    tuning = time.process_time() - started
    started = time.process_time()
    SessionModel.fit(names, items, weights=model.weights)
    fitting = time.process_time() - started
    times: list[float] = []

    def answer(seen: list[int], *, include_seen: bool = True) -> list[int]:
        started = time.thread_time()
        found = model.recommend(seen, include_seen=include_seen)
        times.append(time.thread_time() - started)
        return [item for item, _score in found]

    whole = evaluation.next_items(answer, pairs, n=20)
    yield at_least("next item, HitRate@20", whole["hit_rate"], 0.575, others="VSTAN .573, COTREC .562")
    yield at_least("next item, MRR@20", whole["mrr"], 0.292, others="VSTAN .288, COTREC .300")
    scoring = np.array(times) * 1000
    unseen = evaluation.next_items(lambda seen: answer(seen, include_seen=False), fresh, n=20)
    yield at_least("next item not yet seen, HitRate@20", unseen["hit_rate"], 0.357, others="VSTAN .355")
    yield at_least("next item not yet seen, MRR@20", unseen["mrr"], 0.133, others="VSTAN .133")
    yield at_most("fit 126,168 sessions", fitting, 2.0, others="VSTAN .8 s", form=".2f", unit=" s")
    yield at_most("fit with its own tuning", tuning, 60.0, form=".1f", unit=" s")
    yield at_most("scoring p50", float(np.percentile(scoring, 50)), 1.0, others="VSTAN .02 ms", unit=" ms")
    yield at_most("scoring p99", float(np.percentile(scoring, 99)), 1.0, others="VMIS-kNN p90 < 7 ms, HTTP", unit=" ms")
    started = time.process_time()
    stored = model.to_bytes()
    SessionModel.from_bytes(stored)
    taken = f"{len(stored) / 1e6:.1f} MB, {1000 * (time.process_time() - started):.0f} ms"
    yield Row("model stored and loaded", taken, "-", "-", None)


def buyers() -> Iterator[Row]:
    """Buyer to products on the gift shop: learn before 2011-11-09, ask for what was bought after."""
    lines = data.query(
        """select CustomerID, left(StockCode, 5), epoch(InvoiceDate) / 86400.0, InvoiceDate < '2011-11-09' from {t}
        where CustomerID is not null and regexp_matches(StockCode, '^[0-9]{{5}}') and Quantity > 0""",
        t=SHOP,
    )
    names, items, days, early = (np.array(column) for column in zip(*lines, strict=True))
    started = time.process_time()
    model = buyer_recommender.fit(names[early], items[early], days[early] * 86_400)
    fitting = time.process_time() - started

    history: dict[int, set[str]] = {}
    later: dict[int, set[str]] = {}
    known = set(items[early].tolist())
    for name, item, before in zip(names.tolist(), items.tolist(), early.tolist(), strict=True):
        if before:
            history.setdefault(name, set()).add(item)
        elif item in known:
            later.setdefault(name, set()).add(item)
    cases = [(name, wanted) for name, wanted in later.items() if name in history]
    new = [(name, wanted - history[name]) for name, wanted in cases]

    def answer(name: int, *, include_bought: bool = True) -> list[str]:
        return [item for item, _score in model.recommend(name, include_bought=include_bought)]

    again = evaluation.baskets(answer, cases, ndcg_at=10, recall_at=20)
    cross = evaluation.baskets(lambda name: answer(name, include_bought=False), new, ndcg_at=10, recall_at=20)
    yield exactly("buyers asked", again["cases"], 1394, form=".0f")
    yield at_least("buyer to products, NDCG@10", again["ndcg"], 0.360, others="EASE + habit .353, TIFU-KNN .350")
    yield at_least("buyer to products, Recall@20", again["recall"], 0.270, others="EASE + habit .266, TIFU-KNN .258")
    yield at_least("cross-sell, NDCG@10", cross["ndcg"], 0.102, others="EASE .100, iALS .083")
    yield at_least("cross-sell, Recall@20", cross["recall"], 0.107, others="EASE .106, iALS .087")
    yield at_most("buyers fit with its own tuning", fitting, 60.0, form=".1f", unit=" s")


def again() -> Iterator[Row]:
    """What the gift shop's buyers buy again of what they had, by each person's rhythm, beside how often they bought it."""
    lines = data.query(
        """select CustomerID, left(StockCode, 5), epoch(InvoiceDate) / 86400.0, InvoiceDate < '2011-11-09' from {t}
        where CustomerID is not null and regexp_matches(StockCode, '^[0-9]{{5}}') and Quantity > 0""",
        t=SHOP,
    )
    names, items, days, early = (np.array(column) for column in zip(*lines, strict=True))
    now, given = float(days[~early].min()), (names[early], items[early], days[early])
    fading, weights = buyer_tuning.tune(*given)
    taste, rhythm = BuyerModel.fit(*given, fading=fading, weights=weights), AgainModel.fit(*given)
    _whole, alone, _notes = again_tuning.judge(*given, taste)
    had: dict[int, list[tuple[str, float]]] = {}
    later: dict[int, set[str]] = {}
    for name, item, day, before in zip(names.tolist(), items.tolist(), days.tolist(), early.tolist(), strict=True):
        if before:
            had.setdefault(name, []).append((item, day))
        else:
            later.setdefault(name, set()).add(item)
    cases = [(name, wanted & {item for item, _day in had[name]}) for name, wanted in later.items() if name in had]

    def often(name: int) -> list[str]:
        return [item for item, _times in Counter(item for item, _day in had[name]).most_common()]

    def due(name: int) -> list[str]:
        return [one.item for one in rhythm.predict(*zip(*had[name], strict=True), now=now, n=100)]

    def both(name: int, weight: float = alone) -> list[str]:
        known = {item for item, _day in had[name]}
        tastes = taste.predict(*zip(*had[name], strict=True), now=now, n=100, only=known)
        return blended(tastes, rhythm.predict(*zip(*had[name], strict=True), now=now, n=100), weight, n=20)

    figures = {
        by.__name__: evaluation.baskets(by, cases, ndcg_at=10, recall_at=20)["ndcg"] for by in (often, due, both)
    }
    figures["taste"] = evaluation.baskets(lambda name: both(name, 0.0), cases, ndcg_at=10, recall_at=20)["ndcg"]
    told = f"how often {figures['often']:.3f}"
    yield at_least("bought again by rhythm, NDCG@10", figures["due"], figures["often"], others=told)
    told = f"taste alone {figures['taste']:.3f}, rhythm's word {alone}"
    yield at_least("bought again by taste and rhythm, NDCG@10", figures["both"], figures["taste"], others=told)


def carts() -> Iterator[Row]:
    """One product is taken out of each order of the gift shop's last month and asked for with the others in the cart."""
    lines = data.query(
        """select InvoiceNo, left(StockCode, 5), InvoiceDate >= '2011-11-09' from {t}
        where regexp_matches(StockCode, '^[0-9]{{5}}') and Quantity > 0 and UnitPrice > 0 order by InvoiceDate, InvoiceNo""",
        t=SHOP,
    )
    orders, items, late = (np.array(column) for column in zip(*lines, strict=True))
    _, orders = np.unique(orders, return_inverse=True)
    early, random = (orders[~late], items[~late]), np.random.default_rng(0)
    later: dict[int, dict[str, None]] = {}
    for order, item in zip(orders[late].tolist(), items[late].tolist(), strict=True):
        later.setdefault(order, {})[item] = None
    asked = []
    for cart in (list(cart) for cart in later.values() if len(cart) > 1):
        out = int(random.integers(len(cart)))
        asked.append(([item for place, item in enumerate(cart) if place != out][-cart_tuning.LARGEST :], cart[out]))
    started = time.process_time()
    model = CartModel.fit(*early, weights=cart_tuning.tune(*early))
    fitting = time.process_time() - started
    pairs = evaluation.next_items(lambda cart: [one.item for one in model.pairs.predict(cart, n=10)], asked, n=10)
    found = evaluation.next_items(lambda cart: [one.item for one in model.predict(cart, n=10)], asked, n=10)
    others = f"pairs by cosine {pairs['hit_rate']:.3f}"
    yield at_least(
        f"cart completed, HitRate@10, {len(asked):,} orders", found["hit_rate"], 1.2 * pairs["hit_rate"], others=others
    )
    yield at_most("carts fit with its own tuning", fitting, 60.0, form=".1f", unit=" s")


def rules() -> Iterator[Row]:
    """Cross-sell rules of the French invoices, a published worked example."""
    lines = data.query("select InvoiceNo, trim(Description) from {t} where Country = 'France' and Quantity > 0", t=SHOP)
    invoices: dict[str, list[str]] = {}
    for invoice, name in lines:
        invoices.setdefault(invoice, []).append(name)
    pair = "ALARM CLOCK BAKELIKE GREEN", "ALARM CLOCK BAKELIKE RED"
    rule = next(one for one in baskets.rules(list(invoices.values())) if (one.antecedent, one.consequent) == pair)
    yield exactly("French invoices", len(invoices), 392, form=".0f")
    for name, right in {"support": 0.079082, "confidence": 0.815789, "lift": 8.642959, "leverage": 0.069932}.items():
        yield exactly(f"GREEN -> RED alarm clock, {name}", getattr(rule, name), right, others="mlxtend")
