"""The platform's staff inside a company: with its consent, within it, and in its history; without it nothing."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from saas.kit import work
from saas.kit.db import db
from saas.tenancy import logins, staff, support
from saas.tenancy.models import AuditEntry
from tests.companies import Company, add_member, add_staff, found_company, sign_in
from tests.doors.test_second_factor import Clock
from tests.doors.test_second_factor import time as time

__all__ = ["Clock", "time"]


@pytest.fixture
def helper(app):
    """A browser of the platform's own staff."""
    return add_staff(app)


def let_in(company, length="day", **more):
    answer = company.post("/settings/support", {"length": length, **more})
    assert answer.status_code == 303
    return company


def go_in(helper, company):
    return helper.post("/support/enter", {"company": str(company.tenant_id)})


def history(app, company) -> list[tuple[str, str, str]]:
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        rows = db.session.scalars(select(AuditEntry).where(AuditEntry.actor_kind == "support").order_by(AuditEntry.id))
        return [(row.action, row.record_kind, row.record_id) for row in rows]


class TestConsent:
    def test_from_asking_to_going_out(self, app, company, helper):
        let_in(company, reason="The till is silent", may_edit="1")
        page = helper.page.get("/support").text
        assert "The till is silent" in page and "Test Company" in page
        assert go_in(helper, company).status_code == 303
        inside = helper.page.get("/")
        assert inside.status_code == 200 and "is here until" in inside.text
        assert helper.page.get("/customers").status_code == 200
        assert "Regulars support may come in until" in company.page.get("/").text
        assert helper.post("/support/leave").status_code == 303
        assert helper.page.get("/customers").status_code == 303
        actions = [action for action, _kind, _id in history(app, company)]
        assert actions[0] == "support.entered" and actions.count("support.read_page") == 2

    def test_every_page_and_act_is_in_the_companys_history_under_the_name(self, app, company, helper):
        let_in(company, may_edit="1")
        go_in(helper, company)
        helper.page.get("/customers?text=ada")
        helper.post("/customers/new", {"email": "new@shop.example", "first_name": "New"})
        found = history(app, company)
        assert ("support.read_page", "page", "/customers") in found
        told = company.page.get("/history").text
        assert "/customers?text=ada" in told and "Regulars support (" in told
        assert any(action == "support.sent_form" for action, _kind, _id in found)
        assert helper.tenant_id != company.tenant_id

    def test_reading_only_changes_nothing(self, app, company, helper):
        let_in(company)
        go_in(helper, company)
        assert helper.page.get("/settings").status_code == 200
        assert helper.post("/settings", {"name": "Taken Over"}).status_code == 403
        assert "Taken Over" not in company.page.get("/settings").text

    def test_changing_when_allowed(self, company, helper):
        let_in(company, may_edit="1")
        go_in(helper, company)
        page = company.page.get("/settings")
        assert helper.post("/segments/new", {}).status_code != 403 and page.status_code == 200

    @pytest.mark.parametrize("path", [
        "/plan", "/settings/keys", "/settings/members", "/settings/sign-in", "/settings/sso", "/settings/webhooks", "/operations",
    ])  # fmt: skip
    def test_money_keys_and_people_are_closed_even_to_look_at(self, company, helper, path):
        let_in(company, may_edit="1")
        go_in(helper, company)
        assert helper.page.get(path).status_code in (403, 404), path

    def test_nothing_that_asks_to_confirm_and_no_file_is_open(self, app, company, helper):
        from saas.kit import doors

        let_in(company, may_edit="1")
        go_in(helper, company)
        tried = 0
        for rule in app.url_map.iter_rules():
            view = app.view_functions[rule.endpoint]
            for method in sorted(rule.methods & {"GET", "POST"}):
                entrance = doors.entrance_of(view, method)
                file = any(part in rule.endpoint for part in ("export", "download", "files."))
                if entrance is None or entrance.kind != "member" or not (entrance.fresh or file):
                    continue
                path = re.sub(r"<[^>]+>", "0190a0a0-0000-7000-8000-000000000000", rule.rule)
                answer = helper.page.open(path, method=method, headers={"X-CSRFToken": helper.csrf()})
                assert answer.status_code == 403, (method, rule.rule, answer.status_code)
                tried += 1
        assert tried >= 8

    def test_it_ends_by_itself(self, company, helper, time):
        let_in(company, "hour")
        go_in(helper, company)
        time.pass_by(minutes=59)
        assert helper.page.get("/customers").status_code == 200
        time.pass_by(minutes=2)
        assert helper.page.get("/customers").location == "/support"
        assert helper.page.get("/customers").location.startswith("/companies")

    def test_taking_it_back_turns_them_out_at_once(self, company, helper):
        let_in(company)
        go_in(helper, company)
        assert company.post("/settings/support/withdraw").status_code == 303
        assert helper.page.get("/customers").status_code == 303
        assert go_in(helper, company).status_code == 404

    def test_a_consent_opens_no_other_company(self, company, other_company, helper):
        let_in(company)
        go_in(helper, company)
        customer = other_company.api("POST", "/customers", json={"email": "theirs@shop.example"}).json["id"]
        assert helper.page.get(f"/customers/{customer}").status_code == 404
        assert go_in(helper, other_company).status_code == 404

    @pytest.mark.parametrize("form", [{}, {"length": "year"}, {"length": ""}])
    def test_only_the_lengths_offered(self, company, form):
        assert company.post("/settings/support", form).status_code == 422

    def test_who_may_consent(self, app, company, time):
        for role, expected in (("admin", 303), ("marketer", 403), ("sales", 403)):
            member = Company(app, company.tenant_id, "", "", "", add_member(app, company, role=role))
            assert member.post("/settings/support", {"length": "hour"}).status_code == expected
        time.pass_by(minutes=11)
        assert company.post("/settings/support", {"length": "hour"}).status_code == 401


class TestWithout:
    def test_there_is_nothing_and_the_try_is_written_down(self, app, company, helper):
        assert go_in(helper, company).status_code == 404
        assert history(app, company) == [("support.refused", "support", "")]
        assert helper.page.get("/customers").status_code in (200, 303)
        assert f'value="{company.tenant_id}"' not in helper.page.get("/support").text

    def test_a_company_that_is_not_there_looks_the_same(self, company, helper):
        theirs = helper.post("/support/enter", {"company": str(company.tenant_id)})
        for wanted in ("999999999", "0", "-1", "x", "", "9" * 40):
            nobodys = helper.post("/support/enter", {"company": wanted})
            assert (nobodys.status_code, nobodys.data) == (theirs.status_code, theirs.data)

    def test_an_owner_is_no_staff(self, company, other_company):
        let_in(company)
        assert other_company.page.get("/support").status_code == 404
        assert go_in(other_company, company).status_code == 404

    def test_staff_without_a_second_factor_are_led_to_one(self, app, company):
        other = found_company(app)
        with app.app_context(), work.unit(tenant_id=None):
            staff.add(other.email)
        other.page = sign_in(app, other.email)
        assert other.page.get("/support").location.startswith("/account/second-factor")
        let_in(company)
        assert go_in(other, company).status_code == 303 and other.page.get("/customers").status_code == 200

    def test_who_is_staff_no_longer_is_out_at_once(self, app, company, helper):
        let_in(company)
        go_in(helper, company)
        with app.app_context(), work.unit(tenant_id=None):
            staff.remove(helper.email)
        assert helper.page.get("/customers").location.startswith("/sign-in")

    def test_going_in_wants_to_know_that_it_is_them(self, company, helper, time):
        let_in(company, "week")
        time.pass_by(minutes=11)
        assert go_in(helper, company).status_code == 401

    def test_what_staff_begin_does_not_go_on_with_every_right(self, app, company):
        from saas.tenancy import rights

        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            assert rights.of_actor("support", "whoever").permissions == frozenset()

    def test_the_list_of_rights_is_short(self):
        allowed = support.READING | support.CHANGING
        assert not {
            name
            for name in allowed
            if name.split(".")[0] in ("plan", "keys", "members", "roles", "company", "hooks", "support")
        }
        assert not {name for name in allowed if name.split(".")[1] not in ("read", "edit")}


class TestWhoIsStaff:
    def test_nobody_is_until_the_command_says_so(self, app, company):
        with app.app_context(), work.unit(tenant_id=None):
            assert not logins.by_email(company.email).staff
            staff.add(company.email)
            assert company.email in [login.email for login in staff.listed()]
            staff.remove(company.email)
            assert company.email not in [login.email for login in staff.listed()]
            with pytest.raises(staff.NoSuchPerson):
                staff.add("nobody@nowhere.example")

    def test_no_form_of_a_person_makes_them_staff(self, app, company):
        company.post("/account", {"name": "Ada", "language": "", "zone": "", "staff": "1"})
        with app.app_context(), work.unit(tenant_id=None):
            assert not logins.by_email(company.email).staff
