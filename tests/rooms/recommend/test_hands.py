"""Whose offers were that a browser was shown: they go with the browser, for the stretch of time that is proven."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from saas.customers import profiles
from saas.customers.models import VisitorPart
from saas.kit import clock, identifiers, scope, work
from saas.kit.db import db
from saas.recommend import hands
from saas.recommend.models import OfferShown

BROWSER, ANOTHER = "browser-that-moves-000001", "browser-that-stays-000001"


@pytest.fixture
def people(company, context) -> tuple[UUID, UUID]:
    with work.unit(tenant_id=company.tenant_id):
        return profiles.create(email="ann@mail.example").id, profiles.create(email="bob@mail.example").id


def shown(company, *, hours_ago: float, browser: str = BROWSER, whose: UUID | None = None) -> UUID:
    at = clock.now() - timedelta(hours=hours_ago)
    offer_id = identifiers.at(at, browser, str(hours_ago))
    row = {
        "tenant_id": company.tenant_id, "id": offer_id, "request_id": identifiers.new(), "at": at, "slot": "home", "position": 1, "visitor": browser,
        "customer_id": whose, "product_key": "p", "reason_code": "popular", "reason_text": "", "algorithm": "popular",
    }  # fmt: skip
    with work.unit(tenant_id=company.tenant_id):
        db.session.execute(insert(OfferShown), [row])
    return offer_id


def part(
    company, whose: UUID, *, since: float, until: float, proven: bool = True, browser: str = BROWSER, place: int = 0
) -> None:
    """A stretch of the browser's time, in hours ago."""
    with work.unit(tenant_id=company.tenant_id):
        ends = {"since_at": clock.now() - timedelta(hours=since), "until_at": clock.now() - timedelta(hours=until)}
        db.session.add(
            VisitorPart(customer_id=whose, self_id=whose, visitor=browser, place=place, proven=proven, **ends)
        )


def whose(company, *browsers: str) -> dict[UUID, UUID | None]:
    with work.unit(tenant_id=company.tenant_id):
        hands.follow(browsers or [BROWSER])
        return dict(db.session.execute(select(OfferShown.id, OfferShown.customer_id)).all())


def test_what_was_shown_while_the_browser_was_theirs_is_theirs_and_the_rest_nobodys(company, people):
    ann, _bob = people
    before, during, after = (shown(company, hours_ago=hours) for hours in (9, 5, 1))
    part(company, ann, since=8, until=2)
    assert whose(company) == {before: None, during: ann, after: None}


def test_a_browser_of_two_people_one_after_the_other_is_each_one_s_in_turn(company, people):
    ann, bob = people
    first, second = shown(company, hours_ago=7), shown(company, hours_ago=3)
    part(company, ann, since=8, until=5)
    part(company, bob, since=5, until=0, place=1)
    assert whose(company) == {first: ann, second: bob}


def test_what_is_only_claimed_is_nobody_s(company, people):
    ann, _bob = people
    offer = shown(company, hours_ago=3)
    part(company, ann, since=8, until=0, proven=False)
    assert whose(company) == {offer: None}


def test_when_it_is_known_to_be_somebody_else_s_it_is_taken_from_who_had_it(company, people):
    ann, bob = people
    offer, old = shown(company, hours_ago=3, whose=ann), shown(company, hours_ago=30, whose=ann)
    part(company, bob, since=8, until=0)
    assert whose(company) == {offer: bob, old: None}


def test_another_browser_and_another_company_keep_theirs(company, other_company, people, context):
    ann, bob = people
    kept = shown(company, hours_ago=3, browser=ANOTHER, whose=bob)
    moved = shown(company, hours_ago=3)
    part(company, ann, since=8, until=0)
    with work.unit(tenant_id=other_company.tenant_id):
        assert scope.tenant_id() == other_company.tenant_id
        foreign_owner = profiles.create(email="eve@mail.example").id
    foreign = shown(other_company, hours_ago=3, whose=foreign_owner)
    assert whose(company) == {kept: bob, moved: ann}
    with work.unit(tenant_id=other_company.tenant_id):
        assert dict(db.session.execute(select(OfferShown.id, OfferShown.customer_id)).all()) == {foreign: foreign_owner}


def test_done_again_it_is_the_same(company, people):
    ann, _bob = people
    offer = shown(company, hours_ago=3)
    part(company, ann, since=8, until=0)
    assert whose(company) == whose(company) == {offer: ann}
