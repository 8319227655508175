"""No rule of a place is ever broken, whatever the range, the shopper and the settings; and a place nobody touched is as it was."""

from __future__ import annotations

import time
from functools import lru_cache
from random import Random
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saas.recommend import engines, gates, places, ranking, stock
from saas.recommend.baskets import BasketModel
from saas.recommend.carts import CartModel, Weights
from saas.recommend.places import BUILT_IN, ENGINES, SLOTS, Slot
from saas.recommend.popularity import PopularityModel
from saas.recommend.ranking import Ask
from saas.recommend.rules import Orders
from saas.recommend.sessions import SessionModel
from saas.recommend.shoppers import Shopper, today
from saas.recommend.stock import Catalogue, Product, Variant

NUMBERS = range(1, 41)
CATEGORIES = ("Tea", "Cup", "Pot", "Gift")


@lru_cache(maxsize=1)
def models() -> dict:
    """Models of forty products that are looked at and bought in neighbourhoods."""
    chance = np.random.default_rng(3)
    visits = np.repeat(np.arange(300), 4)
    items = (np.repeat(chance.integers(0, 40, 300), 4) + chance.integers(0, 5, 1200)) % 40 + 1
    return {
        "sessions": SessionModel.fit(visits, items), "viewed": BasketModel.fit(visits, items),
        "bought": CartModel.fit(visits, items, weights=Weights()),
        "popular": PopularityModel.fit(items, visits / 10.0, categories=[(n, CATEGORIES[n % 4]) for n in NUMBERS]),
    }  # fmt: skip


def sometimes(chance: Random, make, *, share: float = 0.3, otherwise=None):
    """Most places have few rules; all of them at once would leave nothing to look at."""
    return make() if chance.random() < share else otherwise


def product(chance: Random, number: int) -> Product:
    stocked, micros = sometimes(chance, lambda: chance.randint(0, 9), share=0.6), chance.randint(1, 50)
    sizes = [
        Variant("v", "Large", chance.randint(1, 60), sometimes(chance, lambda: chance.randint(0, 60)), None, chance.choice([None, 1, 9]), "")
        for _size in range(chance.choice([0, 0, 1, 2]))
    ]  # fmt: skip
    return Product(
        number, str(UUID(int=number)), f"p{number}", stock.NO_SOURCE, f"P {number}", "https://s.example", chance.choice(["", "https://s.example/p"]),
        str(micros), chance.choice(["EUR", "EUR", "EUR", "USD"]), tuple(chance.sample(CATEGORIES, chance.randint(0, 3))),
        stocked != 0 and chance.random() < 0.9, tuple(chance.sample(["sale", "Fragile", "new"], chance.choice([0, 0, 1, 2]))),
        stocked, micros, sometimes(chance, lambda: chance.randint(0, 60), share=0.6), sometimes(chance, lambda: chance.randint(1, 60), share=0.5),
        tuple(f"p{n}" for n in chance.sample(NUMBERS, chance.randint(0, 2))), tuple(sizes),
    )  # fmt: skip


def wanted(chance: Random) -> Slot:
    def some(most=6):
        return tuple(chance.sample([*NUMBERS, 99], chance.randint(0, most)))

    return Slot(
        "drawn", chance.choice(SLOTS), engine=chance.choice(ENGINES), fallback=tuple(chance.sample(ENGINES, chance.randint(0, 3))),
        count=sometimes(chance, lambda: chance.randint(1, 12)), pinned=sometimes(chance, some, otherwise=()),
        buried=sometimes(chance, lambda: some(20), otherwise=()), picked=some(12),
        excluded_tags=sometimes(chance, lambda: ("SALE", "fragile"), otherwise=()),
        excluded_categories=sometimes(chance, lambda: ("tea",), otherwise=()), least_stock=chance.choice([1, 1, 3]),
        least_margin=sometimes(chance, lambda: chance.randint(-50, 60)), unknown_margin=chance.random() < 0.5,
        price_least=sometimes(chance, lambda: chance.randint(1, 25)), price_most=sometimes(chance, lambda: chance.randint(25, 50)), currency="EUR",
        reduced_only=chance.random() < 0.1, category_cap=sometimes(chance, lambda: chance.randint(1, 4)),
        not_bought_days=sometimes(chance, lambda: chance.choice([0, 20, 90])), diversity=chance.choice([0, 0, 40, 100]),
        step_least=chance.randint(0, 20), step_most=chance.randint(20, 300),
    )  # fmt: skip


def question(seed: int) -> tuple[Ask, Catalogue]:
    """Make up a range, a shopper, what they stand before, rules of the house and a place."""
    chance = Random(seed)
    catalogue = Catalogue(
        [product(chance, number) for number in chance.sample(NUMBERS, chance.choice([0, 3, 20, 40, 40]))], None
    )
    slot = wanted(chance)
    bought = [(number, today() - chance.randint(0, 120)) for number in chance.sample(NUMBERS, chance.randint(0, 5))]
    shopper = Shopper("v", None, chance.sample(NUMBERS, chance.randint(0, 4)), chance.sample(NUMBERS, chance.randint(0, 2)), bought,
                      frozenset(chance.sample(NUMBERS, chance.randint(0, 2))))  # fmt: skip
    beside = catalogue.by_number.get(chance.choice(NUMBERS))
    rules = [
        {"kind": chance.choice(["pin", "hide"]), "slot": "", "product": chance.choice(NUMBERS), "category": "", "position": chance.randint(1, 12),
         "percent": 100, "from": None, "until": None}
        for _rule in range(chance.randint(0, 2))
    ]  # fmt: skip
    ask = Ask(1, slot.place, shopper, beside, chance.randint(1, 12), stock.NO_SOURCE, like=beside, models={**models(), "rules": rules},
              placed=slot)  # fmt: skip
    return ask, catalogue


questions = st.integers(0, 2**32).map(question)


class TestNoRuleIsEverBroken:
    @settings(max_examples=300, deadline=None)
    @given(questions)
    def test_of_any_place(self, drawn):
        ask, catalogue = drawn
        slot, shopper = ask.placed, ask.shopper
        left_out: dict = {}
        found = ranking.choose(ask, catalogue, left_out=left_out)
        shown = [choice.product for choice in found]
        assert len(shown) <= min(ask.limit, slot.count or ask.limit)
        assert len({one.number for one in shown}) == len(shown), "no doubles"
        hidden = {rule["product"] for rule in ask.models["rules"] if rule["kind"] == "hide"}
        for one in shown:
            assert one.offerable
            assert one.stock is None or one.stock >= max(slot.least_stock, 1)
            assert one.number not in hidden | shopper.declined
            assert one.variant or one.number not in shopper.cart
            assert one.variant or ask.product is None or one.number != ask.product.number
            assert not {tag.lower() for tag in one.tags} & {tag.lower() for tag in slot.excluded_tags}
            assert not {name.lower() for name in one.categories} & set(slot.excluded_categories)
            if slot.price_least is not None or slot.price_most is not None:
                assert one.currency == "EUR"
                assert (slot.price_least or 0) <= one.micros <= (slot.price_most or one.micros)
            if slot.least_margin is not None:
                assert slot.unknown_margin if one.margin is None else one.margin >= slot.least_margin
            assert not slot.reduced_only or one.micros < one.regular
            if slot.not_bought_days:
                assert all(
                    day < today() - slot.not_bought_days for number, day in shopper.bought if number == one.number
                )
            if "discover" in (slot.place, slot.engine):
                assert one.number not in {*shopper.seen, *(number for number, _day in shopper.bought)}
        if slot.category_cap is not None:
            for category in CATEGORIES:
                assert sum(category in one.categories for one in shown) <= slot.category_cap
        self.pinned_stand_first_and_buried_last(slot, found)
        assert all(code for code, _engine in left_out.values())
        assert all(choice.engine == "pinned" or choice.engine in (slot.engine, *slot.fallback) for choice in found)

    def test_what_was_declined_is_no_step_up_either_where_it_lies_in_the_cart_or_stands_beside_it(self):
        ask, _catalogue = question(1)
        [lies, beside] = [product(Random(3), number) for number in (7, 9)]
        shopper = Shopper("v", None, [], [lies.number], [], frozenset({lies.number, beside.number}))
        barred = gates.barred(
            ask._replace(shopper=shopper, product=beside), Slot("beside", "product", engine="up_sell")
        )
        assert barred == {7: "declined", 9: "declined"}

    @staticmethod
    def pinned_stand_first_and_buried_last(slot, found):
        # of what lies in the cart a larger size may still be offered as a step up, where that engine puts it
        whole = {choice.product.number for choice in found if not choice.product.variant}
        first = [number for number in slot.pinned if number in whole]
        assert [choice.product.number for choice in found[: len(first)]] == first
        listed = [choice for choice in found if choice.engine != "pinned"]
        late = [choice.product.number in slot.buried for choice in listed]
        assert late == sorted(late)

    @settings(max_examples=100, deadline=None)
    @given(questions)
    def test_what_fits_is_shown_as_long_as_there_is_room(self, drawn):
        ask, catalogue = drawn
        slot = ask.placed.changed(category_cap=None, fallback=("newest",), active=True)
        ask = ask._replace(placed=slot)
        found = ranking.choose(ask, catalogue)
        orders = Orders(ask.models["rules"], slot=ask.slot, now=time.time())
        gate = gates.Gate(ask, slot, orders, catalogue)
        fit = [one for one in catalogue.by_number.values() if not gate.refusal(one)]
        assert len({choice.product.number for choice in found}) >= min(len(fit), ask.limit, slot.count or ask.limit)


def before(ask: Ask, catalogue: Catalogue) -> list[int]:
    """The order of a place as it was when places had no settings, written down here once more to be compared with."""
    orders = Orders(ask.models["rules"], slot=ask.slot, now=time.time())
    shopper = ask.shopper
    barred = {*shopper.cart, *ask.bought, *shopper.declined} | orders.hidden
    if ask.product is not None:
        barred.add(ask.product.number)
    barred |= {number for number, day in shopper.bought if day >= today() - 30.0}
    if ask.slot == "discover":
        barred |= set(shopper.seen) | {number for number, _day in shopper.bought}
    chosen: dict[int, Product] = {}
    for name in (engines.learnt, engines.popular, engines.newest):
        for most in (ask.limit + 8, 20 * (ask.limit + 8)):
            if len(chosen) >= ask.limit:
                break
            lists = name(ask._replace(wanted=most), catalogue)
            for choice in ranking._fused(lists, catalogue, orders, ""):
                number = choice.product.number
                if (
                    len(chosen) < ask.limit
                    and number not in barred
                    and catalogue.offerable_in(choice.product, ask.source)
                ):
                    chosen.setdefault(number, choice.product)
            if all(len(named.suggestions) < most for named in lists):
                break
    answer = list(chosen)
    for place, number in orders.pinned:
        product = catalogue.by_number.get(number)
        if number not in barred and product is not None and catalogue.offerable_in(product, ask.source):
            answer = [one for one in answer if one != number]
            answer.insert(place - 1, number)
    return answer[: ask.limit]


class TestUntouched:
    @settings(max_examples=200, deadline=None)
    @given(questions, st.sampled_from(SLOTS))
    def test_a_built_in_place_that_nobody_changed_answers_as_it_did_before_places_had_settings(self, drawn, place):
        ask, catalogue = drawn
        ask = ask._replace(slot=place, placed=BUILT_IN[place])
        assert [choice.product.number for choice in ranking.choose(ask, catalogue)] == before(ask, catalogue)

    @pytest.mark.parametrize("place", SLOTS)
    def test_it_looks_at_no_product_one_by_one(self, place):
        assert not BUILT_IN[place].narrow
        assert BUILT_IN[place].count is None

    def test_settings_travel_whole(self):
        slot = Slot("attic", "home", pinned=(3, 1), excluded_tags=("a",), price_most=5, currency="EUR", category_cap=2)
        assert places.read(places.packed({"attic": slot})) == {"attic": slot}
        assert hash(slot) == hash(slot.changed()) != hash(slot.changed(count=3))
