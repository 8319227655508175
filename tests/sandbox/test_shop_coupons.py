"""Codes in the demo shop: taken when they are signed with its secret, honoured at the checkout as often as they may be."""

import json
import time

import pytest

from sandbox import demo
from sandbox.shop import app, book, carts, connection, coupons, hooks

SECRET = "whsec_c2VjcmV0"
COUPON = {
    "id": "c1",
    "kind": "percent",
    "percent": "10",
    "uses": 1,
    "least": None,
    "products": [],
    "categories": [],
    "starts_at": None,
    "ends_at": None,
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    memory = book.Book(tmp_path_factory.mktemp("shop") / "shop.sqlite")
    articles = demo.products(seed=1)
    book.fill(memory, demo.simulate(seed=1, scale=0.002, shop_url="http://shop.example"))
    connection.save(memory, {"hook_secret": SECRET})
    made = app.create_app(book=memory, messenger=hooks.Messenger(memory), articles=articles)
    yield made
    memory.close()


def tell(shop, kind, codes, *, coupon=COUPON, secret=SECRET, age=0):
    body = json.dumps({"type": kind, "data": {"coupon": coupon, "codes": codes}}).encode()
    headers = hooks.signed_headers("msg_1", body, secret=secret, at=int(time.time()) - age)
    return shop.test_client().post("/hooks/coupons", data=body, headers=headers).status_code


def worth(shop, code):
    with shop.app_context():
        memory = shop.config["BOOK"]
        line = memory.row(
            "SELECT *, 2 AS quantity, 2 * cents AS sum_cents FROM products WHERE active ORDER BY place LIMIT 1"
        )
        return coupons.worth(memory, code, [line], carts.sums([line])), line["sum_cents"]


def test_only_what_is_signed_and_new_is_taken_and_twice_is_once(shop):
    assert tell(shop, "coupons.create", ["TEA-1"], secret="other") == 401
    assert tell(shop, "coupons.create", ["TEA-1"], age=3600) == 401
    assert tell(shop, "coupons.create", ["TEA-1"]) == 200
    assert tell(shop, "coupons.create", ["TEA-1", "TEA-2"]) == 200
    (off, free), goods = worth(shop, "tea-1")
    assert (off, free) == (round(goods / 10), False)


def test_a_code_is_refused_when_it_is_used_up_over_too_small_or_for_other_things(shop):
    memory = shop.config["BOOK"]
    tell(shop, "coupons.create", ["ONCE"])
    coupons.use(memory, "once")
    tell(shop, "coupons.create", ["OLD"], coupon=COUPON | {"ends_at": "2020-01-01T00:00:00+00:00"})
    tell(shop, "coupons.create", ["EARLY"], coupon=COUPON | {"starts_at": "2090-01-01T00:00:00+00:00"})
    tell(shop, "coupons.create", ["BIG"], coupon=COUPON | {"least": "100000"})
    tell(shop, "coupons.create", ["ELSE"], coupon=COUPON | {"categories": ["Nothing"]})
    tell(shop, "coupons.create", ["GONE"])
    tell(shop, "coupons.stop", ["GONE"])
    for code in ("NEVER", "ONCE", "OLD", "EARLY", "BIG", "ELSE", "GONE"):
        with pytest.raises(coupons.Refused):
            worth(shop, code)


def test_an_amount_never_takes_off_more_than_there_is_and_shipping_can_be_free(shop):
    tell(shop, "coupons.create", ["ALL"], coupon=COUPON | {"kind": "amount", "amount": "99999", "percent": None})
    (off, _free), goods = worth(shop, "ALL")
    assert off == goods
    tell(shop, "coupons.create", ["SHIP"], coupon=COUPON | {"kind": "shipping", "percent": None})
    assert worth(shop, "SHIP")[0] == (0, True)


def test_the_order_names_the_code_and_the_code_is_used(shop):
    tell(shop, "coupons.create", ["BUY-1"])
    client, memory = shop.test_client(), shop.config["BOOK"]
    row = memory.row("SELECT * FROM products WHERE active AND coalesce(stock, 9) > 0 ORDER BY place LIMIT 1")
    with client.session_transaction() as session:
        session["cart"] = carts.open_cart(memory, None)
        cart = session["cart"]
    carts.put(memory, cart, row, 1)
    form = {"email": "ada@example.com", "first_name": "Ada", "last_name": "Lake", "street": "1 High St", "postcode": "BS1", "city": "Bath",
            "country": "GB", "card": "4242 4242 4242 4242", "coupon": "wrong"}  # fmt: skip
    same = {"Origin": "http://localhost"}
    assert "We do not know this code." in client.post("/checkout", data=form, headers=same).get_data(as_text=True)
    applied = client.post("/checkout", data=form | {"coupon": "buy-1", "act": "coupon"}, headers=same).get_data(
        as_text=True
    )
    assert "Your code" in applied
    assert client.post("/checkout", data=form | {"coupon": "buy-1"}, headers=same).status_code == 302
    item = json.loads(memory.row("SELECT item FROM orders WHERE live ORDER BY placed_at DESC LIMIT 1")["item"])
    off = f"{round(row['cents'] / 10) / 100:.2f}"
    assert item["discounts"] == [{"code": "BUY-1", "amount": off}] and item["discount"] == off
    assert memory.row("SELECT used FROM coupons WHERE code = 'BUY-1'")["used"] == 1
