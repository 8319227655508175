"""Imports and exports through the API."""

from __future__ import annotations

import orjson
import pytest

from tests.doors.test_imports_pages import finish

CSV = "email,city\na@x.example,Rome\nnobody,Bonn\n"


@pytest.fixture
def work(app, company):
    return lambda: finish(app, company)


def bring(company, content=CSV, **query):
    asked = {"kind": "customer", "name": "people.csv", **query}
    return company.api("POST", "/imports", query_string=asked, data=content, content_type="text/csv")


class TestImports:
    def test_a_file_is_taken_at_once_and_its_failed_lines_fetched(self, company, work):
        answer = bring(company, act="run")
        assert answer.status_code == 201, answer.json
        assert answer.json["mapping"] == {"email": "email", "city": "city"}
        work()
        told = company.api("GET", f"/imports/{answer.json['id']}").json["run"]
        assert told["state"] == "done"
        assert told["counts"] == {"created": 1, "failed": 1}
        failed = company.api("GET", f"/imports/{answer.json['id']}/failed")
        assert failed.data.decode("utf-8-sig").splitlines()[1] == "nobody,Bonn,This is not an e-mail address."

    def test_json_lines_with_options_and_undo(self, company, work):
        lines = b"".join(orjson.dumps({"email": f"p{n}@x.example", "where": "Kiel"}) + b"\n" for n in range(3))
        answer = bring(company, lines, mapping='{"where": "city"}', options='{"tags": ["fair"], "mode": "create"}')
        import_id = answer.json["id"]
        assert (
            company.api(
                "PATCH", f"/imports/{import_id}", json={"mapping": {"email": "email", "where": "company"}}
            ).status_code
            == 200
        )
        assert company.api("POST", f"/imports/{import_id}/check").status_code == 202
        work()
        assert company.api("GET", f"/imports/{import_id}").json["check"]["counts"] == {"created": 3}
        assert company.api("POST", f"/imports/{import_id}/run").status_code == 202
        work()
        item = company.api("GET", "/customers?email=p1@x.example").json["items"][0]
        assert (item["company"], item["tags"]) == ("Kiel", ["fair"])
        assert company.api("POST", f"/imports/{import_id}/undo").status_code == 202
        work()
        assert company.api("GET", "/customers").json["items"] == []

    def test_a_request_that_is_repeated_brings_the_file_once(self, company):
        headers = {"Idempotency-Key": "import-of-may"}
        asked = {"query_string": {"kind": "customer"}, "data": CSV, "content_type": "text/csv", "headers": headers}
        first, second = company.api("POST", "/imports", **asked), company.api("POST", "/imports", **asked)
        assert first.status_code == second.status_code == 201
        assert first.json["id"] == second.json["id"]

    @pytest.mark.parametrize(
        ("query", "content", "status"),
        [({"kind": "cat"}, CSV, 422), ({"mapping": "[1]"}, CSV, 422), ({"options": '{"mode": "all"}'}, CSV, 422), ({"mapping": '{"none": "email"}'}, CSV, 422),
         ({}, b"", 422), ({}, b"\x89PNG\r\n\x1a\n" + bytes(range(256)), 422)],
    )  # fmt: skip
    def test_what_cannot_be_taken_is_refused_with_a_reason(self, company, query, content, status):
        answer = bring(company, content, **query)
        assert answer.status_code == status
        assert answer.json["error"]["message"]


class TestExports:
    @pytest.mark.parametrize("form", ["csv", "xlsx", "ndjson", "parquet"])
    def test_a_file_is_made_and_fetched(self, company, work, form):
        company.api("POST", "/customers", json={"email": "a@x.example", "city": "Rome"})
        answer = company.api(
            "POST",
            "/exports",
            json={"what": "customers", "format": form, "columns": ["email"], "where": ["city.is.Rome"]},
        )
        assert answer.status_code == 202, answer.json
        work()
        told = company.api("GET", f"/exports/{answer.json['id']}").json
        assert (told["state"], told["records"]) == ("done", 1)
        content = company.api("GET", told["file"].removeprefix("/api/v1")).data
        assert b"a@x.example" in content or form in ("xlsx", "parquet")

    def test_anothers_file_is_not_there(self, company, other_company, work):
        made = company.api("POST", "/exports", json={"what": "customers"}).json["id"]
        work()
        for path in (f"/exports/{made}", f"/exports/{made}/file"):
            assert other_company.api("GET", path).status_code == 404
