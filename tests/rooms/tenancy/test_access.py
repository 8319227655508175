"""Whose records somebody sees: the second wall, from the role and the teams down to raw SQL."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from saas.customers import arriving, owners, profiles
from saas.customers.models import Customer, CustomerShare
from saas.kit import access, clock, pool, work
from saas.kit.db import db
from tests.rooms.tenancy import crew


@pytest.fixture
def tenant_id(company, context) -> int:
    return company.tenant_id


@pytest.fixture
def own(tenant_id) -> str:
    return crew.role(tenant_id, rows={"customer": "own"})


def customer(tenant_id, email: str, owner: crew.Person | None = None) -> UUID:
    with work.unit(tenant_id=tenant_id):
        return profiles.create(email=email, owner_id=owner.id if owner else None).id


def visible() -> set[str]:
    return set(db.session.scalars(select(Customer.email_norm)))


class TestRows:
    def test_only_ones_own_are_there(self, tenant_id, own):
        ann, bob = crew.person(tenant_id, role=own), crew.person(tenant_id, role=own)
        (
            customer(tenant_id, "ann@x.example", ann),
            customer(tenant_id, "bob@x.example", bob),
            customer(tenant_id, "nobody@x.example"),
        )
        with crew.acting(tenant_id, ann):
            assert visible() == {"ann@x.example"} and profiles.count() == 1
        with crew.acting(tenant_id, crew.person(tenant_id, role="sales")):
            assert visible() == {"ann@x.example", "bob@x.example", "nobody@x.example"}

    def test_raw_sql_is_narrowed_too(self, tenant_id, own):
        ann = crew.person(tenant_id, role=own)
        customer(tenant_id, "ann@x.example", ann), customer(tenant_id, "other@x.example")
        with crew.acting(tenant_id, ann), pool.connection() as connection:
            assert connection.execute("SELECT email FROM customers").fetchall() == [("ann@x.example",)]
            assert connection.execute("SELECT count(*) FROM customer_facts").fetchone() == (1,)
            assert connection.execute("SELECT count(*) FROM customer_identities").fetchone() == (1,)
        with pool.connection(tenant_id=tenant_id) as connection:
            assert connection.execute("SELECT count(*), current_user FROM customers").fetchone()[0] == 2

    def test_a_colleagues_customer_cannot_be_changed_or_given_away(self, tenant_id, own):
        ann, bob = crew.person(tenant_id, role=own), crew.person(tenant_id, role=own)
        hers = customer(tenant_id, "bob@x.example", bob)
        with crew.acting(tenant_id, ann):
            with pytest.raises(profiles.NoSuchCustomer):
                profiles.change(hers, city="Rome")
            assert db.session.execute(update(Customer).values(city="Rome")).rowcount == 0
        with work.unit(tenant_id=tenant_id):
            assert profiles.one(hers).city == ""

    def test_a_unit_inside_the_unit_is_narrowed_too(self, tenant_id, own):
        ann = crew.person(tenant_id, role=own)
        customer(tenant_id, "other@x.example")
        with crew.acting(tenant_id, ann), work.unit(tenant_id=tenant_id):
            assert visible() == set()


class TestLifted:
    def test_it_shows_the_whole_company_and_then_no_more(self, tenant_id, own):
        ann = crew.person(tenant_id, role=own)
        customer(tenant_id, "other@x.example")
        with crew.acting(tenant_id, ann):
            assert visible() == set()
            with access.lifted(reason="to test it"):
                assert visible() == {"other@x.example"}
            assert visible() == set()

    def test_what_raises_inside_leaves_it_closed(self, tenant_id, own):
        ann = crew.person(tenant_id, role=own)
        customer(tenant_id, "other@x.example")
        with crew.acting(tenant_id, ann):
            with pytest.raises(KeyError), access.lifted(reason="to test it"):
                raise KeyError
            assert visible() == set()

    def test_a_failed_statement_inside_a_savepoint_leaves_it_closed(self, tenant_id, own):
        ann = crew.person(tenant_id, role=own)
        customer(tenant_id, "other@x.example")
        with crew.acting(tenant_id, ann):
            failing = pytest.raises(Exception, match="division by zero")
            with failing, access.lifted(reason="to test it"), db.session.begin_nested():
                db.session.scalar(select(1 / func.length("")))
            assert visible() == set()


class TestTeams:
    @pytest.fixture
    def tree(self, tenant_id, own):
        """North (led by Max) with Oslo (Ann) and Bergen (Bob) inside it, and South (Cem) beside it."""
        people = {name: crew.person(tenant_id, role=own, name=name) for name in ("Max", "Ann", "Bob", "Cem")}
        north = crew.team(tenant_id, "North", manager=people["Max"])
        teams = {
            "North": north,
            "Oslo": crew.team(tenant_id, "Oslo", inside=north, people=(people["Ann"],)),
            "Bergen": crew.team(tenant_id, "Bergen", inside=north, people=(people["Bob"],)),
            "South": crew.team(tenant_id, "South", people=(people["Cem"],)),
        }
        for name, one in people.items():
            customer(tenant_id, f"{name.lower()}@x.example", one)
        return people, teams

    def test_a_manager_sees_all_below(self, tenant_id, tree):
        people, _teams = tree
        with crew.acting(tenant_id, people["Max"]):
            assert visible() == {"max@x.example", "ann@x.example", "bob@x.example"}
        with crew.acting(tenant_id, people["Ann"]):
            assert visible() == {"ann@x.example"}

    def test_the_teams_level_sees_colleagues_and_not_the_next_team(self, tenant_id, tree):
        _people, teams = tree
        role = crew.role(tenant_id, rows={"customer": "team"})
        dan = crew.person(tenant_id, role=role)
        with work.unit(tenant_id=tenant_id):
            crew.teams.put(team_id=teams["Oslo"], member_id=dan.id)
        with crew.acting(tenant_id, dan):
            assert visible() == {"ann@x.example"}

    def test_what_is_shared_is_seen_until_it_ends(self, tenant_id, tree):
        people, teams = tree
        with work.unit(tenant_id=tenant_id):
            by_email = {one.email_norm: one for one in db.session.scalars(select(Customer))}
            owners.share(
                by_email["ann@x.example"], member_id=people["Bob"].id, expires_at=clock.now() + timedelta(hours=1)
            )
            owners.share(by_email["max@x.example"], team_id=teams["North"])
        with crew.acting(tenant_id, people["Bob"]):
            assert visible() == {"bob@x.example", "ann@x.example", "max@x.example"}
        with crew.acting(tenant_id, people["Cem"]):
            assert visible() == {"cem@x.example"}
        with work.unit(tenant_id=tenant_id):
            db.session.execute(update(CustomerShare).values(expires_at=clock.now() - timedelta(seconds=1)))
        with crew.acting(tenant_id, people["Bob"]):
            assert visible() == {"bob@x.example"}

    def test_a_leavers_customers_stay_with_the_manager(self, tenant_id, tree):
        people, _teams = tree
        with work.unit(tenant_id=tenant_id):
            crew.members.remove(people["Ann"].id)
        with crew.acting(tenant_id, people["Max"]):
            assert "ann@x.example" in visible()


class TestNames:
    def test_a_taken_address_is_said_to_be_a_colleagues_and_no_more(self, tenant_id, own):
        ann = crew.person(tenant_id, role=own)
        customer(tenant_id, "other@x.example")
        with crew.acting(tenant_id, ann):
            with pytest.raises(profiles.ColleaguesCustomer) as refused:
                profiles.create(email="other@x.example")
            assert refused.value.customer_id is None and str(refused.value) == "This belongs to a colleague's customer."
            mine = profiles.create(email="new@x.example")
            assert mine.owner_id == ann.id and visible() == {"new@x.example"}
            with pytest.raises(profiles.ColleaguesCustomer):
                profiles.change(mine.id, email="other@x.example")

    def test_many_at_once_leave_a_colleagues_alone(self, tenant_id, own):
        ann = crew.person(tenant_id, role=own)
        theirs = customer(tenant_id, "other@x.example")
        with crew.acting(tenant_id, ann):
            found = arriving.upsert_many([{"email": "other@x.example", "city": "Rome"}, {"email": "new@x.example"}])
            assert [one.status for one in found] == ["failed", "created"] and found[0].id is None
            assert visible() == {"new@x.example"}
        with work.unit(tenant_id=tenant_id):
            assert profiles.one(theirs).city == ""

    def test_one_may_hand_over_to_somebody_elsewhere(self, tenant_id, own):
        ann, bob = crew.person(tenant_id, role=own), crew.person(tenant_id, role=own)
        hers = customer(tenant_id, "ann@x.example", ann)
        with crew.acting(tenant_id, ann):
            owners.hand_over(profiles.one(hers), to=bob.id)
            assert visible() == set()
        with crew.acting(tenant_id, bob):
            assert visible() == {"ann@x.example"}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    parents=st.lists(st.integers(-1, 3), min_size=1, max_size=4), places=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    managers=st.lists(st.sampled_from([None, 0, 1, 2]), min_size=4, max_size=4), level=st.sampled_from(["own", "team"]),
)  # fmt: skip
def test_any_tree_shows_just_what_the_words_say(app, parents, places, managers, level):
    """Compared with the words themselves, worked out another way: step by step down from each team."""
    from tests.companies import found_company

    with app.app_context():
        tenant_id = found_company(app).tenant_id
        role = crew.role(tenant_id, rows={"customer": level})
        people = [crew.person(tenant_id, role=role) for _ in range(3)]
        made: list[UUID] = []
        above: list[int | None] = []
        for place, parent in enumerate(parents):
            inside = parent if 0 <= parent < place else None
            made.append(crew.team(tenant_id, f"Team {place}", inside=made[inside] if inside is not None else None))
            above.append(inside)
        belongs, leads = {}, {}
        with work.unit(tenant_id=tenant_id):
            for who, place in enumerate(places):
                belongs.setdefault(place % len(made), set()).add(who)
                crew.teams.put(team_id=made[place % len(made)], member_id=people[who].id)
            for place in range(len(made)):
                if managers[place] is not None:
                    leads[place] = managers[place]
                    belongs.setdefault(place, set()).add(managers[place])
                    crew.teams.put(team_id=made[place], member_id=people[managers[place]].id, manages=True)
        for who in range(3):
            customer(tenant_id, f"{who}@x.example", people[who])

        def below(team: int) -> set[int]:
            return {team}.union(*(below(inner) for inner, parent in enumerate(above) if parent == team))

        for who in range(3):
            seen = {team for team, manager in leads.items() if manager == who}
            if level == "team":
                seen |= {team for team, inside in belongs.items() if who in inside}
            circle = {who}.union(*(belongs.get(inner, set()) for team in seen for inner in below(team)))
            with crew.acting(tenant_id, people[who]):
                assert visible() == {f"{one}@x.example" for one in circle}
