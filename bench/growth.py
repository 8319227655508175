"""Section B of the targets: what a piece of work costs in a large company, and beside many companies, against a small one alone.

Each side is a process with servers of its own: a company of 10,000 customers and one of GROWTH_BENCH; one company alone and
GROWTH_COMPANIES, of which another one is asked each time (of ASKED among them, which have products and all that follows from them).
Of many companies it is told too what the clock's tasks come to in a minute in which nothing happens, and what a process that
answers all of their shops holds in memory. Customers, their orders, browsers and events are made up in the database
itself. Asked is through the doors, and what follows from it is done to the end, as a worker does it. Both sides are asked in turn,
so that the neighbours on the machine slow down both; told are the medians.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import orjson
import psycopg

from bench import behaviour, customers_list, running
from bench.customers_list import ID
from bench.table import Row, at_most

SECTION = "B"
SMALL, LARGE = 10_000, int(os.environ.get("GROWTH_BENCH", 100_000))
MANY, EACH = int(os.environ.get("GROWTH_COMPANIES", 1_000)), 200
ASKED, FEW = 25, 20
"""So many companies are asked; each of the others has so many customers."""
ROUNDS, WARM = 15, 4
EVENTS = 20
LIST = f"/customers?limit=25&{customers_list.LISTS['agreed, ordered twice, by spent']}"
PASSWORD = "correct horse battery"  # noqa: S105 - of companies that are gone in a minute
IDENTITIES = f"""
INSERT INTO customer_identities (tenant_id, id, customer_id, kind, source_id, value, proven, way, made_by, created_at, updated_at)
SELECT %(tenant)s, {ID}, {ID}, 'email', '00000000-0000-0000-0000-000000000000', 'c' || n || '@shop.example', true, 'shop', '', now(), now()
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
"""  # noqa: S608 - a constant
TIMELINE = """
INSERT INTO timeline_entries (tenant_id, id, customer_id, kind, at, title, link, details)
SELECT tenant_id, id, customer_id, 'order', placed_at, 'Order ' || number, '/orders/' || id,
    jsonb_build_object('number', number, 'status', status, 'currency', currency, 'total', '10.00', 'order_id', id)
FROM orders WHERE tenant_id = %(tenant)s
"""
LINES = """
INSERT INTO order_lines (tenant_id, id, order_id, position, product_key, sku, name, quantity, unit_micros, line_micros, flags)
SELECT tenant_id, id, id, 0, 'p' || abs(hashtext(number)) %% 50, '', 'Pot', 1, 10000000, 10000000, '{}'
FROM orders WHERE tenant_id = %(tenant)s
"""


def rows() -> Iterator[Row]:
    """Yield how much more each piece of work costs."""
    yield from compared((1, SMALL), (1, LARGE), list(WORK), f"{LARGE:,} customers against {SMALL:,}")
    yield from compared(
        (1, EACH), (MANY, EACH), [what for what in WORK if what != SEGMENT], f"{MANY:,} companies against one"
    )


def compared(few: tuple[int, int], many: tuple[int, int], what: list[str], told: str) -> Iterator[Row]:
    """Ask two sides, given as companies and the customers of each, in turn."""
    with side(*few) as small, side(*many) as large:
        if many[0] > few[0]:
            yield from beside(small, large, many[0], told)
        took: dict[str, tuple[list[float], list[float]]] = {work: ([], []) for work in what}
        for turn in range(WARM + ROUNDS):
            for work, times in took.items():
                for place in (0, 1) if turn % 2 else (1, 0):
                    spent = (small, large)[place](work)
                    if turn >= WARM:
                        times[place].append(spent)
    for work, (of_small, of_large) in took.items():
        first, last = statistics.median(of_small), statistics.median(of_large)
        others = f"{first:.1f} -> {last:.1f} ms"
        if work == SEGMENT:
            first, last = first / few[1], last / many[1]
        yield at_most(f"{work}, {told}", last / first, 2.0, others=others, form=".2f", unit="x")


def beside(small: Callable[[str], float], large: Callable[[str], float], companies: int, told: str) -> Iterator[Row]:
    """Tell what many companies come to though nothing happens in them, and what a process remembers of them."""
    first, last = small(MINUTE), large(MINUTE)
    yield at_most(
        f"{MINUTE}, for each company more, {told}",
        (last - first) / (companies - 1),
        QUIET,
        others=f"{first:.0f} -> {last:.0f} ms",
        form=".2f",
        unit=" ms",
    )
    small(REMEMBERED)
    held = large(REMEMBERED)
    yield at_most(
        f"{REMEMBERED}, for each company, of {companies:,}", held / companies * 1000, 50, form=".1f", unit=" kB"
    )


@contextmanager
def side(companies: int, customers: int) -> Iterator[Callable[[str], float]]:
    """Start a side and yield what does a piece of work there and returns its milliseconds."""
    fresh = multiprocessing.get_context("spawn")
    line, end = fresh.Pipe()
    process = fresh.Process(target=serve, args=(end, companies, customers))
    process.start()
    end.close()
    try:
        line.recv()  # filled

        def ask(work: str) -> float:
            line.send(work)
            spent: float = line.recv()
            return spent

        yield ask
    finally:
        line.close()
        process.join(60)


def serve(line: Any, companies: int, customers: int) -> None:
    """Be a side: found and fill the companies, then do what is asked for until nobody asks any more."""
    from saas.kit import queues
    from workers.timetable import TASKS

    os.environ["SEARCH_ENGINE"] = "postgres"
    with running.product() as product:
        queues.allow([task.function for task in TASKS])
        others = _crowd(product, companies - ASKED)
        places = [_founded(product, customers) for _ in range(min(companies, ASKED))]
        with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
            owner.execute("VACUUM ANALYZE")
        _a_minute(product)  # the first does what was left of founding
        site_keys = [*others, *(place["company"].site_key for place in places)]
        line.send("filled")
        turns = {work: count() for work in WORK}
        while True:
            try:
                work = line.recv()
            except EOFError:
                return
            if work == MINUTE:
                line.send(statistics.median(_a_minute(product) for _ in range(3)))
            elif work == REMEMBERED:
                line.send(_remembered(product, site_keys))
            else:
                line.send(_timed(places[next(turns[work]) % len(places)], work))


def _timed(place: dict[str, Any], work: str) -> float:
    prepared = WORK[work](place)
    spent = customers_list.once(prepared)
    _at_rest(place)
    return spent


def _a_minute(product: running.Running) -> float:
    """Return the milliseconds that the clock's tasks take in a minute, each as often as it is due in it."""
    from saas.kit import clock
    from workers.handing_out import resolve
    from workers.timetable import TASKS

    spent = 0.0
    with product.app.app_context():
        for task in TASKS:
            times = 60 / task.every.total_seconds()
            if times >= 1:
                spent += times * customers_list.once(
                    lambda task=task: resolve(task.function)(run_at=clock.now().isoformat())
                )
    return spent


def _remembered(product: running.Running, site_keys: list[str]) -> float:
    """Return how many megabytes more the process holds once it has answered the shops of all companies."""
    from saas.kit import clock

    shop = product.app.test_client()

    def ask(site_key: str, visitor: str) -> None:
        event = {"id": visitor, "type": "page_viewed", "at": clock.now(), "url": "https://shop.example/"}
        body = {"site_key": site_key, "visitor": visitor, "consent": {"analytics": True}, "events": [event]}
        _good(shop.post("/collect", data=orjson.dumps(body)), 202)
        _good(shop.get(f"/offers?site_key={site_key}&visitor={visitor}&slot=home"), 200)
        _good(shop.get(f"/forms?site_key={site_key}&visitor={visitor}"), 200)

    for n in range(100):
        ask(site_keys[-1], f"bench-warm-up-{n:04d}")
    before = _held()
    for n, site_key in enumerate(site_keys):
        ask(site_key, f"bench-of-many-{n:04d}")
    return _held() - before


def _held() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _crowd(product: running.Running, companies: int) -> list[str]:
    """Found companies with a shop and a few customers and what came of them; returns their site keys."""
    from saas.billing.plans import PLANS
    from saas.commerce import shops
    from saas.kit import clock, crypto, work
    from saas.kit.db import db
    from saas.tenancy import founding
    from saas.tenancy.models import Login

    password, found = crypto.hash_password(PASSWORD), {}
    with product.app.app_context():
        for n in range(max(companies, 0)):
            email = f"crowd-{n}@bench.example"
            with work.unit(tenant_id=None):
                owner = Login(email=email, email_norm=email, password_hash=password, verified_at=clock.now())
                db.session.add(owner)
                db.session.flush()
                made = founding.found(company=f"Company {n}", owner=owner, allowed=PLANS["scale"].limits)
                with work.acting_for(made.tenant_id):
                    shops.connect(kind="generic", name="Shop", currency="EUR")
            found[made.tenant_id] = made.site_key
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as platform:
        for tenant_id in found:
            _fill(platform, tenant_id, FEW)
    return list(found.values())


def _fill(platform: psycopg.Connection, tenant_id: int, customers: int) -> None:
    tenant = {"tenant": tenant_id, "salt": f"{tenant_id}"}
    for first in range(1, customers + 1, customers_list.BATCH):
        values = tenant | {"first": first, "last": min(first + customers_list.BATCH - 1, customers)}
        for statement in (
            customers_list.CUSTOMERS,
            customers_list.FACTS,
            customers_list.ORDERS,
            behaviour.PARTS,
            behaviour.EVENTS,
            IDENTITIES,
        ):
            platform.execute(statement, values)
    for statement in (TIMELINE, LINES):
        platform.execute(statement, tenant)


def _founded(product: running.Running, customers: int) -> dict[str, Any]:
    """Found a company with customers and all that came of them, products and a shop."""
    from saas.kit import pool
    from saas.kit.search import places
    from tests.companies import found_company

    company = found_company(product.app)
    with pool.connection(
        tenant_id=company.tenant_id
    ) as ours:  # what is made up is not searched for: `search` measures that
        places.settle(ours, company.tenant_id, "postgres")
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as platform:
        tenant = {"tenant": company.tenant_id}
        _fill(platform, company.tenant_id, customers)
        asked = "SELECT id FROM customers WHERE tenant_id = %(tenant)s ORDER BY md5(id::text) LIMIT 100"
        ids = [row[0] for row in platform.execute(asked, tenant)]
    items = [{"external_id": f"p{n}", "name": f"Pot {n}", "price": "10.00", "currency": "EUR"} for n in range(50)]
    _good(company.api("POST", "/products/bulk", json={"items": items}))
    browser = replace(company, page=company.app.test_client())
    shop = _good(company.api("POST", "/shops", json={"kind": "generic", "name": "Shop"})).json
    place = {
        "company": company, "browser": browser, "ids": ids, "shop": shop, "customers": customers, "random": Random(1), "numbers": count(),
    }  # fmt: skip
    _sign_in(place)()
    with psycopg.connect(
        os.environ["DATABASE_ADMIN_URL"]
    ) as platform:  # no mail leaves here that tells of the new browser
        told = "DELETE FROM outbox_doorbell WHERE name = 'SignedInElsewhere' AND tenant_id = %(tenant)s"
        platform.execute(told, tenant)
    _at_rest(place)
    return place


def _at_rest(place: dict[str, Any]) -> None:
    """Have all that is to follow in a company follow."""
    from tests.companies import drain_outbox

    drain_outbox(place["company"].app, place["company"])


def _good(answer: Any, *right: int) -> Any:
    if answer.status_code not in (right or (200, 201, 202, 303)):
        raise RuntimeError(f"{answer.status_code} {answer.data[:300]!r}")
    return answer


def _list(place: dict[str, Any]) -> Callable[[], Any]:
    return lambda: _good(place["company"].api("GET", LIST), 200)


def _page(place: dict[str, Any]) -> Callable[[], Any]:
    path = f"/customers/{place['random'].choice(place['ids'])}"
    return lambda: _good(place["company"].page.get(path), 200)


def _count(place: dict[str, Any]) -> Callable[[], Any]:
    from saas.audiences import segments
    from saas.kit import work

    def ask() -> None:
        company = place["company"]
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            segments.count(customers_list.SEGMENT)

    return ask


def _create(place: dict[str, Any]) -> Callable[[], Any]:
    number = next(place["numbers"])
    person = {
        "external_id": f"new-{number}",
        "email": f"new-{number}@shop.example",
        "first_name": "Grace",
        "last_name": "New",
    }
    return lambda: _good(place["company"].api("POST", "/customers", json=person), 201)


def _order(place: dict[str, Any]) -> Callable[[], Any]:
    """Return how a shop tells what a known customer ordered, with all that follows."""
    from saas.commerce.connectors import generic
    from saas.kit import clock

    number, now, shop = f"hook-{next(place['numbers'])}", clock.now(), place["shop"]
    buyer = f"c{1 + place['random'].randrange(place['customers'])}@shop.example"
    lines = [{"position": n, "product": f"p{n}", "name": "Pot", "quantity": 1, "unit_price": "12.50"} for n in (1, 2)]
    body = orjson.dumps({"type": "order.created", "data": {
        "external_id": number, "number": number, "placed_at": now, "updated_at": now, "status": "paid", "currency": "EUR",
        "customer": {"email": buyer}, "lines": lines, "total": "25.00",
    }})  # fmt: skip
    stamp = str(int(time.time()))
    told = {"webhook-id": number, "webhook-timestamp": stamp}
    told["webhook-signature"] = generic.signature(shop["webhook_secret"], number, stamp, body)
    path = "/hooks/" + shop["webhook_url"].split("/hooks/")[1]

    def ask() -> None:
        _good(place["company"].app.test_client().post(path, data=body, headers=told), 200)
        _at_rest(place)

    return ask


def _events(place: dict[str, Any]) -> Callable[[], Any]:
    """Return how a new browser of a known customer tells of its visit, with all that follows."""
    from saas.kit import clock

    company, number, now = place["company"], next(place["numbers"]), clock.now()
    known = f"c{1 + place['random'].randrange(place['customers'])}@shop.example"
    events: list[dict[str, Any]] = [
        {
            "id": f"{number}-{n}",
            "type": "product_viewed",
            "at": now - timedelta(seconds=10 * (EVENTS - n)),
            "product": f"p{n}",
        }
        for n in range(1, EVENTS)
    ]
    events.append({"id": f"{number}-0", "type": "identified", "at": now, "identity": {"email": known}})
    body = orjson.dumps({
        "site_key": company.site_key, "visitor": f"bench-browser-{number:06d}", "consent": {"analytics": True, "marketing": True}, "events": events,
    })  # fmt: skip

    def ask() -> None:
        answer = _good(company.app.test_client().post("/collect", data=body), 202)
        if answer.json["accepted"] != EVENTS:
            raise RuntimeError(f"{answer.json}")
        _at_rest(place)

    return ask


def _sign_in(place: dict[str, Any]) -> Callable[[], Any]:
    """Return how the owner signs in by password, from a browser that is known already: of another they would be written to."""
    company, browser = place["company"], place["browser"]
    form, token = {"email": company.email, "password": PASSWORD}, browser.csrf()
    return lambda: _good(browser.page.post("/sign-in", data=form, headers={"X-CSRFToken": token}), 303)


SEGMENT = "a segment's count, for each customer"
MINUTE, QUIET = "what the clock has done in a quiet minute", 3.0
"""Milliseconds of work a minute that a company may come to in which nothing happens: of a thousand, a twentieth of one worker."""
REMEMBERED = "more memory of what has answered every shop"
WORK = {
    "a page of the list (JSON)": _list, "one customer's page": _page, SEGMENT: _count, "one customer created": _create,
    "an order's webhook and what follows": _order, f"{EVENTS} events and what follows": _events, "a sign-in": _sign_in,
}  # fmt: skip
