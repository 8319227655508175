"""Section B of the targets: a great many shopper events leave the memory of what takes them in where it was.

Browsers that nobody has seen before send a hundred events each, two web workers take them in, and the relay and the worker of
events make visits of them. After a warm-up each tenth of the events is sent and made sense of, then the memory of each program is
looked at; told is the slope of the line through these looks. EVENTS=10000000 sends as many as the target says.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

import numpy as np
import psycopg
import redis

from bench import collect, programs, table

SECTION = "B"
EVENTS = int(os.environ.get("EVENTS", 200_000))
BATCH, CONNECTIONS, LOOKS = 100, 4, 10
WARM_UP = 100_000
MOST = 20.0
"""Megabytes more for each million events."""
WORK = ("relay", "worker events")
WAITING = "SELECT EXISTS (SELECT FROM visitors WHERE announcement IS NOT NULL)"


def rows() -> Iterator[table.Row]:
    """Send events, a tenth at a time, and look at the memory in between."""
    with (
        tempfile.TemporaryDirectory() as folder,
        programs.running(Path(folder), programs=WORK) as product,
        psycopg.connect(product.urls.admin, autocommit=True) as database,
    ):
        valkey, browsers = redis.Redis.from_url(product.environment["REDIS_URL"]), count()
        watched = {"web workers": product.web, **{name: product.others[name] for name in WORK}}
        seen: dict[str, list[float]] = {name: [] for name in (*watched, "Valkey")}
        sent = 0
        for _burst in range(2):  # after a rest other threads take in, and make room for themselves too
            sent += send(product, browsers, WARM_UP // 2)
            until_digested(database)
        began = time.perf_counter()
        for look in range(LOOKS + 1):
            if look:
                sent += send(product, browsers, EVENTS // LOOKS)
                until_digested(database)
            for name, process in watched.items():
                seen[name].append(programs.memory_of(process) / 1e6)
            seen["Valkey"].append(valkey.info("memory")["used_memory"] / 1e6)
        took = time.perf_counter() - began
        stored = database.execute("SELECT count(*) FROM shop_events").fetchone()
    if stored != (sent,):
        raise RuntimeError(f"{sent} events were answered for, and {stored} are there")
    millions = np.arange(LOOKS + 1) * (EVENTS // LOOKS) / 1e6
    for name in watched:
        slope = float(np.polyfit(millions, seen[name], 1)[0])
        others = " ".join(f"{held:.0f}" for held in seen[name]) + " MB"
        what = f"{name} over {EVENTS:,} events, more for each million"
        yield table.at_most(what, slope, MOST, others=others, form="+.1f", unit=" MB")
    others = f"{seen['Valkey'][0]:.0f} MB before, {EVENTS / took:,.0f} events/s taken in and made visits of"
    yield table.Row(
        "Valkey, which forgets a live session after 30 minutes", f"{seen['Valkey'][-1]:.0f} MB", others, "", None
    )


def send(product: programs.Programs, browsers: Iterator[int], number: int) -> int:
    """Send so many events over kept connections, each batch from a browser of its own; returns how many were answered for."""
    gate, failed = threading.Lock(), []
    left = iter(range(number // BATCH))

    def one() -> None:
        random = Random(time.time_ns())
        try:
            with socket.create_connection(("127.0.0.1", product.port)) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while True:
                    with gate:
                        if next(left, None) is None:
                            return
                        browser = next(browsers)
                    ask(connection, request(product, random, browser))
        except BaseException as error:
            failed.append(error)

    senders = [threading.Thread(target=one) for _ in range(CONNECTIONS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    if failed:
        raise failed[0]
    return number // BATCH * BATCH


def request(product: programs.Programs, random: Random, browser: int) -> bytes:
    """Make a batch of what a browser did within the last day."""
    began = datetime.now(UTC) - timedelta(seconds=random.randrange(3_600, 86_400))
    body = json.dumps({
        "site_key": product.made["site_key"], "visitor": f"bench-browser-{browser:08d}", "consent": {"analytics": True, "marketing": True},
        "events": [collect.event(random, began + timedelta(seconds=10 * number)) for number in range(BATCH)],
    }).encode()  # fmt: skip
    head = f"POST /collect HTTP/1.1\r\nHost: 127.0.0.1:{product.port}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def ask(connection: socket.socket, told: bytes) -> None:
    connection.sendall(told)
    answer = connection.recv(4096)
    while answer and not answer.endswith(b"}"):  # the head and the body may come one after the other
        answer += connection.recv(4096)
    if not answer.startswith(b"HTTP/1.1 202") or f'"accepted":{BATCH},'.encode() not in answer:
        raise RuntimeError(answer)


def until_digested(database: psycopg.Connection) -> None:
    """Wait until everything that came in became visits."""
    deadline = time.monotonic() + 1800
    while database.execute(WAITING).fetchone() == (True,):
        if time.monotonic() > deadline:
            raise RuntimeError("the events never became visits")
        time.sleep(0.2)
