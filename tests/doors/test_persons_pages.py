"""The pages of data protection: a person's file, and erasing with a certificate."""

from __future__ import annotations

from uuid import uuid4

import pytest

from saas.audiences import segments
from saas.customers import profiles
from saas.integrations import erasures, persons
from saas.kit import work
from saas.tenancy import bin, operations
from tests.companies import add_member


@pytest.fixture
def ada(app, company):
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
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


def test_the_certificate(app, company, ada):
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        made = erasures.erase_now(ada).id
    answer = company.page.get(f"/erasures/{made}").text
    assert "Certificate of erasure" in answer and "Names they go by" in answer
    assert "Lovelace" not in answer


def test_another_companys_person_is_not_there(company, other_company, ada):
    for path in (f"/customers/{ada}/data", f"/customers/{uuid4()}/data", f"/erasures/{uuid4()}"):
        assert other_company.page.get(path).status_code == 404
    assert other_company.post(f"/customers/{ada}/data/erase", {"name": "Ada Lovelace"}).status_code == 404
    assert other_company.post(f"/customers/{ada}/data/export").status_code == 404


def test_programs_ask_for_the_same(app, company, other_company, ada):
    begun = company.api("POST", f"/customers/{ada}/data/export")
    assert begun.status_code == 202
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        assert operations.one(begun.json["id"]).kind == persons.EXPORT
    assert other_company.api("POST", f"/customers/{ada}/data/erase").status_code == 404
    assert company.api("POST", f"/customers/{ada}/data/erase").status_code == 202


@pytest.fixture
def deleted(app, company, ada):
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        profiles.delete(ada)
        return bin.find("customer", ada).id


def test_whoever_was_deleted_is_erased_from_the_bin(company, other_company, deleted, ada, drain):
    assert f"/bin/{deleted}/erase" in company.page.get("/bin").text
    assert "Ada Lovelace" in company.page.get(f"/bin/{deleted}/erase").text
    assert company.post(f"/bin/{deleted}/erase", {"name": "Ada"}).location.endswith(f"/bin/{deleted}/erase")
    assert other_company.page.get(f"/bin/{deleted}/erase").status_code == 404
    assert other_company.post(f"/bin/{deleted}/erase", {"name": "Ada Lovelace"}).status_code == 404
    begun = company.post(f"/bin/{deleted}/erase", {"name": "Ada Lovelace"}).location
    drain(company)
    assert "Certificate of erasure" in company.page.get(begun).text
    assert "Lovelace" not in company.page.get("/bin").text
    assert company.page.get(f"/bin/{deleted}/erase").status_code == 404


def test_programs_erase_from_the_bin(company, other_company, deleted, drain):
    assert other_company.api("POST", f"/bin/{deleted}/erase").status_code == 404
    begun = company.api("POST", f"/bin/{deleted}/erase")
    assert begun.status_code == 202
    drain(company)
    assert company.api("GET", f"/operations/{begun.json['id']}").json["state"] == "done"
    assert company.api("POST", f"/bin/{deleted}/erase").status_code == 404


def test_whose_address_is_a_customers_by_now_is_erased_there(company, deleted):
    made = company.api("POST", "/customers", json={"email": "ada@shop.example"}).json["id"]
    refused = company.post(f"/bin/{deleted}/erase", {"name": "Ada Lovelace"})
    assert refused.status_code == 409 and f"/customers/{made}/data" in refused.text
    answer = company.api("POST", f"/bin/{deleted}/erase")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "address_in_use")


def test_a_segment_in_the_bin_is_nobody_to_erase(app, company):
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        made = segments.create(name="Gone", definition={"match": "all", "conditions": []}).id
        segments.delete(made)
        item = bin.find("segment", made).id
    assert company.page.get(f"/bin/{item}/erase").status_code == 404
    assert company.api("POST", f"/bin/{item}/erase").status_code == 404


@pytest.fixture
def bath(app, company):
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        for name in "abc":
            profiles.create(email=f"{name}@shop.example", city="Bath" if name != "c" else "Oslo")


def test_many_are_erased_when_their_number_is_typed(app, company, bath, drain):
    chosen = {"all": "1", "where": "city.is.Bath"}
    assert "2 customers are chosen" in company.post("/customers/erase", chosen).text
    wrong = company.post("/customers/erase", chosen | {"go": "1", "number": "3"})
    assert wrong.status_code == 422 and "It would be 2 people" in wrong.text
    begun = company.post("/customers/erase", chosen | {"go": "1", "number": "2"}).location
    drain(company)
    page = company.page.get(begun).text
    assert "Certificate of erasure" in page
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        assert profiles.count() == 1


def test_nobody_chosen_leads_back(company, bath):
    for form in ({"ids": ""}, {"ids": "x"}, {"all": "1", "where": "city.is.Rome"}):
        assert company.post("/customers/erase", form).location.endswith("/customers")


def test_programs_erase_many(company, bath, drain):
    for body, status in (({"number": 2}, 422), ({"number": 1, "where": ["city.is.Bath"]}, 422), ({"number": 2, "where": ["city.is.Bath"]}, 202)):  # fmt: skip
        assert company.api("POST", "/customers/erase", json=body).status_code == status
    drain(company)
    assert [one["email"] for one in company.api("GET", "/customers").json["items"]] == ["c@shop.example"]


def test_who_may_not_delete_may_not_erase(app, company, ada):
    reader = add_member(app, company, role="read_only")
    assert "Erase for good" not in reader.get(f"/customers/{ada}/data").text
    reading = company.__class__(company.app, company.tenant_id, "", "", "", reader)
    assert reading.post("/customers/erase", {"all": "1"}).status_code == 403
