"""Section B of the targets: what a company notices of another that hammers the same machine.

A quiet program asks for its customers again and again, alone and while eight connections of another company ask for pages of two
hundred as fast as they are answered and mind no Retry-After. Two web processes, as in production; the clients run on the same two
cores. The row without limits shows what they are for.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.table import Row, at_most

SECTION = "B"
HANDS, SECONDS, PAUSE = 8, 8.0, 0.1
QUIET, NOISY = "/api/v1/customers?limit=25", "/api/v1/customers?limit=200"


@dataclass
class Seen:
    """What one company saw: how long its answers took, and how often it was put off."""

    took: list[float] = field(default_factory=list)
    refused: int = 0
    failed: int = 0

    def p95(self) -> float:
        return sorted(self.took)[int(len(self.took) * 0.95)] if self.took else float("inf")


def ask(port: int, path: str, key: str, *, seconds: float, pause: float = 0.0) -> Seen:
    """Ask one after the other on one connection for so long."""
    seen, line, end = Seen(), http.client.HTTPConnection("127.0.0.1", port, timeout=30), time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        line.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        answer = line.getresponse()
        answer.read()
        if answer.status == 200:
            seen.took.append(time.monotonic() - began)
        elif answer.status == 429:
            seen.refused += 1
        else:
            seen.failed += 1
        if pause:
            time.sleep(pause)
    line.close()
    return seen


def hammer(port: int, key: str, seconds: float, told) -> None:
    """Be the noisy company, in a process of its own."""
    all_seen: list[Seen] = []

    def one() -> None:
        all_seen.append(ask(port, NOISY, key, seconds=seconds))

    hands = [threading.Thread(target=one) for _ in range(HANDS)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    told.put(
        (
            sum(len(seen.took) for seen in all_seen),
            sum(seen.refused for seen in all_seen),
            sum(seen.failed for seen in all_seen),
        )
    )


@contextmanager
def web(addresses, *, share: int) -> Iterator[tuple[int, str, str]]:
    """Start two web processes with two companies of 300 customers; yield the port and both keys."""
    from saas.kit.servers import free_port
    from tests import servers
    from tests.failures.copies import OURS, ROOT

    urls = servers.new_database(addresses, name=f"bench_{secrets.token_hex(4)}")
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in OURS} | urls.environment() | {
        "REDIS_URL": addresses["valkey"], "ENVIRONMENT": "development", "TENANT_SHARE": str(share), "RATE_LIMITS": "1" if share else "0",
        "PUBLIC_URL": f"http://127.0.0.1:{port}", "VAR_DIR": addresses["folder"],
    }  # fmt: skip
    program = os.path.join(os.path.dirname(sys.executable), "granian")
    command = [
        program,
        "--interface",
        "wsgi",
        "saas.wsgi:app",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "2",
    ]
    process = subprocess.Popen(
        [*command, "--blocking-threads", "12", "--no-ws", "--log-level", "error"], cwd=ROOT, env=environment
    )
    try:
        keys = [_found(environment, name, ROOT) for name in ("quiet", "noisy")]
        _until_ready(port)
        for key in keys:
            _fill(port, key)
        yield port, *keys
    finally:
        process.terminate()
        process.wait(30)


def _found(environment: dict, name: str, root) -> str:
    command = [sys.executable, "-m", "saas", "tenants", "create", "--json", "--plan", "scale", "--company", name]
    command += ["--email", f"{name}@shop.example", "--password", "correct horse battery"]
    return json.loads(
        subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True).stdout
    )["api_key"]


def _until_ready(port: int) -> None:
    for _ in range(600):
        try:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            line.request("GET", "/readyz")
            if line.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the web does not come up")


def _fill(port: int, key: str) -> None:
    people = [{"external_id": str(n), "email": f"c{n}@shop.example", "first_name": "Ada"} for n in range(300)]
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    line.request("POST", "/api/v1/customers/bulk", body=json.dumps({"items": people}), headers=headers)
    answer = line.getresponse()
    if answer.status >= 300:
        raise RuntimeError(f"{answer.status}: {answer.read()[:300]!r}")


def measure(addresses, *, share: int = 25, seconds: float = SECONDS) -> tuple[Seen, Seen, tuple[int, int, int]]:
    """Return what the quiet company saw alone and beside the noisy one, and what that one got: answers, refusals, failures."""
    with web(addresses, share=share) as (port, quiet, noisy):
        ask(port, QUIET, quiet, seconds=1.0, pause=PAUSE)
        alone = ask(port, QUIET, quiet, seconds=seconds / 2, pause=PAUSE)
        told: multiprocessing.Queue = multiprocessing.get_context("spawn").Queue()
        other = multiprocessing.get_context("spawn").Process(target=hammer, args=(port, noisy, seconds + 6, told))
        other.start()
        ask(port, QUIET, quiet, seconds=5.0, pause=PAUSE)  # until the purse is empty
        beside = ask(port, QUIET, quiet, seconds=seconds, pause=PAUSE)
        got = told.get(timeout=60)
        other.join()
    return alone, beside, got


def rows() -> Iterator[Row]:
    """Yield how much slower the quiet company is beside the noisy one, with and without limits."""
    from tests import servers

    with servers.running() as addresses:
        for share in (25, 0):
            alone, beside, got = measure(addresses, share=share)
            said = f"p95 {alone.p95() * 1000:.0f} -> {beside.p95() * 1000:.0f} ms; the other got {got[0]}, was put off {got[1]} times"
            if share:
                yield at_most(
                    "p95 beside a company that hammers, against alone",
                    beside.p95() / alone.p95(),
                    2.0,
                    others=said,
                    form=".2f",
                    unit="x",
                )
                yield at_most("of it put off or failed", float(beside.refused + beside.failed), 0, form=".0f")
            else:
                yield Row("the same without limits", f"{beside.p95() / alone.p95():.2f}x", said, "-", None)
