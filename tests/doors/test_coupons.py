"""Coupons at the doors: pages, API, forms that give a code, webhooks, and what strangers and erasure see of them."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from uuid import UUID

import pytest

from saas.commerce import coupon_codes, coupon_writing, coupons
from saas.commerce.coupon_models import CouponCode
from saas.customers import profiles
from saas.integrations import persons
from saas.integrations.models import DeliveryOut
from saas.kit import clock, files, work
from saas.kit.db import db
from tests.companies import add_member, drain_outbox
from tests.queries import counted

POPUP = {
    "name": "Welcome", "kind": "popup",
    "content": {"texts": {"en": {"title": "Ten percent", "thanks": "Thank you!"}}, "after": {}},
}  # fmt: skip


class Place:
    """A company with a shop, a coupon and a customer."""

    def __init__(self, app, company):
        self.app, self.company = app, company
        self.shop = company.api("POST", "/shops", json={"kind": "generic", "name": "Shop", "currency": "EUR"}).json[
            "id"
        ]
        answer = company.api(
            "POST", "/coupons", json={"name": "Welcome", "shop_id": self.shop, "kind": "percent", "percent": "10"}
        )
        assert answer.status_code == 201, answer.json
        self.coupon = answer.json["id"]
        self.customer = company.api("POST", "/customers", json={"email": "ada@shop.example", "first_name": "Ada"}).json[
            "id"
        ]

    def unit(self):
        return work.unit(tenant_id=self.company.tenant_id)

    def give(self):
        return self.company.api("POST", f"/coupons/{self.coupon}/give", json={"customer_id": self.customer}).json

    def advance(self):
        with self.app.app_context():
            coupon_writing.advance(self.company.tenant_id, UUID(self.shop), rest=lambda _seconds: None)

    def buy(self, code, **more):
        item = {
            "external_id": "o1", "number": "FK-1", "placed_at": clock.now().isoformat(), "updated_at": clock.now().isoformat(), "currency": "EUR",
            "status": "paid", "customer": {"email": "ada@shop.example"}, "lines": [{"product": "p", "quantity": 1, "unit_price": "20.00"}],
            "discount": "2.00", "discounts": [{"code": code, "amount": "2.00"}], **more,
        }  # fmt: skip
        answer = self.company.api("POST", "/orders/bulk", json={"shop_id": self.shop, "items": [item]})
        assert answer.json["items"][0]["status"] in ("created", "updated"), answer.json
        drain_outbox(self.app, self.company)
        return answer.json["items"][0]["id"]


@pytest.fixture
def place(app, company):
    return Place(app, company)


def test_a_program_makes_gives_and_follows_a_coupon(place):
    code = place.give()
    assert code["state"] == "waiting" and code["given_by"] == "program" and code["customer_id"] == place.customer
    assert place.give()["code"] == code["code"]
    place.advance()
    order = place.buy(code["code"])
    [shown] = place.company.api("GET", f"/coupons/{place.coupon}/codes?state=used").json["items"]
    assert (shown["code"], shown["state"], shown["orders"]) == (code["code"], "ready", [order])
    whole = place.company.api("GET", f"/coupons/{place.coupon}").json
    assert {name: whole[name] for name in ("codes", "given", "used", "orders", "money", "cost", "percent", "trouble")} == {
        "codes": 1, "given": 1, "used": 1, "orders": 1, "money": "18.00", "cost": "2.00", "percent": "10", "trouble": "",
    }  # fmt: skip
    assert [one["id"] for one in place.company.api("GET", "/coupons?state=active").json["items"]] == [place.coupon]
    again = place.company.api("POST", f"/coupons/{place.coupon}/give", json={"customer_id": place.customer})
    assert again.status_code == 409 and again.json["error"]["code"] == "coupon_had"


def test_a_program_changes_and_stops_a_coupon(place):
    answer = place.company.api("GET", f"/coupons/{place.coupon}")
    etag = {"If-Match": answer.headers["ETag"]}
    changed = place.company.api("PATCH", f"/coupons/{place.coupon}", json={"percent": "12.5", "pool": 2}, headers=etag)
    assert changed.status_code == 200 and (changed.json["percent"], changed.json["pool"]) == ("12.5", 2)
    assert place.company.api("PATCH", f"/coupons/{place.coupon}", json={"pool": 3}, headers=etag).status_code == 412
    place.advance()
    stands = place.company.api("PATCH", f"/coupons/{place.coupon}", json={"percent": "50"})
    assert stands.status_code == 409 and stands.json["error"]["code"] == "coupon_has_codes"
    bad = place.company.api(
        "POST", "/coupons", json={"name": "Bad", "shop_id": place.shop, "kind": "percent", "percent": "200"}
    )
    assert bad.status_code == 422 and "percent" in bad.json["error"]["fields"]
    code = place.give()
    one = place.company.api("POST", f"/coupons/{place.coupon}/codes/{code['id']}/stop")
    assert one.status_code == 200 and one.json["state"] == "stopping"
    assert place.company.api("POST", f"/coupons/{place.coupon}/try-again").status_code == 202
    assert place.company.api("POST", f"/coupons/{place.coupon}/stop").json["state"] == "stopped"
    gone = place.company.api("POST", f"/coupons/{place.coupon}/give", json={"customer_id": place.customer})
    assert gone.status_code == 409 and gone.json["error"]["code"] == "coupon_stopped"


def test_a_shop_fetches_the_codes_it_is_to_take_with_what_they_give(place):
    code = place.give()
    [found] = place.company.api("GET", f"/shops/{place.shop}/coupon-codes").json["items"]
    assert found["code"] == code["code"] and (
        found["coupon"]["kind"],
        found["coupon"]["percent"],
        found["coupon"]["uses"],
    ) == ("percent", "10", 1)
    place.company.api("POST", f"/coupons/{place.coupon}/stop")
    assert place.company.api("GET", f"/shops/{place.shop}/coupon-codes").json["items"] == []


def test_another_company_sees_and_gives_nothing_of_it(place, other_company):
    code = place.give()
    for method, path, body in (
        ("GET", f"/coupons/{place.coupon}", None), ("GET", f"/coupons/{place.coupon}/codes", None), ("GET", f"/shops/{place.shop}/coupon-codes", None),
        ("POST", f"/coupons/{place.coupon}/stop", {}), ("POST", f"/coupons/{place.coupon}/codes/{code['id']}/stop", {}),
    ):  # fmt: skip
        assert other_company.api(method, path, json=body).status_code == 404, path
    mine = other_company.api("POST", "/shops", json={"kind": "generic", "name": "Mine"}).json["id"]
    own = other_company.api("POST", "/coupons", json={"name": "Mine", "shop_id": mine, "kind": "shipping"}).json["id"]
    assert other_company.api("POST", f"/coupons/{own}/give", json={"customer_id": place.customer}).status_code == 404
    assert (
        other_company.api("POST", "/coupons", json={"name": "X", "shop_id": place.shop, "kind": "shipping"}).status_code
        == 404
    )
    assert other_company.api("POST", f"/coupons/{own}/codes/{code['id']}/stop", json={}).status_code == 404
    assert other_company.page.get(f"/coupons/{place.coupon}").status_code == 404


def test_the_pages_show_the_coupon_its_codes_and_the_customers(place):
    code = place.give()["code"]
    place.advance()
    place.buy(code)
    page = place.company.page.get("/coupons").get_data(as_text=True)
    assert "Welcome" in page and "10 % off" in page
    page = place.company.page.get(f"/coupons/{place.coupon}").get_data(as_text=True)
    assert (
        code in page
        and "FK-1" in page
        and "€18.00" in page
        and "€2.00" in page
        and "1 of 1 given codes were used" in page
    )
    for shown in ("given", "used", "open", "waiting", "stopped", "over"):
        found = place.company.page.get(f"/coupons/{place.coupon}?shown={shown}").get_data(as_text=True)
        assert (code in found) is (shown == "used"), shown
    mine = place.company.page.get(f"/customers/{place.customer}/coupons").get_data(as_text=True)
    assert code in mine and "Used" in mine


def test_a_code_that_a_shop_let_pass_more_often_than_it_is_good_for_says_so_until_one_use_is_given_back(place):
    code, told = place.give()["code"], "Used 2 times, good for 1: the shop let it pass."
    place.buy(code)
    assert "let it pass" not in place.company.page.get(f"/coupons/{place.coupon}").text
    place.buy(code, external_id="o2", number="FK-2")
    page = place.company.page.get(f"/coupons/{place.coupon}").text
    assert told in page and "FK-1" in page and "FK-2" in page
    later = (clock.now() + timedelta(seconds=1)).isoformat()
    place.buy(code, external_id="o2", number="FK-2", status="cancelled", updated_at=later)
    assert told not in place.company.page.get(f"/coupons/{place.coupon}").text


def test_a_member_makes_gives_changes_and_stops_a_coupon_at_the_pages(place):
    form = {"name": "Spring", "shop_id": place.shop, "kind": "amount", "amount": "5", "least": "30", "prefix": "spring", "pool": "2",
            "uses": "1", "per_customer": "1", "ends_at": (clock.now() + timedelta(days=9)).date().isoformat(), "categories": "Tea\nPots"}  # fmt: skip
    answer = place.company.post("/coupons/new", form)
    assert answer.status_code in (302, 303), answer.get_data(as_text=True)[-3000:]
    made = answer.headers["Location"].rpartition("/")[2]
    whole = place.company.api("GET", f"/coupons/{made}").json
    assert (whole["amount"], whole["least"], whole["prefix"], whole["categories"], whole["pool"]) == (
        "5.00",
        "30.00",
        "SPRING",
        ["Tea", "Pots"],
        2,
    )
    wrong = place.company.post("/coupons/new", form | {"amount": "lots", "prefix": "<script>"})
    assert (
        wrong.status_code == 422
        and "An amount such as 5.00." in wrong.get_data(as_text=True)
        and '<script>"' not in wrong.get_data(as_text=True)
    )
    assert place.company.post("/coupons/new", form | {"shop_id": ""}).status_code == 422
    given = place.company.post(f"/customers/{place.customer}/coupons", {"coupon_id": made})
    assert given.status_code in (302, 303)
    [code] = place.company.api("GET", f"/coupons/{made}/codes").json["items"]
    assert code["customer_id"] == place.customer and code["given_by"] == "member" and code["code"].startswith("SPRING-")
    assert place.company.post(f"/customers/{place.customer}/coupons", {"coupon_id": "nothing"}).status_code in (
        302,
        303,
    )
    place.company.post(f"/coupons/{made}/change", {"name": "Summer", "pool": "9"})
    place.company.post(f"/coupons/{made}/change", {"name": "Summer", "pool": "many"})
    whole = place.company.api("GET", f"/coupons/{made}").json
    assert (whole["name"], whole["pool"]) == ("Summer", 9)
    place.company.post(f"/coupons/{made}/codes/{code['id']}/stop")
    place.company.post(f"/coupons/{made}/try-again")
    place.company.post(f"/coupons/{made}/stop")
    assert place.company.api("GET", f"/coupons/{made}").json["state"] == "stopped"


def test_a_member_who_only_reads_sees_no_button_and_is_refused(app, place):
    page = add_member(app, place.company, role="read_only")
    shown = page.get(f"/coupons/{place.coupon}").get_data(as_text=True)
    assert "Stop it" not in shown and page.get("/coupons/new").status_code == 403


def test_the_codes_come_as_a_file_and_no_cell_is_a_formula(place):
    place.company.api("PATCH", f"/customers/{place.customer}", json={"first_name": "=1+1", "last_name": ""})
    code = place.give()["code"]
    answer = place.company.page.get(f"/coupons/{place.coupon}/codes.csv")
    lines = answer.get_data(as_text=True).splitlines()
    assert answer.mimetype == "text/csv" and len(lines) == 2
    assert lines[1].startswith(f"{code},waiting,'=1+1,ada@shop.example,")


def test_the_list_and_a_coupon_with_many_codes_ask_at_most_a_dozen_things(app, place):
    with app.app_context(), place.unit():
        for number in range(30):
            made = coupons.create(name=f"C{number}", shop_id=place.shop, kind="percent", percent="5")
        people = [profiles.find_or_create(email=f"p{n}@shop.example") for n in range(60)]
        coupon_codes.give_many(made.id, people, by="campaign", given_for=made.id)
        made_id = made.id
    place.company.page.get("/coupons")
    for path in ("/coupons", f"/coupons/{made_id}", f"/customers/{place.customer}/coupons"):
        with counted() as sent:
            assert place.company.page.get(path).status_code == 200
        assert len(sent) <= 12, (path, sent)


def test_webhooks_hear_of_codes_that_are_given_and_used(app, place):
    place.company.api(
        "POST", "/webhooks", json={"url": "http://127.0.0.1:9/hear", "topics": ["coupon.given", "coupon.redeemed"]}
    )
    code = place.give()
    drain_outbox(app, place.company)
    order = place.buy(code["code"])
    with app.app_context(), place.unit():
        told = [json.loads(row.body) for row in db.session.query(DeliveryOut).order_by(DeliveryOut.id)]
    assert [one["type"] for one in told] == ["coupon.given", "coupon.redeemed"]
    assert told[0]["data"]["items"][0]["code"] == code["code"] and told[0]["data"]["by"] == "program"
    assert (told[1]["data"]["code"], told[1]["data"]["order_id"], told[1]["data"]["discount"]) == (
        code["code"],
        order,
        "2.00",
    )


def test_erasing_a_customer_leaves_the_code_and_loses_the_person(app, place):
    code = place.give()
    place.advance()
    place.buy(code["code"])
    answer = place.company.api("POST", f"/customers/{place.customer}/data/erase", json={"reason": "They asked for it."})
    assert answer.status_code in (200, 201, 202), answer.json
    drain_outbox(app, place.company)
    with app.app_context(), place.unit():
        left = db.session.query(CouponCode).one()
        assert left.customer_id is None and left.code == code["code"] and left.given_key is None


def test_the_codes_of_a_customer_are_in_the_copy_of_their_data(app, place):
    code = place.give()["code"]
    answer = place.company.api("POST", f"/customers/{place.customer}/data/export", json={})
    assert answer.status_code in (200, 201, 202), answer.json
    drain_outbox(app, place.company)
    with app.app_context(), place.unit():
        kept = persons.file_of(place.customer)
        packed = zipfile.ZipFile(io.BytesIO(b"".join(files.chunks(kept.id))))
        assert any(code in packed.read(name).decode("utf-8", "replace") for name in packed.namelist())


def test_who_was_given_a_code_is_found_by_a_segment_and_who_used_it_by_another(place):
    unused = {"match": "all", "conditions": [{"field": "has_coupon", "operator": "is", "value": "yes"}]}
    used = {"match": "all", "conditions": [{"field": "used_coupon", "operator": "ever"}]}

    def count(definition):
        answer = place.company.api("POST", "/segments/preview", json={"definition": definition})
        assert answer.status_code == 200, answer.json
        return answer.json["count"]

    assert (count(unused), count(used)) == (0, 0)
    code = place.give()["code"]
    assert (count(unused), count(used)) == (1, 0)
    place.buy(code)
    assert (count(unused), count(used)) == (0, 1)
