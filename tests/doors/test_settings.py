"""The company's settings at the page, and what each role may open."""

from __future__ import annotations

import re

import pytest

from saas.kit import work
from saas.tenancy import api_keys, limits, logins, settings
from tests.companies import Company, add_member

COMPANY = {
    "name": "Lamps",
    "address": "Main St 1",
    "country": "DE",
    "currency": "EUR",
    "zone": "Europe/Berlin",
    "languages": ["de"],
}


class TestCompany:
    def test_what_is_saved_is_shown(self, company):
        assert company.post("/settings", COMPANY).status_code == 303
        page = company.page.get("/settings").text
        assert 'value="Lamps"' in page and "Main St 1" in page and company.site_key in page

    def test_what_is_wrong_is_named_and_nothing_is_kept(self, app, company):
        answer = company.post("/settings", COMPANY | {"zone": "Mars/Base"})
        assert answer.status_code == 422 and "time zone" in answer.text and 'value="Lamps"' in answer.text
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            assert settings.shown()["name"] == "Test Company"

    def test_markup_in_a_name_stays_text(self, company):
        company.post("/settings", COMPANY | {"name": "<script>alert(1)</script>"})
        assert "<script>alert(1)" not in company.page.get("/settings").text

    def test_fields_that_are_not_offered_are_not_taken(self, app, company):
        company.post("/settings", COMPANY | {"state": "closed", "site_key": "pk_mine"})
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            held = settings.shown()
        assert (held["state"], held["site_key"]) == ("active", company.site_key)

    def test_an_unpaid_company_may_still_change_its_settings_and_nothing_else(self, app, company):
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            limits.set_state("read_only")
        assert company.post("/settings", COMPANY).status_code == 303
        assert company.api("POST", "/customers", json={"email": "a@shop.example"}).status_code == 402


class TestSender:
    def test_the_key_is_made_and_its_entries_shown(self, company):
        assert company.post("/settings/sender/key").status_code == 409
        assert company.post("/settings/sender", {"sender_email": "hello@one.example"}).status_code == 303
        assert company.post("/settings/sender/key").status_code == 303
        page = company.page.get("/settings/sender").text
        assert "._domainkey.one.example" in page and "v=DKIM1; k=rsa; p=" in page and "PRIVATE" not in page

    def test_a_line_break_in_the_sender_is_refused(self, company):
        answer = company.post("/settings/sender", {"sender_email": "a@b.example\r\nBcc: x@y.example"})
        assert answer.status_code == 422

    def test_the_check_says_what_dns_said(self, company, monkeypatch):
        from saas.tenancy import sending_domain

        company.post("/settings/sender", {"sender_email": "hello@one.example"})
        company.post("/settings/sender/key")
        monkeypatch.setattr(sending_domain, "look_up", lambda wanted: {entry.kind: "found" for entry in wanted})
        assert "found" in company.post("/settings/sender/check").text
        assert "vouches" in company.page.get("/settings/sender").text


class TestKeys:
    def test_a_key_is_shown_once_works_and_is_revoked(self, app, company):
        answer = company.post("/settings/keys", {"name": "Stock"})
        secret = re.search(r"rg_[A-Za-z0-9]{8}_[A-Za-z0-9]{43}", answer.text).group()
        assert answer.headers["Cache-Control"] == "no-store"
        assert secret not in company.page.get("/settings/keys").text
        bearer = {"Authorization": f"Bearer {secret}"}
        assert app.test_client().get("/api/v1/company", headers=bearer).json["name"] == "Test Company"
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            key = next(key for key in api_keys.all_keys() if key.name == "Stock")
        assert company.post(f"/settings/keys/{key.id}/revoke").status_code == 303
        assert app.test_client().get("/api/v1/company", headers=bearer).status_code == 401

    def test_not_before_the_address_is_verified(self, app, company):
        with app.app_context(), work.unit(tenant_id=None):
            logins.by_email(company.email).verified_at = None
        assert company.post("/settings/keys", {"name": "Stock"}).status_code == 403


class TestApiCompany:
    def test_the_company_and_its_limits(self, company):
        answer = company.api("GET", "/company")
        assert answer.json["name"] == "Test Company" and answer.json["limits"]["members"] is None
        assert "dkim" not in answer.text and answer.headers["ETag"]
        assert company.app.test_client().get("/api/v1/company").status_code == 401


MATRIX = {
    "GET /": {"owner", "admin", "marketer", "sales", "service", "read_only"},
    "GET /settings": {"owner", "admin"},
    "POST /settings": {"owner", "admin"},
    "GET /settings/sender": {"owner", "admin"},
    "POST /settings/sender": {"owner", "admin"},
    "GET /settings/members": {"owner", "admin"},
    "POST /settings/members": {"owner", "admin"},
    "GET /settings/keys": {"owner", "admin"},
    "POST /settings/keys": {"owner", "admin"},
}


@pytest.mark.parametrize("role", ["owner", "admin", "marketer", "sales", "service", "read_only"])
def test_each_role_opens_what_it_may_and_nothing_else(app, company, role):
    browser = company.page if role == "owner" else add_member(app, company, role=role)
    person = Company(app, company.tenant_id, "", "", "", browser)
    for route, allowed in MATRIX.items():
        method, path = route.split(" ")
        answer = browser.get(path) if method == "GET" else person.post(path)
        assert (answer.status_code == 403) is (role not in allowed), (route, role, answer.status_code)
