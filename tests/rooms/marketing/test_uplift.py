"""The arithmetic of lift: by hand, against published figures, and against the e-mail test of the real data."""

from __future__ import annotations

import math

import pytest

from bench import lift
from saas.marketing import reports, uplift
from saas.marketing.uplift import Group


class TestRates:
    def test_newcombes_own_example(self):
        """Newcombe 1998, table II: 56/70 against 48/80, method 10: 0.2000 (0.0524 to 0.3339)."""
        found = uplift.rates(Group(70, 56), Group(80, 48))
        assert (found.value, found.low, found.high) == (
            pytest.approx(0.2),
            pytest.approx(0.0524, abs=5e-5),
            pytest.approx(0.3339, abs=5e-5),
        )

    def test_nobody_bought_leaves_room_on_both_sides(self):
        found = uplift.rates(Group(100, 0), Group(10, 0))
        assert found.value == 0 and found.low < 0 < found.high and not found.sure

    def test_an_empty_group_says_nothing(self):
        assert (
            uplift.rates(Group(10, 1), Group(0, 0)) is None and uplift.spends(Group(10, 1, 5, 5), Group(1, 0)) is None
        )


class TestSpends:
    def test_welch_by_hand(self):
        """Two samples of which mean, variance and Welch's degrees of freedom are worked out here step by step."""
        one, other = [10.0, 12.0, 14.0, 16.0], [5.0, 5.0, 8.0]
        found = uplift.spends(
            Group(4, 4, sum(one), sum(v * v for v in one)), Group(3, 3, sum(other), sum(v * v for v in other))
        )
        a, b = (20 / 3) / 4, 3 / 3
        freedom = (a + b) ** 2 / (a * a / 3 + b * b / 2)
        from scipy import stats

        reach = stats.t.ppf(0.975, freedom) * math.sqrt(a + b)
        assert found.value == pytest.approx(7) and (found.low, found.high) == (
            pytest.approx(7 - reach),
            pytest.approx(7 + reach),
        )

    def test_without_any_spread_the_interval_is_a_point(self):
        found = uplift.spends(Group(3, 0), Group(3, 0))
        assert (found.value, found.low, found.high) == (0, 0, 0)


class TestSentences:
    @pytest.mark.parametrize(
        ("mailed", "held", "begins"),
        [
            (Group(900, 9), Group(0, 0), "Nobody was held back"),
            (Group(900, 3), Group(100, 1), "Not enough yet"),
            (Group(30, 20), Group(4, 1), "Not enough yet"),
            (Group(9000, 900), Group(1000, 30), "The mail made more people buy: +7.0"),
            (Group(9000, 270), Group(1000, 100), "The mail made fewer people buy"),
            (Group(900, 50), Group(100, 5), "No difference that chance could not make"),
        ],
    )
    def test_it_says_what_can_be_said(self, mailed, held, begins):
        assert reports.sentence(mailed, held).startswith(begins)


class TestHillstrom:
    """64,000 people of a real test: two mails and nobody written to."""

    @pytest.mark.parametrize(
        ("arm", "rate", "spend"),
        [
            ("Mens E-Mail", ("0.0766", "0.0700", "0.0832"), ("0.770", "0.485", "1.055")),
            ("Womens E-Mail", ("0.0452", "0.0389", "0.0516"), ("0.424", "0.169", "0.680")),
        ],
    )
    def test_the_lift_is_the_published_one(self, shared, arm, rate, spend):
        arms = lift.arms()
        visits, spends = (
            uplift.rates(arms[arm]["visit"], arms["No E-Mail"]["visit"]),
            uplift.spends(arms[arm]["spend"], arms["No E-Mail"]["spend"]),
        )
        assert tuple(f"{value:.4f}" for value in (visits.value, visits.low, visits.high)) == rate
        assert tuple(f"{value:.3f}" for value in (spends.value, spends.low, spends.high)) == spend
