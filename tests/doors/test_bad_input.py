"""What shops send that they should not, as a table: each ends in the right record, or waits or is refused with a reason in words.

Everything comes through the real doors, signed as each kind of shop signs. Every case has a shop of its own, so what is
counted is all that a case left behind: where something waits, nothing of it is here by half.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import time

import pytest
from sqlalchemy import func, select

from saas.catalog.models import Product
from saas.commerce.connectors import generic
from saas.commerce.models import Fulfilment, Order, Refund, Return
from saas.customers.models import Customer, Identity
from saas.integrations import deliveries_in
from saas.integrations.models import DeliveryIn, Refused
from saas.kit import work
from saas.kit.db import db
from tests.companies import drain_outbox, found_company
from tests.doors.test_hooks import connect, path_of
from tests.rooms.commerce import shop_messages as told

KINDS = ("woocommerce", "shopify", "generic")
SECRET = "a secret of the shop's"
MEGABYTE = 1024 * 1024
_numbers = itertools.count(1)


class Store:
    """A connected shop of one kind, as the outside sees it."""

    def __init__(self, company, kind: str) -> None:
        own = {"url": f"https://bad-{next(_numbers)}.myshopify.com", "client_secret": SECRET, "access_token": "shpat_1"}
        keys = own if kind == "shopify" else {"webhook_secret": SECRET}
        self.company, self.kind, self.shop = company, kind, connect(company, kind, currency="EUR", **keys)

    def send(self, message, *, secret: str = SECRET, ident: str = "", cut: int | None = None, **headers) -> int:
        """Deliver a message (topic, body), or raw bytes, and return the status; `cut` sends only so many bytes of what was signed."""
        topic, body = message
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = self._signed(topic, raw, secret, ident or f"m{next(_numbers)}") | headers
        answer = self.company.app.test_client().post(path_of(self.shop), data=raw[:cut], headers=given)
        self.said = answer.json
        return answer.status_code

    def _signed(self, topic: str, raw: bytes, secret: str, ident: str) -> dict[str, str]:
        if self.kind == "generic":
            stamp = str(int(time.time()))
            return {
                "webhook-id": ident,
                "webhook-timestamp": stamp,
                "webhook-signature": generic.signature(secret, ident, stamp, raw),
            }
        digest = base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()
        if self.kind == "shopify":
            return {"X-Shopify-Topic": topic, "X-Shopify-Hmac-Sha256": digest}
        return {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": digest}

    def taken(self) -> Store:
        drain_outbox(self.company.app, self.company)
        return self

    def rows(self, query) -> list:
        with self.company.app.app_context(), work.unit(tenant_id=self.company.tenant_id):
            return list(db.session.execute(query).all())

    def waiting(self) -> list[str]:
        wanted = (DeliveryIn.shop_id == self.shop["id"]) & (DeliveryIn.state != "done")
        return [reason for (reason,) in self.rows(select(DeliveryIn.reason).where(wanted))]

    def refused(self) -> list[str]:
        return [reason for (reason,) in self.rows(select(Refused.reason).where(Refused.shop_id == self.shop["id"]))]

    def orders(self) -> list[dict]:
        """Return the shop's orders as programs see them."""
        found = self.rows(select(Order.id).where(Order.source_id == self.shop["id"]).order_by(Order.external_id))
        return [self.company.api("GET", f"/orders/{order_id}").json for (order_id,) in found]

    def products(self) -> list[tuple]:
        mine = Product.source_id == self.shop["id"]
        return self.rows(
            select(Product.external_id, Product.name, Product.sku).where(mine).order_by(Product.external_id)
        )

    def customers(self) -> list[tuple]:
        """Return those the shop knows by an id of its own."""
        mine = (
            (Identity.source_id == self.shop["id"])
            & (Identity.tenant_id == Customer.tenant_id)
            & (Identity.customer_id == Customer.id)
        )
        return self.rows(select(Customer.first_name, Customer.email).join(Identity, mine))

    def left_behind(self) -> dict[str, int]:
        """Return how much is here that came from this shop."""
        counts = {
            model.__name__: func.count().filter(model.source_id == self.shop["id"])
            for model in (Order, Refund, Fulfilment, Return, Product, Identity)
        }
        return {name: self.rows(select(count))[0][0] for name, count in counts.items()}


NOTHING = {"Order": 0, "Refund": 0, "Fulfilment": 0, "Return": 0, "Product": 0, "Identity": 0}


@pytest.fixture(scope="module")
def house(app):
    """One company for the whole table."""
    return found_company(app)


@pytest.fixture(params=KINDS)
def store(house, request):
    return Store(house, request.param)


# The same order in the words of each kind of shop


def line(kind, place=1, *, product=5, quantity=1, price="12.50", name="Tin"):
    if kind == "woocommerce":
        back = isinstance(quantity, int) and quantity < 0
        return told.woo_line(place, product, quantity, f"-{price}" if back else price) | {"name": name}
    if kind == "shopify":
        return told.shopify_line(1000 + place, product, quantity, price, name=name)
    return told.generic_line(place - 1, str(product), quantity, price, name=name)


def order(
    kind,
    number=71,
    *,
    hours=0,
    lines=None,
    currency="EUR",
    total=...,
    status=...,
    placed=...,
    changed=...,
    person=...,
    extra=None,
    **of_line,
):
    """Return a message about an order; what is not said is as usual."""
    lines = [line(kind, **of_line)] if lines is None else lines
    more = {"currency": currency} | (extra or {})
    if kind == "woocommerce":
        said = {
            "line_items": lines,
            "total": total,
            "status": status,
            "date_created_gmt": placed,
            "date_modified_gmt": changed,
        }
        if person is not ...:
            said |= {"customer_id": 0, "billing": person or []}
    elif kind == "shopify":
        said = {"line_items": lines, "total_price": total, "current_total_price": total, "financial_status": status, "created_at": placed,
                "processed_at": placed, "updated_at": changed}  # fmt: skip
        if person is not ...:
            said |= {"customer": person and {"id": 9, **person}, "email": (person or {}).get("email")}
    else:
        said = {
            "lines": lines,
            "total": total,
            "status": status,
            "placed_at": placed,
            "updated_at": changed,
            "customer": person,
        }
    topic, body = {"woocommerce": told.woo_order, "shopify": told.shopify_order, "generic": told.generic_order}[kind](
        number, hours=hours
    )
    said = {name: value for name, value in (said | more).items() if value is not ...}
    if kind == "generic":
        return topic, {**body, "data": {**body["data"], **said}}
    return topic, {**body, **said}


def customer(kind, **said):
    if kind == "woocommerce":
        return "customer.updated", {
            "id": 9,
            "email": "",
            "first_name": "",
            "billing": {},
            "date_modified_gmt": told.gmt(0),
            **said,
        }
    if kind == "shopify":
        return "customers/update", {"id": 9, "email": None, "updated_at": told.at(0).isoformat(), **said}
    return "customer.updated", {
        "type": "customer.updated",
        "data": {"external_id": "9", "updated_at": told.at(0).isoformat(), **said},
    }


def product(kind, number=5, *, sku="TIN", price="12.50"):
    if kind == "woocommerce":
        return "product.updated", {
            "id": number,
            "name": f"Tin {number}",
            "sku": sku,
            "price": price,
            "status": "publish",
            "date_modified_gmt": told.gmt(0),
        }
    if kind == "shopify":
        variant = {"id": number * 10, "title": "Default Title", "sku": sku, "price": price}
        return "products/update", {
            "id": number,
            "title": f"Tin {number}",
            "updated_at": told.at(0).isoformat(),
            "variants": [variant],
        }
    data = {"external_id": str(number), "name": f"Tin {number}", "sku": sku, "price": price, "currency": "EUR"}
    return "product.updated", {"type": "product.updated", "data": data}


def gone(kind, number=5):
    return {
        "woocommerce": ("product.deleted", {"id": number}), "shopify": ("products/delete", {"id": number}),
        "generic": ("product.deleted", {"type": "product.deleted", "data": {"external_id": str(number)}}),
    }[kind]  # fmt: skip


FUTURE, PAST, NEVER = "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "0000-00-00T00:00:00"
EMOJI, ARABIC, HAN = "Tee 🍵👩‍👩‍👧", "شاي أخضر", "龙井茶"


def by(woocommerce, shopify, other):
    return {"woocommerce": woocommerce, "shopify": shopify, "generic": other}


# What an order says : what becomes of it. A text is the reason it waits with; a table holds what its record says.
ORDERS = {
    "a currency nobody knows is kept, beside the company's own": ({"currency": "XXQ"}, {"currency": "XXQ"}),
    "a currency that is none": ({"currency": "euro"}, by("three letters", "three letters", "Three letters")),
    "no currency": ({"currency": None}, by("three letters", "three letters", "null")),
    "a negative quantity is a return line": ({"quantity": -2}, {"quantity": -2, "flags": ["return", "unknown_product"]}),
    "a fractional quantity": ({"quantity": 2.5}, by({"quantity": 3}, {"quantity": 3}, "whole pieces")),
    "a quantity that is text": ({"quantity": "many"}, by("no number", "no number", "whole pieces")),
    "a quantity nobody has": ({"quantity": 10**13}, by("out of range", "out of range", "less than or equal")),
    "a price that is text": ({"price": "12.50"}, {"unit_price": "12.50"}),
    "a price that is a number": ({"price": 12.5}, {"unit_price": "12.50"}),
    "a price that is a word": ({"price": "cheap"}, by("not money", "not money", "not an amount of money")),
    "a price in another spelling": ({"price": "12,50 €"}, by("not money", "not money", "not an amount of money")),
    "a price that is not a number": ({"price": "NaN"}, by("not money", "not money", "not an amount of money")),
    "a price beyond all money": ({"price": "9" * 30}, by("not an amount", "not an amount", "not an amount of money")),
    "a sum beyond all money": ({"quantity": 10**9, "price": "99999999999"}, by({"quantity": 10**9}, "more than can be counted", "more than can be counted")),
    "a total beyond all money": ({"total": "1" * 40}, "not an amount of money"),
    "a total that is a list": ({"total": ["1.00"]}, by("not an amount", "not money", "not an amount")),
    "an unknown status": ({"status": "wc-being-wrapped"}, by({"status": "paid"}, {"status": "pending"}, "Must be one of")),
    "a time that is none": ({"changed": "yesterday"}, by("not a time", "not a time", "Not a valid datetime")),
    "a date of nothing but zeros": ({"placed": NEVER}, by("not a time", "not a time", "Not a valid datetime")),
    "a date in the far past": ({"placed": PAST}, "cannot be right"),
    "a date in the far future": ({"changed": FUTURE}, "cannot be right"),
    "a date beyond the calendar": ({"changed": "9999-12-31T23:59:59-14:00"}, "cannot be right"),
    "days late": ({"placed": "2026-03-01T10:00:00Z", "changed": "2026-03-01T10:00:00Z"}, {"placed_at": "2026-03-01T10:00:00+00:00"}),
    "without a customer": ({"person": None}, {"customer_id": None}),
    "a customer without mail": ({"person": {"first_name": "Mei"}}, by({"customer_id": None}, {"status": "paid"}, {"customer_id": None})),
    "a mail that is none": ({"person": {"email": "not a mail"}}, {"status": "paid"}),
    "emoji": ({"name": EMOJI}, {"name": EMOJI}),
    "Arabic": ({"name": ARABIC}, {"name": ARABIC}),
    "Han": ({"name": HAN}, {"name": HAN}),
    "null bytes": ({"name": "Tin\x00 of\x00 tea"}, {"name": "Tin of tea"}),
    "half an emoji": ({"name": "Tin \ud83c"}, {"name": "Tin"}),
    "a product of which nothing is known": ({"product": ""}, {"product": "", "product_id": None}),
    "no lines": ({"lines": []}, {"total": "17.40"}),
    "lines that are a word": ({"lines": "none"}, by("not a list", "another kind", "Not a valid list")),
    "a line that is a number": ({"lines": [7]}, by("not a list", "another kind", "Invalid")),
    "no id of a line": ({"lines": [{"quantity": 1, "price": "1.00", "unit_price": "1.00"}]}, by("id is missing", {"quantity": 1}, "Unknown field")),
}  # fmt: skip


class TestOrders:
    @pytest.mark.parametrize(("said", "outcome"), ORDERS.values(), ids=[name.replace(" ", "_") for name in ORDERS])
    def test_it_ends_in_its_record_or_waits_with_a_reason(self, store, said, outcome):
        outcome = outcome[store.kind] if isinstance(outcome, dict) and "generic" in outcome else outcome
        assert store.send(order(store.kind, **said)) == 200
        store.taken()
        if isinstance(outcome, str):
            (reason,) = store.waiting()
            assert outcome in reason
            assert store.left_behind() == NOTHING
            return
        (held,) = store.orders()
        first = held["lines"][0] if held["lines"] else {}
        assert {name: first[name] if name in first and name != "total" else held[name] for name in outcome} == outcome
        assert store.waiting() == []


# What comes to the door : the status it is answered with, and what is written down where it is turned away
def half(store):
    topic, body = order(store.kind)
    raw = json.dumps(body).encode()
    return store.send((topic, raw[: len(raw) // 2]))


def cut_on_the_way(store):
    return store.send(order(store.kind), cut=200)


def wrongly_signed(store):
    return store.send(order(store.kind), secret="somebody else's")


def unsigned(store):
    topic, body = order(store.kind)
    given = {"X-Shopify-Topic": topic} if store.kind == "shopify" else {"X-WC-Webhook-Topic": topic}
    return store.company.app.test_client().post(path_of(store.shop), json=body, headers=given).status_code


def huge(store):
    topic, body = order(store.kind, extra={"note": "x" * 10 * MEGABYTE})
    return store.send((topic, body))


def raw(said):
    return lambda store: store.send((order(store.kind)[0], said))


DOOR = {
    "half written": (half, 400, "not JSON"),
    "cut on the way": (cut_on_the_way, 401, "signature"),
    "wrongly signed": (wrongly_signed, 401, "signature"),
    "not signed": (unsigned, 401, by("signature", "signature", "webhook-signature")),
    "10 MB": (huge, 413, "larger than 4 MB"),
    "nothing": (raw(b""), by(200, 400, 400), by(None, "not JSON", "not JSON")),  # an older WooCommerce tells so of what was gone
    "a null byte": (raw(b"\x00"), 400, "not JSON"),
    "not in UTF-8": (raw('{"id": 1, "name": "Tee für zwei"}'.encode("latin-1")), 400, "not JSON"),
    "a list": (raw(b'[{"id": 1}]'), 400, "not a JSON object"),
    "nested without end": (raw(b'{"id":' + b"[" * 100_000), 400, "not JSON"),
    "a number without end": (raw(b'{"id": 1e400}'), 400, "not JSON"),
}  # fmt: skip


class TestDoor:
    @pytest.mark.parametrize(("come", "status", "reason"), DOOR.values(), ids=[name.replace(" ", "_") for name in DOOR])
    def test_it_is_turned_away_and_the_reason_written_down(self, store, come, status, reason):
        status, reason = (one[store.kind] if isinstance(one, dict) else one for one in (status, reason))
        assert come(store) == status
        said = store.refused()
        assert len(said) == (reason is not None) and all(reason in one for one in said)
        assert (store.taken().waiting(), store.left_behind()) == ([], NOTHING)

    def test_what_comes_twice_is_there_once(self, store):
        message = order(store.kind)
        assert [store.send(message, ident="one") and store.said["status"] for _time in range(3)] == [
            "stored",
            "known",
            "known",
        ]
        assert store.taken().left_behind() | {"Identity": 0} == NOTHING | {"Order": 1}

    def test_the_newest_version_stays_however_they_come(self, store):
        for hours, total in ((5, "17.00"), (9, "19.00"), (1, "11.00"), (9, "19.00"), (7, "18.00")):
            assert store.send(order(store.kind, hours=hours, total=total)) == 200
        assert [(one["external_id"], one["total"]) for one in store.taken().orders()] == [("71", "19.00")]
        assert store.waiting() == []

    def test_ids_with_null_bytes_and_half_characters(self, store):
        topic, body = order(store.kind)
        inner = body["data"] if store.kind == "generic" else body
        inner["external_id" if store.kind == "generic" else "id"] = "7\x001\ud83c"
        assert store.send((topic, body)) == 200
        store.taken()
        if store.kind == "woocommerce":  # its ids are numbers
            assert "no number" in store.waiting()[0]
            assert store.left_behind() == NOTHING
        else:
            assert [one["external_id"] for one in store.orders()] == ["71"]

    def test_a_pair_of_halves_is_an_emoji_and_an_escaped_backslash_is_none(self, store):
        topic, body = order(store.kind, name="NAME")
        text = json.dumps(body).replace("NAME", r"\ud83c\udf75 \ud83c \\ud83c", 1)
        assert store.send((topic, text.encode())) == 200
        assert store.taken().orders()[0]["lines"][0]["name"] == "\U0001f375  \\ud83c"

    def test_what_waits_is_taken_when_the_reason_is_mended(self, store):
        assert store.send(order(store.kind, currency="euro")) == 200
        assert store.taken().waiting() != []
        assert store.send(order(store.kind, hours=1)) == 200
        assert [one["currency"] for one in store.taken().orders()] == ["EUR"]
        assert len(store.waiting()) == 1  # it still says what came, and changes nothing
        with store.company.app.app_context(), work.unit(tenant_id=store.company.tenant_id):
            assert deliveries_in.replay_all_failed(store.shop["id"]) == 1
        assert [one["currency"] for one in store.taken().orders()] == ["EUR"]


class TestManyLines:
    def test_a_thousand_lines_are_a_thousand(self, store):
        lines = [line(store.kind, place, price="1.00") for place in range(1, 1001)]
        assert store.send(order(store.kind, lines=lines, total="1000.00")) == 200
        (held,) = store.taken().orders()
        assert (len(held["lines"]), held["total"], store.waiting()) == (1000, "1000.00", [])

    def test_more_lines_than_an_order_has_wait(self, store):
        lines = [line(store.kind, place) for place in range(1, 2002)]
        assert store.send(order(store.kind, lines=lines)) == 200
        (reason,) = store.taken().waiting()
        assert "2000" in reason
        assert store.left_behind() == NOTHING


class TestProducts:
    def test_two_products_of_one_number_are_two(self, store):
        for number in (5, 6):
            assert store.send(product(store.kind, number, sku="SAME")) == 200
        assert [(one.external_id, one.sku) for one in store.taken().products()] == [("5", "SAME"), ("6", "SAME")]
        assert store.waiting() == []

    def test_an_old_order_of_a_deleted_product(self, store):
        assert store.send(product(store.kind)) == 200
        store.taken()
        assert store.send(gone(store.kind)) == 200
        assert (
            store.send(
                order(store.kind, lines=[line(store.kind), line(store.kind, 2, product="", name="Gone long ago")])
            )
            == 200
        )
        (held,) = store.taken().orders()
        assert [(one["name"], bool(one["product_id"]), one["flags"]) for one in held["lines"]] == [
            ("Tin", True, []), ("Gone long ago", False, ["unknown_product"]),
        ]  # fmt: skip
        assert store.waiting() == []

    @pytest.mark.parametrize("price", ["cheap", "12,50 €", "9" * 40, [1]])
    def test_a_price_that_is_no_money(self, store, price):
        assert store.send(product(store.kind, price=price)) == 200
        (reason,) = store.taken().waiting()
        assert "money" in reason
        assert store.left_behind() == NOTHING


class TestCustomers:
    def test_one_without_mail_is_known_by_the_shops_id(self, store):
        assert store.send(customer(store.kind, first_name="Mei")) == 200
        assert store.taken().customers() == [("Mei", None)]

    @pytest.mark.parametrize(
        ("said", "held"), [(EMOJI, EMOJI), (ARABIC, ARABIC), (HAN, HAN), ("M\x00ei", "Mei"), ("Mei\ud83c", "Mei")]
    )
    def test_names_in_any_script(self, store, said, held):
        assert store.send(customer(store.kind, first_name=said)) == 200
        assert store.taken().customers() == [(held, None)]

    @pytest.mark.parametrize("when", [FUTURE, PAST])
    def test_one_from_another_age_waits(self, store, when):
        name = "date_modified_gmt" if store.kind == "woocommerce" else "updated_at"
        assert store.send(customer(store.kind, first_name="Mei", **{name: when})) == 200
        (reason,) = store.taken().waiting()
        assert "cannot be right" in reason
        assert store.left_behind() == NOTHING

    def test_a_mail_that_is_none(self, store):
        assert store.send(customer(store.kind, email="not a mail")) == 200
        (reason,) = store.taken().waiting()
        assert "not an e-mail address" in reason
        assert store.left_behind() == NOTHING


CHANGED = {
    "lines under another name": ("line_items", "lineItems"), "an id under another name": ("id", "order_id"),
}  # fmt: skip


class TestOthers:
    def test_two_shops_with_the_same_number(self, house, store):
        other = Store(house, store.kind)
        for one, price in ((store, "1.00"), (other, "2.00")):
            assert one.send(order(one.kind, price=price)) == 200
            one.taken()
        assert [[line["unit_price"] for line in one.orders()[0]["lines"]] for one in (store, other)] == [
            ["1.00"],
            ["2.00"],
        ]
        assert store.orders()[0]["number"] == other.orders()[0]["number"]

    @pytest.mark.parametrize(("old", "new"), CHANGED.values(), ids=[name.replace(" ", "_") for name in CHANGED])
    def test_a_changed_schema_waits_and_says_what_is_missing(self, store, old, new):
        topic, body = order(store.kind)
        inner = body["data"] if store.kind == "generic" else body
        if store.kind == "generic":
            old = {"line_items": "lines", "id": "external_id"}[old]
            new = f"new_{old}"
        inner[new] = inner.pop(old)
        assert store.send((topic, body)) == 200
        (reason,) = store.taken().waiting()
        assert old in reason
        assert store.left_behind() == NOTHING

    @pytest.mark.parametrize("when", [FUTURE, PAST, "9999-12-31T23:59:59-14:00"])
    def test_a_refund_or_a_parcel_from_another_age_waits(self, house, when):
        shops = {kind: Store(house, kind) for kind in ("shopify", "generic")}
        refund, parcel = told.shopify_refund(71), told.shopify_parcel(71, hours=1)
        messages = {
            "shopify": [("refunds/create", refund | {"processed_at": when}), ("fulfillments/create", parcel | {"created_at": when})],
            "generic": [told.generic_part("refund.created", 71, external_id="r", amount="1.00", at=when),
                        told.generic_part("fulfilment.created", 71, external_id="p", shipped_at=when)],
        }  # fmt: skip
        for kind, shop in shops.items():
            assert [shop.send(message) for message in messages[kind]] == [200, 200]
            assert ["cannot be right" in reason for reason in shop.taken().waiting()] == [True, True]
            assert shop.left_behind() == NOTHING
