"""Section B of the targets: from what a shopper does until everything knows it, with the product's own programs at work.

Each of some shoppers, one after the other, says who they are and looks at a product. Measured from before the request: until the
live session, which the next recommendation reads, has the product; until the segment of those who looked at something in the
last days has the customer; and until the reactions to the digested visit have run, which is where a journey begins.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import redis

from bench import programs, table, webhooks

SECTION = "B"
SHOPPERS, WARM = int(os.environ.get("EFFECT_BENCH", 60)), 5
PROGRAMS = ("relay", "worker events")
OTHERS = "dittofeed polls every 120 s, gorse refits every 60 min"
SEGMENT = {"match": "all", "conditions": [{"field": "viewed", "operator": "in_last_days", "value": 30}]}
DIGESTED = (
    "SELECT count(*) FROM outbox WHERE name = 'BrowsingDigested' AND done_at IS NOT NULL AND payload -> 'visitors' ? %s"
)


def rows() -> Iterator[table.Row]:
    """Have shoppers come one after the other, and look how soon each place knows."""
    took: dict[str, list[float]] = {"live session": [], "segment": [], "reactions": []}
    with (
        tempfile.TemporaryDirectory() as folder, programs.running(Path(folder), programs=PROGRAMS) as product,
        psycopg.connect(product.urls.admin, autocommit=True) as database,
    ):  # fmt: skip
        valkey = redis.Redis.from_url(product.environment["REDIS_URL"])
        people = webhooks.call(
            product,
            "/api/v1/customers/bulk",
            {"items": [{"external_id": f"c{n}", "email": f"c{n}@shop.example"} for n in range(SHOPPERS)]},
        )
        segment = webhooks.call(product, "/api/v1/segments", {"name": "Lookers", "definition": SEGMENT})
        for number, person in enumerate(people["items"]):
            visitor, began = f"bench-shopper-{number:06d}", time.perf_counter()
            collect(product, visitor, f"c{number}@shop.example")
            known = {
                "live session": lambda visitor=visitor: (
                    b'"p1"' in (valkey.get(f"live:{product.made['tenant_id']}:{visitor}") or b"")
                ),
                "reactions": lambda visitor=visitor: database.execute(DIGESTED, [visitor]).fetchone() == (1,),
                "segment": lambda person=person: belongs(product, segment["id"], person["id"]),
            }
            for name, asked in known.items():
                until(asked)
                if number >= WARM:
                    took[name].append((time.perf_counter() - began) * 1000)
    for name, times in took.items():
        what = {
            "live session": "the next recommendation",
            "segment": "the live segment",
            "reactions": "what a journey begins with",
        }[name]
        half, most = np.quantile(times, [0.5, 0.99])
        yield table.at_most(
            f"a product was looked at until {what} knows, p99",
            most,
            1000,
            others=f"p50 {half:.0f} ms; {OTHERS}",
            form=".0f",
            unit=" ms",
        )


def collect(product: programs.Programs, visitor: str, email: str) -> None:
    """Tell who a browser's shopper is and that they look at a product."""
    now = datetime.now(UTC).isoformat()
    events: list[dict[str, Any]] = [
        {"id": f"{visitor}-1", "type": "identified", "at": now, "identity": {"email": email}},
        {"id": f"{visitor}-2", "type": "product_viewed", "at": now, "product": "p1", "url": "https://shop.example/p1"},
    ]
    told = {
        "site_key": product.made["site_key"],
        "visitor": visitor,
        "consent": {"analytics": True, "marketing": True},
        "events": events,
    }
    request = urllib.request.Request(f"http://127.0.0.1:{product.port}/collect", json.dumps(told).encode())  # noqa: S310 - our own
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own
        if json.load(answer)["accepted"] != len(events):
            raise RuntimeError("an event was refused")


def belongs(product: programs.Programs, segment_id: str, customer_id: str) -> bool:
    """Tell whether a segment has a customer, as a program asks."""
    path = f"http://127.0.0.1:{product.port}/api/v1/segments/{segment_id}/customers?limit=200"
    request = urllib.request.Request(path, headers={"Authorization": f"Bearer {product.made['api_key']}"})  # noqa: S310 - our own
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own
        return customer_id in answer.read().decode()


def until(known: Callable[[], bool]) -> None:
    """Wait until something is known, looking every few milliseconds."""
    deadline = time.monotonic() + 120
    while not known():
        if time.monotonic() > deadline:
            raise RuntimeError("what was looked at never came there")
        time.sleep(0.004)
