"""Bulk actions on products and orders and files of what is chosen, through the pages and for programs."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest

from saas.kit import scope
from saas.tenancy import operations
from tests import transactions
from tests.companies import add_member
from tests.doors.shop_data import days_ago, order, product, send


@pytest.fixture
def goods(company, drain):
    ids = send(
        company,
        "products",
        product(1),
        product(2, name="Lamp"),
        product(3, name="Vase", stock=0),
        product(4, name="Old", active=False),
    )
    send(
        company,
        "orders",
        order(1, "ada@shop.example"),
        order(2, "bob@shop.example", days=40),
        order(3, "ada@shop.example", status="cancelled"),
    )
    drain(company)
    return ids


def text(answer):
    return html.unescape(answer.get_data(as_text=True))


def work(app, company, place):
    operation_id = place.rpartition("/")[2]
    with app.app_context(), scope.tenant(company.tenant_id):
        while operations.run(operation_id, seconds=0):
            pass
    return operation_id


def rows(answer):
    assert answer.status_code == 200, answer.text[:500]
    return [row[0] for row in csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))][1:]


def take(company, what, column, **asked):
    """Walk from a list's address to the file: the form's hidden fields are what is posted."""
    page = text(company.page.get("/exports/new", query_string={"what": what, **asked}))
    return sorted(rows(company.post("/exports", hidden(page) | {"format": "csv", "columns": [column]})))


def hidden(page):
    form = page[page.index('action="/exports"') :]
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form):
        found.setdefault(name, []).append(value)
    return found


class TestProducts:
    def test_from_the_list_by_filter_to_the_undo(self, app, company, goods):
        page = text(company.page.get("/products?show=sold_out"))
        assert 'action="/products/bulk"' in page and "/exports/chosen?what=products" in page
        chosen = {"all": "1", "show": "sold_out"}
        assert "1 product is chosen" in text(company.post("/products/bulk", chosen))
        wish = chosen | {"do": "set", "field": "categories", "value": "Glass"}
        seen = text(company.post("/products/bulk", wish))
        assert "Set Categories to “Glass” for 1 products" in seen and "Vase" in seen
        begun = company.post("/products/bulk", wish | {"go": "1"})
        operation_id = work(app, company, begun.headers["Location"])
        told = text(company.page.get(begun.headers["Location"]))
        assert "Changed" in told and "Undo all of it" in told and "Show every change in the history" in told
        assert company.api("GET", f"/products/{goods[2]}").json["categories"] == ["Glass"]
        company.post(f"/operations/{operation_id}/undo")
        work(app, company, begun.headers["Location"])
        assert company.api("GET", f"/products/{goods[2]}").json["categories"] != ["Glass"]

    def test_by_hand_and_nothing_chosen(self, company, goods):
        assert "2 products are chosen" in text(company.post("/products/bulk", {"ids": goods[:2]}))
        assert company.post("/products/bulk", {"ids": []}).status_code == 303
        wrong = company.post("/products/bulk", {"ids": goods[:2], "do": "set", "field": "price", "value": "cheap"})
        assert wrong.status_code == 422

    def test_many_are_deleted_and_brought_back(self, app, company, goods):
        begun = company.post("/products/bulk", {"ids": goods[:2], "do": "delete", "go": "1"})
        operation_id = work(app, company, begun.headers["Location"])
        assert "Pot 1" not in text(company.page.get("/products")) and "Pot 1" in text(company.page.get("/bin"))
        company.post(f"/operations/{operation_id}/undo")
        work(app, company, begun.headers["Location"])
        assert "Pot 1" in text(company.page.get("/products"))

    def test_who_may_not_change_them_may_not_change_many(self, app, company, goods):
        reader = add_member(app, company, role="read_only")
        assert reader.post("/products/bulk", data={"ids": goods[:1]}).status_code == 403
        assert reader.post("/orders/bulk", data={"ids": goods[:1]}).status_code == 403
        assert "data-bulk-bar" not in text(reader.get("/products")) + text(reader.get("/orders"))

    def test_for_programs(self, app, company, goods):
        wish = {"active": True, "do": "tag", "value": "sale"}
        tried = company.api("POST", "/products/bulk_edit", json=wish | {"dry_run": True})
        assert (tried.status_code, tried.json["count"], tried.json["title"]) == (
            202,
            3,
            "Add the tag “sale” to 3 products",
        )
        begun = company.api("POST", "/products/bulk_edit", json=wish).json
        work(app, company, begun["operation"])
        assert company.api("GET", f"/operations/{begun['operation']}").json["report"] == {"changed": 3, "unchanged": 0}
        assert company.api("GET", f"/products/{goods[3]}").json["tags"] == product(4).get("tags", [])
        for bad in (
            {"do": "own"},
            {"do": "set", "field": "nonsense"},
            {"do": "tag", "value": "x", "where": ["custom.none.is.1"]},
        ):
            assert company.api("POST", "/products/bulk_edit", json=bad).status_code == 422, bad


class TestOrders:
    def test_from_the_list_by_filter_to_the_undo(self, app, company, goods):
        company.api("POST", "/fields/order", json={"label": "Gift", "type": "yes_no"})
        assert 'action="/orders/bulk"' in text(company.page.get("/orders"))
        chosen = {"all": "1", "since": days_ago(60)[:10], "status": "paid"}
        wish = chosen | {"do": "set", "field": "custom.gift", "value": "yes"}
        assert "Set Gift to “yes” for 2 orders" in text(company.post("/orders/bulk", wish))
        begun = company.post("/orders/bulk", wish | {"go": "1"})
        operation_id = work(app, company, begun.headers["Location"])
        assert take(company, "orders", "number", where="custom.gift.is.yes") == ["FK-1", "FK-2"]
        company.post(f"/operations/{operation_id}/undo")
        work(app, company, begun.headers["Location"])
        assert take(company, "orders", "number", where="custom.gift.is.yes") == []

    def test_for_programs_and_deleting(self, app, company, goods, drain):
        wish = {"status": "cancelled", "do": "delete"}
        assert company.api("POST", "/orders/bulk_edit", json=wish | {"dry_run": True}).json["count"] == 1
        begun = company.api("POST", "/orders/bulk_edit", json=wish).json
        work(app, company, begun["operation"])
        drain(company)
        assert [one["number"] for one in company.api("GET", "/orders").json["items"]] == ["FK-1", "FK-2"]
        transactions.until_all_ended(company)
        deleted = [
            one for one in company.api("GET", "/changes?kinds=order").json["items"] if one["change"] == "deleted"
        ]
        assert len(deleted) == 1
        assert "FK-3" in text(company.page.get("/bin"))


class TestFiles:
    def test_the_lists_of_orders_pass_all_their_filters(self, company, goods):
        company.api("POST", "/fields/order", json={"label": "Gift", "type": "yes_no"})
        first = next(one for one in company.api("GET", "/orders").json["items"] if one["number"] == "FK-1")
        company.api("PATCH", f"/orders/{first['id']}", json={"custom": {"gift": True}})
        everything = ["FK-1", "FK-2", "FK-3"]
        for asked, wanted in (
            ({}, everything), ({"status": "cancelled"}, ["FK-3"]), ({"q": "#FK-2"}, ["FK-2"]), ({"since": days_ago(10)[:10]}, ["FK-1", "FK-3"]),
            ({"until": days_ago(10)[:10]}, ["FK-2"]), ({"customer": first["customer_id"]}, ["FK-1", "FK-3"]), ({"where": "custom.gift.is.yes"}, ["FK-1"]),
        ):  # fmt: skip
            listed = text(company.page.get("/orders", query_string=asked))
            assert [number for number in everything if f">{number}<" in listed] == wanted, asked
            link = html.unescape(
                re.search(r'href="(/exports/new[^"]*)"', company.page.get("/orders", query_string=asked).text)[1]
            )
            page = text(company.page.get(link))
            assert (
                sorted(rows(company.post("/exports", hidden(page) | {"format": "csv", "columns": ["number"]})))
                == wanted
            ), asked

    def test_the_lists_of_products_pass_all_their_filters(self, company, goods):
        company.api("POST", "/fields/product", json={"label": "Material", "type": "text"})
        company.api("PATCH", f"/products/{goods[1]}", json={"custom": {"material": "oak"}})
        for asked, wanted in (
            ({}, ["Lamp", "Pot 1", "Vase"]), ({"show": "all"}, ["Lamp", "Old", "Pot 1", "Vase"]), ({"show": "off_sale"}, ["Old"]),
            ({"show": "sold_out"}, ["Vase"]), ({"where": "custom.material.is.oak"}, ["Lamp"]), ({"q": "nothing like it"}, []),
        ):  # fmt: skip
            link = html.unescape(
                re.search(r'href="(/exports/new[^"]*)"', company.page.get("/products", query_string=asked).text)[1]
            )
            page = text(company.page.get(link))
            assert (
                sorted(rows(company.post("/exports", hidden(page) | {"format": "csv", "columns": ["name"]}))) == wanted
            ), asked

    def test_what_is_chosen_by_hand_is_a_file(self, company, goods):
        page = company.post("/exports/chosen?what=products", {"ids": goods[:2], "show": "on_sale"})
        assert "Chosen by hand · 2 records" in text(page)
        assert sorted(rows(company.post("/exports", hidden(text(page)) | {"format": "csv", "columns": ["name"]}))) == [
            "Lamp",
            "Pot 1",
        ]
        whole = company.post("/exports/chosen?what=products", {"all": "1", "show": "all"})
        assert "4 records" in text(whole)
        assert company.post("/exports/chosen?what=products", {}).status_code == 303

    def test_customers_too_and_a_search_that_found_nobody_is_an_empty_file(self, company, goods):
        ids = [one["id"] for one in company.api("GET", "/customers").json["items"]]
        page = text(company.post("/exports/chosen?what=customers", {"ids": ids[:1]}))
        assert "1 record" in page
        assert len(rows(company.post("/exports", hidden(page) | {"format": "csv", "columns": ["email"]}))) == 1
        assert take(company, "customers", "email", q="nobody at all") == []

    def test_nonsense_is_refused(self, company, goods):
        assert company.post("/exports", {"what": "products", "format": "csv", "ids": ["x"]}).status_code == 422
        assert (
            company.post("/exports", {"what": "orders", "format": "csv", "where": ["custom.none.is.1"]}).status_code
            == 422
        )

    def test_programs_ask_the_same(self, app, company, goods, drain):
        def export(**asked):
            made = company.api("POST", "/exports", json={"columns": ["id"], **asked})
            assert made.status_code == 202, made.json
            work(app, company, made.json["id"])
            return company.api("GET", f"/exports/{made.json['id']}").json["records"]

        assert export(what="products", sold_out=True) == 1
        assert export(what="products", ids=goods[:2]) == 2
        assert export(what="orders", number="FK-2") == 1
        customer = company.api("GET", "/customers?email=ada@shop.example").json["items"][0]["id"]
        assert export(what="orders", customer_id=customer) == 2
        assert (
            company.api("POST", "/exports", json={"what": "orders", "where": ["custom.none.is.1"]}).status_code == 422
        )
