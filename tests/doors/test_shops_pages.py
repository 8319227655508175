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
