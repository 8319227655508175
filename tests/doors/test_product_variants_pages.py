"""A product's page with variants, what goes with it and its price over time; the list's filters; the same for programs."""

from __future__ import annotations

import pytest

from tests.queries import counted


def variant(number, **more):
    return {
        "external_id": f"v{number}",
        "sku": f"SKU-{number}",
        "name": f"Size {number}",
        "position": number,
        "price": "10.00",
        "stock": 3,
        **more,
    }


@pytest.fixture
def shirt(company):
    """A shirt of two variants, one reduced, and the cap that goes with it."""
    items = [
        {
            "external_id": "shirt", "name": "Shirt", "price": "8.00", "regular_price": "10.00", "sale_price": "8.00", "currency": "EUR", "kind": "variable",
            "categories": ["Shirts"], "cross_sells": ["cap", "later"], "brand": "Fern", "rating": 4.5,
            "images": [{"url": "https://shop.example/1.jpg", "alt": "Front"}, {"url": "https://shop.example/2.jpg"}],
            "variants": [variant(1, price="8.00", regular_price="10.00", sale_price="8.00"), variant(2, stock=0)],
        },
        {"external_id": "cap", "name": "Cap", "price": "5.00", "currency": "EUR", "categories": ["Caps"]},
    ]  # fmt: skip
    done = company.api("POST", "/products/bulk", json={"items": items}).json["items"]
    assert [one["status"] for one in done] == ["created", "created"]
    return {"shirt": done[0]["id"], "cap": done[1]["id"]}


class TestPage:
    def test_it_shows_variants_pictures_and_what_goes_with_it(self, company, shirt):
        page = company.page.get(f"/products/{shirt['shirt']}").text
        assert "Size 1" in page and "SKU-2" in page and "sold out" in page and "reduced" in page
        assert "https://shop.example/2.jpg" in page and "Fern" in page and "4.5" in page
        assert f"/products/{shirt['cap']}" in page and "1 more has not arrived" in page
        assert "The price has not changed" in page

    def test_its_price_is_drawn_once_it_changed(self, company, shirt):
        company.api("PATCH", f"/products/{shirt['shirt']}", json={"price": "6.00"})
        page = company.page.get(f"/products/{shirt['shirt']}").text
        assert "The price fell by 25%" in page
        told = company.api("GET", f"/products/{shirt['shirt']}/prices").json["items"]
        assert [(one["old"], one["new"], one["variant_id"]) for one in told] == [("8.00", "6.00", None)]

    def test_many_variants_come_a_page_at_a_time_within_twelve_queries(self, company):
        item = {"external_id": "many", "name": "Many", "variants": [variant(number) for number in range(60)]}
        made = company.api("POST", "/products/bulk", json={"items": [item]}).json["items"][0]["id"]
        company.page.get(f"/products/{made}")
        with counted() as asked:
            first = company.page.get(f"/products/{made}").text
        assert len(asked) <= 12
        assert "SKU-24" in first and "SKU-25" not in first
        every, cursor = [], None
        while True:
            answer = company.api(
                "GET", f"/products/{made}/variants", query_string={"limit": 50} | ({"cursor": cursor} if cursor else {})
            ).json
            every += [one["sku"] for one in answer["items"]]
            cursor = answer["next"]
            if cursor is None:
                break
        assert every == [f"SKU-{number}" for number in range(60)]

    def test_variants_that_have_not_come_are_said_to_be_on_their_way(self, company):
        item = {"external_id": "soon", "name": "Soon", "kind": "variable"}
        made = company.api("POST", "/products/bulk", json={"items": [item]}).json["items"][0]["id"]
        assert "have not arrived yet" in company.page.get(f"/products/{made}").text


class TestList:
    @pytest.mark.parametrize(
        ("asked", "names"),
        [
            ("show=reduced", {"Shirt"}), ("show=no_picture", {"Cap"}), ("category=Caps", {"Cap"}), ("category=Caps&show=reduced", set()),
            ("show=sold_out", set()), ("", {"Cap", "Shirt"}),
        ],
    )  # fmt: skip
    def test_its_filters(self, company, shirt, asked, names):
        page = company.page.get(f"/products?{asked}").text
        assert {
            name
            for name in ("Cap", "Shirt")
            if f">{name}</a><" in page.replace("\n", "") or f">{name}</a>" in page.split('id="list"')[1]
        } == names

    @pytest.mark.parametrize(
        ("asked", "keys"),
        [
            ({"reduced": "true"}, {"shirt"}), ({"reduced": "false"}, {"cap"}), ({"category": "Caps"}, {"cap"}), ({"pictured": "false"}, {"cap"}),
            ({"sku": "SKU-2"}, {"shirt"}),
        ],
    )  # fmt: skip
    def test_the_same_for_programs(self, company, shirt, asked, keys):
        answer = company.api("GET", "/products", query_string=asked)
        assert {one["external_id"] for one in answer.json["items"]} == keys


class TestPrograms:
    def test_a_product_is_read_as_it_was_sent(self, company, shirt):
        told = company.api("GET", f"/products/{shirt['shirt']}").json
        assert (told["on_sale"], told["sale_price"], told["rating"], told["brand"]) == (True, "8.00", 4.5, "Fern")
        assert told["cross_sells"] == ["cap", "later"] and len(told["images"]) == 2
        first = company.api("GET", f"/products/{shirt['shirt']}/variants").json["items"][0]
        assert (first["on_sale"], first["available"], first["price"]) == (True, True, "8.00")

    def test_what_cannot_be_is_named_with_its_place(self, company):
        bad = {"external_id": "x", "variants": [{"external_id": "a", "price": "cheap"}]}
        answer = company.api("POST", "/products", json=bad)
        assert answer.status_code == 422 and "variants" in str(answer.json["error"]["fields"])
