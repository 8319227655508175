"""The pages of shops."""

from __future__ import annotations

import re

from tests.doors.test_hooks import ORDER, connect, deliver


class TestShops:
    def test_a_shop_is_connected_by_hand_and_taken_away(self, company):
        assert company.page.get("/shops").status_code == 200
        assert b"WooCommerce" in company.page.get("/shops/new").data
        wrong = company.post("/shops/new", {"kind": "generic", "name": ""})
        assert wrong.status_code == 422
        made = company.post("/shops/new", {"kind": "generic", "name": "Fern <b>& Kettle"})
        assert made.status_code == 303
        shop = made.location.removesuffix("/connect")
        for page in (company.page.get(made.location), company.page.get(shop)):
            assert page.status_code == 200
        assert b"Fern &lt;b&gt;" in page.data
        assert re.search(rb"/hooks/generic/\w{32}", page.data)
        assert re.search(rb"pk_\w{24}", page.data)
        assert company.page.get(f"{shop}/settings").status_code == 200
        assert company.post(f"{shop}/settings", {"name": "Fern", "url": "", "currency": "GBP"}).status_code == 303
        assert company.post(f"{shop}/remove").status_code == 303
        assert company.page.get(shop).status_code == 404

    def test_a_failed_delivery_is_shown_with_its_reason_and_tried_again(self, company, drain):
        shop = connect(company)
        deliver(company, shop, {"type": "order.created", "data": {**ORDER, "currency": "euro"}})
        drain(company)
        page = company.page.get(f"/shops/{shop['id']}/deliveries", query_string={"state": "failed"})
        assert page.status_code == 200
        address = re.search(rb"/shops/[\w-]+/deliveries/[0-9a-f-]{36}", page.data).group().decode()
        assert b"currency" in company.page.get(address).data
        assert company.post(f"{address}/replay").status_code == 303
        assert company.post(f"/shops/{shop['id']}/deliveries/replay").status_code == 303

    def test_the_number_of_queries_is_small(self, company):
        shop = connect(company)
        for path in ("/shops", f"/shops/{shop['id']}", f"/shops/{shop['id']}/deliveries"):
            assert company.page.get(path).status_code == 200


class TestSeveralShops:
    def test_the_same_order_number_in_two_shops_is_two_orders_of_one_customer(self, company, drain):
        first, second = connect(company), connect(company, currency="GBP")
        for shop, currency in ((first, "EUR"), (second, "GBP")):
            order = {
                **ORDER,
                "number": "1001",
                "currency": currency,
                "customer": {"external_id": "7", "email": "ann@shop.example"},
            }
            assert deliver(company, shop, {"type": "order.created", "data": order}).status_code == 200
        drain(company)
        orders = company.api("GET", "/orders").json["items"]
        assert sorted((one["number"], one["currency"]) for one in orders) == [("1001", "EUR"), ("1001", "GBP")]
        assert len({one["customer_id"] for one in orders}) == 1
        assert len(company.api("GET", "/customers").json["items"]) == 1
        page = company.page.get("/shops").text
        assert page.count("Live") == 2
        assert "GBP" in page

    def test_what_a_stopped_shop_sends_waits_and_is_taken_when_it_goes_on(self, company, drain):
        shop = connect(company)
        path = f"/shops/{shop['id']}"
        assert company.post(f"{path}/pause").status_code == 303
        assert deliver(company, shop, {"type": "order.created", "data": ORDER}).json == {"status": "stored"}
        drain(company)
        assert company.api("GET", "/orders").json["items"] == []
        assert "Stopped" in company.page.get("/shops").text
        assert "kept and waits" in company.page.get(path).text
        assert company.post(f"{path}/resume").status_code == 303
        drain(company)
        assert len(company.api("GET", "/orders").json["items"]) == 1
        assert company.api("GET", path).json["state"] == "connected"

    def test_a_shop_that_was_disconnected_is_connected_again_as_it_was(self, company, drain):
        shop = connect(company)
        path = f"/shops/{shop['id']}"
        company.post(f"{path}/remove")
        assert deliver(company, shop, {"type": "order.created", "data": ORDER}).status_code == 404
        assert "Disconnected lately" in company.page.get("/shops").text
        assert company.post(f"{path}/restore").status_code == 303
        assert deliver(company, shop, {"type": "order.created", "data": ORDER}).status_code == 200
        entry = company.api("DELETE", path)
        assert entry.status_code == 204
        assert company.api("POST", f"{path}/restore").json["state"] == "connected"

    def test_removing_a_shop_is_undone_from_the_toast(self, company):
        shop = connect(company)
        path = f"/shops/{shop['id']}"
        company.post(f"{path}/remove")
        undo = re.search(r"/undo/[0-9a-f-]{36}", company.page.get("/shops").text)
        assert undo
        assert company.post(undo.group()).status_code in (200, 204, 303)
        assert company.page.get(path).status_code == 200
