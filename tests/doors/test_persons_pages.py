"""The pages of data protection: a person's file, and erasing with a certificate."""

from __future__ import annotations

from uuid import uuid4

import pytest

from saas.customers import profiles
from saas.integrations import persons
from saas.kit import work
from saas.tenancy import operations


@pytest.fixture
def ada(company, context):
    with work.unit(tenant_id=company.tenant_id):
        return profiles.create(email="ada@shop.example", first_name="Ada", last_name="Lovelace").id


def test_the_page_says_what_can_be_done(company, ada):
    answer = company.page.get(f"/customers/{ada}/data").text
    assert "Put the file together" in answer and "Erase for good" in answer


def test_a_person_s_file_begins_as_an_operation(company, ada):
    assert "/operations/" in company.post(f"/customers/{ada}/data/export").location


def test_the_name_has_to_be_typed(company, ada):
    assert company.post(f"/customers/{ada}/data/erase", {"name": "Ada"}).location.endswith(f"/customers/{ada}/data")
    begun = company.post(f"/customers/{ada}/data/erase", {"name": "Ada Lovelace"}).location
    assert "/operations/" in begun


def test_the_certificate(company, ada, context):
    with work.unit(tenant_id=company.tenant_id):
        made = persons.erase_now(ada).id
    answer = company.page.get(f"/erasures/{made}").text
    assert "Certificate of erasure" in answer and "Names they go by" in answer
    assert "Lovelace" not in answer


def test_another_companys_person_is_not_there(company, other_company, ada):
    for path in (f"/customers/{ada}/data", f"/customers/{uuid4()}/data", f"/erasures/{uuid4()}"):
        assert other_company.page.get(path).status_code == 404
    assert other_company.post(f"/customers/{ada}/data/erase", {"name": "Ada Lovelace"}).status_code == 404
    assert other_company.post(f"/customers/{ada}/data/export").status_code == 404


def test_programs_ask_for_the_same(company, other_company, ada, context):
    begun = company.api("POST", f"/customers/{ada}/data/export")
    assert begun.status_code == 202
    with work.unit(tenant_id=company.tenant_id):
        assert operations.one(begun.json["id"]).kind == persons.EXPORT
    assert other_company.api("POST", f"/customers/{ada}/data/erase").status_code == 404
    assert company.api("POST", f"/customers/{ada}/data/erase").status_code == 202
