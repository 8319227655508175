"""The carts' pages and their API: what lies in them, what became of them, and nothing of anybody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saas.commerce import cart_lists
from saas.kit import clock
from tests.doors.shop_data import order, product, send
from tests.queries import counted


def cart(key, minutes, *items, kind="cart_updated", **more):
    told = {
        "id": key,
        "currency": "EUR",
        "items": [{"product": p, "quantity": q, "price": price} for p, q, price in items],
        **more,
    }
    at = (clock.now() - timedelta(minutes=minutes)).isoformat()
    return {"id": f"{key}-{minutes}", "type": kind, "at": at, "cart": told}


@pytest.fixture
def filled(app, company, drain):
    """Carts of three browsers: one left by somebody known, one open, one won back, one emptied."""
    send(company, "products", product(1), product(2))
    known = {"id": "me", "type": "identified", "at": clock.now().isoformat(), "identity": {"email": "ada@shop.example"}}
    told = {
        "browser-of-ada-01": [known, cart("left", 300, ("p1", 2, "12.50"), ("unknown", 1, "1.00")), cart("left", 290, ("p1", 2, "12.50"), kind="checkout_started")],
        "browser-of-bob-01": [cart("open", 10, ("p2", 1, "5.00"))],
        "browser-of-cyd-01": [cart("saved", 400, ("p1", 1, "12.50"))],
        "browser-of-dan-01": [cart("none", 50, ("p1", 1, "12.50")), cart("none", 40)],
    }  # fmt: skip
    for visitor, events in told.items():
        body = {"site_key": company.site_key, "visitor": visitor, "consent": {"analytics": True}, "events": events}
        assert app.test_client().post("/collect", json=body).json["accepted"] == len(events)
    drain(company)
    send(company, "orders", order(1, "cyd@shop.example", days=0, cart_id="saved"))
    drain(company)
    return {one["key"]: one for one in company.api("GET", "/carts").json["items"]}


class TestList:
    def test_it_tells_what_lies_in_them_and_what_became_of_them(self, company, filled):
        page = company.page.get("/carts").text
        assert "ada@shop.example" in page and "Pot 1" in page and "went as far as the checkout" in page
        for words in ("Left lying", "Won back", "Emptied", "€25.00", "50%"):
            assert words in page, words

    @pytest.mark.parametrize(("state", "key"), [("abandoned", "left"), ("open", "open"), ("recovered", "saved"), ("emptied", "none")])  # fmt: skip
    def test_a_state_shows_only_its_own(self, company, filled, state, key):
        page = company.page.get(f"/carts?state={state}").text
        assert [one for one, row in filled.items() if row["id"] in page] == [key]

    def test_by_customer_and_by_whether_anybody_knows_them(self, company, filled):
        ada = filled["left"]["customer_id"]
        page = company.page.get(f"/carts?customer={ada}").text
        assert filled["left"]["id"] in page and filled["open"]["id"] not in page and "of ada@shop.example" in page
        page = company.page.get("/carts?known=no").text
        assert filled["open"]["id"] in page and filled["left"]["id"] not in page

    def test_nothing_yet_and_nothing_like_that_are_told_apart(self, company):
        assert "No carts yet" in company.page.get("/carts").text
        assert "No cart is like that" in company.page.get("/carts?state=open").text

    def test_sums_of_very_many_say_what_they_are_of(self, company, filled, monkeypatch):
        assert "sums are of the newest" not in company.page.get("/carts").text
        monkeypatch.setattr(cart_lists, "MOST_SUMMED", 1)
        assert "so these sums are of the newest 1." in company.page.get("/carts").text

    def test_it_asks_at_most_twelve_questions(self, company, filled):
        with counted() as sent:
            assert company.page.get("/carts").status_code == 200
        assert len(sent) <= 12, sent


class TestOne:
    def test_it_shows_the_lines_whose_it_is_and_its_life(self, company, filled):
        page = company.page.get(f"/carts/{filled['left']['id']}").text
        for words in ("Cart of ada@shop.example", "Pot 1", "€25.00", "Went as far as the checkout", "Left lying until today"):  # fmt: skip
            assert words in page, words

    def test_one_that_was_won_back_leads_to_its_order(self, company, filled):
        page = company.page.get(f"/carts/{filled['saved']['id']}").text
        assert "Ordered as FK-1" in page and f"/orders/{filled['saved']['order_id']}" in page and "Left lying" in page

    def test_a_visitors_is_nobodys(self, company, filled):
        assert "Cart of a visitor" in company.page.get(f"/carts/{filled['open']['id']}").text


class TestApi:
    def test_programs_read_the_same(self, company, filled):
        left = company.api("GET", f"/carts/{filled['left']['id']}").json
        assert left == filled["left"] and (left["state"], left["total"]) == ("abandoned", "25.00")
        assert left["items"] == [{"product": "p1", "quantity": 2, "price": "12.50"}]
        keys = [one["key"] for one in company.api("GET", "/carts?state=recovered").json["items"]]
        assert keys == ["saved"] and filled["saved"]["left_at"] is not None
        assert company.api("GET", "/carts?state=odd").status_code == 422

    def test_page_by_page_they_are_all_there_once(self, company, filled):
        seen, cursor = [], None
        while True:
            answer = company.api(
                "GET", "/carts", query_string={"limit": 1} | ({"cursor": cursor} if cursor else {})
            ).json
            seen += [one["key"] for one in answer["items"]]
            cursor = answer["next"]
            if cursor is None:
                break
        assert sorted(seen) == sorted(filled)
