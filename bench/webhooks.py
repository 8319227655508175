"""Section B of the targets: orders that a shop tells, from the signature to the buyer's profile, beside bare INSERTs of the rows.

Everything is real: two web workers, the relay and a worker of each queue, PostgreSQL that flushes each commit to disk. Every order
is another buyer's, with two lines, and its webhook is signed anew. First they are sent as fast as they are answered; measured is
until the last buyer's figures are right. Then 200 come in each second, whether those before are answered or not; measured is how
long each waits for its answer, from the moment it was to be sent, while all that follows from the others is being done.
WEBHOOKS_BENCH=2000 sends more than the few hundred.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from bench import programs, table

SECTION = "B"
WARM, ORDERS, CONNECTIONS = 60, int(os.environ.get("WEBHOOKS_BENCH", 600)), 4
PACE, LINES = 200, 16
TOLD = (
    "deliveries_in",
    "orders",
    "order_lines",
    "customers",
    "customer_facts",
    "customer_identities",
    "timeline_entries",
    "outbox",
)
"""What an order leaves behind in the end, however it came."""


def rows() -> Iterator[table.Row]:
    """Send orders, wait until the profiles know them, and write the same rows plainly."""
    with (
        tempfile.TemporaryDirectory() as folder,
        programs.running(Path(folder), programs=programs.WORK) as product,
        psycopg.connect(product.urls.admin, autocommit=True) as database,
    ):
        shop = connect(product)
        tell(product.port, shop, range(WARM))
        until_known(database, WARM)
        began = time.perf_counter()
        answered = tell(product.port, shop, range(WARM, WARM + ORDERS))
        until_known(database, WARM + ORDERS)
        seconds = time.perf_counter() - began
        until_at_rest(database)
        sent = WARM + ORDERS
        began = time.perf_counter()
        paced = tell(product.port, shop, range(sent, sent + ORDERS), pace=PACE)
        until_known(database, sent + ORDERS)
        behind = max(time.perf_counter() - began - ORDERS / PACE, 0)
        until_at_rest(database)
        plain = bare(product, sent + ORDERS)
    ours = ORDERS / seconds
    yield table.at_least(
        "order webhooks, signature to profile", ours, 200, others=f"bare INSERT {plain:,.0f}/s", form=",.0f", unit="/s"
    )
    yield table.Row("the same as a share of bare INSERT", f"{ours / plain:.1%}", "-", "", None)
    others = f"p50 {statistics.median(paced) * 1000:.1f} ms, all known {behind:.1f} s after the last"
    yield table.at_most("acknowledged at 200/s, p99", _p99(paced), 50, others=others, form=".1f", unit=" ms")
    others = f"p50 {statistics.median(answered) * 1000:.1f} ms"
    yield table.Row("acknowledged when sent as fast as answered, p99", f"{_p99(answered):.1f} ms", others, "", None)


def _p99(seconds: list[float]) -> float:
    """Return in milliseconds what one of a hundred takes longer than."""
    return statistics.quantiles(seconds, n=100)[98] * 1000


def connect(product: programs.Programs) -> dict[str, Any]:
    """Have the company connect a shop; returns it with its address and secret."""
    return call(product, "/api/v1/shops", {"kind": "generic", "name": "Shop", "currency": "EUR"})


def call(product: programs.Programs, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask the running product's API."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {product.made['api_key']}"}
    request = urllib.request.Request(f"http://127.0.0.1:{product.port}{path}", json.dumps(body).encode(), headers)  # noqa: S310 - our own
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own
        found: dict[str, Any] = json.load(answer)
        return found


def order(number: int) -> bytes:
    """Write one order as such a shop sends it."""
    now = datetime.now(UTC).isoformat()
    return json.dumps({"type": "order.created", "data": {
        "external_id": f"o{number}", "number": f"N{number}", "placed_at": now, "updated_at": now, "status": "paid", "currency": "EUR",
        "customer": {"external_id": f"c{number}", "email": f"buyer-{number}@shop.example", "first_name": "Ada", "last_name": f"Number {number}"},
        "lines": [{"position": 0, "product": "p1", "name": "Pot", "quantity": 1, "unit_price": "12.50"},
                  {"position": 1, "product": "p2", "name": "Lid", "quantity": 2, "unit_price": "4.00"}],
        "shipping": "4.90", "tax": "2.78", "total": "25.40",
    }}).encode()  # fmt: skip


def signed(shop: dict[str, Any], number: int, port: int) -> bytes:
    """Return the whole request that tells of an order."""
    body, stamp, key = order(number), str(int(time.time())), f"msg-{number}"
    digest = hmac.new(shop["webhook_secret"].encode(), f"{key}.{stamp}.".encode() + body, hashlib.sha256).digest()
    path = shop["webhook_url"].partition("//")[2].partition("/")[2]
    return (
        f"POST /{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nwebhook-id: {key}\r\n"
        f"webhook-timestamp: {stamp}\r\nwebhook-signature: v1,{base64.b64encode(digest).decode()}\r\n\r\n"
    ).encode() + body


def tell(port: int, shop: dict[str, Any], numbers: range, *, pace: int = 0) -> list[float]:
    """Send orders over some kept connections, so many a second or as fast as they are answered; returns how long each answer
    took, from the moment its order was to be sent."""
    lines = LINES if pace else CONNECTIONS
    start = time.perf_counter() + 0.5
    took: list[float] = []
    failed: list[BaseException] = []

    def one(turn: int) -> None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for place, request in [(n, signed(shop, n, port)) for n in numbers[turn::lines]]:
                    began = start + (place - numbers[0]) / pace if pace else time.perf_counter()
                    time.sleep(max(began - time.perf_counter(), 0))
                    connection.sendall(request)
                    answer = connection.recv(4096)
                    while b"stored" not in answer and (more := connection.recv(4096)):
                        answer += more
                    took.append(time.perf_counter() - began)
                    if not answer.startswith(b"HTTP/1.1 200"):
                        raise RuntimeError(answer[:300])
        except BaseException as error:
            failed.append(error)

    senders = [threading.Thread(target=one, args=(turn,)) for turn in range(lines)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    if failed:
        raise failed[0]
    return took


def until_known(database: psycopg.Connection, many: int) -> None:
    """Wait until so many buyers' figures count their order."""
    _until(database, "SELECT count(*) FROM customer_facts WHERE orders_count = 1 AND spent_amount = 2540", many)


def until_at_rest(database: psycopg.Connection) -> None:
    """Wait until nothing is left to follow from what came, but for what is put off for minutes."""
    waits = "SELECT FROM outbox_doorbell WHERE attempts > 0 OR due_at <= now()"
    _until(database, f"SELECT (NOT EXISTS ({waits}))::int", 1)


def _until(database: psycopg.Connection, question: str, wanted: int) -> None:
    deadline = time.monotonic() + 600
    while database.execute(question).fetchone() != (wanted,):
        if time.monotonic() > deadline:
            raise RuntimeError(f"never came to {wanted}: {question}")
        time.sleep(0.02)


def bare(product: programs.Programs, many: int) -> float:
    """Write what the orders left behind into tables alike, an order a transaction; returns the orders per second."""
    with psycopg.connect(product.urls.owner) as owner, psycopg.connect(product.urls.admin) as reader:
        copies = {}
        for name in TOLD:
            owner.execute(f"CREATE TABLE bare_{name} (LIKE {name} INCLUDING DEFAULTS INCLUDING INDEXES)")
            found = reader.execute(f"SELECT * FROM {name}")
            columns = [column.name for column in found.description or ()]
            values = [[psycopg.types.json.Jsonb(one) if isinstance(one, dict | list) and _json(reader, name, column) else one
                       for one, column in zip(row, columns, strict=True)] for row in found.fetchall()]  # fmt: skip
            copies[f"INSERT INTO bare_{name} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"] = (
                values
            )
        owner.commit()
        began = time.perf_counter()
        for number in range(many):
            with owner.transaction():
                for statement, values in copies.items():
                    for row in values[number::many]:
                        owner.execute(statement, row)
        return many / (time.perf_counter() - began)


KINDS: dict[tuple[str, str], bool] = {}


def _json(reader: psycopg.Connection, name: str, column: str) -> bool:
    if (name, column) not in KINDS:
        asked = "SELECT data_type = 'jsonb' FROM information_schema.columns WHERE table_name = %s AND column_name = %s"
        KINDS[name, column] = reader.execute(asked, [name, column]).fetchone() == (True,)
    return KINDS[name, column]
