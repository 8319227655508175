"""Links that prove something once: they die with their use, with age, and with anything that makes them pointless."""

from __future__ import annotations

import datetime

import pytest

from saas.kit import clock, crypto, scope, work
from saas.kit.db import db
from saas.tenancy import logins, members, passwords, proofs
from saas.tenancy.models import Login


@pytest.fixture
def login(company, context) -> Login:
    with work.unit(tenant_id=None):
        found = logins.by_email(company.email)
        found.verified_at = None
    return found


def use(purpose: str, token: str, then) -> None:
    with work.unit(tenant_id=None):
        then(proofs.login_of(purpose, token))


class TestForLogin:
    def test_a_verification_is_used_once(self, login):
        token = proofs.for_login("verify", login)
        use("verify", token, logins.verify)
        with pytest.raises(proofs.DeadLink):
            use("verify", token, logins.verify)

    def test_a_new_password_kills_every_link_for_one(self, login):
        first, second = (proofs.for_login("reset", login) for _ in range(2))
        use("reset", first, lambda who: passwords.set_new(login=who, password="a whole new password"))
        for token in (first, second):
            with pytest.raises(proofs.DeadLink):
                use("reset", token, lambda who: None)

    def test_a_link_for_one_purpose_serves_no_other(self, login):
        with pytest.raises(proofs.DeadLink):
            use("reset", proofs.for_login("verify", login), lambda who: None)

    @pytest.mark.parametrize(("purpose", "hours"), [("reset", 1), ("verify", 72)])
    def test_it_runs_out(self, login, purpose, hours, monkeypatch):
        import itsdangerous.timed

        token = proofs.for_login(purpose, login)
        now = itsdangerous.timed.time.time()
        monkeypatch.setattr(itsdangerous.timed.time, "time", lambda: now + hours * 3600 - 60)
        use(purpose, token, lambda who: None)
        monkeypatch.setattr(itsdangerous.timed.time, "time", lambda: now + hours * 3600 + 60)
        with pytest.raises(proofs.DeadLink):
            use(purpose, token, lambda who: None)

    @pytest.mark.parametrize("token", ["", "x", "a.b.c", "W10.x.y", "\x00"])
    def test_what_we_did_not_sign_is_dead(self, context, token):
        with pytest.raises(proofs.DeadLink):
            use("reset", token, lambda who: None)

    def test_a_signature_over_something_else_is_dead(self, context):
        with pytest.raises(proofs.DeadLink):
            use("reset", crypto.sign("proof:reset", {"login": 1}), lambda who: None)


@pytest.fixture
def invited(company, context):
    with work.unit(tenant_id=company.tenant_id, actor=scope.PLATFORM):
        member = members.invite(email=f"guest-{company.tenant_id}@shop.example", role="sales")
        return member, proofs.for_invitation(member)


class TestInvitation:
    def test_it_leads_to_the_company_and_to_whoever_has_the_address(self, company, invited):
        with work.unit(tenant_id=None):
            found = proofs.invitation(invited[1])
        assert (found.tenant_id, found.role, found.login) == (company.tenant_id, "sales", None)

    def test_sending_it_again_kills_the_link_before(self, company, invited, monkeypatch):
        later = clock.now() + datetime.timedelta(minutes=1)
        monkeypatch.setattr(clock, "now", lambda: later)
        with work.unit(tenant_id=company.tenant_id, actor=scope.PLATFORM):
            members.invite_again(invited[0].id)
        self.assert_dead(invited[1])

    def test_taking_it_back_kills_it(self, company, invited):
        with work.unit(tenant_id=company.tenant_id, actor=scope.PLATFORM):
            members.remove(invited[0].id)
        self.assert_dead(invited[1])

    def test_it_is_used_once(self, company, other_company, invited):
        with work.unit(tenant_id=None):
            login = logins.by_email(other_company.email)
            with work.acting_for(company.tenant_id):
                members.join(invited[0].id, login)
        self.assert_dead(invited[1])

    def assert_dead(self, token: str) -> None:
        with pytest.raises(proofs.DeadLink), work.unit(tenant_id=None):
            proofs.invitation(token)
        db.session.remove()
