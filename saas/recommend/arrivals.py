"""What newcomers want by where they came from: the campaign, the site that led here, the page they landed on.

Nothing is known of somebody who just came, but what others looked at who came the same way. A way that few took says little, so
its counts lean on those of everybody: (n + LEAN * share of everybody) / (visits + LEAN), multiplied over the ways as lifts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qs

import numpy as np

from saas.kit import addresses
from saas.recommend import archive
from saas.recommend.suggestions import Suggestion

KIND, VERSION = "arrivals", 1
FEWEST = (
    20  # visits of a way before it is kept: fewer say nothing, and what is said once in an address may be somebody's
)
MOST_WAYS, MOST_ITEMS = 2_000, 100
LEAN = 30.0
HELD_BACK, N = 0.2, 20
Visit = tuple[Sequence[str], Sequence[int]]
"""The ways of a visit (see `ways`), and the products that were looked at in it."""


def ways(referrer: str, landing: str) -> tuple[str, ...]:
    """This function will name the ways of a visit by its two addresses: campaign, site, page; "" where one tells nothing."""
    page = addresses.split(landing)
    told = parse_qs(page.query)
    campaign = (told.get("utm_campaign") or told.get("utm_source") or ("",))[0][:100].casefold()
    site, own = addresses.host(referrer) or "", addresses.host(landing)
    found = (("campaign", campaign), ("site", "" if site == own else site), ("page", page.path.rstrip("/")[:200]))
    return tuple(f"{kind}:{value}" for kind, value in found if value)


class ArrivalsModel:
    """The shares of what everybody looks at, and for each way the lifts of what those who came by it look at."""

    def __init__(self, shares: dict[int, float], lifts: dict[str, dict[int, float]]) -> None:
        self.shares, self.lifts = shares, lifts

    @classmethod
    def fit(cls, visits: Sequence[Visit]) -> ArrivalsModel:
        """This function will count which products were looked at by which way; a product counts once a visit."""
        everybody: Counter[int] = Counter()
        many: Counter[str] = Counter()
        for by, items in visits:
            everybody.update(set(items))
            many.update(set(by))
        kept = {way for way, count in many.most_common(MOST_WAYS) if count >= FEWEST}
        looked: dict[str, Counter[int]] = {way: Counter() for way in kept}
        for by, items in visits:
            for way in kept.intersection(by):
                looked[way].update(set(items))
        shares = {item: count / len(visits) for item, count in everybody.items()}
        lifts = {
            way: {
                item: (count + LEAN * shares[item]) / (many[way] + LEAN) / shares[item] for item, count in counts.most_common(MOST_ITEMS)
            }
            for way, counts in looked.items()
        }  # fmt: skip
        return cls(shares, lifts)

    def predict(self, by: Iterable[str], *, n: int = 20) -> list[Suggestion]:
        """List the n products most likely wanted by who came these ways; nothing where no way is known."""
        lifts = [self.lifts[way] for way in by if way in self.lifts]
        scores: dict[int, float] = {}
        for item in {item for lift in lifts for item in lift}:
            score = self.shares[item]
            for lift in lifts:
                score *= lift.get(item, LEAN / (LEAN + FEWEST))
            scores[item] = score
        order = sorted(scores, key=lambda item: (-scores[item], item))[:n]
        return [Suggestion(item, scores[item], None, 0) for item in order]

    def __len__(self) -> int:
        return len(self.lifts)

    def to_bytes(self) -> bytes:
        """Write the model for `from_bytes`."""
        names = sorted(self.lifts)
        rows = [(place, item, lift) for place, name in enumerate(names) for item, lift in self.lifts[name].items()]
        place, items, lifts = zip(*rows, strict=True) if rows else ((), (), ())
        arrays = {
            "items": np.array(list(self.shares), dtype=np.int64), "shares": np.array(list(self.shares.values())),
            "way": np.array(place, dtype=np.int32), "item": np.array(items, dtype=np.int64), "lift": np.array(lifts, dtype=float),
        }  # fmt: skip
        return archive.pack(kind=KIND, version=VERSION, facts={"ways": names}, arrays=arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> ArrivalsModel:
        """Read a model; raises archive.Unreadable."""
        facts, held = archive.unpack(data, kind=KIND, version=VERSION)
        lifts: dict[str, dict[int, float]] = {name: {} for name in facts["ways"]}
        for way, item, lift in zip(held["way"].tolist(), held["item"].tolist(), held["lift"].tolist(), strict=True):
            lifts[facts["ways"][way]][item] = lift
        return cls(dict(zip(held["items"].tolist(), held["shares"].tolist(), strict=True)), lifts)


def score(visits: Sequence[Visit], *, most: int = 400) -> dict[str, Any]:
    """This function will ask what newcomers of the newest visits looked at, by a model of the older ones and by what is popular."""
    cut = int(len(visits) * (1 - HELD_BACK))
    model = ArrivalsModel.fit(visits[:cut]) if cut else None
    asked = [(by, items) for by, items in visits[cut:] if model and items and any(way in model.lifts for way in by)][
        -most:
    ]
    if not asked or model is None:
        return {}
    popular = {item for item, _share in sorted(model.shares.items(), key=lambda one: -one[1])[:N]}
    hits = sum(bool({one.item for one in model.predict(by, n=N)} & {items[0]}) for by, items in asked)
    plain = sum(items[0] in popular for _by, items in asked)
    return {
        "hit_rate": round(hits / len(asked), 4),
        "popular_hit_rate": round(plain / len(asked), 4),
        "cases": len(asked),
    }
