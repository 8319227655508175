"""The history, undo and bulk changes for programs."""

from __future__ import annotations

from saas.kit import scope
from saas.tenancy import operations


def make(company, **fields):
    return company.api("POST", "/customers", json={"email": "mia@shop.example", "city": "Oslo"} | fields).json["id"]


class TestHistory:
    def test_it_pages_and_filters(self, company):
        made = make(company)
        for city in ("Rome", "Lima", "Cairo"):
            company.api("PATCH", f"/customers/{made}", json={"city": city})
        first = company.api("GET", f"/audit?kind=customer&record={made}&limit=2").json
        assert [one["after"]["city"] for one in first["items"]] == ["Cairo", "Lima"] and first["next"]
        rest = company.api("GET", f"/audit?kind=customer&record={made}&limit=2&cursor={first['next']}").json
        assert [one["action"] for one in rest["items"]] == ["customers.edited", "customers.created"] and rest[
            "next"
        ] is None
        one = first["items"][0]
        assert (one["actor"]["kind"], one["origin"]["door"], one["before"]) == ("key", "api", {"city": "Lima"})
        assert company.api("GET", "/audit?action=customers.created").json["items"][0]["record"] == made
        assert company.api("GET", "/audit?until=2020-01-01T00:00:00Z").json["items"] == []

    def test_another_company_sees_nothing_of_it(self, company, other_company):
        made = make(company)
        assert other_company.api("GET", f"/audit?kind=customer&record={made}").json["items"] == []


class TestUndo:
    def test_an_entry_is_taken_back_once(self, company):
        made = make(company)
        company.api("PATCH", f"/customers/{made}", json={"city": "Rome"})
        entry = company.api("GET", f"/audit?kind=customer&record={made}&limit=1").json["items"][0]["id"]
        done = company.api("POST", f"/audit/{entry}/undo", json={})
        assert (done.status_code, done.json["undoes"], done.json["after"]) == (200, entry, {"city": "Oslo"})
        assert company.api("GET", f"/customers/{made}").json["city"] == "Oslo"
        again = company.api("POST", f"/audit/{entry}/undo", json={})
        assert (again.status_code, again.json["error"]["code"]) == (409, "undone_already")

    def test_what_stands_in_the_way_is_named_and_nothing_is_half_done(self, company):
        made = make(company, phone="1")
        company.api("PATCH", f"/customers/{made}", json={"city": "Rome", "phone": "2"})
        entry = company.api("GET", f"/audit?kind=customer&record={made}&limit=1").json["items"][0]["id"]
        company.api("PATCH", f"/customers/{made}", json={"city": "Lima"})
        refused = company.api("POST", f"/audit/{entry}/undo", json={})
        assert (refused.status_code, refused.json["error"]["code"]) == (409, "changed_since")
        assert "City, changed by" in refused.json["error"]["fields"]["city"][0]
        assert company.api("GET", f"/customers/{made}").json["phone"] == "2"
        assert company.api("POST", f"/audit/{entry}/undo", json={"rest": True}).status_code == 200
        held = company.api("GET", f"/customers/{made}").json
        assert (held["city"], held["phone"]) == ("Lima", "1")

    def test_a_deleted_customer_comes_back(self, company):
        made = make(company)
        company.api("DELETE", f"/customers/{made}")
        entry = company.api("GET", "/audit?action=customers.deleted").json["items"][0]["id"]
        assert company.api("POST", f"/audit/{entry}/undo", json={}).status_code == 200
        assert company.api("GET", f"/customers/{made}").json["email"] == "mia@shop.example"

    def test_another_companys_entry_answers_like_none(self, company, other_company):
        make(company)
        entry = company.api("GET", "/audit?action=customers.created").json["items"][0]["id"]
        foreign = other_company.api("POST", f"/audit/{entry}/undo", json={})
        none = other_company.api("POST", "/audit/01a00000-0000-7000-8000-000000000000/undo", json={})
        assert foreign.status_code == 404 and foreign.get_data() == none.get_data()


class TestBulkEdit:
    def test_it_is_tried_then_done_then_undone(self, company, app):
        for number in range(3):
            make(company, email=f"c{number}@shop.example")
        wish = {"where": ["city.is.Oslo"], "do": "set", "field": "city", "value": "Bergen"}
        tried = company.api("POST", "/customers/bulk_edit", json=wish | {"dry_run": True})
        assert (tried.status_code, tried.json["count"], tried.json["operation"]) == (202, 3, None)
        assert {(one["before"], one["after"]) for one in tried.json["examples"]} == {("Oslo", "Bergen")}
        begun = company.api("POST", "/customers/bulk_edit", json=wish).json
        with app.app_context(), scope.tenant(company.tenant_id):
            operations.run(begun["operation"])
        assert company.api("GET", f"/operations/{begun['operation']}").json["report"] == {"changed": 3, "unchanged": 0}
        assert len(company.api("GET", "/customers?where=city.is.Bergen").json["items"]) == 3
        assert company.api("POST", f"/operations/{begun['operation']}/undo").status_code == 202
        with app.app_context(), scope.tenant(company.tenant_id):
            operations.run(begun["operation"])
        assert len(company.api("GET", "/customers?where=city.is.Oslo").json["items"]) == 3

    def test_what_cannot_be_done_to_many_is_refused(self, company):
        make(company)
        for wish in ({"do": "explode"}, {"do": "set", "field": "email", "value": "a@b.example"}, {"do": "tag", "value": ""},
                     {"do": "set", "field": "id", "value": 1}, {"do": "tag", "value": "x", "where": ["nonsense"]}):  # fmt: skip
            assert company.api("POST", "/customers/bulk_edit", json=wish).status_code == 422, wish
