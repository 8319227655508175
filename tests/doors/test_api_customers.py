"""Customers through the API."""

from __future__ import annotations


def make(company, **fields):
    return company.api("POST", "/customers", json={"email": "ada@shop.example", **fields})


class TestCustomers:
    def test_create_show_change_delete(self, company):
        made = make(company, first_name="Ada", consent={"email": "granted"})
        assert made.status_code == 201
        customer = made.json
        assert customer["consent"] == {"email": "granted"}
        shown = company.api("GET", f"/customers/{customer['id']}")
        assert shown.json["first_name"] == "Ada"
        changed = company.api(
            "PATCH", f"/customers/{customer['id']}", json={"city": "Ulm"}, headers={"If-Match": shown.headers["ETag"]}
        )
        assert changed.status_code == 200
        stale = company.api(
            "PATCH", f"/customers/{customer['id']}", json={"city": "Bonn"}, headers={"If-Match": shown.headers["ETag"]}
        )
        assert (stale.status_code, stale.json["error"]["code"]) == (412, "stale")
        assert company.api("DELETE", f"/customers/{customer['id']}").status_code == 204
        assert company.api("GET", f"/customers/{customer['id']}").status_code == 404

    def test_the_same_address_is_refused(self, company):
        make(company)
        again = make(company)
        assert (again.status_code, list(again.json["error"]["fields"])) == (409, ["email"])

    def test_a_field_out_of_range_is_named(self, company):
        answer = make(company, first_name="x" * 500)
        assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, ["first_name"])
        assert "nickname" in make(company, nickname="x").json["error"]["fields"]

    def test_unreadable_json_is_named_with_its_place(self, company):
        answer = company.api("POST", "/customers", data=b'{"email": ', headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert answer.json["error"]["code"] == "unreadable"

    def test_pages_follow_each_other(self, company):
        items = [{"external_id": str(n), "email": f"c{n}@shop.example"} for n in range(25)]
        bulk = company.api("POST", "/customers/bulk", json={"items": [*items, {"email": 7}, {"nonsense": 1}]})
        assert bulk.status_code == 200
        assert [item["status"] for item in bulk.json["items"]] == ["created"] * 25 + ["failed"] * 2
        seen, cursor = [], None
        while True:
            query = {"limit": 10} | ({"cursor": cursor} if cursor else {})
            page = company.api("GET", "/customers", query_string=query).json
            seen += [item["email"] for item in page["items"]]
            cursor = page["next"]
            if not cursor:
                break
        assert sorted(seen) == sorted(item["email"] for item in items)
        assert len(set(seen)) == 25

    def test_a_bad_key_a_bad_cursor_and_a_foreign_id(self, company, other_company):
        assert company.app.test_client().get("/api/v1/customers").status_code == 401
        assert company.api("GET", "/customers", query_string={"cursor": "nonsense"}).status_code == 400
        customer = make(company).json
        assert other_company.api("GET", f"/customers/{customer['id']}").status_code == 404

    def test_a_full_plan_is_a_402_with_its_reason_and_bulk_still_enters(self, app):
        from saas.kit import work
        from saas.tenancy import limits
        from tests.companies import found_company

        company = found_company(app, plan="free")
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            limits.set_all(limits={"contacts": 1})
        assert make(company).status_code == 201
        full = make(company, email="two@shop.example")
        assert (full.status_code, full.json["error"]["code"]) == (402, "limit_reached")
        assert "1" in full.json["error"]["message"]
        assert (
            company.api("POST", "/customers/bulk", json={"items": [{"email": "shop@shop.example"}]}).json["items"][0][
                "status"
            ]
            == "created"
        )

    def test_the_api_describes_itself(self, company):
        description = company.app.test_client().get("/api/v1/openapi.json").json
        assert "/api/v1/customers/bulk" in description["paths"]
