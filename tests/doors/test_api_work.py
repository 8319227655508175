"""The daily work through the API: notes and shares, duplicates, the bin, mending files, shops' deliveries, looking before leaping."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.companies import add_member, drain_outbox
from tests.doors.test_api_imports import bring


@pytest.fixture
def customer(company):
    return company.api(
        "POST",
        "/customers",
        json={"email": "ada@shop.example", "first_name": "Ada", "last_name": "Berg", "city": "Bath"},
    ).json


class TestACustomer:
    def test_a_note_stands_on_the_timeline_with_the_keys_name(self, company, customer):
        made = company.api("POST", f"/customers/{customer['id']}/notes", json={"words": "Likes blue"})
        assert made.status_code == 201 and made.json["by"]
        told = company.api("GET", f"/customers/{customer['id']}/timeline?kind=note").json["items"]
        assert [one["title"] for one in told] == ["Likes blue"] and told[0]["id"] == made.json["id"]
        assert "Likes blue" in company.page.get(f"/customers/{customer['id']}").text
        assert company.api("POST", f"/customers/{customer['id']}/notes", json={"words": "  "}).status_code == 422

    def test_a_timeline_has_pages(self, company, customer):
        for words in ("one", "two", "three"):
            company.api("POST", f"/customers/{customer['id']}/notes", json={"words": words})
        first = company.api("GET", f"/customers/{customer['id']}/timeline?kind=note&limit=2").json
        rest = company.api("GET", f"/customers/{customer['id']}/timeline?kind=note&limit=2&cursor={first['next']}").json
        assert [one["title"] for one in first["items"] + rest["items"]] == ["three", "two", "one"] and rest[
            "next"
        ] is None

    def test_sharing_and_ending_it(self, app, company, customer):
        add_member(app, company, role="sales")
        seller = company.api("GET", "/members?role=sales").json["items"][0]["id"]
        path = f"/customers/{customer['id']}/shares"
        shared = company.api("POST", path, json={"member_id": seller})
        assert shared.status_code == 201 and [one["member_id"] for one in shared.json["items"]] == [seller]
        assert (
            company.api("POST", path, json={"member_id": seller, "expires_at": "2020-01-01T00:00:00Z"}).status_code
            == 422
        )
        assert company.api("POST", path, json={"member_id": str(uuid.uuid4())}).status_code == 422
        assert company.api("POST", path, json={}).status_code == 422
        assert company.api("DELETE", f"{path}/{shared.json['items'][0]['id']}").status_code == 204
        assert company.api("GET", path).json["items"] == []


class TestDuplicates:
    def test_who_somebody_may_be_already(self, company, customer, drain):
        drain(company)
        found = company.api(
            "POST", "/customers/possible", json={"first_name": "Ada", "last_name": "Berg", "email": "ada@shop.example"}
        ).json["items"]
        assert (
            [one["id"] for one in found] == [customer["id"]]
            and found[0]["score"] > 0.9
            and "mail_same" in found[0]["evidence"]
        )
        body = {"email": "ada@shop.example", "but": customer["id"]}
        assert company.api("POST", "/customers/possible", json=body).json["items"] == []

    def test_scanning_merging_and_what_was_merged(self, company, customer, drain):
        twin = company.api(
            "POST",
            "/customers",
            json={"email": "ada.berg@other.example", "first_name": "Ada", "last_name": "Berg", "city": "Bath"},
        ).json
        begun = company.api("POST", "/customers/duplicates/scan")
        assert begun.status_code == 202 and begun.json["kind"] == "customers.find_duplicates"
        drain(company)
        assert company.api("GET", f"/operations/{begun.json['id']}").json["state"] == "done"
        assert company.api("POST", "/customers/duplicates/merge").status_code == 202
        merged = company.api("POST", f"/customers/{customer['id']}/merge", json={"loser": twin["id"]}).json
        told = company.api("GET", f"/customers/{customer['id']}/merges").json["items"]
        assert [(one["id"], one["loser_id"]) for one in told] == [(merged["id"], twin["id"])]

    def test_what_was_put_off_comes_back_to_the_queue(self, app, company, customer):
        from saas.customers.models import DuplicatePair
        from saas.kit import clock, work
        from saas.kit.db import db

        other = company.api("POST", "/customers", json={"email": "b@shop.example"}).json
        one, two = sorted(uuid.UUID(found["id"]) for found in (customer, other))
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            db.session.add(DuplicatePair(one_id=one, other_id=two, score=900, found_at=clock.now()))
        pair = company.api("GET", "/customers/duplicates").json["items"][0]["id"]
        company.api("PATCH", f"/customers/duplicates/{pair}", json={"state": "skipped"})
        assert company.api("POST", "/customers/duplicates/reopen").json == {"count": 1}
        assert len(company.api("GET", "/customers/duplicates").json["items"]) == 1


class TestTheBin:
    def test_what_was_deleted_comes_back_or_goes_for_good(self, company, customer):
        company.api("DELETE", f"/customers/{customer['id']}")
        segment = company.api(
            "POST", "/segments", json={"name": "All", "definition": {"match": "all", "conditions": []}}
        ).json
        company.api("DELETE", f"/segments/{segment['id']}")
        items = company.api("GET", "/bin").json["items"]
        assert [one["kind"] for one in items] == ["segment", "customer"]
        only = company.api("GET", "/bin?kind=customer").json["items"]
        assert [one["record_id"] for one in only] == [customer["id"]]
        back = company.api("POST", f"/bin/{only[0]['id']}/restore", json={})
        assert back.json == {"kind": "customer", "record_id": customer["id"]}
        assert company.api("GET", f"/customers/{customer['id']}").json["email"] == "ada@shop.example"
        assert company.api("DELETE", f"/bin/{items[0]['id']}").status_code == 204
        assert company.api("POST", f"/bin/{items[0]['id']}/restore", json={}).status_code == 404

    def test_an_address_that_is_taken_by_now(self, company, customer):
        company.api("DELETE", f"/customers/{customer['id']}")
        company.api("POST", "/customers", json={"email": "ada@shop.example"})
        item = company.api("GET", "/bin").json["items"][0]["id"]
        refused = company.api("POST", f"/bin/{item}/restore", json={})
        assert refused.status_code == 409 and refused.json["error"]["code"] == "place_taken"
        assert company.api("POST", f"/bin/{item}/restore", json={"without": True}).status_code == 200
        assert company.api("GET", f"/customers/{customer['id']}").json["email"] != "ada@shop.example"


class TestFiles:
    def test_cells_are_mended_before_the_file_is_taken(self, company, drain):
        held = bring(company, "email,city\na@x.example,Rome\nnobody,Bonn\nnobody,Kiel\n").json
        rows = company.api("GET", f"/imports/{held['id']}/rows").json["items"]
        assert [bool(row["problems"]) for row in rows] == [False, True, True]
        assert rows[1]["problems"][0]["column"] == "email" and rows[0]["values"]["email"] == "a@x.example"
        path = f"/imports/{held['id']}/fixes"
        assert (
            company.api(
                "POST", path, json={"column": "email", "to": "b@x.example", "line": rows[1]["line"]}
            ).status_code
            == 200
        )
        assert (
            company.api("POST", path, json={"column": "email", "said": "nobody", "to": "c@x.example"}).status_code
            == 200
        )
        assert company.api("POST", path, json={"column": "nothing", "to": "x"}).status_code == 422
        company.api("POST", f"/imports/{held['id']}/run")
        drain(company)
        assert {one["email"] for one in company.api("GET", "/customers").json["items"]} == {
            "a@x.example",
            "b@x.example",
            "c@x.example",
        }

    def test_a_file_that_was_read_wrongly_is_read_another_way(self, company):
        held = bring(company, "email;city\na@x.example;Rome, Italy\n").json
        asked = {"reading": {"delimiter": ","}}
        assert company.api("PATCH", f"/imports/{held['id']}", json=asked).json["columns"] != ["email", "city"]
        back = company.api(
            "PATCH", f"/imports/{held['id']}", json={"reading": {"delimiter": ";"}, "mapping": {"city": "company"}}
        ).json
        assert back["columns"] == ["email", "city"] and back["mapping"]["city"] == "company"
        assert (
            company.api("PATCH", f"/imports/{held['id']}", json={"reading": {"encoding": "klingon"}}).status_code == 422
        )

    def test_stopping_what_has_begun(self, company):
        held = bring(company).json
        assert company.api("POST", f"/imports/{held['id']}/stop").status_code == 409
        company.api("POST", f"/imports/{held['id']}/check")
        stopped = company.api("POST", f"/imports/{held['id']}/stop")
        assert stopped.status_code == 202 and stopped.json["check"]["state"] in ("cancelling", "cancelled")

    def test_the_history_as_a_file(self, company, customer, drain):
        begun = company.api("POST", "/audit/export", json={"kind": "customer", "since": "2020-01-01"})
        assert begun.status_code == 202, begun.json
        drain(company)
        report = company.api("GET", f"/operations/{begun.json['id']}").json["report"]
        file = company.api("GET", f"/files/{report['files'][0]['id']}")
        assert "customers.created" in file.get_data(as_text=True)


class TestShops:
    @pytest.fixture
    def shop(self, app, company):
        """A shop with one delivery that nobody understands."""
        from saas.commerce import connectors  # noqa: F401  the room is there
        from saas.integrations.models import DeliveryIn
        from saas.kit import work
        from saas.kit.db import db

        made = company.api("POST", "/shops", json={"kind": "generic", "name": "Shop"}).json
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            body = json.dumps({"type": "order.updated", "data": {"nonsense": 1}}).encode()
            db.session.add(
                DeliveryIn(
                    shop_id=uuid.UUID(made["id"]),
                    key="k1",
                    topic="order.updated",
                    resource="",
                    body=body,
                    state="failed",
                    reason="no",
                )
            )
        return made

    def test_what_a_shop_delivered_and_trying_it_again(self, app, company, shop):
        path = f"/shops/{shop['id']}/deliveries"
        (one,) = company.api("GET", f"{path}?state=failed").json["items"]
        assert company.api("GET", f"{path}?state=done").json["items"] == []
        assert "nonsense" in company.api("GET", f"{path}/{one['id']}").json["body"]
        again = company.api("POST", f"{path}/{one['id']}/replay").json
        assert again["state"] == "failed" and again["attempts"] == one["attempts"] + 1
        assert company.api("POST", f"{path}/replay").json == {"count": 1}
        drain_outbox(app, company)
        assert company.api("GET", f"{path}/{one['id']}").json["attempts"] == again["attempts"] + 1

    def test_a_new_secret_is_shown_once(self, company, shop):
        new = company.api("POST", f"/shops/{shop['id']}/secret").json["webhook_secret"]
        assert new and new != shop["webhook_secret"]
        assert not company.api("GET", f"/shops/{shop['id']}").json.get("webhook_secret")

    def test_a_past_that_cannot_be_fetched(self, company, shop):
        refused = company.api("POST", f"/shops/{shop['id']}/fetch")
        assert refused.status_code == 422 and refused.json["error"]["code"] == "not_fetchable"


class TestLookingBeforeLeaping:
    def test_a_mail_as_somebody_gets_it(self, company, customer):
        written = {
            "subject": "Hi {{ customer.first_name }}",
            "source": "<p>Dear {{ customer.first_name }}</p>",
            "customer_id": customer["id"],
        }
        seen = company.api("POST", "/campaigns/preview", json=written).json
        assert seen["subject"] == "Hi Ada" and "Dear Ada" in seen["html"] and seen["problems"] == []
        broken = company.api("POST", "/campaigns/preview", json=written | {"source": "<p>{{ oops </p>"}).json
        assert broken["html"] is None and broken["problems"][0]["line"] == 1
        nobody = written | {"customer_id": str(uuid.uuid4())}
        assert company.api("POST", "/campaigns/preview", json=nobody).status_code == 404

    def test_whom_conditions_fit(self, company, customer):
        fits = {"match": "all", "conditions": [{"field": "city", "operator": "is", "value": "Bath"}]}
        seen = company.api("POST", "/segments/preview", json={"definition": fits}).json
        assert seen["count"] == 1 and seen["sample"][0]["id"] == customer["id"]
        assert (
            company.api(
                "POST", "/segments/preview", json={"definition": {"match": "all", "conditions": [{"field": "x"}]}}
            ).status_code
            == 422
        )
        assert company.api("GET", "/segments").json["items"] == []

    def test_a_campaign_is_copied(self, company):
        made = company.api("POST", "/campaigns", json={"name": "Spring", "subject": "Hi", "source": "<p>Hi</p>"}).json
        copy = company.api("POST", f"/campaigns/{made['id']}/copy")
        assert (
            copy.status_code == 201
            and copy.json["subject"] == "Hi"
            and copy.json["id"] != made["id"]
            and copy.json["state"] == "draft"
        )
        assert company.api("POST", f"/campaigns/{made['id']}/again").status_code == 409

    def test_finding_by_a_text(self, company, customer, drain):
        company.api("POST", "/products", json={"external_id": "p1", "name": "Berg boot"})
        drain(company)
        found = company.api("GET", "/search?q=berg").json["items"]
        assert {one["kind"] for one in found} == {"customer", "product"}
        assert [one["kind"] for one in company.api("GET", "/search?q=berg&kinds=product").json["items"]] == ["product"]
        assert company.api("GET", "/search?q=%20").json["items"] == []


class TestNarrowingLists:
    def test_by_name_state_and_kind(self, company):
        for name in ("Spring", "Summer"):
            company.api("POST", "/campaigns", json={"name": name})
            company.api("POST", "/templates", json={"name": name})
            company.api("POST", "/segments", json={"name": name, "definition": {"match": "all", "conditions": []}})
        for things in ("campaigns", "templates", "segments"):
            assert [one["name"] for one in company.api("GET", f"/{things}?name=SUM").json["items"]] == ["Summer"], (
                things
            )
            assert company.api("GET", f"/{things}?name=%25").json["items"] == [], things
        company.api("POST", "/recommendations/rules", json={"kind": "boost", "category": "Mugs"})
        assert len(company.api("GET", "/recommendations/rules?kind=boost&active=true").json["items"]) == 1
        assert company.api("GET", "/recommendations/rules?kind=hide").json["items"] == []
        bring(company)
        assert len(company.api("GET", "/imports?kind=customer").json["items"]) == 1
        assert company.api("GET", "/imports?kind=order").json["items"] == []
        begun = company.api("POST", "/exports", json={"what": "customers"}).json
        assert [one["id"] for one in company.api("GET", "/operations?state=waiting").json["items"]] == [begun["id"]]
        assert company.api("GET", "/operations?kind=history.export").json["items"] == []
        hook = company.api("POST", "/webhooks", json={"url": "http://127.0.0.1:9/x", "topics": ["order.changed"]}).json
        company.api("PATCH", f"/webhooks/{hook['id']}", json={"state": "paused"})
        assert company.api("GET", "/webhooks?state=active").json["items"] == []
        assert len(company.api("GET", "/webhooks?state=paused").json["items"]) == 1
        assert company.api("POST", f"/webhooks/{hook['id']}/replay").json == {"count": 0}
        company.api("POST", "/products", json={"external_id": "p1", "name": "Pot", "active": False, "stock": 0})
        assert company.api("GET", "/products?active=true").json["items"] == []
        assert len(company.api("GET", "/products?sold_out=true").json["items"]) == 1
