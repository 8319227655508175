"""Section B of the targets: a great many recommendations over HTTP leave the memory of the web workers where it was.

The shop and the questions are those of `bench.offers`. What is remembered of answers and predictions fills while the first
requests are answered; from then on memory is looked at twenty times. `BENCH_REQUESTS=1000000 python -m bench offers_memory` asks as
often as the target says; without it so often that `make bench` stays short.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench import offers, table

SECTION = "B"
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "60000"))
WARM_UP = 40_000  # until the bounded memories are full
LOOKS = 20
PAGE = os.sysconf("SC_PAGE_SIZE")


def rows() -> Iterator[table.Row]:
    """Ask for offers again and again and look at the memory of the server's processes meanwhile."""
    with (
        tempfile.TemporaryDirectory() as folder,
        offers.prepared(Path(folder)) as (environment, site_key),
        offers.serving("saas.wsgi:app", environment) as (port, web),
    ):
        asked = offers.questions(site_key)
        send(port, asked, WARM_UP)
        began, held = time.perf_counter(), [(0, memory_of(web))]
        for look in range(1, LOOKS + 1):
            send(port, asked, REQUESTS // LOOKS)
            held.append((look * (REQUESTS // LOOKS), memory_of(web)))
        took = time.perf_counter() - began
    sent, bytes_held = np.array(held, dtype=float).T
    slope = float(np.polyfit(sent, bytes_held, 1)[0]) * 100_000 / 1e6
    swing = (bytes_held.max() - bytes_held.min()) / 1e6
    told = f"{bytes_held[0] / 1e6:.0f} MB to {bytes_held[-1] / 1e6:.0f} MB, {sent[-1] / took:,.0f}/s"
    yield table.at_most(
        f"{int(sent[-1]):,} offers, two web workers' memory, swing", swing, 0.05 * bytes_held[0] / 1e6, form=".1f", unit=" MB", others=told
    )  # fmt: skip
    yield table.Row("the same, more for each 100,000 requests", f"{slope:+.2f} MB", "-", "", None)


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


def memory_of(server: subprocess.Popen) -> int:
    """Return the bytes in memory of a server and its workers."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE for pid in offers.family_of(server))
