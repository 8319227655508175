"""Running a company through the API: people, teams, roles, settings, the sender, views, and the company's own fields."""

from __future__ import annotations

import pytest

from tests.companies import add_member
from tests.doors.test_key_scopes import with_key


def key_of(company, role="owner", **about):
    return with_key(company, role=role, **about)


def members(company):
    return {one["email"]: one for one in company.api("GET", "/members").json["items"]}


class TestMembers:
    def test_somebody_is_invited_given_another_role_and_let_go(self, company):
        made = company.api("POST", "/members", json={"email": "Ada@shop.example", "role": "sales"})
        assert made.status_code == 201 and made.json["joined_at"] is None and made.json["role"] == "sales"
        path = f"/members/{made.json['id']}"
        assert company.api("POST", f"{path}/invitation").status_code == 200
        assert company.api("PATCH", path, json={"role": "marketer"}).json["role"] == "marketer"
        waiting = company.api("GET", "/members?joined=false").json["items"]
        assert [one["id"] for one in waiting] == [made.json["id"]]
        assert company.api("GET", "/members?role=owner").json["items"][0]["email"] == company.email
        assert company.api("DELETE", path).status_code == 204
        assert company.api("GET", path).status_code == 404

    def test_no_program_makes_or_touches_an_owner(self, company):
        owner = members(company)[company.email]["id"]
        assert company.api("POST", "/members", json={"email": "b@shop.example", "role": "owner"}).status_code == 403
        assert company.api("PATCH", f"/members/{owner}", json={"role": "sales"}).status_code == 403
        assert company.api("DELETE", f"/members/{owner}").status_code == 403
        assert members(company)[company.email]["role"] == "owner"

    def test_a_key_gives_no_more_than_it_has(self, company):
        narrow = key_of(company, scopes=["members.read", "members.edit"])
        assert narrow.api("POST", "/members", json={"email": "b@shop.example", "role": "admin"}).status_code == 403
        assert "b@shop.example" not in members(company)

    def test_a_role_that_is_none(self, company):
        answer = company.api("POST", "/members", json={"email": "b@shop.example", "role": "emperor"})
        assert answer.status_code == 422 and "role" in answer.json["error"]["fields"]


class TestTeams:
    def test_a_tree_with_people(self, app, company):
        add_member(app, company, role="sales")
        seller = next(one["id"] for one in company.api("GET", "/members?role=sales").json["items"])
        north = company.api("POST", "/teams", json={"name": "North"}).json
        oslo = company.api("POST", "/teams", json={"name": "Oslo", "parent_id": north["id"]}).json
        placed = company.api("PUT", f"/teams/{oslo['id']}/members/{seller}", json={"manages": True}).json
        assert (placed["manager_id"], placed["member_ids"], placed["parent_id"]) == (seller, [seller], north["id"])
        assert company.api("PATCH", f"/teams/{north['id']}", json={"parent_id": oslo["id"]}).status_code == 422
        moved = company.api("PATCH", f"/teams/{oslo['id']}", json={"parent_id": None, "name": "Oslo and around"}).json
        assert (moved["parent_id"], moved["name"]) == (None, "Oslo and around")
        assert company.api("DELETE", f"/teams/{oslo['id']}/members/{seller}").status_code == 204
        assert company.api("DELETE", f"/teams/{oslo['id']}/members/{seller}").status_code == 404
        assert company.api("DELETE", f"/teams/{north['id']}").status_code == 204
        assert [team["id"] for team in company.api("GET", "/teams").json["items"]] == [oslo["id"]]


class TestRoles:
    def test_a_role_is_made_changed_and_deleted(self, company):
        body = {
            "name": "Field",
            "permissions": ["customers.edit"],
            "rows": {"customer": "own"},
            "hidden": ["customer.phone"],
        }
        made = company.api("POST", "/roles", json=body)
        assert made.status_code == 201, made.json
        assert made.json["permissions"] == ["customers.edit", "customers.read"] and made.json["rows"] == {
            "customer": "own"
        }
        path = f"/roles/{made.json['id']}"
        assert company.api("PATCH", path, json={"hidden": []}).json["hidden"] == []
        assert company.api("GET", path).json["name"] == "Field"
        guest = company.api("POST", "/members", json={"email": "b@shop.example", "role": made.json["id"]}).json
        assert company.api("DELETE", path).status_code == 409
        company.api("DELETE", f"/members/{guest['id']}")
        assert company.api("DELETE", path).status_code == 204 and company.api("GET", path).status_code == 404

    @pytest.mark.parametrize(
        "wrong",
        [{"permissions": ["plan.edit"]}, {"rows": {"customer": "everybody"}}, {"rows": {"order": "own"}}, {"name": ""}],
    )
    def test_what_no_role_can_be(self, company, wrong):
        assert company.api("POST", "/roles", json={"name": "Odd"} | wrong).status_code == 422

    def test_a_key_makes_no_role_that_can_do_more_than_it(self, company):
        narrow = key_of(company, scopes=["roles.edit", "members.read", "customers.read"])
        assert narrow.api("POST", "/roles", json={"name": "More", "permissions": ["orders.edit"]}).status_code == 403
        assert narrow.api("POST", "/roles", json={"name": "Same", "permissions": ["customers.read"]}).status_code == 201


class TestTheCompanyItself:
    def test_its_settings_change_while_nobody_was_faster(self, company):
        held = company.api("GET", "/company")
        changed = company.api(
            "PATCH", "/company", json={"zone": "Asia/Tokyo"}, headers={"If-Match": held.headers["ETag"]}
        )
        assert changed.status_code == 200 and changed.json["zone"] == "Asia/Tokyo"
        late = company.api(
            "PATCH", "/company", json={"zone": "Europe/Oslo"}, headers={"If-Match": held.headers["ETag"]}
        )
        assert late.status_code == 412
        assert company.api("PATCH", "/company", json={"zone": "Moon/Sea"}).json["error"]["fields"].keys() == {"zone"}

    def test_the_sender_and_its_key(self, company):
        assert company.api("POST", "/sender/key").status_code == 409
        changed = company.api("PATCH", "/sender", json={"sender_name": "Ada", "sender_email": "ada@mail.shop.example"})
        assert changed.json["entries"] == [] and changed.json["sender_name"] == "Ada"
        made = company.api("POST", "/sender/key").json
        assert made["domain"] == "mail.shop.example" and {one["kind"] for one in made["entries"]} == {
            "dkim",
            "spf",
            "dmarc",
        }
        assert company.api("GET", "/sender").json == made

    def test_asking_dns_holds_no_transaction(self, company, monkeypatch):
        from saas.kit.db import db
        from saas.tenancy import sending_domain

        company.api("PATCH", "/sender", json={"sender_email": "ada@mail.shop.example"})
        company.api("POST", "/sender/key")
        busy = []

        def look_up(wanted):
            busy.append(db.session.registry.has() and db.session().in_transaction())
            return {entry.kind: "found" for entry in wanted}

        monkeypatch.setattr(sending_domain, "look_up", look_up)
        checked = company.api("POST", "/sender/check").json
        assert busy == [False]
        assert checked["verified_at"] and {one["found"] for one in checked["entries"]} == {"found"}


class TestViews:
    def test_a_program_keeps_views_for_everybody(self, company):
        first = company.api(
            "POST", "/views", json={"kind": "customer", "name": "Bath", "content": {"where": ["city.is.Bath"]}}
        )
        assert first.status_code == 201, first.json
        second = company.api("POST", "/views", json={"kind": "customer", "name": "Oslo"}).json
        assert company.api("PATCH", f"/views/{second['id']}", json={"place": 0, "default": True}).json["default"]
        assert [one["name"] for one in company.api("GET", "/views").json["items"]] == ["Oslo", "Bath"]
        shown = company.page.get("/customers?view=all").text
        assert shown.index("Oslo") < shown.index("Bath")
        assert not company.api("PATCH", f"/views/{second['id']}", json={"default": False}).json["default"]
        assert company.api("PATCH", f"/views/{second['id']}", json={"name": "Norway"}).json["name"] == "Norway"
        assert company.api("DELETE", f"/views/{second['id']}").status_code == 204

    def test_what_people_keep_for_themselves_is_theirs(self, company):
        company.post("/views/customer", {"name": "My own", "audience": "mine", "s.where": "city.is.Bath"})
        assert company.api("GET", "/views").json["items"] == []

    def test_a_person_who_may_share_takes_a_programs_view_for_themselves(self, company):
        view = company.api("POST", "/views", json={"kind": "customer", "name": "Bath"}).json
        assert company.post(f"/views/{view['id']}/change", {"name": "Mine now", "audience": "mine"}).status_code in (
            200,
            302,
            303,
        )
        assert company.api("GET", f"/views/{view['id']}").status_code == 404
        assert "Mine now" in company.page.get("/customers?view=all").text

    def test_a_key_that_may_not_share_keeps_none(self, company):
        reader = key_of(company, role="read_only")
        assert reader.api("POST", "/views", json={"kind": "customer", "name": "x"}).status_code == 403
        assert reader.api("GET", "/views").status_code == 200

    @pytest.mark.parametrize(
        "wrong", [{"kind": "campaign"}, {"content": {"colour": ["red"]}}, {"content": {"where": "x"}}, {"name": ""}]
    )
    def test_what_is_no_view(self, company, wrong):
        assert company.api("POST", "/views", json={"kind": "customer", "name": "x"} | wrong).status_code == 422


class TestOwnFields:
    @pytest.fixture
    def level(self, company):
        made = company.api(
            "POST", "/fields/customer", json={"label": "Level", "type": "choice", "choices": ["Gold", "Silver"]}
        )
        assert made.status_code == 201, made.json
        return made.json

    def test_choices_are_added_renamed_merged_and_ordered(self, company, level):
        path = f"/fields/customer/{level['id']}/choices"
        added = company.api("POST", path, json={"label": "Bronze"})
        assert added.status_code == 201 and [one["label"] for one in added.json["choices"]] == [
            "Gold",
            "Silver",
            "Bronze",
        ]
        gold, silver, bronze = (one["key"] for one in added.json["choices"])
        assert company.api("PUT", path, json={"keys": [bronze, gold]}).json["choices"][0]["key"] == bronze
        renamed = company.api("PATCH", f"{path}/{gold}", json={"label": "Gilded"}).json["choices"]
        assert next(one["label"] for one in renamed if one["key"] == gold) == "Gilded"
        customer = company.api("POST", "/customers", json={"email": "a@shop.example", "custom": {"level": silver}}).json
        assert company.api("PATCH", f"{path}/{silver}", json={"into": gold}).status_code == 200
        assert len(company.api("GET", f"/customers?where=custom.level.is.{gold}").json["items"]) == 1
        assert company.api("PATCH", f"{path}/{silver}", json={"archived": False}).status_code == 200
        assert company.api("GET", f"/customers/{customer['id']}").json["custom"]["level"] == silver
        assert company.api("PATCH", f"{path}/nonsense", json={"label": "x"}).status_code == 404

    def test_a_field_that_holds_values_wants_its_name_to_go(self, company, level):
        company.api("POST", "/customers", json={"email": "a@shop.example", "custom": {"level": "Gold"}})
        path = f"/fields/customer/{level['id']}"
        refused = company.api("DELETE", path)
        assert refused.status_code == 422 and company.api("GET", path).status_code == 200
        assert company.api("DELETE", f"{path}?confirm=level").status_code == 204
        assert company.api("GET", path).status_code == 404
        assert "level" not in company.api("GET", "/customers").json["items"][0]["custom"]

    def test_fields_are_put_in_order(self, company, level):
        other = company.api("POST", "/fields/customer", json={"label": "Size", "type": "number"}).json
        assert company.api("PUT", "/fields/customer/order", json={"ids": [other["id"], level["id"]]}).status_code == 204
        own = [one["name"] for one in company.api("GET", "/fields/customer").json["items"] if one["custom"]]
        assert own == ["custom.size", "custom.level"]
