"""The interval of a share against figures of the paper's kind and against what must hold for every count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas.kit import intervals


def test_a_known_one():
    assert intervals.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)  # Newcombe 1998, table I, method 3


def test_the_ends_and_nothing():
    assert intervals.wilson(0, 20)[0] == 0.0
    assert intervals.wilson(20, 20)[1] == 1.0
    assert intervals.wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_share_lies_inside_and_the_mirror_is_the_mirror(counted):
    hits, total = counted
    low, high = intervals.wilson(hits, total)
    assert 0 <= low <= hits / total <= high <= 1
    assert intervals.wilson(total - hits, total) == pytest.approx((1 - high, 1 - low))
