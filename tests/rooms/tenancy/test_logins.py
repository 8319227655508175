"""Signing in: passwords, sessions, and what ends them."""

from __future__ import annotations

import datetime
import statistics
import time

import pytest

from saas import config
from saas.kit import clock, crypto, rates, work
from saas.tenancy import logins, members, passwords, sessions
from tests.companies import PASSWORD


@pytest.fixture
def login(company, context):
    with work.unit(tenant_id=None):
        return logins.by_email(company.email)


def open_session(login, **more) -> str:
    with work.unit(tenant_id=None):
        return sessions.begin(login=login, address="192.0.2.1", browser="test", **more)


def read(token: str):
    with work.unit(tenant_id=None):
        return sessions.read(token)


class TestCheck:
    def test_right_and_wrong(self, company, login):
        with work.unit(tenant_id=None):
            assert logins.check(email=company.email.upper(), password=PASSWORD, address="").id == login.id
            for email, password in ((company.email, "wrong password"), ("nobody@shop.example", PASSWORD), ("", "")):
                with pytest.raises(logins.WrongPassword):
                    logins.check(email=email, password=password, address="")

    def test_an_unknown_address_takes_as_long_as_a_wrong_password(self, company, login, monkeypatch):
        monkeypatch.setenv("ARGON2_MEMORY_KIB", "19456")
        config.get.cache_clear()
        crypto._hasher.cache_clear()
        crypto._nobodys_hash.cache_clear()
        try:
            with work.unit(tenant_id=None):
                logins.one(login.id).password_hash = crypto.hash_password(PASSWORD)
            times = {company.email: [], "nobody@shop.example": []}
            for _round in range(9):
                for email, taken in times.items():
                    began = time.process_time()  # of this process: others that are busy would be counted, too
                    with pytest.raises(logins.WrongPassword), work.unit(tenant_id=None):
                        logins.check(email=email, password="wrong password", address="")
                    taken.append(time.process_time() - began)
            known, unknown = (statistics.median(taken) for taken in times.values())
            assert 0.5 < known / unknown < 2
        finally:
            monkeypatch.undo()
            config.get.cache_clear()
            crypto._hasher.cache_clear()
            crypto._nobodys_hash.cache_clear()

    def test_guessing_is_slowed_by_address_wherever_it_comes_from(self, company, login, monkeypatch):
        monkeypatch.setenv("RATE_LIMITS", "1")
        config.get.cache_clear()
        try:
            with work.unit(tenant_id=None):
                for number in range(10):
                    with pytest.raises(logins.WrongPassword):
                        logins.check(email=company.email, password="wrong", address=f"198.51.100.{number}")
                with pytest.raises(rates.TooOften):
                    logins.check(email=company.email, password=PASSWORD, address="198.51.100.99")
        finally:
            monkeypatch.undo()
            config.get.cache_clear()


class TestSessions:
    def test_only_the_cookies_digest_is_kept(self, login):
        token = open_session(login)
        with work.unit(tenant_id=None):
            kept = [held.digest for held in sessions.listed(login.id)]
        assert token not in kept and crypto.digest(token) in kept

    @pytest.mark.parametrize("days", [sessions.IDLE.days, sessions.ABSOLUTE.days])
    def test_idle_and_old_sessions_end(self, login, monkeypatch, days):
        token = open_session(login)
        later = clock.now() + datetime.timedelta(days=days, minutes=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert read(token) is None

    def test_a_session_in_use_ends_after_a_month_all_the_same(self, login, monkeypatch):
        token, began = open_session(login), clock.now()
        for day in range(1, 31):
            moment = began + datetime.timedelta(days=day, minutes=-10 if day == 30 else 0)
            monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
            assert read(token) is not None
        monkeypatch.setattr(clock, "now", lambda: began + datetime.timedelta(days=30, minutes=1))
        assert read(token) is None

    def test_nobody_ends_somebody_elses(self, login, other_company):
        with work.unit(tenant_id=None):
            stranger = logins.by_email(other_company.email)
        token = open_session(login)
        with work.unit(tenant_id=None):
            sessions.close_one(login_id=stranger.id, digest=crypto.digest(token))
        assert read(token) is not None

    def test_out_everywhere_else_and_everywhere(self, login):
        mine, other = open_session(login), open_session(login)
        with work.unit(tenant_id=None):
            sessions.close_all(login_id=login.id, except_digest=crypto.digest(mine))
        assert read(mine) is not None and read(other) is None
        with work.unit(tenant_id=None):
            sessions.close_all(login_id=login.id)
        assert read(mine) is None


class TestPasswords:
    def test_a_change_asks_for_the_present_one_ends_other_sessions_and_is_told(self, company, login, drain, mailbox):
        mine, other = open_session(login), open_session(login)
        keep = crypto.digest(mine)
        with work.unit(tenant_id=None):
            with pytest.raises(passwords.WrongCurrent):
                passwords.change(login_id=login.id, current="wrong", password="a whole new password", keep_digest=keep)
            passwords.change(login_id=login.id, current=PASSWORD, password="a whole new password", keep_digest=keep)
        assert read(mine) is not None and read(other) is None
        with work.unit(tenant_id=None):
            assert logins.check(email=company.email, password="a whole new password", address="")
        drain(company)
        assert mailbox.to(company.email)[0]["Subject"] == "Your password was changed"


class TestProfile:
    def test_a_new_name_is_known_in_every_company(self, company, login):
        with work.unit(tenant_id=None):
            logins.change_profile(login_id=login.id, name="Ada", language="en", zone="Europe/Berlin")
        with work.unit(tenant_id=company.tenant_id):
            assert members.listed()[0].name == "Ada"

    def test_a_zone_that_does_not_exist_is_refused(self, login):
        with pytest.raises(logins.BadProfile), work.unit(tenant_id=None):
            logins.change_profile(login_id=login.id, name="", language="", zone="../etc/passwd")
