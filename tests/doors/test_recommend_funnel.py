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


@pytest.fixture
def versions(counted):
    """Two versions of a model, the newer one with more clicks, and what two customers said."""
    from datetime import timedelta

    from saas.catalog import products
    from saas.customers import profiles
    from saas.recommend import answers
    from saas.recommend.models import OfferVersionCount
    from tests.rooms.recommend import little_shop

    days = ((5, "019a0000-0000-7000-8000-000000000001", 20), (0, "019b0000-0000-7000-8000-000000000002", 90))
    with work.unit(tenant_id=counted.tenant_id):
        for ago, version, clicked in days:
            day = clock.now().date() - timedelta(days=ago)
            figures = {"shown": 2000, "seen": 1000, "clicked": clicked, "carted": 3}
            db.session.add(OfferVersionCount(day=day, algorithm="session", model_version=version, **figures))
        products.upsert_many([little_shop.product("tea-1"), little_shop.product("tea-2")])
        ann = profiles.create(email="ann@mail.example").id
        for key, verdict in (("tea-1", "accepted"), ("tea-2", "declined")):
            product_id = products.by_external([key])[key].id
            answers.say(customer_id=ann, product_id=product_id, verdict=verdict, slot="home", algorithm="session")
    return counted


def test_people_see_whether_a_version_does_better_and_where_it_began(versions):
    with queries.counted() as statements:
        page = versions.page.get("/recommendations/funnel?by=version&days=30")
    assert len(statements) <= 12
    words = text_of(page)
    assert "More clicks than the version before" in words and "What follows in a visit" in words
    assert "New version" in page.text and "turns" in page.text


def test_people_see_what_customers_said_to_a_person(versions):
    words = text_of(versions.page.get("/recommendations/funnel"))
    assert "Offered by a person" in words and "50.0% of all answers" in words


def test_programs_get_versions_and_answers(versions):
    told = versions.api("GET", "/recommendations/funnel?by=version").json
    new, old = told["items"]
    assert (new["against"], old["against"], new["algorithm"]) == ("more", "", "session")
    assert new["began_at"] > old["began_at"]
    assert (told["total"]["accepted"], told["total"]["declined"]) == (1, 1)
    rate = told["total"]["rates"]["declined"]
    assert rate["low"] < rate["rate"] == 0.5 < rate["high"]


@pytest.mark.parametrize("by", ["slot", "algorithm", "rule", "version"])
def test_the_file_has_the_lines_with_their_intervals_and_all_together(versions, by):
    import csv

    answer = versions.page.get(f"/recommendations/funnel/csv?by={by}&days=30")
    assert answer.mimetype == "text/csv" and f"offers-{by}.csv" in answer.headers["Content-Disposition"]
    heading, *rows = csv.reader(answer.text.removeprefix("\ufeff").splitlines())
    assert {len(row) for row in rows} == {len(heading)}
    whole = dict(zip(heading, rows[-1], strict=True))
    assert (whole["Accepted"], whole["Declined"], whole["Declined, share"]) == ("1", "1", "0.5")
    assert 0 < float(whole["Declined, at least"]) < 0.5 < float(whole["Declined, at most"]) < 1
