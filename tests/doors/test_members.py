"""The company's people at the page: invitations by mail, roles, the last owner."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from saas.kit import work
from saas.tenancy import limits, logins, members
from tests.companies import PASSWORD, Company, add_member
from tests.letters import mailbox  # noqa: F401


def member_id(app, company, role) -> str:
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        return str(next(member.id for member in members.listed() if member.role == role))


class TestInvite:
    def test_the_letter_brings_somebody_in(self, app, company, drain, mailbox):  # noqa: F811
        assert company.post("/settings/members", {"email": "grace@guests.example", "role": "sales"}).status_code == 303
        assert "grace@guests.example" in company.page.get("/settings/members").text
        drain(company)
        letter = mailbox.to("grace@guests.example")[0]
        assert "Test Company" in letter["Subject"]
        link = re.search(
            r"http://127\.0\.0\.1:8000(/invitations/\S+)", letter.get_body(("plain",)).get_content()
        ).group(1)
        guest = Company(app, 0, "", "", "", app.test_client())
        assert guest.post(link, {"name": "Grace", "password": PASSWORD}).status_code == 303
        assert guest.page.get("/").status_code == 200

    def test_a_full_plan_says_so_and_keeps_what_was_typed(self, app, company):
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            limits.set_all(limits={"members": 1})
        answer = company.post("/settings/members", {"email": "grace@guests.example", "role": "sales"})
        assert answer.status_code == 402 and "1" in answer.text and "grace@guests.example" in answer.text

    def test_not_before_ones_own_address_is_verified(self, app, company):
        with app.app_context(), work.unit(tenant_id=None):
            logins.by_email(company.email).verified_at = None
        assert company.post("/settings/members", {"email": "grace@guests.example", "role": "sales"}).status_code == 403

    def test_a_wrong_address_is_named(self, company):
        assert company.post("/settings/members", {"email": "grace", "role": "sales"}).status_code == 422

    def test_an_invitation_is_sent_again_and_taken_back(self, app, company):
        company.post("/settings/members", {"email": "grace@guests.example", "role": "service"})
        path = f"/settings/members/{member_id(app, company, 'service')}"
        assert company.post(f"{path}/again").status_code == 303
        assert company.post(f"{path}/remove").status_code == 303
        assert company.post(f"{path}/again").status_code == 404


class TestRoles:
    def test_an_owner_changes_a_role_and_it_counts_at_once(self, app, company):
        browser = add_member(app, company, role="sales")
        assert browser.get("/settings/members").status_code == 403
        path = f"/settings/members/{member_id(app, company, 'sales')}/role"
        assert company.post(path, {"role": "admin"}).status_code == 303
        assert browser.get("/settings/members").status_code == 200

    def test_the_last_owner_can_neither_step_down_nor_leave(self, app, company):
        path = f"/settings/members/{member_id(app, company, 'owner')}"
        assert company.post(f"{path}/role", {"role": "admin"}).status_code == 409
        assert company.post(f"{path}/remove").status_code == 409
        assert company.page.get("/settings/members").status_code == 200

    def test_an_administrator_cannot_raise_themselves_or_an_accomplice(self, app, company):
        admin = Company(app, company.tenant_id, "", "", "", add_member(app, company, role="admin"))
        mine = member_id(app, company, "admin")
        assert admin.post(f"/settings/members/{mine}/role", {"role": "owner"}).status_code == 403
        assert admin.post("/settings/members", {"email": "x@guests.example", "role": "owner"}).status_code == 403
        assert 'value="owner"' not in admin.page.get("/settings/members").text

    def test_who_is_removed_is_out_with_the_next_click(self, app, company):
        browser = add_member(app, company, role="sales")
        company.post(f"/settings/members/{member_id(app, company, 'sales')}/remove")
        assert browser.get("/").location.startswith("/sign-in")


@pytest.mark.parametrize("act", ["role", "remove", "again"])
def test_another_companys_people_are_like_nobody(app, company, other_company, act):
    foreign = member_id(app, other_company, "owner")
    theirs, nobodys = (company.post(f"/settings/members/{one}/{act}", {"role": "sales"}) for one in (foreign, uuid4()))
    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.data == nobodys.data
