"""The arithmetic of trials: errors over thousands of simulated trials that are looked at every day, and small cases by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import gammaln

from saas.recommend import trial_statistics as statistics
from saas.recommend.trial_statistics import ALPHA, Band, Sums

RUNS, DAYS, A_DAY = 4000, 60, 400
SURE = math.log(1 / ALPHA)


def buyers_by_day(generator, rate: float, *, runs: int = RUNS) -> np.ndarray:
    """How many people of an arm had bought by the end of each day, for each run."""
    return generator.binomial(A_DAY // 2, rate, size=(runs, DAYS)).cumsum(axis=1)


def ever_sure(ours: np.ndarray, base: np.ndarray, *, worth: float) -> np.ndarray:
    strengths = statistics.strengths_for(worth, chance=0.5)
    return (statistics.coin_evidence(ours, base, chance=0.5, strengths=strengths) >= SURE).any(axis=1)


class TestShares:
    @pytest.mark.parametrize("rate", [0.002, 0.03, 0.3])
    @pytest.mark.parametrize("worth", [0.05, 0.3])
    def test_looking_every_day_raises_no_more_false_alarms_than_promised(self, rate, worth):
        generator = np.random.default_rng(7)
        alarms = ever_sure(buyers_by_day(generator, rate), buyers_by_day(generator, rate), worth=worth).mean()
        assert alarms <= ALPHA

    def test_a_fixed_size_test_looked_at_every_day_would_raise_four_times_as_many(self):
        generator = np.random.default_rng(7)
        ours, base = buyers_by_day(generator, 0.03), buyers_by_day(generator, 0.03)
        z = (ours - base) / np.sqrt(np.maximum(ours + base, 1))
        assert (np.abs(z) > 1.96).any(axis=1).mean() > 4 * ALPHA

    def test_a_planted_winner_is_found_within_the_people_that_were_estimated(self):
        generator = np.random.default_rng(8)
        ours, base = buyers_by_day(generator, 0.05 * 1.3), buyers_by_day(generator, 0.05)
        needed = statistics.needed_hits(worth=0.3)
        enough = int(np.ceil(needed / (A_DAY / 2 * (0.065 + 0.05))))
        assert enough < DAYS
        strengths = statistics.strengths_for(0.3, chance=0.5)
        found = statistics.coin_evidence(ours, base, chance=0.5, strengths=strengths) >= SURE
        power = found[:, :enough].any(axis=1).mean()
        assert power >= statistics.POWER
        assert (found & (ours < base)).any(axis=1).mean() <= ALPHA / 2  # and hardly ever the wrong one

    def test_unequal_shares_and_a_weekend_change_nothing(self):
        """Both arms sell three times as much on two days of seven, and nine tenths of the people are in one of them."""
        generator = np.random.default_rng(9)
        rate = np.where(np.arange(DAYS) % 7 < 2, 0.09, 0.03)
        ours = generator.binomial(40, rate, size=(RUNS, DAYS)).cumsum(axis=1)
        base = generator.binomial(360, rate, size=(RUNS, DAYS)).cumsum(axis=1)
        evidence = statistics.coin_evidence(ours, base, chance=0.1, strengths=statistics.strengths_for(0.1, chance=0.1))
        assert (evidence >= SURE).any(axis=1).mean() <= ALPHA

    def test_the_interval_holds_the_truth_at_all_looks_together(self):
        generator = np.random.default_rng(10)
        missed = 0
        for _run in range(300):
            ours = generator.binomial(2000, 0.036, size=8).cumsum()
            base = generator.binomial(2000, 0.03, size=8).cumsum()
            bands = [
                statistics.share_lift(hits=int(a), base_hits=int(b), part=1, base_part=1, worth=0.1)
                for a, b in zip(ours, base, strict=True)
            ]
            missed += any(not band.low <= 0.2 <= band.high for band in bands)
        assert missed / 300 <= ALPHA

    def test_interval_and_evidence_say_the_same(self):
        for hits, base in ((30, 30), (60, 30), (90, 30), (30, 90), (200, 130)):
            band = statistics.share_lift(hits=hits, base_hits=base, part=1, base_part=1, worth=0.1)
            assert (band.evidence >= 1 / ALPHA) == (band.low > 0 or band.high < 0)

    def test_before_anybody_bought_nothing_is_known(self):
        band = statistics.share_lift(hits=0, base_hits=0, part=50, base_part=50, worth=0.1)
        assert (band.estimate, band.low, band.high, band.evidence) == (0.0, -1.0, statistics.FAR, 1.0)
        assert statistics.judge(band, worth=0.1) == "open"

    def test_few_people_are_enough_for_a_large_difference(self):
        band = statistics.share_lift(hits=30, base_hits=3, part=1, base_part=1, worth=0.1)
        assert statistics.judge(band, worth=0.1) == "better"

    def test_evidence_by_hand(self):
        """A uniform mixture over a coin: heads twice of two has the likelihood 1/3, against 1/4 for a fair one."""
        found = statistics.coin_evidence(2, 0, chance=0.5, strengths=[2.0])
        assert math.exp(found) == pytest.approx(4 / 3)

    def test_a_share_of_the_people_is_taken_into_account(self):
        """Thirty buyers of three quarters of the people are as many as ten of one quarter."""
        band = statistics.share_lift(hits=10, base_hits=30, part=25, base_part=75, worth=0.1)
        assert band.estimate == pytest.approx(0.0)


class TestMoney:
    def paid(self, generator, rate: float, scale: float, *, runs: int, heads: int) -> np.ndarray:
        """What each head paid: most nothing, the others heavy-tailed amounts around sixty."""
        bought = generator.random((runs, heads)) < rate
        return bought * generator.lognormal(math.log(60 * scale) - 0.32, 0.8, size=(runs, heads))

    def evidence_by_day(self, ours: np.ndarray, base: np.ndarray, *, worth: float, each: int) -> np.ndarray:
        looks = slice(each - 1, None, each)
        sums = []
        for paid in (ours, base):
            people = np.arange(1, paid.shape[1] + 1)[looks]
            total, squares = paid.cumsum(axis=1)[:, looks], (paid**2).cumsum(axis=1)[:, looks]
            payers = (paid > 0).cumsum(axis=1)[:, looks]
            sums.append((total / people, (squares / people - (total / people) ** 2) / people, payers))
        (mean, spread, payers), (base_mean, base_spread, base_payers) = sums
        evidence = statistics.mean_evidence(mean - base_mean, spread + base_spread, worth=worth)
        return np.where(np.minimum(payers, base_payers) >= statistics.FEWEST_PAYERS, evidence, 0.0)

    def test_looking_every_day_raises_no_more_false_alarms_than_promised(self):
        generator = np.random.default_rng(11)
        ours = self.paid(generator, 0.1, 1.0, runs=1000, heads=6000)
        base = self.paid(generator, 0.1, 1.0, runs=1000, heads=6000)
        evidence = self.evidence_by_day(ours, base, worth=0.6, each=100)
        assert (evidence >= SURE).any(axis=1).mean() <= ALPHA

    def test_a_planted_winner_is_found_within_the_people_that_were_estimated(self):
        generator = np.random.default_rng(12)
        mean = 0.1 * 60
        deviation = math.sqrt(0.1 * 60**2 * math.exp(0.64) - mean**2)
        needed = statistics.needed_payers(worth=0.3, mean=mean, deviation=deviation)
        assert needed < 12_000
        ours = self.paid(generator, 0.1, 1.3, runs=300, heads=needed)
        base = self.paid(generator, 0.1, 1.0, runs=300, heads=needed)
        evidence = self.evidence_by_day(ours, base, worth=0.3 * mean, each=max(needed // 40, 1))
        assert (evidence >= SURE).any(
            axis=1
        ).mean() >= statistics.POWER - 0.08  # the better arm is also the more scattered

    def test_the_band_agrees_with_the_evidence_and_waits_for_payers(self):
        base, ours = Sums(1000, 100, 6000.0, 660_000.0), Sums(1000, 100, 9000.0, 1_500_000.0)
        band = statistics.money_difference(ours, base, worth=1.0)
        assert band.estimate == pytest.approx(3.0)
        assert (band.evidence >= 20) == (band.low > 0)
        assert statistics.money_difference(Sums(1000, 39, 9000.0, 1.5e6), base, worth=1.0) is None

    def test_mean_and_variance_by_hand(self):
        sums = Sums(4, 2, 30.0, 500.0)  # nothing, nothing, ten and twenty
        assert (sums.mean, sums.variance) == (7.5, pytest.approx(91.6667, abs=1e-3))


class TestInterleaving:
    def test_votes_for_equal_teams_raise_no_alarm_and_for_a_better_one_do(self):
        generator = np.random.default_rng(13)
        strengths = statistics.strengths_for(0.1, chance=0.5)
        for rate, least, most in ((0.5, 0.0, ALPHA), (0.56, statistics.POWER, 1.0)):
            ours = generator.binomial(20, rate, size=(RUNS, 120)).cumsum(axis=1)
            voters = 20 * np.arange(1, 121)
            evidence = statistics.coin_evidence(ours, voters - ours, chance=0.5, strengths=strengths)
            assert least <= (evidence >= SURE).any(axis=1).mean() <= most

    def test_a_vote_is_a_relative_preference(self):
        assert statistics.votes(110, 100, worth=0.1).estimate == pytest.approx(0.1)


class TestMismatch:
    def test_arms_that_are_filled_fairly_raise_no_alarm(self):
        generator = np.random.default_rng(14)
        alarms = 0
        parts = [0.5, 0.3, 0.2]
        for _run in range(400):
            people = generator.multinomial(300, parts, size=15).cumsum(axis=0)
            alarms += any(statistics.mismatch(day.tolist(), parts) >= 100 for day in people)
        assert alarms / 400 <= statistics.SURE_OF_MISMATCH

    def test_a_loss_of_a_tenth_of_one_arm_is_found(self):
        assert statistics.mismatch([5000, 4500], [50, 50]) >= 1 / statistics.SURE_OF_MISMATCH
        assert statistics.mismatch([5000, 4960], [50, 50]) < 1

    def test_by_hand(self):
        """Two of two in one of two equal arms, under a uniform mixture: 1/3 over 1/4."""
        assert statistics.mismatch([2, 0], [1, 1], strength=2.0) == pytest.approx(4 / 3)
        assert float(gammaln(2.0)) == 0.0


class TestVerdicts:
    @pytest.mark.parametrize(
        ("low", "high", "said"),
        [(0.01, 0.3, "better"), (-0.3, -0.01, "worse"), (-0.05, 0.06, "same"), (-0.05, 0.3, "open")],
    )
    def test_what_an_interval_comes_to(self, low, high, said):
        assert statistics.judge(Band((low + high) / 2, low, high, 1.0), worth=0.1) == said

    def test_without_an_interval_it_is_open(self):
        assert statistics.judge(None, worth=0.1) == "open"

    def test_smaller_differences_need_more_people(self):
        needed = [statistics.needed_hits(worth=worth) for worth in (0.5, 0.2, 0.1, 0.05)]
        assert needed == sorted(needed) and needed[-1] > 10 * needed[1]
