"""Buyers: the closed form against its definition, habit by hand, and what must hold for every history."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saas.recommend import archive, buyer_tuning, evaluation, ties
from saas.recommend.buyers import DEFAULTS, BuyerModel, Weights
from saas.recommend.ties import Fading, Purchases

QUICK = settings(deadline=None, max_examples=40)

purchases = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from("abcdef"), st.integers(0, 90)), min_size=1, max_size=40
)
# three who buy a and b, two who buy c and d, one with all but b
SHOP = [(1, "a", 0), (1, "b", 0), (2, "a", 5), (2, "b", 6), (3, "a", 7), (3, "b", 7)] + [
    (4, "c", 3), (4, "d", 3), (5, "c", 4), (5, "d", 9), (6, "a", 8), (6, "c", 8), (6, "d", 8)
]  # fmt: skip


def columns(lines: list[tuple]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(np.array(column) for column in zip(*lines, strict=True))


def fit(lines: list[tuple], **options) -> BuyerModel:
    return BuyerModel.fit(*columns(lines), **options)


class TestTies:
    def test_ease_rebuilds_each_item_from_the_others_by_least_squares(self):
        x = np.random.default_rng(1).integers(0, 2, (30, 5)).astype(np.float32)
        weights = ties.ease(x.T @ x, ridge=0.5)
        ridge = 0.5 * np.diag(x.T @ x).mean()
        for item in range(5):
            others = [other for other in range(5) if other != item]
            left = x[:, others]
            right = np.linalg.solve(left.T @ left + ridge * np.eye(4), left.T @ x[:, item])
            assert weights[others, item] == pytest.approx(right, abs=1e-4)
            assert weights[item, item] == 0

    def test_lines_of_one_buyer_item_and_time_count_once(self):
        bought = Purchases(*columns([(1, "a", 0), (1, "a", 0), (1, "a", 10), (2, "b", 10)]))
        assert bought.faded(10.0).toarray() == pytest.approx(np.array([[1 + np.exp(-1), 0], [0, 1]]))

    def test_demand_is_the_recent_share_against_the_mean(self):
        bought = Purchases(*columns([(1, "old", 0), (2, "new", 20)]))
        shares = np.array([(1 + 0.02) / 2, (np.exp(-2) + 0.02) / 2])  # in the order of the names: new, old
        assert bought.demand(10.0) == pytest.approx(shares / shares.mean())

    def test_items_beyond_the_largest_catalogue_have_no_ties(self, monkeypatch):
        monkeypatch.setattr(ties, "LARGEST", 2)
        learnt = ties.learn(Purchases(*columns([*SHOP, (7, "a", 9)])), Fading())
        assert np.flatnonzero(np.diff(learnt.first)).tolist() == [0, 1]  # a and b, the most bought
        assert learnt.buyers.tolist() == [5, 3, 3, 3]

    def test_only_the_strongest_ties_are_kept(self, monkeypatch):
        whole = ties.learn(Purchases(*columns(SHOP)), Fading()).matrix().toarray()
        monkeypatch.setattr(ties, "KEPT", 1)
        thin = ties.learn(Purchases(*columns(SHOP)), Fading()).matrix().toarray()
        assert (np.count_nonzero(thin, axis=0) == 1).all()
        assert (np.abs(thin).max(axis=0) == np.abs(whole).max(axis=0)).all()


class TestPredict:
    def test_what_others_of_the_same_taste_bought_comes_first(self):
        (first, *_) = fit(SHOP).predict(["d"], [9.0], now=10.0, mode="discover")
        assert (first.item, first.because, first.together) == ("c", "d", 3)

    def test_habit_by_hand(self):
        weights = {**DEFAULTS, "repeat": Weights(habit=2.0, habit_span=10.0, evenness=0.5, trend=0.0)}
        model = fit([(1, "a", 0), (2, "b", 0)], weights=weights)
        (found,) = model.predict(["a", "a", "a"], [0, 10, 10], now=10.0)
        assert (found.item, found.because, found.together) == ("a", "a", 1)
        assert found.score == pytest.approx(2.0 * np.sqrt(np.exp(-1) + 1))

    def test_blocked_items_are_never_listed(self):
        model = fit(SHOP)
        assert "c" not in [s.item for s in model.predict(["d"], [9], now=10, exclude=["c"])]
        assert [s.item for s in model.predict(["d"], [9], now=10, only=["c"])] == ["c"]

    def test_nothing_known_gives_nothing(self):
        assert fit(SHOP).predict(["unknown"], [1], now=10) == []
        assert fit(SHOP).predict([], [], now=10) == []

    @QUICK
    @given(purchases, st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4))
    def test_discover_never_lists_what_was_bought_and_counts_buyers_right(self, lines, own):
        owners = {item: {buyer for buyer, bought, _ in lines if bought == item} for item in "abcdef"}
        for found in fit(lines).predict(own, [90] * len(own), now=91, mode="discover"):
            assert found.item not in own
            assert found.because in own
            assert found.together == len(owners[found.item] & owners[found.because])

    @QUICK
    @given(purchases, st.sampled_from("abcdef"), st.sampled_from(["repeat", "discover"]))
    def test_stored_and_read_it_answers_the_same(self, lines, item, mode):
        model = fit(lines)
        read = BuyerModel.from_bytes(model.to_bytes())
        assert read.predict([item], [90], now=91, mode=mode) == model.predict([item], [90], now=91, mode=mode)

    @QUICK
    @given(purchases, st.randoms())
    def test_the_names_of_the_buyers_do_not_matter(self, lines, random):
        names = random.sample(range(10, 17), 7)
        renamed = fit([(names[buyer], item, day) for buyer, item, day in lines])
        answers = [m.predict(["a"], [80], now=91) for m in (renamed, fit(lines))]
        assert {s.item: pytest.approx(s.score, abs=1e-6) for s in answers[0]} == {s.item: s.score for s in answers[1]}


class TestTune:
    def test_few_buyers_keep_the_defaults(self):
        assert buyer_tuning.tune(*columns(SHOP)) == (Fading(), dict(DEFAULTS))
        assert buyer_tuning.tune(np.array([]), np.array([]), np.array([])) == (Fading(), dict(DEFAULTS))

    def test_its_figure_is_that_of_the_evaluation(self):
        random = np.random.default_rng(2)
        scores, wanted = random.random((40, 30)), random.random((40, 30)) < 0.2
        wanted[:, 0] = True
        lists = np.argsort(-scores, axis=1)
        cases = [(row, set(np.flatnonzero(wanted[row]))) for row in range(40)]
        right = evaluation.baskets(lambda row: lists[row].tolist(), cases, ndcg_at=10, recall_at=20)
        assert buyer_tuning.figure(scores, wanted) == pytest.approx(right["ndcg"] + right["recall"])

    def test_its_scores_are_those_of_the_lists(self):
        fading, weights, lines = Fading(), DEFAULTS["repeat"], [*SHOP, (1, "e", 2)]
        bought = Purchases(*columns(lines), now=10.0)
        exam = buyer_tuning.Exam(bought, np.array([4]), np.array(["a"]), seed=0)
        model = BuyerModel(bought.vocabulary, ties.learn(bought, fading), {"repeat": bought.demand(weights.season)},
                           fading=fading, weights={"repeat": weights})  # fmt: skip
        listed = model.predict(["c", "d"], [3, 3], now=10.0)
        tied = exam.tied(fading)[0] * bought.demand(weights.season) ** weights.trend
        assert exam.rows.tolist() == [3]
        for found in listed:
            number = bought.vocabulary.number(found.item)
            habit = weights.habit * np.exp(-7 / weights.habit_span) if found.item in "cd" else 0.0
            assert found.score == pytest.approx(tied[number] + habit, rel=1e-5)

    def test_its_choice_is_better_on_its_own_questions_than_the_defaults(self):
        random = np.random.default_rng(4)
        buyers, items, days = columns(
            [
                (buyer, f"i{buyer % 30 if random.random() < 0.5 else random.integers(30)}", float(day))
                for buyer in range(120)
                for day in random.choice(200, 8, replace=False)
            ]
        )
        fading, weights = buyer_tuning.tune(buyers, items, days)
        before = days < days.max() - 30
        bought = Purchases(buyers[before], items[before], days[before], now=days.max() - 30)
        exam = buyer_tuning.Exam(bought, buyers[~before], items[~before], seed=0)
        for mode in ("repeat", "discover"):
            chosen = exam.judge(mode, weights[mode], exam.tied(fading))
            assert chosen > exam.judge(mode, DEFAULTS[mode], exam.tied(fading))


def test_other_bytes_are_refused():
    with pytest.raises(archive.Unreadable):
        BuyerModel.from_bytes(b"PK nonsense")
