"""Coupons: what they may say, who is given which code, and in which orders codes were used."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from saas.commerce import coupon_codes, coupon_numbers, coupon_writing, coupons, orders, shops
from saas.commerce.coupon_models import CouponCode, CouponUse
from saas.customers import merging, profiles
from saas.customers import unmerging as parting
from saas.kit import clock, identifiers, outbox, work
from saas.kit.db import db
from saas.tenancy import bin
from tests.companies import drain_outbox


@pytest.fixture
def place(context, company):
    return Place(company)


class Place:
    """A company with a shop that fetches its codes, a coupon of ten percent, and two customers."""

    def __init__(self, company, **terms):
        self.company = company
        with self.unit():
            self.shop = shops.connect(kind="generic", name="Shop", currency="EUR", url="https://shop.example")[0].id
            self.coupon = coupons.create(
                name="Welcome", shop_id=self.shop, **({"kind": "percent", "percent": "10"} | terms)
            ).id
            self.ada = profiles.find_or_create(email="ada@shop.example")
            self.ben = profiles.find_or_create(email="ben@shop.example")

    def unit(self):
        return work.unit(tenant_id=self.company.tenant_id)

    def advance(self):
        coupon_writing.advance(self.company.tenant_id, self.shop, rest=lambda _seconds: None)

    def give(self, customer, **more):
        with self.unit():
            return coupon_codes.give(self.coupon, customer_id=customer, by="member", **more).code

    def order(self, key, code, *, status="paid", off="1.00", day=1, refunds=(), email="ada@shop.example", source=None):
        """Record an order of 10.00 with a code, as its shop tells it on some day."""
        told = [{"code": code, "amount": off}] if code else []
        at = clock.now() - timedelta(days=2)
        item = {
            "external_id": key, "number": key, "placed_at": at, "updated_at": at + timedelta(minutes=day), "status": status, "currency": "EUR",
            "customer": {"email": email}, "lines": [{"product": "p", "quantity": 1, "unit_price": "10.00"}], "discount": off if code else "0",
            "discounts": told, "refunds": list(refunds),
        }  # fmt: skip
        with self.unit():
            return orders.record(item, self.shop if source is None else source, loud=True).id

    def follow(self):
        drain_outbox(self.company.app, self.company)

    def uses(self):
        with self.unit():
            return [(one.order_id, one.counted, one.discount_amount) for one in db.session.query(CouponUse)]

    def announced(self, name):
        with self.unit():
            return [row.payload for row in db.session.query(outbox.OutboxEvent).filter_by(name=name)]


BAD = {
    "percent": [
        {"percent": "0"},
        {"percent": "101"},
        {"percent": "1.234"},
        {"percent": "many"},
        {"percent": "NaN"},
        {"percent": ""},
    ],
    "amount": [{"kind": "amount", "amount": value} for value in ("", "0", "-1", "all", "1e30")],
    "least": [{"least": "-5"}, {"least": "nine"}],
    "currency": [{"currency": "EURO"}, {"currency": "12€"}],
    "prefix": [
        {"prefix": value}
        for value in ("<b>", "TEA TIME", "-X", "X-", "ÄÖÜ", "茶", "A" * 13, "%0a", "x'--", "a/b", "🎁")
    ],
    "uses": [{"uses": 0 - 1}, {"uses": 1001}, {"uses": "x"}],
    "days": [{"days": 0 - 3}, {"days": 731}, {"days": "soon"}],
    "ends_at": [
        {"ends_at": "tomorrow"},
        {"starts_at": "2026-12-02", "ends_at": "2026-12-01"},
        {"ends_at": "9999-12-31"},
    ],
    "kind": [{"kind": "gift"}],
    "products": [{"products": [str(n) for n in range(51)]}],
}


@pytest.mark.parametrize(("field", "terms"), [(field, terms) for field, cases in BAD.items() for terms in cases])
def test_what_a_coupon_cannot_say_is_refused_at_its_field(place, field, terms):
    with place.unit(), pytest.raises(coupons.BadCoupon) as refusal:
        coupons.create(name="Bad", shop_id=place.shop, **({"kind": "percent", "percent": "10"} | terms))
    assert field in refusal.value.fields


def test_null_bytes_and_halves_of_characters_in_a_coupon_do_no_harm(place):
    with place.unit():
        made = coupons.create(
            name="Te\x00a\ud83d", shop_id=place.shop, kind="percent", percent="10", categories=["Te\x00a"]
        )
        assert "\x00" not in made.name and made.categories == ["Tea"]


def test_codes_are_long_differ_and_have_no_letters_that_are_mistaken(place):
    drawn = [coupon_codes.draw("TEA") for _turn in range(2000)]
    assert len(set(drawn)) == 2000
    assert not set("".join(code.removeprefix("TEA-") for code in drawn)) & set("0OI1L5S8BU")
    assert {len(code) for code in drawn} == {14}


def test_terms_stand_fast_once_there_are_codes_and_the_name_does_not(place):
    with place.unit():
        coupons.change(place.coupon, percent="15", days=3)
    place.give(place.ada)
    with place.unit(), pytest.raises(coupons.TermsStandFast):
        coupons.change(place.coupon, percent="20")
    with place.unit():
        coupons.change(place.coupon, name="Hello", pool=3, percent="15")


def test_the_same_wish_gets_the_same_code_and_who_holds_one_gets_no_second(place):
    first = place.give(place.ada, key="wish")
    assert place.give(place.ada, key="wish") == first
    assert place.give(place.ada) == first
    assert place.give(place.ben) != first


def test_two_clicks_at_once_give_one_code(place, app):
    import threading

    found, failed = [], []

    def click():
        try:
            with app.app_context():
                found.append(place.give(place.ada))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=click) for _click in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed and len(set(found)) == 1 and len(found) == 4


def test_many_at_once_each_get_their_own_and_those_who_used_it_up_none(place):
    code = place.give(place.ada)
    place.order("o1", code)
    place.follow()
    with place.unit():
        others = [profiles.find_or_create(email=f"p{n}@shop.example") for n in range(30)]
        given = coupon_codes.give_many(place.coupon, [place.ada, *others], by="campaign", given_for=identifiers.new())
        assert set(given) == set(others) and len(set(given.values())) == 30
    with place.unit():
        again = coupon_codes.give_many(place.coupon, [place.ada, *others], by="campaign", given_for=identifiers.new())
        assert again == given
    assert sum(len(one["code_ids"]) for one in place.announced("CouponGiven")) == 31


def test_who_used_the_coupon_as_often_as_one_may_is_given_none(place):
    place.order("o1", place.give(place.ada))
    place.follow()
    with place.unit(), pytest.raises(coupon_codes.HadAlready):
        coupon_codes.give(place.coupon, customer_id=place.ada, by="member")


def test_days_count_from_the_day_a_code_is_given_and_never_beyond_the_coupon(context, company):
    place = Place(company, days=7, ends_at=clock.now() + timedelta(days=9))
    place.give(place.ada)
    with place.unit():
        [(code, _coupon, _used)] = coupon_codes.of_customer(place.ada)
        assert timedelta(days=7) <= code.ends_at - clock.now() < timedelta(days=8, hours=1)
    with clock.travel(to=clock.now() + timedelta(days=5)):
        place.give(place.ben)
        with place.unit():
            [(code, coupon, _used)] = coupon_codes.of_customer(place.ben)
            assert code.ends_at == coupon.ends_at


def test_a_coupon_that_is_over_or_stopped_is_given_to_nobody(place):
    with place.unit():
        coupons.stop(place.coupon)
    with place.unit(), pytest.raises(coupons.Stopped):
        coupon_codes.give(place.coupon, customer_id=place.ada, by="member")


def test_an_order_with_the_code_redeems_it_once_however_it_is_written_and_however_often_it_comes(place):
    code = place.give(place.ada)
    order = place.order("o1", code.lower())
    place.follow()
    place.order("o1", f" {code} ", day=2)
    place.order("o1", code.lower(), day=1)
    place.follow()
    assert place.uses() == [(order, True, 100)]
    [told] = place.announced("CouponRedeemed")
    assert (told["order_id"], told["customer_id"]) == (str(order), str(place.ada))


def test_an_order_that_is_cancelled_or_paid_back_takes_the_use_back_and_one_that_is_paid_after_all_counts(place):
    code = place.give(place.ada)
    order = place.order("o1", code)
    place.follow()
    place.order("o1", code, status="cancelled", day=2)
    place.follow()
    assert place.uses() == [(order, False, 100)]
    with place.unit():
        assert coupon_codes.of_customer(place.ada)[0][2] is False
    place.order("o1", code, day=3)
    place.follow()
    assert place.uses() == [(order, True, 100)]
    back = [{"external_id": "r1", "amount": "9.00", "at": clock.now(), "reason": ""}]
    place.order("o1", code, status="refunded", refunds=back, day=4)
    place.follow()
    assert place.uses() == [(order, False, 100)]
    assert len(place.announced("CouponRedeemed")) == 1


def test_a_part_that_is_paid_back_leaves_the_code_used(place):
    code = place.give(place.ada)
    order = place.order("o1", code)
    place.order("o1", code, refunds=[{"external_id": "r1", "amount": "2.00", "at": clock.now()}], day=2)
    place.follow()
    assert place.uses() == [(order, True, 100)]


def test_an_order_that_names_the_code_no_more_never_used_it(place):
    code = place.give(place.ada)
    place.order("o1", code)
    place.follow()
    place.order("o1", None, day=2)
    place.follow()
    assert place.uses() == []


def test_a_code_of_another_shop_or_of_another_company_redeems_nothing(place, other_company):
    code = place.give(place.ada)
    with place.unit():
        second = shops.connect(kind="generic", name="Second", currency="EUR")[0].id
    place.order("o1", code, source=second)
    place.follow()
    assert place.uses() == []
    theirs = Place(other_company)
    theirs.order("o1", code)
    theirs.follow()
    assert theirs.uses() == [] and place.uses() == []


def test_an_order_told_by_a_program_without_a_shop_redeems_the_code_too(place):
    code = place.give(place.ada)
    order = place.order("o1", code, source=UUID(int=0))
    place.follow()
    assert place.uses() == [(order, True, 100)]


def test_codes_of_the_shop_itself_are_nothing_of_ours(place):
    place.give(place.ada)
    place.order("o1", "SUMMER")
    place.follow()
    assert place.uses() == []


def test_an_old_order_announces_no_redeeming(place):
    code = place.give(place.ada)
    with clock.travel(to=clock.now() - timedelta(days=60)):
        place.order("o1", code)
    place.follow()
    assert len(place.uses()) == 1 and place.announced("CouponRedeemed") == []


def test_an_order_that_goes_to_the_bin_and_comes_back_takes_its_use_along(place):
    code = place.give(place.ada)
    order = place.order("o1", code)
    place.follow()
    with place.unit():
        bin.put("order", {order: "o1"})
    assert place.uses() == []
    with place.unit():
        bin.restore(bin.find("order", order))
    assert place.uses() == [(order, True, 100)]


def test_a_merge_carries_the_codes_along_and_parting_brings_them_back(place):
    code = place.give(place.ben)
    with place.unit():
        merge = merging.merge(winner_id=place.ada, loser_id=place.ben)
    with place.unit():
        assert [one.code for one, _coupon, _used in coupon_codes.of_customer(place.ada)] == [code]
    with place.unit():
        parting.unmerge(merge.id)
    with place.unit():
        assert coupon_codes.of_customer(place.ada) == []
        assert [one.code for one, _coupon, _used in coupon_codes.of_customer(place.ben)] == [code]


def test_the_figures_of_a_coupon_tell_given_used_money_and_what_it_cost(place):
    with place.unit():
        coupons.change(place.coupon, pool=3)
    codes = [place.give(one) for one in (place.ada, place.ben)]
    place.advance()
    place.order("o1", codes[0], off="1.00")
    place.order("o2", codes[1], off="2.50", status="cancelled", email="ben@shop.example")
    place.follow()
    with place.unit():
        found = coupon_numbers.of([place.coupon])[place.coupon]
    assert (found.made, found.given, found.used, found.ready) == (5, 2, 1, 5)
    assert (found.orders, found.money, found.cost, found.currency) == (1, 900, 100, "EUR")


def test_the_funnel_by_where_codes_were_given(place):
    code = place.give(place.ada)
    with place.unit():
        coupon_codes.give_many(place.coupon, [place.ben], by="campaign", given_for=identifiers.new())
    place.order("o1", code)
    place.follow()
    with place.unit():
        found = coupon_numbers.by_way(place.coupon)
    assert found == {"member": (1, 1), "campaign": (1, 0)}


def test_what_nobody_got_is_thrown_away_a_month_after_its_time(context, company):
    place = Place(company, days=2)
    with place.unit():
        coupons.change(place.coupon, pool=4)
    place.advance()
    place.give(place.ada)
    with clock.travel(to=clock.now() + timedelta(days=60)):
        with place.unit():
            coupons.stop(place.coupon)
            coupon_codes.tidy()
        with place.unit():
            left = db.session.query(CouponCode).filter_by(coupon_id=place.coupon).all()
            assert [one.customer_id for one in left] == [place.ada]


def test_a_shop_without_an_address_for_coupons_has_its_codes_at_once_to_fetch(place):
    code = place.give(place.ada)
    place.advance()
    with place.unit():
        assert [one.code for one in db.session.scalars(coupon_codes.for_shop(place.shop))] == [code]
