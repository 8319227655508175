"""Coming in through one's company, with a provider that runs on this machine and may be told to lie."""

from __future__ import annotations

import html
import json
import re
import secrets
import subprocess
import sys
import time as real_time
from urllib.parse import urlsplit

import pytest

from saas.kit import http_out, servers, work
from saas.tenancy import directory, logins, members, sso, tenants
from saas.tenancy.models import Member
from sandbox.identity.provider import Lies, Person, Provider, new_key
from tests.companies import PASSWORD, Company, add_member, found_company, sign_in
from tests.doors.test_second_factor import Clock, guest, make_passkey
from tests.doors.test_second_factor import time as time
from tests.doors.test_signing import login_of, signed_in
from tests.failures.copies import until

__all__ = ["Clock", "time"]


@pytest.fixture(scope="module")
def provider():
    made = Provider([]).start()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def honest(request):
    """Each test begins with an honest provider and people of its own."""
    if "provider" in request.fixturenames:
        running = request.getfixturevalue("provider")
        running.lies, running.people, running.asked = Lies(), {}, []
    yield


@pytest.fixture
def domain() -> str:
    return f"{secrets.token_hex(5)}.example"


@pytest.fixture
def connected(app, company, provider, domain):
    """The company has its own sign-in for a proven domain, with sales as newcomers' role."""
    connect(app, company, provider, domain)
    return company


def connect(app, company, provider, domain, *, role="sales", secret=None) -> str:
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        held = sso.save(issuer=provider.issuer, client_id=provider.client_id, newcomer_role=role,
                        secret=provider.client_secret if secret is None else secret)  # fmt: skip
        added = sso.add_domain(domain)
        sso.prove_by_dns(str(added.id), "found")
        sso.note_tested()
        sso.switch(True)
        company.sso = held.code
    return company.sso


def person(provider, email, **more) -> Person:
    made = provider.people[email] = Person(secrets.token_hex(8), email, "Ada Lovelace", **more)
    return made


def to_provider(browser, path: str) -> str:
    """Begin at a page of ours and return the address it leads to at the provider."""
    page = browser.page.get(path)
    assert page.status_code == 200, page.text
    return html.unescape(re.search(r'content="0;url=([^"]+)"', page.text)[1])


def approve(provider, address: str, email: str) -> str:
    """Sign in at the provider and return the path of ours the browser comes back to."""
    from urllib.parse import parse_qsl, urlsplit

    back = provider.approve(dict(parse_qsl(urlsplit(address).query)), email)
    parts = urlsplit(back)
    return f"{parts.path}?{parts.query}"


def come_in(app, company, provider, email, *, browser=None, path=None):
    """Go to the provider and back; returns the browser and our answer."""
    browser = browser or guest(app)
    address = to_provider(browser, path or f"/sso/{company.sso}")
    return browser, browser.page.get(approve(provider, address, email))


class TestComingIn:
    def test_a_newcomer_gets_the_role_and_this_company_only(self, app, connected, provider, domain):
        email = f"ada@{domain}"
        person(provider, email)
        browser, answer = come_in(app, connected, provider, email, path=f"/sso/{connected.sso}?next=/customers")
        assert (answer.status_code, answer.location) == (303, "/customers")
        assert browser.page.get("/customers").status_code == 200
        login = login_of(app, email)
        assert login.password_hash is None and login.verified_at is not None and login.name == "Ada Lovelace"
        with app.app_context(), work.unit(tenant_id=connected.tenant_id):
            assert [(who.role, bool(who.joined_at)) for who in members.listed() if who.email == email] == [
                ("sales", True)
            ]
        again, answer = come_in(app, connected, provider, email)
        assert signed_in(again.page)

    def test_what_is_asked_of_the_provider(self, app, connected, provider, domain):
        from urllib.parse import parse_qs, urlsplit

        asked = parse_qs(urlsplit(to_provider(guest(app), f"/sso/{connected.sso}")).query)
        assert asked["response_type"] == ["code"] and asked["code_challenge_method"] == ["S256"]
        assert asked["redirect_uri"] == [f"http://127.0.0.1:8000/sso/return/{connected.sso}"]
        assert len(asked["state"][0]) == len(asked["nonce"][0]) == 43 and "openid" in asked["scope"][0].split()

    def test_the_address_finds_the_company(self, app, connected, domain):
        browser = guest(app)
        answer = browser.post("/sso", {"email": f"ada@{domain}"})
        assert answer.location.startswith(f"/sso/{connected.sso}")
        assert browser.post("/sso", {"email": "ada@nowhere.example"}).status_code == 422

    def test_the_provider_is_found_in_details_when_the_token_is_thin(self, app, connected, provider, domain):
        person(provider, f"ada@{domain}")
        provider.lies.without = ("email", "email_verified")
        browser, answer = come_in(app, connected, provider, f"ada@{domain}")
        assert answer.status_code == 303 and signed_in(browser.page)

    def test_an_invited_person_gets_the_role_of_the_invitation(self, app, company, provider, domain):
        connect(app, company, provider, domain, role="")
        email = f"grace@{domain}"
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            members.invite(email=email, role="marketer")
        person(provider, email)
        person(provider, f"uninvited@{domain}")
        assert come_in(app, company, provider, email)[1].status_code == 303
        assert come_in(app, company, provider, f"uninvited@{domain}")[1].status_code == 403
        assert login_of(app, f"uninvited@{domain}") is None

    def test_who_was_removed_does_not_come_back_by_themselves(self, app, connected, provider, domain):
        email = f"ada@{domain}"
        person(provider, email)
        browser, _answer = come_in(app, connected, provider, email)
        with app.app_context(), work.unit(tenant_id=connected.tenant_id):
            members.remove(next(who.id for who in members.listed() if who.email == email))
        assert not signed_in(browser.page)
        assert come_in(app, connected, provider, email)[1].status_code == 403

    def test_it_ends_within_the_day(self, app, connected, provider, domain, time):
        person(provider, f"ada@{domain}")
        browser, _answer = come_in(app, connected, provider, f"ada@{domain}")
        provider.people.clear()
        time.pass_by(hours=12, minutes=1)
        assert not signed_in(browser.page)

    def test_the_plans_places_count(self, app, provider, domain):
        company = found_company(app, plan="free")
        connect(app, company, provider, domain)
        for name in "abcdefgh":
            person(provider, f"{name}@{domain}")
        statuses = [come_in(app, company, provider, f"{name}@{domain}")[1].status_code for name in "abcdefgh"]
        assert statuses[-1] == 402


class TestCapture:
    """A company must not get hold of accounts that are not its own, whatever its provider says."""

    def test_an_account_of_another_company_is_asked_first(self, app, connected, provider, other_company):
        """The other company's owner has an address at a domain which this company (say it is the same group) has proven."""
        theirs = other_company.email
        connect(app, connected, provider, "shop.example")
        person(provider, theirs)
        browser, answer = come_in(app, connected, provider, theirs)
        assert answer.location.startswith("/sso/link/") and not signed_in(browser.page)
        link = answer.location
        page = browser.page.get(link)
        assert "You have an account already" in page.text and not signed_in(browser.page)
        assert browser.post(link).status_code == 200 and not signed_in(browser.page)
        browser.post("/sign-in", {"email": theirs, "password": PASSWORD, "next": link})
        assert browser.post(link).status_code == 303
        assert browser.page.get("/companies").text.count('name="company"') == 1
        assert browser.post("/companies", {"company": str(other_company.tenant_id)}).status_code == 404
        assert browser.page.get("/").status_code == 200
        again, answer = come_in(app, connected, provider, theirs)
        assert (
            answer.status_code == 303
            and again.post("/companies", {"company": str(other_company.tenant_id)}).status_code == 404
        )

    def test_somebody_else_cannot_say_yes_for_them(self, app, connected, provider, other_company, domain):
        connect(app, connected, provider, "shop.example")
        person(provider, other_company.email)
        _browser, answer = come_in(app, connected, provider, other_company.email)
        assert connected.post(answer.location).status_code == 200
        browser, answer = come_in(app, connected, provider, other_company.email)
        assert answer.location.startswith("/sso/link/")

    def test_an_address_nobody_confirmed_is_not_taken_over_with_its_password(self, app, connected, provider, domain):
        """Somebody signed up with the address beforehand and waits for its owner to come."""
        email = f"boss@{domain}"
        squatter = guest(app)
        squatter.post("/sign-up", {"company": "Mine", "name": "M", "email": email, "password": PASSWORD})
        person(provider, email)
        _browser, answer = come_in(app, connected, provider, email)
        assert answer.location.startswith("/sso/link/")

    def test_a_domain_the_company_has_not_proven_opens_nothing(self, app, connected, provider):
        person(provider, "ada@gmail.com")
        assert come_in(app, connected, provider, "ada@gmail.com")[1].status_code == 403
        assert login_of(app, "ada@gmail.com") is None

    def test_an_address_the_provider_does_not_vouch_for_opens_nothing(self, app, connected, provider, domain):
        person(provider, f"ada@{domain}", email_verified=False)
        assert come_in(app, connected, provider, f"ada@{domain}")[1].status_code == 403
        provider.lies.without = ("email_verified",)
        assert come_in(app, connected, provider, f"ada@{domain}")[1].status_code == 403

    def test_the_subject_counts_and_not_the_address(self, app, connected, provider, domain):
        """Who got the address of somebody who left is somebody else."""
        person(provider, f"ada@{domain}")
        browser, _answer = come_in(app, connected, provider, f"ada@{domain}")
        first = login_of(app, f"ada@{domain}").id
        provider.people[f"renamed@{domain}"] = Person(provider.people.pop(f"ada@{domain}").subject, f"renamed@{domain}")
        again, answer = come_in(app, connected, provider, f"renamed@{domain}")
        assert answer.status_code == 303 and login_of(app, f"renamed@{domain}") is None
        assert login_of(app, f"ada@{domain}").id == first

    def test_my_account_stays_out_of_reach(self, app, connected, provider, other_company, time):
        """Whoever came through the company neither changes password nor factors nor sees other browsers."""
        connect(app, connected, provider, "shop.example")
        elsewhere = sign_in(app, other_company.email)
        person(provider, other_company.email)
        browser, answer = come_in(app, connected, provider, other_company.email)
        browser.post("/sign-in", {"email": other_company.email, "password": PASSWORD})
        browser.post(answer.location)
        browser, _answer = come_in(app, connected, provider, other_company.email)
        assert browser.page.get("/account/second-factor").location.startswith("/confirm")
        assert browser.post("/account/passkeys/options").status_code in (303, 401)
        assert browser.post("/account/sessions/end-others").status_code == 303 and signed_in(elsewhere)
        browser.post("/account", {"name": "Taken Over", "language": "", "zone": ""})
        assert login_of(app, other_company.email).name != "Taken Over"


LIES = {
    "another nonce": {"claims": {"nonce": "another"}},
    "no nonce": {"without": ("nonce",)},
    "another audience": {"claims": {"aud": "somebody-else"}},
    "several audiences and no azp": {"claims": {"aud": ["regulars", "somebody-else"]}},
    "another azp": {"claims": {"azp": "somebody-else"}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "run out": {"claims": {"exp": int(real_time.time()) - 3600}},
    "no end": {"without": ("exp",)},
    "an end in words": {"claims": {"exp": "never"}},
    "from the future": {"claims": {"iat": int(real_time.time()) + 3600}},
    "old": {"claims": {"iat": int(real_time.time()) - 7200}},
    "nobody": {"claims": {"sub": ""}},
    "a number for a person": {"claims": {"sub": 1}},
    "unsigned": {"unsigned": True},
    "signed with the public key as a secret": {"shared_secret": True},
    "signed with another key": {"key": new_key()},
    "an answer of another provider": {"answer": {"iss": "https://evil.example"}},
    "an answer that hides whose it is": {"answer": {"iss": ""}},
}


class TestLies:
    @pytest.mark.parametrize("lie", LIES)
    def test_is_refused(self, app, connected, provider, domain, lie):
        person(provider, f"ada@{domain}")
        provider.lies = Lies(**LIES[lie])
        browser, answer = come_in(app, connected, provider, f"ada@{domain}")
        assert answer.status_code in (401, 422), lie
        assert not signed_in(browser.page) and login_of(app, f"ada@{domain}") is None

    def test_a_key_under_a_known_name_is_refused(self, app, connected, provider, domain):
        person(provider, f"ada@{domain}")
        changed = new_key()
        changed = type(changed).import_key({**changed.as_dict(private=True), "kid": provider.key.kid})
        provider.lies.key = changed
        assert come_in(app, connected, provider, f"ada@{domain}")[1].status_code == 401

    def test_a_new_key_that_is_published_is_taken(self, app, connected, provider, domain):
        person(provider, f"ada@{domain}")
        provider.key = new_key()
        assert come_in(app, connected, provider, f"ada@{domain}")[1].status_code == 303

    @pytest.mark.parametrize("description", [
        {"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/token"}, {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None}, {"id_token_signing_alg_values_supported": ["none", "HS256"]}, {"response_types_supported": ["token"]},
        {"code_challenge_methods_supported": ["plain"]}, {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "http://169.254.169.254/keys"},
    ])  # fmt: skip
    def test_a_description_that_will_not_do_is_told_in_words(self, app, connected, provider, description):
        provider.lies.description = description
        assert guest(app).page.get(f"/sso/{connected.sso}").status_code == 422
        told = connected.post("/settings/sso/test")
        assert told.status_code == 200 and "r-notice is-danger" in told.text

    def test_a_wrong_secret_is_told_in_words(self, app, company, provider, domain):
        connect(app, company, provider, domain, secret="wrong")
        person(provider, f"ada@{domain}")
        answer = come_in(app, company, provider, f"ada@{domain}")[1]
        assert answer.status_code == 422 and "Client id or secret are wrong." in answer.text

    def test_a_refusal_of_the_provider_is_told(self, app, connected, provider, domain):
        provider.lies.answer = {"error": "access_denied", "error_description": "<b>Not today</b>"}
        person(provider, f"ada@{domain}")
        answer = come_in(app, connected, provider, f"ada@{domain}")[1]
        assert answer.status_code == 401 and "&lt;b&gt;Not today" in answer.text


class TestState:
    def test_an_answer_is_taken_once(self, app, connected, provider, domain):
        person(provider, f"ada@{domain}")
        browser = guest(app)
        back = approve(provider, to_provider(browser, f"/sso/{connected.sso}"), f"ada@{domain}")
        with browser.page.session_transaction() as kept:
            planted = dict(kept)
        assert browser.page.get(back).status_code == 303
        with browser.page.session_transaction() as kept:
            kept.update(planted)
        assert browser.page.get(back).status_code == 410

    def test_an_answer_begun_in_another_browser_signs_nobody_in(self, app, connected, provider, domain):
        """Somebody sends a victim the link with which they themselves would be signed in."""
        person(provider, f"mallory@{domain}")
        back = approve(provider, to_provider(guest(app), f"/sso/{connected.sso}"), f"mallory@{domain}")
        victim = guest(app)
        assert victim.page.get(back).status_code == 410
        to_provider(victim, f"/sso/{connected.sso}")
        assert victim.page.get(back).status_code == 410 and not signed_in(victim.page)

    def test_an_answer_for_one_company_does_not_open_another(self, app, connected, provider, domain):
        other = found_company(app)
        connect(app, other, provider, domain)
        person(provider, f"ada@{domain}")
        browser = guest(app)
        back = approve(provider, to_provider(browser, f"/sso/{connected.sso}"), f"ada@{domain}")
        assert browser.page.get(back.replace(connected.sso, other.sso)).status_code == 410

    @pytest.mark.parametrize("query", ["", "?state=", "?state=x&code=y", "?error=x"])
    def test_nonsense_is_refused(self, app, connected, query):
        assert guest(app).page.get(f"/sso/return/{connected.sso}{query}").status_code == 410

    def test_an_address_that_is_nobodys(self, app):
        assert guest(app).page.get("/sso/" + "x" * 16).status_code == 404
        assert guest(app).page.get("/sso/return/" + "x" * 16 + "?state=a&code=b").status_code == 404

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
    def test_nobody_is_led_to_another_site(self, app, connected, provider, domain, target):
        person(provider, f"ada@{domain}")
        assert (
            come_in(app, connected, provider, f"ada@{domain}", path=f"/sso/{connected.sso}?next={target}")[1].location
            == "/"
        )

    def test_a_session_from_before_is_not_the_one_after(self, app, connected, provider, domain):
        person(provider, f"ada@{domain}")
        browser = guest(app)
        browser.page.set_cookie("regulars_session", "planted")
        come_in(app, connected, provider, f"ada@{domain}", browser=browser)
        assert browser.page.get_cookie("regulars_session").value != "planted" and signed_in(browser.page)


class TestOnlyWay:
    @pytest.fixture
    def only(self, app, connected):
        with app.app_context(), work.unit(tenant_id=connected.tenant_id):
            tenants.settings().only_sso = True
        return connected

    def test_a_password_leads_to_the_companys_sign_in(self, app, only):
        member = add_member(app, only, role="admin")
        asked = member.get("/customers")
        assert asked.location == "/settings/sso/lead?next=/customers"
        assert member.get(asked.location).location.startswith(f"/sso/{only.sso}")
        assert member.get("/account").status_code == 200

    def test_an_owner_breaks_the_glass_with_a_second_factor_and_it_is_written_down(self, app, only):
        assert only.page.get("/").location == "/settings/sso/lead?next=/"
        make_passkey(app, only.email)
        browser = sign_in(app, only.email, second_factor=True)
        for _number in range(2):
            assert browser.get("/").status_code == 200
        with app.app_context(), work.unit(tenant_id=only.tenant_id):
            from saas.kit.db import db
            from saas.tenancy.models import AuditEntry

            assert [entry.action for entry in db.session.query(AuditEntry)].count("sign_in.glass_broken") == 1

    def test_other_companies_of_the_same_person_are_not_touched(self, app, only, other_company):
        with app.app_context(), work.unit(tenant_id=other_company.tenant_id):
            login = logins.by_email(only.email)
            member = Member(login_id=login.id, email=only.email, email_norm=only.email, role="sales")
            from saas.kit.db import db

            db.session.add(member)
            db.session.flush()
            directory.enter(kind="member", key=str(login.id), subject_id=member.id)
        browser = guest(app)
        browser.post("/sign-in", {"email": only.email, "password": PASSWORD})
        assert browser.post("/companies", {"company": str(other_company.tenant_id)}).status_code == 303
        assert browser.page.get("/").status_code == 200

    def test_switching_it_on_needs_a_way_back(self, connected):
        form = {"enabled": "1", "only": "1"}
        assert connected.post("/settings/sso/switch", form).status_code == 409


class TestSettingUp:
    def test_by_hand_from_nothing_to_the_first_sign_in(self, app, company, provider, domain):
        page = company.page.get("/settings/sso")
        assert page.status_code == 200
        form = {
            "issuer": provider.issuer,
            "client_id": "regulars",
            "secret": provider.client_secret,
            "newcomer_role": "sales",
        }
        assert company.post("/settings/sso", form).status_code == 303
        page = company.page.get("/settings/sso").text
        assert provider.client_secret not in page and "/sso/return/" in page
        assert company.post("/settings/sso/switch", {"enabled": "1"}).status_code == 409
        told = company.post("/settings/sso/test")
        assert "The provider answers" in told.text
        person(provider, f"owner@{domain}")
        lead = company.post("/settings/sso/try")
        address = html.unescape(re.search(r'content="0;url=([^"]+)"', lead.text)[1])
        tried = company.page.get(approve(provider, address, f"owner@{domain}"))
        assert (
            tried.status_code == 200 and "is not proven yet" in tried.text and login_of(app, f"owner@{domain}") is None
        )
        assert company.post("/settings/sso/domains", {"domain": domain.upper()}).status_code == 303
        page = company.page.get("/settings/sso").text
        assert f"_regulars-sign-in.{domain}" in page and "regulars-sign-in=" in page
        domain_id = re.search(r"/domains/([0-9a-f-]+)/check", page)[1]
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            sso.prove_by_dns(domain_id, "found")
        assert company.post("/settings/sso/switch", {"enabled": "1"}).status_code == 303
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            company.sso = sso.current().code
        assert come_in(app, company, provider, f"owner@{domain}")[1].status_code == 303

    def test_the_secret_is_sealed_for_this_company(self, app, connected, provider):
        with app.app_context(), work.unit(tenant_id=connected.tenant_id):
            held = sso.current()
            assert provider.client_secret.encode() not in held.secret_sealed
            assert sso.way().client.secret == provider.client_secret

    @pytest.mark.parametrize("form", [
        {"issuer": "ftp://x"}, {"issuer": ""}, {"client_id": ""}, {"newcomer_role": "owner"}, {"newcomer_role": "admin"},
        {"newcomer_role": "king"},
    ])  # fmt: skip
    def test_what_will_not_do_is_said_at_the_field(self, company, form):
        values = {
            "issuer": "https://login.example.com",
            "client_id": "x",
            "secret": "y",
            "newcomer_role": "sales",
        } | form
        assert company.post("/settings/sso", values).status_code == 422

    @pytest.mark.parametrize("domain", ["gmail.com", "QQ.com", "@outlook.com", "nonsense", "a b.example", ""])
    def test_public_mail_and_nonsense_are_no_domains_of_a_company(self, company, domain):
        assert company.post("/settings/sso/domains", {"domain": domain}).status_code == 422

    def test_my_own_confirmed_address_proves_its_domain_and_no_other(self, app, company):
        for domain in ("shop.example", "elsewhere.example"):
            company.post("/settings/sso/domains", {"domain": domain})
        page = company.page.get("/settings/sso").text
        ids = dict(re.findall(r"<h3>(\S+) .*?/domains/([0-9a-f-]+)/check", page, re.S))
        assert company.post(f"/settings/sso/domains/{ids['shop.example']}/mine").status_code == 303
        assert company.post(f"/settings/sso/domains/{ids['elsewhere.example']}/mine").status_code == 409

    def test_only_owners_and_only_fresh(self, app, connected, time):
        admin = Company(app, connected.tenant_id, "", "", "", add_member(app, connected, role="admin"))
        assert admin.page.get("/settings/sso").status_code == 403
        assert admin.post("/settings/sso", {}).status_code == 403
        time.pass_by(minutes=11)
        assert connected.post("/settings/sso", {"issuer": "https://evil.example"}).status_code in (303, 401)

    def test_another_companys_domain_is_not_there(self, app, connected, other_company, domain):
        page = connected.page.get("/settings/sso").text
        domain_id = re.search(r"/domains/([0-9a-f-]+)/remove", page)[1]
        for act in ("check", "mine", "remove"):
            assert other_company.post(f"/settings/sso/domains/{domain_id}/{act}").status_code == 404

    def test_removing_it_opens_the_other_ways(self, app, connected):
        with app.app_context(), work.unit(tenant_id=connected.tenant_id):
            tenants.settings().only_sso = True
        make_passkey(app, connected.email)
        connected.page = sign_in(app, connected.email, second_factor=True)
        assert connected.post("/settings/sso/remove").status_code == 303
        assert add_member(app, connected, role="sales").get("/").status_code == 200
        assert guest(app).page.get(f"/sso/{connected.sso}").status_code == 404


class TestStepUp:
    def test_the_company_confirms_what_is_its_own_and_not_what_is_mine(
        self, app, company, provider, domain, monkeypatch
    ):
        connect(app, company, provider, domain, role="")
        email = f"ada@{domain}"
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            members.invite(email=email, role="admin")
        person(provider, email)
        browser, _answer = come_in(app, company, provider, email)
        assert browser.post("/settings/keys", {"name": "Till"}).status_code == 401
        address = to_provider(browser, "/confirm/company?next=/settings/keys")
        assert "prompt=login" in address and "max_age=0" in address
        answer = browser.page.get(approve(provider, address, email))
        assert answer.location == "/settings/keys"
        assert browser.post("/settings/keys", {"name": "Till"}).status_code == 200
        assert browser.page.get("/account/second-factor").status_code == 303

    def test_a_provider_that_did_not_ask_again_confirms_nothing(self, app, connected, provider, domain):
        person(provider, f"ada@{domain}")
        browser, _answer = come_in(app, connected, provider, f"ada@{domain}")
        for lie in ({"without": ("auth_time",)}, {"claims": {"auth_time": int(real_time.time()) - 3600}}):
            provider.lies = Lies(**lie)
            address = to_provider(browser, "/confirm/company?next=/settings/keys")
            assert browser.page.get(approve(provider, address, f"ada@{domain}")).status_code == 403

    def test_somebody_elses_sign_in_confirms_nothing(self, app, connected, provider, domain):
        person(provider, f"ada@{domain}")
        person(provider, f"eve@{domain}")
        browser, _answer = come_in(app, connected, provider, f"ada@{domain}")
        address = to_provider(browser, "/confirm/company?next=/settings/keys")
        assert browser.page.get(approve(provider, address, f"eve@{domain}")).status_code == 403


class TestAnotherMaker:
    """A provider that others wrote agrees with ours: `oidc-provider-mock`, which Authlib's server part is made of."""

    @pytest.fixture
    def theirs(self):
        port = servers.free_port()
        told = json.dumps({"sub": "one", "email": "ada@theirs.example", "email_verified": True, "name": "Ada Lovelace"})
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(port), "--user-claims", told],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            issuer = f"http://127.0.0.1:{port}"
            until(lambda: answers(f"{issuer}/.well-known/openid-configuration"), 60)
            yield issuer
        finally:
            process.terminate()
            process.wait(20)

    def test_a_person_comes_in(self, app, company, theirs):
        running = type("Running", (), {"issuer": theirs, "client_id": "regulars", "client_secret": "any"})
        connect(app, company, running, "theirs.example")
        assert "The provider answers" in company.post("/settings/sso/test").text
        browser = guest(app)
        address = to_provider(browser, f"/sso/{company.sso}?next=/orders")
        answer = http_out.call(
            "POST", address, body=b"sub=one", headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        back = urlsplit(answer.headers["Location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == f"http://127.0.0.1:8000/sso/return/{company.sso}"
        arrived = browser.page.get(f"{back.path}?{back.query}")
        assert (arrived.status_code, arrived.location) == (303, "/orders") and signed_in(browser.page)
        assert login_of(app, "ada@theirs.example").name == "Ada Lovelace"


def answers(url: str) -> bool:
    try:
        return http_out.call("GET", url, seconds=2).status == 200
    except http_out.Unreachable:
        return False
