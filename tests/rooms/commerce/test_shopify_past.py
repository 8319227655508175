"""A Shopify shop's past over real HTTP: bulk operations, windows of their files, keys that end, and every way it refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from saas.catalog.models import Product
from saas.commerce import backfill, shops
from saas.commerce.connectors import shopify_documents, shopify_past
from saas.commerce.connectors.past import StoreBusy, StoreRefused
from saas.commerce.connectors.shopify_graphql import Api
from saas.commerce.connectors.shopify_past import Shopify, grouped
from saas.commerce.models import Order, OrderLine
from saas.customers.models import Customer
from saas.kit import clock, work
from saas.kit.db import db
from tests.shopify_box import box, connected, fetch, forget_pause, held, house_app  # noqa: F401


def stock_up(box, *, orders=40, old=5):  # noqa: F811
    """Fill the box: two products, three people, orders of the last weeks, and some from years ago."""
    now = datetime.now(UTC)
    box.things.now = now - timedelta(days=20)
    teas = [
        box.things.add_product("Green tea", stock=(5, 7)),
        box.things.add_product("Gaiwan", price=39.0, stock=(None,)),
    ]
    people = [
        box.things.add_customer(f"p{n}-{box.domain[-5:]}@shopper.example", wish=wish)
        for n, wish in enumerate(("SUBSCRIBED", "UNSUBSCRIBED", "PENDING"))
    ]
    for number in range(orders):
        box.things.add_order(people[number % 3], [(teas[number % 2], 2), (teas[0], 1)], off=1.0)
    for number in range(old):
        at = (now - timedelta(days=900 + number)).strftime("%Y-%m-%dT%H:%M:%SZ")
        box.things.add_order(people[0], [(teas[0], 1)], at=at)
    return teas, people


def counts(company):
    with work.unit(tenant_id=company.tenant_id):
        return tuple(
            db.session.scalar(select(func.count()).select_from(model))
            for model in (Product, Customer, Order, OrderLine)
        )


class TestThePast:
    def test_everything_arrives_and_every_topic_is_subscribed(self, company, context, box):  # noqa: F811
        stock_up(box)
        shop_id = connected(company, box)
        state, trouble = fetch(company, shop_id)
        assert (state["state"], trouble) == ("done", "")
        assert counts(company) == (2, 3, 45, 40 * 2 + 5)
        assert {kind: row["failed"] for kind, row in state["done"].items()} == {
            "products": 0,
            "recent_orders": 0,
            "customers": 0,
            "orders": 0,
        }
        assert {one["topic"] for one in box.deliveries.subscriptions} == {
            *shopify_documents.TOPICS,
            *shopify_documents.OF_RETURNS,
            "INVENTORY_LEVELS_UPDATE",
        }
        with work.unit(tenant_id=company.tenant_id):
            shop = shops.one(shop_id)
            assert (shop.url, shop.currency, shop.last_delivery_at) == ("https://www.fern-kettle.example", "EUR", None)
            green = db.session.scalars(select(Product).where(Product.name == "Green tea")).one()
            assert (green.price_micros, green.stock, green.active, green.categories) == (12_500_000, 12, True, ["Tea"])
            assert green.url == "https://www.fern-kettle.example/products/green-tea"
            states = dict(
                db.session.execute(select(Customer.email_consent, func.count()).group_by(Customer.email_consent)).all()
            )
            assert states == {"granted": 1, "withdrawn": 1, "unknown": 1}

    def test_the_newest_orders_come_before_the_customers_and_the_old_ones_last(self, company, context, box):  # noqa: F811
        stock_up(box)
        shop_id = connected(company, box)
        state, _trouble = fetch(company, shop_id)
        roots = [query.split("{", 1)[1].split()[0].split("(")[0] for query in box.bulk.queries]
        assert roots == ["products", "orders", "customers", "orders"]
        assert "created_at:>=" in box.bulk.queries[1]
        assert "created_at:<" in box.bulk.queries[3]
        assert {kind: row["fetched"] for kind, row in state["done"].items()} == {
            "products": 2,
            "recent_orders": 40,
            "customers": 3,
            "orders": 5,
        }

    def test_a_file_is_read_in_windows_and_every_thing_keeps_its_children(self, company, context, box, monkeypatch):  # noqa: F811
        monkeypatch.setattr(shopify_past.Shopify.__init__, "__kwdefaults__", {"window": 4096})
        stock_up(box)
        shop_id = connected(company, box)
        state, _trouble = fetch(company, shop_id)
        assert state["state"] == "done"
        assert counts(company) == (2, 3, 45, 85)
        assert len(box.ranges) > 20
        assert max(length for _first, length in box.ranges) <= 4096 * 4

    def test_a_worker_that_dies_goes_on_at_the_window_it_was_in(self, company, context, box, monkeypatch):  # noqa: F811
        monkeypatch.setattr(shopify_past.Shopify.__init__, "__kwdefaults__", {"window": 4096})
        stock_up(box)
        shop_id = connected(company, box)
        while not held(company, shop_id)[0].get("place", {}).get("offset"):
            backfill.advance(company.tenant_id, shop_id, budget=0.001)
            forget_pause(company, shop_id)
        seen = len(box.bulk.queries)
        offset = held(company, shop_id)[0]["place"]["offset"]
        box.ranges.clear()
        state, _trouble = fetch(company, shop_id)
        assert state["state"] == "done"
        assert box.ranges[0][0] == offset
        assert len(box.bulk.queries) < seen + 4
        assert counts(company) == (2, 3, 45, 85)

    def test_a_host_that_ignores_ranges_is_read_all_the_same(self, company, context, box):  # noqa: F811
        box.ranged = False
        stock_up(box)
        shop_id = connected(company, box)
        assert fetch(company, shop_id)[0]["state"] == "done"
        assert counts(company) == (2, 3, 45, 85)

    def test_the_nightly_comparison_asks_for_what_changed_and_repairs_it(self, company, context, box):  # noqa: F811
        teas, people = stock_up(box)
        shop_id = connected(company, box)
        fetch(company, shop_id)
        box.things.now = datetime.now(UTC) + timedelta(minutes=1)
        box.things.add_order(people[1], [(teas[1], 1)])
        box.deliveries.subscriptions.pop()
        box.bulk.queries.clear()
        state, _trouble = fetch(company, shop_id)
        assert all("updated_at" in query for query in box.bulk.queries)
        _state, _trouble, compared = held(company, shop_id)
        assert compared["repaired"]["orders"] == 1
        assert compared["webhooks"] == {"made": 1, "woken": 0}
        assert counts(company)[2] == 46
        assert state["state"] == "done"

    def test_test_orders_stay_out_and_guests_come_in(self, company, context, box):  # noqa: F811
        teas, people = stock_up(box, orders=0, old=0)
        box.things.add_order(people[0], [(teas[0], 1)], test=True)
        box.things.add_order(None, [(teas[0], 1)], email="guest@shopper.example")
        shop_id = connected(company, box)
        fetch(company, shop_id)
        assert counts(company)[1:3] == (4, 1)


class TestRefusals:
    @pytest.mark.parametrize("fault", [500, 502, 503])
    def test_a_failing_shop_is_told_of_and_asked_again_by_itself(self, company, context, box, fault):  # noqa: F811
        stock_up(box, orders=3, old=0)
        shop_id = connected(company, box)
        box.faults.append(fault)
        assert backfill.advance(company.tenant_id, shop_id) is True
        assert str(fault) in held(company, shop_id)[1]
        forget_pause(company, shop_id)
        state, trouble = fetch(company, shop_id)
        assert (state["state"], trouble) == ("done", "")

    def test_too_many_questions_are_no_trouble_but_a_pause(self, company, context, box):  # noqa: F811
        stock_up(box, orders=3, old=0)
        shop_id = connected(company, box)
        box.faults.append(429)
        assert backfill.advance(company.tenant_id, shop_id) is True
        state, trouble, _compared = held(company, shop_id)
        assert trouble == ""
        pause = datetime.fromisoformat(state["leased_until"]) - clock.now()
        assert timedelta(0) < pause < timedelta(seconds=5)
        assert backfill.advance(company.tenant_id, shop_id) is False
        forget_pause(company, shop_id)
        assert fetch(company, shop_id)[0]["state"] == "done"

    def test_a_shop_that_does_not_answer_is_asked_again(self, company, context, box):  # noqa: F811
        stock_up(box, orders=3, old=0)
        shop_id = connected(company, box, client_secret="shpss_box_client_secret", access_token="shpat_lasting")
        box.server.socket.close()
        assert backfill.advance(company.tenant_id, shop_id) is True
        assert "does not answer" in held(company, shop_id)[1]

    def test_a_changed_schema_is_named(self, company, context, box):  # noqa: F811
        shop_id = connected(company, box)
        box.faults.append(
            {
                "errors": [
                    {
                        "message": "Field 'productsCount' doesn't exist on type 'QueryRoot'",
                        "extensions": {"code": "undefinedField"},
                    }
                ]
            }
        )
        assert backfill.advance(company.tenant_id, shop_id) is False
        assert "productsCount" in held(company, shop_id)[1]

    def test_a_missing_right_is_named(self, company, context, box):  # noqa: F811
        shop_id = connected(company, box)
        box.faults.append(
            {
                "errors": [
                    {
                        "message": "Access denied for orders field. Required access: `read_orders`",
                        "extensions": {"code": "ACCESS_DENIED"},
                    }
                ]
            }
        )
        backfill.advance(company.tenant_id, shop_id)
        assert "read_orders" in held(company, shop_id)[1]

    def test_wrong_keys_are_told_of(self, company, context, box):  # noqa: F811
        shop_id = connected(company, box, client_id="box-client-id", client_secret="wrong")
        backfill.advance(company.tenant_id, shop_id)
        assert "does not accept these keys" in held(company, shop_id)[1]

    def test_an_operation_that_fails_is_begun_again_and_three_times_at_most(self, company, context, box):  # noqa: F811
        stock_up(box, orders=3, old=0)
        shop_id = connected(company, box)
        box.bulk.fail = 1
        assert fetch(company, shop_id)[0]["state"] == "done"
        with work.unit(tenant_id=company.tenant_id):
            backfill.ask(shop_id)
        box.bulk.fail = 100
        _state, trouble = fetch(company, shop_id)
        assert "TIMEOUT" in trouble

    def test_a_file_that_has_gone_is_looked_for_again(self, company, context, box):  # noqa: F811
        stock_up(box, orders=3, old=0)
        shop_id = connected(company, box)
        while not held(company, shop_id)[0].get("place", {}).get("operation"):
            backfill.advance(company.tenant_id, shop_id, budget=0.001)
            forget_pause(company, shop_id)
        past = Shopify({"domain": box.domain, "token": "shpat_lasting", "way": "token"})
        place = {
            "operation": "gid://shopify/BulkOperation/1",
            "url": f"{box.url}/files/gone.jsonl",
            "offset": 0,
            "size": 10,
        }
        found = past.portion("products", place, since=None)
        assert (found.bodies, found.place["operation"], "url" in found.place) == ([], place["operation"], False)
        assert fetch(company, shop_id)[0]["state"] == "done"

    def test_a_thing_that_cannot_be_understood_is_counted_and_keeps_no_other_out(self, company, context, box):  # noqa: F811
        teas, people = stock_up(box, orders=3, old=0)
        list(box.things.orders.values())[1]["totalPriceSet"]["shopMoney"]["amount"] = "a lot"
        list(box.things.orders.values())[1]["currentTotalPriceSet"]["shopMoney"]["amount"] = "a lot"
        shop_id = connected(company, box)
        state, trouble = fetch(company, shop_id)
        assert (trouble, state["done"]["recent_orders"]["failed"]) == ("", 1)
        assert counts(company)[2] == 2


class TestKeys:
    def test_an_own_apps_token_is_asked_for_and_kept(self, company, context, box):  # noqa: F811
        shop_id = connected(company, box)
        fetch(company, shop_id)
        with work.unit(tenant_id=company.tenant_id):
            keys = shops.access(shops.one(shop_id))
        assert keys["token"] in box.tokens
        assert datetime.fromisoformat(keys["ends_at"]) > clock.now() + timedelta(hours=23)
        before = dict(box.tokens)
        fetch(company, shop_id)
        assert box.tokens == before

    def test_a_token_that_is_about_to_end_is_renewed_with_its_refresh_token(self, company, context, box, house_app):  # noqa: F811
        made = box._token(3600, refresh=True)
        ends = (clock.now() + timedelta(minutes=2)).isoformat()
        keys = {
            "domain": box.domain,
            "way": "app",
            "token": made["access_token"],
            "refresh_token": made["refresh_token"],
            "ends_at": ends,
        }
        with work.unit(tenant_id=company.tenant_id):
            shop_id = shops.connect(kind="shopify", name="Fern", url=box.url, held=keys)[0].id
        assert fetch(company, shop_id)[0]["state"] == "done"
        with work.unit(tenant_id=company.tenant_id):
            after = shops.access(shops.one(shop_id))
        assert after["token"] != keys["token"]
        assert after["refresh_token"] != keys["refresh_token"]

    def test_a_permission_that_ended_is_told_of(self, company, context, box, house_app):  # noqa: F811
        keys = {
            "domain": box.domain,
            "way": "app",
            "token": "shpat_x",
            "refresh_token": "shprt_never",
            "ends_at": clock.now().isoformat(),
        }
        with work.unit(tenant_id=company.tenant_id):
            shop_id = shops.connect(kind="shopify", name="Fern", url=box.url, held=keys)[0].id
        backfill.advance(company.tenant_id, shop_id)
        assert "does not accept these keys" in held(company, shop_id)[1]


class TestAsking:
    def test_the_bucket_is_waited_for_and_an_empty_one_handed_on(self, box):  # noqa: F811
        waits: list[float] = []

        def wait(seconds):
            waits.append(seconds)
            box.bucket.held += seconds * box.bucket.rate

        api = Api(box.domain, "shpat_lasting", wait=wait)
        box.bucket.size, box.bucket.rate, box.bucket.held = 20.0, 4.0, 6.0
        for _turn in range(3):
            assert api.ask(shopify_documents.SHOP)["shop"]["name"] == "Fern & Kettle"
        assert waits
        assert sum(waits) < 10
        box.bucket.held, box.bucket.rate = 0.0, 0.2
        with pytest.raises(StoreBusy) as busy:
            api.ask(shopify_documents.SHOP)
        assert busy.value.quiet
        assert busy.value.seconds > 5

    def test_what_is_no_json_is_named(self, box, monkeypatch):  # noqa: F811
        from saas.commerce.connectors import shopify_graphql
        from saas.kit.http_out import Answer

        monkeypatch.setattr(shopify_graphql.http_out, "call", lambda *_a, **_k: Answer(200, {}, b"<html>"))
        with pytest.raises(StoreRefused, match=r"myshopify\.com"):
            Api(box.domain, "t").ask(shopify_documents.SHOP)


class TestGrouped:
    def test_the_last_thing_waits_for_its_children(self):
        lines = [{"id": "a"}, {"id": "a1", "__parentId": "a"}, {"id": "b"}, {"id": "b1", "__parentId": "b"}]
        raw = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        bodies, used = grouped(raw + b'{"id":"b2","__par', last=False)
        assert [(one["id"], [child["id"] for child in one["__children"]]) for one in bodies] == [("a", ["a1"])]
        rest, whole = grouped(raw[used:], last=True)
        assert [(one["id"], len(one["__children"])) for one in rest] == [("b", 1)]
        assert used + whole == len(raw)

    def test_lines_that_belong_nowhere_are_counted(self):
        raw = b'{"id":"x1","__parentId":"x"}\nnot json\n[1]\n\n{"id":"a"}'
        bodies, _used = grouped(raw, last=True)
        assert [one.get("id", "stray") for one in bodies] == ["stray", "stray", "stray", "a"]


class TestWhatIsGone:
    def test_orders_and_products_that_shopify_has_no_more_are_found_and_done_away_with(self, company, context, box):  # noqa: F811
        teas, _people = stock_up(box, orders=4, old=0)
        shop_id = connected(company, box)
        fetch(company, shop_id)
        gone = next(iter(box.things.orders))
        box.things.orders.pop(gone)
        box.things.products = {key: one for key, one in box.things.products.items() if one is not teas[1]}
        with work.unit(tenant_id=company.tenant_id):
            backfill.compare(shop_id)
        state, trouble = fetch(company, shop_id)
        assert (state["state"], trouble) == ("done", "")
        assert {kind: state["done"][kind]["changed"] for kind in ("gone_orders", "gone_products")} == {"gone_orders": 1, "gone_products": 1}  # fmt: skip
        with work.unit(tenant_id=company.tenant_id):
            assert sorted(db.session.scalars(select(Order.status))).count("cancelled") == 1
            assert [one.name for one in db.session.scalars(select(Product).where(Product.active))] == ["Green tea"]
