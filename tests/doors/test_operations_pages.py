"""The pages of long work: progress, stopping, undoing, and files only for those who may have them."""

from __future__ import annotations

import uuid

import pytest

from saas.kit import files, scope, work
from saas.tenancy import operations
from tests.companies import add_member


@operations.kind("test.pages", permission="campaigns.edit", title="Sorting the shelves", undo=lambda operation: False)
def _step(operation):
    """This function will do one of three at a time."""
    operation.done += 1
    if operation.done == 2:
        operations.note_failed(operation, [(7, {"name": "<b>Broken</b> vase"}, "It is broken")])
    if operation.done == 3:
        operation.report = {"lines": [["Shelves", 3]]}
    return operation.done < 3


@pytest.fixture
def begun(company, context):
    with work.unit(tenant_id=company.tenant_id):
        return operations.start(kind="test.pages", params={}, total=3).id


def run(company, operation_id, **kwargs):
    with scope.tenant(company.tenant_id):
        return operations.run(operation_id, **kwargs)


def test_the_page_follows_it_and_shows_what_failed(company, begun):
    address = f"/operations/{begun}"
    waiting = company.page.get(address).text
    assert "Sorting the shelves" in waiting and "every 1s" in waiting
    run(company, begun, seconds=0)
    assert "1 of 3" in company.page.get(address).text
    run(company, begun)
    ended = company.page.get(address).text
    assert "every 1s" not in ended and "It is broken" in ended and "Shelves" in ended
    assert "&lt;b&gt;Broken&lt;/b&gt;" in ended and "<b>Broken" not in ended
    assert "Sorting the shelves" in company.page.get("/operations").text


def test_stop_and_undo(company, begun):
    run(company, begun, seconds=0)
    assert company.post(f"/operations/{begun}/cancel").status_code == 303
    run(company, begun)
    page = company.page.get(f"/operations/{begun}").text
    assert "Cancelled" in page and "Undo all of it" in page
    assert company.post(f"/operations/{begun}/undo").status_code == 303
    run(company, begun)
    assert "Undone" in company.page.get(f"/operations/{begun}").text
    company.post(f"/operations/{begun}/undo")
    assert "cannot be undone any more" in company.page.get(f"/operations/{begun}").text


def test_a_member_without_the_right_does_not_find_it(app, company, begun):
    reader = add_member(app, company, role="read_only")
    assert reader.get(f"/operations/{begun}").data == reader.get(f"/operations/{uuid.uuid4()}").data
    assert reader.get(f"/operations/{begun}").status_code == 404
    assert "Sorting the shelves" not in reader.get("/operations").text


def test_another_company_does_not_find_it(company, other_company, begun):
    assert other_company.page.get(f"/operations/{begun}").status_code == 404
    assert other_company.post(f"/operations/{begun}/cancel").status_code == 404


class TestDownload:
    def kept(self, company, **about):
        with work.unit(tenant_id=company.tenant_id):
            return files.write([b"a,b\r\n" * 300_000], name="Kunden, März.csv", content_type="text/csv", **about).id

    def test_a_file_comes_whole_as_an_attachment(self, company, context):
        answer = company.page.get(f"/files/{self.kept(company, permission='customers.read')}")
        assert answer.data == b"a,b\r\n" * 300_000
        assert (
            answer.headers["Content-Disposition"].startswith("attachment")
            and "M%C3%A4rz" in answer.headers["Content-Disposition"]
        )
        assert answer.headers["Cache-Control"] == "private, no-store"

    def test_it_needs_the_right(self, app, company, context):
        reader = add_member(app, company, role="read_only")
        assert reader.get(f"/files/{self.kept(company, permission='campaigns.edit')}").status_code == 404

    def test_another_company_does_not_find_it(self, company, other_company, context):
        assert other_company.page.get(f"/files/{self.kept(company, permission='customers.read')}").status_code == 404
