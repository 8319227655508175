"""The company's people: places, roles, and the last owner."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest

from saas.kit import scope, work
from saas.tenancy import directory, limits, logins, members, roles, sessions
from tests.companies import add_member, found_company


@pytest.fixture
def as_owner(company, context):
    """Do something in the company as its owner, in a unit of its own."""

    def act(deed, *args, **kwargs):
        with work.unit(tenant_id=company.tenant_id):
            owner = members.listed()[0]
        with work.unit(tenant_id=company.tenant_id, actor=scope.Actor("member", str(owner.id), "Ada")):
            return deed(*args, **kwargs)

    return act


def people(company) -> dict[str, members.Member]:
    with work.unit(tenant_id=company.tenant_id):
        return {member.role: member for member in members.listed()}


class TestInvite:
    def test_an_invitation_takes_a_place_and_the_plan_has_so_many(self, as_owner):
        as_owner(limits.set_all, limits={"members": 2})
        as_owner(members.invite, email="one@guests.example", role="sales")
        with pytest.raises(limits.OverLimit, match="2"):
            as_owner(members.invite, email="two@guests.example", role="sales")

    def test_two_at_once_do_not_share_the_last_place(self, app, company, as_owner):
        as_owner(limits.set_all, limits={"members": 2})
        outcomes = []

        def invite(number):
            with app.app_context():
                try:
                    outcomes.append(as_owner(members.invite, email=f"{number}@guests.example", role="sales").role)
                except limits.OverLimit:
                    outcomes.append("full")

        threads = [threading.Thread(target=invite, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["full", "full", "full", "sales"]

    def test_somebody_of_the_company_is_refused_in_any_spelling(self, company, as_owner):
        with pytest.raises(members.MemberAlready):
            as_owner(members.invite, email=company.email.upper(), role="sales")

    def test_who_was_removed_may_be_invited_again(self, app, company, as_owner):
        add_member(app, company, role="sales")
        gone = people(company)["sales"]
        as_owner(members.remove, gone.id)
        again = as_owner(members.invite, email=gone.email, role="marketer")
        assert (again.id, again.role, again.joined_at) == (gone.id, "marketer", None)

    @pytest.mark.parametrize(
        ("email", "role", "field"), [("nobody", "sales", "email"), ("a@b.example", "king", "role")]
    )
    def test_a_wrong_field_is_named(self, as_owner, email, role, field):
        with pytest.raises(members.BadMember) as refused:
            as_owner(members.invite, email=email, role=role)
        assert list(refused.value.fields) == [field]

    def test_not_before_ones_own_address_is_verified(self, company, as_owner):
        with work.unit(tenant_id=None):
            logins.by_email(company.email).verified_at = None
        with pytest.raises(logins.NotVerified):
            as_owner(members.invite, email="one@guests.example", role="sales")


class TestRoles:
    def test_the_last_owner_stays_owner_and_stays(self, company, as_owner):
        owner = people(company)["owner"]
        with pytest.raises(members.LastOwner):
            as_owner(members.change_role, owner.id, role="sales")
        with pytest.raises(members.LastOwner):
            as_owner(members.remove, owner.id)

    def test_of_two_owners_who_leave_at_once_one_stays(self, app, company, as_owner):
        add_member(app, company, role="owner")
        with work.unit(tenant_id=company.tenant_id):
            owners = [member.id for member in members.listed()]
        outcomes = []

        def leave(member_id):
            actor = scope.Actor("member", str(member_id), "")
            with app.app_context():
                try:
                    with work.unit(tenant_id=company.tenant_id, actor=actor):
                        members.remove(member_id)
                    outcomes.append("gone")
                except members.LastOwner:
                    outcomes.append("stays")

        threads = [threading.Thread(target=leave, args=(member_id,)) for member_id in owners]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["gone", "stays"]

    def test_an_invited_owner_does_not_count_as_one(self, company, as_owner):
        as_owner(members.invite, email="boss@guests.example", role="owner")
        with work.unit(tenant_id=company.tenant_id):
            owner = next(member for member in members.listed() if member.joined_at)
        with pytest.raises(members.LastOwner):
            as_owner(members.remove, owner.id)

    def test_an_administrator_neither_makes_nor_touches_owners(self, app, company, context):
        add_member(app, company, role="admin")
        held = people(company)
        with work.unit(tenant_id=company.tenant_id, actor=scope.Actor("member", str(held["admin"].id), "")):
            for deed in (
                lambda: members.invite(email="boss@guests.example", role="owner"),
                lambda: members.change_role(held["admin"].id, role="owner"),
                lambda: members.change_role(held["owner"].id, role="sales"),
                lambda: members.remove(held["owner"].id),
            ):
                with pytest.raises(members.OwnersOnly):
                    deed()

    def test_every_role_is_described_and_only_the_owner_pays(self):
        assert [role.key for role in roles.described()] == list(roles.ROLES)
        assert [role for role in roles.ROLES if roles.may(role, "plan.edit")] == ["owner"]


class TestRemove:
    def test_sessions_of_the_company_end_and_those_elsewhere_stay(self, app, company, as_owner):
        elsewhere = found_company(app)
        with work.unit(tenant_id=None):
            login = logins.by_email(elsewhere.email)
        member = as_owner(members.invite, email=elsewhere.email, role="sales")
        with work.unit(tenant_id=None), work.acting_for(company.tenant_id):
            members.join(member.id, login)
        with work.unit(tenant_id=None):
            here = sessions.begin(login=login, address="", browser="", tenant_id=company.tenant_id)
            there = sessions.begin(login=login, address="", browser="", tenant_id=elsewhere.tenant_id)
        as_owner(members.remove, member.id)
        with work.unit(tenant_id=None):
            assert sessions.read(here) is None
            assert sessions.read(there).tenant_id == elsewhere.tenant_id

    def test_who_belongs_to_no_company_any_more_is_forgotten(self, app, company, as_owner):
        add_member(app, company, role="service")
        gone = people(company)["service"]
        as_owner(members.remove, gone.id)
        with work.unit(tenant_id=None):
            assert logins.by_email(gone.email) is None
            assert directory.places(kind="member", key=str(gone.login_id)) == []

    def test_another_companys_member_is_not_there(self, as_owner, other_company):
        foreign = people(other_company)["owner"]
        for member_id in (foreign.id, uuid4(), "nonsense"):
            with pytest.raises(members.NoSuchMember):
                as_owner(members.remove, member_id)
