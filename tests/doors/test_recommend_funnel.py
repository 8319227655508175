"""How far offers come, as people and programs are told."""

from __future__ import annotations

import pytest

from saas.kit import clock, work
from saas.kit.db import db
from saas.recommend.models import OfferCount
from tests import queries
from tests.doors.test_home import text_of


@pytest.fixture
def counted(company, context):
    with work.unit(tenant_id=company.tenant_id):
        for slot, algorithm, seen in (("home", "popular", 500), ("cart", "bought_together", 200)):
            db.session.add(
                OfferCount(
                    day=clock.now().date(), slot=slot, algorithm=algorithm, requests=seen, shown=2 * seen, seen=seen, clicked=seen // 10,
                    carted=seen // 20,
                )
            )  # fmt: skip
    return company


def test_before_anything_was_shown_it_says_what_to_do(company):
    assert "No offers were shown in this time" in text_of(company.page.get("/recommendations/funnel"))


@pytest.mark.parametrize("by", ["slot", "algorithm", "rule", "nonsense"])
def test_people_see_the_steps_with_their_shares(counted, by):
    with queries.counted() as statements:
        words = text_of(counted.page.get(f"/recommendations/funnel?by={by}&days=7"))
    assert "10.0% of the offers seen were clicked, 0.0% bought" in words
    named = {
        "slot": "In the cart",
        "algorithm": "Bought together",
        "rule": "No rule had a hand",
        "nonsense": "In the cart",
    }
    assert named[by] in words
    assert len(statements) <= 12


def test_programs_get_the_figures(counted):
    told = counted.api("GET", "/recommendations/funnel?by=algorithm").json
    assert told["total"]["seen"] == 700 and told["total"]["revenue"] == "0.00"
    assert [line["key"] for line in told["items"]] == ["popular", "bought_together"]
    rate = told["items"][0]["rates"]["clicked"]
    assert rate["rate"] == 0.1 and rate["low"] < 0.1 < rate["high"]


def test_another_company_sees_nothing_of_it(counted, other_company):
    assert other_company.api("GET", "/recommendations/funnel").json["items"] == []


def test_a_wrong_question_is_refused(counted):
    answer = counted.api("GET", "/recommendations/funnel?by=moon&days=0")
    assert answer.status_code == 422 and sorted(answer.json["error"]["fields"]) == ["by", "days"]
