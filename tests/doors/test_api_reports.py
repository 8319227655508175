"""Reports through the API."""

from __future__ import annotations

import pytest

from saas.insights import runs

NAMES = ("sales", "sales_by_month", "sales_by_day", "cohorts", "concentration", "best_products", "goes_with")


@pytest.fixture
def sold(company):
    """A company whose shop sold three orders to two people, and one to a guest."""
    rows = [
        ("1", "2026-01-05", "a", "DE"),
        ("2", "2026-02-05", "a", "DE"),
        ("3", "2026-02-06", "b", "FR"),
        ("4", "2026-02-07", None, "FR"),
    ]
    items = [
        {"external_id": number, "placed_at": f"{day}T10:00:00Z", "currency": "EUR", "country": country, "status": "paid",
         "customer": {"external_id": who, "country": country} if who else None,
         "lines": [{"product": "mug", "name": "Mug", "quantity": 2, "unit_price": "2.550"}, {"product": "pot", "name": "Pot", "quantity": 1, "unit_price": "20"}]}
        for number, day, who, country in rows
    ]  # fmt: skip
    answer = company.api("POST", "/orders/bulk", json={"items": items})
    assert {item["status"] for item in answer.json["items"]} == {"created"}
    return company


def ask(company, name, **query):
    answer = company.api("GET", f"/reports/{name}", query_string=query)
    assert answer.status_code == 200, answer.json
    told = answer.json
    assert (told.pop("as_of") is not None) == (runs.MANY == 2)
    return told


class TestReports:
    def test_sales(self, sold):
        assert ask(sold, "sales") == {
            "currency": "EUR", "revenue": "75.30", "lines": 6, "orders": 3, "products": 2, "customers": 2, "repeat_customers": 1, "repeat_rate": 0.5,
        }  # fmt: skip
        assert ask(sold, "sales", cleaned="false")["revenue"] == "100.40"
        assert ask(sold, "sales", country="FR")["orders"] == 1
        assert ask(sold, "sales", since="2026-02-01T00:00:00Z", until="2026-02-06T00:00:00Z")["orders"] == 1

    def test_by_time(self, sold):
        assert ask(sold, "sales_by_month") == {
            "currency": "EUR",
            "items": [{"month": "2026-01-01", "revenue": "25.10", "orders": 1, "customers": 1}, {"month": "2026-02-01", "revenue": "50.20", "orders": 2, "customers": 2}],
        }  # fmt: skip
        assert [row["day"] for row in ask(sold, "sales_by_day")["items"]] == ["2026-01-05", "2026-02-05", "2026-02-06"]

    def test_customers(self, sold):
        assert ask(sold, "cohorts")["items"] == [
            {"month": "2026-01-01", "customers": [1, 1]},
            {"month": "2026-02-01", "customers": [1]},
        ]
        assert ask(sold, "concentration", share=0.5) == {"share": 0.5, "customers": 1, "part": pytest.approx(2 / 3)}

    def test_products(self, sold):
        best = ask(sold, "best_products", limit=1)["items"]
        assert best == [{"product": "pot", "name": "Pot", "quantity": 3, "revenue": "60.00", "orders": 3}]
        pair = ask(sold, "goes_with", first="mug", second="pot")["items"][0]
        assert pair == {
            "first": "mug",
            "second": "pot",
            "together": 4,
            "support": 1.0,
            "confidence": 1.0,
            "lift": 1.0,
            "leverage": 0.0,
        }
        assert ask(sold, "goes_with")["items"] == []

    @pytest.mark.parametrize("name", NAMES)
    def test_an_empty_company_has_empty_reports(self, company, name):
        assert ask(company, name).get("items", []) == []

    @pytest.mark.parametrize("name", NAMES)
    def test_another_company_sees_nothing_of_it(self, sold, other_company, name):
        assert b"25.10" not in other_company.api("GET", f"/reports/{name}").data

    @pytest.mark.parametrize(("query", "field"), [
        ({"since": "yesterday"}, "since"), ({"until": "2026-01-01T00:00:00"}, "until"), ({"country": "\x00"}, "country"),
        ({"since": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "until"),
    ])  # fmt: skip
    def test_a_wrong_question_is_named(self, company, query, field):
        answer = company.api("GET", "/reports/sales", query_string=query)
        assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, [field])

    def test_one_product_alone_is_no_pair(self, company):
        answer = company.api("GET", "/reports/goes_with", query_string={"first": "mug"})
        assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, ["second"])


QUERIES = [
    ("sales", {}), ("sales", {"country": "FR"}), ("sales_by_month", {}), ("sales_by_day", {"cleaned": "false"}), ("cohorts", {}),
    ("concentration", {}), ("concentration", {"share": 0.5}), ("concentration", {"share": 0.51}), ("best_products", {"limit": 1}), ("goes_with", {}),
    ("goes_with", {"first": "mug", "second": "pot"}),
]  # fmt: skip


class TestMany:
    """Reports over so many orders that no web worker is held by them."""

    @pytest.mark.parametrize(("name", "query"), QUERIES)
    def test_it_is_worked_out_by_a_job_and_says_the_same(self, sold, drain, monkeypatch, name, query):
        few = ask(sold, name, **query)
        monkeypatch.setattr(runs, "MANY", 2)
        soon = sold.api("GET", f"/reports/{name}", query_string=query)
        alone = "first" in query or query.get("share") == 0.51
        assert (soon.status_code, soon.headers["Retry-After"]) == (202, "2")
        assert soon.json == {"state": "working", "done": 0, "total": 1 if alone else 8}
        drain(sold)
        assert ask(sold, name, **query) == few

    def test_no_report_is_worked_out_in_the_request(self, sold, monkeypatch):
        monkeypatch.setattr(runs, "MANY", 2)
        monkeypatch.setattr(runs.reports, "_rows", lambda *_args, **_more: pytest.fail("a report in the request"))
        for name, query in QUERIES:
            assert sold.api("GET", f"/reports/{name}", query_string=query).status_code == 202

    def test_fields_are_left_out_of_a_report_and_not_of_how_far_it_is(self, sold, drain, monkeypatch):
        monkeypatch.setattr(runs, "MANY", 2)
        assert sold.api("GET", "/reports/sales", query_string={"fields": "revenue"}).json["state"] == "working"
        drain(sold)
        assert sold.api("GET", "/reports/sales", query_string={"fields": "revenue"}).json == {"revenue": "75.30"}
