"""Deliveries of a shop doubled, shuffled and late, with a worker killed again and again: the same state as in order."""

import base64
import hashlib
import hmac
import json
import random
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import redis

from tests.failures.copies import until
from tests.failures.ground import Ground

pytestmark = pytest.mark.failure

CUSTOMERS, ORDERS = 5, 16
OWN = {"id", "source_id", "customer_id", "product_id", "created_at", "updated_at"}  # what each company has of its own


@pytest.fixture(scope="module")
def ground(test_servers, tmp_path_factory):
    made = Ground(tmp_path_factory.mktemp("deliveries"), test_servers)
    made.start_web()
    for program in ("relay", "worker events", "worker heavy"):
        made.start(*program.split())
    made.worker = made.programs[-2]
    yield made
    made.stop()


def story(chance):
    """What happened in a shop, as [round, message]: products, then customers and orders that change three times."""
    told = [(0, "product.updated", {"external_id": f"p{n}", "name": f"Pot {n}", "price": f"{n}.50", "currency": "EUR", "stock": 90 - n,
                                 "updated_at": at(0)}) for n in range(1, 6)]  # fmt: skip
    for n in range(1, CUSTOMERS + 1):
        for version, consent in enumerate(("unknown", "granted", chance.choice(("granted", "withdrawn"))), 1):
            told.append((version, "customer.updated", {**who(n), "last_name": f"Moved {version}", "city": f"Town {version}",
                                              "consent": {"email": consent}, "updated_at": at(version)}))  # fmt: skip
    for n in range(1, ORDERS + 1):
        lines = [{"position": place, "product": f"p{chance.randint(1, 5)}", "quantity": chance.randint(1, 3),
                  "unit_price": f"{chance.randint(1, 40)}.25"} for place in range(chance.randint(1, 4))]  # fmt: skip
        order = {"external_id": f"o{n}", "number": f"#{n}", "placed_at": at(n), "currency": "EUR", "lines": lines,
                 "customer": who(chance.randint(1, CUSTOMERS)), "shipping": "4.90"}  # fmt: skip
        refund = {"external_id": "r1", "amount": "1.25", "at": at(n, 5), "reason": "broken"}
        told.append((4, "order.created", {**order, "status": "pending", "updated_at": at(n, 1)}))
        told.append((5, "order.updated", {**order, "status": "paid", "updated_at": at(n, 2)}))
        if n % 3 == 0:
            told.append(
                (6, "order.updated", {**order, "status": "fulfilled", "updated_at": at(n, 6), "refunds": [refund]})
            )
        elif n % 5 == 0:
            told.append((6, "order.updated", {**order, "status": "cancelled", "updated_at": at(n, 6)}))
    return [
        (turn, (f"m{place}", json.dumps({"type": kind, "data": data}).encode()))
        for place, (turn, kind, data) in enumerate(told)
    ]


def at(day, hour=0):
    return f"2026-{1 + day // 28:02}-{1 + day % 28:02}T{hour:02}:00:00Z"


def who(number):
    return {"external_id": f"c{number}", "email": f"customer{number}@shop.example", "first_name": f"No {number}"}


def deliver(shop, message):
    """Signed anew at each try, as Standard Webhooks does, however late."""
    key, raw = message
    stamp = str(int(time.time()))
    digest = hmac.new(shop["webhook_secret"].encode(), f"{key}.{stamp}.".encode() + raw, hashlib.sha256).digest()
    headers = {
        "webhook-id": key,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
    with urllib.request.urlopen(
        urllib.request.Request(shop["webhook_url"], data=raw, headers=headers), timeout=30
    ) as answer:
        return json.load(answer)["status"]


def connected(ground, company):
    """A company with a shop; its worker is named after the test."""
    made = ground.found(company)
    return made["api_key"], ground.call(
        "/api/v1/shops", key=made["api_key"], kind="generic", name="Shop", currency="EUR"
    )


def state(ground, key):
    """All that the company knows, without what differs from company to company anyhow."""
    return {
        name: sorted(map(plain, ground.call(f"/api/v1/{name}?limit=200", key=key)["items"]))
        for name in ("products", "customers", "orders")
    }


def plain(item):
    kept = {name: value for name, value in item.items() if name not in OWN}
    if "lines" in kept:
        kept["lines"] = [{name: value for name, value in line.items() if name not in OWN} for line in kept["lines"]]
    return json.dumps(kept, sort_keys=True)


def test_doubled_shuffled_and_late_is_the_same_as_in_order(ground):
    chance = random.Random(7)
    told = story(chance)
    key, shop = connected(ground, "in-order")
    for turn in range(7):
        for at_turn, message in told:
            assert at_turn != turn or deliver(shop, message) == "stored"
        until(ground.at_rest)
    expected = state(ground, key)
    assert [len(expected[name]) for name in ("products", "customers", "orders")] == [5, CUSTOMERS, ORDERS]

    key, shop = connected(ground, "shuffled")
    messages = [message for _turn, message in told]
    mixed = messages * 2 + chance.sample(messages, len(messages) // 3)
    chance.shuffle(mixed)
    for start in range(0, len(mixed), 50):
        with ThreadPoolExecutor(4) as senders:
            answers = list(senders.map(lambda message: deliver(shop, message), mixed[start : start + 50]))
        assert set(answers) <= {"stored", "known"}
        ground.end(ground.worker)
        ground.worker = ground.start("worker", "events")
    ground.let_leases_pass()
    until(ground.at_rest)
    assert ground.ask("SELECT count(*) FROM deliveries_in WHERE state <> 'done'") == [(0,)]
    found = state(ground, key)
    for name, items in expected.items():
        assert [pair for pair in zip(found[name], items, strict=True) if pair[0] != pair[1]] == []


def test_kill_9_in_the_middle_of_many_orders_that_are_taken_together(ground):
    """The worker is halted with all of them written and not committed: it waits for their shop, which another holds."""
    many = 60
    _key, shop = connected(ground, "together")
    [(tenant_id,)] = ground.ask("SELECT tenant_id FROM shops WHERE id = %s", shop["id"])
    until(ground.at_rest)
    ground.end(ground.worker)
    for number in range(many):
        order = {"external_id": f"o{number}", "placed_at": at(1), "updated_at": at(1), "currency": "EUR", "status": "paid",
                 "customer": who(number), "lines": [{"position": 0, "product": "p", "quantity": 1, "unit_price": "2.50"}]}  # fmt: skip
        told = json.dumps({"type": "order.created", "data": order}).encode()
        assert deliver(shop, (f"t{number}", told)) == "stored"
    until(ground.handed_out)
    with redis.from_url(ground.valkey.url) as client:
        assert client.llen(f"tray:events:{tenant_id}") == many
    states = "SELECT state, count(*)::int FROM deliveries_in WHERE tenant_id = %s GROUP BY 1"
    with psycopg.connect(ground.urls.admin) as holder:
        holder.execute("SELECT FROM shops WHERE id = %s FOR NO KEY UPDATE", [shop["id"]])
        ground.worker = ground.start("worker", "events")
        waits = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE shops%'"
        until(lambda: ground.ask_superuser(waits))
        ground.end(ground.worker)
        assert ground.ask(states, tenant_id) == [("waiting", many)]
    ground.worker = ground.start("worker", "events")
    ground.let_leases_pass()
    until(ground.at_rest)
    assert ground.ask(states, tenant_id) == [("done", many)]
    facts = "SELECT orders_count, spent_amount, count(*)::int FROM customer_facts WHERE tenant_id = %s GROUP BY 1, 2"
    assert ground.ask(facts, tenant_id) == [(1, 250, many)]
    lines = "SELECT count(*), count(DISTINCT order_id) FROM order_lines WHERE tenant_id = %s"
    assert ground.ask(lines, tenant_id) == [(many, many)]
    heard = "SELECT seen, late FROM shop_hours WHERE tenant_id = %s AND topic = 'order.created'"
    assert [sum(sums) for sums in zip(*ground.ask(heard, tenant_id), strict=True)] == [many, many]
