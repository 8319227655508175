"""Carts: the newest state wins, an order closes them, and an address in one leads nowhere but to the shop."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import select

from saas.commerce import cart_lists, orders, shops
from saas.commerce.models import NO_SOURCE, Cart
from saas.customers import facts, identity
from saas.customers.models import TimelineEntry
from saas.kit import clock, work
from saas.kit.db import db
from tests.rooms.commerce.browsers import VISITOR, at, carted, identified, tell

ME = identified("me", 0, email="ann@shop.example")


def carts(company) -> dict[str, Cart]:
    with work.unit(tenant_id=company.tenant_id):
        return {cart.key: cart for cart in db.session.scalars(select(Cart).order_by(Cart.key))}


def told(company) -> tuple:
    with work.unit(tenant_id=company.tenant_id):
        customer = identity.find("email", "ann@shop.example")
        held = facts.of([customer])[customer]
        titles = db.session.scalars(
            select(TimelineEntry.title).where(TimelineEntry.kind == "cart").order_by(TimelineEntry.at)
        )
        return held.cart_amount, held.cart_at, list(titles)


def ordered(company, minutes, *, source=NO_SOURCE, **more):
    with work.unit(tenant_id=company.tenant_id):
        item = {
            "external_id": f"o{minutes}",
            "placed_at": at(minutes),
            "currency": "EUR",
            "lines": [],
            "total": "5.00",
            **more,
        }
        result = orders.record(item, source)
        assert result.status in ("created", "updated"), result
        return result.id


class TestRenew:
    def test_the_newest_state_wins_however_late_an_older_one_comes(self, context, company, drain):
        tell(company, ME, carted("b", 5, ("p1", 2, "12.50"), ("p2", 1, "0.99")))
        drain(company)
        tell(company, carted("a", 1, ("p1", 1, "12.50")))
        drain(company)
        cart = carts(company)["c1"]
        assert (cart.amount, cart.began_at, cart.changed_at, cart.closed_at) == (2599, at(1), at(5), None)
        assert told(company) == (2599, at(5), ["Put 3 in the cart"])

    def test_an_empty_cart_is_closed_and_a_filled_one_open_again(self, context, company, drain):
        tell(company, ME, carted("a", 1, ("p1", 1, "2.00")), carted("b", 2))
        drain(company)
        assert carts(company)["c1"].closed_at == at(2)
        assert told(company) == (0, None, ["Emptied the cart"])
        tell(company, carted("c", 3, ("p1", 1, "2.00")))
        drain(company)
        assert carts(company)["c1"].closed_at is None and told(company)[:2] == (200, at(3))

    def test_checkout_is_noted_and_the_newest_open_cart_counts(self, context, company, drain):
        tell(
            company,
            ME,
            carted("a", 1, ("p1", 1, "2.00"), kind="checkout_started"),
            carted("b", 9, ("p1", 1, "3.00"), cart="c2"),
        )
        drain(company)
        assert carts(company)["c1"].checkout_at == at(1)
        assert told(company)[:2] == (300, at(9))

    def test_a_cart_in_another_currency_is_told_without_its_money(self, context, company, drain):
        tell(company, ME, carted("a", 1, ("p1", 1, "200"), currency="JPY"))
        drain(company)
        assert carts(company)["c1"].amount == 200
        assert told(company)[:2] == (0, at(1))

    def test_a_cart_without_an_id_is_the_browsers_own(self, context, company, drain):
        tell(company, carted("a", 1, ("p1", 1, "2.00"), cart=""), carted("b", 2, ("p1", 3, "2.00"), cart=""))
        tell(company, carted("a", 1, ("p1", 1, "9.00"), cart=""), visitor="another-browser-1")
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            assert sorted(db.session.scalars(select(Cart.amount).where(Cart.key == ""))) == [600, 900]

    @pytest.mark.parametrize(("url", "kept"), [
        ("https://shop.example/cart/1", True), ("https://www.shop.example/cart", True), ("https://evil.example/cart", False),
        ("https://shop.example.evil.example/", False), ("https://evil.example/https://shop.example/", False),
        ("javascript:alert(1)//shop.example", False), ("https://shop.example@evil.example/", False), ("https://[", False),
    ])  # fmt: skip
    def test_an_address_is_kept_only_where_it_leads_to_the_shop(self, context, company, drain, url, kept):
        with work.unit(tenant_id=company.tenant_id):
            shop = shops.connect(kind="generic", name="Shop", url="https://shop.example")[0].id
        tell(company, carted("a", 1, ("p1", 1, "2.00"), url=url), shop_id=shop)
        drain(company)
        assert carts(company)["c1"].url == (url if kept else "")

    def test_another_browser_cannot_change_a_cart_by_its_id(self, context, company, drain):
        tell(company, carted("a", 1, ("p1", 1, "2.00")))
        tell(company, carted("b", 2), visitor="another-browser-1")
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            mine = db.session.scalars(select(Cart).where(Cart.visitor == VISITOR)).one()
            assert mine.closed_at is None and mine.amount == 200


class TestOrdersClose:
    def test_by_the_carts_id(self, context, company, drain):
        tell(company, ME, carted("a", 1, ("p1", 1, "2.00")), carted("b", 2, ("p1", 1, "2.00"), cart="c2"))
        drain(company)
        order = ordered(company, 10, cart_id="c1")
        drain(company)
        held = carts(company)
        assert (held["c1"].order_id, held["c1"].closed_at, held["c2"].closed_at) == (order, at(10), None)
        assert told(company) == (200, at(2), ["Ordered what was in the cart", "Put 1 in the cart"])

    def test_by_the_browser_though_the_cart_comes_later(self, context, company, drain):
        order = ordered(company, 10, visitor=VISITOR, customer={"email": "ann@shop.example"})
        drain(company)
        tell(company, carted("a", 9, ("p1", 1, "2.00")), carted("b", 11.5, ("p1", 1, "2.00"), cart="slow-clock"))
        drain(company)
        assert {cart.order_id for cart in carts(company).values()} == {order}
        assert told(company)[:2] == (0, None)

    def test_a_cart_filled_after_the_order_is_a_new_one(self, context, company, drain):
        tell(company, ME, carted("a", 1, ("p1", 1, "2.00"), cart=""))
        ordered(company, 10, visitor=VISITOR, customer={"email": "ann@shop.example"})
        drain(company)
        tell(company, carted("b", 60, ("p2", 1, "7.00"), cart=""))
        drain(company)
        assert (carts(company)[""].closed_at, carts(company)[""].order_id) == (None, None)
        assert told(company)[:2] == (700, at(60))

    def test_a_failed_order_leaves_the_cart(self, context, company, drain):
        tell(company, ME, carted("a", 1, ("p1", 1, "2.00")))
        drain(company)
        ordered(company, 10, cart_id="c1", updated_at=at(10))
        drain(company)
        assert told(company)[0] == 0
        ordered(company, 10, cart_id="c1", updated_at=at(12), status="failed")
        drain(company)
        assert told(company)[:2] == (200, at(1))

    def test_not_by_an_order_of_another_shop(self, context, company, drain):
        with work.unit(tenant_id=company.tenant_id):
            one, two = (shops.connect(kind="generic", name=name)[0].id for name in ("One", "Two"))
        tell(company, carted("a", 1, ("p1", 1, "2.00")), shop_id=one)
        drain(company)
        ordered(company, 10, cart_id="c1", source=two)
        drain(company)
        assert carts(company)["c1"].closed_at is None
        ordered(company, 11, cart_id="c1", source=one)
        drain(company)
        assert carts(company)["c1"].closed_at == at(11)

    def test_not_by_an_order_before_it_or_of_another_browser(self, context, company, drain):
        ordered(company, 1, visitor=VISITOR)
        tell(company, carted("a", 30, ("p1", 1, "2.00")))
        ordered(company, 60, visitor="another-browser-1")
        drain(company)
        assert carts(company)["c1"].closed_at is None


class TestWhatBecameOfThem:
    """The same cart, told and ordered in any order: put in at 0, again after a pause of so long, ordered after another."""

    @pytest.mark.parametrize(
        ("again", "order", "state", "left"),
        [(30, 80, "bought", None), (60, 80, "recovered", 0), (30, 90, "recovered", 30), (90, 200, "recovered", 90), (90, None, "abandoned", 0),
         (30, None, "abandoned", None)],
    )  # fmt: skip
    def test_a_cart_that_was_left_and_ordered_after_all_is_recovered(
        self, context, company, drain, again, order, state, left
    ):
        for number, steps in enumerate(itertools.permutations(("first", "again", "order"))):
            key, browser = f"cart-{number}", f"browser-of-cart-{number}"
            for step in steps:
                if step == "first":
                    tell(company, carted("a", 0, ("p1", 1, "2.00"), cart=key), visitor=browser)
                elif step == "again":
                    tell(company, carted("b", again, ("p1", 2, "2.00"), cart=key), visitor=browser)
                elif order:
                    ordered(company, order, cart_id=key, external_id=key)
                drain(company)
            cart = carts(company)[key]
            assert (cart_lists.state(cart), cart.left_at) == (state, None if left is None else at(left)), steps

    def test_lists_and_sums_say_the_same_as_each_cart(self, context, company, drain):
        now = clock.now()

        def ago(minutes: float) -> float:
            return (now - timedelta(minutes=minutes) - at(0)).total_seconds() / 60

        tell(company, carted("a", ago(20), ("p1", 1, "2.00"), cart="open"), carted("b", ago(90), ("p1", 1, "3.00"), cart="left"),
             carted("c", ago(300), ("p1", 1, "4.00"), cart="saved"), carted("d", ago(130), ("p1", 1, "5.00"), cart="quick"),
             carted("e", ago(50), ("p1", 1, "6.00"), cart="none"), carted("f", ago(40), cart="none"))  # fmt: skip
        drain(company)
        ordered(company, ago(100), cart_id="saved")
        ordered(company, ago(120), cart_id="quick")
        drain(company)
        wanted = {"open": "open", "left": "abandoned", "saved": "recovered", "quick": "bought", "none": "emptied"}
        assert {key: cart_lists.state(cart) for key, cart in carts(company).items()} == wanted
        with work.unit(tenant_id=company.tenant_id):
            listed = {state: [cart.key for cart in cart_lists.listed(state=state).items] for state in cart_lists.STATES}
            [summed] = cart_lists.became()
        assert listed == {state: [key] for key, state in wanted.items()}
        assert summed["carts"] == dict.fromkeys(cart_lists.STATES, 1)
        assert summed["amounts"] == {"open": 200, "abandoned": 300, "recovered": 400, "bought": 500, "emptied": 0}
