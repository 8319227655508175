"""The site as a web server: its pages, WordPress' index of the REST API, the API itself, and the page that hands out keys."""

import html
import json
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import urllib3

from sandbox.wordpress import coupons, hooks, keys, things

KEY, SECRET = "ck_box", "cs_box"
NAMESPACE = "/wc/v3"
ORDERINGS = ("id", "date", "modified", "include", "title", "slug", "registered_date", "name")
NO_ROUTE = (404, "rest_no_route", "No route was found matching the URL and request method.")


@dataclass
class Call:
    """One question to the API: `path` as WordPress sees it, `route` below the namespace."""

    method: str
    path: str
    route: str
    query: dict
    headers: object
    body: dict


class Box:
    """A store at its own address.

    `permalinks` is pretty, index (index.php in every address) or plain; `tls` whether WordPress believes that it is spoken
    to over https (behind a proxy); `strips_header` a host that takes the Authorization header away; `moved_to` an address all
    else leads to. `site` is where WordPress lies itself when that is not where its pages are; `ahead` by how many seconds its
    clock is wrong; `tongue` its sentences in another language; `application_passwords` whether WordPress looks for a user of
    the key's name. `faults` are answered first, one a question of the API: a status, or a body to send instead. `cron` has what
    waits leave at once, as though the minute were always over; `rings` whether a call of wp-cron.php has it leave.
    """

    def __init__(self, *, port=0, version="10.0.2", currency="GBP", cron=False, base=None):
        self.server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"box": self}))
        self.server.daemon_threads = True
        self.home = self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.version, self.currency, self.cron = version, currency, cron
        self.name, self.zone = "Fern & Kettle", "Europe/London"
        self.site = ""  # where WordPress lies itself, when that is not where its pages are
        self.permalinks, self.tls, self.strips_header, self.moved_to = "pretty", False, False, ""
        self.wordpress, self.woocommerce = True, True
        self.ahead, self.tongue, self.application_passwords = 0, {}, False
        self.keys, self.nonces = {KEY: (SECRET, "read_write")}, set()
        self.faults, self.asked, self.reviews = [], [], []
        self.rings, self.carried = True, threading.Event()
        self.carried.set()
        self.hooks = hooks.Hooks(self)
        self.goods = things.Things(self, base=base)
        self.coupons = coupons.Coupons(self)
        self.lock = threading.RLock()

    def start(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def things(self, kind):
        return getattr(self.goods, kind, {})

    def now(self):
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")

    def says(self, sentence):
        """This function will return a sentence in the store's language."""
        return self.tongue.get(sentence, sentence)

    def date_time_string(self):
        return formatdate(time.time() + self.ahead, usegmt=True)

    def before(self, *version):
        """This function will tell whether the store is older than a version."""
        return tuple(int(part) for part in self.version.split(".")[: len(version)]) < version

    def root(self):
        """This function will return where the API is, as the store's pages tell it."""
        if self.permalinks == "plain":
            return f"{self.home}/index.php?rest_route=/"
        return f"{self.home}{'/index.php' if self.permalinks == 'index' else ''}/wp-json/"

    def index(self):
        spaces = ["oembed/1.0", "wp/v2"] + (["wc/v1", "wc/v2", "wc/v3"] if self.woocommerce else [])
        return {"name": self.name, "description": "Just another WordPress site", "url": self.site or self.home, "home": self.home, "gmt_offset": "0",
                "timezone_string": self.zone, "namespaces": spaces, "authentication": [], "routes": {}}  # fmt: skip

    def answer(self, call):
        """This function will return status, body and headers for a question below the namespace; raises keys.Refused."""
        with self.lock:
            self.asked.append(f"{call.method} {call.route}")
            if self.faults:
                fault = self.faults.pop(0)
                return (
                    (fault, {"code": "broken", "message": "Broken."}, {})
                    if isinstance(fault, int)
                    else (200, fault, {})
                )
            if not self.woocommerce:
                raise keys.Refused(*NO_ROUTE)
            keys.admitted(self, call)
            kind, _slash, rest = call.route.strip("/").partition("/")
            if kind == "system_status":
                return 200, self.status(), {}
            if call.route == "/data/currencies/current":
                return 200, {"code": self.currency, "name": "Pound sterling", "symbol": "&pound;"}, {}
            if kind == "webhooks":
                return self.webhooks(call, rest)
            if kind == "coupons":
                return (*self.coupons.answer(call, rest), {})
            if call.route == "/products/reviews":
                return self.reviews_of(call)
            if call.route == "/products/categories":
                return 200, [{"id": 16, "name": "Tea", "slug": "tea"}, {"id": 17, "name": "Pots", "slug": "pots"}], {}
            if kind in ("products", "customers", "orders"):
                return self.listed(call, kind) if not rest else self.single(call, kind, rest)
            raise keys.Refused(*NO_ROUTE)

    def reviews_of(self, call):
        """This function will list reviews, the newest first, those approved unless all are asked for."""
        rows = [row for row in self.reviews if call.query.get("status") == "all" or row["status"] == "approved"]
        many, page = int(call.query.get("per_page", 10)), int(call.query.get("page", 1))
        pages = -(-len(rows) // many)
        return (
            200,
            rows[::-1][(page - 1) * many : page * many],
            {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(pages)},
        )

    def status(self):
        return {"environment": {"home_url": self.home, "site_url": self.home, "version": self.version, "wp_version": "6.9.7"},
                "settings": {"api_enabled": False, "force_ssl": False, "currency": self.currency, "currency_symbol": "£"}}  # fmt: skip

    def listed(self, call, kind):
        query = call.query
        order = query.get("orderby", "date")
        if order not in ORDERINGS or (order == "modified" and self.before(5, 8)):
            raise keys.Refused(400, "rest_invalid_param", "Invalid parameter(s): orderby")
        rows = list(self.things(kind).values())
        for name, column in (("modified_after", "date_modified_gmt"), ("after", "date_created_gmt")):
            if query.get(name) and not (name == "modified_after" and self.before(5, 8)):
                rows = [row for row in rows if row[column] > query[name][:19]]
        if query.get("before"):
            rows = [row for row in rows if row["date_created_gmt"] < query["before"][:19]]
        for name, wanted in (("include", True), ("exclude", False)):
            if query.get(name):
                rows = [row for row in rows if (str(row["id"]) in query[name].split(",")) is wanted]
        column = {
            "modified": "date_modified_gmt",
            "date": "date_created_gmt",
            "registered_date": "date_created_gmt",
        }.get(order, "id")
        rows.sort(key=lambda row: (row[column], row["id"]), reverse=query.get("order", "desc") == "desc")
        each = int(query.get("per_page", 10))
        if not 1 <= each <= 100:
            raise keys.Refused(400, "rest_invalid_param", "Invalid parameter(s): per_page")
        first = int(query["offset"]) if query.get("offset") else (int(query.get("page", 1)) - 1) * each
        return (
            200,
            rows[first : first + each],
            {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(-(-len(rows) // each))},
        )

    def single(self, call, kind, rest):
        held = self.things(kind)
        number = int(rest) if rest.isdigit() else 0
        if number not in held:
            raise keys.Refused(404, f"woocommerce_rest_{kind.removesuffix('s')}_invalid_id", "Invalid ID.")
        if call.method == "GET":
            return 200, held[number], {}
        changed = self.goods.touch(kind, number, call.body)
        self.ring()
        return 200, changed, {}

    def webhooks(self, call, rest):
        held = self.hooks.held
        if rest == "batch":
            return 200, [], {}  # PHP writes an empty object as a list
        if not rest and call.method == "GET":
            each, page = int(call.query.get("per_page", 10)), int(call.query.get("page", 1))
            found = [hooks.shown(one) for one in reversed(held.values())]
            told = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(-(-len(found) // each))}
            return 200, found[(page - 1) * each : page * each], told
        if not rest:
            return (*self.hooks.create(call.body), {})
        hook = held.get(int(rest) if rest.isdigit() else 0)
        if hook is None:
            raise keys.Refused(404, "woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.")
        if call.method == "DELETE":
            del held[hook["id"]]
            return 200, hooks.shown(hook), {}
        return (*(self.hooks.change(hook, call.body) if call.method != "GET" else (200, hooks.shown(hook))), {})

    def ring(self):
        if self.cron:
            self.carried.clear()
            threading.Thread(target=self.carry, daemon=True).start()

    def carry(self):
        self.hooks.carry()
        self.carried.set()

    def grant(self, asked):
        """This function will make keys, hand them to who asked as wc-auth does, and return where the owner is led; None: not taken."""
        key, secret = f"ck_{secrets.token_hex(20)}", f"cs_{secrets.token_hex(20)}"
        self.keys[key] = (secret, asked["scope"])
        told = {"key_id": len(self.keys), "user_id": asked["user_id"], "consumer_key": key, "consumer_secret": secret,
                "key_permissions": asked["scope"]}  # fmt: skip
        answer = urllib3.request("POST", asked["callback_url"], body=json.dumps(told).encode(), timeout=30, retries=False,
                                 headers={"Content-Type": "application/json;charset=utf-8"})  # fmt: skip
        if answer.status != 200:
            del self.keys[key]
            return None
        more = urlencode({"success": 1, "user_id": asked["user_id"]})
        return f"{asked['return_url']}{'&' if '?' in asked['return_url'] else '?'}{more}"


class _Handler(BaseHTTPRequestHandler):
    box: Box

    def date_time_string(self, timestamp=None):
        return self.box.date_time_string() if timestamp is None else super().date_time_string(timestamp)

    def handle_one(self):
        box, parts = self.box, urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if box.moved_to:
            return self.say(301, b"", "text/html", {"Location": f"{box.moved_to}{self.path}"})
        if not box.wordpress:
            return self.page(200 if parts.path == "/" else 404, "<h1>A site of another kind</h1>")
        if parts.path == f"{'/index.php' if box.permalinks == 'index' else ''}/wc-auth/v1/authorize":
            return self.agree(query, raw)
        if parts.path == f"{urlsplit(box.site).path}/wp-cron.php":
            if box.rings:
                box.hooks.carry()
            return self.say(200, b"")
        prefix = "/index.php/wp-json" if box.permalinks == "index" else "/wp-json"
        if box.permalinks == "plain" and query.get("rest_route"):
            route = query.pop("rest_route")
            if route.startswith("/wc/"):  # WooCommerce looks for wp-json/ in the address before it looks at keys
                return self.json(401, said(*keys.CANNOT_VIEW))
        elif box.permalinks != "plain" and parts.path.startswith(prefix):
            route = parts.path.removeprefix(prefix) or "/"
        else:
            return self.site(parts.path)
        if route == "/":
            return self.json(200, box.index())
        if not route.startswith(NAMESPACE):
            return self.json(404, said(*NO_ROUTE))
        body = json.loads(raw) if raw.strip() else {}
        call = Call(self.command, parts.path, route.removeprefix(NAMESPACE), query, self.headers, body)
        try:
            status, found, more = box.answer(call)
        except keys.Refused as refusal:
            status, found, more = refusal.status, said(refusal.status, refusal.code, refusal.message), {}
        return self.json(status, found, more)

    do_GET = do_POST = do_PUT = do_DELETE = handle_one

    def site(self, path):
        if path.rstrip("/") not in ("", "/shop"):
            return self.page(404, "<h1>Nothing here</h1>")
        link = {"Link": f'<{self.box.root()}>; rel="https://api.w.org/"'}
        made_by = f'<meta name="generator" content="WooCommerce {self.box.version}">'
        return self.page(200, f"{made_by}<h1>{html.escape(self.box.name)}</h1>", link)

    def agree(self, query, raw):
        if self.command == "GET":
            hidden = "".join(
                f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
                for name, value in query.items()
            )
            heading = f"<h1>{html.escape(query.get('app_name', ''))} would like to connect to your store</h1>"
            return self.page(200, f"{heading}<form method='post'>{hidden}<button>Approve</button></form>")
        where = self.box.grant({name: values[0] for name, values in parse_qs(raw.decode()).items()})
        if where is None:
            return self.page(401, "<h1>Error: at the time we were unable to send the consumer data</h1>")
        return self.say(302, b"", "text/html", {"Location": where})

    def page(self, status, body, more=None):
        whole = f"<!doctype html><title>{html.escape(self.box.name)}</title>{body}"
        return self.say(status, whole.encode(), "text/html; charset=utf-8", more)

    def json(self, status, found, more=None):
        return self.say(status, json.dumps(found).encode(), "application/json; charset=UTF-8", more)

    def say(self, status, body, kind="text/html; charset=utf-8", more=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (more or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def said(status, code, message):
    """This function will return an error as WordPress writes it."""
    return {"code": code, "message": message, "data": {"status": status}}
