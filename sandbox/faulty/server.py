"""The store as a web server: REST v3 with its pages, its webhooks, and on request everything that goes wrong with a real one."""

import base64
import hashlib
import hmac
import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import urllib3

from sandbox.faulty import things

API = "/wp-json/wc/v3"
KEY, SECRET = "ck_box", "cs_box"
MOST_FAILURES = 6
MAINTENANCE = "<!DOCTYPE html><html><body><h1>Briefly unavailable for scheduled maintenance.</h1></body></html>"


class Fault:
    """One way to fail. `kind` is a status, or one of: reset, truncated, html, hang (until `let_go`), list (an object instead)."""

    def __init__(self, kind, *, headers=None, path="/"):
        self.kind, self.headers, self.path = kind, headers or {}, path


class Box:
    """A store at its own address. `faults` are answered first, one a question that has their path in it; `heavy` is the page
    size from which on the store gives up with 500; `mangle` changes a thing before it is shown; `before` is called before each
    question. `unreadable` are counted and not shown, as what a key may not see; `tables` is a store of 7.1 to 8.1 whose orders are
    in tables of their own, which compares every date with GMT."""

    def __init__(self, *, port=0, version="10.0.2", zone=0, key=KEY, secret=SECRET):
        self.server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"box": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.version, self.key, self.secret = version, key, secret
        self.things = things.Things(zone=zone)
        self.hooks, self.asked, self.faults, self.told = {}, [], [], []
        self.heavy, self.broken, self.may_write, self.total_said = None, set(), True, True
        self.ignores, self.unreadable, self.tables = set(), set(), False
        self.mangle = lambda kind, thing: thing
        self.before = lambda kind, query: None
        self.free = threading.Event()
        self.lock = threading.RLock()
        self.web = urllib3.PoolManager(timeout=10, retries=False)

    @property
    def old(self):
        return int(self.version.split(".")[0]) < 5

    def start(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self):
        self.free.set()
        self.server.shutdown()
        self.server.server_close()

    def fault_for(self, path):
        with self.lock:
            for place, fault in enumerate(self.faults):
                if fault.path in path:
                    return self.faults.pop(place)
        return None

    # Reading

    def listed(self, kind, query):
        """This function will answer a list: (status, rows, total)."""
        if self.old and query.get("orderby") == "modified":
            return 400, {"code": "rest_invalid_param", "message": "Invalid parameter(s): orderby"}, 0
        if not 1 <= int(query.get("per_page", 10)) <= 100:
            return 400, {"code": "rest_invalid_param", "message": "Invalid parameter(s): per_page"}, 0
        query = {name: value for name, value in query.items() if name not in self.ignores}
        rows = [row for row in getattr(self.things, kind).values() if self._wanted(kind, row, query)]
        if query.get("orderby") == "date":
            rows.sort(key=lambda row: (row["date_created"], row["id"]))
        else:
            rows.sort(key=lambda row: row["id"])
        if query.get("order", "desc") == "desc":
            rows.reverse()
        per = int(query.get("per_page", 10))
        start = int(query["offset"]) if "offset" in query else (int(query.get("page", 1)) - 1) * per
        part = rows[start : start + per]
        if (self.heavy and per > self.heavy) or any(row["id"] in self.broken for row in part):
            return (
                500,
                {"code": "internal_server_error", "message": "There has been a critical error on this website."},
                0,
            )
        shown = [self.mangle(kind, dict(row)) for row in part if row["id"] not in self.unreadable]
        if query.get("_fields"):
            names = query["_fields"].split(",")
            shown = [{name: row[name] for name in names if name in row} for row in shown]
        return 200, shown, len(rows)

    def _wanted(self, kind, row, query):
        status = query.get("status", "any")
        if kind != "customers" and (
            (status == "any" and row["status"] == "trash") or status not in ("any", row["status"])
        ):
            return False
        if "include" in query and str(row["id"]) not in query["include"].split(","):
            return False
        if "exclude" in query and str(row["id"]) in query["exclude"].split(","):
            return False
        if kind == "customers":
            return True
        gmt = "_gmt" if (query.get("dates_are_gmt") == "true" and not self.old) or self.tables else ""
        made, changed = row[f"date_created{gmt}"], row[f"date_modified{gmt}"]
        if ("after" in query and made <= query["after"]) or ("before" in query and made >= query["before"]):
            return False
        return self.old or "modified_after" not in query or changed > query["modified_after"]

    # Webhooks

    def hook(self, method, key, body):
        if method == "GET" and key is None:
            return 200, list(self.hooks.values())
        if not self.may_write:
            return 401, {
                "code": "woocommerce_rest_authentication_error",
                "message": "The API key provided does not have write permissions.",
            }
        if method == "POST":
            number = max(self.hooks, default=0) + 1
            self.hooks[number] = {"id": number, "status": "active", "failures": 0, **body}
            return 201, self._shown(self.hooks[number])
        if key not in self.hooks:
            return 404, {"code": "woocommerce_rest_webhook_invalid_id"}
        if method == "DELETE":
            return 200, self.hooks.pop(key)
        self.hooks[key].update(body)
        return 200, self._shown(self.hooks[key])

    def _shown(self, hook):
        return {name: value for name, value in hook.items() if name not in ("secret", "failures")}

    def tell(self, topic, body):
        """This function will tell everybody who subscribed, once: WooCommerce does not try again, and after failing seven times in a
        row it disables a webhook. Returns the answers."""
        answers = []
        for hook in list(self.hooks.values()):
            if hook["topic"] != topic or hook["status"] != "active":
                continue
            raw = json.dumps(body).encode()
            signed = base64.b64encode(hmac.new(hook["secret"].encode(), raw, hashlib.sha256).digest()).decode()
            headers = {"Content-Type": "application/json", "User-Agent": f"WooCommerce/{self.version} Hookshot (WordPress/6.8)",
                       "X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": signed, "X-WC-Webhook-ID": str(hook["id"])}  # fmt: skip
            try:
                status = self.web.request(
                    "POST", hook["delivery_url"], body=raw, headers=headers, redirect=False
                ).status
            except urllib3.exceptions.HTTPError:
                status = 0
            if 200 <= status < 303:
                hook["failures"] = 0
            elif hook["failures"] >= MOST_FAILURES:
                hook["status"] = "disabled"
            else:
                hook["failures"] += 1
            answers.append(status)
        return answers


class _Handler(BaseHTTPRequestHandler):
    box = None
    protocol_version = "HTTP/1.1"

    def _handle(self):
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = parts.path.removeprefix(API)
        names = [name for name in path.split("/") if name]
        kind = names[0] if names else ""
        if not parts.path.startswith(API):
            return self._send(404, b"<h1>Not found</h1>", {"Content-Type": "text/html"})
        self.box.before(kind, query)
        with self.box.lock:
            self.box.asked.append((self.command, path, query))
        fault = self.box.fault_for(path)
        if fault is not None and fault.kind != "truncated":
            return self._fail(fault)
        status, found, total = self._answer(names, kind, query, raw)
        body = json.dumps(found).encode()
        headers = {}
        if isinstance(found, list) and status == 200 and self.box.total_said:
            headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(-(-total // int(query.get("per_page", 10))))}
        self._send(status, body[: len(body) // 2] if fault else body, headers)
        return None

    do_GET = do_POST = do_PUT = do_DELETE = _handle

    def _answer(self, names, kind, query, raw):
        with self.box.lock:
            if not self._allowed(query):
                return 401, {"code": "woocommerce_rest_cannot_view", "message": "Sorry, you cannot list resources."}, 0
            if kind == "webhooks":
                key = int(names[1]) if len(names) > 1 else None
                status, found = self.box.hook(self.command, key, json.loads(raw) if raw else {})
                return status, found, len(found) if isinstance(found, list) else 1
            if kind not in ("products", "customers", "orders"):
                return 404, {"code": "rest_no_route"}, 0
            if len(names) == 1:
                return self.box.listed(kind, query)
            held = getattr(self.box.things, kind).get(int(names[1]))
            if held is None:
                return 404, {"code": f"woocommerce_rest_{kind[:-1]}_invalid_id", "message": "Invalid ID."}, 0
            if names[2:] == ["refunds"]:
                refunds = self.box.things.refunds.get(held["id"], [])
                return 200, refunds, len(refunds)
            return 200, self.box.mangle(kind, dict(held)), 1

    def _allowed(self, query):
        given = self.headers.get("Authorization", "")
        if given.startswith("Basic "):
            return base64.b64decode(given[6:]).decode() == f"{self.box.key}:{self.box.secret}"
        return query.get("consumer_key") == self.box.key or query.get("oauth_consumer_key") == self.box.key

    def _fail(self, fault):
        if fault.kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
        elif fault.kind == "hang":
            self.box.free.wait(60)
            self.close_connection = True
        elif fault.kind == "html":
            self._send(200, MAINTENANCE.encode(), {"Content-Type": "text/html"})
        elif fault.kind == "list":
            self._send(200, b'{"data": []}', {})
        else:
            self._send(fault.kind, b'{"code": "fault"}', fault.headers)

    def _send(self, status, body, headers):
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json", "Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        """Say nothing."""
