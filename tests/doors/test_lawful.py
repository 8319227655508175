"""What people may ask of a company by law is done also while its plan is not paid; all else waits."""

from __future__ import annotations

import pytest

from saas.customers import profiles
from saas.kit import work
from saas.tenancy import bin, limits


@pytest.fixture
def unpaid(app, company):
    """The ids of a customer and of one in the bin, of a company that may only read."""
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        ada, bo = (profiles.create(email=f"{name}@shop.example", first_name=name).id for name in ("Ada", "Bo"))
        profiles.delete(bo)
        item = bin.find("customer", bo).id
        limits.set_state("read_only")
    return {"customer": str(ada), "item": str(item)}


@pytest.mark.parametrize(
    ("path", "form", "leads"),
    [
        ("/customers/{customer}/data/export", {}, "/operations/"),
        ("/customers/{customer}/data/erase", {"name": "Ada"}, "/operations/"),
        ("/bin/{item}/erase", {"name": "Bo"}, "/operations/"),
        ("/customers/erase", {"all": "1", "go": "1", "number": "1"}, "/operations/"),
        (
            "/customers/{customer}/consents",
            {"about": "marketing.email", "state": "withdrawn", "reason": "said so"},
            "/consents",
        ),
        ("/settings/data/browsing", {"number": "6", "name": "Test Company"}, "/settings/data"),
        ("/settings/data/browsing/off", {}, "/settings/data"),
    ],
)
def test_people_at_the_page(company, unpaid, path, form, leads):
    answer = company.post(path.format(**unpaid), form)
    assert answer.status_code == 303 and leads in answer.location


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/customers/{customer}/consents", {"about": "marketing.email", "state": "granted", "reason": "said so"}),
        ("/customers/{customer}/delete", {}),
        ("/bin/{item}/restore", {}),
    ],
)
def test_all_else_waits(company, unpaid, path, form):
    assert company.post(path.format(**unpaid), form).status_code == 402


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/customers/{customer}/data/export", None, 202),
        ("POST", "/customers/{customer}/data/erase", None, 202),
        ("POST", "/bin/{item}/erase", None, 202),
        ("POST", "/customers/erase", {"where": ["city.is_not.Rome"], "number": 1}, 202),
        ("POST", "/customers/{customer}/consents", {"state": "withdrawn"}, 200),
        ("POST", "/customers/{customer}/consents", {"state": "granted"}, 402),
        ("PUT", "/retention-rules/browsing", {"number": 6, "confirm": "Test Company"}, 200),
        ("PATCH", "/customers/{customer}", {"city": "Bath"}, 402),
        ("POST", "/bin/{item}/restore", {}, 402),
    ],
)
def test_programs(company, unpaid, method, path, body, status):
    answer = company.api(method, path.format(**unpaid), json=body)
    assert answer.status_code == status, answer.text
