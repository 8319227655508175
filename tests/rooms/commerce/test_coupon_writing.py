"""Codes on their way to shops that answer late, badly or not at all: none is doubled, none is lost, and the reason is said."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from saas.commerce import coupon_codes, coupon_writing, coupons, shops
from saas.commerce.connectors.woocommerce_coupons import ENDLESS, READ_ONLY
from saas.commerce.coupon_models import CouponCode
from saas.kit import clock, work
from saas.kit.db import db
from sandbox.wordpress.server import KEY, SECRET, Box
from tests.companies import drain_outbox


@pytest.fixture
def woo():
    made = Box().start()
    yield made
    made.stop()


@pytest.fixture
def place(context, company, woo):
    return Place(company, woo)


class Place:
    """A company with a WooCommerce store and a coupon of ten percent."""

    def __init__(self, company, woo, **terms):
        self.company, self.woo = company, woo
        with self.unit():
            keys = {"consumer_key": KEY, "consumer_secret": SECRET}
            self.shop = shops.connect(kind="woocommerce", name="Woo", url=woo.url, currency="GBP", **keys)[0].id
            self.coupon = coupons.create(
                name="Welcome", shop_id=self.shop, **({"kind": "percent", "percent": "10"} | terms)
            ).id

    def unit(self):
        return work.unit(tenant_id=self.company.tenant_id)

    def make(self, count, **columns):
        with self.unit():
            coupon_codes.make(coupons.one(self.coupon), count, **columns)

    def advance(self, **more):
        return coupon_writing.advance(self.company.tenant_id, self.shop, rest=lambda _seconds: None, **more)

    def wait_over(self):
        """Let the time pass that the shop is left alone for."""
        with self.unit():
            coupons.one(self.coupon, lock=True).not_before = None

    def states(self):
        with self.unit():
            found: dict[str, int] = {}
            for state in db.session.query(CouponCode.state).filter_by(coupon_id=self.coupon):
                found[state[0]] = found.get(state[0], 0) + 1
            return found

    def held(self):
        with self.unit():
            return coupons.one(self.coupon)

    def codes(self):
        with self.unit():
            query = db.session.query(CouponCode).filter_by(coupon_id=self.coupon)
            return {one.code: one for one in query.order_by(CouponCode.id)}

    def at_store(self):
        return sorted(row["code"].upper() for row in self.woo.coupons.held.values())


def test_codes_are_written_a_hundred_at_a_time_with_all_that_the_coupon_says(place, woo):
    with place.unit():
        coupons.change(
            place.coupon, kind="amount", amount="5", least="20", alone=True, categories=["Tea"], products=["11"],
            ends_at=datetime(2027, 1, 31, 12, 0, tzinfo=UTC), per_customer=1, prefix="tea",
        )  # fmt: skip
    place.make(250, ends_at=[datetime(2027, 1, 31, 12, 0, tzinfo=UTC)] * 250)
    place.advance()
    assert place.states() == {"ready": 250}
    assert [one for one in woo.asked if "batch" in one] == ["POST /coupons/batch"] * 3
    assert place.at_store() == sorted(place.codes())
    one = next(iter(woo.coupons.held.values()))
    assert one["code"].startswith("tea-") and len(one["code"]) == 14
    assert {name: one[name] for name in ("discount_type", "amount", "minimum_amount", "individual_use", "usage_limit", "usage_limit_per_user")} == {
        "discount_type": "fixed_product", "amount": "5.00", "minimum_amount": "20.00", "individual_use": True, "usage_limit": 1,
        "usage_limit_per_user": 1,
    }  # fmt: skip
    assert (one["product_ids"], one["product_categories"], one["date_expires_gmt"]) == (
        [11],
        [16],
        "2027-01-31T12:00:00",
    )


def test_the_end_reaches_a_store_in_another_zone_as_the_same_moment(context, company, woo):
    woo.zone = "Asia/Tokyo"
    place = Place(company, woo)
    place.make(1, ends_at=[datetime(2027, 1, 31, 12, 0, tzinfo=UTC)])
    place.advance()
    [one] = woo.coupons.held.values()
    assert (one["date_expires"], one["date_expires_gmt"]) == ("2027-01-31T21:00:00", "2027-01-31T12:00:00")


def test_codes_that_a_store_took_without_their_end_are_taken_back_and_never_given(place, woo):
    woo.coupons.endless = True
    place.make(3, ends_at=[datetime(2027, 1, 31, 12, 0, tzinfo=UTC)] * 3)
    place.advance()
    assert place.states() == {"waiting": 3} and woo.coupons.held == {}
    assert place.held().trouble == ENDLESS


def test_free_shipping_is_a_coupon_of_nothing_that_frees_from_shipping(context, company, woo):
    place = Place(company, woo, kind="shipping", percent=None)
    place.make(1)
    place.advance()
    [one] = woo.coupons.held.values()
    assert (one["free_shipping"], one["amount"]) == (True, "0.00")


def test_a_batch_whose_answer_was_lost_is_found_in_the_store_and_not_made_twice(place, woo):
    woo.coupons.lost = 1
    place.make(30)
    place.advance()
    assert place.states() == {"waiting": 30} and len(woo.coupons.held) == 30
    assert "504" in place.held().trouble
    place.wait_over()
    place.advance()
    assert place.states() == {"ready": 30} and len(woo.coupons.held) == 30
    assert place.held().trouble == ""
    keys = {row["code"].upper(): str(row["id"]) for row in woo.coupons.held.values()}
    assert {code: one.key for code, one in place.codes().items()} == keys


def test_a_worker_that_died_after_the_store_took_the_codes_loses_and_doubles_none(place, woo):
    """What is left of it is its claim: it runs out, and the next worker asks for the same codes again."""
    place.make(20)
    with place.unit():
        task = coupon_writing._next(place.shop)
    task.till.write(task.terms, list(task.codes), task.at_shop)  # and here it was killed
    place.make(5)
    place.advance()
    assert place.states() == {"waiting": 20, "ready": 5}  # the claim holds
    with place.unit():
        db.session.query(CouponCode).filter_by(state="waiting").update(
            {"claimed_until": clock.now() - timedelta(seconds=1)}
        )
    place.advance()
    assert place.states() == {"ready": 25} and len(woo.coupons.held) == 25


def test_two_workers_at_once_write_each_code_once(place, app, woo):
    place.make(400)
    failed = []

    def act():
        try:
            with app.app_context():
                place.advance()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=act) for _worker in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    place.advance()
    assert not failed and place.states() == {"ready": 400} and len(woo.coupons.held) == 400


@pytest.mark.parametrize(("fault", "words"), [(500, "500"), (503, "503"), (404, "404")])
def test_a_store_that_fails_is_left_alone_and_asked_again(place, woo, fault, words):
    woo.faults = [fault]
    place.make(3)
    place.advance()
    coupon = place.held()
    assert place.states() == {"waiting": 3} and words in coupon.trouble and coupon.not_before > clock.now()
    assert place.advance() is False and len(woo.asked) == 1  # not before its time
    place.wait_over()
    place.advance()
    assert place.states() == {"ready": 3} and place.held().trouble == ""


def test_a_store_that_asks_to_go_slower_is_obeyed_without_a_word(place, woo):
    woo.faults = [429]
    place.make(3)
    place.advance()
    coupon = place.held()
    assert (coupon.trouble, coupon.tries) == ("", 0) and coupon.not_before is not None
    place.wait_over()
    place.advance()
    assert place.states() == {"ready": 3}


def test_a_store_that_does_not_answer_is_asked_for_less_the_next_time(place, woo):
    woo.stop()
    place.make(40)
    place.advance()
    assert place.states() == {"waiting": 40} and place.held().tries == 1
    with place.unit():
        coupons.one(place.coupon, lock=True).not_before = None
        task = coupon_writing._next(place.shop)
    assert len(task.codes) == 40  # 50 at most by now
    with place.unit():
        coupons.one(place.coupon, lock=True).tries = 4


def test_a_key_that_may_only_read_is_named_with_the_way_out(place, woo):
    woo.keys[KEY] = (SECRET, "read")
    place.make(1)
    place.advance()
    assert place.held().trouble == READ_ONLY
    woo.keys[KEY] = (SECRET, "read_write")
    with place.unit():
        coupon_writing.try_again(place.coupon)
    place.advance()
    assert place.states() == {"ready": 1}


def test_a_key_that_was_deleted_says_so_for_every_coupon_of_the_store(place, woo):
    with place.unit():
        other = coupons.create(name="Other", shop_id=place.shop, kind="percent", percent="5").id
    woo.keys.clear()
    place.make(1)
    place.advance()
    with place.unit():
        assert "does not accept the key" in coupons.one(other).trouble
    assert "does not accept the key" in place.held().trouble


def test_a_code_that_the_store_uses_for_something_else_is_drawn_anew(place, woo):
    place.make(3)
    first = next(iter(place.codes()))
    woo.coupons.create({"code": first, "discount_type": "percent", "amount": "50", "description": "Somebody's own"})
    place.advance()
    assert place.states() == {"ready": 3} and first not in place.codes()
    assert len(woo.coupons.held) == 4


def test_a_code_that_the_store_refuses_fails_with_the_reason_and_keeps_no_other_back(place, woo):
    place.make(3)
    woo.coupons.bad = {next(iter(place.codes())).lower()}
    place.advance()
    assert place.states() == {"ready": 2, "failed": 1}
    [failed] = [one for one in place.codes().values() if one.state == "failed"]
    assert "Invalid parameter" in failed.reason


def test_where_the_store_refuses_all_codes_they_wait_and_the_coupon_says_why(place, woo):
    place.make(2)
    woo.coupons.bad = {code.lower() for code in place.codes()}
    place.advance()
    assert place.states() == {"waiting": 2} and "Invalid parameter" in place.held().trouble
    woo.coupons.bad = set()
    place.wait_over()
    place.advance()
    assert place.states() == {"ready": 2}


def test_a_category_that_the_store_does_not_have_is_named(context, company, woo):
    place = Place(company, woo, categories=["Spoons"])
    place.make(1)
    place.advance()
    assert "no category called “Spoons”" in place.held().trouble


def test_a_pool_is_filled_and_filled_again_before_it_runs_out(place, woo):
    with place.unit():
        coupons.change(place.coupon, pool=20)
    place.advance()
    assert place.states() == {"ready": 20}
    with place.unit():
        given = [
            coupon_codes.give(place.coupon, customer_id=None, by="form", key=f"form:{n}", only_ready=True)
            for n in range(15)
        ]
    assert len({one.code for one in given}) == 15
    place.advance()
    assert place.states() == {"ready": 35}


def test_what_lies_ready_for_too_long_gives_way_to_codes_that_last(context, company, woo):
    place = Place(company, woo, days=7)
    with place.unit():
        coupons.change(place.coupon, pool=5)
    place.advance()
    before = set(place.codes())
    with place.unit():
        assert coupon_codes.give(place.coupon, customer_id=None, by="form", key="now", only_ready=True).code in before
    with clock.travel(to=clock.now() + timedelta(days=3)):
        place.advance()
        states = [one.state for code, one in place.codes().items() if code in before and one.given_at is None]
        assert states == ["stopped"] * 4  # they would be good for four days only
        fresh = [one for code, one in place.codes().items() if code not in before]
        assert [one.state for one in fresh] == ["ready"] * 5
        assert all(one.ends_at >= clock.now() + timedelta(days=7) for one in fresh)


def test_a_stopped_coupon_has_its_unused_codes_taken_out_of_the_store(place, woo):
    place.make(12)
    place.advance()
    place.make(3)  # these were never told
    with place.unit():
        coupons.stop(place.coupon)
    place.advance()
    assert place.states() == {"stopped": 15} and woo.coupons.held == {}
    assert sum("batch" in one for one in woo.asked) == 2


def test_stopping_a_code_that_the_shop_deleted_itself_is_no_trouble(place, woo):
    place.make(2)
    place.advance()
    woo.coupons.held.pop(next(iter(woo.coupons.held)))
    with place.unit():
        coupons.stop(place.coupon)
    place.advance()
    assert place.states() == {"stopped": 2}


def test_codes_that_the_shop_deleted_are_noticed_and_not_given(place, woo):
    with place.unit():
        coupons.change(place.coupon, pool=4)
    place.advance()
    for key in list(woo.coupons.held)[:3]:
        del woo.coupons.held[key]
    with clock.travel(to=clock.now() + timedelta(days=1, hours=1)):
        place.advance()
        place.advance()
        states = place.states()
    assert states["gone"] == 3 and states["ready"] == 4  # the pool is full again
    gone = next(one for one in place.codes().values() if one.state == "gone")
    assert gone.reason == "The shop has this code no more."


def test_codes_stopped_while_they_are_written_are_stopped_after(place, woo):
    place.make(4)
    with place.unit():
        task = coupon_writing._next(place.shop)
    with place.unit():
        coupons.stop(place.coupon)
    coupon_writing._do(place.company.tenant_id, place.shop, task)
    assert place.states() == {"stopping": 4} and len(woo.coupons.held) == 4
    place.advance()
    assert place.states() == {"stopped": 4} and woo.coupons.held == {}


def test_a_coupon_that_starts_later_is_written_to_woocommerce_when_it_starts(context, company, woo):
    starts = clock.now() + timedelta(days=2)
    place = Place(company, woo, starts_at=starts)
    place.make(2)
    place.advance()
    assert place.states() == {"waiting": 2} and "when the coupon starts" in place.held().trouble and not woo.asked


def test_a_shop_that_was_removed_or_stopped_is_told_nothing(place, woo):
    place.make(2)
    with place.unit():
        shops.pause(place.shop)
    assert place.advance() is False
    with place.unit():
        shops.resume(place.shop)
        shops.remove(place.shop)
    assert place.advance() is False and not woo.asked
    with place.unit(), pytest.raises(coupons.Stopped):
        coupon_codes.give(place.coupon, customer_id=None, by="form")
    with work.platform_unit(reason="test"):
        assert place.shop not in {shop for _tenant, shop in coupon_writing.due()}


def test_what_is_due_is_found_by_the_sweep(place):
    place.make(1)
    with work.platform_unit(reason="test"):
        assert (place.company.tenant_id, place.shop) in coupon_writing.due()
    place.advance()
    with work.platform_unit(reason="test"):
        assert place.shop not in {shop for _tenant, shop in coupon_writing.due()}


def test_the_news_that_codes_are_wanted_rings_for_a_worker(place, app):
    with place.unit():
        coupons.change(place.coupon, pool=1)
    drain_outbox(app, place.company)
