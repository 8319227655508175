"""A key does what its scopes name and no more, and ends when it was to end."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from saas.kit import clock, work
from saas.tenancy import api_keys
from tests.companies import Company


def with_key(company, **about) -> Company:
    with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
        _key, secret = api_keys.make(name="Stock", **about)
    return Company(company.app, company.tenant_id, "", secret, "", company.app.test_client())


def test_it_does_what_its_scopes_name_and_no_more(company):
    stock = with_key(company, scopes=["products.read", "products.edit"])
    assert stock.api("POST", "/products", json={"external_id": "p1", "name": "Pot"}).status_code == 201
    assert stock.api("GET", "/products").status_code == 200
    for method, path in (
        ("GET", "/customers"),
        ("POST", "/customers"),
        ("GET", "/orders"),
        ("GET", "/reports/sales"),
        ("GET", "/webhooks"),
        ("GET", "/changes"),
    ):
        assert stock.api(method, path, json={} if method == "POST" else None).status_code == 403, path


def test_a_scope_gives_nothing_that_the_role_does_not_have(company):
    reader = with_key(company, role="read_only", scopes=["customers.read", "customers.edit"])
    assert reader.api("GET", "/customers").status_code == 200
    assert reader.api("POST", "/customers", json={"email": "a@shop.example"}).status_code == 403


@pytest.mark.parametrize(
    "about", [{"scopes": []}, {"scopes": ["customers.explode"]}, {"scopes": ["*"]}, {"days": 0}, {"days": 99999}]
)
def test_what_makes_no_sense_is_refused(company, context, about):
    with pytest.raises(api_keys.BadKey), work.unit(tenant_id=company.tenant_id):
        api_keys.make(name="Stock", **about)


def test_it_ends(company, monkeypatch):
    key = with_key(company, days=3)
    assert key.api("GET", "/products").status_code == 200
    later = clock.now() + timedelta(days=3, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert key.api("GET", "/products").status_code == 401


def test_the_page_makes_and_shows_it(company):
    made = company.post("/settings/keys", {"name": "Stock", "role": "owner", "scopes": ["products.read"], "days": "30"})
    secret = re.search(r"rg_[A-Za-z0-9]{8}_[A-Za-z0-9]{43}", made.text).group()
    stock = Company(company.app, company.tenant_id, "", secret, "", company.app.test_client())
    assert stock.api("GET", "/products").status_code == 200 and stock.api("GET", "/customers").status_code == 403
    assert "only 1 right" in company.page.get("/settings/keys").text
    assert company.post("/settings/keys", {"name": "Stock", "role": "owner", "scopes": ["nonsense"]}).status_code == 422
