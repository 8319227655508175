"""The public contract line by line, as others test against it: from outside, with nothing but addresses and keys."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.companies import drain_outbox

ROOT = Path(__file__).parents[2]
THINGS = ("customers", "products", "orders", "segments", "campaigns")
VISITOR = "visitor-of-the-contract"
PLACED = "2026-05-01T10:00:00Z"


def example(thing: str, number: int = 1) -> dict:
    """The least that makes one of a thing."""
    return {
        "customers": {"email": f"c{number}@shop.example", "external_id": f"c{number}"},
        "products": {"external_id": f"p{number}", "name": f"Pot {number}", "price": "12.50", "currency": "EUR"},
        "orders": {"external_id": f"o{number}", "placed_at": PLACED, "currency": "EUR", "lines": [{"product": "p1", "unit_price": "2.550"}]},
        "segments": {"name": f"Segment {number}", "definition": {"match": "all", "conditions": []}},
        "campaigns": {"name": f"Campaign {number}"},
    }[thing]  # fmt: skip


class TestCommandLine:
    def test_tenants_create_prints_what_a_program_needs(self, app):
        email = f"e-{secrets.token_hex(4)}@shop.example"
        command = [
            "tenants",
            "create",
            "--company",
            "C",
            "--email",
            email,
            "--password",
            "correct horse battery",
            "--plan",
            "growth",
            "--json",
        ]
        done = subprocess.run(
            [sys.executable, "-m", "saas", *command],
            cwd=ROOT,
            env=os.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        made = json.loads(done.stdout)
        assert set(made) == {"tenant_id", "api_key", "site_key"}
        client, key = app.test_client(), {"Authorization": f"Bearer {made['api_key']}"}
        assert client.get("/api/v1/customers", headers=key).json == {"items": [], "next": None}
        assert client.get(f"/offers?site_key={made['site_key']}&visitor={VISITOR}&slot=home").status_code == 200

    def test_what_cannot_be_is_refused_in_a_sentence(self, app):
        command = [
            "tenants",
            "create",
            "--company",
            "C",
            "--email",
            "no address",
            "--password",
            "correct horse battery",
            "--json",
        ]
        done = subprocess.run(
            [sys.executable, "-m", "saas", *command],
            cwd=ROOT,
            env=os.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr and "Traceback" not in done.stderr


class TestHealth:
    def test_it_lives_can_work_and_tells_how_much_it_does(self, app):
        client = app.test_client()
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 200
        figures = client.get("/metrics")
        assert figures.status_code == 200 and figures.mimetype == "text/plain"
        assert "# TYPE regulars_requests_total counter" in figures.text

    def test_the_description_names_every_address_of_the_api(self, app):
        described = app.test_client().get("/api/v1/openapi.json")
        assert described.status_code == 200 and described.json["openapi"].startswith("3.")
        rules = {
            rule.rule.replace("<", "{").replace(">", "}")
            for rule in app.url_map.iter_rules()
            if rule.rule.startswith("/api/v1/")
        }
        assert rules - set(described.json["paths"]) == {"/api/v1/openapi.json"}


class TestShops:
    def test_connecting_one_answers_where_and_how_its_webhooks_go(self, company):
        answer = company.api("POST", "/shops", json={"kind": "generic", "name": "Shop"})
        assert answer.status_code == 201
        assert {"id", "webhook_url", "webhook_secret"} <= set(answer.json)
        assert "/hooks/generic/" in answer.json["webhook_url"]

    def test_the_caller_may_give_the_secret_and_the_stores_address_and_keys(self, company):
        given = {"kind": "woocommerce", "name": "Woo", "url": "https://shop.example", "webhook_secret": "my own secret",
                 "consumer_key": "ck_1", "consumer_secret": "cs_1"}  # fmt: skip
        answer = company.api("POST", "/shops", json=given)
        assert answer.status_code == 201
        assert answer.json["webhook_secret"] == "my own secret"
        assert "/hooks/woocommerce/" in answer.json["webhook_url"]
        assert "cs_1" not in answer.text
        shown = company.api("GET", f"/shops/{answer.json['id']}")
        assert "my own secret" not in shown.text

    def test_a_wrong_signature_an_unknown_shop_and_no_json(self, company):
        shop = company.api("POST", "/shops", json={"kind": "generic", "name": "Shop"}).json
        path = "/hooks/" + shop["webhook_url"].split("/hooks/")[1]
        client = company.app.test_client()
        assert client.post(path, data=b"{}").status_code == 401
        assert client.post("/hooks/generic/" + "x" * 32, data=b"{}").status_code == 404
        assert client.post("/hooks/shopstar/" + "x" * 32, data=b"{}").status_code == 404


class TestBrowsing:
    def collect(self, company, events, **more):
        body = {
            "site_key": company.site_key,
            "visitor": VISITOR,
            "consent": {"analytics": True, "marketing": True},
            "events": events,
            **more,
        }
        return company.app.test_client().post("/collect", json=body)

    def event(self, kind, **more):
        return {
            "id": secrets.token_hex(8),
            "type": kind,
            "at": datetime.now(UTC).isoformat(),
            "url": "https://shop.example/",
            **more,
        }

    def test_every_kind_of_event_is_accepted_and_repeated_is_once(self, company):
        cart = {
            "id": "cart-1",
            "url": "https://shop.example/cart",
            "currency": "EUR",
            "items": [{"product": "p1", "quantity": 1, "price": "12.50"}],
        }
        events = [self.event("page_viewed"), self.event("product_viewed", product="p1"), self.event("search_submitted", query="pot"),
                  self.event("cart_updated", cart=cart), self.event("checkout_started", cart=cart),
                  self.event("identified", identity={"email": "c1@shop.example"})]  # fmt: skip
        for _twice in range(2):
            answer = self.collect(company, events)
            assert (answer.status_code, answer.json["accepted"], answer.json["refused"]) == (202, 6, [])

    def test_a_hundred_are_taken_and_more_are_not(self, company):
        assert self.collect(company, [self.event("page_viewed") for _ in range(100)]).json["accepted"] == 100
        assert self.collect(company, [self.event("page_viewed") for _ in range(101)]).status_code == 422

    def test_an_unknown_site_key(self, company):
        answer = self.collect(company, [self.event("page_viewed")], site_key="pk_" + "0" * 24)
        assert answer.status_code == 401 and set(answer.json["error"]) >= {"code", "message"}

    def test_offers_for_every_slot(self, company):
        client = company.app.test_client()
        for slot in ("home", "product", "cart", "discover"):
            answer = client.get(f"/offers?site_key={company.site_key}&visitor={VISITOR}&slot={slot}&product=p1&limit=4")
            assert (answer.status_code, answer.json["slot"]) == (200, slot)
            assert set(answer.json) == {"slot", "request", "items"}
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert client.get(f"/offers?site_key={company.site_key}&visitor={VISITOR}&slot=moon").status_code == 422
        assert client.get(f"/offers?site_key=pk_{'0' * 24}&visitor={VISITOR}&slot=home").status_code == 401

    def test_an_offer_says_what_where_how_much_and_why(self, company):
        """Popularity is the fall-back, so a product that was bought is offered to somebody who is new."""
        company.api("POST", "/products/bulk", json={"items": [example("products", n) | {"url": f"https://shop.example/p{n}", "stock": 5}
                                                              for n in range(1, 5)]})  # fmt: skip
        company.api(
            "POST",
            "/orders/bulk",
            json={"items": [example("orders", n) | {"placed_at": datetime.now(UTC).isoformat()} for n in range(1, 9)]},
        )
        drain_outbox(company.app, company)
        asked = {"slot": "home", "visitor": VISITOR}
        answer = company.api("GET", "/recommendations", query_string=asked)
        assert answer.status_code == 200
        for item in answer.json["items"]:
            assert {"offer", "product", "name", "url", "price", "currency", "reason"} <= set(item)
            assert item["reason"]["code"] and item["reason"]["text"]


@pytest.mark.parametrize("thing", THINGS)
class TestThings:
    def test_create_read_update_list(self, company, thing):
        made = company.api("POST", f"/{thing}", json=example(thing))
        assert made.status_code == 201, made.json
        one = company.api("GET", f"/{thing}/{made.json['id']}")
        assert one.status_code == 200 and one.json["id"] == made.json["id"]
        changed, method = {"orders": (example(thing) | {"number": "N1"}, "PUT"), "segments": ({"name": "Changed"}, "PATCH"),
                           "campaigns": ({"name": "Changed"}, "PATCH"), "products": ({"name": "Changed"}, "PATCH"),
                           "customers": ({"first_name": "Changed"}, "PATCH")}[thing]  # fmt: skip
        assert company.api(method, f"/{thing}/{made.json['id']}", json=changed).status_code == 200
        assert [item["id"] for item in company.api("GET", f"/{thing}").json["items"]] == [made.json["id"]]

    def test_an_update_with_an_old_etag_is_refused(self, company, thing):
        made = company.api("POST", f"/{thing}", json=example(thing)).json
        old = company.api("GET", f"/{thing}/{made['id']}").headers["ETag"]
        method, changed = ("PUT", example(thing)) if thing == "orders" else ("PATCH", {})
        bodies = [{**changed, **{"customers": {"first_name": name}, "orders": {"number": name, "updated_at": f"2026-05-0{place}T10:00:00Z"}}.get(thing, {"name": name})}
                  for place, name in enumerate(("One", "Two"), 2)]  # fmt: skip
        headers = {"If-Match": old}
        assert company.api(method, f"/{thing}/{made['id']}", json=bodies[0], headers=headers).status_code == 200
        late = company.api(method, f"/{thing}/{made['id']}", json=bodies[1], headers=headers)
        assert (late.status_code, late.json["error"]["code"]) == (412, "stale")

    def test_lists_are_walked_by_cursor_without_a_gap_or_a_double(self, company, thing):
        made = {company.api("POST", f"/{thing}", json=example(thing, number)).json["id"] for number in range(1, 8)}
        seen, cursor = [], None
        while True:
            page = company.api(
                "GET", f"/{thing}", query_string={"limit": 3} | ({"cursor": cursor} if cursor else {})
            ).json
            assert set(page) == {"items", "next"} and len(page["items"]) <= 3
            seen += [item["id"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert len(seen) == len(made) == 7 and set(seen) == made

    def test_the_limit_is_200(self, company, thing):
        assert company.api("GET", f"/{thing}?limit=200").status_code == 200
        for wrong in ("201", "0", "-1", "many"):
            answer = company.api("GET", f"/{thing}?limit={wrong}")
            assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, ["limit"])
        assert company.api("GET", f"/{thing}?cursor=nonsense").status_code == 400

    def test_without_a_key_nothing(self, company, thing):
        client = company.app.test_client()
        for headers in ({}, {"Authorization": "Bearer rg_wrong"}, {"Authorization": company.api_key}):
            answer = client.get(f"/api/v1/{thing}", headers=headers)
            assert (answer.status_code, set(answer.json)) == (401, {"error"})


@pytest.mark.parametrize("thing", ["customers", "products", "orders"])
class TestBulk:
    def test_a_thousand_at_once_and_not_one_more(self, company, thing):
        items = [example(thing, number) for number in range(1000)]
        answer = company.api("POST", f"/{thing}/bulk", json={"items": items})
        assert answer.status_code == 200
        assert [(item["index"], item["status"]) for item in answer.json["items"]] == [
            (number, "created") for number in range(1000)
        ]
        assert all(item["id"] for item in answer.json["items"])
        assert company.api("POST", f"/{thing}/bulk", json={"items": [*items, example(thing, 1000)]}).status_code == 422

    def test_each_item_says_what_became_of_it(self, company, thing):
        company.api("POST", f"/{thing}/bulk", json={"items": [example(thing)]})
        answer = company.api(
            "POST", f"/{thing}/bulk", json={"items": [example(thing), {"nonsense": 1}, example(thing, 2)]}
        )
        assert answer.status_code == 200
        assert [item["status"] for item in answer.json["items"]] == ["unchanged", "failed", "created"]
        assert answer.json["items"][1]["error"] and answer.json["items"][1]["id"] is None


class TestErrors:
    def test_one_shape_everywhere(self, company):
        answers = [
            company.api("GET", "/customers/nothing"), company.api("GET", "/nowhere"), company.api("DELETE", "/customers"),
            company.api("POST", "/customers", data=b'{"email": ,}', content_type="application/json"),
            company.api("POST", "/customers", json={"email": "no address", "nonsense": 1}),
        ]  # fmt: skip
        assert [answer.status_code for answer in answers] == [404, 404, 405, 400, 422]
        for answer in answers:
            assert set(answer.json) == {"error"} and {"code", "message"} <= set(answer.json["error"]) <= {
                "code",
                "message",
                "fields",
            }
        assert "line 1, column 11" in answers[3].json["error"]["message"]
        assert "nonsense" in answers[4].json["error"]["fields"]

    def test_a_body_over_the_limit(self, company):
        assert (
            company.api(
                "POST", "/customers/bulk", data=b" " * (33 * 1024 * 1024), content_type="application/json"
            ).status_code
            == 413
        )
