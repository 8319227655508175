"""What Shopify's things mean here: genuine ones where they are at hand, small ones of our own, and both shapes alike."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from saas.commerce.connectors import shopify, shopify_products, shopify_shapes
from saas.commerce.connectors.delivery import BadSignature, Unmappable
from saas.commerce.connectors.past import Origin
from sandbox.shopify.things import Things, money

ORIGIN = Origin(uuid4(), "EUR", "https://www.fern.example")


@pytest.fixture
def genuine(shared):
    """Return a genuine payload by its name."""
    return lambda name: json.loads((shared / "payloads" / "shopify" / f"{name}.json").read_text())


class TestGenuine:
    def test_an_order(self, genuine):
        item = shopify.order_item(genuine("order")["order"])
        assert (item["external_id"], item["number"], item["status"], item["currency"]) == (
            "450789469",
            "1001",
            "pending",
            "USD",
        )
        assert (item["total"], item["tax"], item["shipping"], item["cart_id"]) == (
            "409.94",
            "11.94",
            "0.00",
            "68778783ad298f1c80c3bafcddeea02f",
        )
        assert [(line["product"], line["sku"], line["quantity"], line["unit_price"]) for line in item["lines"]] == [
            ("632910392", "IPOD2008GREEN", 1, "199.00"), ("632910392", "IPOD2008RED", 1, "199.00"), ("632910392", "IPOD2008BLACK", 1, "199.00"),
        ]  # fmt: skip
        assert item["customer"] == {
            "external_id": "207119551", "email": "bob.norman@hostmail.com", "first_name": "Bob", "last_name": "Norman",
            "address": "Chestnut Street 92", "city": "Louisville", "postcode": "40202", "country": "US", "phone": "555-625-1199",
        }  # fmt: skip
        assert item["placed_at"] == datetime(2008, 1, 10, 16, tzinfo=UTC)

    def test_all_listed_orders(self, genuine):
        for body in genuine("orders")["orders"]:
            assert shopify.order_item(body)["external_id"] == str(body["id"])

    def test_a_refund(self, genuine):
        item = shopify.refund_item(genuine("refund")["refund"], "USD")
        assert (item["external_id"], item["amount"], item["reason"]) == (
            "509562969",
            "209.00",
            "it broke during shipping",
        )
        assert item["at"] == datetime(2016, 6, 20, 17, 35, 6, tzinfo=UTC)

    def test_a_customer(self, genuine):
        item = shopify.customer_item(genuine("customer")["customer"])
        assert (item["external_id"], item["email"], item["tags"], item["country"]) == (
            "207119551",
            "bob.norman@hostmail.com",
            [],
            "US",
        )
        assert shopify.wish_of(genuine("customer")["customer"]) is None

    def test_a_product(self, genuine):
        item = shopify_products.product_item(genuine("product")["product"], ORIGIN)
        assert (item["external_id"], item["sku"], item["price"], item["active"]) == (
            "632910392",
            "IPOD2008PINK",
            "199.00",
            True,
        )
        assert item["stock"] is None  # it is sold beyond its stock
        assert item["tags"] == ["Emotive", "Flash Memory", "MP3", "Music"]
        assert item["url"] == "https://www.fern.example/products/ipod-nano"
        assert item["description"].startswith("It's the small iPod")
        for body in genuine("products"):
            shopify_products.product_item(body, ORIGIN)

    def test_a_checkout_names_whom_it_belongs_to(self, genuine):
        assert shopify.person_item(genuine("checkouts")["checkouts"][0])["email"] == "bob.norman@hostmail.com"


class TestBothShapes:
    def test_deliveries_and_the_past_say_the_same(self):
        things = Things()
        tea, ann = (
            things.add_product("Green tea", stock=(4, 5)),
            things.add_customer("ann@shopper.example", wish="SUBSCRIBED", level="CONFIRMED_OPT_IN"),
        )
        order = things.add_order(
            ann, [(tea, 3), (tea, 1)], off=2.0, cart="abc?key=1", attributes={"_regulars_visitor": "v" * 32}
        )
        guest = things.add_order(None, [(tea, 1)], email="guest@shopper.example")
        things.refund(order, amount=5.0)
        things.send(order, delivered=True)
        for node in (order, guest):
            told = dict(node)
            told["__children"] = [
                line | {"product": {"id": line["product"]["id"]}, "variant": {"id": line["variant"]["id"]}}
                for line in told.pop("lineItems")
            ]
            assert comparable(shopify.order_item(shopify_shapes.order(told))) == comparable(
                shopify.order_item(things.order_told(node))
            )
        product = {**tea, "__children": [*tea["variants"], *tea["media"]]}
        past = shopify_products.product_item(shopify_shapes.product(product), ORIGIN)
        told = shopify_products.product_item(things.product_told(tea), ORIGIN)
        for one, other in ((past, told), *zip(past["variants"], told["variants"], strict=True)):
            assert (
                one.pop("cost") is None
            )  # what it costs is told by the past alone, which picture a variant has by deliveries
            other.pop("cost", None), other.pop("image_url", None) if one is not past else None
        assert past == told
        both = [shopify_shapes.customer(ann), things.customer_told(ann)]
        assert shopify.customer_item(both[0]) == shopify.customer_item(both[1])
        assert (
            shopify.wish_of(both[0])
            == shopify.wish_of(both[1])
            == ("granted", datetime(2026, 3, 1, 9, 2, tzinfo=UTC), True)
        )

    @pytest.mark.parametrize("node", [{"id": "gid://shopify/Customer/1"}, {"id": "x"}, {}, {"__stray": True}])
    def test_what_is_no_order_is_not_taken_for_one(self, node):
        with pytest.raises(Unmappable):
            shopify_shapes.order(node)


def comparable(item):
    """Sums as numbers: one shape writes 0, the other 0.00."""
    sums = {name: Decimal(item[name]) for name in ("total", "tax", "shipping", "tip", "presentment_total")}
    refunds = [one | {"amount": Decimal(one["amount"])} for one in item["refunds"]]
    return item | sums | {"refunds": refunds}


def small(**fields):
    """An order of our own in the shape of deliveries."""
    line = {
        "id": 1,
        "product_id": 5,
        "sku": "T",
        "title": "Tea",
        "quantity": 3,
        "current_quantity": 3,
        "price": "10.00",
        "discount_allocations": [],
    }
    return {
        "id": 7, "name": "#1007", "currency": "EUR", "created_at": "2026-03-01T10:00:00+01:00", "updated_at": "2026-03-01T10:00:00+01:00",
        "financial_status": "paid", "fulfillment_status": None, "total_price": "30.00", "current_total_price": "30.00", "total_tax": "0.00",
        "shipping_lines": [], "refunds": [], "line_items": [line], **fields,
    }  # fmt: skip


def refund(amount, quantity=0, **fields):
    sent = [{"kind": "refund", "status": "success", "amount": amount, "currency": "EUR"}] if Decimal(amount) else []
    return {"id": 9, "created_at": "2026-03-02T10:00:00Z", "refund_line_items": [{"line_item_id": 1, "quantity": quantity}] if quantity else [],
            "transactions": sent, **fields}  # fmt: skip


class TestOrders:
    @pytest.mark.parametrize(("fields", "state"), [
        ({}, "paid"), ({"financial_status": "pending"}, "pending"), ({"financial_status": "authorized"}, "pending"),
        ({"financial_status": "partially_paid"}, "pending"), ({"financial_status": "partially_refunded"}, "paid"),
        ({"financial_status": "refunded"}, "refunded"), ({"financial_status": "voided"}, "cancelled"), ({"financial_status": "expired"}, "failed"),
        ({"fulfillment_status": "fulfilled"}, "fulfilled"), ({"fulfillment_status": "partial"}, "paid"),
        ({"fulfillment_status": "fulfilled", "financial_status": "refunded"}, "refunded"), ({"cancelled_at": "2026-03-03T00:00:00Z"}, "cancelled"),
        ({"financial_status": "of the future"}, "pending"), ({"financial_status": None}, "pending"),
    ])  # fmt: skip
    def test_its_state(self, fields, state):
        assert shopify.order_item(small(**fields))["status"] == state

    def test_a_discount_is_spread_over_the_line(self):
        line = small()["line_items"][0] | {"discount_allocations": [{"amount": "1.00"}, {"amount": "0.50"}]}
        assert shopify.order_item(small(line_items=[line]))["lines"][0]["unit_price"] == "9.50"

    def test_a_refund_leaves_what_was_sold(self):
        body = small(refunds=[refund("10.00", 1)], current_total_price="20.00")
        body["line_items"][0]["current_quantity"] = 2
        item = shopify.order_item(body)
        assert (item["total"], item["lines"][0]["quantity"], item["refunds"][0]["amount"]) == ("30.00", 3, "10.00")

    def test_an_edit_without_money_takes_out_what_was_taken_out(self):
        body = small(refunds=[refund("0", 2)], current_total_price="10.00")
        body["line_items"][0]["current_quantity"] = 1
        item = shopify.order_item(body)
        assert (item["total"], item["lines"][0]["quantity"], item["refunds"]) == ("10.00", 1, [])

    def test_a_line_that_was_taken_out_whole_is_not_there(self):
        body = small(current_total_price="0.00")
        body["line_items"][0]["current_quantity"] = 0
        assert shopify.order_item(body)["lines"] == []

    def test_a_cancelled_order_shows_what_it_was(self):
        body = small(cancelled_at="2026-03-03T00:00:00Z", current_total_price="0.00")
        body["line_items"][0]["current_quantity"] = 0
        item = shopify.order_item(body)
        assert (item["total"], item["lines"][0]["quantity"]) == ("30.00", 3)

    def test_a_refund_in_the_shoppers_currency_is_told_in_the_shops(self):
        bag = {"shop_money": {"amount": "8.00"}, "presentment_money": {"amount": "9.10"}}
        body = refund("9.10", refund_line_items=[{"line_item_id": 1, "quantity": 1, "subtotal_set": bag, "total_tax_set": {"shop_money": {"amount": "1.00"}}}],
                      order_adjustments=[{"amount_set": {"shop_money": {"amount": "-0.50"}}}])  # fmt: skip
        body["transactions"][0]["currency"] = "USD"
        assert shopify.refund_item(body, "EUR")["amount"] == "9.50"

    @pytest.mark.parametrize(
        "sent",
        [
            {"kind": "refund", "status": "pending"},
            {"kind": "sale", "status": "success"},
            {"kind": "refund", "status": "success", "test": True},
        ],
    )
    def test_money_that_has_not_gone_back_counts_nothing(self, sent):
        assert shopify.refund_item({"id": 1, "transactions": [sent | {"amount": "5.00"}]}, "EUR")["amount"] == "0"

    def test_nobody_ordered_it(self):
        assert shopify.order_item(small())["customer"] is None
        assert shopify.order_item(small(phone="+4930123"))["customer"] == {"phone": "+4930123"}

    def test_odd_words_survive(self):
        body = small(
            name="#EN-1001/甲",
            email="ü@shopper.example",
            billing_address={"first_name": "عمر", "last_name": "🫖", "city": "上海"},
        )
        item = shopify.order_item(body)
        assert (item["number"], item["customer"]["first_name"], item["customer"]["city"]) == (
            "EN-1001/甲",
            "عمر",
            "上海",
        )

    @pytest.mark.parametrize(
        "fields",
        [
            {"total_price": "NaN"},
            {"current_total_price": "Infinity"},
            {"total_tax": "1,00"},
            {"created_at": "soon", "processed_at": "soon"},
        ],
    )
    def test_what_is_no_money_or_time_is_said(self, fields):
        with pytest.raises(Unmappable):
            shopify.order_item(small(**fields))


class TestProducts:
    @pytest.mark.parametrize(("variants", "stock"), [
        ([], None), ([("shopify", "deny", 3), ("shopify", "deny", -2)], 3), ([("shopify", "deny", 3), (None, "deny", 0)], None),
        ([("shopify", "continue", 3)], None), ([("shopify", "deny", None)], 0),
    ])  # fmt: skip
    def test_its_stock(self, variants, stock):
        held = [
            {"id": number, "inventory_management": how, "inventory_policy": policy, "inventory_quantity": count}
            for number, (how, policy, count) in enumerate(variants, 1)
        ]
        assert shopify_products.product_item({"id": 1, "variants": held}, ORIGIN)["stock"] == stock

    @pytest.mark.parametrize(("fields", "active"), [
        ({}, True), ({"status": "draft"}, False), ({"status": "archived"}, False), ({"status": "unlisted"}, False), ({"published_at": None}, False),
    ])  # fmt: skip
    def test_whether_it_is_on_sale(self, fields, active):
        body = {"id": 1, "status": "active", "published_at": "2026-01-01T00:00:00Z", **fields}
        assert shopify_products.product_item(body, ORIGIN)["active"] is active


class TestWishes:
    @pytest.mark.parametrize(("said", "found"), [
        ({"state": "subscribed", "opt_in_level": "confirmed_opt_in", "consent_updated_at": "2026-01-02T00:00:00Z"}, ("granted", 2, True)),
        ({"state": "unsubscribed", "opt_in_level": "single_opt_in", "consent_updated_at": "2026-01-03T00:00:00Z"}, ("withdrawn", 3, False)),
        ({"state": "subscribed", "consent_updated_at": None}, ("granted", 1, False)), ({"state": "unsubscribed"}, ("withdrawn", 9, False)),
    ])  # fmt: skip
    def test_what_they_agreed_to_and_when(self, said, found):
        body = {
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-09T00:00:00Z",
            "email_marketing_consent": said,
        }
        state, at, sure = shopify.wish_of(body)
        assert (state, at.day, sure) == found

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"email_marketing_consent": None},
            {"email_marketing_consent": {"state": "pending"}},
            {"accepts_marketing": False},
        ],
    )
    def test_silence_is_no_word(self, body):
        assert shopify.wish_of(body) is None


class TestSignature:
    def test_no_secret_lets_nothing_in(self):
        with pytest.raises(BadSignature):
            shopify.verified({"x-shopify-hmac-sha256": "", "x-shopify-topic": "orders/create"}, b"{}", [])

    def test_cart_tokens_lose_their_secret(self):
        assert (shopify.cart_key("abc?key=1"), shopify.cart_key("abc"), shopify.cart_key(None)) == ("abc", "abc", "")

    def test_sums_of_the_box_are_texts(self):
        assert money(1)["shopMoney"] == {"amount": "1.00", "currencyCode": "EUR"}
