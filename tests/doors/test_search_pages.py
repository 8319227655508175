"""The search box: what it finds, for whom, and in which shape."""

from __future__ import annotations

import pytest

from tests.companies import add_member
from tests.doors.shop_data import indexed, order, product, send

BOX = {"HX-Request": "true", "HX-Request-Type": "partial"}


@pytest.fixture
def filled(company, drain):
    send(company, "products", product(1, name="Walnut bowl", sku="WB-77"))
    send(company, "customers", {"email": "ada.lovelace@shop.example", "first_name": "Ada", "last_name": "Lovelace", "phone": "+44 20 7946 0123"},
         {"email": "wang@shop.example", "last_name": "王小明"},
         {"email": "ou@shop.example", "first_name": "娜娜", "last_name": "欧阳"})  # fmt: skip
    send(company, "orders", order(4711, "ada.lovelace@shop.example"))
    company.api(
        "POST", "/segments", json={"name": "Loyal walnut friends", "definition": {"match": "all", "conditions": []}}
    )
    drain(company)
    indexed(company)


CASES = [
    ("lovel", "/customers/", "Ada Lovelace"), ("ada.love", "/customers/", "Ada Lovelace"), ("0123", "/customers/", "Ada Lovelace"),
    ("小明", "/customers/", "王小明"), ("欧阳娜娜", "/customers/", "欧阳娜娜"), ("FK-4711", "/orders/", "FK-4711"), ("4711", "/orders/", "FK-4711"), ("walnut", "/products/", "Walnut bowl"),
    ("WB-77", "/products/", "Walnut bowl"), ("loyal", "/segments/", "Loyal walnut friends"),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "address", "label"), CASES)
def test_the_box_leads_to_it(company, filled, typed, address, label):
    answer = company.page.get("/search", query_string={"q": typed}, headers=BOX)
    assert answer.status_code == 200
    assert f'href="{address}' in answer.text and label in answer.text and "<html" not in answer.text


def test_the_page_shows_the_same_by_kind(company, filled):
    page = company.page.get("/search?q=walnut").text
    assert "Walnut bowl" in page and "Loyal walnut friends" in page and "<html" in page
    assert "Nothing found for “zzzz”." in company.page.get("/search?q=zzzz").text
    assert "Look for anybody and anything" in company.page.get("/search").text


def test_nothing_is_an_empty_answer_for_the_box(company, filled):
    for typed in ("", "zzzzqqq", "'\"%*<>&", "a" * 5000):
        answer = company.page.get("/search", query_string={"q": typed}, headers=BOX)
        assert answer.status_code == 200 and "r-hit" not in answer.text


def test_nobody_finds_another_companys_things(company, other_company, filled):
    for typed, *_rest in CASES:
        assert "r-hit" not in other_company.page.get("/search", query_string={"q": typed}, headers=BOX).text


def test_a_member_finds_what_their_role_may_see(app, company, filled):
    assert "Lovelace" in add_member(app, company, role="read_only").get("/search?q=lovel", headers=BOX).text
    assert app.test_client().get("/search?q=lovel").status_code in (302, 303)
