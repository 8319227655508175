"""What is bought together, order by order: for the product page and the cart, with the rules behind it.

The same arithmetic serves views (a basket is a visit) and, with `consequents`, "who looked at this bought that".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from saas.recommend import archive, ragged, suggestions
from saas.recommend.suggestions import Suggestion
from saas.recommend.vocabulary import Id, Vocabulary, as_array

if TYPE_CHECKING:  # what is read and served needs no scipy: it is imported where a model is fitted
    from scipy import sparse

KIND, VERSION = "baskets", 1
BLOCK = 512  # antecedents counted at a time, which bounds the memory of the pair counts


class Rule(NamedTuple):
    """ "Who has `antecedent` also has `consequent`", with N baskets, a and b of them with each, t with both.

    support = t/N, confidence = t/a, lift = confidence/(b/N), leverage = t/N - (a/N)(b/N)
    (Agrawal, Imielinski, Swami 1993; Brin, Motwani, Ullman, Tsur 1997; Piatetsky-Shapiro 1991).
    """

    antecedent: Id
    consequent: Id
    together: int
    support: float
    confidence: float
    lift: float
    leverage: float


class Pair(NamedTuple):
    """A rule as `rules` lists it; the formulas are those of Rule."""

    antecedent: Id
    consequent: Id
    support: float
    confidence: float
    lift: float
    leverage: float


def rules(baskets: Sequence[Iterable[Id]], *, min_support: float = 0.01) -> list[Pair]:
    """This function will list the rules "who has one has the other" that reach a support, greatest lift first.

    `baskets` lists the items (integers or strings) of each order, doubled items count once; `min_support` is the least share of all
    baskets, those of no or one item included, that has both. Both directions of a pair are listed.
    """
    lists = [list(dict.fromkeys(basket)) for basket in baskets]
    counts = Counter(item for basket in lists for item in basket)
    least = min_support * len(lists)
    kept = [[item for item in basket if counts[item] >= least] for basket in lists]
    names = np.repeat(np.arange(len(lists)), [len(basket) for basket in kept])
    items = as_array([item for basket in kept for item in basket])
    if not len(items):
        return []
    model = BasketModel.fit(names, items, kept=None, size=len(lists))
    found = model.rules(support=min_support)
    return [Pair(*rule[:2], *rule[3:]) for rule in found]


class BasketModel:
    """Counts of pairs: for each antecedent the consequents with the greatest score, and how often they met."""

    def __init__(self, vocabulary: Vocabulary, facts: dict[str, float], arrays: dict[str, np.ndarray]) -> None:
        self.vocabulary, self.facts = vocabulary, facts
        self.first, self.consequents, self.together = (arrays[name] for name in ("first", "consequents", "together"))
        self.having, self.then_having = arrays["having"], arrays["then_having"]

    @classmethod
    def fit(
        cls,
        baskets: np.ndarray,
        items: np.ndarray,
        *,
        consequents: tuple[np.ndarray, np.ndarray] | None = None,
        kept: int | None = 200,
        shrink: float = 5.0,
        size: int | None = None,
    ) -> BasketModel:
        """Count pairs: `baskets` (order or visit id) and `items` have one entry per line; doubled lines count once.

        `consequents` is another (baskets, items) with the same basket ids, such as what the visits bought; left out,
        it is the same lines. `kept` bounds the consequents stored per item (None: all, so that every rule can be
        asked for); `shrink` is the number of meetings at which a pair is half believed, see `predict`. `size` is the number
        of baskets when some of them have no line here.
        """
        then_baskets, then_items = consequents if consequents is not None else (baskets, items)
        vocabulary, numbers = Vocabulary.encode(np.concatenate([items, then_items]))
        distinct, rows = np.unique(np.concatenate([baskets, then_baskets]), return_inverse=True)
        shape, lines = (len(distinct), len(vocabulary)), len(items)
        left = incidence(rows[:lines], numbers[:lines], shape)
        right = left if consequents is None else incidence(rows[lines:], numbers[lines:], shape)
        having, then_having = (np.diff(side.indptr) for side in (left, right))
        parts = [
            _kept(pairs, having[low : low + BLOCK], then_having, low=low, kept=kept, shrink=shrink)
            for low in range(0, shape[1], BLOCK)
            for pairs in [(left[:, low : low + BLOCK].T @ right).tocsr()]
        ]
        sizes, found, together = (np.concatenate(part) for part in zip(*parts, strict=True)) if parts else ([], [], [])
        arrays = {
            "first": np.append(0, np.cumsum(sizes)).astype(np.int64),
            "consequents": np.asarray(found, dtype=np.int32),
            "together": np.asarray(together, dtype=np.int32),
            "having": having,
            "then_having": then_having,
        }
        return cls(vocabulary, {"baskets": size or len(distinct), "shrink": shrink}, arrays)

    def rule(self, antecedent: Id, consequent: Id) -> Rule | None:
        """Work out the rule of one pair; None when the pair never met or was not kept."""
        a, b = self.vocabulary.number(antecedent), self.vocabulary.number(consequent)
        if a < 0:
            return None
        low, high = self.first[a], self.first[a + 1]
        place = np.flatnonzero(self.consequents[low:high] == b)
        return self._rule(a, b, int(self.together[low + place[0]])) if len(place) else None

    def rules(self, *, support: float = 0.0, confidence: float = 0.0, lift: float = 0.0) -> list[Rule]:
        """List the kept rules that reach all three thresholds, greatest lift first, then greatest support."""
        antecedents = np.repeat(np.arange(len(self.vocabulary)), np.diff(self.first))
        share = self.together / self.facts["baskets"]
        sure = self.together / self.having[antecedents]
        raised = sure * self.facts["baskets"] / self.then_having[self.consequents]
        chosen = np.flatnonzero((share >= support) & (sure >= confidence) & (raised >= lift))
        chosen = chosen[np.lexsort((-share[chosen], -raised[chosen]))]
        return [self._rule(antecedents[k], self.consequents[k], int(self.together[k])) for k in chosen]

    def _rule(self, a: int, b: int, together: int) -> Rule:
        baskets, with_a, with_b = self.facts["baskets"], int(self.having[a]), int(self.then_having[b])
        support, confidence = together / baskets, together / with_a
        return Rule(
            self.vocabulary[a],
            self.vocabulary[b],
            together,
            support,
            confidence,
            confidence * baskets / with_b,
            support - with_a * with_b / baskets**2,
        )

    def predict(
        self,
        items: Sequence[Id],
        *,
        n: int = 20,
        exclude: Iterable[Id] = (),
        only: Iterable[Id] | None = None,
        least: int = 1,
    ) -> list[Suggestion]:
        """List the n items that go best with those of a product page or cart, which are never listed themselves.

        A pair scores its cosine t/sqrt(a b) times t/(t + shrink), so that one meeting of two rare items does
        not beat thirty meetings; a cart adds up the scores of its items. Pairs that met fewer than `least` times are
        passed over. `because` is the item of the cart that adds most, `together` the baskets that have both.
        """
        known = np.unique(self.vocabulary.known(items))
        runs, places = ragged.expand(self.first[known], self.first[known + 1] - self.first[known])
        met = self.together[places]
        runs, places, met = runs[met >= least], places[met >= least], met[met >= least]
        found = self.consequents[places]
        pairs = score(met, self.having[known[runs]], self.then_having[found], shrink=self.facts["shrink"])
        allowed = np.ones(len(self.vocabulary), dtype=bool)
        allowed[known] = False
        allowed = suggestions.block(allowed, self.vocabulary, exclude, only)
        totals = np.where(allowed, np.bincount(found, pairs, len(self.vocabulary)), 0.0)
        answer = []
        for item in suggestions.best(totals, n):
            own = np.flatnonzero(found == item)
            lead = own[np.argmax(pairs[own])]
            why = self.vocabulary[known[runs[lead]]]
            answer.append(Suggestion(self.vocabulary[item], float(totals[item]), why, int(met[lead])))
        return answer

    def to_bytes(self) -> bytes:
        """Write the model for `from_bytes`."""
        names = ("first", "consequents", "together", "having", "then_having")
        arrays = {"ids": self.vocabulary.array(), **{name: getattr(self, name) for name in names}}
        return archive.pack(kind=KIND, version=VERSION, facts=self.facts, arrays=arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> BasketModel:
        """Read a model; raises archive.Unreadable."""
        facts, arrays = archive.unpack(data, kind=KIND, version=VERSION)
        return cls(Vocabulary(arrays.pop("ids")), facts, arrays)


def incidence(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csc_matrix:
    """Mark which basket (row) has which item (column), 1 however often it is listed."""
    from scipy import sparse

    matrix = sparse.coo_matrix((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape).tocsc()
    matrix.data[:] = 1
    return matrix


def score(together: np.ndarray, having: np.ndarray, then_having: np.ndarray, *, shrink: float) -> np.ndarray:
    """Believe in a pair: cosine of the two items' baskets, shrunk by support (Bell and Koren 2007, section 2.2)."""
    return together / np.sqrt(having.astype(float) * then_having) * together / (together + shrink)


def _kept(
    pairs: sparse.csr_matrix, having: np.ndarray, then_having: np.ndarray, *, low: int, kept: int | None, shrink: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take the best consequents of each antecedent of a block; returns (how many, consequents, together)."""
    rows = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    distinct = rows + low != pairs.indices
    rows, found, together = rows[distinct], pairs.indices[distinct], pairs.data[distinct]
    order = np.lexsort((found, -score(together, having[rows], then_having[found], shrink=shrink), rows))
    rows, found, together = rows[order], found[order], together[order]
    sizes = np.bincount(rows, minlength=pairs.shape[0])
    if kept is not None:
        place = np.arange(len(rows)) - (np.cumsum(sizes) - sizes)[rows]
        found, together, sizes = found[place < kept], together[place < kept], np.minimum(sizes, kept)
    return sizes, found, together
