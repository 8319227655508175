"""What a process remembers stays within its bound, and what is asked for lately stays remembered."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from saas.kit.memory import Memory

deeds = st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.integers(1, 9)), max_size=300)


class TestMemory:
    def test_what_was_kept_is_found_and_nothing_else(self):
        memory = Memory(10)
        memory.keep("a", [1])
        assert (memory.get("a"), memory.get("b"), len(memory)) == ([1], None, 1)

    def test_what_is_asked_for_stays_while_thousands_of_others_come(self):
        memory = Memory(100)
        memory.keep("asked", "answer")
        for number in range(10_000):
            memory.keep(number, number)
            if number % 20 == 0:
                assert memory.get("asked") == "answer"
        assert len(memory) <= 100

    def test_what_nobody_asks_for_goes(self):
        memory = Memory(10)
        memory.keep("a", 1)
        for number in range(10):
            memory.keep(number, number)
        assert memory.get("a") is None

    def test_what_is_heavier_than_everything_is_not_kept(self):
        memory = Memory(10)
        memory.keep("a", "small", weight=2)
        memory.keep("b", "huge", weight=1000)
        assert (memory.get("a"), memory.get("b")) == ("small", None)

    def test_an_answer_takes_the_place_of_the_one_before(self):
        memory = Memory(10)
        for weight in (3, 1, 2, 3, 1):
            memory.keep("a", weight, weight=weight)
            assert memory.get("a") == weight

    @given(deeds)
    def test_it_never_weighs_more_than_its_bound_and_never_answers_wrong(self, several):
        memory, true = Memory(50), {}
        for keeps, question, weight in several:
            if keeps:
                memory.keep(question, (question, weight), weight=weight)
                true[question] = weight
            found = memory.get(question)
            assert found is None or found == (question, true[question])
            assert memory.weight <= 50

    def test_many_threads_at_once_stay_within_it(self):
        memory = Memory(100)

        def work(first: int) -> None:
            for number in range(first, first + 4000):
                memory.keep(number % 700, number % 700, weight=1 + number % 3)
                assert memory.get(number * 7 % 700) in (None, number * 7 % 700)

        threads = [threading.Thread(target=work, args=(place * 111,)) for place in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert memory.weight <= 100
