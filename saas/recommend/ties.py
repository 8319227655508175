"""Which items the same people buy, learnt from months of purchases: the ground under `buyers`.

EASE^R (Steck, WWW 2019, arXiv:1905.03375): item weights B that rebuild each buyer's purchases from their others,
in closed form B = -P / diag(P) with P = (X'X + ridge)^-1, the diagonal 0. Here purchases fade with age.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from saas.recommend import ragged
from saas.recommend.vocabulary import Vocabulary

if TYPE_CHECKING:  # what is read and served needs no scipy: it is imported where a model is fitted
    from scipy import sparse

LARGEST = 4000  # items tied to each other, the most bought first: a matrix of 64 MB, some 400 MB while fitting
KEPT = 200  # ties kept per item


@dataclass(frozen=True)
class Fading:
    """How ties are learnt: a purchase weighs exp(-age in days / `taste`), at most 1 in all per buyer and item;
    `ridge` is the lambda of EASE^R as a multiple of the mean of the diagonal of X'X."""

    taste: float = 250.0
    ridge: float = 20.0


class Purchases:
    """Who bought what when, once per buyer, item and time, as numbers; days count from any origin, ages from `now`."""

    def __init__(self, buyers: np.ndarray, items: np.ndarray, days: np.ndarray, *, now: float | None = None) -> None:
        self.vocabulary, columns = Vocabulary.encode(items)
        self.buyers, rows = np.unique(np.asarray(buyers), return_inverse=True)
        days = np.asarray(days, dtype=float)
        order = np.lexsort((days, columns, rows))
        table = np.stack([rows[order], columns[order], days[order]])
        fresh = np.ones(len(order), dtype=bool)
        fresh[1:] = (table[:, 1:] != table[:, :-1]).any(axis=0)
        self.buyer, self.item, self.day = rows[order][fresh], columns[order][fresh], days[order][fresh]
        self.now = now if now is not None else float(days.max()) if len(days) else 0.0

    def faded(self, span: float) -> sparse.csr_matrix:
        """Sum exp(-age / span) by buyer and item."""
        from scipy import sparse

        weights = np.exp((self.day - self.now) / span).astype(np.float32)
        shape = (len(self.buyers), len(self.vocabulary))
        return sparse.coo_matrix((weights, (self.buyer, self.item)), shape).tocsr()

    def demand(self, season: float) -> np.ndarray:
        """Work out which share of an item's purchases is recent, as a multiple of the mean over the items.

        Recent counts exp(-age / season); .02 and 1 keep items that sold once from going to extremes.
        """
        recent = np.bincount(self.item, np.exp((self.day - self.now) / season), len(self.vocabulary))
        share = (recent + 0.02) / (np.bincount(self.item, minlength=len(self.vocabulary)) + 1)
        return share / share.mean() if len(share) else share


@dataclass(frozen=True)
class Ties:
    """For each item its followers, as runs first[item]..first[item + 1]: who they are, the weight, buyers of both."""

    first: np.ndarray
    followers: np.ndarray
    weights: np.ndarray
    together: np.ndarray
    buyers: np.ndarray  # buyers per item

    def of(self, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """List the ties of each item; returns (i for items[i], place of the tie)."""
        return ragged.expand(self.first[items], self.first[items + 1] - self.first[items])

    def matrix(self) -> sparse.csr_matrix:
        """Give the weights as a square matrix: row the item owned, column the follower."""
        from scipy import sparse

        size = len(self.buyers)
        return sparse.csr_matrix((self.weights, self.followers, self.first), (size, size))


def learn(bought: Purchases, fading: Fading) -> Ties:
    """Fit the ties of the most bought items, the strongest KEPT sources of each follower."""
    faded = bought.faded(fading.taste)
    size = faded.shape[1]
    buyers = np.bincount(faded.indices, minlength=size)
    head = np.sort(np.argsort(-buyers, kind="stable")[:LARGEST])
    faded = faded[:, head]
    faded.data = np.minimum(faded.data, 1.0)
    weights = ease((faded.T @ faded).toarray(), ridge=fading.ridge)
    if len(head) > KEPT:
        weakest = np.partition(np.abs(weights), len(head) - KEPT, axis=0)[len(head) - KEPT]
        weights[np.abs(weights) < weakest] = 0.0
    faded.data[:] = 1.0
    both = (faded.T @ faded).toarray()
    sources, followers = np.nonzero(weights)
    return Ties(
        first=ragged.bounds(head[sources], size),
        followers=head[followers].astype(np.int32),
        weights=weights[sources, followers],
        together=both[sources, followers].astype(np.int32),
        buyers=buyers,
    )


def ease(gram: np.ndarray, *, ridge: float) -> np.ndarray:
    """Solve EASE^R for a Gram matrix X'X (float32, overwritten), `ridge` a multiple of its mean diagonal."""
    from scipy.linalg import lapack

    if not len(gram):
        return gram
    diagonal = np.diag_indices_from(gram)
    gram[diagonal] += ridge * gram[diagonal].mean()
    factor, _ = lapack.spotrf(gram, lower=1, overwrite_a=1)
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse)
    weights = (inverse + np.tril(inverse, -1).T) / -inverse[diagonal]
    weights[diagonal] = 0.0
    return weights
