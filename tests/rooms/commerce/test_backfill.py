"""Fetching a WooCommerce store's past over HTTP: newest first, nothing missed or doubled while it changes, going on after any
fault, and comparing again. Against a store in a box on loopback, for WooCommerce itself needs PHP and WordPress.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from saas.catalog.models import Product
from saas.commerce import backfill
from saas.commerce.connectors import woocommerce, woocommerce_past, woocommerce_rest
from saas.commerce.connectors.past import Origin
from saas.commerce.models import Order, Refund
from saas.customers.models import Customer
from saas.integrations.models import DeliveryIn
from saas.kit import http_out, work
from saas.kit.db import db
from saas.reviews import settings as asking_of
from saas.reviews.models import ReviewRequest
from sandbox.faulty.server import Fault
from tests import nursery
from tests.failures.copies import until
from tests.faulty_store import connected, fetch, forget_pause, small_pages, state_of, stock_up, store  # noqa: F401

pytestmark = pytest.mark.usefixtures("context")


def counts(company):
    with work.unit(tenant_id=company.tenant_id):
        return tuple(db.session.scalar(select(func.count()).select_from(model)) for model in (Product, Customer, Order))


def keys(company):
    with work.unit(tenant_id=company.tenant_id):
        return Counter(db.session.scalars(select(Order.external_id)))


def waiting(company):
    with work.unit(tenant_id=company.tenant_id):
        query = select(DeliveryIn.topic, DeliveryIn.resource, DeliveryIn.reason, DeliveryIn.id)
        return db.session.execute(query.where(DeliveryIn.state == "failed").order_by(DeliveryIn.topic)).all()


@pytest.mark.usefixtures("small_pages")
class TestThePast:
    def test_everything_arrives_and_the_webhooks_are_set_up(self, company, store):  # noqa: F811
        stock_up(store)
        shop_id = connected(company, store)
        state, troubles = fetch(company, shop_id)
        assert (state["state"], troubles) == ("done", [])
        assert set(keys(company)) == {str(key) for key in store.things.orders}
        assert counts(company)[0] == 4
        assert {kind: row["failed"] for kind, row in state["done"].items()} == dict.fromkeys(state["kinds"], 0)
        assert state_of(company, shop_id)[2]["webhooks"]["made"] == 11
        assert {hook["topic"] for hook in store.hooks.values()} == {
            *woocommerce_rest.TOPICS,
            *woocommerce_rest.RESTORED,
        }

    def test_the_newest_orders_come_first_and_the_old_ones_last(self, company, store):  # noqa: F811
        stock_up(store)
        state, _troubles = fetch(company, connected(company, store))
        assert state["kinds"] == ["recent_orders", "products", "customers", "orders"]
        assert {kind: row["fetched"] for kind, row in state["done"].items()} == {"recent_orders": 130, "products": 4, "customers": 30 + 3, "orders": 120}  # fmt: skip
        paths = [path for _method, path, query in store.asked if "_fields" not in query and path != "/webhooks"]
        assert paths[:13] == ["/orders"] * 13
        assert paths[-12:] == ["/orders"] * 12

    @pytest.mark.parametrize("version", ["10.0.2", "7.9.0", "3.8.1"])
    def test_orders_that_come_while_pages_are_read_shift_nothing_out(self, company, store, version):  # noqa: F811
        store.version = version
        teas, people = stock_up(store)

        def one_more(kind, query):
            if kind == "orders" and "_fields" not in query:
                store.things.add_order(people[0], [(teas[0], 1)], at=datetime.now(UTC))

        store.before = one_more
        before = {str(key) for key in store.things.orders}
        fetch(company, connected(company, store))
        assert before <= set(keys(company))
        assert max(keys(company).values()) == 1

    def test_customers_that_are_deleted_while_pages_are_read_take_nobody_along(self, company, store):  # noqa: F811
        _teas, people = stock_up(store, orders=0, old=0, customers=60)
        gone = []

        def one_less(kind, query):
            if kind == "customers" and "_fields" not in query and len(gone) < 3 and query.get("offset"):
                gone.extend(store.things.customers.pop(max(store.things.customers))["email"] for _turn in range(2))

        store.before = one_less
        fetch(company, connected(company, store))
        with work.unit(tenant_id=company.tenant_id):
            here = set(db.session.scalars(select(Customer.email)))
        assert {one["email"] for one in people} - set(gone) <= here
        assert len(gone) == 4

    def test_hundreds_of_orders_of_one_second_are_all_taken(self, company, store, monkeypatch):  # noqa: F811
        monkeypatch.setattr(woocommerce_past, "MOST_EXCLUDED", 15)
        teas, people = stock_up(store, orders=0, old=0)
        at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=400)
        for _turn in range(47):
            store.things.add_order(people[0], [(teas[0], 1)], at=at)
        store.things.add_order(people[0], [(teas[0], 1)], at=at - timedelta(days=1))
        state, _troubles = fetch(company, connected(company, store))
        assert len(keys(company)) == 48
        assert state["done"]["orders"]["fetched"] == 48

    @pytest.mark.parametrize("ignored", [("before",), ("exclude",), ("offset", "before", "exclude")])
    def test_a_store_that_ignores_where_we_were_is_walked_by_numbers(self, company, store, ignored):  # noqa: F811
        store.ignores = set(ignored)
        stock_up(store)
        state, troubles = fetch(company, connected(company, store))
        assert (state["state"], troubles) == ("done", [])
        assert set(keys(company)) == {str(key) for key in store.things.orders}

    @pytest.mark.parametrize("said", [True, False])
    @pytest.mark.parametrize("ignored", [(), ("before",), ("offset", "before", "exclude")])
    def test_what_a_store_counts_and_cannot_show_ends_nothing(self, company, store, ignored, said):  # noqa: F811
        store.ignores = set(ignored)
        stock_up(store, customers=40)
        orders, people = sorted(store.things.orders), sorted(store.things.customers)
        hidden = {*orders[::7], *orders[60:84], orders[-1], *people[3:6], *people[12:25], people[-1]}
        store.unreadable = hidden if said else set()
        state, troubles = fetch(company, connected(company, store))
        assert (state["state"], troubles) == ("done", [])
        assert set(keys(company)) == {str(key) for key in orders if key not in store.unreadable}
        assert state["done"]["customers"]["fetched"] >= len(set(people) - store.unreadable)
        with work.unit(tenant_id=company.tenant_id):
            here = set(db.session.scalars(select(Customer.email)))
        assert {one["email"] for key, one in store.things.customers.items() if key not in store.unreadable} <= here

    @pytest.mark.parametrize("tables", [False, True])
    @pytest.mark.parametrize("hours", [-8, 9])
    @pytest.mark.parametrize("version", ["10.0.2", "3.8.1"])
    def test_a_shop_on_the_other_side_of_the_world_loses_no_hours(self, company, store, version, hours, tables):  # noqa: F811
        store.version, store.things.zone, store.tables = version, timedelta(hours=hours), tables and version != "3.8.1"
        stock_up(store, orders=60, old=0, customers=3)
        shop_id = connected(company, store)
        state, troubles = fetch(company, shop_id)
        assert (state["state"], troubles) == ("done", [])
        assert set(keys(company)) == {str(key) for key in store.things.orders}
        for order in store.things.orders.values():
            store.things.now = datetime.now(UTC)
            store.things.change(order, status="completed")
        with work.unit(tenant_id=company.tenant_id):
            backfill.compare(shop_id)
        fetch(company, shop_id)
        with work.unit(tenant_id=company.tenant_id):
            assert set(db.session.scalars(select(Order.status))) == {"fulfilled"}

    def test_only_one_question_at_a_time_and_the_store_rests_as_long_as_it_took(self, company, store, monkeypatch):  # noqa: F811
        stock_up(store, old=0)
        ticks = iter(range(0, 10_000, 3))
        made = woocommerce_past.Woo.__init__
        monkeypatch.setattr(woocommerce_past.Woo, "__init__", lambda self, store, **given: made(self, store, **{**given, "tick": lambda: float(next(ticks))}))  # fmt: skip
        rests = []
        backfill.advance(company.tenant_id, connected(company, store), rest=rests.append)
        assert len(rests) > 10
        assert all(2.0 < seconds <= 3.0 for seconds in rests)

    def test_progress_has_a_total_by_kind_and_the_time_left_by_the_pace_so_far(self, company, store):  # noqa: F811
        stock_up(store)
        shop_id = connected(company, store)
        shares, lefts = [], []
        while not shares or shares[-1] < 1:
            assert len(shares) < 1000, f"no end in sight: {shares[-5:]}"  # one portion a turn is some dozens of turns
            backfill.advance(company.tenant_id, shop_id, budget=0.0001)
            state = state_of(company, shop_id)[0]
            shares.append(backfill.share(state))
            lefts.append(backfill.left(state))
            forget_pause(company, shop_id)
        assert shares == sorted(shares)
        assert state["totals"] == {"recent_orders": 130, "products": 4, "customers": 30, "orders": 120}
        known = [seconds for seconds in lefts if seconds is not None]
        assert len(known) > 10
        assert lefts[0] is None
        assert known[-1] < known[0]

    def test_a_store_that_says_no_totals_is_fetched_all_the_same(self, company, store):  # noqa: F811
        store.total_said = False
        stock_up(store)
        shop_id = connected(company, store)
        state, _troubles = fetch(company, shop_id)
        assert len(keys(company)) == 250
        assert backfill.left(state) is None

    def test_it_can_be_stopped_and_what_came_stays(self, company, store):  # noqa: F811
        stock_up(store)
        shop_id = connected(company, store)
        store.before = lambda kind, query: stop() if len(store.asked) == 20 else None

        def stop():
            with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
                backfill.cancel(shop_id)

        assert backfill.advance(company.tenant_id, shop_id, rest=lambda _seconds: None) is False
        assert state_of(company, shop_id)[0]["state"] == "cancelled"
        assert 0 < len(keys(company)) < 130
        with work.unit(tenant_id=company.tenant_id), pytest.raises(backfill.NothingToStop):
            backfill.cancel(shop_id)

    def test_two_workers_never_fetch_from_one_shop_at_once(self, company, store):  # noqa: F811
        shop_id = connected(company, store)
        with work.unit(tenant_id=company.tenant_id):
            assert backfill._lease(shop_id) is not None
        assert backfill.advance(company.tenant_id, shop_id) is False
        assert store.asked == []

    def test_who_lost_the_shop_to_another_worker_writes_nothing_more(self, company, store):  # noqa: F811
        stock_up(store)
        shop_id = connected(company, store)

        def another():
            forget_pause(company, shop_id)
            with work.unit(tenant_id=company.tenant_id):
                backfill._lease(shop_id)

        def taken_over(kind, query):
            if len(store.asked) == 20:
                with company.app.app_context():
                    another()

        store.before = taken_over
        assert backfill.advance(company.tenant_id, shop_id, rest=lambda _seconds: None) is False
        assert len(keys(company)) < 130


@pytest.mark.usefixtures("small_pages")
@pytest.mark.usefixtures("small_pages")
class TestWhatComparingFinds:
    def asked(self, company):
        with work.unit(tenant_id=company.tenant_id):
            planned = select(Order.external_id, ReviewRequest.state).join(
                ReviewRequest, ReviewRequest.order_id == Order.id
            )
            return dict(db.session.execute(planned).all())

    def test_an_order_that_only_comparing_found_is_asked_about_as_any_other(self, company, store, drain):  # noqa: F811
        teas, people = stock_up(store, old=2, orders=3)
        shop_id = connected(company, store)
        store.things.change(store.things.orders[max(store.things.orders)], status="completed")  # the past says so
        with work.unit(tenant_id=company.tenant_id):
            asking_of.change(sources={str(shop_id): {"on": True, "delivered_days": 7, "shipped_days": 14}})
        fetch(company, shop_id)
        drain(company)
        assert self.asked(company) == {}
        store.things.now = datetime.now(UTC) - timedelta(minutes=30)
        paid = next(one for one in store.things.orders.values() if one["status"] == "processing")
        store.things.change(paid, status="completed")
        found = store.things.add_order(people[0], [(teas[0], 1)], status="completed")
        waits = store.things.add_order(people[1], [(teas[0], 1)])
        for _turn in range(2):  # what one comparison found the next knows
            with work.unit(tenant_id=company.tenant_id):
                backfill.compare(shop_id)
            fetch(company, shop_id)
            drain(company)
            assert {str(found["id"]), str(paid["id"])} == set(self.asked(company))
            assert str(waits["id"]) in keys(company) and set(self.asked(company).values()) == {"planned"}


class TestHowMuchOfIt:
    """What is chosen at connecting: orders of so many months, and products and customers all the same."""

    @pytest.mark.parametrize(("choice", "here"), [("3", 1), ("12", 2), ("24", 3), ("all", 4), ("none", 0)])
    def test_orders_from_before_stay_away(self, company, store, choice, here):  # noqa: F811
        now = datetime.now(UTC).replace(microsecond=0)
        store.things.now = now - timedelta(days=1000)
        tea, ann = store.things.add_product("Tea"), store.things.add_customer("ann@shopper.example")
        for days in (900, 500, 200, 30):
            store.things.now = now - timedelta(days=days)
            store.things.add_order(ann, [(tea, 1)])
        shop_id = connected(company, store)
        assert company.post(f"/shops/{shop_id}/connect/past", {"past": choice}).status_code == 303
        if choice != "none":
            assert fetch(company, shop_id)[0]["state"] == "done"
        with work.unit(tenant_id=company.tenant_id):
            placed = [
                round((now - at) / timedelta(days=1))
                for at in db.session.scalars(select(Order.placed_at).order_by(Order.placed_at.desc()))
            ]
        assert placed == [30, 200, 500, 900][:here]
        assert counts(company)[0] == (0 if choice == "none" else 1)


@pytest.mark.usefixtures("small_pages")
class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            (Fault(429, headers={"Retry-After": "7"}, path="orders"), ""), (Fault(500, path="orders"), "500"), (Fault(502, path="customers"), "502"),
            (Fault(503, headers={"Retry-After": "120"}, path="products"), "worked on"), (Fault("reset", path="orders"), "does not answer"),
            (Fault("truncated", path="orders"), "a part of its answer"), (Fault("html", path="orders"), "a page for people"),
            (Fault("list", path="customers"), "something else than a list"), (Fault("html", path="webhooks"), "a page for people"),
            (Fault(404, path="orders"), "404"),
        ],
        ids=["429", "500", "502", "503", "reset", "truncated", "maintenance page", "no list", "maintenance at the webhooks", "404"],
    )  # fmt: skip
    def test_after_any_fault_it_goes_on_and_nothing_is_missing(self, company, store, fault, said):  # noqa: F811
        stock_up(store, orders=60, old=30)
        times = 2 if fault.kind == "list" else 1  # the first is met where things are only counted
        store.faults = [Fault(fault.kind, headers=fault.headers, path=fault.path) for _turn in range(times)]
        state, troubles = fetch(company, connected(company, store))
        assert store.faults == []
        assert state["state"] == "done"
        assert any(said in trouble for trouble in troubles) if said else not troubles
        assert set(keys(company)) == {str(key) for key in store.things.orders}
        assert {kind: row["failed"] for kind, row in state["done"].items()} == dict.fromkeys(state["kinds"], 0)

    def test_a_store_that_does_not_answer_is_left_and_asked_for_less(self, company, store, monkeypatch):  # noqa: F811
        monkeypatch.setattr(woocommerce_rest.Store.__init__, "__defaults__", ("", "", 0.5))
        stock_up(store, orders=60, old=0)
        store.faults = [Fault("hang", path="orders")] * 2
        state, troubles = fetch(company, connected(company, store))
        assert state["state"] == "done"
        assert any("does not answer" in trouble or "too long" in trouble for trouble in troubles)
        assert len(keys(company)) == 60

    def test_what_the_store_says_about_when_to_come_again_is_kept_to(self, company, store):  # noqa: F811
        stock_up(store)
        store.faults = [Fault(429, headers={"Retry-After": "700"}, path="orders")]
        shop_id = connected(company, store)
        backfill.advance(company.tenant_id, shop_id)
        state, trouble, _compared = state_of(company, shop_id)
        ahead = (datetime.fromisoformat(state["leased_until"]) - datetime.now(UTC)).total_seconds()
        assert 600 < ahead <= 700
        assert (trouble, state["tries"]) == ("", 0)

    def test_a_date_in_retry_after_is_understood(self):
        later = datetime.now(UTC) + timedelta(seconds=90)
        assert 60 < woocommerce_rest.after(later.strftime("%a, %d %b %Y %H:%M:%S GMT")) <= 90
        assert [woocommerce_rest.after(said) for said in ("12", "", "soon", "-5", "999999")] == [
            12.0,
            0.0,
            0.0,
            0.0,
            3600.0,
        ]

    def test_each_failure_waits_longer_and_in_the_end_it_says_that_it_waits(self, company, store):  # noqa: F811
        stock_up(store)
        shop_id = connected(company, store)
        store.faults = [Fault(500, path="/") for _turn in range(12)]
        pauses = []
        for _turn in range(12):
            backfill.advance(company.tenant_id, shop_id)
            state, trouble, _compared = state_of(company, shop_id)
            pauses.append((datetime.fromisoformat(state["leased_until"]) - datetime.now(UTC)).total_seconds())
            assert "500" in trouble
            forget_pause(company, shop_id)
        assert pauses[0] < 20
        assert pauses[5] > pauses[2] > pauses[0]
        assert max(pauses) <= 3600 * 1.25
        state, _troubles = fetch(company, shop_id)
        assert (state["state"], state["tries"], state_of(company, shop_id)[1]) == ("done", 0, "")
        assert len(keys(company)) == 250

    def test_a_host_that_gives_up_on_large_pages_is_asked_for_small_ones_and_more_again_later(
        self, company, store, monkeypatch
    ):  # noqa: F811
        monkeypatch.setattr(woocommerce_past, "LARGEST", 40)
        stock_up(store)
        store.heavy = 10
        shop_id = connected(company, store)
        fetch(company, shop_id)
        sizes = [
            int(query["per_page"])
            for _method, path, query in store.asked
            if path == "/orders" and "_fields" not in query
        ]
        assert sizes[:4] == [40, 20, 10, 10]
        assert 20 in sizes[4:]
        assert len(keys(company)) == 250

    def test_one_order_at_which_the_store_breaks_is_left_out_and_told_of(self, company, store):  # noqa: F811
        stock_up(store, orders=40, old=0)
        poison = sorted(store.things.orders)[20]
        store.broken = {poison}
        state, _troubles = fetch(company, connected(company, store))
        assert state["state"] == "done"
        assert set(keys(company)) == {str(key) for key in store.things.orders} - {str(poison)}
        assert state["done"]["recent_orders"]["failed"] == 1
        (line,) = waiting(company)
        assert "500" in line.reason
        assert "left out" in line.reason

    @pytest.mark.parametrize(
        ("mangle", "reason"),
        [
            (lambda one: one.pop("line_items"), "line_items is missing"), (lambda one: one.update(line_items="none"), "not a list"),
            (lambda one: one.update(total={"amount": 3}), "money"), (lambda one: one.update(order_total=one.pop("total")), "total is missing"),
            (lambda one: one.update(id="ORD-1"), "The id is no number"), (lambda one: one.update(date_created_gmt="yesterday"), "not a time"),
            (lambda one: one.update(billing="Ada, Bath"), "could not be understood"), (lambda one: one.update(currency=""), "currency"),
            (lambda one: one["line_items"].append(7), "not a list"),
        ],
        ids=["missing", "another type", "an object for money", "renamed", "another id", "no date", "a text for the address", "no currency", "a number for a line"],
    )  # fmt: skip
    def test_an_order_of_another_schema_waits_with_its_reason_and_the_rest_goes_on(
        self, company, store, mangle, reason
    ):  # noqa: F811
        stock_up(store, orders=25, old=0)
        odd = sorted(store.things.orders)[12]

        def changed(kind, thing):
            if kind == "orders" and thing["id"] == odd:
                thing["line_items"] = list(thing["line_items"])
                mangle(thing)
            return thing

        store.mangle = changed
        shop_id = connected(company, store)
        state, troubles = fetch(company, shop_id)
        assert (state["state"], troubles) == ("done", [])
        assert set(keys(company)) == {str(key) for key in store.things.orders} - {str(odd)}
        (line,) = waiting(company)
        assert reason in line.reason
        assert line.topic == "past.recent_orders"

    def test_products_and_customers_of_another_schema_wait_too_and_are_tried_again(self, company, store):  # noqa: F811
        teas, people = stock_up(store, orders=5, old=0)
        odd = {teas[1]["id"], people[3]["id"]}
        store.mangle = lambda kind, thing: {**thing, "name": None, "email": None, "status": 7, "id": thing["id"], "images": 3, "billing": 3} if thing["id"] in odd else thing  # fmt: skip
        shop_id = connected(company, store)
        state, _troubles = fetch(company, shop_id)
        assert state["state"] == "done"
        assert {line.topic for line in waiting(company)} == {"past.customers", "past.products"}
        product = next(line for line in waiting(company) if line.topic == "past.products")
        with work.unit(tenant_id=company.tenant_id):
            held = db.session.scalars(select(DeliveryIn).where(DeliveryIn.id == product.id)).one()
            held.body = __import__("json").dumps(teas[1]).encode()
        assert company.post(f"/shops/{shop_id}/deliveries/{product.id}/replay").status_code == 303
        assert [line.topic for line in waiting(company)] == ["past.customers"]
        assert counts(company)[0] == 4

    def test_keys_that_ended_are_said_in_words_and_nothing_is_asked_for_hours(self, company, store):  # noqa: F811
        stock_up(store)
        shop_id = connected(company, store)
        store.key = "ck_another"
        for _turn in range(3):
            backfill.advance(company.tenant_id, shop_id)
        state, trouble, _compared = state_of(company, shop_id)
        assert "does not accept these keys" in trouble
        assert len(store.asked) <= 2
        store.key = "ck_box"
        forget_pause(company, shop_id)
        state, _troubles = fetch(company, shop_id)
        assert (state["state"], state_of(company, shop_id)[1]) == ("done", "")

    def test_keys_that_may_only_read_fetch_the_past_without_webhooks(self, company, store):  # noqa: F811
        stock_up(store, orders=20, old=0)
        store.may_write = False
        shop_id = connected(company, store)
        state, _troubles = fetch(company, shop_id)
        assert state["state"] == "done"
        assert len(keys(company)) == 20
        assert state_of(company, shop_id)[2]["webhooks"]["barred"] == 1


WORKER = """
import sys, uuid
from saas.app import create_app
with create_app(only_rooms=True).app_context():
    from saas.commerce import backfill
    from saas.commerce.connectors import woocommerce_past
    woocommerce_past.LARGEST = 10
    backfill.advance(int(sys.argv[1]), uuid.UUID(sys.argv[2]), budget=600)
"""


def kill_at(company, shop_id, enough):
    """Kill a worker once so many orders are here; one that left the slow store alone for a while is sent again."""
    for _worker in range(20):
        process = nursery.start("-c", WORKER, company.tenant_id, shop_id, environment=os.environ, output=sys.__stderr__)
        until(lambda: len(keys(company)) >= enough or process.poll() is not None)  # noqa: B023
        if len(keys(company)) >= enough:
            process.send_signal(signal.SIGKILL)
            process.wait(30)
            return
        forget_pause(company, shop_id)
    raise AssertionError(state_of(company, shop_id))


def test_a_worker_killed_twice_loses_nothing_and_doubles_nothing(company, store):  # noqa: F811
    stock_up(store, orders=300, old=100)
    shop_id = connected(company, store)
    for enough in (60, 180):
        kill_at(company, shop_id, enough)
        assert state_of(company, shop_id)[0]["state"] == "running"
        forget_pause(company, shop_id)
    seen = state_of(company, shop_id)[0]["done"]["recent_orders"]["fetched"]
    assert seen >= 180
    state, _troubles = fetch(company, shop_id)
    assert state["state"] == "done"
    assert set(keys(company)) == {str(key) for key in store.things.orders}
    assert sum(row["fetched"] for kind, row in state["done"].items() if "orders" in kind) == 400


class TestRefunds:
    @pytest.fixture
    def paid_back(self, store):  # noqa: F811
        """An order of two kinds of tea, of which one piece of the second went back, and an order besides."""
        teas, people = stock_up(store, orders=1, old=0)
        order = store.things.add_order(people[0], [(teas[0], 1), (teas[1], 3)])
        refund = store.things.refund(order, order["line_items"][1], 1, "12.50", reason="it was dented")
        return order, refund

    def held(self, company):
        with work.unit(tenant_id=company.tenant_id):
            sums = dict(db.session.execute(select(Order.external_id, Order.refunded_amount)).all())
            return sums, [(one.key, one.reason, one.lines) for one in db.session.scalars(select(Refund))]

    def test_what_came_back_is_asked_for_where_an_order_has_refunds(self, company, store, paid_back):  # noqa: F811
        order, refund = paid_back
        _state, troubles = fetch(company, connected(company, store))
        sums, refunds = self.held(company)
        assert (troubles, sums[str(order["id"])], sum(sums.values())) == ([], 1250, 1250)
        back = {"line": str(order["line_items"][1]["id"]), "quantity": 1, "amount": "12.50"}
        assert refunds == [(str(refund["id"]), "it was dented", [back])]
        assert {path for _method, path, _query in store.asked if "refunds" in path} == {
            f"/orders/{order['id']}/refunds"
        }

    def test_one_that_a_webhook_told_by_its_sum_gets_its_lines_by_comparing(self, company, store, paid_back):  # noqa: F811
        order, refund = paid_back
        shop_id = connected(company, store)
        with work.unit(tenant_id=company.tenant_id):
            woocommerce.take(order, topic="order.updated", origin=Origin(shop_id, "EUR", ""))
        assert [lines for _key, _reason, lines in self.held(company)[1]] == [[]]
        fetch(company, shop_id)
        with work.unit(tenant_id=company.tenant_id):  # and a late delivery that tells less takes nothing away
            woocommerce.take({**order, "number": "9"}, topic="order.updated", origin=Origin(shop_id, "EUR", ""))
        sums, refunds = self.held(company)
        assert (sums[str(order["id"])], [(key, len(lines)) for key, _reason, lines in refunds]) == (
            1250,
            [(str(refund["id"]), 1)],
        )

    @pytest.mark.parametrize("fault", [503, 429, 404, "html", "list", "truncated"])
    def test_a_store_that_does_not_want_to_be_asked_is_left_and_the_sums_are_here(
        self, company, store, paid_back, fault
    ):  # noqa: F811
        order, _refund = paid_back
        store.faults = [Fault(fault, path="refunds")]
        _state, troubles = fetch(company, connected(company, store))
        sums, refunds = self.held(company)
        assert (troubles, sums[str(order["id"])], [lines for _key, _reason, lines in refunds]) == ([], 1250, [[]])


class TestHttpOut:
    @pytest.mark.parametrize("url", [
        "http://169.254.169.254/latest", "http://10.0.0.1/", "http://[::ffff:169.254.169.254]/", "http://[64:ff9b::a9fe:a9fe]/", "http://0/",
        "http://100.64.0.1/", "http://[fd00::1]/", "ftp://shop.example/", "http://user:pass@127.0.0.1/", "http://224.0.0.1/", "http://168.63.129.16/",
    ])  # fmt: skip
    def test_private_addresses_are_refused_even_where_loopback_is_allowed(self, settings_in_environment, url):
        with pytest.raises(http_out.Unreachable):
            http_out.call("GET", url)

    def test_loopback_is_refused_in_production(self, settings_in_environment, monkeypatch, store):
        from dataclasses import replace

        from saas import config

        strict = replace(config.get(), outgoing_private_hosts=False)
        monkeypatch.setattr(config, "get", lambda: strict)
        for host in ("127.0.0.1", "127.1", "2130706433", "localhost", "0x7f000001"):
            with pytest.raises(http_out.Unreachable):
                http_out.call("GET", store.url.replace("127.0.0.1", host))
