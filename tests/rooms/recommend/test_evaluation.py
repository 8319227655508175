"""The figures of merit, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas.recommend import evaluation


class TestNextItem:
    def test_rank_begins_at_one_and_nought_is_absent(self):
        assert evaluation.rank(["a", "b"], "b") == 2
        assert evaluation.rank(["a", "b"], "c") == 0

    def test_hits_and_reciprocal_ranks_end_at_n(self):
        ranks = [1, 4, 21, 0]
        assert evaluation.hit_rate(ranks, n=20) == 2 / 4
        assert evaluation.mrr(ranks, n=20) == pytest.approx((1 + 1 / 4) / 4)
        assert evaluation.mrr(np.array(ranks), n=3) == pytest.approx(1 / 4)

    def test_no_cases_is_nought(self):
        assert evaluation.hit_rate([], n=20) == evaluation.mrr([], n=20) == 0.0

    def test_over_pairs(self):
        figures = evaluation.next_items(lambda seen: [seen[-1] + 1, seen[-1]], [([1], 2), ([5], 5), ([5], 9)], n=20)
        assert figures == {"hit_rate": pytest.approx(2 / 3), "mrr": pytest.approx((1 + 1 / 2) / 3), "cases": 3}


class TestBaskets:
    def test_ndcg_by_hand(self):
        # hits at places 1 and 3 of three relevant items
        gained, ideal = 1 + 1 / np.log2(4), 1 + 1 / np.log2(3) + 1 / np.log2(4)
        assert evaluation.ndcg(["a", "x", "b"], {"a", "b", "c"}, n=10) == pytest.approx(gained / ideal)

    def test_the_ideal_list_is_no_longer_than_n(self):
        assert evaluation.ndcg(["a", "b"], {"a", "b", "c"}, n=2) == pytest.approx(1.0)

    def test_recall_is_the_share_found(self):
        assert evaluation.recall(["a", "x", "b"], {"a", "b", "c"}, n=2) == pytest.approx(1 / 3)

    def test_nothing_relevant_is_nought(self):
        assert evaluation.ndcg(["a"], set(), n=5) == evaluation.recall(["a"], set(), n=5) == 0.0

    def test_cases_without_later_items_do_not_count(self):
        figures = evaluation.baskets(lambda buyer: ["a"], [(1, {"a"}), (2, set())], ndcg_at=10, recall_at=20)
        assert figures == {"ndcg": 1.0, "recall": 1.0, "cases": 1}

    @given(st.lists(st.integers(0, 9), unique=True), st.sets(st.integers(0, 9)), st.integers(1, 12))
    def test_figures_stay_between_nought_and_one(self, listed, relevant, n):
        assert 0 <= evaluation.ndcg(listed, relevant, n=n) <= 1 + 1e-12
        assert 0 <= evaluation.recall(listed, relevant, n=n) <= 1


class TestSpread:
    LISTS = [["a", "b"], ["a", "c"]]

    def test_coverage_is_the_share_of_the_range_that_was_ever_listed(self):
        assert evaluation.coverage(self.LISTS, of=12) == 3 / 12
        assert evaluation.coverage([], of=12) == evaluation.coverage(self.LISTS, of=0) == 0.0

    def test_the_long_tail_is_what_is_not_among_the_most_wanted_fifth(self):
        counts = {"a": 9, "b": 5, "c": 1}
        assert evaluation.long_tail(self.LISTS, counts, of=5) == 2 / 4  # the fifth of five is a alone
        assert evaluation.long_tail(self.LISTS, counts, of=10) == 1 / 4
        assert evaluation.long_tail([], counts, of=5) == 0.0

    def test_novelty_is_the_mean_information_in_bits(self):
        counts = {"a": 4, "b": 2, "other": 2}  # a half, a quarter, and c never: half a time of eight
        assert evaluation.novelty(self.LISTS, counts) == pytest.approx((1 + 2 + 1 + 4) / 4)
        assert evaluation.novelty(self.LISTS, {}) == 0.0
