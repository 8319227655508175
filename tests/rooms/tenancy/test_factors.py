"""Second factors and proofs of domains as the rooms keep them: at the same moment, and against a DNS that lies."""

from __future__ import annotations

import threading

import dns.resolver
import pyotp
import pytest

from saas.kit import clock, crypto, work
from saas.tenancy import ceremonies, factors, logins, recovery, sso, totp


@pytest.fixture
def prepared(company, context):
    """The owner has codes and recovery codes; returns her id, a code of now and her recovery codes."""
    with work.unit(tenant_id=None):
        login = factors.held(logins.by_email(company.email).id)
        totp.begin(login)
        login.totp_confirmed_at = clock.now()
        return login.id, pyotp.TOTP(totp.secret(login)).at(clock.now()), recovery.make(login)


class TestAtTheSameMoment:
    @pytest.mark.parametrize("which", ["code", "recovery"])
    def test_a_code_is_taken_once_however_many_come_with_it(self, app, prepared, which):
        login_id, code, codes = prepared
        shown, taken, start = code if which == "code" else codes[0], [], threading.Barrier(6)

        def come():
            with app.app_context():
                start.wait(240)
                try:
                    with work.unit(tenant_id=None):
                        taken.append(factors.take_code(factors.held(login_id), shown))
                except factors.WrongFactor:
                    taken.append("refused")

        threads = [threading.Thread(target=come) for _number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(taken) == sorted(["totp" if which == "code" else "recovery", *["refused"] * 5])


class TestCeremonies:
    def test_what_is_remembered_is_taken_once_and_by_its_kind_only(self, context):
        ticket = ceremonies.begin("one", word="hello")
        with pytest.raises(ceremonies.Interrupted):
            ceremonies.end("another", ticket)
        assert ceremonies.look("one", ticket) == ceremonies.end("one", ticket) == {"word": "hello"}
        for wrong in (ticket, "", None, "x" * 5000):
            with pytest.raises(ceremonies.Interrupted):
                ceremonies.end("one", wrong)


class Resolver:
    """A DNS that answers what a test says."""

    def __init__(self, *texts, failure=None):
        self.texts, self.failure, self.asked = texts, failure, []

    def resolve(self, name, kind, lifetime):
        self.asked.append((name, kind))
        if self.failure:
            raise self.failure
        return [type("Entry", (), {"strings": [text[:200], text[200:]]}) for text in self.texts]


class TestDomains:
    @pytest.fixture
    def held(self, tenant):
        return sso.add_domain("Lamps.Example")

    def test_the_entry_proves_it_and_nothing_like_it_does(self, held):
        name, value = sso.entry(held)
        assert name == "_regulars-sign-in.lamps.example"
        good = Resolver(b"v=spf1 -all", value.encode())
        assert sso.look_up(name, value, resolver=good) == "found" and good.asked == [(name, "TXT")]
        for text in (b"", value.encode()[:-1], value.encode() + b"x", value.upper().encode(), b"regulars-sign-in="):
            assert sso.look_up(name, value, resolver=Resolver(text)) == "missing"
        assert sso.look_up(name, value, resolver=Resolver(failure=dns.resolver.NXDOMAIN())) == "missing"
        assert (
            sso.look_up(name, value, resolver=Resolver(failure=dns.resolver.LifetimeTimeout(timeout=3, errors=[])))
            == "unanswered"
        )

    @pytest.mark.parametrize("said", ["missing", "unanswered"])
    def test_no_entry_proves_nothing(self, held, said):
        assert not sso.prove_by_dns(str(held.id), said) and sso.proven() == set()

    def test_each_company_has_words_of_its_own_for_the_same_domain(self, company, other_company, context):
        values = set()
        for one in (company, other_company):
            with work.unit(tenant_id=one.tenant_id):
                values.add(sso.entry(sso.add_domain("lamps.example"))[1])
        assert len(values) == 2


class TestSealed:
    def test_a_secret_opens_only_where_it_was_sealed(self, tenant, other_company):
        held = sso.save(issuer="https://login.example.com", client_id="x", secret="top secret", newcomer_role="")
        sealed = held.secret_sealed
        with work.unit(tenant_id=other_company.tenant_id):
            theirs = sso.save(issuer="https://login.example.com", client_id="x", secret="other", newcomer_role="")
            theirs.secret_sealed = sealed
            with pytest.raises(crypto.Unsealable):
                sso.way(enabled=False)
