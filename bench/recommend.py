"""Section A of the targets: how often recommendations are right, and what they cost.

All parameters come from the recommenders' own tuning on the training part; the test part is only asked. Times are
CPU seconds, so that a busy machine does not change them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from bench import data
from bench.table import Row, at_least, at_most, exactly
from saas.recommend import buyer_tuning, evaluation, session_tuning
from saas.recommend.baskets import BasketModel
from saas.recommend.buyers import BuyerModel
from saas.recommend.sessions import SessionModel

SECTION = "A"
TRAIN, TEST, SHOP = "sess_retailrocket_cotrec_train", "sess_retailrocket_cotrec_test", "online_retail"
DATA = (TRAIN, TEST, SHOP)


def rows() -> Iterator[Row]:
    """Yield all rows of this bench."""
    yield from sessions()
    yield from buyers()
    yield from rules()


def sessions() -> Iterator[Row]:
    """Next item of a session: every (prefix, label) pair of the test file."""
    clicks = [items for (items,) in data.query("select items from {t}", t=TRAIN)]
    names = np.repeat(np.arange(len(clicks)), [len(items) for items in clicks])
    items = np.concatenate(clicks)
    pairs = data.query("select prefix, label from {t}", t=TEST)
    fresh = [(seen, wanted) for seen, wanted in pairs if wanted not in seen]

    started = time.process_time()
    weights = session_tuning.tune(names, items)
    tuning = time.process_time() - started
    started = time.process_time()
    model = SessionModel.fit(names, items, weights=weights)
    fitting = time.process_time() - started
    times: list[float] = []

    def answer(seen: list[int], mode: str) -> list[int]:
        started = time.thread_time()
        found = model.predict(seen, mode=mode, explain=False)
        times.append(time.thread_time() - started)
        return [suggestion.item for suggestion in found]

    whole = evaluation.next_items(lambda seen: answer(seen, "continue"), pairs, n=20)
    yield at_least("next item, HitRate@20", whole["hit_rate"], 0.575, others="VSTAN .573, COTREC .562")
    yield at_least("next item, MRR@20", whole["mrr"], 0.292, others="VSTAN .288, COTREC .300")
    scoring = np.array(times) * 1000
    unseen = evaluation.next_items(lambda seen: answer(seen, "discover"), fresh, n=20)
    yield at_least("next item not yet seen, HitRate@20", unseen["hit_rate"], 0.357, others="VSTAN .355")
    yield at_least("next item not yet seen, MRR@20", unseen["mrr"], 0.133, others="VSTAN .133")
    yield at_most("fit 126,168 sessions", fitting, 2.0, others="VSTAN .8 s", form=".2f", unit=" s")
    yield at_most("own tuning", tuning, 60.0, form=".1f", unit=" s")
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
    now = float(np.floor(days[~early].min()))
    started = time.process_time()
    fading, weights = buyer_tuning.tune(names[early], items[early], days[early])
    tuning = time.process_time() - started
    started = time.process_time()
    model = BuyerModel.fit(names[early], items[early], days[early], fading=fading, weights=weights)
    fitting = time.process_time() - started

    history: dict[int, tuple[list[str], list[float]]] = {}
    later: dict[int, set[str]] = {}
    for name, item, day, before in zip(names.tolist(), items.tolist(), days.tolist(), early.tolist(), strict=True):
        if before:
            bought, dates = history.setdefault(name, ([], []))
            bought.append(item)
            dates.append(day)
        elif item in model.vocabulary:
            later.setdefault(name, set()).add(item)
    cases = [(name, wanted) for name, wanted in later.items() if name in history]
    new = [(name, wanted - set(history[name][0])) for name, wanted in cases]

    def answer(name: int, mode: str) -> list[str]:
        return [suggestion.item for suggestion in model.predict(*history[name], now=now, mode=mode)]

    again = evaluation.baskets(lambda name: answer(name, "repeat"), cases, ndcg_at=10, recall_at=20)
    cross = evaluation.baskets(lambda name: answer(name, "discover"), new, ndcg_at=10, recall_at=20)
    yield exactly("buyers asked", again["cases"], 1394, form=".0f")
    yield at_least("buyer to products, NDCG@10", again["ndcg"], 0.360, others="EASE + habit .353, TIFU-KNN .350")
    yield at_least("buyer to products, Recall@20", again["recall"], 0.270, others="EASE + habit .266, TIFU-KNN .258")
    yield at_least("cross-sell, NDCG@10", cross["ndcg"], 0.102, others="EASE .100, iALS .083")
    yield at_least("cross-sell, Recall@20", cross["recall"], 0.107, others="EASE .106, iALS .087")
    yield Row("buyers fit, own tuning", f"{fitting:.2f} s, {tuning:.1f} s", "-", "-", None)


def rules() -> Iterator[Row]:
    """Cross-sell rules of the French invoices, a published worked example."""
    lines = data.query("select InvoiceNo, trim(Description) from {t} where Country = 'France' and Quantity > 0", t=SHOP)
    model = BasketModel.fit(*(np.array(column) for column in zip(*lines, strict=True)), kept=None)
    rule = model.rule("ALARM CLOCK BAKELIKE GREEN", "ALARM CLOCK BAKELIKE RED")
    yield exactly("French invoices", model.facts["baskets"], 392, form=".0f")
    for name, right in {"support": 0.079082, "confidence": 0.815789, "lift": 8.642959, "leverage": 0.069932}.items():
        yield exactly(f"GREEN -> RED alarm clock, {name}", getattr(rule, name), right, others="mlxtend")
