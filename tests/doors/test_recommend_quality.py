"""How good the offers are, as people and programs are told: before anything is known, and after a try on the past."""

from __future__ import annotations

import pytest

from saas.kit import work
from saas.recommend import backtest, freshness
from tests import queries
from tests.doors.test_home import text_of

SPREAD = {"coverage": 0.5, "long_tail": 0.25, "novelty": 8.0}
PLACE = {
    "slot": "product", "asked": 400, "hits": 120, "popular_hits": 40, "interval": [0.26, 0.35], "popular_interval": [0.07, 0.13],
    "better": "yes", "ours": SPREAD, "popular": {"coverage": 0.01, "long_tail": 0.0, "novelty": 6.0},
}  # fmt: skip


@pytest.fixture
def tried(company, context):
    few = {**PLACE, "slot": "cart", "asked": backtest.FEWEST - 1, "hits": 9, "popular_hits": 9}
    with work.unit(tenant_id=company.tenant_id):
        freshness.note_backtest({"at": "2026-11-01T04:00:00+00:00", "days": 30.0, "places": [PLACE, few]})
    return company


def test_before_the_first_try_it_says_what_is_missing(company):
    assert "There is too little of the past yet" in text_of(company.page.get("/recommendations/quality"))
    assert company.api("GET", "/recommendations/quality").json == {"at": None, "days": 0.0, "places": []}


def test_people_see_shares_verdicts_and_where_chance_may_decide(tried):
    with queries.counted() as statements:
        words = text_of(tried.page.get("/recommendations/quality"))
    for sentence in ("beat what is popular in 2 of 2 places", "Better than what is popular", "Too few to tell", "30.0%", "10.0%", "1 in 256",
                     "Where fewer than 100 questions could be asked, chance may decide"):  # fmt: skip
        assert sentence in words
    assert len(statements) <= 12


def test_programs_get_the_figures(tried):
    told = tried.api("GET", "/recommendations/quality").json
    assert told["places"][0] == PLACE and told["days"] == 30.0
    assert told["at"].startswith("2026-11-01T04:00:00")


def test_another_company_sees_nothing_of_it(tried, other_company):
    assert other_company.api("GET", "/recommendations/quality").json["places"] == []


def test_a_small_shop_is_told_that_its_figures_prove_nothing_yet(company, context):
    few = {**PLACE, "asked": 12, "hits": 3, "popular_hits": 1}
    with work.unit(tenant_id=company.tenant_id):
        freshness.note_backtest({"at": "2026-11-01T04:00:00+00:00", "days": 30.0, "places": [few]})
    words = text_of(company.page.get("/recommendations/quality"))
    assert "There is too little data to tell" in words and "prove nothing yet" in words
