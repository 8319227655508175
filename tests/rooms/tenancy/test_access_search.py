"""Search for who does not see everything: not by what they must not see, not whom, and not empty for it."""

from __future__ import annotations

from uuid import UUID

import pytest

from saas.customers import arriving, owners, profiles
from saas.kit import search, work
from tests.rooms.tenancy import crew


@pytest.fixture(params=["whoosh", "postgres"])
def engine(request, company, context):
    search.rebuild(company.tenant_id, [], engine=request.param)
    return request.param


def names(tenant_id, typed, kinds=("customer",)) -> list[str]:
    return [hit.title for hit in search.find(tenant_id, typed, kinds=kinds)]


def test_one_finds_ones_own_behind_hundreds_of_better_hits(app, company, engine, drain):
    tenant_id = company.tenant_id
    ann = crew.person(tenant_id, role=crew.role(tenant_id, rows={"customer": "own"}))
    with work.unit(tenant_id=tenant_id):
        many = [
            {"external_id": f"m{number}", "first_name": "Maria", "last_name": f"{number:03}"} for number in range(450)
        ]
        assert len(arriving.upsert_many(many, UUID(int=0), source="test")) == 450
        mine = profiles.create(first_name="Maria", last_name="Zimmermann", owner_id=ann.id)
        shared = profiles.create(first_name="Maria", last_name="Yilmaz")
        owners.share(shared, member_id=ann.id)
        team = crew.teams.create(name="Sales").id
        crew.teams.put(team_id=team, member_id=ann.id)
        through_team = profiles.create(first_name="Maria", last_name="Xu")
        owners.share(through_team, team_id=team)
    drain(company)
    with crew.acting(tenant_id, ann):
        assert set(names(tenant_id, "maria")) == {mine.name, shared.name, through_team.name}
        assert names(tenant_id, "maria 003") == []
    with work.unit(tenant_id=tenant_id):
        owners.hand_over(profiles.one(mine.id), to=None)
    with crew.acting(tenant_id, ann):
        assert mine.name not in names(tenant_id, "maria"), "the index is behind, the rows are not"
    drain(company)
    with crew.acting(tenant_id, ann):
        assert set(names(tenant_id, "mari")) == {shared.name, through_team.name}


def test_a_hidden_field_finds_nobody_and_is_not_in_the_hit(app, company, engine, drain):
    tenant_id = company.tenant_id
    role = crew.role(tenant_id, hidden=["customer.email", "customer.phone", "customer.note"])
    bob = crew.person(tenant_id, role=role)
    with work.unit(tenant_id=tenant_id):
        profiles.create(
            first_name="Grace",
            last_name="Hopper",
            email="navy@ships.example",
            phone="+49 30 1234567",
            note="likes pelicans",
            city="Bonn",
        )
        profiles.create(email="nameless@ships.example", city="Bonn")
    drain(company)
    with work.unit(tenant_id=tenant_id):
        for typed in ("navy@ships.example", "navy", "ships", "1234567", "pelicans", "nameless"):
            assert search.find(tenant_id, typed, kinds=["customer"]), typed
    with crew.acting(tenant_id, bob):
        for typed in ("navy@ships.example", "navy", "ship", "1234567", "+49 30 1234567", "pelicans", "nameless"):
            assert search.find(tenant_id, typed, kinds=["customer"]) == [], typed
        found = search.find(tenant_id, "bonn", kinds=["customer"])
        assert {hit.title for hit in found} == {"Grace Hopper", "—"}
        assert all("ships" not in hit.title + hit.subtitle and "123" not in hit.subtitle for hit in found)
        assert names(tenant_id, "hopp") == ["Grace Hopper"]


def test_orders_are_found_by_whoever_sees_the_customer(app, company, engine, drain):
    tenant_id = company.tenant_id
    ann = crew.person(tenant_id, role=crew.role(tenant_id, rows={"customer": "own"}))
    for number, email in (("ORD-7001", "hers@x.example"), ("ORD-8302", "other@x.example")):
        company.api("POST", "/orders", json={
            "external_id": number, "number": number, "placed_at": "2026-05-01T10:00:00Z", "currency": "EUR", "customer": {"email": email},
            "lines": [{"product": "p", "quantity": 1, "unit_price": "5"}],
        })  # fmt: skip
    drain(company)
    with work.unit(tenant_id=tenant_id):
        from saas.customers import identity

        owners.hand_over(profiles.one(identity.find("email", "hers@x.example")), to=ann.id)
    drain(company)
    with crew.acting(tenant_id, ann):
        assert (
            names(tenant_id, "ORD-7001", ("order",)) == ["ORD-7001"] and names(tenant_id, "ORD-8302", ("order",)) == []
        )
