"""The recommenders as anybody may call them: plain lists in, chosen by themselves, (item, score) out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saas.recommend import baskets, buyers, sessions

QUICK = settings(deadline=None, max_examples=40)

ids = st.one_of(st.integers(-5, 9), st.text("abcé帽", min_size=0, max_size=2))
lists = st.lists(st.lists(ids, max_size=6), max_size=12)
lines = st.lists(st.tuples(ids, ids, st.integers(0, 90 * 86_400)), max_size=40)


def well_formed(found, *, n, without=()):
    """At most n, each once, the greatest score first, nothing that was ruled out."""
    items, scores = [item for item, _ in found], [score for _, score in found]
    assert len(items) == len(set(items)) <= n
    assert scores == sorted(scores, reverse=True) and all(score > 0 for score in scores)
    assert not set(items) & set(without)


class TestSessions:
    def test_what_followed_comes_first_and_demand_fills_up(self):
        model = sessions.fit([["tea", "pot"], ["tea", "pot"], ["hat", "scarf"]])
        found = model.recommend(["tea"], include_seen=False)
        assert found[0][0] == "pot" and {item for item, _ in found} == {"pot", "hat", "scarf"}
        assert {item for item, _ in model.recommend(["tea"])} == {"tea", "pot", "hat", "scarf"}

    def test_of_an_unknown_session_what_is_in_demand_now(self):
        model = sessions.fit([[1, 2], [1, 3], [1]])
        assert [item for item, _ in model.recommend([99], n=2)] == [1, 3]

    def test_sessions_may_come_one_by_one_from_a_reader(self):
        history = [["tea", "pot"], ["tea", "pot"], ["hat", "scarf"]]
        assert sessions.fit(iter(history)).recommend(["tea"]) == sessions.fit(history).recommend(["tea"])

    def test_times_order_the_sessions_and_the_list_does_without(self):
        history, times = [[1, 2], [1, 3]], [200.0, 100.0]
        assert sessions.fit(history).recommend([1], include_seen=False)[0][0] == 3
        assert sessions.fit(history, times=times).recommend([1], include_seen=False)[0][0] == 2
        with pytest.raises(ValueError, match="1 times for 2 sessions"):
            sessions.fit(history, times=[1.0])

    @QUICK
    @given(lists, st.lists(ids, max_size=5), st.integers(0, 8), st.booleans())
    def test_whatever_comes_the_answer_is_well_formed(self, history, prefix, n, include_seen):
        model = sessions.fit(history)
        found = model.recommend(prefix, n=n, include_seen=include_seen)
        well_formed(found, n=n, without=() if include_seen else prefix)
        listed = {item for session in history for item in session}
        assert {item for item, _ in found} <= listed
        assert len(found) == min(n, len(listed if include_seen else listed - set(prefix)))

    def test_weights_are_chosen_when_there_is_enough_to_choose_by(self):
        random = np.random.default_rng(5)
        history = [[int(base), int(base) + 1, int(base) + 2] for base in random.integers(0, 40, 2_000)]
        model = sessions.fit(history)
        assert model.weights != dict(sessions.DEFAULTS)
        assert model.recommend([7, 8], n=1, include_seen=False)[0][0] in (9, 6)


class TestBuyers:
    def test_each_buyers_own_history_and_the_new_to_them(self):
        days = [0, 0, 1, 1, 2, 2, 3]
        shop = buyers.fit([1, 1, 2, 2, 3, 3, 4], list("ababcda"), [day * 86_400 for day in days])
        assert shop.recommend(4, include_bought=False)[0][0] == "b"
        assert shop.recommend(4, n=1)[0][0] in ("a", "b") and "a" in dict(shop.recommend(4))

    def test_an_unknown_buyer_gets_what_is_in_demand(self):
        shop = buyers.fit(["x", "y", "z"], ["tea", "tea", "hat"], [0, 1, 1])
        assert [item for item, _ in shop.recommend("nobody")] == ["tea", "hat"]

    def test_moments_may_be_numpys(self):
        moments = np.array(["2026-01-01T00:00", "2026-01-02T12:00"], dtype="datetime64[m]")
        seconds = [1767225600, 1767355200]
        assert buyers.in_days(moments) == pytest.approx(buyers.in_days(seconds))
        with pytest.raises(ValueError, match="2 buyers, 1 items and 2 times"):
            buyers.fit([1, 2], ["a"], moments)

    @QUICK
    @given(lines, st.randoms(use_true_random=False), st.integers(0, 8), st.booleans())
    def test_the_order_of_the_lines_is_nothing_and_the_answer_well_formed(self, given_lines, random, n, include_bought):
        asked = [*{buyer for buyer, _item, _at in given_lines}, "nobody at all"]
        shuffled = random.sample(given_lines, len(given_lines))
        answers = []
        for some in (given_lines, shuffled):
            columns = [list(column) for column in zip(*some, strict=True)] or [[], [], []]
            shop = buyers.fit(*columns)
            answers.append([shop.recommend(buyer, n=n, include_bought=include_bought) for buyer in asked])
        owned = {buyer: {item for who, item, _at in given_lines if who == buyer} for buyer in asked}
        for buyer, found, other in zip(asked, *answers, strict=True):
            well_formed(found, n=n, without=() if include_bought else owned[buyer])
            assert sorted(score for _, score in found) == pytest.approx(sorted(score for _, score in other), abs=1e-3)


class TestRules:
    def test_by_hand_with_baskets_of_nothing_counted(self):
        found = baskets.rules([["a", "b"], ["a", "b", "b"], ["a"], []], min_support=0.5)
        assert {rule[:2] for rule in found} == {("a", "b"), ("b", "a")}
        rule = next(one for one in found if one.antecedent == "a")
        assert rule == ("a", "b", 2 / 4, 2 / 3, (2 / 3) / (2 / 4), 2 / 4 - (3 / 4) * (2 / 4))

    @QUICK
    @given(st.lists(st.lists(ids, max_size=5), max_size=12), st.sampled_from([0.01, 0.2, 0.5]))
    def test_against_counting_by_hand(self, orders, least):
        size, sets = len(orders), [set(order) for order in orders]
        items = set().union(*sets)
        expected = {}
        for a in items:
            for b in items - {a}:
                both, with_a, with_b = (sum(wanted <= one for one in sets) for wanted in ({a, b}, {a}, {b}))
                if both and both / size >= least:
                    sure = both / with_a
                    expected[a, b] = (both / size, sure, sure * size / with_b, both / size - with_a * with_b / size**2)
        found = {(one.antecedent, one.consequent): tuple(one[2:]) for one in baskets.rules(orders, min_support=least)}
        assert found.keys() == expected.keys()
        assert all(found[pair] == pytest.approx(expected[pair]) for pair in expected)
