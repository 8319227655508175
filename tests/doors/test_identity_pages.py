"""How we know that a customer is one person: the page and the API, and taking a join back by either."""

from __future__ import annotations

from uuid import uuid4

import pytest

from saas.customers import identity, profiles
from saas.kit import work
from tests.rooms.commerce.browsers import VISITOR, tell, viewed


@pytest.fixture
def ann(context, company, drain):
    """Ann, whose browser is known by a proof."""
    with work.unit(tenant_id=company.tenant_id):
        customer = profiles.create(email="ann@shop.example", first_name="Ann").id
    tell(company, viewed("a", 0))
    drain(company)
    with work.unit(tenant_id=company.tenant_id):
        identity.bind_visitor(VISITOR, customer, proven=True)
    drain(company)
    return customer


class TestPage:
    def test_it_says_how_we_know_and_takes_back_with_an_undo(self, company, ann):
        page = company.page.get(f"/customers/{ann}/identity")
        text = page.get_data(as_text=True)
        assert page.status_code == 200 and "ann@shop.example" in text and "1 visit" in text and "proven" in text
        joins = company.api("GET", f"/customers/{ann}/identity").json["joins"]
        browser = next(one["id"] for one in joins if one["kind"] == "visitor")
        company.post(f"/customers/{ann}/identity/{browser}/unjoin", {})
        text = company.page.get(f"/customers/{ann}/identity").get_data(as_text=True)
        assert "Kept apart" in text and "Join again" in text and "1 visit" not in text
        parting = company.api("GET", f"/customers/{ann}/identity").json["partings"][0]
        assert parting["moved"] == {"visits": 1, "events": 1, "carts": 0}
        company.post(f"/customers/{ann}/identity/{parting['id']}/rejoin", {})
        assert "1 visit" in company.page.get(f"/customers/{ann}/identity").get_data(as_text=True)

    def test_an_address_is_taken_off_and_given_back_from_the_history(self, company, ann):
        said = {"placed_at": "2026-01-01T10:00:00Z", "currency": "EUR", "status": "paid", "total": "5.00", "lines": []}
        items = [
            said
            | {"external_id": str(number), "number": f"N{number}", "customer": {"external_id": "7", "email": email}}
            for number, email in enumerate(("ann@shop.example", "bob@shop.example"))
        ]
        assert {one["status"] for one in company.api("POST", "/orders/bulk", json={"items": items}).json["items"]} == {
            "created"
        }
        page = company.page.get(f"/customers/{ann}/identity").get_data(as_text=True)
        assert "bob@shop.example is not theirs" in page and "1 order" in page
        joins = company.api("GET", f"/customers/{ann}/identity").json["joins"]
        [bob] = [one["id"] for one in joins if one["value"] == "bob@shop.example"]
        company.post(f"/customers/{ann}/identity/{bob}/unjoin", {})
        told = company.api("GET", f"/customers/{ann}/identity").json
        assert [one["value"] for one in told["joins"] if one["kind"] == "email"] == ["ann@shop.example"]
        [parting] = told["partings"]
        assert parting["moved"] == {"orders": 1}
        theirs = company.page.get(f"/customers/{parting['to']}/identity").get_data(as_text=True)
        assert "Taken off another customer" in theirs and "bob@shop.example" in theirs
        [entry] = [one for one in company.api("GET", "/audit").json["items"] if one["action"] == "customers.unjoined"]
        company.post(f"/undo/{entry['id']}", {})
        told = company.api("GET", f"/customers/{ann}/identity").json
        assert {one["value"] for one in told["joins"] if one["kind"] == "email"} == {
            "ann@shop.example",
            "bob@shop.example",
        }
        assert told["partings"] == []

    def test_the_customers_page_leads_there(self, company, ann):
        assert f"/customers/{ann}/identity" in company.page.get(f"/customers/{ann}").get_data(as_text=True)


class TestApi:
    def test_each_join_with_its_evidence_and_back(self, company, ann):
        found = company.api("GET", f"/customers/{ann}/identity").json
        mail, browser = sorted(found["joins"], key=lambda one: one["kind"])
        assert (mail["kind"], mail["value"], browser["value"], browser["proven"]) == (
            "email",
            "ann@shop.example",
            VISITOR,
            True,
        )
        assert browser["holds"] == {"visits": 1, "events": 1, "carts": 0} and browser["evidence"][0]["way"] == "program"
        after = company.api("POST", f"/customers/{ann}/identity/{browser['id']}/unjoin").json
        assert [one["kind"] for one in after["joins"]] == ["email"] and len(after["partings"]) == 1
        again = company.api("POST", f"/customers/{ann}/identity/{after['partings'][0]['id']}/rejoin").json
        assert len(again["joins"]) == 2 and again["partings"] == []
        answer = company.api("POST", f"/customers/{ann}/identity/{after['partings'][0]['id']}/rejoin")
        assert answer.status_code == 409

    def test_what_is_not_there_is_not_found(self, company, ann):
        for path in (
            f"/customers/{ann}/identity/{uuid4()}/unjoin",
            f"/customers/{uuid4()}/identity/{uuid4()}/unjoin",
            f"/customers/{ann}/identity/{uuid4()}/rejoin",
        ):
            assert company.api("POST", path).status_code == 404
