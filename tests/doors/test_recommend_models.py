"""The versions of the models on the page and for programs: seen, gone back to, let go, undone, in the history."""

from __future__ import annotations

import re

import pytest

from saas.kit import work
from saas.recommend import model_versions
from saas.recommend.popularity import PopularityModel
from tests import queries
from tests.companies import add_member
from tests.doors.test_home import text_of

GOOD = {"hit_rate": 0.5, "popular_hit_rate": 0.1, "cases": 300}
BAD = {"hit_rate": 0.3, "popular_hit_rate": 0.1, "cases": 300}


@pytest.fixture
def fitted(company, context):
    """Two good fits of what is popular, and a third that did clearly worse."""
    for quality in (GOOD, GOOD, BAD):
        with work.unit(tenant_id=company.tenant_id):
            notes = {"quality": quality, "views": 1200, "purchases": 80, "seconds": 1}
            model_versions.put("popular", PopularityModel.fit([], []).to_bytes(), notes=notes)
    return company


def listed(company) -> list[dict]:
    (kind,) = company.api("GET", "/recommendations/models").json["items"]
    return kind["fits"]


def test_without_a_fit_it_says_when_there_will_be_one(company):
    assert "Nothing is learnt yet" in text_of(company.page.get("/recommendations/models"))
    assert company.api("GET", "/recommendations/models").json == {"items": []}


def test_people_see_what_each_fit_learnt_from_how_well_it_does_and_why_one_waits(fitted):
    with queries.counted() as statements:
        words = text_of(fitted.page.get("/recommendations/models"))
    for sentence in ("1,200 views and 80 purchases", "50.0%", "30.0%", "10.0%", "of 300 questions", "At work", "Earlier",
                     "Waits: clearly worse than the one at work", "did clearly worse on your shop's newest past"):  # fmt: skip
        assert sentence in words
    assert len(statements) <= 12


def test_back_to_an_older_one_by_a_click_and_undone_by_another(fitted):
    oldest = listed(fitted)[2]
    answer = fitted.post(f"/recommendations/models/{oldest['id']}/pin")
    assert answer.status_code == 303
    page = fitted.page.get("/recommendations/models").get_data(as_text=True)
    assert "works with the chosen version from now on" in page and "At work, held by hand" in page
    assert [one["held"] for one in listed(fitted)] == [False, False, True]
    undo = re.search(r"/undo/[0-9a-f-]{36}", page).group()
    assert fitted.post(undo).status_code == 303
    assert [one["serving"] for one in listed(fitted)] == [False, True, False]
    assert "Model: older version chosen" in text_of(fitted.page.get("/history"))


def test_the_newest_again(fitted):
    oldest = listed(fitted)[2]
    fitted.post(f"/recommendations/models/{oldest['id']}/pin")
    assert fitted.post(f"/recommendations/models/{oldest['id']}/release").status_code == 303
    assert [one["serving"] for one in listed(fitted)] == [True, False, False]


def test_programs_do_the_same(fitted):
    worse, newer, oldest = listed(fitted)
    assert (worse["held_back"], worse["score"], worse["learnt_from"]["views"]) == ("worse", BAD, 1200)
    pinned = fitted.api("POST", f"/recommendations/models/{worse['id']}/pin").json
    assert (pinned["serving"], pinned["held"], pinned["held_back"]) == (True, True, "")
    assert fitted.api("POST", f"/recommendations/models/{newer['id']}/release").status_code == 409
    assert fitted.api("POST", f"/recommendations/models/{worse['id']}/release").json["id"] == worse["id"]
    assert fitted.api("GET", f"/recommendations/models/{oldest['id']}").json == oldest


def test_another_company_has_none_of_them(fitted, other_company):
    assert other_company.api("GET", "/recommendations/models").json == {"items": []}
    for row in listed(fitted):
        assert other_company.api("POST", f"/recommendations/models/{row['id']}/pin").status_code == 404


def test_who_only_reads_sees_no_buttons(fitted):
    reader = add_member(fitted.app, fitted, role="read_only")
    page = reader.get("/recommendations/models").get_data(as_text=True)
    assert "Use this one" not in page
