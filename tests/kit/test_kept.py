"""Figures that took long are kept for a while; nothing else is, nor for anybody else."""

from __future__ import annotations

import pytest

from saas.kit import kept, scope


@pytest.fixture
def counted(context, monkeypatch):
    """A figure that is another each time it is worked out, and how long that is said to take."""
    kept.forget()
    monkeypatch.setattr(kept, "keeping", lambda: True)
    clock, calls = [1000.0], iter(range(100))
    monkeypatch.setattr(kept.time, "monotonic", lambda: clock[0])

    def ask(tenant_id: int, *, takes: float, key: str = "sales", later: float = 0.0) -> int:
        clock[0] += later

        def work() -> int:
            clock[0] += takes
            return next(calls)

        with scope.tenant(tenant_id):
            return kept.for_a_while((key,), work)

    yield ask
    kept.forget()


def test_what_took_long_is_kept_for_a_while(counted):
    assert [counted(1, takes=2), counted(1, takes=2, later=399), counted(1, takes=2, later=2)] == [0, 0, 1]


def test_no_longer_than_ten_minutes(counted):
    assert [counted(1, takes=60), counted(1, takes=60, later=599), counted(1, takes=60, later=2)] == [0, 0, 1]


def test_what_is_quick_is_always_new(counted):
    assert [counted(1, takes=0.1) for _ in range(3)] == [0, 1, 2]


def test_what_became_quick_is_new_again(counted):
    assert [counted(1, takes=2), counted(1, takes=0.1, later=500), counted(1, takes=0.1)] == [0, 1, 2]


def test_another_figure_and_another_company_have_their_own(counted):
    assert [counted(1, takes=2), counted(1, takes=2, key="cohorts"), counted(2, takes=2), counted(1, takes=2)] == [
        0,
        1,
        2,
        0,
    ]


def test_it_does_not_grow_without_end(counted, monkeypatch):
    monkeypatch.setattr(kept, "MOST", 3)
    for number in range(10):
        counted(1, takes=2, key=f"k{number}")
    assert len(kept._kept) == 3


def test_who_sees_only_a_part_gets_nothing_of_the_whole(counted, monkeypatch):
    assert counted(1, takes=2) == 0
    monkeypatch.setattr(kept.access, "limiting", lambda: object())
    assert [counted(1, takes=2), counted(1, takes=2)] == [1, 2]


def test_nothing_is_kept_while_testing(counted, monkeypatch):
    monkeypatch.undo()
    assert not kept.keeping()
