"""Session neighbours: small cases worked out by hand, and what must hold for every history."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saas.recommend import archive, session_log, session_tuning
from saas.recommend.live import Factors, LiveSession
from saas.recommend.neighbourhood import Neighbourhood, Weights
from saas.recommend.session_log import SessionLog
from saas.recommend.sessions import DEFAULTS, SessionModel

QUICK = settings(deadline=None, max_examples=40)

histories = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1, max_size=12)
shoppers = st.lists(st.integers(1, 10), min_size=1, max_size=5)
modes = st.sampled_from(["continue", "discover"])

PLAIN = Weights(
    position=1e12, rarity=0.0, recency=1e12, brevity=0.0, after=1e12, before=1e12, backward=1.0, niche=0.0, trend=0.0
)


def clicks(history: list[list]) -> tuple[np.ndarray, np.ndarray]:
    """One entry per click: the session and the item."""
    names = np.repeat(np.arange(len(history)), [len(items) for items in history])
    return names, np.array([item for items in history for item in items])


def fit(history: list[list], **weights: Weights) -> SessionModel:
    return SessionModel.fit(*clicks(history), weights={**DEFAULTS, **weights})


class TestByHand:
    def test_with_all_weights_even_it_counts_shared_sessions(self):
        # two sessions hold 1, one of them 2 and both 3: similarity is 1 for each
        model = fit([[1, 2, 3], [1, 3], [4, 5]], discover=PLAIN)
        assert [(s.item, round(s.score, 9)) for s in model.predict([1], mode="discover")] == [(3, 2.0), (2, 1.0)]

    def test_similarity_is_the_share_of_the_shoppers_items(self):
        # session a shares 1 and 2 of two, session b only 1: 7 gets 1, 8 gets one half
        model = fit([[1, 2, 7], [1, 8]], discover=PLAIN)
        assert [(s.item, round(s.score, 9)) for s in model.predict([1, 2], mode="discover")] == [(7, 1.0), (8, 0.5)]

    def test_the_formula_term_by_term(self):
        weights = Weights(
            position=2, rarity=1.5, similarity=1.2, recency=0.7, brevity=0.4, after=2, niche=0.3, trend=0.2
        )
        model = fit([[5, 1, 3, 9], [4, 4], [2, 8]], discover=weights)
        (found,) = [s for s in model.predict([2, 1], mode="discover") if s.item == 9]
        worth = {1: np.log(1 + 3 / 1) ** 1.5, 2: np.exp(-1 / 2) * np.log(1 + 3 / 1) ** 1.5}
        similarity = (worth[1] / (worth[1] + worth[2])) ** 1.2 * np.exp(-1.0 / 0.7) * 4**-0.4
        demand = np.exp((0 - 3) / 1.0)  # 5% of three sessions is less than the least span, one session
        assert found.score == pytest.approx(similarity * np.exp(-1 / 2) * (1 + demand) ** 0.2 * 1**-0.3)

    def test_an_item_after_the_shared_one_weighs_more_than_one_before(self):
        model = fit([[7, 1, 8]])
        assert [s.item for s in model.predict([1], mode="discover")] == [8, 7]

    def test_a_newer_session_weighs_more(self):
        model = fit([[1, 7], [5, 6], [1, 8]])
        assert [s.item for s in model.predict([1], mode="discover")] == [8, 7]

    def test_clicks_are_ordered_by_their_times(self):
        model = SessionModel.fit(np.array(["b", "a", "a"]), np.array([3, 2, 1]), np.array([9.0, 5.0, 4.0]))
        assert model.log.items.tolist() == [0, 1, 2]
        assert model.log.starts.tolist() == [0, 2, 3]

    def test_the_evidence_names_the_item_and_counts_the_sessions(self):
        model = fit([[1, 7], [1, 7], [2, 9], [7, 5]])
        found = {s.item: s for s in model.predict([2, 1], mode="discover")}
        assert (found[7].because, found[7].together) == (1, 2)
        assert (found[9].because, found[9].together) == (2, 1)

    def test_a_reminder_names_itself(self):
        found = {s.item: s for s in fit([[1, 7], [1, 3]]).predict([1], mode="continue")}
        assert (found[1].because, found[1].together) == (1, 2)

    def test_nothing_known_gives_nothing(self):
        assert fit([[1, 2]]).predict([99]) == []
        assert SessionModel.fit(np.array([]), np.array([])).predict([1]) == []

    def test_blocked_items_are_never_listed(self):
        model = fit([[1, 2, 3, 4]])
        assert 3 not in [s.item for s in model.predict([1], exclude=[3, 99])]
        assert [s.item for s in model.predict([1], only=[4, 99])] == [4]

    def test_products_may_have_names(self):
        model = fit([["mug", "cup"], ["mug", "pot"]])
        assert {s.item for s in model.predict(["mug"], mode="discover")} == {"cup", "pot"}


class TestAdd:
    def test_a_new_session_and_its_new_items_are_known_at_once(self):
        model = fit([[1, 2], [3, 4]])
        model.add([1, 50, 60])
        model.add([70, 50])
        found = {s.item: s for s in model.predict([50], mode="discover")}
        assert found.keys() == {1, 60, 70}
        assert found[60].together == 1

    @QUICK
    @given(histories, histories, shoppers, modes)
    def test_counts_are_those_of_a_fit_on_everything(self, before, after, seen, mode):
        grown, whole = fit(before), fit(before + after)
        for session in after:
            grown.add(session)
        evidence = [{s.item: s.together for s in m.predict(seen, mode=mode)} for m in (grown, whole)]
        assert evidence[0].keys() == evidence[1].keys()
        for item in evidence[0]:
            one, other = (m.log.vocabulary.number(item) for m in (grown, whole))
            assert grown.log.sessions_with(one).tolist() == whole.log.sessions_with(other).tolist()


class TestAlways:
    @QUICK
    @given(histories, shoppers, modes, st.randoms())
    def test_the_names_of_the_sessions_do_not_matter(self, history, seen, mode, random):
        names, items = clicks(history)
        others = list(range(100, 100 + len(history)))
        random.shuffle(others)
        renamed = SessionModel.fit(np.array(others)[names], items)
        assert renamed.predict(seen, mode=mode) == fit(history).predict(seen, mode=mode)

    @QUICK
    @given(histories, st.lists(st.lists(st.integers(1, 12), max_size=4), max_size=3), shoppers, modes)
    def test_stored_and_read_it_answers_the_same(self, history, added, seen, mode):
        model = fit(history)
        for session in added:
            model.add(session)
        assert SessionModel.from_bytes(model.to_bytes()).predict(seen, mode=mode) == model.predict(seen, mode=mode)

    @QUICK
    @given(histories, shoppers)
    def test_discover_never_lists_what_was_seen(self, history, seen):
        assert not {s.item for s in fit(history).predict(seen, mode="discover")} & set(seen)

    @QUICK
    @given(histories, shoppers)
    def test_evidence_agrees_with_counting(self, history, seen):
        for found in fit(history).predict(seen, mode="discover"):
            assert found.because in seen
            assert found.together == sum({found.item, found.because} <= set(items) for items in history) > 0

    @pytest.mark.parametrize("heavy", [0.0, 0.3, 1.0])
    def test_meetings_are_counted_alike_from_lists_and_from_bits(self, heavy, monkeypatch):
        monkeypatch.setattr(session_log, "HEAVY", heavy)
        random = np.random.default_rng(5)
        history = [random.integers(0, 12, 4).tolist() for _ in range(60)]
        log = SessionLog.gather(*clicks(history[:50]), None)
        for session in history[50:]:
            log.add(session)
        counts = log.meetings(3, np.arange(12))
        sets = [{log.vocabulary.number(item) for item in session} for session in history]
        assert counts.tolist() == [sum({3, other} <= items for items in sets) for other in range(12)]

    @QUICK
    @given(histories, st.lists(shoppers, min_size=2, max_size=4))
    def test_many_sessions_at_once_score_as_one_by_one(self, history, several):
        log = SessionLog.gather(*clicks(history), None)
        several = [known for seen in several if (known := log.vocabulary.known(seen).tolist())]
        together = Neighbourhood(log, several)
        scores = together.remind(together.scores(Weights()), Weights())
        for number, seen in enumerate(several):
            alone = Neighbourhood(log, [seen])
            own = together.cell_query == number
            assert together.cell_item[own].tolist() == alone.cell_item.tolist()
            assert scores[own] == pytest.approx(alone.remind(alone.scores(Weights()), Weights()))

    @pytest.mark.parametrize("width", [8, 400], ids=["few items", "many items"])
    @pytest.mark.parametrize("mode", ["continue", "discover"])
    def test_a_live_session_scores_as_the_table_does_to_the_last_bit(self, width, mode):
        random = np.random.default_rng(width)
        model = SessionModel.fit(np.sort(random.integers(0, 300, 900)), random.integers(0, width, 900))
        for length in (3, 1, 6):
            model.add(random.integers(0, width + 2, length).tolist())
        log, weights = model.log, model.weights[mode]
        for length in [1, 1, 2, 3, 5, 8, 30, 45]:
            seen = random.integers(0, len(log.vocabulary), length).tolist()
            table, live = Neighbourhood(log, [seen]), LiveSession(log, seen, weights, Factors(log, weights))
            scores = table.scores(weights)
            if mode == "continue":
                scores = table.remind(scores, weights)
                live.remind()
            else:
                scores[np.isin(table.cell_item, seen)] = 0.0
                live.discover(seen)
            wanted, found = np.zeros((2, len(log.vocabulary)))
            wanted[table.cell_item] = scores
            found[live.named(np.arange(len(live.scores)))] = live.scores
            assert found.tobytes() == wanted.tobytes()

    def test_sessions_that_are_added_count_at_once(self):
        model = fit([[1, 7], [1, 7], [2, 9]])
        assert [found.item for found in model.predict([1], mode="discover")] == [7]
        for _time in range(3):
            model.add([1, 8])
        assert [found.item for found in model.predict([1], mode="discover")][0] == 8


class TestStored:
    def test_other_bytes_are_refused(self):
        for data in (b"", b"nonsense", archive.pack(kind="sessions", version=99, facts={}, arrays={})):
            with pytest.raises(archive.Unreadable):
                SessionModel.from_bytes(data)


class TestTune:
    def test_a_short_history_keeps_the_defaults(self):
        assert session_tuning.tune(*clicks([[1, 2], [2, 3]])) == dict(DEFAULTS)

    def test_the_newest_sessions_ask_the_older_ones(self):
        log, asked = session_tuning.split(
            SessionLog.gather(*clicks([[1, 2]] * 8 + [[1, 3, 2], [2, 1]]), None), questions=10, seed=0
        )
        assert log.sessions == 8
        assert asked == [([0], 1), ([1], 0)]  # the 3 is unknown to the older part

    def test_it_does_no_worse_than_the_defaults_on_its_own_questions(self):
        random = np.random.default_rng(3)
        history = [[int(start + step) % 40 for step in range(6)] for start in random.integers(0, 40, 400)]
        names, items = clicks(history)
        weights = session_tuning.tune(names, items, questions=400)
        log, asked = session_tuning.split(SessionLog.gather(names, items, None), questions=400, seed=0)
        near, wanted = Neighbourhood(log, [seen for seen, _ in asked]), np.array([item for _, item in asked])
        first = [
            (session_tuning.ranks(near, near.remind(near.scores(w), w), wanted) == 1).mean()
            for w in (DEFAULTS["continue"], weights["continue"])
        ]
        assert first[1] >= first[0]

    @QUICK
    @given(histories, st.lists(shoppers, min_size=1, max_size=4), st.integers(1, 9))
    def test_its_ranks_are_those_of_the_lists(self, history, several, item):
        model = fit(history)
        several = [known for seen in several if (known := model.log.vocabulary.known(seen).tolist())]
        if not several or item not in model.log.vocabulary:
            return
        near, weights = Neighbourhood(model.log, several), model.weights["continue"]
        wanted = np.full(len(several), model.log.vocabulary.number(item))
        ranks = session_tuning.ranks(near, near.remind(near.scores(weights), weights), wanted)
        for rank, seen in zip(ranks, several, strict=True):
            listed = [s.item for s in model.predict([model.log.vocabulary[number] for number in seen], n=100)]
            assert rank == (listed.index(item) + 1 if item in listed else 0)
