"""What a company asks of its people when they sign in, as they meet it."""

from __future__ import annotations

import re

import pytest

from saas.kit import work
from saas.tenancy import directory, logins, members
from saas.tenancy.models import Member
from tests.companies import PASSWORD, Company, add_member, found_company, sign_in
from tests.doors.test_second_factor import Clock, factors_of, guest, make_passkey, show
from tests.doors.test_second_factor import time as time
from tests.doors.test_signing import signed_in, token_for
from tests.letters import mailbox

__all__ = ["Clock", "mailbox", "time"]


@pytest.fixture
def strict(app, company):
    """The company asks for a second factor, and its owner has one."""
    make_passkey(app, company.email)
    company.page = sign_in(app, company.email, second_factor=True)
    assert company.post("/settings/sign-in/second-factor", {"required": "1"}).status_code == 303
    return company


def member_of(app, company, role="sales") -> Company:
    browser = add_member(app, company, role=role)
    email = re.search(r"<span>([^<@]+@shop\.example)</span>", browser.get("/account").text)
    return Company(app, company.tenant_id, email[1] if email else "", "", "", browser)


class TestRequired:
    def test_who_has_none_is_led_to_setting_it_up_before_any_page(self, app, strict):
        member = member_of(app, strict)
        for path in ("/", "/customers", "/orders", "/search?q=x"):
            assert member.page.get(path).location.startswith("/account/second-factor?next="), path
        assert member.post("/customers/new", {"email": "x@shop.example"}).location == "/account/second-factor"
        from tests.authenticators import SoftPasskey

        options = member.post("/account/passkeys/options").json
        done = member.post("/account/passkeys", {"credential": SoftPasskey().make(options), "next": "/customers"})
        assert done.status_code == 200 and 'href="/customers"' in done.text
        assert member.page.get("/customers").status_code == 200

    def test_an_htmx_part_is_led_there_too(self, app, strict):
        member = member_of(app, strict)
        answer = member.page.get("/customers", headers={"HX-Request": "true"})
        assert answer.headers["HX-Redirect"] == "/account/second-factor"

    def test_until_the_day_people_are_reminded(self, app, company, time):
        make_passkey(app, company.email)
        company.page = sign_in(app, company.email, second_factor=True)
        day = (time.at.date().replace(year=time.at.year + 1)).isoformat()
        assert company.post("/settings/sign-in/second-factor", {"required": "1", "since": day}).status_code == 303
        member = member_of(app, company)
        page = member.page.get("/customers")
        assert page.status_code == 200 and "asks everybody for a second factor" in page.text
        assert "asks everybody" not in company.page.get("/customers").text

    def test_an_owner_without_one_cannot_lock_herself_out(self, company):
        assert company.post("/settings/sign-in/second-factor", {"required": "1"}).status_code == 409

    def test_only_owners_ask_for_it(self, app, company):
        admin = member_of(app, company, role="admin")
        assert admin.page.get("/settings/sign-in").status_code == 200
        assert admin.post("/settings/sign-in/second-factor", {"required": "1"}).status_code == 403

    @pytest.mark.parametrize("day", ["tomorrow", "2026-13-01", "9999999-01-01"])
    def test_nonsense_is_no_day(self, app, strict, day):
        assert strict.post("/settings/sign-in/second-factor", {"required": "1", "since": day}).status_code == 422

    def test_programs_and_other_companies_are_not_touched(self, strict, other_company):
        assert strict.api("GET", "/customers").status_code == 200
        assert other_company.page.get("/customers").status_code == 200

    def test_removing_the_factor_leads_back_to_setting_one_up(self, app, strict):
        page = strict.page.get("/account/second-factor").text
        key_id = re.search(r"/account/passkeys/([^/]+)/remove", page)[1]
        assert strict.post(f"/account/passkeys/{key_id}/remove").status_code == 303
        assert strict.page.get("/customers").location.startswith("/account/second-factor")


class TestWhoHasWhat:
    def test_it_is_shown_among_the_people_and_at_the_rules(self, app, strict):
        member_of(app, strict)
        assert strict.page.get("/settings/members").text.count("second factor") >= 1
        page = strict.page.get("/settings/sign-in").text
        assert "1 passkey" in page and "password only" in page


class TestReset:
    @pytest.fixture
    def lost(self, app, company):
        """A salesperson with a passkey who lost the phone it was on."""
        member = member_of(app, company)
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            held = next(who for who in members.listed() if who.role == "sales")
            member.email, member.id = held.email, str(held.id)
        member.device = make_passkey(app, member.email)
        member.page = sign_in(app, member.email, second_factor=True)
        return member

    def test_the_owner_takes_it_off_they_are_out_and_told(self, app, company, lost, drain, mailbox):
        assert company.post(f"/settings/members/{lost.id}/reset-factor").status_code == 303
        assert not signed_in(lost.page) and not factors_of(app, lost).any
        assert show(guest(app), lost.device).status_code == 401
        browser = guest(app)
        assert browser.post("/sign-in", {"email": lost.email, "password": PASSWORD}).location == "/"
        drain(company)
        assert "Your second factor was reset" in [letter["Subject"] for letter in mailbox.to(lost.email)]
        assert company.post(f"/settings/members/{lost.id}/reset-factor").status_code == 409

    def test_nobody_but_an_owner_does(self, app, company, lost):
        admin = member_of(app, company, role="admin")
        assert admin.post(f"/settings/members/{lost.id}/reset-factor").status_code == 403
        assert lost.post(f"/settings/members/{lost.id}/reset-factor").status_code == 403

    def test_one_company_does_not_weaken_an_account_others_rely_on(self, app, company, other_company, lost):
        join(app, other_company, lost.email)
        assert company.post(f"/settings/members/{lost.id}/reset-factor").status_code == 409
        assert factors_of(app, lost).any

    def test_another_companys_people_are_not_there(self, other_company, lost):
        assert other_company.post(f"/settings/members/{lost.id}/reset-factor").status_code == 404


def join(app, company, email):
    from saas.kit.db import db

    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        login = logins.by_email(email)
        made = Member(login_id=login.id, email=email, email_norm=email, role="sales")
        db.session.add(made)
        db.session.flush()
        directory.enter(kind="member", key=str(login.id), subject_id=made.id)


class TestMakingOwners:
    def test_it_asks_to_confirm(self, app, company, time):
        member_of(app, company)
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            held = next(who for who in members.listed() if who.role == "sales")
        time.pass_by(minutes=11)
        assert company.post(f"/settings/members/{held.id}/role", {"role": "marketer"}).status_code == 303
        asked = company.post(f"/settings/members/{held.id}/role", {"role": "owner"})
        assert asked.status_code == 401 and "/confirm" in asked.text
        assert company.post("/settings/members", {"email": "new@shop.example", "role": "owner"}).status_code == 401


class TestCveClasses:
    """Mistakes others made, by their numbers."""

    def test_2021_25961_a_reset_link_dies_with_its_person(self, app, company):
        member = member_of(app, company)
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            held = next(who for who in members.listed() if who.role == "sales")
            member.email = held.email
        link = f"/reset/{token_for(app, 'reset', member.email)}"
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            members.remove(held.id)
        assert guest(app).page.get(link).status_code == 410
        again = found_company(app)
        from saas.tenancy import founding

        with app.app_context(), work.unit(tenant_id=None):
            founding.new_login(email=member.email, password=PASSWORD)
        assert guest(app).post(link, {"password": "a whole new password"}).status_code == 410
        assert signed_in(again.page)

    def test_2026_34828_a_new_password_ends_every_other_session(self, app, company):
        other, half = sign_in(app, company.email), sign_in(app, company.email, second_factor=True)
        form = {"current": PASSWORD, "password": "a whole new password"}
        assert company.post("/account/password", form).status_code == 303
        assert signed_in(company.page) and not signed_in(other) and not signed_in(half)

    def test_2026_34828_half_sessions_end_with_the_password_too(self, app, company):
        make_passkey(app, company.email)
        browser = guest(app)
        browser.post("/sign-in", {"email": company.email, "password": PASSWORD})
        assert browser.page.get("/sign-in/second").status_code == 200
        company.page = sign_in(app, company.email, second_factor=True)
        company.post("/account/password", {"current": PASSWORD, "password": "a whole new password"})
        assert browser.page.get("/sign-in/second").status_code == 303

    def test_2024_24818_a_strange_host_reaches_no_step_of_signing_in(self, app):
        for path in ("/sign-in", "/sign-in/second", "/sso", "/confirm", "/account/second-factor", "/support"):
            assert app.test_client().get(path, headers={"Host": "evil.example"}).status_code == 400, path

    def test_2024_24818_the_providers_way_back_is_the_public_address(self, app, company):
        from saas.tenancy import sso

        with app.test_request_context("/", headers={"Host": "evil.example"}):
            assert sso.redirect("x").startswith("http://127.0.0.1:8000/")
