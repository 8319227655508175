"""More than a password: codes, passkeys and recovery codes, as a browser sees them and as somebody who should not get in does."""

from __future__ import annotations

import datetime
import html
import re

import pyotp
import pytest

from saas.kit import clock, work
from saas.tenancy import factors, logins, passkeys, recovery, totp
from tests.authenticators import SoftPasskey
from tests.companies import PASSWORD, Company, sign_in
from tests.doors.test_signing import login_of, rate_limits, signed_in, token_for
from tests.letters import mailbox

__all__ = ["mailbox", "rate_limits"]


class Clock:
    """The time, which moves when a test says so."""

    def __init__(self):
        self.at = clock.now()

    def pass_by(self, **amount):
        self.at += datetime.timedelta(**amount)


@pytest.fixture
def time(monkeypatch):
    hands = Clock()
    monkeypatch.setattr(clock, "now", lambda: hands.at)
    return hands


@pytest.fixture
def app_codes(app, company, time):
    """The owner has set codes up; the function tells what her app shows."""
    with app.app_context(), work.unit(tenant_id=None):
        login = factors.held(logins.by_email(company.email).id)
        totp.begin(login)
        secret = totp.secret(login)
        totp.prove(login, pyotp.TOTP(secret).at(time.at))
    time.pass_by(seconds=30)

    def shows(steps: int = 0) -> str:
        return pyotp.TOTP(secret).at(time.at + datetime.timedelta(seconds=30 * steps))

    return shows


@pytest.fixture
def passkey(app, company):
    """The owner has a passkey."""
    return make_passkey(app, company.email)


def make_passkey(app, email, **lies) -> SoftPasskey:
    device = SoftPasskey(**lies)
    with app.app_context(), work.unit(tenant_id=None):
        login = factors.held(logins.by_email(email).id)
        options, ticket = passkeys.begin_making(login)
        passkeys.finish_making(login, ticket=ticket, credential=device.make(options), name="Phone")
    return device


def guest(app) -> Company:
    return Company(app, 0, "", "", "", app.test_client())


def after_password(app, company, **more) -> Company:
    """A browser that has shown the right password."""
    browser = guest(app)
    answer = browser.post("/sign-in", {"email": company.email, "password": PASSWORD, **more})
    assert answer.status_code == 303 and answer.location.startswith("/sign-in/second")
    return browser


class TestHalfSignedIn:
    def test_the_password_alone_opens_nothing(self, app, company, app_codes):
        browser = after_password(app, company)
        for path in ("/", "/account", "/companies", "/settings", "/account/second-factor", "/confirm"):
            assert browser.page.get(path).location.startswith("/sign-in"), path
        assert (
            browser.post("/account/password", {"current": PASSWORD, "password": "another long one"}).status_code == 303
        )
        assert sign_in_again(app, company)

    def test_a_code_leads_in_under_a_new_session(self, app, company, app_codes):
        browser = after_password(app, company, next="/settings/members")
        half = browser.page.get_cookie("regulars_session").value
        answer = browser.post("/sign-in/second", {"code": app_codes(), "next": "/settings/members"})
        assert (answer.status_code, answer.location) == (303, "/settings/members")
        assert signed_in(browser.page) and browser.page.get_cookie("regulars_session").value != half
        old = app.test_client()
        old.set_cookie("regulars_session", half)
        assert not signed_in(old) and old.get("/sign-in/second").status_code == 303

    def test_it_ends_by_itself(self, app, company, app_codes, time):
        browser = after_password(app, company)
        time.pass_by(minutes=11)
        assert browser.post("/sign-in/second", {"code": app_codes()}).location == "/sign-in"

    @pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
    def test_nobody_is_led_to_another_site(self, app, company, app_codes, target):
        browser = after_password(app, company, next=target)
        assert browser.post("/sign-in/second", {"code": app_codes(), "next": target}).location == "/"

    def test_a_wrong_password_tells_nothing_of_a_second_factor(self, app, company, other_company, app_codes):
        bodies = set()
        for email in (company.email, other_company.email):
            answer = guest(app).post("/sign-in", {"email": email, "password": "wrong password"})
            bodies.add(
                (
                    answer.status_code,
                    re.sub(r'(nonce|csrf-token|value|content)="[^"]*"', "", answer.text).replace(email, ""),
                )
            )
        assert len(bodies) == 1

    def test_a_link_for_a_new_password_does_not_go_around_it(self, app, company, app_codes):
        browser = guest(app)
        link = f"/reset/{token_for(app, 'reset', company.email)}"
        answer = browser.post(link, {"password": "a whole new password"})
        assert answer.location.startswith("/sign-in/second") and not signed_in(browser.page)

    def test_guessing_codes_is_refused_after_a_while(self, app, company, app_codes, rate_limits):
        browser = after_password(app, company)
        statuses = [browser.post("/sign-in/second", {"code": "000000"}).status_code for _number in range(12)]
        assert statuses == [401] * 10 + [429] * 2
        assert browser.post("/sign-in/second", {"code": app_codes()}).status_code == 429


def sign_in_again(app, company) -> bool:
    return guest(app).post("/sign-in", {"email": company.email, "password": PASSWORD}).status_code == 303


class TestCodes:
    def test_set_up_scanned_proven_and_told(self, app, company, drain, mailbox, time):
        assert company.post("/account/second-factor/begin").status_code == 303
        page = company.page.get("/account/second-factor").text
        assert "<svg" in page and 'class="r-qr"' in page
        secret = re.search(r"[A-Z2-7]{32}", page)[0]
        other = sign_in(app, company.email)
        assert company.post("/account/second-factor/prove", {"code": "000000"}).status_code == 422
        assert not factors_of(app, company).any
        shown = company.post("/account/second-factor/prove", {"code": pyotp.TOTP(secret).at(time.at)})
        assert shown.status_code == 200 and len(re.findall(r"<code>[a-z2-9]{5}-[a-z2-9]{5}</code>", shown.text)) == 10
        assert shown.headers["Cache-Control"] == "no-store"
        assert factors_of(app, company) == factors.Factors(totp=True, passkeys=0, recovery_left=10)
        assert signed_in(company.page) and not signed_in(other)
        drain(company)
        assert [letter["Subject"] for letter in mailbox.to(company.email)] == ["Your second factor is set up"]

    def test_the_secret_is_sealed_and_opens_for_nobody_else(self, app, company, other_company, app_codes):
        from saas.kit import crypto

        mine, theirs = login_of(app, company.email), login_of(app, other_company.email)
        assert b"otpauth" not in mine.totp_sealed and len(mine.totp_sealed) > 40
        theirs.totp_sealed = mine.totp_sealed
        with pytest.raises(crypto.Unsealable):
            totp.secret(theirs)

    def test_a_code_works_once(self, app, company, app_codes):
        code = app_codes()
        assert after_password(app, company).post("/sign-in/second", {"code": code}).status_code == 303
        assert after_password(app, company).post("/sign-in/second", {"code": code}).status_code == 401

    def test_the_code_of_the_step_before_works_once_and_never_after_a_newer_one(self, app, company, app_codes, time):
        time.pass_by(seconds=60)
        before = app_codes(-1)
        assert after_password(app, company).post("/sign-in/second", {"code": before}).status_code == 303
        assert after_password(app, company).post("/sign-in/second", {"code": before}).status_code == 401
        assert after_password(app, company).post("/sign-in/second", {"code": app_codes()}).status_code == 303
        assert after_password(app, company).post("/sign-in/second", {"code": before}).status_code == 401

    @pytest.mark.parametrize("steps", [-3, -2, 2, 3])
    def test_codes_of_other_minutes_do_nothing(self, app, company, app_codes, time, steps):
        time.pass_by(minutes=5)
        assert after_password(app, company).post("/sign-in/second", {"code": app_codes(steps)}).status_code == 401

    @pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "-12345", "1e5000", "\x00" * 6])
    def test_nonsense_is_no_code(self, app, company, app_codes, code):
        assert after_password(app, company).post("/sign-in/second", {"code": code}).status_code == 401

    def test_another_persons_code_does_nothing(self, app, company, other_company, app_codes):
        with app.app_context(), work.unit(tenant_id=None):
            login = factors.held(logins.by_email(other_company.email).id)
            totp.begin(login)
            totp.prove(login, pyotp.TOTP(totp.secret(login)).at(clock.now()))
        assert after_password(app, other_company).post("/sign-in/second", {"code": app_codes()}).status_code == 401

    def test_removing_is_told_and_ends_other_sessions(self, app, company, app_codes, drain, mailbox):
        other = sign_in(app, company.email, second_factor=True)
        assert company.post("/account/second-factor/forget").status_code == 303
        assert signed_in(company.page) and not signed_in(other) and not factors_of(app, company).any
        drain(company)
        assert [letter["Subject"] for letter in mailbox.to(company.email)] == ["A second factor was removed"]


def factors_of(app, company) -> factors.Factors:
    with app.app_context(), work.unit(tenant_id=None):
        return factors.of(logins.by_email(company.email))


class TestRecoveryCodes:
    @pytest.fixture
    def codes(self, app, company, app_codes):
        with app.app_context(), work.unit(tenant_id=None):
            return recovery.make(factors.held(logins.by_email(company.email).id))

    def test_each_opens_once_however_it_is_written_and_is_told(self, app, company, codes, drain, mailbox):
        browser = after_password(app, company)
        typed = f" {codes[3].upper().replace('-', ' ')} "
        assert browser.post("/sign-in/second", {"code": typed}).status_code == 303
        assert signed_in(browser.page) and factors_of(app, company).recovery_left == 9
        assert after_password(app, company).post("/sign-in/second", {"code": codes[3]}).status_code == 401
        drain(company)
        assert "A recovery code was used" in [letter["Subject"] for letter in mailbox.to(company.email)]

    def test_only_marks_are_kept(self, app, company, codes):
        held = login_of(app, company.email).recovery_marks
        assert len(held) == 10 and not set(held) & {code.replace("-", "") for code in codes}

    def test_new_ones_make_the_old_ones_useless(self, app, company, codes):
        shown = company.post("/account/recovery-codes")
        fresh = re.findall(r"<code>([a-z2-9-]{11})</code>", shown.text)
        assert len(fresh) == 10
        assert after_password(app, company).post("/sign-in/second", {"code": codes[0]}).status_code == 401
        assert after_password(app, company).post("/sign-in/second", {"code": fresh[0]}).status_code == 303

    def test_another_persons_do_nothing(self, app, company, other_company, codes):
        make_passkey(app, other_company.email)
        assert after_password(app, other_company).post("/sign-in/second", {"code": codes[0]}).status_code == 401

    def test_without_a_second_factor_there_are_none(self, other_company):
        assert other_company.post("/account/recovery-codes").status_code == 409


class TestPasskeys:
    def test_made_named_used_alone_and_removed(self, app, company, drain, mailbox):
        device = SoftPasskey()
        options = company.post("/account/passkeys/options").json
        assert options["authenticatorSelection"]["residentKey"] == "required" and options["rp"]["id"] == "localhost"
        made = company.post("/account/passkeys", {"credential": device.make(options), "name": "Laptop"})
        assert made.status_code == 200 and "Laptop" in made.text
        browser = guest(app)
        answer = show(browser, device, next="/settings")
        assert (answer.status_code, answer.location) == (303, "/settings") and signed_in(browser.page)
        key_id = re.search(r"/account/passkeys/([^/]+)/remove", company.page.get("/account/second-factor").text)[1]
        assert company.post(f"/account/passkeys/{key_id}/name", {"name": "Desk"}).status_code == 303
        assert "Desk" in company.page.get("/account/second-factor").text
        assert company.post(f"/account/passkeys/{key_id}/remove").status_code == 303
        assert not signed_in(browser.page) and show(guest(app), device).status_code == 401

    def test_after_the_password_it_is_the_second_step(self, app, company, passkey):
        browser = after_password(app, company)
        options = browser.post("/sign-in/second/options").json
        assert [key["id"] for key in options["allowCredentials"]]
        assert browser.post("/sign-in/second", {"credential": passkey.show(options)}).status_code == 303
        assert signed_in(browser.page)

    def test_another_persons_is_not_the_second_step(self, app, company, other_company, passkey):
        stranger = make_passkey(app, other_company.email)
        browser = after_password(app, company)
        options = browser.post("/sign-in/second/options").json
        assert browser.post("/sign-in/second", {"credential": stranger.show(options)}).status_code == 401
        assert not signed_in(browser.page)

    def test_one_that_says_it_belongs_to_another_is_refused(self, app, company, other_company, passkey):
        passkey.user_handle = login_of(app, other_company.email).id.bytes
        assert show(guest(app), passkey).status_code == 401

    def test_an_answer_is_taken_once(self, app, company, passkey):
        browser = guest(app)
        options = browser.post("/sign-in/passkey/options").json
        with browser.page.session_transaction() as kept:
            planted = dict(kept)
        answer = passkey.show(options)
        assert browser.post("/sign-in/passkey", {"credential": answer}).status_code == 303
        again = guest(app)
        with again.page.session_transaction() as kept:
            kept.update(planted)
        assert again.post("/sign-in/passkey", {"credential": answer}).status_code == 410

    def test_a_challenge_of_another_browser_is_refused(self, app, company, passkey):
        options = guest(app).post("/sign-in/passkey/options").json
        browser = guest(app)
        browser.post("/sign-in/passkey/options")
        assert browser.post("/sign-in/passkey", {"credential": passkey.show(options)}).status_code == 401

    def test_a_challenge_for_signing_in_does_not_confirm_and_the_other_way_round(self, app, company, passkey):
        browser = after_password(app, company)
        options = browser.post("/sign-in/second/options").json
        assert browser.post("/sign-in/passkey", {"credential": passkey.show(options)}).status_code == 401

    def test_a_copied_key_gives_itself_away(self, app, company, passkey):
        assert show(guest(app), passkey, count=7).status_code == 303
        assert show(guest(app), passkey, count=7).status_code == 401
        assert show(guest(app), passkey, count=3).status_code == 401
        assert show(guest(app), passkey, count=8).status_code == 303

    @pytest.mark.parametrize("lie", [
        {"origin": "http://evil.example"}, {"origin": "http://localhost:8001"}, {"rp_id": "evil.example"}, {"verified": False},
    ])  # fmt: skip
    def test_a_lie_is_refused_when_shown_and_when_made(self, app, company, passkey, lie):
        liar = SoftPasskey(**lie)
        liar.key, liar.id, liar.user_handle = passkey.key, passkey.id, passkey.user_handle
        assert show(guest(app), liar).status_code == 401
        options = company.post("/account/passkeys/options").json
        liar.id = b"another"
        assert company.post("/account/passkeys", {"credential": liar.make(options)}).status_code == 401

    @pytest.mark.parametrize(
        "answer",
        ["", "{}", "null", "[]", "x", '{"id": 1}', '{"id": "x", "response": null}', '{"id": "x", "rawId": "x"}'],
    )
    def test_nonsense_is_refused(self, app, company, passkey, answer):
        browser = guest(app)
        browser.post("/sign-in/passkey/options")
        assert browser.post("/sign-in/passkey", {"credential": answer}).status_code == 401
        company.post("/account/passkeys/options")
        assert company.post("/account/passkeys", {"credential": answer}).status_code == 401

    def test_what_is_asked_of_a_stranger_is_the_same_for_everybody(self, app):
        options = guest(app).post("/sign-in/passkey/options").json
        assert not options.get("allowCredentials")

    def test_somebody_elses_can_be_neither_renamed_nor_removed(self, app, company, other_company, passkey):
        with app.app_context(), work.unit(tenant_id=None):
            key_id = passkeys.of(logins.by_email(company.email))[0].id
        for act in ("name", "remove"):
            assert other_company.post(f"/account/passkeys/{key_id}/{act}", {"name": "Mine"}).status_code == 404
            assert other_company.post(f"/account/passkeys/not-an-id/{act}").status_code == 404
        assert factors_of(app, company).passkeys == 1

    def test_a_bare_number_as_public_address_has_none(self, app, company, monkeypatch):
        from saas import config

        monkeypatch.setenv("PUBLIC_URL", "http://192.0.2.7")
        config.get.cache_clear()
        try:
            assert "data-passkey" not in guest(app).page.get("/sign-in").text
            assert guest(app).post("/sign-in/passkey/options").status_code == 401
        finally:
            monkeypatch.undo()
            config.get.cache_clear()


def show(browser, device, *, count=None, **more):
    options = browser.post("/sign-in/passkey/options").json
    return browser.post("/sign-in/passkey", {"credential": device.show(options, count=count), **more})


class TestNewBrowser:
    def test_a_browser_never_seen_is_told_of_once(self, app, company, drain, mailbox):
        browser = guest(app)
        wanted = {"email": company.email, "password": PASSWORD}
        agent = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"}
        assert browser.post("/sign-in", wanted, headers=agent).status_code == 303
        browser.post("/sign-out")
        assert browser.post("/sign-in", wanted, headers=agent).status_code == 303
        drain(company)
        letters = mailbox.to(company.email)
        assert [letter["Subject"] for letter in letters] == ["A new sign-in to your account"]
        assert "Firefox, Linux, from 127.0.0.1" in letters[0].get_body(("plain",)).get_content()

    def test_what_a_browser_calls_itself_cannot_write_the_letter(self, app, company, drain, mailbox):
        agent = {"User-Agent": "<b>Call 555-0100 now</b> https://evil.example"}
        guest(app).post("/sign-in", {"email": company.email, "password": PASSWORD}, headers=agent)
        drain(company)
        assert "evil" not in mailbox.to(company.email)[0].as_string()

    def test_a_cookie_we_did_not_sign_counts_for_nothing(self, app, company, drain, mailbox):
        browser = guest(app)
        browser.page.set_cookie("regulars_known", "forged")
        browser.post("/sign-in", {"email": company.email, "password": PASSWORD})
        drain(company)
        assert len(mailbox.to(company.email)) == 1


class TestSessionsList:
    def test_mine_is_named_others_can_be_ended_one_by_one_and_all(self, app, company):
        others = [sign_in(app, company.email) for _number in range(3)]
        page = company.page.get("/account").text
        assert page.count("this browser") == 1 and page.count('name="session"') >= 3
        digest = html.unescape(re.search(r'name="session" value="([^"]+)"', page)[1])
        assert company.post("/account/sessions/end", {"session": digest}).status_code == 303
        assert sum(signed_in(other) for other in others) in (2, 3)
        assert company.post("/account/sessions/end-others").status_code == 303
        assert signed_in(company.page) and not any(signed_in(other) for other in others)


class TestConfirm:
    @pytest.fixture
    def stale(self, company, time):
        time.pass_by(minutes=11)
        return company

    def test_a_page_is_led_there_and_back(self, stale):
        asked = stale.page.get("/account/second-factor?next=/settings")
        assert asked.location.startswith("/confirm?next=/account/second-factor")
        page = stale.page.get(asked.location)
        assert page.status_code == 200 and 'type="password"' in page.text
        assert '<a href="/">Back without it' in page.text
        assert stale.post("/confirm", {"password": "wrong", "next": "/account/second-factor"}).status_code == 401
        answer = stale.post("/confirm", {"password": PASSWORD, "next": "/account/second-factor"})
        assert (answer.status_code, answer.location) == (303, "/account/second-factor")
        assert stale.page.get("/account/second-factor").status_code == 200

    def test_a_form_is_kept_and_sent_again_by_one_press(self, stale):
        asked = stale.post("/settings/keys", {"name": "Till & <b>"})
        assert asked.status_code == 401 and keys_of(stale) == 1
        fields = hidden(asked.text)
        assert fields["kept.name"] == "Till & <b>" and fields["again"] == "/settings/keys"
        go_on = stale.post("/confirm", {**fields, "password": PASSWORD})
        assert go_on.status_code == 200 and 'action="/settings/keys"' in go_on.text and keys_of(stale) == 1
        assert stale.post("/settings/keys", hidden(go_on.text)).status_code == 200
        assert keys_of(stale) == 2

    def test_htmx_loads_the_page(self, stale):
        headers = {"HX-Request": "true", "Referer": "http://localhost/settings/keys?x=1"}
        answer = stale.post("/settings/keys", {"name": "Till"}, headers=headers)
        assert answer.headers["HX-Redirect"] == "/confirm?next=/settings/keys?x%3D1" and keys_of(stale) == 1

    def test_passwords_are_never_kept(self, stale):
        answer = stale.post("/settings/keys", {"name": "x", "password": "typed"})
        assert answer.status_code == 303 and answer.location.startswith("/confirm") and "typed" not in answer.text

    @pytest.mark.parametrize("field", ["next", "again"])
    @pytest.mark.parametrize(
        "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
    )
    def test_nobody_is_led_to_another_site(self, stale, field, target):
        answer = stale.post("/confirm", {"password": PASSWORD, field: target})
        assert "evil" not in answer.headers.get("Location", "") and "evil" not in answer.text
        assert "javascript:alert" not in answer.text

    def test_a_code_confirms_too_and_only_once(self, app, company, app_codes, time):
        time.pass_by(minutes=11)
        code = app_codes()
        assert company.post("/confirm", {"code": code}).status_code == 303
        time.pass_by(minutes=11)
        assert company.post("/confirm", {"code": code}).status_code == 401

    def test_a_passkey_confirms_too_if_it_is_mine(self, app, company, other_company, passkey, time):
        stranger = make_passkey(app, other_company.email)
        time.pass_by(minutes=11)
        options = company.post("/confirm/options").json
        assert company.post("/confirm", {"credential": stranger.show(options)}).status_code == 401
        options = company.post("/confirm/options").json
        assert company.post("/confirm", {"credential": passkey.show(options)}).status_code == 303
        assert company.page.get("/account/second-factor").status_code == 200

    def test_guessing_is_refused_after_a_while(self, stale, rate_limits):
        statuses = [stale.post("/confirm", {"password": "wrong"}).status_code for _number in range(11)]
        assert statuses == [401] * 10 + [429]

    @pytest.mark.parametrize(
        "path",
        [
            "/plan/free",
            "/plan/choose/growth",
            "/settings/keys",
            "/account/recovery-codes",
            "/account/second-factor/forget",
        ],
    )
    def test_money_keys_and_factors_ask_for_it(self, stale, path):
        answer = stale.post(path)
        assert answer.status_code == 401 and "/confirm" in answer.text

    def test_deleting_many_asks_for_it_and_changing_many_does_not(self, stale):
        made = [stale.api("POST", "/customers", json={"email": f"c{n}@shop.example"}).json["id"] for n in range(2)]
        tag = stale.post("/customers/bulk", {"ids": made, "do": "tag", "value": "vip", "go": "1"})
        assert tag.status_code == 303 and "/operations/" in tag.location
        asked = stale.post("/customers/bulk", {"ids": made, "do": "delete", "go": "1"})
        assert asked.status_code == 401 and asked.text.count('name="kept.ids"') == 2
        assert all(stale.api("GET", f"/customers/{one}").status_code == 200 for one in made)

    def test_it_holds_for_ten_minutes_and_not_for_other_browsers(self, app, stale, time):
        other = sign_in(app, stale.email)
        time.pass_by(minutes=11)
        stale.post("/confirm", {"password": PASSWORD})
        assert stale.page.get("/account/second-factor").status_code == 200
        assert other.get("/account/second-factor").status_code == 303
        time.pass_by(minutes=11)
        assert stale.page.get("/account/second-factor").status_code == 303


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {
        html.unescape(name): html.unescape(value) for name, value in found if name not in ("csrf_token", "username")
    }


def keys_of(company) -> int:
    return company.page.get("/settings/keys").text.count("/revoke")
