"""Section B of the targets: what the tracker costs a shop's visitor: bytes on the way, time of the processor, memory and storage.

Chromium loads a page of a shop with the tracker from a little server that answers for events as the product does, and lives
through a long session. Times are those of the page's own clock, the best of some loads; memory is the heap after a collection.
TRACKER_EVENTS=5000 makes the session longer.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.table import Row, at_most

SECTION = "B"
EVENTS, LOADS = int(os.environ.get("TRACKER_EVENTS", 500)), 5
SCRIPT = Path(__file__).parents[1] / "storefront" / "static" / "shop" / "tracker.js"
MOST_STORED = 100
"""Events that wait in the browser at most."""
BROTLI = "process.stdout.write(String(require('zlib').brotliCompressSync(require('fs').readFileSync(process.argv[1])).length))"
PAGE = """<!doctype html><title>Shop</title>
<script>window.regulars = window.regulars || function () { (regulars.q = regulars.q || []).push(arguments); };</script>
<script>window.before = performance.now()</script>
<script src="/static/shop/tracker.js" data-site-key="pk_000000000000000000000000" data-consent="granted"></script>
<script>window.evaluated = performance.now() - window.before</script>"""
EVALUATE = """async () => {
    const source = await (await fetch('/static/shop/tracker.js')).text();
    const began = performance.now();
    for (let n = 0; n < 200; n++) new Function('if (0) {' + source + '}' + '//' + n);
    return (performance.now() - began) / 200;
}"""
SESSION = """async events => {
    const took = [];
    for (let n = 0; n < events; n++) {
        const began = performance.now();
        regulars('product', { id: 'p' + n });
        took.push(performance.now() - began);
        if (n % 10 === 9) await new Promise(done => setTimeout(done));
    }
    took.sort((a, b) => a - b);
    return { mean: took.reduce((a, b) => a + b) / events, p99: took[Math.floor(events * 0.99)] };
}"""
STORED = "() => Object.entries(localStorage).reduce((sum, [key, value]) => sum + key.length + value.length, 0)"


class Shop(BaseHTTPRequestHandler):
    """A page of a shop, the tracker, and a door for events that is open or shut."""

    open = True

    def do_GET(self) -> None:
        script = self.path.endswith(".js")
        self._answer(
            200, SCRIPT.read_bytes() if script else PAGE.encode(), "text/javascript" if script else "text/html"
        )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(202 if Shop.open else 503, b'{"accepted": 1, "refused": []}', "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def rows() -> Iterator[Row]:
    """Yield the size, the time to read and run it, the time of an event, and what a long session leaves."""
    source = SCRIPT.read_bytes()
    packed = len(gzip.compress(source, 9))
    yield at_most(
        "tracker.js, gzip",
        packed / 1000,
        8,
        others=f"{len(source) / 1000:.1f} kB plain{_brotli()}",
        form=".2f",
        unit=" kB",
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield from _in_chromium(f"http://127.0.0.1:{server.server_port}/")
    finally:
        server.shutdown()


def _brotli() -> str:
    node = shutil.which("node")
    if node is None:
        return ""
    size = subprocess.run([node, "-e", BROTLI, str(SCRIPT)], capture_output=True, check=True, text=True).stdout
    return f", {int(size) / 1000:.2f} kB brotli"


def _in_chromium(address: str) -> Iterator[Row]:
    from tests.browser import shopfront

    with shopfront.chromium() as browser:
        page = browser.new_page()
        loads = []
        for _again in range(LOADS):
            page.goto(address)
            loads.append(page.evaluate("window.evaluated"))
        yield at_most("fetched from this machine, read and run", min(loads), 50, form=".1f", unit=" ms")
        yield at_most("  read by the engine", page.evaluate(EVALUATE), 5, form=".3f", unit=" ms")
        tools = page.context.new_cdp_session(page)
        for what, is_open in ((f"{EVENTS} events in one page", True), (f"{EVENTS} events that nobody takes", False)):
            Shop.open = is_open
            page.goto(address)
            page.evaluate("localStorage.clear()")
            before = _heap(tools)
            took = page.evaluate(SESSION, EVENTS)
            grown, stored = (_heap(tools) - before) / 1e3, page.evaluate(STORED) / 1e3
            yield at_most(f"{what}: each", took["mean"], 1, others=f"p99 {took['p99']:.2f} ms", form=".3f", unit=" ms")
            yield at_most("  memory more", grown, 1000, form=",.0f", unit=" kB")
            limit = MOST_STORED * 0.5
            yield at_most(
                "  in the browser's storage",
                stored,
                limit,
                others=f"at most {MOST_STORED} events wait",
                form=".1f",
                unit=" kB",
            )


def _heap(tools: Any) -> float:
    tools.send("HeapProfiler.collectGarbage")
    return tools.send("Runtime.getHeapUsage")["usedSize"]
