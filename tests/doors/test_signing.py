"""In and out of the pages, as a browser sees it, and as somebody who should not get in sees it."""

from __future__ import annotations

import re
import secrets

import pytest

from saas import config
from saas.kit import crypto, queues, valkey, work
from saas.tenancy import directory, logins, members, proofs
from tests.companies import PASSWORD, Company, add_member, sign_in


@pytest.fixture
def browser(app):
    """A browser nobody is signed in with."""
    return Company(app, 0, "", "", "", app.test_client())


@pytest.fixture
def rate_limits(app, monkeypatch):
    """Counting is on, as it is outside tests."""
    valkey.client().flushdb()
    monkeypatch.setenv("RATE_LIMITS", "1")
    config.get.cache_clear()
    yield
    monkeypatch.undo()
    config.get.cache_clear()
    valkey.client().flushdb()


def address() -> str:
    return f"new-{secrets.token_hex(6)}@shop.example"


def sign_up(browser, email, **fields):
    values = {"company": "Lamp & Light", "name": "Ada", "email": email, "password": PASSWORD} | fields
    return browser.post("/sign-up", values)


def told(answer, *own: str) -> tuple[int, str, bytes]:
    """What an answer tells: status, where to, and the body without what is random and what was typed."""
    body = re.sub(rb'(nonce|csrf-token|value|content)="[^"]*"', b"", answer.data)
    for text in own:
        body = body.replace(text.encode(), b"")
    return answer.status_code, answer.headers.get("Location", ""), body


def signed_in(client) -> bool:
    return client.get("/account").status_code == 200


def login_of(app, email):
    with app.app_context(), work.unit(tenant_id=None):
        return logins.by_email(email)


def token_for(app, purpose, email) -> str:
    with app.app_context(), work.unit(tenant_id=None):
        return proofs.for_login(purpose, logins.by_email(email))


class TestSignIn:
    def test_right_leads_in_and_out_again(self, browser, company):
        answer = browser.post("/sign-in", {"email": company.email, "password": PASSWORD})
        assert (answer.status_code, answer.location) == (303, "/")
        assert signed_in(browser.page)
        assert browser.post("/sign-out").status_code == 303
        assert not signed_in(browser.page)

    def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(self, browser, company):
        browser.post("/sign-in", {"email": company.email, "password": PASSWORD})
        cookie = browser.page.get_cookie("regulars_session")
        assert cookie.http_only and cookie.same_site == "Lax" and cookie.path == "/"

    def test_a_wrong_password_and_an_unknown_address_get_the_same_bytes(self, app, company):
        answers = set()
        for email in (company.email, address()):
            guest = Company(app, 0, "", "", "", app.test_client())
            answers.add(
                told(
                    guest.post("/sign-in", {"email": email, "password": "wrong password"}),
                    email,
                    email.replace("@", "%40"),
                )
            )
        assert len(answers) == 1 and next(iter(answers))[0] == 401

    def test_a_session_from_before_is_not_the_one_after(self, browser, company):
        """Fixation: a cookie somebody planted must not become a signed-in one, and the old session ends."""
        browser.page.set_cookie("regulars_session", "planted")
        browser.post("/sign-in", {"email": company.email, "password": PASSWORD})
        first = browser.page.get_cookie("regulars_session").value
        assert first != "planted"
        browser.post("/sign-in", {"email": company.email, "password": PASSWORD})
        assert browser.page.get_cookie("regulars_session").value != first
        old = browser.app.test_client()
        old.set_cookie("regulars_session", first)
        assert not signed_in(old)

    def test_the_page_asked_for_comes_after_signing_in(self, browser, company):
        asked = browser.page.get("/settings/members?x=1")
        assert asked.location == "/sign-in?next=/settings/members?x%3D1"
        answer = browser.post(asked.location, {"email": company.email, "password": PASSWORD})
        assert answer.location == "/settings/members?x=1"

    @pytest.mark.parametrize("target", [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/\n/evil.example",
        "javascript:alert(1)", "evil.example", " //evil.example", "/%0d%0aSet-Cookie: x=1 y",
    ])  # fmt: skip
    def test_nobody_is_led_to_another_site(self, browser, company, target):
        answer = browser.post("/sign-in", {"email": company.email, "password": PASSWORD, "next": target})
        assert (answer.status_code, answer.location) == (303, "/")

    def test_guessing_is_refused_after_a_while(self, browser, company, rate_limits):
        wrong = {"email": company.email, "password": "wrong password"}
        statuses = [browser.post("/sign-in", wrong).status_code for _number in range(12)]
        assert statuses[:10] == [401] * 10 and statuses[10:] == [429] * 2
        assert browser.post("/sign-in", {"email": company.email, "password": PASSWORD}).status_code == 429


class TestForged:
    def test_a_form_without_its_token_is_refused(self, app, company):
        form = {"email": company.email, "password": PASSWORD}
        assert app.test_client().post("/sign-in", data=form).status_code == 403
        assert company.page.post("/account", data={"name": "Mallory"}).status_code == 403

    @pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"},
                                         {"Sec-Fetch-Site": "same-site"}])  # fmt: skip
    def test_a_form_from_another_site_is_refused_even_with_a_token(self, company, headers):
        assert company.post("/account", {"name": "Mallory"}, headers=headers).status_code == 403

    def test_our_own_origin_passes(self, company):
        assert company.post("/account", {"name": "Ada"}, headers={"Origin": "http://localhost"}).status_code == 303

    def test_signing_out_is_no_link(self, company):
        assert company.page.get("/sign-out").status_code == 405
        assert signed_in(company.page)

    @pytest.mark.parametrize("path", ["/sign-in", "/forgot", "/healthz"])
    def test_a_strange_host_is_refused(self, app, path):
        assert app.test_client().get(path, headers={"Host": "evil.example"}).status_code == 400


class TestSignUp:
    def test_known_and_unknown_addresses_get_the_same_answers(self, app, company):
        answers, pages = set(), set()
        for email in (company.email, address()):
            guest = Company(app, 0, "", "", "", app.test_client())
            answers.add(told(sign_up(guest, email), email))
            pages.add(told(guest.page.get("/look-into-your-mailbox"), email, email.replace("@", "%40")))
        assert len(answers) == len(pages) == 1
        assert next(iter(answers))[:2] == (303, "/look-into-your-mailbox")

    def test_the_owner_of_a_known_address_is_written_to_by_a_job(self, app, browser, company, drain):
        queues.queue("events").empty()
        sign_up(browser, company.email)
        job = queues.queue("events").jobs[-1]
        assert (job.func_name, job.kwargs) == (
            "workers.jobs.tenancy.take_wish",
            {"email": company.email, "wish": "known"},
        )

    def test_the_same_browser_confirms_with_one_click_and_is_in(self, app, browser):
        email = address()
        sign_up(browser, email)
        link = f"/verify/{token_for(app, 'verify', email)}"
        assert b'type="password"' not in browser.page.get(link).data
        assert browser.post(link).location == "/"
        assert login_of(app, email).verified_at
        assert browser.page.get("/").status_code == 200
        assert browser.page.get(link).status_code == 410

    def test_another_browser_has_to_know_the_password(self, app, browser):
        email = address()
        sign_up(browser, email)
        link = f"/verify/{token_for(app, 'verify', email)}"
        other = Company(app, 0, "", "", "", app.test_client())
        assert other.page.get(link).status_code == 200 and login_of(app, email).verified_at is None
        assert other.post(link).status_code == 401
        assert other.post(link, {"password": "not the password"}).status_code == 401
        assert login_of(app, email).verified_at is None
        assert other.post(link, {"password": PASSWORD}).location == "/"

    def test_what_was_typed_stays_but_never_the_password(self, browser):
        answer = sign_up(browser, "nobody", password="too-short")
        assert answer.status_code == 422
        assert "Lamp &amp; Light" in answer.text and "too-short" not in answer.text

    def test_a_forged_host_never_gets_into_a_letter(self, app, browser, monkeypatch):
        from saas.tenancy import letters

        with app.test_request_context("/", headers={"Host": "evil.example"}):
            letter = letters.compose("reset", to="a@shop.example", name="", language="en", path="/reset/x", values={})
        assert b"evil" not in letter.as_bytes()

    def test_signing_up_again_and_again_is_refused(self, browser, rate_limits):
        statuses = [sign_up(browser, address()).status_code for _number in range(11)]
        assert statuses == [303] * 10 + [429]


class TestForgot:
    def test_known_and_unknown_addresses_get_the_same_answer_and_the_same_work(self, app, company):
        answers = set()
        queues.queue("events").empty()
        for email in (company.email, address()):
            guest = Company(app, 0, "", "", "", app.test_client())
            answers.add(told(guest.post("/forgot", {"email": email}), email))
        assert len(answers) == 1
        assert [job.kwargs["wish"] for job in queues.queue("events").jobs] == ["reset", "reset"]

    def test_the_link_sets_a_password_once_and_ends_every_session(self, app, browser, company):
        link = f"/reset/{token_for(app, 'reset', company.email)}"
        assert browser.page.get(link).status_code == 200
        assert browser.post(link, {"password": "short"}).status_code == 422
        assert browser.post(link, {"password": "a whole new password"}).status_code == 303
        assert signed_in(browser.page) and not signed_in(company.page)
        assert browser.post(link, {"password": "and another password"}).status_code == 410
        assert sign_in_with(app, company.email, "a whole new password") == 303
        assert sign_in_with(app, company.email, PASSWORD) == 401

    @pytest.mark.parametrize("path", ["/reset/", "/verify/", "/invitations/"])
    def test_a_token_we_did_not_make_is_dead(self, browser, path):
        for token in ("x", "a.b.c", "%00", "x" * 3000):
            assert browser.page.get(path + token).status_code == 410

    def test_asking_again_and_again_is_refused_alike_for_anybody(self, app, company, rate_limits):
        for email in (company.email, address()):
            guest = Company(app, 0, "", "", "", app.test_client())
            statuses = [guest.post("/forgot", {"email": email}).status_code for _number in range(5)]
            assert statuses == [303] * 5


def sign_in_with(app, email, password) -> int:
    guest = Company(app, 0, "", "", "", app.test_client())
    return guest.post("/sign-in", {"email": email, "password": password}).status_code


class TestAccept:
    @pytest.fixture
    def invite(self, app, company):
        def made(email, role="sales") -> str:
            with app.app_context(), work.unit(tenant_id=company.tenant_id):
                member = members.invite(email=email, role=role)
                return f"/invitations/{proofs.for_invitation(member)}"

        return made

    def test_somebody_new_chooses_a_password_and_is_in(self, app, browser, invite, company):
        email = address()
        link = invite(email)
        assert "Test Company" in browser.page.get(link).text
        assert browser.post(link, {"password": "short"}).status_code == 422
        assert login_of(app, email) is None
        assert browser.post(link, {"name": "Grace", "password": PASSWORD}).location == "/"
        assert browser.page.get("/").status_code == 200
        assert login_of(app, email).verified_at
        assert browser.page.get("/settings").status_code == 403
        assert browser.page.get(link).status_code == 410

    def test_who_has_an_account_joins_after_signing_in_with_it(self, app, browser, invite, company, other_company):
        link = invite(other_company.email)
        page = browser.page.get(link).text
        assert "Sign in" in page and 'type="password"' not in page
        assert browser.post(link, {"password": "a whole new password"}).status_code == 200
        assert sign_in_with(app, other_company.email, PASSWORD) == 303
        assert other_company.post(link).status_code == 303
        with app.app_context(), work.unit(tenant_id=None):
            login = logins.by_email(other_company.email)
            homes = {home.tenant_id for home in directory.places(kind="member", key=str(login.id))}
        assert homes == {company.tenant_id, other_company.tenant_id}

    def test_signed_in_as_somebody_else_does_not_join(self, app, company, invite, other_company):
        link = invite(address())
        third = sign_in(app, other_company.email)
        stranger = Company(app, 0, "", "", "", third)
        answer = stranger.post(invite(company.email.replace("owner", "someone")), {"password": PASSWORD})
        assert answer.status_code == 303  # as a new person of the invited address, not as who was signed in
        with app.app_context(), work.unit(tenant_id=None):
            login = logins.by_email(other_company.email)
            assert len(directory.places(kind="member", key=str(login.id))) == 1
        assert link


class TestCompanies:
    def test_who_belongs_to_two_chooses_and_may_change(self, app, company, other_company):
        with app.app_context(), work.unit(tenant_id=None):
            login = logins.by_email(company.email)
            with work.acting_for(other_company.tenant_id):
                member = members.invite(email=company.email, role="read_only")
                members.join(member.id, login)
        person = Company(app, 0, "", "", "", sign_in(app, company.email))
        assert person.page.get("/settings").location == "/companies?next=/settings"
        assert "Test Company" in person.page.get("/companies").text
        assert person.post("/companies", {"company": other_company.tenant_id}).location == "/"
        assert person.page.get("/settings").status_code == 403
        person.post("/companies", {"company": company.tenant_id})
        assert person.page.get("/settings").status_code == 200

    def test_nobody_acts_for_a_company_that_is_not_theirs(self, company, other_company):
        for wanted in (other_company.tenant_id, 0, "x", 10**30):
            assert company.post("/companies", {"company": wanted}).status_code == 404

    def test_one_may_start_another(self, company):
        assert company.post("/companies/new", {"name": " "}).status_code == 422
        assert company.post("/companies/new", {"name": "Second"}).location == "/"
        assert "Second" in company.page.get("/companies").text


class TestAccount:
    def test_name_language_and_zone(self, company):
        assert (
            company.post("/account", {"name": "Ada", "language": "zh_Hans", "zone": "Asia/Shanghai"}).status_code == 303
        )
        page = company.page.get("/account").text
        assert 'lang="zh-Hans"' in page and 'value="Ada"' in page
        assert company.post("/account", {"name": "Ada", "zone": "Mars/Base"}).status_code == 422

    def test_a_new_password_ends_other_sessions_and_needs_the_old(self, app, company):
        other = sign_in(app, company.email)
        wrong = company.post("/account/password", {"current": "wrong", "password": "a whole new password"})
        assert wrong.status_code == 422 and signed_in(other)
        assert (
            company.post("/account/password", {"current": PASSWORD, "password": "a whole new password"}).status_code
            == 303
        )
        assert signed_in(company.page) and not signed_in(other)

    def test_one_browser_or_all_can_be_signed_out(self, app, company):
        other = sign_in(app, company.email)
        page = company.page.get("/account").text
        digest = re.search(r'name="session" value="([0-9a-f]{64})"', page).group(1)
        company.post("/account/sessions/end", {"session": digest})
        assert signed_in(company.page) and not signed_in(other)
        third = sign_in(app, company.email)
        assert company.post("/account/sessions/end-all").location == "/sign-in"
        assert not signed_in(company.page) and not signed_in(third)

    def test_somebody_elses_browser_stays_signed_in(self, company, other_company):
        theirs = crypto.digest(other_company.page.get_cookie("regulars_session").value)
        company.post("/account/sessions/end", {"session": theirs})
        assert signed_in(other_company.page)

    def test_the_verification_can_be_sent_again(self, app, company):
        with app.app_context(), work.unit(tenant_id=None):
            logins.by_email(company.email).verified_at = None
        assert "not confirmed" in company.page.get("/account").text
        assert company.post("/verify-again?next=/account").location == "/account"


@pytest.mark.parametrize("role", ["admin", "marketer", "sales", "service", "read_only"])
def test_every_role_has_a_home_and_an_account(app, company, role):
    member = add_member(app, company, role=role)
    assert member.get("/").status_code == member.get("/account").status_code == 200
