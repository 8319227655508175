"""The pages for bringing a file: what they take, what they show of hostile cells, and whose imports they are."""

from __future__ import annotations

import io
import uuid

import pytest

from tests.companies import add_member

FILE = 'Vorname,E-Mail,Ort\nAda,ada@shop.example,London\n"<script>alert(1)</script>",no address,"=HYPERLINK(""x"")"\nBob,bob@shop.example,Kiel\n'


@pytest.fixture
def work(app, company):
    """Do all long work that waits for the company, as a worker would."""
    return lambda: finish(app, company)


def finish(app, company):
    """Do a company's long work to its end."""
    from sqlalchemy import select

    from saas.kit import scope
    from saas.kit import work as units
    from saas.kit.db import db
    from saas.tenancy import operations
    from saas.tenancy.models import Operation

    with app.app_context(), scope.tenant(company.tenant_id):
        with units.unit():
            waiting = list(db.session.scalars(select(Operation.id).where(Operation.state.in_(operations.GOING))))
        for operation_id in waiting:
            while operations.run(operation_id):
                pass
            with units.unit():
                done = operations.one(operation_id)
                assert done.attempts == 0 and done.state != "failed", done.error


def bring(company, content=FILE, name="people.csv", kind="customer"):
    raw = content if isinstance(content, bytes) else content.encode()
    answer = company.post(
        "/imports/new", {"kind": kind, "file": (io.BytesIO(raw), name)}, content_type="multipart/form-data"
    )
    assert answer.status_code == 303, answer.text
    return answer.location


class TestTheWholeWay:
    def test_brought_tried_mended_taken_and_taken_back(self, company, work):
        place = bring(company)
        page = company.page.get(place).text
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert company.post(f"{place}/check").status_code == 303
        work()
        page = company.page.get(place).text
        assert "This is not an e-mail address." in page
        assert "Import 2 rows" in page
        assert "<script>alert(1)" not in page
        assert (
            company.post(
                f"{place}/fix", {"column": "1", "said": "no address", "to": "eve@shop.example", "again": "1"}
            ).status_code
            == 303
        )
        work()
        assert "Import 3 rows" in company.page.get(place).text
        assert company.post(f"{place}/run").status_code == 303
        work()
        page = company.page.get(place).text
        assert "What was taken" in page
        assert "Undo the whole import" in page
        assert "eve@shop.example" in company.page.get("/customers").text
        assert company.post(f"{place}/undo").status_code == 303
        work()
        assert "Removed again" in company.page.get(place).text
        assert "eve@shop.example" not in company.page.get("/customers").text

    def test_the_failed_lines_come_back_as_they_were_with_the_reason(self, company, work):
        place = bring(
            company, FILE.replace(",", ";").replace("Ada;", "Zoë;").replace("London", "Köln").encode("cp1252")
        )
        company.post(f"{place}/run")
        work()
        answer = company.page.get(f"{place}/failed")
        lines = answer.data.decode("cp1252").splitlines()
        assert lines[0] == "Vorname;E-Mail;Ort;Why it failed"
        assert lines[1].startswith("<script>alert(1)</script>;no address;")
        assert lines[1].endswith("This is not an e-mail address.")
        assert len(lines) == 2
        assert answer.headers["Content-Disposition"].startswith("attachment")
        mended = answer.data.replace(b"no address", b"eve@shop.example")
        place = bring(company, mended, "mended.csv")
        company.post(f"{place}/run")
        work()
        assert "eve@shop.example" in company.page.get("/customers").text


class TestLikely:
    CONTENT = "Vorname,Nachname,Telefon,Ort\nAda,Lovelase,030 1234567,Bath\nBob,Byron,,Kiel\n"

    @pytest.fixture
    def ada(self, company, context):
        from saas.customers import arriving, duplicates
        from saas.kit import work

        item = {"email": "ada@shop.example", "first_name": "Ada", "last_name": "Lovelace", "phone": "+49 30 1234567", "country": "DE"}  # fmt: skip
        with work.unit(tenant_id=company.tenant_id):
            (ada,) = [one.id for one in arriving.upsert_many([item])]
            duplicates.renew_keys([ada])
        return ada

    def test_who_may_be_there_is_shown_and_taken_as_the_same(self, company, work, ada):
        place = bring(
            company, self.CONTENT.replace("Bath", "Bath,DE").replace("Ort", "Ort,Land").replace("Kiel", "Kiel,DE")
        )
        company.post(f"{place}/check")
        work()
        page = company.page.get(place).text
        assert "1 row is all but certainly a customer who is there" in page
        assert f"/customers/{ada}" in page and "same phone number" in page and "Ada Lovelace" in page
        assert "Take the certain ones as the same" in page and "Import 2 rows" in page
        assert company.post(f"{place}/likely", {"likely": "same"}).status_code == 303
        work()
        page = company.page.get(place).text
        assert "Make new customers of them" in page and "taken as the same" in page
        company.post(f"{place}/run")
        work()
        page = company.page.get(f"/customers/{ada}").text
        assert "Bath" in page and "Ada Lovelace" in page and "Lovelase" not in page
        assert company.post(f"{place}/likely", {"likely": "same"}).status_code == 409

    def test_a_program_chooses_too(self, company, work, ada):
        rows = b"first_name,last_name,phone,city,country\nAda,Lovelace,030 1234567,Bath,DE\n"
        held = company.api("POST", "/imports?kind=customer&act=check", data=rows).json
        work()
        told = company.api("GET", f"/imports/{held['id']}").json
        assert told["options"]["likely"] == "create"
        likely = told["check"]["likely"]
        assert likely["certain"] == 1 and likely["rows"][0]["record_id"] == str(ada)
        changed = company.api("PATCH", f"/imports/{held['id']}", json={"options": {"likely": "same"}})
        assert changed.json["options"]["likely"] == "same"
        assert company.api("PATCH", f"/imports/{held['id']}", json={"options": {"likely": "no"}}).status_code == 422
        company.api("POST", f"/imports/{held['id']}/run")
        work()
        assert company.api("GET", f"/imports/{held['id']}").json["run"]["counts"] == {"updated": 1}

    def test_another_companys_import_is_not_there(self, company, other_company):
        place = bring(company)
        assert other_company.post(f"{place}/likely", {"likely": "same"}).status_code == 404


class TestSettingUp:
    def test_another_meaning_is_kept(self, company):
        place = bring(company)
        answer = company.post(
            f"{place}/settings",
            {"map.0": "last_name", "map.1": "email", "map.2": "", "mode": "create", "match": "email"},
        )
        assert answer.status_code == 303
        page = company.page.get(place).text
        assert '<option value="last_name" selected>' in page
        assert "Left out:" in page

    def test_two_columns_cannot_fill_one_field(self, company):
        place = bring(company)
        answer = company.post(f"{place}/settings", {"map.0": "email", "map.1": "email", "match": "email"})
        assert answer.status_code == 422
        assert "Two columns cannot fill the same field." in answer.text

    def test_read_with_another_delimiter_the_columns_are_others(self, company):
        place = bring(company)
        assert company.post(f"{place}/settings", {"delimiter": ";"}).status_code == 303
        assert "Vorname,E-Mail,Ort" in company.page.get(place).text

    def test_consent_without_words_is_refused(self, company):
        place = bring(company)
        answer = company.post(
            f"{place}/settings", {"map.1": "email", "match": "email", "consented": "1", "consent_statement": ""}
        )
        assert answer.status_code == 422
        assert "Write down how they agreed" in answer.text

    def test_a_full_plan_says_so_before_anything_begins(self, app, company, work):
        from saas.kit import work as units
        from saas.tenancy import limits

        with app.app_context(), units.unit(tenant_id=company.tenant_id):
            limits.set_all(limits={"contacts": 1})
        place = bring(company)
        company.post(f"{place}/check")
        work()
        answer = company.post(f"{place}/run", follow_redirects=True)
        assert "Your plan holds 1 customers" in answer.text
        assert "What would happen" in answer.text


class TestHostileFiles:
    @pytest.mark.parametrize(
        ("name", "content", "sentence"),
        [
            ("people.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "This is a picture"),
            ("people.xlsx", b"%PDF-1.7 something", "This is a PDF"),
            ("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel file"),
            ("empty.csv", b"", "This file is empty."),
            ("wide.csv", (",".join(f"c{n}" for n in range(1000)) + "\n").encode(), "1000 columns"),
            ("noise.csv", bytes(range(256)) * 20, "not a table"),
        ],
    )
    def test_what_is_no_table_is_refused_with_a_sentence(self, company, name, content, sentence):
        answer = company.post(
            "/imports/new",
            {"kind": "customer", "file": (io.BytesIO(content), name)},
            content_type="multipart/form-data",
        )
        assert answer.status_code == 422
        assert sentence in answer.text

    def test_a_file_over_the_plan_is_refused(self, company, monkeypatch):
        from saas.integrations import imports

        monkeypatch.setattr(imports, "most_bytes", lambda: 1000)
        answer = company.post(
            "/imports/new",
            {"kind": "customer", "file": (io.BytesIO(b"a,b\n" * 1000), "x.csv")},
            content_type="multipart/form-data",
        )
        assert answer.status_code == 422
        assert "which is what your plan takes" in answer.text

    def test_a_name_with_script_is_shown_as_text(self, company):
        place = bring(company, name="<img src=x onerror=alert(1)>.csv")
        for page in (place, "/imports"):
            assert "<img src=x" not in company.page.get(page).text


class TestWhose:
    def test_another_companys_import_is_not_there(self, company, other_company):
        place = bring(company)
        for path in (place, f"{place}/failed", f"/imports/{uuid.uuid4()}"):
            assert other_company.page.get(path).status_code == 404
        for act in ("check", "run", "undo", "forget", "fix", "settings", "stop"):
            assert other_company.post(f"{place}/{act}").status_code == 404, act

    def test_who_may_not_change_customers_brings_no_file(self, app, company):
        reader = add_member(app, company, role="read_only")
        assert reader.get("/imports/new").status_code == 403
        assert bring(company)
