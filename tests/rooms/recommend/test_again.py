"""Each person's rhythm: by hand, leaning on the product's and the shop's, and said in words when it is about time."""

from __future__ import annotations

import re

import numpy as np
import pytest

from saas.commerce import orders
from saas.customers import identity
from saas.kit import work
from saas.recommend import again_tuning, archive, fitting, offers, places, shelf
from saas.recommend.again import OF_PERSON, OF_PRODUCT, AgainModel
from tests.rooms.recommend import little_shop


def lines(rows):
    """(buyer, item, day) as three arrays."""
    buyers, items, days = zip(*rows, strict=True)
    return np.array(buyers), np.array(items), np.array(days, dtype=float)


MONTHLY = lines(
    [(buyer, 1, 30.0 * step + buyer) for buyer in range(20) for step in range(6)]
    + [(buyer, 2, 7.0 * buyer) for buyer in range(20)]
)


class TestRhythm:
    def test_a_clock_is_found(self):
        model = AgainModel.fit(*MONTHLY)
        (rhythm,) = model.rhythms([1, 1, 1], [0.0, 30.0, 60.0], now=88.0)
        assert rhythm.every == pytest.approx(30.0) and (rhythm.ago, rhythm.times, rhythm.due) == (28.0, 3, True)
        assert not model.rhythms([1, 1, 1], [0.0, 30.0, 60.0], now=70.0)[0].due  # too early
        assert not model.rhythms([1, 1, 1], [0.0, 30.0, 60.0], now=400.0)[0].due  # given up

    def test_a_person_s_pauses_lean_on_the_product_s_and_those_on_the_shop_s_by_hand(self):
        """Pauses of 10 and 40 days: the shop's mean log is log 20; product 1 has one pause of 10."""
        model = AgainModel.fit(*lines([(1, 1, 0), (1, 1, 10), (2, 2, 0), (2, 2, 40)]))
        shop = np.log(20.0)
        product = (np.log(10.0) + OF_PRODUCT * shop) / (1 + OF_PRODUCT)
        own = (np.log(5.0) + OF_PERSON * product) / (1 + OF_PERSON)
        (rhythm,) = model.rhythms([1, 1], [0.0, 5.0], now=5.0)
        assert rhythm.every == pytest.approx(np.exp(own))

    def test_lines_of_one_day_are_one_purchase(self):
        model = AgainModel.fit(*MONTHLY)
        (rhythm,) = model.rhythms([1, 1], [3.2, 3.9], now=40.0)
        assert rhythm.times == 1 and not rhythm.due

    def test_an_unknown_product_has_the_shop_s_rhythm(self):
        assert AgainModel.fit(*MONTHLY).rhythms([9], [0.0], now=1.0)[0].every == pytest.approx(30.0)

    def test_without_a_single_pause_nothing_fails(self):
        model = AgainModel.fit(*lines([(1, 1, 0)]))
        assert model.predict([1], [0.0], now=3.0)[0].item == 1 and model.predict([], [], now=3.0) == []


class TestPredict:
    def test_what_is_due_stands_before_what_was_bought_yesterday_and_what_nobody_buys_again(self):
        model = AgainModel.fit(*MONTHLY)
        listed = model.predict([2, 1, 1, 3, 3], [60.0, 30.0, 60.0, 58.0, 89.0], now=90.0)
        assert [one.item for one in listed][0] == 1 and listed[0].because == 1 and listed[0].together == 2
        assert [one.item for one in model.predict([1, 2], [0.0, 0.0], now=30.0, only=[2])] == [2]

    def test_written_and_read_it_answers_the_same(self):
        model = AgainModel.fit(*MONTHLY)
        model.weight, model.alone = 0.5, 2.0
        again = AgainModel.from_bytes(model.to_bytes())
        assert (again.weight, again.alone) == (0.5, 2.0)
        assert again.predict([1, 2], [0.0, 0.0], now=30.0) == model.predict([1, 2], [0.0, 0.0], now=30.0)
        with pytest.raises(archive.Unreadable):
            AgainModel.from_bytes(b"nothing")


class TestTuning:
    def test_rhythms_that_are_there_are_found_and_beat_how_often(self):
        """Everybody buys ten things often in the past, and one thing every forty days to this day."""
        rows = []
        for buyer in range(120):
            rows += [(buyer, 100 + thing, 5.0 * step) for thing in range(12) for step in range(12)]
            rows += [(buyer, 1 + buyer % 3, 40.0 * step) for step in range(11)]
        weight, alone, notes = again_tuning.judge(*lines(rows), None)
        assert notes["rhythm"] > notes["frequency"] and (weight, alone) == (0.0, 1.0)

    def test_too_few_buyers_choose_nothing(self):
        assert again_tuning.judge(*MONTHLY, None) == (0.0, 1.0, {})


def test_what_is_due_is_offered_and_said_in_words(company, context, drain):
    little_shop.fill(company, visits=0, baskets=0)
    with work.unit(tenant_id=company.tenant_id):
        orders.record_many([
            little_shop.order(100 * step + buyer, [key], customer=buyer, days_ago=28 + 30 * step)
            for buyer in range(30) for step in range(4) for key in ["tea-1" if buyer % 2 else "tea-2"]
        ])  # fmt: skip
    drain(company)
    notes = fitting.fit(company.tenant_id)
    shelf.forget()
    assert notes["again"]["fitted"] and notes["again"]["pauses"] == 90
    with work.unit(tenant_id=company.tenant_id):
        customer_id = identity.find("email", "c1@shop.example")
    slot = places.BUILT_IN["home"].changed(engine="buy_again")
    asked = {"tenant_id": company.tenant_id, "customer_id": customer_id, "limit": 3}
    for language, said in (
        ("en", r"You buy this about every 30 days; the last time (28|29) days ago"),
        ("zh", "您大约每30天购买一次；上次是(28|29)天前"),
    ):
        first = offers.preview(placed=slot, language=language, **asked).chosen.items[0]
        assert (first.product.key, first.reason_code) == ("tea-1", "due")
        assert re.fullmatch(said, first.reason_text), first.reason_text  # 29 where midnight passes meanwhile
