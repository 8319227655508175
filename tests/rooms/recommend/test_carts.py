"""What completes a cart: ties against the definition, pairs by hand, what must hold for every history, and the choice of words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saas.recommend import archive, cart_tuning, evaluation
from saas.recommend.baskets import BasketModel
from saas.recommend.carts import CartModel, Weights, ties_of

QUICK = settings(deadline=None, max_examples=40)
histories = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=5), min_size=1, max_size=15)


def columns(orders):
    names = np.repeat(np.arange(len(orders)), [len(items) for items in orders])
    return names, np.array([item for items in orders for item in items])


def fit(orders, **weights):
    return CartModel.fit(*columns(orders), weights=Weights(**weights))


class TestByHand:
    def test_pairs_score_their_confidence_against_the_consequents_popularity(self):
        # 1 is in three orders, with 2 twice and with 3 once; 2 in four, 3 in one
        model = fit([[1, 2], [1, 2], [1, 3], [2, 4], [2, 5]], pairs=1.0)
        model.ties.weights[:] = 0.0
        scores = {one.item: one.score for one in model.predict([1])}
        two, three = (2 / 3) / 4**0.25 * 2 / 7, (1 / 3) / 1**0.25 * 1 / 6
        assert scores == pytest.approx({2: 1.0, 3: three / two})

    def test_ties_come_from_orders_without_age_or_number_of_lines(self):
        orders = [[1, 2], [1, 2], [2, 3], [1, 4]]
        once, doubled = ties_of(*columns(orders), 2.0), ties_of(*columns([[*one, *one] for one in orders]), 2.0)
        assert once.weights == pytest.approx(doubled.weights)
        assert once.together.tolist() == doubled.together.tolist()

    def test_what_a_cart_explains_already_gives_way_to_what_is_new(self):
        """1, 2 and 3 always come together, and 4 comes with 5: with all five but 3 and 5 in the cart both are named first."""
        model = fit([[1, 2, 3]] * 20 + [[4, 5]] * 10 + [[1, 2, 3, 6]] * 3, ridge=0.2, pairs=0.0)
        assert {one.item for one in model.predict([1, 2, 4], n=2)} == {3, 5}

    def test_the_reason_names_the_product_of_the_cart_and_how_often_both_were_bought(self):
        model = fit([[1, 2]] * 4 + [[3, 4]] * 3 + [[5, 6]])
        found = {one.item: (one.because, one.together) for one in model.predict([1, 3])}
        assert found[2] == (1, 4) and found[4] == (3, 3)

    def test_what_met_too_seldom_is_not_listed(self):
        model = fit([[1, 2]] * 2 + [[1, 3]])
        assert [one.item for one in model.predict([1], least=2)] == [2]
        assert model.predict([1], least=3) == []


class TestEverything:
    @QUICK
    @given(histories, st.lists(st.integers(1, 10), max_size=5), st.integers(0, 6), st.integers(1, 3))
    def test_never_what_lies_in_the_cart_or_is_excluded_and_best_first(self, orders, cart, n, least):
        model = fit(orders)
        found = model.predict(cart, n=n, exclude=[7], least=least)
        items, scores = [one.item for one in found], [one.score for one in found]
        assert len(items) == len(set(items)) <= n and not set(items) & {*cart, 7}
        assert scores == sorted(scores, reverse=True) and all(score > 0 for score in scores)
        met = {(one.because, one.item): one.together for one in found}
        for (a, b), together in met.items():
            assert a in cart and together == sum({a, b} <= set(order) for order in orders) >= least

    @QUICK
    @given(histories, st.lists(st.integers(1, 10), min_size=1, max_size=4))
    def test_written_and_read_it_answers_the_same(self, orders, cart):
        model = fit(orders)
        assert CartModel.from_bytes(model.to_bytes()).predict(cart) == model.predict(cart)

    def test_the_bytes_of_another_kind_are_refused(self):
        with pytest.raises(archive.Unreadable):
            CartModel.from_bytes(BasketModel.fit(*columns([[1, 2]])).to_bytes())


class TestTuning:
    def test_the_newest_orders_are_asked_and_never_learnt_from(self):
        orders = [[1, 2]] * 85 + [[2, 1]] * 15
        old, asked = cart_tuning.split(*columns(orders), seed=0)
        assert old.sum() == 170 and len(asked) == 15
        assert all(sorted([*cart, wanted]) == [1, 2] for cart, wanted in asked)

    def test_too_few_orders_answer_with_the_defaults(self):
        assert cart_tuning.tune(*columns([[1, 2]] * 50)) == Weights()

    def test_it_does_at_least_as_well_as_either_word_alone(self):
        """Large mixed orders: whole families in one order, two or three of them at a time, in which pairs alone drown."""
        random = np.random.default_rng(2)
        orders = [
            [int(family) * 5 + int(item) for family in random.permutation(12)[:3] for item in random.permutation(5)[:3]]
            for _ in range(1200)
        ]
        weights = cart_tuning.tune(*columns(orders))
        old, asked = cart_tuning.split(*columns(orders), seed=9)
        names, items = columns(orders)

        def hits(model):
            predict = lambda cart: [one.item for one in model.predict(cart, n=5)]  # noqa: E731
            return evaluation.next_items(predict, asked, n=5)["hit_rate"]

        chosen = hits(CartModel.fit(names[old], items[old], weights=weights))
        pairs_alone = hits(BasketModel.fit(names[old], items[old]))
        assert chosen > pairs_alone + 0.03
