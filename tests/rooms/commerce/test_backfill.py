"""Fetching a store's past over HTTP, going on after a break, and comparing again: against a small store on loopback.

WooCommerce itself needs PHP and WordPress, which are not here; the store below answers with the resources' documented
shapes, pages and headers.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from saas.commerce import backfill, shops
from saas.kit import http_out, work


class Store:
    """Products, customers, orders and webhooks of a little shop."""

    def __init__(self, orders: int = 120) -> None:
        stamp = {"date_created_gmt": "2026-05-01T10:00:00", "date_modified_gmt": "2026-05-02T10:00:00"}
        self.held = {
            "products": [{"id": n, "name": f"Pot {n}", "price": "5.00", "status": "publish", "permalink": f"https://shop.example/{n}", **stamp} for n in range(1, 4)],
            "customers": [{"id": n, "email": f"c{n}@shop.example", **stamp} for n in range(1, 31)],
            "orders": [
                {"id": n, "number": str(n), "status": "completed", "currency": "EUR", "total": "5.00", "customer_id": n % 30 + 1,
                 "billing": {"email": f"c{n % 30 + 1}@shop.example"}, "line_items": [{"id": 1, "product_id": 1, "quantity": 1, "total": "5.00"}], **stamp}
                for n in range(1, orders + 1)
            ],
        }  # fmt: skip
        self.hooks: list[dict] = [{"id": 1, "topic": "order.created", "delivery_url": "", "status": "disabled"}]
        self.calls: list[str] = []
        self.fail_after: int | None = None

    def answer(self, method: str, path: str, query: dict, body: bytes) -> tuple[int, object, int]:
        self.calls.append(path)
        if self.fail_after is not None and len(self.calls) > self.fail_after:
            return 500, {"code": "broken"}, 1
        name = path.rsplit("/", 1)[-1]
        if "webhooks" in path:
            return self._webhooks(method, path, body)
        rows, per, page = self.held[name], int(query["per_page"][0]), int(query["page"][0])
        return 200, rows[(page - 1) * per : page * per], -(-len(rows) // per)

    def _webhooks(self, method: str, path: str, body: bytes) -> tuple[int, object, int]:
        if method == "POST":
            self.hooks.append({"id": len(self.hooks) + 1, **json.loads(body)})
        elif method == "PUT":
            next(hook for hook in self.hooks if str(hook["id"]) == path.rsplit("/", 1)[-1]).update(json.loads(body))
        return 200, self.hooks if method == "GET" else {}, 1


@pytest.fixture
def store():
    held = Store()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if "oauth_signature=" not in self.path:  # over plain http a store takes nothing else
                status, found, pages = 401, {"code": "unauthorised"}, 1
            else:
                status, found, pages = held.answer(self.command, parts.path, parse_qs(parts.query), raw)
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-WP-TotalPages", str(pages))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = _handle

        def log_message(self, *_args) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    held.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield held
    server.shutdown()
    server.server_close()
    thread.join()


def connected(company, store):
    with work.unit(tenant_id=company.tenant_id):
        shop, _secret = shops.connect(
            kind="woocommerce", name="Woo", url=store.url, consumer_key="ck_1", consumer_secret="cs_1"
        )
        return shop.id


def state_of(company, shop_id):
    with work.unit(tenant_id=company.tenant_id):
        shop = shops.one(shop_id)
        return shop.backfill, shop.trouble, shop.reconciled


class TestAdvance:
    def test_the_past_arrives_and_the_webhooks_are_set_up(self, company, context, store):
        shop_id = connected(company, store)
        assert backfill.advance(company.tenant_id, shop_id) is False
        state, trouble, reconciled = state_of(company, shop_id)
        assert (state["state"], trouble) == ("done", "")
        assert {kind: row["fetched"] for kind, row in state["done"].items()} == {
            "products": 3,
            "customers": 30,
            "orders": 120,
        }
        assert reconciled["webhooks"] == {"made": 9, "woken": 0}
        assert len(company.api("GET", "/orders", query_string={"limit": 200}).json["items"]) == 120

    def test_a_broken_store_is_named_and_the_next_run_goes_on_where_it_stopped(self, company, context, store):
        shop_id = connected(company, store)
        store.fail_after = 14
        backfill.advance(company.tenant_id, shop_id)
        state, trouble, _reconciled = state_of(company, shop_id)
        assert "500" in trouble
        assert state["state"] == "running"
        fetched = state["done"].get("orders", {}).get("fetched", 0)
        store.fail_after = None
        with work.unit(tenant_id=company.tenant_id):
            shop = shops.one(shop_id, lock=True)
            shop.backfill = {**shop.backfill, "leased_until": None}
        backfill.advance(company.tenant_id, shop_id)
        state, trouble, _reconciled = state_of(company, shop_id)
        assert (state["state"], trouble, state["done"]["orders"]["fetched"]) == ("done", "", 120)
        assert fetched < 120

    def test_what_the_webhooks_missed_is_repaired_by_the_next_comparison(self, company, context, store):
        shop_id = connected(company, store)
        backfill.advance(company.tenant_id, shop_id)
        store.held["orders"].append({**store.held["orders"][0], "id": 999, "number": "999"})
        store.hooks[3]["status"] = "disabled"
        backfill.advance(company.tenant_id, shop_id)
        _state, _trouble, reconciled = state_of(company, shop_id)
        assert reconciled["repaired"]["orders"] == 1
        assert reconciled["webhooks"]["woken"] == 1

    def test_two_workers_never_fetch_from_one_shop_at_once(self, company, context, store):
        shop_id = connected(company, store)
        with work.unit(tenant_id=company.tenant_id):
            assert backfill._lease(shop_id) is not None
        assert backfill.advance(company.tenant_id, shop_id) is False
        assert store.calls == []


class TestHttpOut:
    @pytest.mark.parametrize("url", [
        "http://169.254.169.254/latest", "http://10.0.0.1/", "http://[::ffff:169.254.169.254]/", "http://[64:ff9b::a9fe:a9fe]/", "http://0/",
        "http://100.64.0.1/", "http://[fd00::1]/", "ftp://shop.example/", "http://user:pass@127.0.0.1/", "http://224.0.0.1/", "http://168.63.129.16/",
    ])  # fmt: skip
    def test_private_addresses_are_refused_even_where_loopback_is_allowed(self, settings_in_environment, url):
        with pytest.raises(http_out.Unreachable):
            http_out.call("GET", url)

    def test_loopback_is_refused_in_production(self, settings_in_environment, monkeypatch, store):
        from dataclasses import replace

        from saas import config

        strict = replace(config.get(), outgoing_private_hosts=False)
        monkeypatch.setattr(config, "get", lambda: strict)
        for host in ("127.0.0.1", "127.1", "2130706433", "localhost", "0x7f000001"):
            with pytest.raises(http_out.Unreachable):
                http_out.call("GET", store.url.replace("127.0.0.1", host))
