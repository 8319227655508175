"""Places and their settings through the API."""

from __future__ import annotations

import uuid

import pytest

from saas.recommend import shelf, stock
from tests.rooms.recommend import little_shop


@pytest.fixture
def shop(company, drain):
    """A company with a little shop, its models fitted."""
    from saas.recommend import fitting

    shelf.forget()
    stock.forget()
    with company.app.app_context():
        little_shop.fill(company)
        drain(company)
        fitting.fit(company.tenant_id)
    return company


def product(shop, key: str) -> str:
    return shop.api("GET", "/products", query_string={"external_id": key}).json["items"][0]["id"]


def make(shop, **fields):
    return shop.api("POST", "/recommendations/slots", json={"name": "Attic", "place": "home", **fields})


class TestPlaces:
    def test_the_built_in_ones_are_there_as_they_came(self, company):
        items = company.api("GET", "/recommendations/slots").json["items"]
        assert [item["key"] for item in items] == ["home", "product", "cart", "discover", "mail", "thank-you", "search"]
        assert {(item["id"], item["engine"], tuple(item["fallback"])) for item in items} == {
            (None, "automatic", ("popular", "newest"))
        }

    def test_one_is_made_changed_shown_and_deleted(self, shop):
        made = make(shop, engine="newest", pinned=[product(shop, "cup-6")], price_least="10", count=3)
        assert (made.status_code, made.json["key"], made.json["price_least"]) == (201, "attic", "10.00")
        assert made.json["currency"] == "EUR"
        shelf.forget()
        answer = shop.api("GET", "/recommendations", query_string={"slot": "attic"}).json
        assert (answer["slot"], len(answer["items"])) == ("attic", 3)
        assert [item["engine"] for item in answer["items"]] == ["pinned", "newest", "newest"]
        assert answer["items"][0]["product"] == "cup-6"
        one = shop.api("GET", "/recommendations/slots/attic")
        stale = shop.api("PATCH", "/recommendations/slots/attic", json={"count": 2}, headers={"If-Match": '"old"'})
        assert stale.status_code == 412
        changed = shop.api(
            "PATCH", "/recommendations/slots/attic", json={"count": 2}, headers={"If-Match": one.headers["ETag"]}
        )
        assert (changed.status_code, changed.json["count"], changed.json["pinned"]) == (200, 2, made.json["pinned"])
        assert shop.api("DELETE", "/recommendations/slots/attic").status_code == 204
        shelf.forget()
        assert shop.api("GET", "/recommendations", query_string={"slot": "attic"}).status_code == 422

    def test_a_built_in_one_is_changed_and_is_as_it_came_again(self, shop):
        changed = shop.api("PATCH", "/recommendations/slots/home", json={"engine": "newest", "count": 2})
        assert changed.status_code == 200
        assert changed.json["id"]
        shelf.forget()
        answer = shop.api("GET", "/recommendations", query_string={"slot": "home", "limit": 8}).json["items"]
        assert [item["engine"] for item in answer] == ["newest"] * 2
        assert shop.api("DELETE", "/recommendations/slots/home").status_code == 204
        assert shop.api("GET", "/recommendations/slots/home").json["engine"] == "automatic"

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"place": "attic"}, "place"),
            ({"key": "home"}, "key"),
            ({"key": "Not a key"}, "key"),
            ({"engine": "magic"}, "engine"),
            ({"count": 21}, "count"),
            ({"diversity": 101}, "diversity"),
            ({"price_least": "ten"}, "price_least"),
            ({"price_least": "10", "price_most": "9"}, "price_most"),
            ({"step_least": 50, "step_most": 10}, "step_most"),
            ({"pinned": ["0192f3a0-0000-7000-8000-000000000000"]}, "pinned"),
            ({"buried": ["0192f3a0-0000-7000-8000-000000000000"] * 201}, "buried"),
            ({"category_cap": 0}, "category_cap"),
            ({"margin": 3}, "margin"),
            ({"name": ""}, "name"),
        ],
    )
    def test_a_wrong_setting_is_refused_with_its_field(self, company, given, field):
        answer = make(company, **given)
        assert answer.status_code == 422
        assert field in {name.split(".")[0] for name in answer.json["error"]["fields"]}

    def test_another_companys_key_and_product_are_as_unknown_as_any(self, shop, other_company):
        assert make(other_company).status_code == 201
        for key in ("attic", "no-such-key"):
            assert shop.api("GET", f"/recommendations/slots/{key}").status_code == 404
        hers = shop.api("GET", "/recommendations/slots/attic").data.replace(b"attic", b"")
        nobodys = shop.api("GET", "/recommendations/slots/no-such-key").data.replace(b"no-such-key", b"")
        assert hers == nobodys
        theirs = product(shop, "cup-6")
        answers = [make(other_company, key=f"k-{n}", pinned=[one]) for n, one in enumerate((theirs, str(uuid.uuid4())))]
        assert [answer.status_code for answer in answers] == [422, 422]
        assert answers[0].json == answers[1].json


class TestPreview:
    def test_it_tells_what_is_shown_by_which_engine_and_what_is_left_out_by_which_rule(self, shop):
        shop.api("PATCH", "/recommendations/slots/home", json={"excluded_categories": ["cup"], "engine": "newest"})
        answer = shop.api("GET", "/recommendations/slots/home/preview", query_string={"limit": 4})
        assert answer.status_code == 200
        assert {item["product"][:3] for item in answer.json["items"]} == {"tea"}
        assert {item["engine"] for item in answer.json["items"]} <= {"newest", "popular"}
        assert {one["rule"] for one in answer.json["left_out"]} == {"category"}
        assert {one["product"][:3] for one in answer.json["left_out"]} == {"cup"}

    def test_for_a_customer_a_visitor_and_beside_a_product(self, shop):
        customer = shop.api("GET", "/customers", query_string={"external_id": "c1"}).json["items"][0]["id"]
        address = "/recommendations/slots/product/preview"
        for query in ({"customer_id": customer}, {"visitor": "shopper-0000000000000009"}, {"product": "tea-2"}):
            assert shop.api("GET", address, query_string=query).json["items"]
        assert shop.api("GET", address, query_string={"customer_id": str(uuid.uuid4())}).status_code == 404
        assert shop.api("GET", "/recommendations/slots/attic/preview").status_code == 404

    def test_a_bundle_has_the_sum_of_its_parts(self, shop):
        shop.api("PATCH", "/recommendations/slots/product", json={"bundle": True})
        answer = shop.api("GET", "/recommendations/slots/product/preview", query_string={"product": "tea-2"}).json
        assert answer["bundle"]["product"] == "tea-2"
        assert len(answer["bundle"]["offers"]) == 2
        assert (answer["bundle"]["sum"], answer["bundle"]["currency"]) == ("37.50", "EUR")
        assert answer["bundle"]["offers"] == [item["offer"] for item in answer["items"][:2]]
