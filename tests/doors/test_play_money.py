"""Orders that were paid with play money: left out and noted, counted where a shop's people want that, and taken back again."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from psycopg.errors import LockNotAvailable

from saas.commerce import play_money
from saas.commerce.connectors import woocommerce_orders
from saas.kit import pool, work
from tests.companies import found_company
from tests.doors.test_hooks import ORDER, connect, deliver

TEST = {**ORDER, "external_id": "t-1", "number": "T-0001", "test": True}
LATER = {**TEST, "external_id": "t-2", "number": "T-0002", "placed_at": "2026-05-02T10:00:00Z"}


def told(company, shop, drain, *orders):
    for order in orders:
        message = {"type": "order.created", "data": order}
        assert deliver(company, shop, message, message_id=uuid4().hex).status_code == 200
    drain(company)


class TestPlayMoney:
    def test_a_test_order_is_left_out_and_its_shop_says_which_and_why(self, company, drain):
        shop = connect(company)
        path = f"/shops/{shop['id']}"
        assert "test order" not in company.page.get(path).text
        told(company, shop, drain, ORDER, TEST, TEST, LATER)
        assert len(company.api("GET", "/orders").json["items"]) == 1
        page = company.page.get(path).text
        assert "2 test orders" in page
        assert "T-0001" in page
        assert "The shop calls it a test." in page
        listed = company.api("GET", f"{path}/test-orders").json
        assert [(one["number"], one["external_id"], one["reason"]) for one in listed["items"]] == [
            ("T-0002", "t-2", ""),
            ("T-0001", "t-1", ""),
        ]
        assert company.api("GET", path).json["count_tests"] is False

    def test_counting_is_turned_on_and_off_and_on_and_the_figures_follow(self, company, drain):
        shop = connect(company)
        path = f"/shops/{shop['id']}"
        form = {"name": "Fern", "url": "", "currency": "EUR"}
        told(company, shop, drain, ORDER)
        assert company.post(f"{path}/settings", {**form, "count_tests": "1"}).status_code == 303
        assert "Fetch the past again" in company.page.get(path).text
        told(company, shop, drain, TEST)
        states = {
            one["number"] or one["external_id"]: one["status"] for one in company.api("GET", "/orders").json["items"]
        }
        assert states == {"1": "paid", "T-0001": "paid"}
        assert "They count like any others" in company.page.get(path).text
        assert company.post(f"{path}/settings", form).status_code == 303
        assert "1 that was counted is cancelled" in company.page.get(path).text
        drain(company)
        states = {
            one["number"] or one["external_id"]: one["status"] for one in company.api("GET", "/orders").json["items"]
        }
        assert states == {"1": "paid", "T-0001": "cancelled"}
        etag = company.api("GET", path).headers["ETag"]
        changed = company.api("PATCH", path, json={"count_tests": True}, headers={"If-Match": etag})
        assert changed.json["count_tests"] is True
        drain(company)
        states = {
            one["number"] or one["external_id"]: one["status"] for one in company.api("GET", "/orders").json["items"]
        }
        assert states["T-0001"] == "paid"

    def test_a_test_that_cannot_be_read_is_left_out_without_a_word(self, company, drain):
        shop = connect(company)
        answer = company.api("POST", "/orders/bulk", json={"items": [{**TEST, "currency": "EUR"}]})
        assert [one["status"] for one in answer.json["items"]] == ["left_out"]
        assert company.api("GET", f"/shops/{shop['id']}/test-orders").json["items"] == []

    def test_another_company_sees_nothing_of_it(self, app, company, drain):
        shop = connect(company)
        told(company, shop, drain, TEST)
        other = found_company(app)
        assert other.api("GET", f"/shops/{shop['id']}/test-orders").status_code == 404

    def test_a_payment_plugins_note_is_the_reason_that_stands_there(self):
        body = {"id": 7, "status": "processing", "currency": "EUR", "total": "9.00", "line_items": [],
                "date_created_gmt": "2026-05-01T10:00:00", "meta_data": [{"id": 1, "key": "_stripe_mode", "value": "test"}]}  # fmt: skip
        item = woocommerce_orders.order_item(body)
        assert (item["test"], item["test_by"]) == (True, "_stripe_mode")
        item = woocommerce_orders.order_item({**body, "meta_data": [{"id": 1, "key": "_stripe_mode", "value": "live"}]})
        assert (item["test"], item["test_by"]) == (False, "")

    def test_who_turns_it_off_waits_for_an_order_that_is_being_recorded(self, company, context):
        shop = connect(company)
        with work.unit(tenant_id=company.tenant_id):
            assert play_money.counted(UUID(shop["id"])) is False
            with pytest.raises(LockNotAvailable), pool.connection(tenant_id=company.tenant_id) as another:
                another.execute("SELECT 1 FROM shops WHERE id = %s FOR NO KEY UPDATE NOWAIT", [shop["id"]])
