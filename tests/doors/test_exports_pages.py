"""Files that leave the house: safe for spreadsheets, typed, no more than somebody may see, and traced."""

from __future__ import annotations

import csv
import io

import openpyxl
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from saas.integrations import sheet_writers
from tests.companies import add_member
from tests.doors.test_imports_pages import bring, finish, work  # noqa: F401 - a fixture

PEOPLE = [
    {"email": "ada@shop.example", "first_name": "Ada", "city": "London", "tags": ["vip", "b2b"]},
    {
        "email": "eve@shop.example",
        "first_name": "=cmd|' /C calc'!A0",
        "city": "+1+1",
        "company": "＝SUM(A1)",
        "phone": "+49 30 1",
    },
    {
        "email": "bob@shop.example",
        "first_name": "-2",
        "city": "@x",
        "last_name": "'quoted",
        "company": '王, "Ltd"\nZwei',
    },
]


@pytest.fixture
def people(company):
    for one in PEOPLE:
        assert company.api("POST", "/customers", json=one).status_code == 201
    return company


def take(company, **wanted):
    answer = company.post("/exports", {"what": "customers", "format": "csv", **wanted})
    assert answer.status_code == 200, answer.text[:500]
    return answer


def cells(answer):
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


class TestCsv:
    def test_no_cell_is_a_formula(self, people):
        rows = cells(take(people, columns=["email", "first_name", "city", "company", "phone"]))
        assert len(rows) == 4
        for row in rows:
            assert not [cell for cell in row if cell.startswith(sheet_writers.DANGEROUS)]

    def test_our_own_import_gives_back_what_was_exported(self, people, other_company, app):
        exported = take(people).data
        place = bring(other_company, exported, "back.csv")
        other_company.post(f"{place}/run")
        finish(app, other_company)
        told = other_company.api("GET", f"/imports/{place.rsplit('/', 1)[1]}").json["run"]
        assert (told["counts"], told["reasons"]) == ({"created": 3}, {})
        names = ("email", "first_name", "last_name", "company", "city", "phone", "tags")
        before, after = (
            {item["email"]: {name: item[name] for name in names} for item in one.api("GET", "/customers").json["items"]}
            for one in (people, other_company)
        )
        assert after == before

    @given(st.text(max_size=30))
    def test_marking_a_cell_can_be_taken_back(self, text):
        assert sheet_writers.unsafe(sheet_writers.safe(text)) == text
        assert not sheet_writers.safe(text).startswith(sheet_writers.DANGEROUS)


class TestOtherFormats:
    def test_a_workbook_has_texts_as_texts_and_numbers_as_numbers(self, people):
        answer = take(people, format="xlsx", columns=["first_name", "orders_count", "created_at"])
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
        rows = list(sheet.iter_rows(min_row=2))
        evil = next(row[0] for row in rows if str(row[0].value).startswith("=cmd"))
        assert evil.data_type == "s"
        assert {row[1].data_type for row in rows} <= {"n"}
        assert all(row[2].is_date for row in rows)

    def test_parquet_is_typed(self, people):
        answer = take(people, format="parquet", columns=["email", "tags", "orders_count", "spent_amount", "created_at"])
        table = parquet.read_table(io.BytesIO(answer.data))
        assert table.num_rows == 3
        assert str(table.schema.field("created_at").type) == "timestamp[us, tz=UTC]"
        assert str(table.schema.field("spent_amount").type) == "decimal128(24, 6)"
        assert (
            sorted(table.column("tags").to_pylist(), key=str)[-1] == ["vip", "b2b"]
            or ["vip", "b2b"] in table.column("tags").to_pylist()
        )

    def test_json_lines_have_a_customer_each(self, people):
        answer = take(people, format="ndjson", columns=["id", "email", "tags"])
        items = [orjson.loads(line) for line in answer.data.splitlines()]
        assert {item["email"] for item in items} == {"ada@shop.example", "eve@shop.example", "bob@shop.example"}


class TestWhichRows:
    def test_the_filters_of_the_list_hold(self, people):
        rows = cells(take(people, where="city.is.London", columns=["email"]))
        assert rows == [["E-mail"], ["ada@shop.example"]]

    def test_a_segment_is_exported_alone(self, people):
        definition = {"match": "all", "conditions": [{"field": "tags", "operator": "has", "value": "vip"}]}
        segment = people.api("POST", "/segments", json={"name": "VIPs", "definition": definition}).json["id"]
        assert len(cells(take(people, segment_id=segment, columns=["email"]))) == 2
        assert "Of the segment “VIPs”" in people.page.get(f"/exports/new?segment_id={segment}").text

    def test_a_large_one_is_made_in_the_background(self, people, work, monkeypatch):  # noqa: F811
        from saas.integrations import exports

        monkeypatch.setattr(exports, "AT_ONCE", 1)
        monkeypatch.setattr(exports, "BATCH", 2)
        for form in ("csv", "xlsx", "ndjson", "parquet"):
            answer = people.post(
                "/exports", {"what": "customers", "format": form, "columns": ["email", "created_at", "spent_amount"]}
            )
            assert answer.status_code == 303
            work()
            page = people.page.get(answer.location).text
            address = page.split('href="/files/')[1].split('"')[0]
            content = people.page.get(f"/files/{address}").data
            assert len(content) > 100
            if form == "csv":
                assert content.decode("utf-8-sig").count("\r\n") == 4
            if form == "parquet":
                assert parquet.read_table(io.BytesIO(content)).num_rows == 3

    def test_orders_with_their_lines(self, people):
        order = {"external_id": "o1", "placed_at": "2026-05-01T10:00:00Z", "currency": "EUR", "customer": {"email": "ada@shop.example"},
                 "lines": [{"product": "p1", "quantity": 2, "unit_price": "2.550"}, {"sku": "S", "quantity": 1, "unit_price": "1"}]}  # fmt: skip
        assert people.api("POST", "/orders", json=order).status_code == 201
        rows = cells(take(people, what="lines", columns=["number", "customer.email", "quantity", "unit_price"]))
        assert rows[1:] == [["o1", "ada@shop.example", "2", "2.550000"], ["o1", "ada@shop.example", "1", "1.000000"]]
        assert len(cells(take(people, what="orders", columns=["number"]))) == 2
        assert len(cells(take(people, what="products", columns=["name"]))) == 1


class TestWho:
    def test_one_entry_says_what_left(self, people, app):
        take(people, where="city.is.London", columns=["email"])
        from saas.kit import work as units
        from saas.kit.db import db
        from saas.tenancy.models import AuditEntry

        with app.app_context(), units.unit(tenant_id=people.tenant_id):
            assert db.session.query(AuditEntry).filter(AuditEntry.action == "customers.exported").count() == 1

    def test_who_may_not_take_files_away_gets_none(self, app, people):
        clerk = add_member(app, people, role="sales")
        assert clerk.get("/exports/new").status_code == 403

    def test_a_column_that_is_none_is_refused(self, people):
        answer = people.post("/exports", {"what": "customers", "format": "csv", "columns": ["password"]})
        assert answer.status_code == 422

    def test_another_companys_segment_is_not_there(self, people, other_company):
        body = {"name": "Mine", "definition": {"match": "all", "conditions": []}}
        segment = people.api("POST", "/segments", json=body).json["id"]
        assert other_company.page.get(f"/exports/new?segment_id={segment}").status_code == 404
        assert (
            other_company.post("/exports", {"what": "customers", "format": "csv", "segment_id": segment}).status_code
            == 404
        )
