"""The orders' pages: the list with its sums, one order with what is odd about it in words."""

from __future__ import annotations

import pytest

from tests.doors.shop_data import days_ago, order, product, send
from tests.queries import counted

ODD = [
    {"position": 0, "product": "p1", "sku": "SKU-1", "name": "Pot 1", "quantity": 2, "unit_price": "12.50"},
    {"position": 1, "product": "p1", "sku": "SKU-1", "name": "Pot 1", "quantity": -1, "unit_price": "12.50"},
    {"position": 2, "product": "gift", "name": "Gift", "quantity": 1, "unit_price": "0"},
    {"position": 3, "product": "screw", "name": "Screw", "quantity": 100, "unit_price": "0.001"},
]


@pytest.fixture
def filled(company, drain):
    """A shop with five orders; the first is odd and partly refunded."""
    send(company, "products", product(1))
    ids = send(
        company, "orders",
        order(1, "ada@shop.example", lines=ODD, shipping="4.90", discount="1.00", refunds=[{"external_id": "r1", "amount": "5.00", "reason": "Chipped"}]),
        order(2, "ada@shop.example", days=40), order(3, None, status="cancelled"), order(4, "bob@shop.example", status="pending"),
        order(5, "bob@shop.example", currency="JPY", lines=[{"product": "p1", "quantity": 1, "unit_price": "1200"}]),
    )  # fmt: skip
    drain(company)
    return ids


class TestList:
    def test_it_tells_what_the_orders_come_to_in_each_currency(self, company, filled):
        page = company.page.get("/orders").text
        assert (
            "in 3 orders" in page
            and "in 1 order<" in page
            and "1 cancelled or failed is not counted" in page
            and "¥1,200" in page
            and "€5.00 given back" in page
        )
        assert "A guest" in page and "ada@shop.example" in page

    def test_by_state_number_customer_and_days(self, company, filled):
        assert "FK-3" in company.page.get("/orders?status=cancelled").text
        assert "FK-1<" not in company.page.get("/orders?status=cancelled").text
        found = company.page.get("/orders?q=%23FK-2").text
        assert "FK-2" in found and "FK-4" not in found
        recent = company.page.get(f"/orders?since={days_ago(10)[:10]}").text
        assert "FK-1" in recent and "FK-2" not in recent
        old = company.page.get(f"/orders?until={days_ago(10)[:10]}").text
        assert "FK-2" in old and "FK-1" not in old
        customer = company.api("GET", "/customers", query_string={"email": "bob@shop.example"}).json["items"][0]["id"]
        hers = company.page.get(f"/orders?customer={customer}").text
        assert "FK-4" in hers and "FK-2" not in hers and "by bob@shop.example" in hers

    def test_nonsense_in_the_address_is_no_error(self, company, filled):
        answer = company.page.get("/orders?status=odd&since=yesterday&until=9999-12-31")
        assert answer.status_code == 200 and "FK-1" in answer.text
        assert "No order is like that" in company.page.get("/orders?q=nothing").text

    def test_it_stays_within_the_same_few_queries(self, company, filled):
        with counted() as sent:
            company.page.get("/orders")
        assert len(sent) <= 8


class TestOne:
    def test_oddities_are_said_in_words_and_the_sum_is_right(self, company, filled):
        page = company.page.get(f"/orders/{filled[0]}").text
        for text in (
            "came back",
            "was free",
            "is not among the products",
            "€0.001",
            "−€1.00",
            "€4.90",
            "Chipped",
            "€16.50",
            "3 lines are out of the ordinary",
        ):
            assert text in page, text
        assert 'href="/customers/' in page

    def test_a_guests_order_says_so(self, company, filled):
        assert "Placed by a guest" in company.page.get(f"/orders/{filled[2]}").text

    def test_it_stays_within_twelve_queries(self, company, filled):
        with counted() as sent:
            company.page.get(f"/orders/{filled[0]}")
        assert len(sent) <= 12

    def test_another_companys_order_is_not_there(self, company, other_company, filled):
        assert other_company.page.get(f"/orders/{filled[0]}").status_code == 404
        customer = company.api("GET", "/customers").json["items"][0]["id"]
        assert other_company.page.get(f"/orders?customer={customer}").status_code == 404
        assert "FK-1" not in other_company.page.get("/orders").text

    def test_the_offer_it_followed_is_told(self, company, filled, app):
        from datetime import UTC, datetime

        from saas.kit import identifiers, work
        from saas.kit.db import db
        from saas.recommend.models import OfferShown

        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            now = datetime.now(UTC)
            db.session.add(OfferShown(
                id=identifiers.at(now, "offer"), request_id=identifiers.new(), at=now, slot="home", position=1, product_key="p1", reason_code="popular",
                reason_text="Popular right now", algorithm="popular", clicked_at=now, bought_at=now, bought_order_id=filled[0],
            ))  # fmt: skip
        page = company.page.get(f"/orders/{filled[0]}").text
        assert "An offer was clicked" in page and "Popular right now" in page
