"""Settings > Keeping data: what would go is shown, switching on needs the company's name, and the last nights are told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saas.customers import profiles, timeline
from saas.integrations import retention
from saas.kit import clock, work
from saas.tenancy import tenants
from tests.companies import add_member, run_operations
from workers.jobs import retention as night


@pytest.fixture
def old(company, context):
    """Three entries of two years ago, and one of today."""
    with work.unit(tenant_id=company.tenant_id):
        ada = profiles.create(email="ada@shop.example").id
        for days in (700, 701, 702, 0):
            timeline.add(customer_id=ada, kind="note", at=clock.now() - timedelta(days=days), title="x", key=str(days))
        return tenants.current().name


def test_from_looking_to_the_first_night(company, old):
    page = company.page.get("/settings/data").text
    assert page.count("kept for good") == 5 and "Nothing has been taken yet" in page
    shown = company.page.get("/settings/data/timeline?number=12").text
    assert "gone for good" in shown and '<dd class="tnum">3</dd>' in shown and old in shown
    refused = company.post("/settings/data/timeline", {"number": "12", "name": "Wrong"})
    assert refused.status_code == 422 and "Type the company" in refused.text
    assert company.post("/settings/data/timeline", {"number": "12", "name": old}).status_code in (200, 303)
    assert "kept for 12 months" in company.page.get("/settings/data").text
    night.run_due(run_at=clock.now().isoformat())
    run_operations(company)
    page = company.page.get("/settings/data").text
    assert "Entries: 3" in page
    assert company.page.get("/settings/data/timeline?number=12").text.count('<dd class="tnum">0</dd>') == 1
    company.post("/settings/data/timeline/off")
    assert company.page.get("/settings/data").text.count("kept for good") == 5
    assert "old data removed" in company.page.get("/history").text


def test_who_may_not_change_settings_sees_and_changes_nothing(app, company, old):
    viewer = add_member(app, company, role="read_only")
    assert viewer.get("/settings/data/timeline").status_code == 403
    seen = viewer.get("/settings/data")
    assert seen.status_code == 403 or 'href="/settings/data/timeline"' not in seen.text


def test_a_rule_that_is_not_there_is_missing(company):
    assert company.page.get("/settings/data/everything").status_code == 404


def test_programs_read_preview_switch_on_and_off(company, other_company, old):
    rules = company.api("GET", "/retention-rules").json["items"]
    assert [rule["key"] for rule in rules] == list(retention.KNOWN) and {rule["number"] for rule in rules} == {None}
    found = company.api("GET", "/retention-rules/timeline/preview?number=12").json
    assert (found["total"], found["counts"]) == (3, {"timeline_entries": 3})
    assert company.api("GET", "/retention-rules/timeline/preview?number=13").status_code == 422
    # While it is off there is no time to go by.
    assert company.api("GET", "/retention-rules/timeline/preview").status_code == 422
    assert company.api("GET", "/retention-rules/nothing/preview").status_code == 404
    wrong = company.api("PUT", "/retention-rules/timeline", json={"number": 12, "confirm": "no"})
    assert (wrong.status_code, list(wrong.json["error"]["fields"])) == (422, ["name"])
    made = company.api("PUT", "/retention-rules/timeline", json={"number": 12, "confirm": old})
    assert (made.status_code, made.json["number"], made.json["unit"]) == (200, 12, "months")
    assert company.api("GET", "/retention-rules/timeline/preview").json["counts"] == found["counts"]
    assert {rule["number"] for rule in other_company.api("GET", "/retention-rules").json["items"]} == {None}
    assert company.api("DELETE", "/retention-rules/timeline").status_code == 204
    assert company.api("PUT", "/retention-rules/all", json={"number": 12, "confirm": old}).status_code == 404
