"""Bought together: the textbook figures by hand, and counts against counting."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saas.recommend import archive
from saas.recommend.baskets import BasketModel

QUICK = settings(deadline=None, max_examples=40)

orders = st.lists(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=5), min_size=1, max_size=12)


def lines(baskets: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
    """One entry per order line: the order and the item."""
    numbers = np.repeat(np.arange(len(baskets)), [len(basket) for basket in baskets])
    return numbers, np.array([item for basket in baskets for item in basket])


def fit(baskets: list[list[str]], **options) -> BasketModel:
    return BasketModel.fit(*lines(baskets), **options)


class TestRules:
    # five orders: bread in four, jam in three, both in two
    SHOP = [["bread", "jam"], ["bread", "jam", "tea"], ["bread"], ["bread", "bread"], ["jam"]]

    def test_the_four_figures(self):
        rule = fit(self.SHOP).rule("jam", "bread")
        assert rule.together == 2
        assert rule.support == pytest.approx(2 / 5)
        assert rule.confidence == pytest.approx(2 / 3)
        assert rule.lift == pytest.approx((2 / 3) / (4 / 5))
        assert rule.leverage == pytest.approx(2 / 5 - (3 / 5) * (4 / 5))

    def test_a_pair_that_never_met_has_no_rule(self):
        model = fit([["a", "b"], ["c"]])
        assert model.rule("a", "c") is None
        assert model.rule("a", "unknown") is None
        assert model.rule("unknown", "a") is None

    def test_rules_reach_all_thresholds_greatest_lift_first(self):
        rules = fit(self.SHOP).rules(support=0.2, confidence=0.6)
        assert [(rule.antecedent, rule.consequent) for rule in rules] == [
            ("tea", "jam"),
            ("tea", "bread"),
            ("jam", "bread"),
        ]
        assert fit(self.SHOP).rules(support=0.9) == []

    @given(orders)
    @QUICK
    def test_counts_agree_with_counting(self, baskets):
        model = fit(baskets, kept=None)
        sets = [set(basket) for basket in baskets]
        for a, b in permutations("abcdefg", 2):
            together = sum({a, b} <= basket for basket in sets)
            rule = model.rule(a, b)
            if not together:
                assert rule is None
                continue
            assert rule.together == together
            assert rule.confidence == pytest.approx(together / sum(a in basket for basket in sets))
            assert rule.lift == pytest.approx(model.rule(b, a).lift)


class TestPredict:
    def test_the_score_is_the_shrunk_cosine(self):
        (found,) = fit([["a", "b"], ["a", "b"], ["a"]], shrink=5).predict(["a"])
        assert (found.item, found.because, found.together) == ("b", "a", 2)
        assert found.score == pytest.approx(2 / np.sqrt(3 * 2) * 2 / (2 + 5))

    def test_one_meeting_of_rare_items_does_not_beat_many(self):
        baskets = [["a", "rare"]] + [["a", "often"]] * 20 + [["often"]] * 10
        assert [found.item for found in fit(baskets).predict(["a"])] == ["often", "rare"]

    def test_a_cart_adds_up_and_names_the_item_that_adds_most(self):
        model = fit([["a", "x"], ["a", "x"], ["b", "x"], ["b", "y"], ["b"]])
        found = model.predict(["a", "b"])
        assert [(s.item, s.because, s.together) for s in found] == [("x", "a", 2), ("y", "b", 1)]

    def test_blocked_and_rarely_met_items_are_not_listed(self):
        model = fit([["a", "b"], ["a", "b"], ["a", "c"]])
        assert [s.item for s in model.predict(["a"], exclude=["b"])] == ["c"]
        assert [s.item for s in model.predict(["a"], only=["c"])] == ["c"]
        assert [s.item for s in model.predict(["a"], least=2)] == ["b"]
        assert model.predict(["a"], n=0) == []
        assert model.predict(["unknown"]) == []

    def test_only_the_best_are_kept_of_many(self):
        model = fit([["a", "b"], ["a", "b"], ["a", "c"]], kept=1)
        assert [s.item for s in model.predict(["a"])] == ["b"]

    def test_views_lead_to_purchases(self):
        views, bought = lines([["a", "b"], ["a"], ["c"]]), (np.array([0, 1, 1]), np.array(["x", "x", "y"]))
        model = BasketModel.fit(*views, consequents=bought)
        assert [(s.item, s.together) for s in model.predict(["a"])] == [("x", 2), ("y", 1)]
        assert model.predict(["x"]) == []
        assert model.rule("a", "x").confidence == 1.0

    @given(orders, st.lists(st.sampled_from("abcdefg"), max_size=3))
    @QUICK
    def test_the_cart_itself_is_never_listed(self, baskets, cart):
        assert not {s.item for s in fit(baskets).predict(cart)} & set(cart)

    @given(orders, st.randoms())
    @QUICK
    def test_the_order_of_the_orders_does_not_matter(self, baskets, random):
        shuffled = random.sample(baskets, len(baskets))
        assert fit(shuffled).predict(["a"]) == fit(baskets).predict(["a"])

    @given(orders)
    @QUICK
    def test_stored_and_read_it_answers_the_same(self, baskets):
        model = fit(baskets)
        read = BasketModel.from_bytes(model.to_bytes())
        assert all(read.predict(list(cart)) == model.predict(list(cart)) for cart in combinations("abc", 2))
        assert read.rules() == model.rules()


def test_another_models_bytes_are_refused():
    with pytest.raises(archive.Unreadable):
        BasketModel.from_bytes(archive.pack(kind="sessions", version=1, facts={}, arrays={}))


def test_a_shop_without_orders_answers_nothing():
    assert BasketModel.fit(np.array([]), np.array([])).predict(["a"]) == []
