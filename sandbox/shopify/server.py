"""The box as a web server: the Admin API, the page where a shop's owner agrees to an app, tokens, and files of bulk operations."""

import base64
import hashlib
import hmac
import html
import json
import secrets
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from sandbox.shopify import bulk, deliveries, discounts, graph, things

VERSION = "2026-10"
CLIENT_ID, CLIENT_SECRET = "box-client-id", "shpss_box_client_secret"
SCOPES = "read_products,read_customers,read_orders,read_all_orders,read_fulfillments,read_returns,read_inventory,write_discounts"


class Box:
    """A shop at its own address. `faults` are answered first, one a question: a status, or a body to send instead."""

    def __init__(
        self, *, port=0, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, currency="EUR", looks=1, rate=100.0
    ):
        self.client_id, self.client_secret = client_id, client_secret
        self.server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"box": self}))
        self.server.daemon_threads = True
        self.domain = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.domain}"
        self.things = things.Things(currency)
        self.deliveries = deliveries.Deliveries(domain=self.domain, secret=client_secret)
        self.bucket = graph.Bucket(rate=rate)
        self.discounts = discounts.Discounts(self)
        self.root = self._root() | self.discounts.fields()
        self.bulk = bulk.Bulk(self.root, url=self.url, looks=looks)
        self.codes, self.tokens, self.refreshes = {}, {"shpat_lasting": None}, {}
        self.faults, self.asked, self.ranges = [], [], []
        self.ranged = True

    def start(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def _root(self):
        def listed(kind):
            return lambda query=None, **_: graph.chosen(getattr(self.things, kind).values(), query)

        def counted(kind):
            return lambda: {"count": len(getattr(self.things, kind))}

        return {
            "shop": lambda: {"id": "gid://shopify/Shop/1", "name": "Fern & Kettle", "myshopifyDomain": self.domain, "currencyCode": self.things.currency,
                             "primaryDomain": {"url": "https://www.fern-kettle.example"}},
            **{kind: listed(kind) for kind in ("products", "customers", "orders")},
            **{f"{kind}Count": counted(kind) for kind in ("products", "customers", "orders")},
            "currentAppInstallation": lambda: {"accessScopes": [{"handle": one} for one in SCOPES.split(",") if self.discounts.allowed or one != discounts.RIGHT]},
            "webhookSubscriptions": lambda **_: list(self.deliveries.subscriptions),
            "webhookSubscriptionCreate": lambda topic, webhookSubscription: self.deliveries.subscribe(topic, webhookSubscription["uri"]),
            "product": lambda id: self.things.products.get(id),
            "bulkOperation": lambda id: self.bulk.look(id),
            "nodes": lambda ids: [self.things.named(one) for one in ids],
            "bulkOperationRunQuery": lambda query, groupObjects=False: self.bulk.run(query, groupObjects),
        }  # fmt: skip

    # Tokens

    def agree(self, asked):
        """This function will return where the owner is sent who agreed to an app."""
        code = secrets.token_hex(16)
        self.codes[code] = asked["client_id"]
        host = base64.b64encode(f"admin.shopify.com/store/{self.domain}".encode()).decode().rstrip("=")
        told = {
            "code": code,
            "host": host,
            "shop": self.domain,
            "state": asked["state"],
            "timestamp": str(int(time.time())),
        }
        return f"{asked['redirect_uri']}?{urlencode(self.signed(told))}"

    def signed(self, told):
        """This function will sign the parameters of an address as Shopify does."""
        said = "&".join(f"{name}={value}" for name, value in sorted(told.items()))
        return told | {"hmac": hmac.new(self.client_secret.encode(), said.encode(), hashlib.sha256).hexdigest()}

    def give_token(self, asked):
        """This function will return the status and the body for a question for a token."""
        if (asked.get("client_id"), asked.get("client_secret")) != (self.client_id, self.client_secret):
            return 401, {"error": "invalid_client"}
        kind = asked.get("grant_type", "authorization_code")
        if kind == "client_credentials":
            return 200, self._token(86399)
        if kind == "refresh_token":
            if self.refreshes.get(asked.get("refresh_token")) is None:
                return 400, {"error": "invalid_grant"}
            return 200, self._token(3600, refresh=True)
        if self.codes.pop(asked.get("code"), None) is None:
            return 400, {"error": "invalid_request"}
        return 200, self._token(3600, refresh=True) if asked.get("expiring") == "1" else self._token(None)

    def _token(self, seconds, *, refresh=False):
        token = f"shpat_{secrets.token_hex(16)}"
        self.tokens[token] = seconds and time.time() + seconds
        made = {"access_token": token, "scope": SCOPES} | ({"expires_in": seconds} if seconds else {})
        if refresh:
            made |= {"refresh_token": f"shprt_{secrets.token_hex(16)}", "refresh_token_expires_in": 7776000}
            self.refreshes[made["refresh_token"]] = token
        return made

    # Selling by hand

    def front(self):
        """This function will return the box's page: its last orders, and a button that places one more."""
        rows = "".join(
            f"<li>{html.escape(order['name'])} · {html.escape(order['email'] or 'a guest')}</li>"
            for order in list(self.things.orders.values())[-5:]
        )
        return f"<!doctype html><title>Shop in a box</title><h1>Fern &amp; Kettle</h1><ul>{rows}</ul><form method='post' action='/orders'><button>Place an order</button></form>"

    def sell(self):
        """This function will place an order of somebody of now and tell of it, as Shopify does."""
        self.things.now = max(self.things.now, datetime.now(UTC))
        person, product = next(iter(self.things.customers.values())), next(iter(self.things.products.values()))
        self.deliveries.tell("orders/create", self.things.order_told(self.things.add_order(person, [(product, 1)])))

    def opens(self, token):
        ends = self.tokens.get(token, 0)
        return ends is None or ends > time.time()


class _Handler(BaseHTTPRequestHandler):
    box: Box

    def do_GET(self):
        parts = urlsplit(self.path)
        if parts.path == "/admin/oauth/authorize":
            hidden = "".join(
                f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(values[0])}">'
                for name, values in parse_qs(parts.query).items()
            )
            page = f"<!doctype html><title>Install app</title><h1>Install Regulars?</h1><form method='post' action='/admin/oauth/authorize'>{hidden}<button>Install</button></form>"
            self.say(200, page.encode(), "text/html; charset=utf-8")
        elif parts.path == "/":
            self.say(200, self.box.front().encode(), "text/html; charset=utf-8")
        elif parts.path == "/favicon.ico":
            self.say(204, b"")
        elif parts.path.startswith("/files/"):
            self.send_file(parts.path.rpartition("/")[2].removesuffix(".jsonl"))
        else:
            self.say(404, b"{}")

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        if path == "/admin/oauth/authorize":
            asked = {name: values[0] for name, values in parse_qs(raw.decode()).items()}
            self.send_response(302)
            self.send_header("Location", self.box.agree(asked))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path == "/orders":
            self.box.sell()
            self.say(303, b"", more={"Location": "/"})
        elif path == "/admin/oauth/access_token":
            status, body = self.box.give_token({name: values[0] for name, values in parse_qs(raw.decode()).items()})
            self.say(status, json.dumps(body).encode())
        elif path == f"/admin/api/{VERSION}/graphql.json":
            self.answer(raw)
        else:
            self.say(404, b'{"errors":"Not Found"}')

    def answer(self, raw):
        box = self.box
        if not box.opens(self.headers.get("X-Shopify-Access-Token")):
            return self.say(401, b'{"errors":"[API] Invalid API key or access token"}')
        asked = json.loads(raw)
        box.asked.append(asked["query"])
        if box.faults:
            fault = box.faults.pop(0)
            if isinstance(fault, int):
                return self.say(fault, b"{}", more={"Retry-After": "2.0"} if fault == 429 else {})
            return self.say(200, json.dumps(fault).encode())
        body = graph.answer(box.root, asked["query"], asked.get("variables") or {}, box.bucket)
        return self.say(200, json.dumps(body).encode(), more={"X-Shopify-API-Version": VERSION})

    def send_file(self, name):
        raw, asked = self.box.bulk.files.get(name), self.headers.get("Range", "")
        if raw is None:
            return self.say(404, b"")
        if not asked or not self.box.ranged:
            return self.say(200, raw, "application/jsonl")
        first, _dash, last = asked.removeprefix("bytes=").partition("-")
        part = raw[int(first) : int(last) + 1]
        self.box.ranges.append((int(first), len(part)))
        if not part:
            return self.say(416, b"")
        place = {"Content-Range": f"bytes {first}-{int(first) + len(part) - 1}/{len(raw)}"}
        return self.say(206, part, "application/jsonl", more=place)

    def say(self, status, body, kind="application/json", more=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (more or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
