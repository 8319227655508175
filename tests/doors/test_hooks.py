"""Deliveries of shops at the door, with the captured ones of real stores where they are at hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import pytest

from saas.commerce.connectors import generic


def connect(company, kind="generic", **more):
    answer = company.api("POST", "/shops", json={"kind": kind, "name": "Shop", **more})
    assert answer.status_code == 201, answer.json
    return answer.json


def path_of(shop):
    return "/hooks/" + shop["webhook_url"].split("/hooks/")[1]


def deliver(company, shop, body, *, message_id="m1", secret=None, at=None, late=0):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = str(int((at or time.time()) + late))
    headers = {
        "webhook-id": message_id, "webhook-timestamp": stamp,
        "webhook-signature": generic.signature(secret or shop["webhook_secret"], message_id, stamp, raw),
    }  # fmt: skip
    return company.app.test_client().post(path_of(shop), data=raw, headers=headers)


ORDER = {"external_id": "1", "placed_at": "2026-05-01T10:00:00Z", "currency": "EUR", "customer": {"email": "a@shop.example"},
         "lines": [{"product": "p", "quantity": 1, "unit_price": "9.90"}]}  # fmt: skip


class TestGeneric:
    def test_a_delivery_becomes_an_order_once(self, company, drain):
        shop = connect(company)
        assert deliver(company, shop, {"type": "order.created", "data": ORDER}).json == {"status": "stored"}
        assert deliver(company, shop, {"type": "order.created", "data": ORDER}).json == {"status": "known"}
        drain(company)
        orders = company.api("GET", "/orders").json["items"]
        assert [(order["external_id"], order["total"]) for order in orders] == [("1", "9.90")]

    @pytest.mark.parametrize(
        ("change", "status"),
        [({"secret": "wrong"}, 401), ({"late": -900}, 401), ({"late": 900}, 401)],
    )
    def test_a_wrong_or_old_signature_is_refused_and_written_down(self, company, change, status):
        from saas.integrations import deliveries_in
        from saas.kit import work

        shop = connect(company)
        assert deliver(company, shop, {"type": "order.created", "data": ORDER}, **change).status_code == status
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            [refused] = deliveries_in.refused_lately(shop["id"])
            assert refused.reason
        page = company.page.get(f"/shops/{shop['id']}", headers={"Accept-Language": "zh-CN"}).text
        assert "最近被拒绝的" in page and refused.reason.split("'")[0] not in page, "it stands in the reader's language"

    def test_what_cannot_be_understood_waits_and_can_be_replayed(self, company, drain):
        from saas.integrations import deliveries_in
        from saas.kit import pages, work

        shop = connect(company)
        for number, body in enumerate([{"type": "order.created", "data": {**ORDER, "currency": "euro"}}, {"type": "moon.landed", "data": {}},
                                       {"type": "order.created"}, {"type": "order.created", "data": {**ORDER, "lines": [{"unit_price": "x"}]}}]):  # fmt: skip
            assert deliver(company, shop, body, message_id=f"m{number}").status_code == 200
        drain(company)
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            failed = pages.page(deliveries_in.of_shop(shop["id"], state="failed"), order=deliveries_in.NEWEST).items
            assert len(failed) == 4
            assert all(delivery.reason for delivery in failed)
            assert deliveries_in.replay_all_failed(shop["id"]) == 4
        drain(company)

    def test_unreadable_unknown_and_too_large(self, company):
        shop = connect(company)
        assert deliver(company, shop, b"{not json").status_code == 400
        assert company.app.test_client().post("/hooks/generic/nothing", data=b"{}").status_code == 404
        assert company.app.test_client().post("/hooks/moon/nothing", data=b"{}").status_code == 404
        assert deliver(company, shop, b" " * (5 * 1024 * 1024)).status_code == 413


class TestWooCommerce:
    def test_the_captured_deliveries_verify_and_arrive(self, company, drain, shared):
        shop = connect(company, "woocommerce", webhook_secret="s3cr3t", currency="USD")
        captured = sorted((shared / "payloads" / "woocommerce-live").glob("*.json"))
        assert captured
        for path in captured:
            kept = json.loads(path.read_text())
            headers = {
                name: value
                for name, value in kept["headers"].items()
                if name not in ("Host", "Content-Length", "Connection")
            }
            answer = company.app.test_client().post(path_of(shop), data=kept["body_text"].encode(), headers=headers)
            assert answer.status_code == 200, path.name
        drain(company)
        from saas.integrations import deliveries_in
        from saas.kit import work

        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            counts = deliveries_in.counts(shop["id"])
            from saas.kit import pages

            failed = pages.page(deliveries_in.of_shop(shop["id"], state="failed"), order=deliveries_in.NEWEST).items
        assert [(one.topic, one.reason) for one in failed] == []
        assert counts["waiting"] == 0
        orders = company.api("GET", "/orders").json["items"]
        known = {order["external_id"]: order for order in orders}
        assert (known["30"]["total"], known["30"]["refunded"], len(known["30"]["lines"])) == ("20.00", "1.00", 2)
        assert company.api("GET", "/products").json["items"]
        assert company.api("GET", "/customers", query_string={"email": "c0.1795284784@example.com"}).json["items"]

    def test_a_changed_body_is_refused_and_the_ping_is_not(self, company):
        shop = connect(company, "woocommerce", webhook_secret="s3cr3t")
        raw = b'{"id": 1}'
        good = base64.b64encode(hmac.new(b"s3cr3t", raw, hashlib.sha256).digest()).decode()
        client = company.app.test_client()
        headers = {"X-WC-Webhook-Topic": "product.deleted", "X-WC-Webhook-Signature": good}
        assert client.post(path_of(shop), data=raw, headers=headers).status_code == 200
        assert client.post(path_of(shop), data=b'{"id": 2}', headers=headers).status_code == 401
        assert client.post(path_of(shop), data=b"webhook_id=1").status_code == 200

    def test_another_kinds_address_is_unknown(self, company):
        shop = connect(company, "generic")
        assert (
            company.app.test_client().post(path_of(shop).replace("generic", "woocommerce"), data=b"{}").status_code
            == 404
        )
