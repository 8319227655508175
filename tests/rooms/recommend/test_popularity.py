"""Popularity: decay by hand, categories first, and adding as good as fitting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saas.recommend.popularity import PopularityModel

QUICK = settings(deadline=None, max_examples=40)

events = st.lists(st.tuples(st.integers(1, 6), st.floats(0, 100)), min_size=1, max_size=20)


def fit(lines: list[tuple], **options) -> PopularityModel:
    items, days = zip(*lines, strict=True)
    return PopularityModel.fit(np.array(items), np.array(days), **options)


class TestPredict:
    def test_an_event_halves_in_a_half_life(self):
        found = fit([("a", 0), ("a", 7), ("b", 14)], half_life=7).predict()
        assert [(s.item, s.score, s.together) for s in found] == [("b", 1.0, 1), ("a", 0.75, 2)]
        assert found[0].because is None

    def test_the_category_comes_first_and_the_rest_fills_up(self):
        model = fit([("a", 9), ("a", 9), ("b", 9), ("c", 9)], categories=[("c", "mugs"), ("unsold", "mugs")])
        assert [s.item for s in model.predict(category="mugs", n=2)] == ["c", "a"]
        assert [s.item for s in model.predict(category="unknown", n=2)] == ["a", "b"]

    def test_blocked_items_are_never_listed(self):
        model = fit([("a", 1), ("b", 1), ("c", 1)])
        assert [s.item for s in model.predict(exclude=["a"], only=["a", "b"])] == ["b"]

    def test_a_shop_without_events_answers_nothing(self):
        assert PopularityModel.fit(np.array([]), np.array([])).predict() == []


class TestAdd:
    @given(events, events)
    @QUICK
    def test_adding_is_as_good_as_fitting(self, before, after):
        grown, whole = fit(before), fit(before + after)
        for item, day in after:
            grown.add(item, day=day)
        newest = max(day for _, day in before + after) - max(day for _, day in before)
        scale = np.exp2(-newest / grown.half_life)
        weights = {s.item: (pytest.approx(s.score * scale), s.together) for s in grown.predict()}
        assert {s.item: (s.score, s.together) for s in whole.predict()} == weights

    def test_years_later_the_weights_are_still_finite(self):
        model = fit([("a", 0)], half_life=1)
        model.add("b", day=5000)
        model.add("b", day=5001)
        assert [(s.item, s.score) for s in model.predict()] == [("b", 3.0)]


@given(events)
@QUICK
def test_stored_and_read_it_answers_the_same(lines):
    model = fit(lines, categories=[(1, "x"), (2, "x"), (2, "y")])
    read = PopularityModel.from_bytes(model.to_bytes())
    assert read.predict(category="x") == model.predict(category="x")
