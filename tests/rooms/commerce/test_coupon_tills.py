"""Codes in a Shopify shop, and in a shop of any kind that is told them: written, found again, stopped, and really honoured."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from saas.commerce import coupon_codes, coupon_writing, coupons, shops
from saas.commerce.connectors import generic
from saas.commerce.connectors.shopify_coupons import NO_RIGHT
from saas.commerce.coupon_models import CouponCode
from saas.kit import clock, work
from saas.kit.db import db
from sandbox.shopify.discounts import Refused
from tests import shopify_box
from tests.shopify_box import box  # noqa: F401


class Place:
    """A company with a shop and a coupon."""

    def __init__(self, company, shop_id, **terms):
        self.company, self.shop = company, shop_id
        with self.unit():
            self.coupon = coupons.create(
                name="Welcome", shop_id=shop_id, **({"kind": "percent", "percent": "10"} | terms)
            ).id

    def unit(self):
        return work.unit(tenant_id=self.company.tenant_id)

    def make(self, count, **columns):
        with self.unit():
            coupon_codes.make(coupons.one(self.coupon), count, **columns)

    def advance(self):
        return coupon_writing.advance(self.company.tenant_id, self.shop, rest=lambda _seconds: None)

    def wait_over(self):
        with self.unit():
            coupons.one(self.coupon, lock=True).not_before = None

    def states(self):
        found: dict[str, int] = {}
        for one in self.codes():
            found[one.state] = found.get(one.state, 0) + 1
        return found

    def codes(self):
        with self.unit():
            return list(db.session.query(CouponCode).filter_by(coupon_id=self.coupon).order_by(CouponCode.id))

    def held(self):
        with self.unit():
            return coupons.one(self.coupon)


@pytest.fixture
def place(context, company, box):  # noqa: F811
    return Place(company, shopify_box.connected(company, box))


def asked(box, name):  # noqa: F811
    return sum(name in one for one in box.asked)


def test_shopify_takes_one_discount_and_its_codes_by_two_hundred_and_fifty(place, box):  # noqa: F811
    place.make(600)
    place.advance()
    assert place.states() == {"ready": 600}
    [discount] = box.discounts.held.values()
    assert len(discount["codes"]) == 600 and {one["code"] for one in discount["codes"]} == {
        one.code for one in place.codes()
    }
    assert all(one.key.startswith("gid://shopify/DiscountRedeemCode/") for one in place.codes())
    assert (asked(box, "discountCodeBasicCreate"), asked(box, "discountRedeemCodeBulkAdd")) == (1, 3)
    given = discount["given"]
    assert (given["customerGets"]["value"]["percentage"], given["usageLimit"], given["appliesOncePerCustomer"]) == (
        0.1,
        1,
        True,
    )


def test_codes_that_end_on_different_days_belong_to_a_discount_each(context, company, box):  # noqa: F811
    place = Place(company, shopify_box.connected(company, box), days=7, kind="amount", amount="5", least="20")
    first, second = clock.now() + timedelta(days=9), clock.now() + timedelta(days=10)
    place.make(4, ends_at=[first, first, second, second])
    place.advance()
    assert place.states() == {"ready": 4} and len(box.discounts.held) == 2
    assert sorted(one["given"]["endsAt"] for one in box.discounts.held.values()) == [
        one.strftime("%Y-%m-%dT%H:%M:%SZ") for one in (first, second)
    ]
    place.make(2, ends_at=[first, first])
    place.advance()
    assert len(box.discounts.held) == 2
    given = next(iter(box.discounts.held.values()))["given"]
    assert float(given["minimumRequirement"]["subtotal"]["greaterThanOrEqualToSubtotal"]) == 20
    assert float(given["customerGets"]["value"]["discountAmount"]["amount"]) == 5


def test_free_shipping_products_and_collections_are_said_to_shopify(context, company, box):  # noqa: F811
    tea = box.things.add_product("Green tea", collections=("Teas",))
    shop = shopify_box.connected(company, box)
    free = Place(company, shop, kind="shipping", percent=None, alone=True)
    free.make(1)
    key = tea["id"].rpartition("/")[2]
    goods = Place(company, shop, products=[key])
    goods.make(1)
    group = Place(company, shop, categories=["Teas"])
    group.make(1)
    free.advance()
    kinds = {one["given"]["title"]: one for one in box.discounts.held.values()}
    assert sorted(one["kind"] for one in kinds.values()) == [
        "DiscountCodeBasic",
        "DiscountCodeBasic",
        "DiscountCodeFreeShipping",
    ]
    items = [one["given"]["customerGets"]["items"] for one in kinds.values() if "customerGets" in one["given"]]
    assert {"products": {"productsToAdd": [tea["id"]]}} in items
    assert {"collections": {"add": [tea["collections"][0]["id"]]}} in items
    missing = Place(company, shop, categories=["Spoons"])
    missing.make(1)
    missing.advance()
    assert "no collection called “Spoons”" in missing.held().trouble


def test_an_answer_of_shopify_that_was_lost_doubles_and_loses_no_code(place, box):  # noqa: F811
    place.make(20)
    with place.unit():
        task = coupon_writing._next(place.shop)
    task.till.renewed()
    task.till.write(task.terms, list(task.codes), task.at_shop)  # killed before it was written down
    with place.unit():
        db.session.query(CouponCode).update({"claimed_until": clock.now() - timedelta(seconds=1)})
    place.advance()
    assert place.states() == {"ready": 20}
    [discount] = box.discounts.held.values()
    assert len(discount["codes"]) == 20
    with place.unit():
        coupons.stop(place.coupon)
    place.advance()
    assert place.states() == {"stopped": 20} and discount["status"] == "EXPIRED"


def test_shopify_may_take_its_time_over_new_codes(place, box, monkeypatch):  # noqa: F811
    monkeypatch.setattr("saas.commerce.connectors.shopify_coupons.PAUSE", 0)
    box.discounts.slow = 3
    place.make(10)
    place.advance()
    assert place.states() == {"ready": 10}
    box.discounts.slow = 1000
    place.make(10)
    place.advance()
    assert place.states() == {"ready": 10, "waiting": 10} and place.held().trouble == ""  # it is only slow
    box.discounts.slow = 0
    place.wait_over()
    place.advance()
    assert place.states() == {"ready": 20} and len(next(iter(box.discounts.held.values()))["codes"]) == 20


def test_an_app_without_the_right_to_write_discounts_is_told_how_to_get_it(place, box):  # noqa: F811
    box.discounts.allowed = False
    place.make(1)
    place.advance()
    assert place.states() == {"waiting": 1} and place.held().trouble == NO_RIGHT and "write_discounts" in NO_RIGHT
    box.discounts.allowed = True
    with place.unit():
        coupon_writing.try_again(place.coupon)
    place.advance()
    assert place.states() == {"ready": 1}


def test_a_code_that_the_shop_has_already_is_drawn_anew(place, box):  # noqa: F811
    place.make(3)
    for code in [one.code for one in place.codes()][:2]:
        box.discounts._create({"code": code, "title": "Their own"}, "DiscountCodeBasic")
    for _round in range(3):
        place.advance()
    assert place.states() == {"ready": 3}
    assert len(box.discounts.codes()) == 5


@pytest.mark.parametrize("fault", [429, 500, 404, {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
                                                    "extensions": {"cost": {"requestedQueryCost": 1000, "throttleStatus": {"currentlyAvailable": 0, "restoreRate": 50}}}}])  # fmt: skip
def test_whatever_shopify_answers_the_codes_wait_and_come(place, box, fault):  # noqa: F811
    box.faults = [fault]
    place.make(3)
    place.advance()
    assert place.states() == {"waiting": 3}
    place.wait_over()
    place.advance()
    assert place.states() == {"ready": 3} and place.held().trouble == ""


def test_single_codes_are_taken_out_of_their_discount(place, box):  # noqa: F811
    place.make(5)
    place.advance()
    gone = place.codes()[1]
    with place.unit():
        coupon_codes.stop_one(gone.id)
    place.advance()
    assert place.states() == {"ready": 4, "stopped": 1} and gone.code not in box.discounts.codes()


def test_a_discount_that_was_deleted_in_the_shop_is_noticed(place, box):  # noqa: F811
    place.make(3)
    place.advance()
    box.discounts.held.clear()
    with clock.travel(to=clock.now() + timedelta(days=1, hours=2)):
        place.advance()
        assert place.states() == {"gone": 3}


def test_shopifys_checkout_honours_a_code_once_and_refuses_what_does_not_fit(place, box):  # noqa: F811
    place.make(1)
    place.advance()
    [code] = place.codes()
    tea = box.things.add_product("Green tea", price=20.0)
    order = box.things.add_order(box.things.add_customer("ada@shop.example"), [(tea, 1)])
    box.discounts.use(code.code.lower(), order)
    assert order["discountCodes"] == [code.code] and order["totalPriceSet"]["shopMoney"]["amount"] == "21.90"
    with pytest.raises(Refused, match="usage limit"):
        box.discounts.use(code.code, order)


class Shop:
    """A shop of any kind with an address for coupons that remembers what it was told, and answers as told to."""

    def __init__(self):
        outer = self
        self.told, self.answers = [], []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                outer.told.append((dict(self.headers.items()), raw))
                status, body = outer.answers.pop(0) if outer.answers else (200, b"{}")
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/coupons"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def shop():
    made = Shop()
    yield made
    made.stop()


@pytest.fixture
def told_place(context, company, shop):
    with work.unit(tenant_id=company.tenant_id):
        made, secret = shops.connect(kind="generic", name="Own", currency="EUR", coupons_url=shop.url)
    found = Place(company, made.id, days=5, least="30")
    found.secret = secret
    return found


def test_a_shop_of_any_kind_is_told_codes_signed_as_it_signs_itself(told_place, shop):
    told_place.make(3, ends_at=[clock.now() + timedelta(days=7)] * 3)
    told_place.advance()
    assert told_place.states() == {"ready": 3}
    [(headers, raw)] = shop.told
    good = generic.signature(told_place.secret, headers["webhook-id"], headers["webhook-timestamp"], raw)
    assert headers["webhook-signature"] == good
    body = json.loads(raw)
    assert body["type"] == "coupons.create" and sorted(body["data"]["codes"]) == sorted(
        one.code for one in told_place.codes()
    )
    coupon = body["data"]["coupon"]
    assert (coupon["kind"], coupon["percent"], coupon["least"], coupon["uses"]) == ("percent", "10", "30.00", 1)
    assert coupon["ends_at"] is not None


def test_codes_that_such_a_shop_refuses_fail_and_a_stop_is_told(told_place, shop):
    told_place.make(2)
    bad = told_place.codes()[0].code
    shop.answers = [(200, json.dumps({"refused": [{"code": bad, "reason": "Too long"}]}).encode())]
    told_place.advance()
    assert told_place.states() == {"ready": 1, "failed": 1}
    assert next(one.reason for one in told_place.codes() if one.code == bad) == "The shop refused: Too long"
    with told_place.unit():
        coupons.stop(told_place.coupon)
    told_place.advance()
    assert json.loads(shop.told[-1][1])["type"] == "coupons.stop" and told_place.states() == {"stopped": 1, "failed": 1}


@pytest.mark.parametrize(
    ("answer", "words"), [((401, b""), "signature"), ((404, b""), "404"), ((500, b"oops"), "500"), ((302, b""), "302")]
)
def test_such_a_shop_that_does_not_take_codes_is_said_and_asked_again(told_place, shop, answer, words):
    shop.answers = [answer]
    told_place.make(1)
    told_place.advance()
    assert told_place.states() == {"waiting": 1} and words in told_place.held().trouble
    told_place.wait_over()
    told_place.advance()
    assert told_place.states() == {"ready": 1}


def test_an_answer_that_is_no_json_counts_as_taken(told_place, shop):
    shop.answers = [(204, b"")]
    told_place.make(1)
    told_place.advance()
    assert told_place.states() == {"ready": 1}


def test_an_address_for_coupons_inside_our_own_network_is_refused(
    company, context, monkeypatch, settings_in_environment
):
    with work.unit(tenant_id=company.tenant_id), pytest.raises(shops.BadShop) as refusal:
        shops.connect(kind="generic", name="Own", coupons_url="file:///etc/passwd")
    assert "coupons_url" in refusal.value.fields
