"""Roles and teams at the page: made, given, and nobody lifts themselves."""

from __future__ import annotations

import re

import pytest

from saas.kit import work
from saas.tenancy import made_roles, members, teams
from tests.companies import Company, add_member
from tests.rooms.tenancy import crew


@pytest.fixture
def tenant_id(company, context) -> int:
    return company.tenant_id


def role_of(company: Company, name: str) -> str:
    with work.unit(tenant_id=company.tenant_id):
        return str(next(role.id for role in made_roles.listed() if role.name == name))


FIELD_TEAM = {
    "name": "Field team",
    "level": "own",
    "may": ["customers.edit", "orders.read"],
    "field.customer.phone": "hidden",
    "field.customer.city": "locked",
}


class TestRoles:
    def test_a_role_is_made_shown_and_given(self, company, tenant_id):
        assert "No roles of your own yet" in company.page.get("/settings/roles").text
        form = company.page.get("/settings/roles/new").text
        assert "Only their own" in form and "field.customer.phone" in form
        assert company.post("/settings/roles/new", FIELD_TEAM).status_code == 303
        page = company.page.get("/settings/roles").text
        assert "Field team" in page and "Sees only their own customers" in page and "1 field hidden" in page
        made = role_of(company, "Field team")
        shown = company.page.get(f"/settings/roles/{made}").text
        assert re.search(r'value="hidden" selected', shown) and re.search(r'value="own"[^>]*checked', shown)
        ann = crew.person(tenant_id, role="sales")
        assert company.post(f"/settings/members/{ann.id}/role", {"role": made}).status_code == 303
        assert "Field team" in company.page.get("/settings/members").text
        assert made not in company.page.get("/history").text.replace(f"/settings/roles/{made}", "")
        with work.unit(tenant_id=tenant_id):
            held = members.acting(ann.id).access
        assert held.permissions == {"customers.read", "customers.edit", "orders.read"}
        assert held.hidden == {"customer.phone"} and held.locked == {"customer.city"} and held.owners == (ann.id,)

    @pytest.mark.parametrize(
        ("wrong", "status"), [({"name": " "}, 422), ({"may": ["plan.edit"]}, 422), ({"level": "galaxy"}, 422)]
    )
    def test_a_wrong_entry_keeps_what_was_typed(self, company, wrong, status):
        answer = company.post("/settings/roles/new", FIELD_TEAM | wrong)
        assert answer.status_code == status and "Sales, field team" in answer.text

    def test_a_second_of_a_name_is_refused(self, company):
        company.post("/settings/roles/new", FIELD_TEAM)
        assert company.post("/settings/roles/new", FIELD_TEAM | {"name": "field TEAM"}).status_code == 409

    def test_a_role_in_use_stays(self, company, tenant_id):
        company.post("/settings/roles/new", FIELD_TEAM)
        made = role_of(company, "Field team")
        ann = crew.person(tenant_id, role=made)
        assert company.post(f"/settings/roles/{made}/delete").status_code == 409
        company.post(f"/settings/members/{ann.id}/remove")
        assert company.post(f"/settings/roles/{made}/delete").status_code == 303
        assert company.page.get(f"/settings/roles/{made}").status_code == 404


class TestNobodyLiftsThemselves:
    @pytest.fixture
    def lead(self, app, company, tenant_id) -> tuple[Company, crew.Person, str]:
        """Somebody who may make roles and change people, and may neither delete customers nor see their phones."""
        made = crew.role(
            tenant_id,
            "Lead",
            hidden=["customer.phone"],
            permissions=["customers.edit", "members.edit", "members.read", "roles.edit"],
        )
        ann = crew.person(tenant_id, role=made)
        return crew.browser(app, company, ann), ann, made

    @pytest.mark.parametrize(
        "more", [{"may": ["customers.delete"]}, {"field.customer.phone": ""}, {"may": ["company.close"]}]
    )
    def test_their_own_role_cannot_grow(self, lead, tenant_id, more):
        hers, _ann, made = lead
        before = shown(tenant_id, made)
        form = {"name": "Lead", "level": "all", "may": ["customers.edit", "members.edit", "roles.edit"]} | more
        hers.post(f"/settings/roles/{made}", form)
        after = shown(tenant_id, made)
        assert set(after["permissions"]) <= set(before["permissions"]) and set(before["hidden"]) <= set(after["hidden"])

    def test_they_can_neither_take_nor_give_a_larger_role(self, lead, tenant_id):
        hers, ann, _made = lead
        bob = crew.person(tenant_id, role="read_only")
        for who in (ann, bob):
            for role in ("owner", "admin", "sales"):
                assert hers.post(f"/settings/members/{who.id}/role", {"role": role}).status_code == 403
        assert hers.post("/settings/members", {"email": "x@guests.example", "role": "admin"}).status_code == 403

    def test_they_cannot_touch_who_may_do_more(self, lead, tenant_id):
        hers, _ann, made = lead
        bob = crew.person(tenant_id, role="admin")
        assert hers.post(f"/settings/members/{bob.id}/role", {"role": made}).status_code == 403
        assert hers.post(f"/settings/members/{bob.id}/remove").status_code == 403

    def test_who_sees_only_their_own_cannot_make_themselves_a_manager(self, app, company, tenant_id):
        made = crew.role(
            tenant_id, rows={"customer": "own"}, permissions=["customers.read", "members.edit", "keys.edit"]
        )
        ann, bob = crew.person(tenant_id, role=made), crew.person(tenant_id, role=made)
        north = crew.team(tenant_id, "North", people=(bob,))
        hers = crew.browser(app, company, ann)
        assert (
            hers.post(f"/settings/teams/{north}/people", {"member_id": str(ann.id), "manages": "1"}).status_code == 403
        )
        assert hers.post(f"/settings/teams/{north}", {"name": "Mine"}).status_code == 403
        assert hers.post("/settings/members", {"email": "x@guests.example", "role": "read_only"}).status_code == 403


class TestWhatIsShownCanBeOpened:
    """Nothing in the navigation leads to a refusal, and everybody begins somewhere."""

    @staticmethod
    def links(page: str) -> list[str]:
        found = re.findall(r'<a href="([^"]+)" class="r-(?:nav-link|nav-child)[ "]', page)
        return [*found, *re.findall(r'<a href="(/[^"]*)"(?: class="is-active" aria-current="page")?>[^<]+</a>', page.split("r-settings-places", 1)[-1])
                ] if "r-settings-places" in page else found  # fmt: skip

    @pytest.mark.parametrize("role", ["owner", "admin", "marketer", "sales", "service", "read_only"])
    def test_by_whoever_has_a_built_in_role(self, app, company, tenant_id, role):
        theirs = crew.browser(app, company, crew.person(tenant_id, role=role))
        home = theirs.page.get("/")
        assert home.status_code == 200 and len(self.links(home.text)) > 5
        for url in {
            inner for room in self.links(home.text) for inner in [room, *self.links(theirs.page.get(room).text)]
        }:
            assert theirs.page.get(url).status_code == 200, url

    @pytest.mark.parametrize(
        ("permissions", "first"),
        [(["customers.read"], "/customers"), (["orders.read"], "/orders"), (["audit.read", "operations.read"], "/history"), (["members.read"], "/settings/members"),
         (["hooks.edit"], "/settings/webhooks"), (["reports.read"], None)],
    )  # fmt: skip
    def test_by_whoever_may_do_little(self, app, company, tenant_id, permissions, first):
        made = crew.role(tenant_id, "Little", permissions=permissions)
        theirs = crew.browser(app, company, crew.person(tenant_id, role=made))
        home = theirs.page.get("/")
        assert (home.status_code, home.headers.get("Location")) == ((303, first) if first else (200, None))
        page = theirs.page.get(first or "/").text
        assert self.links(page)
        for url in self.links(page):
            assert theirs.page.get(url).status_code == 200, url


class TestTeams:
    def test_teams_are_made_moved_and_dissolved(self, company, tenant_id):
        assert "No teams yet" in company.page.get("/settings/teams").text
        company.post("/settings/teams", {"name": "North"})
        north = the_team(tenant_id, "North")["id"]
        company.post("/settings/teams", {"name": "Oslo", "parent_id": str(north)})
        ann = crew.person(tenant_id, name="Ann")
        assert (
            company.post(f"/settings/teams/{north}/people", {"member_id": str(ann.id), "manages": "1"}).status_code
            == 303
        )
        page = company.page.get("/settings/teams").text
        assert "led by Ann" in page and the_team(tenant_id, "Oslo")["depth"] == 1
        assert "North (manager)" in re.sub(r"\s+", " ", company.page.get("/settings/members").text)
        oslo = the_team(tenant_id, "Oslo")["id"]
        assert company.post(f"/settings/teams/{north}", {"name": "North", "parent_id": str(oslo)}).status_code == 422
        assert company.post(f"/settings/teams/{north}/dissolve").status_code == 303
        assert the_team(tenant_id, "Oslo")["depth"] == 0

    def test_a_team_has_one_manager(self, company, tenant_id):
        ann, bob = crew.person(tenant_id, name="Ann"), crew.person(tenant_id, name="Bob")
        north = crew.team(tenant_id, "North", people=(ann, bob), manager=ann)
        assert (
            company.post(f"/settings/teams/{north}/people", {"member_id": str(bob.id), "manages": "1"}).status_code
            == 303
        )
        assert the_team(tenant_id, "North")["manager"]["name"] == "Bob"
        assert company.post(f"/settings/teams/{north}/people/{ann.id}/remove").status_code == 303
        assert [one["name"] for one in the_team(tenant_id, "North")["members"]] == ["Bob"]

    def test_who_may_not_change_people_only_looks(self, app, company, tenant_id):
        browser = add_member(app, company, role="sales")
        assert browser.get("/settings/teams").status_code == 403


def the_team(tenant_id: int, name: str) -> dict:
    with work.unit(tenant_id=tenant_id):
        return next(team for team in teams.tree() if team["name"] == name)


def shown(tenant_id: int, role_id: str) -> dict:
    with work.unit(tenant_id=tenant_id):
        return made_roles.shown(made_roles.one(role_id))
