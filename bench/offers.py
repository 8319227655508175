"""Section B of the targets: recommendations over HTTP, beside a bare Flask hello on the same server, by turns.

A shop with 500 products, 20,000 past visits and 10,000 orders; 20,000 shoppers with live sessions. A third of them has just
come, a quarter looks at a first product (which are few: Zipf), the others at two to eight. Each asks once for four offers of
a place: beside a product, at home, for a cart, something new; "again" is 200 of these questions over and over, which is what
systems do that make their lists beforehand. What is shown is recorded. The share of hello is reckoned from the CPU time of
the server's processes, so that neither the sender nor a busy machine is part of it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np
import orjson
import redis
from flask import Flask

from bench import programs, table
from saas.kit import launch, roles, servers

SECTION = "B"
ROOT = Path(__file__).parents[1]
PRODUCTS, VISITS, SHOPPERS, CONNECTIONS = 500, 20_000, 20_000, 8
WARM_UP, SECONDS, ROUNDS, RATE = 2.0, 6.0, 5, 500
TICKS = os.sysconf("SC_CLK_TCK")

hello = Flask("hello")
hello.add_url_rule("/", "hello", lambda: "Hello, World!")


def rows() -> Iterator[table.Row]:
    """Measure hello and offers as fast as they go, then offers at 500 a second."""
    with (
        tempfile.TemporaryDirectory() as folder,
        prepared(Path(folder)) as (environment, site_key),
        serving("bench.offers:hello", environment) as hello_at,
        serving("saas.wsgi:app", environment) as ours_at,
    ):
        asked = questions(site_key)
        plain = Load(*hello_at, [b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"] * 100)
        plain.warm(WARM_UP)
        Load(*ours_at, questions(site_key, lot=1)).warm(WARM_UP * 2)  # others, so that the first time is the first time
        first = Load(*ours_at, asked[:-8000])
        for _round in range(ROUNDS):  # by turns, since a machine is not as fast in one moment as in the next
            plain.run(seconds=SECONDS / ROUNDS)
            first.run(seconds=SECONDS / ROUNDS)
        again = Load(*ours_at, asked[:200])
        again.warm(WARM_UP)
        again.run(seconds=SECONDS)
        paced = Load(*ours_at, asked[::-1])
        paced.run(seconds=SECONDS, rate=RATE)
    speed, cost = f"hello {plain.per_second:,.0f}/s", f"hello {plain.cpu * 1e6:,.0f} us"
    yield table.Row("offers, worked out for each shopper's session", f"{first.per_second:,.0f}/s", speed, "", None)
    yield table.Row("the same, CPU of the server for one", f"{first.cpu * 1e6:,.0f} us", cost, "", None)
    yield table.at_least("the same, as a share of Flask hello", plain.cpu / first.cpu, 0.25, form=".1%", others="-")
    yield table.at_least(
        "offers asked again, as a share of Flask hello", plain.cpu / again.cpu, 0.25, form=".1%",
        others=f"{again.per_second:,.0f}/s, {again.cpu * 1e6:,.0f} us",
    )  # fmt: skip
    p50, p90 = statistics.median(paced.times) * 1000, statistics.quantiles(paced.times, n=10)[8] * 1000
    yield table.at_most(
        f"worked out and answered after, at {RATE}/s, p90",
        p90,
        10.0,
        form=".1f",
        unit=" ms",
        others=f"p50 {p50:.1f} ms",
    )


@contextlib.contextmanager
def prepared(folder: Path) -> Iterator[tuple[dict[str, str], str]]:
    """Run PostgreSQL and Valkey of its own with a shop in them: the settings for its servers, and the site key."""
    postgres, valkey = servers.Postgres(folder / "postgres"), servers.Valkey(folder / "valkey")
    try:
        urls = roles.prepare(postgres.start().url)
        environment = {
            **os.environ, **urls.environment(), "REDIS_URL": valkey.start().url, "ENVIRONMENT": "development",
            "VAR_DIR": str(folder / "var"), "PYTHONPATH": str(ROOT), "RATE_LIMITS": "0",
        }  # fmt: skip
        program = [sys.executable, "-m"]
        subprocess.run([*program, "saas", "db", "migrate"], env=environment, cwd=ROOT, check=True, capture_output=True)
        filled = subprocess.run([*program, "bench.offers"], env=environment, cwd=ROOT, check=True, capture_output=True)
        yield environment, filled.stdout.decode().split()[-1]
    finally:
        valkey.stop()
        postgres.stop()


@contextlib.contextmanager
def serving(app: str, environment: dict[str, str]) -> Iterator[tuple[int, subprocess.Popen]]:
    """Serve an application as the Procfile does."""
    port, granian = servers.free_port(), Path(sys.executable).parent / "granian"
    web = launch.start(
        [granian, "--interface", "wsgi", app, "--host", "127.0.0.1", "--port", port, "--workers", 2, "--blocking-threads", 12, "--no-ws"],
        env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 180
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline or web.poll() is not None:
                    raise RuntimeError(f"{app} does not start") from None
                time.sleep(0.05)
        yield port, web
    finally:
        web.send_signal(signal.SIGTERM)
        web.wait(30)


def fill() -> str:
    """Found a company with products, models and live sessions in the database of the environment; returns its site key."""
    from saas.app import create_app
    from saas.billing.plans import PLANS
    from saas.catalog import products
    from saas.kit import valkey, work
    from saas.recommend import shelf, stock
    from saas.recommend.baskets import BasketModel
    from saas.recommend.carts import CartModel, Weights
    from saas.recommend.popularity import PopularityModel
    from saas.recommend.sessions import SessionModel
    from saas.tenancy import founding

    with create_app(only_rooms=True).app_context():
        made = founding.from_command(
            company="Bench", email="o@bench.example", password=secrets.token_hex(12), allowed=PLANS["scale"].limits
        )
        with work.unit(tenant_id=made["tenant_id"]):
            products.upsert_many([
                {"external_id": f"p{n}", "name": f"Product {n}", "url": f"https://shop.example/p{n}", "price": "12.50", "currency": "EUR",
                 "image_url": f"https://shop.example/p{n}.jpg", "categories": [f"Shelf {n % 12}"], "stock": 5}
                for n in range(PRODUCTS)
            ])  # fmt: skip
        catalogue = stock.catalogue(made["tenant_id"])
        numbers = np.array([catalogue.find(f"p{n}").number for n in range(PRODUCTS)])
        chance = np.random.default_rng(2)
        looked = looks(chance, VISITS, 5)
        visits, items = np.repeat(np.arange(VISITS), 5), numbers[looked.ravel()]
        with work.unit(tenant_id=made["tenant_id"]):
            shelf.store("sessions", SessionModel.fit(visits, items).to_bytes(), notes={})
            shelf.store("viewed", BasketModel.fit(visits, items).to_bytes(), notes={})
            shelf.store(
                "bought",
                CartModel.fit(visits[: VISITS * 5 // 2], items[: VISITS * 5 // 2], weights=Weights()).to_bytes(),
                notes={},
            )
            shelf.store("popular", PopularityModel.fit(items, visits / 200.0).to_bytes(), notes={})
        for lot in range(2):
            begin_sessions(valkey.client(), made["tenant_id"], lot)
    return str(made["site_key"])


def begin_sessions(client: redis.Redis, tenant_id: int | str, lot: int = 0) -> None:
    """Write the live sessions of a lot of shoppers."""
    now = int(time.time() * 1000)
    with client.pipeline(transaction=False) as together:
        for shopper, seen in enumerate(sessions(lot)):
            live = {"items": [[f"p{n}", now + at] for at, n in enumerate(seen)], "cart": [f"p{n}" for n in seen[3:4]]}
            if seen:
                together.set(f"live:{tenant_id}:{name(shopper, lot)}", orjson.dumps(live), ex=3600)
        together.execute()


def looks(chance: np.random.Generator, visits: int, length: int) -> np.ndarray:
    """Make up what visits look at: 25 kinds of things, in each a few that everybody wants."""
    kind = chance.integers(0, 25, visits)
    return (kind[:, None] * 20 + np.minimum(chance.zipf(1.5, (visits, length)), 20) - 1) % PRODUCTS


def sessions(lot: int = 0) -> list[list[int]]:
    """Make up what the shoppers of a lot look at now; the same at each call."""
    chance = np.random.default_rng(5 + lot)
    lengths = chance.choice(
        [0, 1, 2, 3, 4, 5, 6, 7, 8], SHOPPERS, p=[0.33, 0.25, 0.12, 0.08, 0.06, 0.05, 0.04, 0.04, 0.03]
    )
    return [row[:length].tolist() for row, length in zip(looks(chance, SHOPPERS, 8), lengths, strict=True)]


def name(shopper: int, lot: int = 0) -> str:
    return f"bench-shopper-{shopper + lot * SHOPPERS:07d}"


def questions(site_key: str, lot: int = 0) -> list[bytes]:
    """Write one request for each shopper and place, shuffled; the product beside which it is shown is the one looked at."""
    asked = []
    for shopper, seen in enumerate(sessions(lot)):
        for slot in ("product", "home", "cart", "discover"):
            if slot == "product" and not seen:
                continue
            beside = f"&product=p{seen[-1]}" if slot == "product" else ""
            asked.append(
                f"GET /offers?site_key={site_key}&visitor={name(shopper, lot)}&slot={slot}&limit=4{beside} HTTP/1.1\r\n"
                "Host: 127.0.0.1\r\nAccept-Language: en\r\nOrigin: https://shop.example\r\n\r\n".encode()
            )
    Random(7).shuffle(asked)
    return asked


class Load:
    """Sends requests over kept connections and waits for each answer; `cpu` is the server's seconds for one."""

    def __init__(self, port: int, web: subprocess.Popen, requests: list[bytes]) -> None:
        self.port, self.web, self.requests = port, web, requests
        self.times: list[float] = []
        self.seconds = self.used = 0.0

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds

    @property
    def cpu(self) -> float:
        return self.used / len(self.times)

    def warm(self, seconds: float) -> None:
        """Send for some seconds that do not count."""
        self.run(seconds=seconds)
        self.times, self.seconds, self.used = [], 0.0, 0.0

    def run(self, *, seconds: float, rate: float | None = None) -> None:
        """Go on sending for some seconds, as fast as it goes or `rate` a second; then a time counts from when it was due."""
        done, before, start = len(self.times), cpu_of(self.web), time.perf_counter()
        failed: list[BaseException] = []

        def one(number: int) -> None:
            try:
                self._send(number, done, start, seconds, rate)
            except BaseException as error:
                failed.append(error)

        senders = [threading.Thread(target=one, args=(number,)) for number in range(CONNECTIONS)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        if failed:
            raise failed[0]
        self.seconds += time.perf_counter() - start
        self.used += cpu_of(self.web) - before

    def _send(self, number: int, done: int, start: float, seconds: float, rate: float | None) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            turn = number
            while True:
                due = start + turn / rate if rate else time.perf_counter()
                if due - start > seconds:
                    return
                if rate:
                    time.sleep(max(0.0, due - time.perf_counter()))
                connection.sendall(self.requests[(done + turn) % len(self.requests)])
                _read(connection)
                self.times.append(time.perf_counter() - due)
                turn += CONNECTIONS


def _read(connection: socket.socket) -> None:
    answer = connection.recv(65_536)
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer[:300])
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)


def cpu_of(server: subprocess.Popen | None) -> float:
    """Return the CPU seconds a server and its workers have used."""
    used = 0.0
    for pid in programs.family_of(server) if server else ():
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            used += (int(fields[11]) + int(fields[12])) / TICKS
    return used


@contextlib.contextmanager
def connected(port: int) -> Iterator[Callable[[bytes], None]]:
    """Keep a connection open; what it yields sends a request and reads the whole answer."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def ask(request: bytes) -> None:
            connection.sendall(request)
            _read(connection)

        yield ask


if __name__ == "__main__":
    print(fill())
