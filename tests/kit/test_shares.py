"""A fair part of the machine: who hammers is put off while others want their turn, and only then."""

from __future__ import annotations

import math
import time

import pytest

from saas import config
from saas.kit import shares

NOISY, QUIET = 1, 2


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock(monkeypatch):
    changed = config.Settings(tenant_share=40, rate_limits=True)
    monkeypatch.setattr(config, "get", lambda: changed)
    return Hands()


@pytest.fixture
def purses(clock):
    return shares.Purses(clock=clock)


class TestAPurse:
    def test_alone_nobody_is_refused(self, purses):
        for _ in range(100):
            purses.ask(NOISY, patience=0)  # would raise HadItsShare
            purses.pay(NOISY, 1.0)
        assert purses.owed(NOISY) == 0
        purses.ask(QUIET, patience=0)
        assert purses.owed(NOISY) > 0, "what it took is counted as soon as another wants some"

    def test_while_others_want_some_an_empty_purse_is_refused_and_fills_again(self, purses, clock):
        purses.ask(QUIET, patience=0)
        purses.ask(NOISY, patience=0)
        purses.pay(NOISY, shares.PURSE + 0.4)
        with pytest.raises(shares.HadItsShare) as refused:
            purses.ask(NOISY, patience=0)
        assert refused.value.retry_after in (1, 2)
        purses.ask(QUIET, patience=0)
        clock.at += 1.01
        purses.ask(NOISY, patience=0)

    def test_what_one_gets_in_a_while_is_its_share(self, purses, clock):
        got = 0.0
        for step in range(6000):  # a minute, ten milliseconds at a time
            clock.at += 0.01
            if step % 100 == 0:
                purses.ask(QUIET, patience=0)
            try:
                purses.ask(NOISY, patience=0)
            except shares.HadItsShare:
                continue
            purses.pay(NOISY, 0.01)
            got += 0.01
        assert got == pytest.approx(0.4 * 60 + shares.PURSE, rel=0.05)

    def test_when_the_others_have_gone_it_may_again(self, purses, clock):
        purses.ask(QUIET, patience=0)
        purses.ask(NOISY, patience=0)
        purses.pay(NOISY, 60)
        assert purses.owed(NOISY) > 0
        clock.at += shares.COMPANY + 1
        assert purses.owed(NOISY) == 0

    def test_a_debt_has_a_bottom(self, purses):
        purses.ask(QUIET, patience=0)
        purses.pay(NOISY, 10_000)
        assert purses.owed(NOISY) <= 5 * shares.PURSE / 0.4

    def test_people_are_let_in_for_longer(self, purses):
        purses.ask(QUIET, patience=0)
        purses.pay(NOISY, shares.PURSE + 1)
        purses.ask(NOISY, patience=shares.DEBT)
        with pytest.raises(shares.HadItsShare):
            purses.ask(NOISY, patience=0)

    def test_a_key_is_refused_early_only_while_its_company_is(self, purses, clock):
        purses.remember(77, NOISY)
        assert purses.refused(77) == purses.refused(78) == 0
        purses.ask(QUIET, patience=0)
        purses.pay(NOISY, shares.PURSE + 1)
        assert purses.refused(77) == 3
        clock.at += 3
        assert purses.refused(77) == 0

    @pytest.mark.parametrize(("pause", "part"), [(0.02, shares.SLOWER), (1.0, 1.0)])
    def test_who_does_not_listen_gets_less_of_it(self, purses, clock, pause, part):
        purses.remember(77, NOISY)
        got, asked = 0.0, 0.0
        for step in range(12_000):  # two minutes
            clock.at += 0.01
            if step % 100 == 0:
                purses.ask(QUIET, patience=0)
            if clock.at < asked + pause:
                continue
            asked = clock.at
            if not purses.refused(77):
                purses.ask(NOISY, patience=0)
                purses.pay(NOISY, 1.0)
                got += 1.0
        assert got == pytest.approx(part * 0.4 * 120 + shares.PURSE, rel=0.15)

    def test_what_is_remembered_has_an_end(self, purses, clock, monkeypatch):
        monkeypatch.setattr(shares, "KNOWN", 50)
        for one in range(1000):
            purses.remember(one, one)
            purses.ask(one, patience=0)
            purses.pay(one, shares.PURSE + 1)
            purses.refused(one)
            clock.at += 1
        assert max(map(len, (purses._keys, purses._asked, purses._held, purses._put_off))) <= 52


class TestAtTheDoor:
    @pytest.fixture
    def shared(self, monkeypatch, company, other_company):
        """Full purses: what a process does once, at its first request, would be paid for by whom it meets."""
        assert {one.api("GET", "/customers").status_code for one in (company, other_company)} == {200}
        assert {one.page.get("/customers").status_code for one in (company, other_company)} == {200}
        settings = config.get()
        changed = type(settings)(**{**vars(settings), "rate_limits": True})
        monkeypatch.setattr(config, "get", lambda: changed)
        monkeypatch.setattr(shares, "purses", shares.Purses())
        return shares.purses

    def test_a_program_is_put_off_and_told_for_how_long(self, app, company, other_company, shared):
        assert other_company.api("GET", "/customers").status_code == company.api("GET", "/customers").status_code == 200
        shared.pay(company.tenant_id, shares.PURSE + 1)
        owed = shared.owed(company.tenant_id)
        refused = company.api("GET", "/customers")
        assert refused.status_code == 429 and 1 <= int(refused.headers["Retry-After"]) <= math.ceil(owed)
        assert refused.json["error"]["code"] == "had_its_share"
        assert other_company.api("GET", "/customers").status_code == 200

    def test_its_people_still_get_their_pages(self, app, company, other_company, shared):
        other_company.api("GET", "/customers")
        company.api("GET", "/customers")
        shared.pay(company.tenant_id, shares.PURSE + 0.5)
        assert company.page.get("/customers").status_code == 200
        shared.pay(company.tenant_id, 60)
        refused = company.page.get("/customers")
        assert refused.status_code == 429 and refused.headers["Retry-After"]

    def test_a_request_is_paid_for(self, app, company, other_company, shared, monkeypatch):
        monkeypatch.setattr(shared, "_clock", Hands())  # stands still, so that nothing is filled up meanwhile
        other_company.api("GET", "/customers")
        began = time.perf_counter()
        company.api("GET", "/customers")
        took = time.perf_counter() - began
        assert shares.PURSE - took <= shared._now(company.tenant_id) < shares.PURSE
