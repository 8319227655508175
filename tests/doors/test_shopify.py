"""A Shopify shop at the doors, over real HTTP where it is HTTP: installing, deliveries in every disorder, privacy law, leaving."""

from __future__ import annotations

import json
import random
import re
import threading
import urllib.parse
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.serving import make_server

from saas import config
from saas.catalog.models import Product, ProductVariant
from saas.commerce import fetching, order_effects, shops
from saas.commerce.connectors import shopify, shopify_documents
from saas.commerce.connectors.past import Origin
from saas.commerce.models import Cart, Order
from saas.customers import consent, identity
from saas.customers.models import Customer, Erasure, TimelineEntry
from saas.integrations import deliveries_in
from saas.integrations.models import DeliveryIn
from saas.kit import pages, work
from saas.kit.db import db
from saas.tenancy.models import Operation
from sandbox.shopify import server
from sandbox.shopify.server import CLIENT_ID, CLIENT_SECRET
from sandbox.shopify.things import Things
from tests.companies import found_company
from tests.letters import mailbox  # noqa: F401
from tests.shopify_box import box, connected, fetch, held, house_app  # noqa: F401


@pytest.fixture
def served(app, monkeypatch):
    """The application at an address of its own, which it gives to shops."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("PUBLIC_URL", address)
    config.get.cache_clear()
    yield address
    server.shutdown()
    thread.join()
    server.server_close()
    monkeypatch.undo()
    config.get.cache_clear()


@pytest.fixture
def shop(company, app, box, served):  # noqa: F811
    """A connected shop whose webhooks are set up and whose past, nothing yet, is here."""
    with app.app_context():
        shop_id = connected(company, box)
        assert fetch(company, shop_id)[0]["state"] == "done"
    return shop_id


def address_of(company, shop_id):
    with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
        return f"/hooks/shopify/{shops.one(shop_id, removed=True).hook_token}"


def post(company, path, box, topic, body, **more):  # noqa: F811
    """Deliver something without a subscription; `more` is what the box signs with."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return company.app.test_client().post(path, data=raw, headers=box.deliveries.headers(topic, raw, **more))


def look(company, query):
    with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
        return list(db.session.execute(query).all())


def failed(company, shop_id):
    with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
        return pages.page(deliveries_in.of_shop(shop_id, state="failed"), order=deliveries_in.NEWEST).items


ORDERS = select(
    Order.external_id, Order.status, Order.total_amount, Order.refunded_amount, Order.lines_micros, Order.customer_id
)


class TestDeliveries:
    def test_what_the_shop_tells_arrives(self, company, shop, box, drain):  # noqa: F811
        things = box.things
        tea, ann = (
            things.add_product("Green tea", stock=(5, 7)),
            things.add_customer("ann@shopper.example", wish="SUBSCRIBED"),
        )
        order = things.add_order(ann, [(tea, 2)], off=5.0)
        for topic, body in (
            ("products/create", things.product_told(tea)),
            ("customers/create", things.customer_told(ann)),
            ("orders/create", things.order_told(order)),
        ):
            assert box.deliveries.tell(topic, body) == [200]
        refund = things.refund(order, amount=10.0, quantity=1)
        parcel = things.send(order)
        assert box.deliveries.tell("refunds/create", things.refund_told(order, refund)) == [200]
        assert box.deliveries.tell("fulfillments/create", things.parcel_told(order, parcel)) == [200]
        assert box.deliveries.tell("orders/updated", things.order_told(order)) == [200]
        drain(company)
        assert failed(company, shop) == []
        found = look(company, ORDERS)
        assert [row[1:5] for row in found] == [("fulfilled", 2390, 1000, 20_000_000)]
        titles = [title for (title,) in look(company, select(TimelineEntry.title).order_by(TimelineEntry.at))]
        assert "Order 1001 was sent" in titles
        assert any("Refund of 10.00 EUR" in title for title in titles)
        (customer,) = look(company, select(Customer.email_consent, Customer.city, Customer.tags, Customer.country))
        assert customer == ("granted", "Bristol", ["wholesale"], "GB")

    @pytest.mark.parametrize("generation", ["X-Shopify-", "Shopify-", "x-shopify-", "SHOPIFY-"])
    def test_both_generations_of_headers_are_understood(self, company, shop, box, drain, generation):  # noqa: F811
        box.deliveries.generation = generation
        assert box.deliveries.tell("products/create", box.things.product_told(box.things.add_product("Tea"))) == [200]
        drain(company)
        assert company.api("GET", "/products").json["items"][0]["name"] == "Tea"

    def test_a_wrong_signature_is_refused_and_written_down(self, company, shop, box):  # noqa: F811
        body, path = box.things.product_told(box.things.add_product("Tea")), address_of(company, shop)
        assert post(company, path, box, "products/create", body, secret="another").status_code == 401
        client = company.app.test_client()
        assert client.post(path, json=body).status_code == 401
        assert client.post(path, json=body, headers={"X-Shopify-Hmac-Sha256": "é"}).status_code == 401
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            assert {one.topic for one in deliveries_in.refused_lately(shop)} == {"products/create", ""}

    def test_after_the_secret_was_changed_the_old_one_is_good_for_a_while(self, company, shop, box):  # noqa: F811
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            shops.change(shop, client_secret="shpss_new")
        path, body = address_of(company, shop), box.things.product_told(box.things.add_product("Tea"))
        assert post(company, path, box, "products/create", body).status_code == 200
        assert post(company, path, box, "products/update", body, secret="shpss_new").status_code == 200

    def test_what_comes_twice_is_taken_once_and_what_shares_an_event_is_not_lost(self, company, shop, box, drain):  # noqa: F811
        teas = [box.things.product_told(box.things.add_product(f"Tea {number}")) for number in range(3)]
        path = address_of(company, shop)
        said = [
            post(company, path, box, "products/update", tea, event="one", webhook="w").json["status"]
            for tea in (*teas, *teas)
        ]
        assert said == ["stored"] * 3 + ["known"] * 3
        drain(company)
        assert len(company.api("GET", "/products").json["items"]) == 3

    def test_what_was_not_answered_comes_again_with_the_same_ids(self, company, shop, box, drain):  # noqa: F811
        good = box.deliveries.subscriptions[7]["uri"]
        for one in box.deliveries.subscriptions:
            one["uri"] = good.replace("/hooks/", "/nowhere/")
        body = box.things.product_told(box.things.add_product("Tea"))
        assert box.deliveries.tell("products/create", body) == [404]
        for one in box.deliveries.subscriptions:
            one["uri"] = good
        assert box.deliveries.again() == [200]
        drain(company)
        assert len(company.api("GET", "/products").json["items"]) == 1

    def test_a_stock_that_moves_at_the_shelf_is_asked_for(self, company, app, shop, box, drain):  # noqa: F811
        tea = box.things.add_product("Green tea", stock=(0, 7))
        assert box.deliveries.tell("products/create", box.things.product_told(tea)) == [200]
        drain(company)
        stocks = select(ProductVariant.stock).order_by(ProductVariant.position)
        assert [stock for (stock,) in look(company, stocks)] == [0, 7]
        assert box.deliveries.tell("inventory_levels/update", box.things.recount(tea, 0, 12)) == [200]
        drain(company)
        with app.app_context():
            fetching.advance(company.tenant_id, shop)
        assert [stock for (stock,) in look(company, stocks)] == [12, 7]

    def test_rights_that_the_app_lacks_are_named_where_it_was_connected(self, company, app, shop, box, monkeypatch):  # noqa: F811
        page = company.page.get(f"/shops/{shop}/connect").get_data(as_text=True)
        assert "The app has no right for" not in page
        monkeypatch.setattr(server, "SCOPES", server.SCOPES.replace("read_inventory,", ""))
        before = len(box.deliveries.subscriptions)
        with app.app_context():
            fetch(company, shop)
        assert len(box.deliveries.subscriptions) == before, "what is there stays"
        page = company.page.get(f"/shops/{shop}/connect").get_data(as_text=True)
        assert "stock that moves by itself, so that people who wait hear later (read_inventory)" in page

    def test_a_shop_that_gave_up_on_us_is_subscribed_again(self, company, app, shop, box):  # noqa: F811
        wanted = next(one for one in box.deliveries.subscriptions if one["topic"] == "PRODUCTS_CREATE")
        good, wanted["uri"] = wanted["uri"], wanted["uri"].replace("/hooks/", "/nowhere/")
        for _try in range(8):
            box.deliveries.tell("products/create", {"id": 1})
        assert "PRODUCTS_CREATE" not in {one["topic"] for one in box.deliveries.subscriptions}
        with app.app_context():
            fetch(company, shop)
            assert held(company, shop)[2]["webhooks"]["made"] == 1
        assert {one["topic"] for one in box.deliveries.subscriptions if one["uri"] == good} == {
            *shopify_documents.TOPICS, *shopify_documents.OF_RETURNS, "INVENTORY_LEVELS_UPDATE",
        }  # fmt: skip

    @pytest.mark.parametrize(("body", "word"), [
        ({"id": 1, "title": "Tea", "variants": [{"id": 2, "price": "cheap"}]}, "not money"), ({"title": "Tea"}, "no id"),
        ({"id": 1, "title": "Tea", "variants": [{"price": "1.00"}]}, "The field id is missing"),
        ({"id": 1, "title": "Tea", "updated_at": "yesterday"}, "not a time"), ({"id": 1, "variants": "none"}, "understood"),
    ])  # fmt: skip
    def test_what_cannot_be_understood_waits_with_its_reason(self, company, shop, box, drain, body, word):  # noqa: F811
        assert post(company, address_of(company, shop), box, "products/update", body).status_code == 200
        drain(company)
        (one,) = failed(company, shop)
        assert word in one.reason

    @pytest.mark.parametrize(
        ("currency", "reason"), [("", "currency"), ("euro", "three letters"), (None, "currency"), ("XXQ", None)]
    )
    def test_an_unknown_currency(self, company, shop, box, drain, currency, reason):  # noqa: F811
        tea = box.things.add_product("Tea")
        body = box.things.order_told(box.things.add_order(None, [(tea, 1)], email="a@shopper.example")) | {
            "currency": currency
        }
        assert post(company, address_of(company, shop), box, "orders/create", body).status_code == 200
        drain(company)
        waiting = failed(company, shop)
        assert bool(waiting) is (reason is not None)
        assert all(reason in one.reason for one in waiting)

    def test_a_topic_nobody_here_needs_changes_nothing(self, company, shop, box, drain):  # noqa: F811
        assert post(company, address_of(company, shop), box, "themes/publish", {"id": 9}).status_code == 200
        drain(company)
        assert failed(company, shop) == []

    def test_a_change_of_mind_comes_by_itself_and_an_older_one_changes_nothing(self, company, shop, box, drain):  # noqa: F811
        ann = box.things.add_customer("ann@shopper.example", wish="SUBSCRIBED")
        box.deliveries.tell("customers/create", box.things.customer_told(ann))
        drain(company)
        path = address_of(company, shop)

        def mind(state, at):
            told = {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": at}
            body = {
                "customer_id": int(ann["id"].rpartition("/")[2]),
                "email_address": "ann@shopper.example",
                "email_marketing_consent": told,
            }
            assert post(company, path, box, "customers_email_marketing_consent/update", body).status_code == 200
            drain(company)
            return look(company, select(Customer.email_consent))[0][0]

        assert mind("unsubscribed", box.things.tick()) == "withdrawn"
        assert mind("subscribed", "2020-01-01T00:00:00Z") == "withdrawn"
        assert mind("subscribed", box.things.tick()) == "granted"

    def test_our_own_unsubscribing_is_not_undone_by_a_later_change_of_the_profile(self, company, shop, box, drain):  # noqa: F811
        ann = box.things.add_customer("ann@shopper.example", wish="SUBSCRIBED")
        box.deliveries.tell("customers/create", box.things.customer_told(ann))
        drain(company)
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            consent.withdraw(customer_id=db.session.scalar(select(Customer.id)), source="link")
        ann |= {"firstName": "Anna", "updatedAt": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}
        box.deliveries.tell("customers/update", box.things.customer_told(ann))
        drain(company)
        assert look(company, select(Customer.first_name, Customer.email_consent)) == [("Anna", "withdrawn")]

    def test_a_cart_its_checkout_and_its_order_find_each_other(self, company, shop, box, drain):  # noqa: F811
        box.things.now = datetime.now(UTC) - timedelta(hours=5)
        tea, ann = box.things.add_product("Green tea"), box.things.add_customer("ann@shopper.example")
        token = "c1-abcdef"
        box.deliveries.tell("carts/create", box.things.cart_told(f"{token}?key=s3cret", [(tea, 1)]))
        box.deliveries.tell(
            "checkouts/create", box.things.checkout_told(f"{token}?key=s3cret", [(tea, 3)], customer=ann)
        )
        drain(company)
        (cart,) = look(
            company, select(Cart.key, Cart.amount, Cart.closed_at, Cart.customer_id, Cart.url, Cart.checkout_at)
        )
        assert (cart.key, cart.amount, cart.closed_at) == (token, 3750, None)
        assert cart.customer_id is not None
        assert cart.checkout_at is not None
        assert cart.url.startswith("https://www.fern-kettle.example/checkouts/")
        order = box.things.add_order(ann, [(tea, 3)], cart=f"{token}?key=other")
        box.deliveries.tell("orders/create", box.things.order_told(order))
        drain(company)
        (cart,) = look(company, select(Cart.closed_at, Cart.order_id))
        assert cart.order_id is not None
        assert cart.closed_at is not None

    def test_an_orders_visitor_is_proven(self, company, shop, box, drain):  # noqa: F811
        tea, ann = box.things.add_product("Green tea"), box.things.add_customer("ann@shopper.example")
        order = box.things.add_order(ann, [(tea, 1)], attributes={"_regulars_visitor": "v" * 32})
        box.deliveries.tell("orders/create", box.things.order_told(order))
        drain(company)
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            assert identity.visitor("v" * 32) == (db.session.scalar(select(Customer.id)), True)

    def test_a_test_order_stays_out_and_a_deleted_one_is_cancelled(self, company, shop, box, drain):  # noqa: F811
        tea = box.things.add_product("Green tea")
        box.deliveries.tell("orders/create", box.things.order_told(box.things.add_order(None, [(tea, 1)], test=True)))
        order = box.things.add_order(None, [(tea, 1)], email="g@shopper.example")
        box.deliveries.tell("orders/create", box.things.order_told(order))
        box.deliveries.tell("orders/delete", {"id": int(order["id"].rpartition("/")[2])})
        drain(company)
        assert [row[1] for row in look(company, ORDERS)] == ["cancelled"]

    def test_one_shops_deliveries_never_reach_another_company(self, company, other_company, app, shop, box):  # noqa: F811
        with app.app_context():
            theirs = connected(other_company, box, client_id="x", client_secret="their own secret")
        body = box.things.product_told(box.things.add_product("Tea"))
        assert post(company, address_of(other_company, theirs), box, "products/create", body).status_code == 401


class TestAnyOrder:
    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(seed=st.integers(0, 10**6))
    def test_doubled_shuffled_and_late_the_end_is_the_same(self, app, seed):
        chance = random.Random(seed)
        told = list(life_of_a_shop(Things(), chance))
        mixed = told + chance.sample(told, len(told) // 3)
        chance.shuffle(mixed)
        assert end_of(app, told) == end_of(app, mixed)


def end_of(app, deliveries):
    """Have a new company take deliveries in this order, and return what it knows in the end."""
    company = found_company(app)
    with app.app_context():
        with work.unit(tenant_id=company.tenant_id):
            shop_id = shops.connect(kind="shopify", name="Fern", url="fern", client_id="c", client_secret="s")[0].id
        for topic, body in deliveries:
            with work.unit(tenant_id=company.tenant_id):
                shopify.take(
                    json.loads(json.dumps(body)), topic=topic, origin=Origin(shop_id, "EUR", "https://fern.example")
                )
        with work.unit(tenant_id=company.tenant_id):
            orders = list(db.session.execute(select(Order.id, Order.customer_id)))
            order_effects.apply(
                order_ids=[str(one) for one, _who in orders], customer_ids=[str(who) for _one, who in orders]
            )
    return end_state(company)


def life_of_a_shop(things, chance):
    """Yield deliveries of a little shop in the order in which they happen."""
    teas = [things.add_product(f"Tea {number}") for number in range(3)]
    people = [things.add_customer(f"p{number}@shopper.example") for number in range(3)]
    placed = []
    for turn in range(8):
        order = things.add_order(
            chance.choice(people), [(chance.choice(teas), chance.randint(1, 3))], off=chance.choice((0.0, 1.5))
        )
        placed.append(order)
        yield "orders/create", things.order_told(order)
        before = chance.choice(placed)
        if before["cancelledAt"] is None and not before["refunds"]:
            what = chance.randint(0, 2)
            if what == 0:
                refund = things.refund(before, amount=2.0)
                yield "refunds/create", things.refund_told(before, refund)
            elif what == 1:
                yield "fulfillments/create", things.parcel_told(before, things.send(before))
            else:
                things.cancel(before)
            yield "orders/updated", things.order_told(before)
        tea = chance.choice(teas)
        tea |= {"title": f"Tea of turn {turn}", "updatedAt": things.tick()}
        yield "products/update", things.product_told(tea)
        one = chance.choice(people)
        one |= {"firstName": f"Name {turn}", "updatedAt": things.tick()}
        yield "customers/update", things.customer_told(one)


def end_state(company):
    found = [sorted((row[0], *row[1:5]) for row in look(company, ORDERS))]
    found.append(sorted(look(company, select(Customer.email, Customer.first_name))))
    found.append(sorted(look(company, select(Product.external_id, Product.name))))
    found.append(
        sorted(
            look(
                company,
                select(TimelineEntry.kind, TimelineEntry.at, TimelineEntry.title).where(
                    TimelineEntry.kind.in_(("order", "refund"))
                ),
            )
        )
    )
    return found


@pytest.mark.usefixtures("mailbox")
class TestPrivacy:
    def person(self, company, box, drain, email="ann@shopper.example"):  # noqa: F811
        tea, ann = box.things.add_product("Green tea"), box.things.add_customer(email)
        order = box.things.add_order(ann, [(tea, 1)])
        box.deliveries.tell("customers/create", box.things.customer_told(ann))
        box.deliveries.tell("orders/create", box.things.order_told(order))
        drain(company)
        return {"id": int(ann["id"].rpartition("/")[2]), "email": email, "phone": None}, int(
            order["id"].rpartition("/")[2]
        )

    def test_a_request_for_data_makes_the_file_and_tells_the_owner(self, company, shop, box, drain, mailbox):  # noqa: F811
        who, order = self.person(company, box, drain)
        body = {
            "shop_id": 1,
            "shop_domain": box.domain,
            "customer": who,
            "orders_requested": [order],
            "data_request": {"id": 1},
        }
        assert post(company, address_of(company, shop), box, "customers/data_request", body).status_code == 200
        drain(company)
        (made,) = look(
            company,
            select(Operation.kind, Operation.state, Operation.report).where(
                Operation.kind == "customers.export_person"
            ),
        )
        assert made.state == "done"
        assert made.report["files"][0]["label"].endswith(".zip")
        (letter,) = mailbox.to(company.email)
        assert "wants to see their data" in letter["Subject"]
        assert "ann@shopper" not in letter.as_string()

    def test_whoever_wants_to_be_forgotten_is_erased_everywhere(self, company, shop, box, drain):  # noqa: F811
        who, order = self.person(company, box, drain)
        body = {"shop_id": 1, "shop_domain": box.domain, "customer": who, "orders_to_redact": [order]}
        assert post(company, address_of(company, shop), box, "customers/redact", body).status_code == 200
        drain(company)
        assert look(company, select(Customer.id)) == []
        assert len(look(company, select(Erasure.id))) == 1
        assert [row[5] for row in look(company, ORDERS)] == [None]
        assert not any(b"ann@shopper" in bytes(body) for (body,) in look(company, select(DeliveryIn.body)))

    def test_a_guest_is_found_by_the_order(self, company, shop, box, drain):  # noqa: F811
        tea = box.things.add_product("Green tea")
        order = box.things.add_order(None, [(tea, 1)], email="guest@shopper.example")
        box.deliveries.tell("orders/create", box.things.order_told(order))
        drain(company)
        body = {
            "shop_domain": box.domain,
            "customer": {"id": 77, "email": None},
            "orders_to_redact": [int(order["id"].rpartition("/")[2])],
        }
        post(company, address_of(company, shop), box, "customers/redact", body)
        drain(company)
        assert look(company, select(Customer.id)) == []

    def test_somebody_unknown_is_told_of_and_nobody_else_is_touched(self, company, shop, box, drain):  # noqa: F811
        self.person(company, box, drain)
        body = {
            "shop_domain": box.domain,
            "customer": {"id": 77, "email": "nobody@shopper.example"},
            "orders_to_redact": [],
        }
        post(company, address_of(company, shop), box, "customers/redact", body)
        drain(company)
        assert len(look(company, select(Customer.id))) == 1
        assert failed(company, shop) == []

    def test_a_connected_shop_is_never_erased(self, company, shop, box, drain):  # noqa: F811
        self.person(company, box, drain)
        post(company, address_of(company, shop), box, "shop/redact", {"shop_id": 1, "shop_domain": box.domain})
        drain(company)
        assert "nothing of it was erased" in failed(company, shop)[0].reason
        assert len(look(company, select(Customer.id))) == 1

    def test_a_shop_that_left_is_forgotten_and_who_is_also_known_elsewhere_stays(self, company, shop, box, drain):  # noqa: F811
        self.person(company, box, drain)
        self.person(company, box, drain, email="both@shopper.example")
        company.api("POST", "/orders", json={"external_id": "own-1", "placed_at": "2026-05-01T10:00:00Z", "currency": "EUR",
                                             "customer": {"email": "both@shopper.example"}, "lines": [{"quantity": 1, "unit_price": "5"}]})  # fmt: skip
        drain(company)
        path = address_of(company, shop)
        assert post(company, path, box, "app/uninstalled", {"id": 1, "domain": box.domain}).status_code == 200
        drain(company)
        assert post(company, path, box, "shop/redact", {"shop_id": 1, "shop_domain": box.domain}).status_code == 200
        drain(company)
        assert look(company, select(Customer.email)) == [("both@shopper.example",)]
        orders = {row[0]: row[5] for row in look(company, ORDERS)}
        assert [customer is None for key, customer in orders.items() if key != "own-1"] == [True, True]
        assert orders["own-1"] is not None
        assert look(company, select(DeliveryIn.id)) == []
        assert company.page.get(f"/shops/{shop}").status_code == 404

    def test_the_houses_app_has_one_address_for_all_shops(self, company, shop, box, drain, house_app):  # noqa: F811
        who, order = self.person(company, box, drain)
        body = {"shop_id": 1, "shop_domain": box.domain, "customer": who, "orders_to_redact": [order]}
        assert post(company, "/hooks/shopify", box, "customers/redact", body, secret="wrong").status_code == 401
        assert post(company, "/hooks/shopify", box, "customers/redact", b"[]").status_code == 400
        assert post(company, "/hooks/shopify", box, "customers/redact", b"{").status_code == 400
        elsewhere = post(company, "/hooks/shopify", box, "customers/redact", body | {"shop_domain": "x.myshopify.com"})
        assert (elsewhere.status_code, elsewhere.json["status"]) == (200, "nobody's")
        assert post(company, "/hooks/shopify", box, "customers/redact", body).json["status"] == "stored"
        drain(company)
        assert look(company, select(Customer.id)) == []

    def test_without_an_app_of_the_house_its_address_refuses(self, company, box):  # noqa: F811
        assert (
            post(company, "/hooks/shopify", box, "shop/redact", {"shop_domain": box.domain}, secret="").status_code
            == 401
        )

    def test_a_shop_that_was_disconnected_here_can_still_ask_to_be_forgotten(
        self, company, app, shop, box, drain, house_app
    ):  # noqa: F811
        self.person(company, box, drain)
        assert company.post(f"/shops/{shop}/remove").status_code == 303
        assert (
            post(company, "/hooks/shopify", box, "shop/redact", {"shop_domain": box.domain}).json["status"] == "stored"
        )
        drain(company)
        assert look(company, select(Customer.id)) == []


class TestLeaving:
    def test_an_uninstalled_app_is_told_of_and_connecting_again_goes_on(
        self, company, app, shop, box, drain, house_app
    ):  # noqa: F811
        box.deliveries.tell("app/uninstalled", {"id": 1, "myshopify_domain": box.domain})
        drain(company)
        page = company.page.get(f"/shops/{shop}")
        assert b"uninstalled" in page.data
        assert b"shops/new?kind=shopify" in page.data
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            assert not shops.readable(shops.one(shop))
            assert "token" not in shops.access(shops.one(shop))
        assert install(company, box).location.endswith(f"/shops/{shop}")
        with app.app_context():
            assert fetch(company, shop)[0]["state"] == "done"


def install(company, box, *, change=None, browser=None):  # noqa: F811
    """Walk from the page here through the page there and back, as a browser does; `change` alters what comes back."""
    page = company.post("/shops/shopify", {"url": box.url})
    assert page.status_code == 200, page.data
    there = re.search(rb'content="0;url=([^"]+)"', page.data).group(1).decode().replace("&amp;", "&")
    parts = urllib.parse.urlsplit(there)
    assert f"{parts.scheme}://{parts.netloc}" == box.url
    asked = dict(urllib.parse.parse_qsl(parts.query))
    assert set(asked["scope"].split(",")) == set(shopify_documents.SCOPES)
    back = urllib.parse.urlsplit(box.agree(asked))
    given = dict(urllib.parse.parse_qsl(back.query))
    if change:
        given = change(given)
    return (browser or company.page).get(back.path, query_string=given)


class TestInstalling:
    def test_a_shop_is_installed_by_consent_and_its_past_arrives(self, company, app, box, house_app):  # noqa: F811
        box.things.add_product("Green tea")
        assert b"Install our app" in company.page.get("/shops/new?kind=shopify").data
        answer = install(company, box)
        assert answer.status_code == 303
        shop_id = answer.location.rpartition("/")[2]
        with app.app_context():
            assert fetch(company, shop_id)[0]["state"] == "done"
            with work.unit(tenant_id=company.tenant_id):
                keys = shops.access(shops.one(shop_id))
        assert (keys["way"], keys["refresh_token"][:6]) == ("app", "shprt_")
        assert company.api("GET", "/products").json["items"][0]["name"] == "Green tea"
        assert b"privacy law" in company.page.get(answer.location).data

    @pytest.mark.parametrize("change", [
        lambda given: given | {"hmac": "0" * 64}, lambda given: given | {"shop": "other.myshopify.com"}, lambda given: given | {"state": "x"},
        lambda given: {name: value for name, value in given.items() if name != "hmac"}, lambda given: given | {"code": "another"},
        lambda given: given | {"more": "1"}, lambda given: {name: value for name, value in given.items() if name != "state"},
    ])  # fmt: skip
    def test_what_was_tampered_with_connects_nothing(self, company, box, house_app, change):  # noqa: F811
        assert install(company, box, change=change).status_code in (403, 410)
        assert company.api("GET", "/shops").json["items"] == []

    def test_an_old_signature_and_another_shops_signature_are_refused(self, company, box, house_app):  # noqa: F811
        def older(given):
            given = {name: value for name, value in given.items() if name != "hmac"} | {"timestamp": "1700000000"}
            return box.signed(given)

        def others(given):
            given = {name: value for name, value in given.items() if name != "hmac"} | {"shop": "other.myshopify.com"}
            return box.signed(given)

        assert install(company, box, change=older).status_code == 403
        assert install(company, box, change=others).status_code == 410

    def test_the_same_permission_is_taken_once(self, company, box, house_app):  # noqa: F811
        seen = {}

        def keep(given):
            seen.update(given)
            return given

        assert install(company, box, change=keep).status_code == 303
        assert company.page.get("/shops/shopify/return", query_string=seen).status_code == 410

    def test_a_code_that_shopify_does_not_take_is_told_of(self, company, box, house_app):  # noqa: F811
        def forged(given):
            return box.signed(
                {name: value for name, value in given.items() if name != "hmac"} | {"code": "never given"}
            )

        answer = install(company, box, change=forged)
        assert answer.status_code == 422
        assert b"does not accept these keys" in answer.data

    def test_a_link_in_another_browser_connects_nothing(self, company, other_company, box, house_app):  # noqa: F811
        assert install(company, box, browser=other_company.page).status_code == 410
        assert other_company.api("GET", "/shops").json["items"] == []

    def test_who_comes_from_shopify_is_led_to_connecting_that_shop(self, company, box, house_app):  # noqa: F811
        import time

        told = box.signed({"shop": "fern-kettle.myshopify.com", "timestamp": str(int(time.time())), "host": "aGVsbG8"})
        answer = company.page.get("/shopify", query_string=told)
        assert answer.location.endswith("/shops/new?kind=shopify&shop=fern-kettle.myshopify.com")
        assert b"fern-kettle.myshopify.com" in company.page.get(answer.location).data
        unsigned = company.page.get("/shopify", query_string={"shop": "fern-kettle.myshopify.com"})
        assert unsigned.location.endswith("/shops/new?kind=shopify")

    def test_the_way_back_opened_by_hand_leads_to_connecting(self, company):
        assert company.page.get("/shops/shopify/return").location.endswith("/shops/new?kind=shopify")

    def test_without_an_app_of_the_house_only_an_own_one_is_offered(self, company, box):  # noqa: F811
        assert b"Install our app" not in company.page.get("/shops/new?kind=shopify").data
        assert company.post("/shops/shopify", {"url": box.url}).status_code == 422


class TestOwnApp:
    @pytest.mark.parametrize(("given", "domain"), [
        ("Fern-Kettle", "fern-kettle.myshopify.com"), ("https://fern-kettle.myshopify.com/admin", "fern-kettle.myshopify.com"),
        ("https://admin.shopify.com/store/fern-kettle/settings", "fern-kettle.myshopify.com"),
    ])  # fmt: skip
    def test_the_address_may_be_written_in_many_ways(self, company, given, domain):
        form = {"kind": "shopify", "name": "Fern", "url": given, "client_id": "c", "client_secret": "s"}
        made = company.post("/shops/new", form)
        assert made.status_code == 303
        assert domain.encode() in company.page.get(made.location).data

    @pytest.mark.parametrize(("form", "word"), [
        ({"url": "https://shop.example.com", "client_id": "c", "client_secret": "s"}, b"ends in .myshopify.com"),
        ({"url": "fern.myshopify.com.evil.example", "client_id": "c", "client_secret": "s"}, b"ends in .myshopify.com"),
        ({"url": "fern", "client_id": "c"}, b"client secret"), ({"url": "fern", "client_secret": "s"}, b"client ID"),
    ])  # fmt: skip
    def test_what_is_missing_is_said(self, company, form, word):
        answer = company.post("/shops/new", {"kind": "shopify", "name": "Fern", **form})
        assert answer.status_code == 422
        assert word in answer.data

    def test_an_older_apps_token_is_taken(self, company, app, box):  # noqa: F811
        box.things.add_product("Green tea")
        form = {
            "kind": "shopify",
            "name": "Fern",
            "url": box.url,
            "client_secret": CLIENT_SECRET,
            "access_token": "shpat_lasting",
        }
        made = company.post("/shops/new", form)
        with app.app_context():
            assert fetch(company, made.location.split("/")[2])[0]["state"] == "done"
        page = company.page.get(made.location).text
        assert "Shopify tells us of orders" in page

    def test_programs_connect_one_too(self, company, app, box):  # noqa: F811
        body = {
            "kind": "shopify",
            "name": "Fern",
            "url": box.url,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        made = company.api("POST", "/shops", json=body)
        assert made.status_code == 201
        assert "/hooks/shopify/" in made.json["webhook_url"]
        assert CLIENT_SECRET not in made.text
        with app.app_context():
            assert fetch(company, made.json["id"])[0]["state"] == "done"

    def test_on_a_production_machine_no_loopback_address_is_taken(self, company, box, monkeypatch):  # noqa: F811
        strict = replace(config.get(), outgoing_private_hosts=False)
        monkeypatch.setattr(config, "get", lambda: strict)
        with pytest.raises(shops.BadShop):
            shops.shopify_domain(box.url)
