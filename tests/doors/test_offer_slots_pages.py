"""The pages of places: what is shown where, changing it, and the preview beside the form."""

from __future__ import annotations

import re

import pytest

from saas.recommend import shelf, stock
from tests import queries
from tests.doors.test_home import text_of
from tests.rooms.recommend import little_shop

LIST = "/recommendations/slots"
FORM = {
    "engine": "newest", "fallback": ["popular", ""], "count": "3", "diversity": "0", "active": "1", "least_stock": "1",
    "step_least": "5", "step_most": "60",
}  # fmt: skip


@pytest.fixture
def shop(company, drain):
    """A company with a little shop, its models fitted."""
    from saas.recommend import fitting

    shelf.forget()
    stock.forget()
    with company.app.app_context():
        little_shop.fill(company)
        drain(company)
        fitting.fit(company.tenant_id)
    return company


def send(shop, path: str, **fields):
    return shop.post(path, {**FORM, **fields})


def try_out(shop, **fields):
    return text_of(send(shop, f"{LIST}/preview", slot_key="home", **fields))


class TestList:
    def test_it_shows_each_place_with_pictures_of_what_it_shows_now(self, shop):
        with queries.counted() as statements:
            page = shop.page.get(LIST)
        words = text_of(page)
        assert page.status_code == 200
        assert all(word in words for word in ("Home page", "Beside a product", "In mails", "As it came", "Automatic"))
        assert page.text.count("https://shop.example/") >= 7 * 4
        assert len(statements) <= 12

    @pytest.mark.parametrize("path", ["", "/new", "/home", "/product"])
    def test_the_room_is_marked_at_the_left_and_no_other(self, shop, path):
        page = shop.page.get(f"/recommendations/slots{path}").text
        marked = re.findall(r'<a href="([^"]+)" class="r-nav-link is-active"', page)
        assert marked == ["/recommendations"]

    def test_a_company_without_products_has_it_too(self, company):
        assert "Nothing" in text_of(company.page.get(LIST))

    def test_who_may_only_read_changes_nothing(self, app, shop):
        from tests.companies import add_member

        reader = add_member(app, shop, role="read_only")
        assert "New place" not in text_of(reader.get(LIST))
        assert ">Save<" not in reader.get(f"{LIST}/home").text
        assert reader.get(f"{LIST}/new").status_code == 403


class TestChanging:
    def test_a_place_is_made_changed_and_deleted_and_comes_back(self, shop):
        made = send(shop, f"{LIST}/new", name="Attic", place="home", pinned="Cup 6\ntea-2")
        assert made.status_code == 303
        assert made.headers["Location"].endswith("/recommendations/slots/attic")
        page = shop.page.get(f"{LIST}/attic")
        assert "Cup 6 (cup-6)\nTea 2 (tea-2)" in page.text
        assert "data-regulars-slot=&#34;attic&#34;" in page.text
        assert send(shop, f"{LIST}/attic", name="Loft", engine="popular").status_code == 303
        assert "Loft" in text_of(shop.page.get(LIST))
        deleted = send(shop, f"{LIST}/attic/delete")
        assert deleted.status_code == 303
        assert "Loft" not in text_of(shop.page.get(LIST)).split("As it came", 1)[1]
        entry = shop.api("GET", "/audit", query_string={"action": "offer_slots.deleted"}).json["items"][0]["id"]
        assert shop.api("POST", f"/audit/{entry}/undo").status_code == 200
        assert "Loft" in text_of(shop.page.get(LIST))

    def test_a_built_in_one_is_changed_and_put_back(self, shop):
        assert send(shop, f"{LIST}/home").status_code == 303
        assert "Changed" in text_of(shop.page.get(LIST))
        assert send(shop, f"{LIST}/home/delete").status_code == 303
        assert "Changed" not in text_of(shop.page.get(LIST))

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"count": "50"}, "A number from 1 to 20."), ({"count": "many"}, "A number from 1 to 20."),
            ({"pinned": "No such thing"}, "There is no such product."), ({"price_least": "cheap"}, "Give an amount such as 12.50."),
            ({"engine": "magic"}, "Choose one of the engines."),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_said_and_what_was_typed_stays(self, shop, fields, sentence):
        answer = send(shop, f"{LIST}/home", **fields)
        assert answer.status_code == 422
        assert sentence in text_of(answer)
        [typed] = fields.values()
        assert typed == "magic" or typed in answer.text

    def test_another_companys_place_is_as_unknown_as_any(self, shop, other_company):
        send(other_company, f"{LIST}/new", name="Attic", place="home")
        hers, nobodys = (shop.page.get(f"{LIST}/{key}") for key in ("attic", "cellar"))
        assert (hers.status_code, nobodys.status_code) == (404, 404)


class TestPreview:
    def test_it_shows_reason_and_engine_of_each_and_why_others_are_left_out(self, shop):
        words = try_out(shop, excluded_categories="cup", count="6")
        assert all(f"Tea {number}" in words for number in range(1, 7))
        assert "New in the shop" in words
        assert "Its category is left out" in words.split("Left out, and why")[1]
        assert "for somebody unknown" in words

    def test_for_a_customer_beside_a_product_and_with_a_cart(self, shop):
        words = try_out(shop, try_customer="c1@shop.example", try_cart="tea-2, Tea 3", engine="buy_again", fallback="")
        assert "for c1@shop.example" in words
        assert "You bought this before" in words
        assert "It lies in the cart" in try_out(shop, try_cart="tea-2, Tea 3", count="12")
        assert "Nothing is found for “nobody at all”" in try_out(shop, try_customer="nobody at all")

    def test_a_bundle_is_shown_with_its_sum(self, shop):
        words = text_of(
            send(shop, f"{LIST}/preview", slot_key="product", engine="automatic", bundle="1", try_product="tea-2")
        )
        assert "Buy these together: Tea 2" in words
        assert "€37.50" in words

    def test_what_is_wrong_in_the_form_is_said_there(self, shop):
        assert "A number from 1 to 20." in try_out(shop, count="0")

    def test_a_place_that_is_not_made_yet_and_one_that_is_switched_off(self, shop):
        assert "New in the shop" in text_of(send(shop, f"{LIST}/preview", place="cart"))
        off = {name: value for name, value in FORM.items() if name != "active"}
        assert "The place is switched off." in text_of(shop.post(f"{LIST}/preview", {**off, "slot_key": "home"}))

    def test_nothing_is_kept(self, shop):
        try_out(shop, count="1")
        assert shop.api("GET", f"{LIST}/home").json["id"] is None


def test_the_history_of_a_place_names_products_and_engines(company, context, drain):
    """What was pinned stands there by its name, and what was counted in its words."""
    from saas.catalog import products
    from saas.kit import work

    with work.unit(tenant_id=company.tenant_id):
        products.upsert_many([little_shop.product("tea-1")])
        tea = str(products.by_external(["tea-1"])["tea-1"].id)
    drain(company)
    company.api(
        "PATCH", "/recommendations/slots/home", json={"pinned": [tea], "engine": "newest", "not_bought_days": 60}
    )
    company.api("PATCH", "/recommendations/slots/home", json={"count": 5})
    slot_id = company.api("GET", "/recommendations/slots/home").json["id"]
    company.api("PATCH", "/recommendations/slots/home", json={"pinned": [], "engine": "popular"})
    words = text_of(company.page.get(f"/history?kind=offer_slot&record={slot_id}"))
    assert "Tea 1 (tea-1)" in words and tea not in words and "Popular now" in words
