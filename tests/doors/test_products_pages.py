"""The products' pages: how things sell, what goes together, what a company may change."""

from __future__ import annotations

import uuid

import pytest

from tests.companies import add_member
from tests.doors.shop_data import indexed, order, product, send
from tests.queries import counted


@pytest.fixture
def filled(company, drain):
    """Three products; the first sold in two orders, once with the second; the third is sold out."""
    ids = send(
        company,
        "products",
        product(1),
        product(2, name="Lamp"),
        product(3, name="Vase", stock=0),
        product(4, name="Old", active=False),
    )
    both = [
        {"product": "p1", "quantity": 3, "unit_price": "12.50"},
        {"product": "p2", "quantity": 1, "unit_price": "9"},
    ]
    send(
        company,
        "orders",
        order(1, "ada@shop.example", lines=both),
        order(2, "bob@shop.example", days=45),
        order(3, "c@shop.example", status="cancelled"),
    )
    drain(company)
    return ids


class TestList:
    def test_price_stock_and_what_was_sold_in_thirty_days(self, company, filled):
        page = company.page.get("/products").text
        assert "Pot 1" in page and "€12.50" in page and "€37.50" in page and ">3<" in page and "sold out" in page
        assert "Old" not in page

    def test_tabs_and_search(self, company, filled):
        assert "Vase" in company.page.get("/products?show=sold_out").text
        assert "Lamp" not in company.page.get("/products?show=sold_out").text
        assert "Old" in company.page.get("/products?show=off_sale").text
        indexed(company)
        found = company.page.get("/products?q=lamp").text
        assert "Lamp" in found and "Vase" not in found
        assert "No product is like that" in company.page.get("/products?q=zzzz").text
        assert company.page.get("/products?sort=nonsense&show=nonsense").status_code == 200

    def test_it_stays_within_the_same_few_queries(self, company, filled):
        with counted() as sent:
            company.page.get("/products")
        assert len(sent) <= 8


class TestOne:
    def test_sales_company_and_views(self, company, filled):
        company.app.test_client().post("/collect", json={
            "site_key": company.site_key, "visitor": uuid.uuid4().hex, "consent": {"analytics": True, "marketing": False},
            "events": [{"id": "e1", "type": "product_viewed", "at": "2099-01-01T00:00:00Z", "product": "p1"},
                       {"id": "e2", "type": "product_viewed", "product": "p1"}],
        })  # fmt: skip
        page = company.page.get(f"/products/{filled[0]}").text
        assert "Lamp" in page and "in 1 order" in page and "2 orders" in page and "€37.50" in page
        assert "5 sold in the last three months, 0 in the three before" in page

    def test_a_product_without_sales_explains_itself(self, company, filled):
        page = company.page.get(f"/products/{filled[2]}").text
        assert "Nothing sold in half a year" in page and "Nothing else was in its orders yet." in page

    def test_it_stays_within_twelve_queries(self, company, filled):
        with counted() as sent:
            company.page.get(f"/products/{filled[0]}")
        assert len(sent) <= 12

    def test_an_address_that_is_no_web_address_is_no_link(self, company):
        answer = company.api("POST", "/products/bulk", json={"items": [product(9, url="javascript:alert(1)")]})
        assert answer.json["items"][0]["status"] == "failed"


class TestEdit:
    def test_of_its_own_product_a_company_changes_everything(self, company, filled):
        form = {
            "name": "Big pot",
            "price": "15.00",
            "currency": "eur",
            "stock": "7",
            "url": "https://shop.example/p1",
            "categories": "Pots, Sale",
            "active": "1",
        }
        assert company.post(f"/products/{filled[0]}/edit", form).status_code == 303
        page = company.page.get(f"/products/{filled[0]}").text
        assert "Big pot" in page and "€15.00" in page and "Pots, Sale" in page

    def test_what_is_wrong_stands_at_the_field(self, company, filled):
        wrong = company.post(
            f"/products/{filled[0]}/edit",
            {"name": "Pot", "price": "cheap", "currency": "EUR", "url": "javascript:alert(1)"},
        )
        assert wrong.status_code == 422 and "f-price-error" in wrong.text and 'value="cheap"' in wrong.text

    def test_price_and_stock_of_a_shops_product_stay_the_shops(self, company):
        shop = company.api("POST", "/shops", json={"kind": "generic", "name": "Corner shop"}).json
        answer = company.api("POST", "/products/bulk", json={"shop_id": shop["id"], "items": [product(1)]})
        assert answer.status_code == 200, answer.json
        product_id = answer.json["items"][0]["id"]
        assert "Corner shop" in company.page.get(f"/products/{product_id}/edit").text
        company.post(f"/products/{product_id}/edit", {"name": "Pot", "price": "1.00", "stock": "0"})
        shown = company.api("GET", f"/products/{product_id}").json
        assert (shown["name"], shown["price"], shown["stock"], shown["active"]) == ("Pot", "12.50", 5, False)

    def test_roles_and_walls(self, app, company, other_company, filled):
        assert add_member(app, company, role="sales").get(f"/products/{filled[0]}/edit").status_code == 403
        assert other_company.page.get(f"/products/{filled[0]}").status_code == 404
        assert other_company.post(f"/products/{filled[0]}/edit", {"name": "x"}).status_code == 404
