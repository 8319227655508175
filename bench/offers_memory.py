"""Section B of the targets: a great many recommendations over HTTP leave the memory of the web workers where it was.

The shop is that of `bench.offers`. For every 20,000 shoppers with four questions each come 20,000 others with other sessions, so that
nothing is asked twice; what is remembered of answers and predictions fills while the first requests are answered, and from then on
memory is looked at. `BENCH_REQUESTS=1000000 python -m bench offers_memory` asks as often as the target says; without it so often
that `make bench` stays short.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import redis

from bench import offers, programs, table
from saas.recommend import shown

SECTION = "B"
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "60000"))
EVERY = 50_000  # requests between two looks at memory, each time of other shoppers
WARM_UP = 2  # times so many, until the bounded memories are full


def rows() -> Iterator[table.Row]:
    """Ask for offers again and again and look at the memory of the server's processes meanwhile."""
    with (
        tempfile.TemporaryDirectory() as folder,
        offers.prepared(Path(folder)) as (environment, site_key),
        offers.serving("saas.wsgi:app", environment) as (port, web),
    ):
        for lot in range(WARM_UP):
            send(port, strangers(environment, site_key, lot), EVERY)
        began, held = time.perf_counter(), [(0, programs.memory_of(web))]
        for look in range(1, max(REQUESTS // EVERY, 2) + 1):
            send(port, strangers(environment, site_key, WARM_UP + look), EVERY)
            held.append((look * EVERY, programs.memory_of(web)))
        took = time.perf_counter() - began
    sent, bytes_held = np.array(held, dtype=float).T
    slope = float(np.polyfit(sent, bytes_held, 1)[0]) * 100_000 / 1e6
    swing = (bytes_held.max() - bytes_held.min()) / 1e6
    each = " ".join(f"{one / 1e6:.0f}" for one in bytes_held[:: 2 if len(bytes_held) > 4 else 1])
    told = f"{each} MB, {sent[-1] / took:,.0f}/s"
    yield table.at_most(
        f"{int(sent[-1]):,} offers, two web workers' memory, swing", swing, 0.05 * bytes_held[0] / 1e6, form=".1f", unit=" MB", others=told
    )  # fmt: skip
    yield table.Row("the same, more for each 100,000 requests", f"{slope:+.2f} MB", "-", "", None)


def strangers(environment: dict[str, str], site_key: str, lot: int) -> list[bytes]:
    """Give shoppers whom nobody has seen yet their live sessions, and return their questions."""
    client = redis.Redis.from_url(environment["REDIS_URL"])
    tenant_id = next(client.scan_iter(match="stock:*:mark", count=1000)).decode().split(":")[1]
    offers.begin_sessions(client, tenant_id, lot)
    client.delete(shown.STREAM)  # what is shown is kept by another program; here nobody reads it
    client.close()
    return offers.questions(site_key, lot)[:EVERY]


def send(port: int, asked: list[bytes], number: int) -> None:
    """Send so many requests over the kept connections."""
    failed: list[BaseException] = []

    def one(place: int) -> None:
        try:
            with offers.connected(port) as ask:
                for turn in range(place, number, offers.CONNECTIONS):
                    ask(asked[turn % len(asked)])
        except BaseException as error:
            failed.append(error)

    senders = [threading.Thread(target=one, args=(place,)) for place in range(offers.CONNECTIONS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    if failed:
        raise failed[0]
