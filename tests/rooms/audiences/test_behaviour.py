"""Segments over what people did in the shop: the shop's own events, categories, searches, where they came from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from saas.audiences import conditions, filters, segments
from saas.commerce import event_names, recognition, shops
from saas.commerce.models import ShopEvent
from saas.customers import profiles
from saas.integrations import erasures
from saas.kit import work
from saas.kit.db import db
from tests.rooms.commerce.browsers import identified, tell

ANN, BOB = "ann@shop.example", "bob@shop.example"


@pytest.fixture
def people(context, company, drain):
    """Ann and Bob, who used one browser one after the other: Ann two hours ago, Bob since."""
    with work.unit(tenant_id=company.tenant_id):
        _shop, secret = shops.connect(kind="generic", name="Shop", url="https://shop.example")
        ids = profiles.create(email=ANN).id, profiles.create(email=BOB).id
    for minutes, email in ((120, ANN), (2, BOB)):
        mine = {"identity": {"email": email, "signature": recognition.sign(secret, email)}}
        tell(company, {**identified(f"i{minutes}", 0), "at": _ago(minutes + 1), **mine})
    drain(company)
    return ids


def _ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()


def did(company, drain, minutes: float, kind: str, key: str, **more) -> None:
    tell(company, {"id": key, "type": kind, "at": _ago(minutes), **more})
    drain(company)


def found(company, *asked) -> set:
    with work.unit(tenant_id=company.tenant_id):
        return set(db.session.scalars(segments.query({"match": "all", "conditions": list(asked)})))


def ask(field, operator="ever", value=None, **more):
    return {"field": field, "operator": operator, "value": value, **more}


class TestEvents:
    def test_what_was_done_in_a_browser_is_whose_it_was_then(self, company, people, drain):
        ann, bob = people
        did(company, drain, 115, "wished", "w1", properties={"color": "Dark red", "price": 12.5})
        did(company, drain, 1, "wished", "w2", properties={"color": "blue", "price": "9"})
        did(company, drain, 0.5, "wished", "w3", properties={"color": "blue", "price": "many"})
        assert found(company, ask("did", event="wished")) == {ann, bob}
        assert found(company, ask("did", event="wished", property="color", equals="blue")) == {bob}
        assert found(company, ask("did", event="wished", property="color", contains="RED")) == {ann}
        assert found(company, ask("did", event="wished", property="price", at_least="10")) == {ann}
        assert found(company, ask("did", event="wished", times=2)) == {bob}
        assert found(company, ask("did", "in_last_minutes", 60, event="wished")) == {bob}
        assert found(company, ask("did", "in_last_days", 1, event="wished")) == {ann, bob}
        assert found(company, ask("did", "never", event="returned_it")) == {ann, bob}
        with work.unit(tenant_id=company.tenant_id):
            assert event_names.known() == ["wished"]

    def test_categories_searches_and_where_they_came_from(self, company, people, drain):
        ann, bob = people
        did(company, drain, 115, "category_viewed", "c1", category="Teapots")
        did(company, drain, 1, "search_submitted", "s1", query="Green TEA")
        assert found(company, ask("viewed", category="Teapots")) == {ann}
        assert found(company, ask("searched", term="tea")) == {bob}
        assert found(company, ask("searched", "never")) == {ann}
        did(
            company,
            drain,
            60,
            "page_viewed",
            "p1",
            url="https://shop.example/?utm_source=Letter",
            referrer="https://www.instagram.com/",
        )
        assert found(company, ask("came_from", origin="instagram")) == {ann}
        assert found(company, ask("came_from", "in_last_days", 1, origin="utm_source=letter")) == {ann}

    @pytest.mark.parametrize(
        "asked",
        [ask("did"), ask("did", event="No Name"), ask("did", event="wished", times=0), ask("did", event="wished", property="a"),
         ask("did", event="wished", property="a", equals="1", contains="2"), ask("did", event="wished", property="a", at_least="much"),
         ask("did", event="wished", property="a", at_least="nan"), ask("came_from"), ask("viewed", "in_last_minutes", 0), ask("bought", "in_last_minutes", 5),
         ask("viewed", "in_last_minutes", 100_000)],
    )  # fmt: skip
    def test_what_cannot_be_asked_is_refused(self, tenant, asked):
        with pytest.raises(conditions.BadDefinition):
            segments.query({"match": "all", "conditions": [asked]})

    def test_a_filter_in_an_address_comes_back_as_it_was(self, tenant):
        for text in (
            "did.in_last_days.30.event.wished",
            "searched.ever.term.tea",
            "viewed.in_last_minutes.5",
            "came_from.never.origin.instagram",
        ):
            assert filters.write(filters.read(text)) == text


class TestErasing:
    def test_of_a_shared_browser_only_their_own_part_goes(self, company, people, drain):
        ann, bob = people
        did(company, drain, 115, "wished", "w1")
        did(company, drain, 1, "wished", "w2")
        with work.unit(tenant_id=company.tenant_id):
            erasures.erase_now(ann)
        drain(company)
        assert found(company, ask("did", event="wished")) == {bob}
        with work.unit(tenant_id=company.tenant_id):
            assert sorted(db.session.scalars(select(ShopEvent.type))) == ["identified", "wished"]
