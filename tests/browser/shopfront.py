"""A shop and a collector on two origins of loopback, so that the shop's scripts meet a real Chromium and nothing else.

The collector remembers what it was sent and answers /offers with what the test gave it; the shop serves the pages
it was given. Unlike tests/servers.py nothing here starts the product: the scripts are held to the wire contract alone.
"""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "storefront" / "static" / "shop"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SITE_KEY = "pk_" + "A1b2C3d4" * 3
CHROMIUM = {
    "executable_path": "/usr/bin/chromium",
    "args": [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ],
}
STUB = "window.regulars = window.regulars || function () { (regulars.q = regulars.q || []).push(arguments); };"


@contextlib.contextmanager
def chromium():
    """This function will start a Chromium and yield it."""
    with sync_playwright() as play:
        browser = play.chromium.launch(**CHROMIUM)
        try:
            yield browser
        finally:
            browser.close()


class Server:
    """One origin on loopback that can be taken down and brought back at the same port."""

    def __init__(self, host="127.0.0.1"):
        self.host, self.port, self._server = host, 0, None
        self.start()

    @property
    def origin(self):
        return f"http://{self.host}:{self.port}"

    def start(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_GET(self):
                outer.get(self)

            def do_POST(self):
                outer.post(self, self.rfile.read(int(self.headers["Content-Length"] or 0)))

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self):
        if self._server:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def get(self, request):
        answer(request, 404, "nothing here")

    def post(self, request, body):
        answer(request, 404, "nothing here")


class Shop(Server):
    """The shop's own origin: `pages` maps a path to HTML, `headers` go with every page."""

    def __init__(self):
        self.pages, self.headers = {}, {}
        super().__init__("localhost")

    def get(self, request):
        html = self.pages.get(urlsplit(request.path).path)
        answer(request, 200 if html else 404, html or "no page", "text/html; charset=utf-8", self.headers)


class Collector(Server):
    """The CRM's origin as a shop sees it: scripts, /collect, /offers and /forms."""

    def __init__(self):
        self.batches, self.questions, self.offers = [], [], []
        self.forms, self.told, self.asked_forms = {}, [], 0
        self.me = {}  # what a browser that agreed is told of itself, beside being nobody yet
        self.status, self.offers_status = 202, 200
        self.beside = {}  # what an answer to /offers has beside its items
        self.gate = threading.Event()
        self.gate.set()
        self._news = threading.Condition()
        super().__init__()

    def get(self, request):
        url = urlsplit(request.path)
        if url.path.startswith("/static/shop/"):
            script = (SCRIPTS / Path(url.path).name).read_bytes()
            answer(request, 200, script, "text/javascript; charset=utf-8", {"Access-Control-Allow-Origin": "*"})
        elif url.path == "/forms/me":
            told = json.dumps({"known": False, "subscribed": False} | self.me)
            answer(request, 200, told, "application/json", {"Access-Control-Allow-Origin": "*"})
        elif url.path == "/forms":
            with self._news:
                self.asked_forms += 1
                self._news.notify_all()
            told = json.dumps({"forms": [], "watch": {}} | self.forms)
            answer(request, 200, told, "application/json", {"Access-Control-Allow-Origin": "*"})
        elif url.path == "/offers":
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            with self._news:
                self.questions.append(query)
                self._news.notify_all()
            self.gate.wait(120)
            items = self.offers(query) if callable(self.offers) else self.offers
            answer(
                request,
                self.offers_status,
                json.dumps({"slot": query["slot"], "request": "r1", "items": items, **self.beside}),
                "application/json",
                {"Access-Control-Allow-Origin": "*"},
            )
        else:
            answer(request, 404, "nothing here")

    def post(self, request, body):
        if not request.path.startswith("/collect"):
            with self._news:
                self.told.append({"path": request.path, **json.loads(body)})
                self._news.notify_all()
            answer(request, 202, '{"state": "taken"}', "application/json", {"Access-Control-Allow-Origin": "*"})
            return
        with self._news:
            self.batches.append(
                {"status": self.status, "type": request.headers["Content-Type"], "size": len(body), **json.loads(body)}
            )
            self._news.notify_all()
        answer(request, self.status, "{}", "application/json", {"Access-Control-Allow-Origin": "*"})

    def events(self, kind=None):
        """This function will list the accepted events, of one kind if given, oldest first.

        An event whose answer a page had not read when it was left comes again from the next page. Like the product's own
        collector this one counts it once, by its id.
        """
        once = {}
        for batch in self.batches:
            for event in batch["events"] if batch["status"] == 202 else ():
                once.setdefault(event["id"], event)
        return [event for event in once.values() if kind in (None, event["type"])]

    def await_that(self, condition, seconds=60):
        """This function will wait until `condition()` holds, asking again whenever something arrives."""
        with self._news:
            assert self._news.wait_for(condition, seconds), f"never came; so far {self.batches} {self.questions}"


def answer(request, status, body, kind="text/plain", headers=None):
    """This function will send one complete answer, unless who asked has gone."""
    data = body if isinstance(body, bytes) else body.encode()
    with contextlib.suppress(ConnectionError):
        request.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            "Connection": "close",
            **(headers or {}),
        }.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(data)


def page_html(collector, *, consent="ask", calls="", body="", widget=False, head="", nonce=""):
    """This function will write a shop's page with the tracker, and the widget if wanted, from the collector."""
    nonce = f' nonce="{nonce}"' if nonce else ""
    scripts = (
        f"<script{nonce}>{STUB}{calls}</script>"
        f'<script{nonce} async src="{collector.origin}/static/shop/tracker.js" data-site-key="{SITE_KEY}" '
        f'data-consent="{consent}"></script>'
    )
    if widget:
        scripts += f'<script{nonce} async src="{collector.origin}/static/shop/widget.js"></script>'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tea shop</title>'
        '<link rel="icon" href="data:,">'
        f'<meta name="viewport" content="width=device-width">{head}</head><body><main><h1>Tea</h1>{body}</main>'
        f"{scripts}</body></html>"
    )
