"""Trying the offers on the past: what was held back is asked and never learnt from, and the figures are right by hand."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest

from saas.kit import clock, work
from saas.recommend import backtest, fitting, freshness, results, stock, training
from saas.recommend.stock import Catalogue, Product
from tests.rooms.recommend import little_shop

FAMILIES, EACH = 8, 5


def product(number, *, offerable=True):
    return Product(number, str(UUID(int=number)), f"p{number}", stock.NO_SOURCE, f"P {number}", "https://s.example", "https://s.example/p.jpg",
                   "1.00", "EUR", (), offerable)  # fmt: skip


class Known:
    """The part of training.Products that is looked at."""

    categories: list = []


def catalogue(**sold_out):
    return Catalogue(
        [product(number, offerable=f"p{number}" not in sold_out) for number in range(FAMILIES * EACH)], None
    )


def views_of(visits, *, days=60.0):
    """Visits spread evenly over so many days, each a minute per look."""
    rows = [
        (visit, item, visit * days / len(visits) * training.DAY + 60 * step)
        for visit, items in enumerate(visits)
        for step, item in enumerate(items)
    ]
    return training.Views(*(np.array(column) for column in zip(*rows, strict=True)))


def lines_of(rows):
    """(order, buyer, item, day), as arrays in the order of days."""
    rows = sorted(rows, key=lambda row: row[3])
    kinds = (np.int64, np.int64, np.int64, np.float64)
    columns = zip(*rows, strict=True) if rows else [[], [], [], []]
    return training.Purchases(*(np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)))


@pytest.fixture
def by_family():
    """Visits that stay within one of eight families of products."""
    random = np.random.default_rng(3)
    families = random.integers(0, FAMILIES, 800)
    return views_of([(family * EACH + random.permutation(EACH)[:3]).tolist() for family in families])


def place(found, slot):
    return next(one for one in found["places"] if one["slot"] == slot)


class TestExamine:
    def test_what_is_in_the_data_is_found_and_popularity_does_not_find_it(self, by_family):
        found = backtest.examine(by_family, lines_of([]), Known(), catalogue())
        beside = place(found, "product")
        assert beside["asked"] == backtest.QUESTIONS
        assert beside["hits"] == beside["asked"]  # five of a family fit into ten places
        assert beside["popular_hits"] < beside["asked"] / 2
        assert beside["better"] == "yes"
        assert beside["ours"]["coverage"] == 1.0 > 2 * beside["popular"]["coverage"]

    def test_where_nothing_is_to_be_learnt_nothing_is_claimed(self):
        random = np.random.default_rng(4)
        chance = views_of([random.permutation(FAMILIES * EACH)[:3].tolist() for _ in range(800)])
        found = backtest.examine(chance, lines_of([]), Known(), catalogue())
        assert {one["better"] for one in found["places"]} <= {"same", "no"}

    def test_what_follows_only_after_the_cut_is_not_known_before(self):
        """All held-back visits go where no earlier one went: only a model that had seen them could guess right."""
        older, newer = [[0, 1]] * 300, [[2, 30]] * 100
        found = backtest.examine(views_of(older + newer), lines_of([]), Known(), catalogue())
        assert place(found, "product")["hits"] == 0

    def test_a_tracker_of_last_month_is_learnt_from_beside_the_orders_of_years(self, by_family):
        years = lines_of([(order, 0, order % FAMILIES * EACH, order - 2000.0) for order in range(2000)])
        beside = place(backtest.examine(by_family, years, Known(), catalogue()), "home")
        assert beside["hits"] > 0.9 * beside["asked"] and beside["better"] == "yes"

    def test_a_cart_is_asked_for_the_product_that_was_taken_out(self):
        random = np.random.default_rng(5)
        rows = []
        for order in range(1600):
            family = int(random.integers(0, FAMILIES)) * EACH
            rows += [(order, 0, family + int(item), order * 0.05) for item in random.permutation(EACH)[:2]]
        cart = place(backtest.examine(views_of([[0, 1]]), lines_of(rows), Known(), catalogue()), "cart")
        assert cart["hits"] == cart["asked"] and cart["better"] == "yes"

    def test_a_mail_is_asked_for_anything_that_was_bought_later(self):
        rows = [
            (order * 2 + late, 1 + order, order % FAMILIES * EACH, 10.0 + order / 50 + 60 * late)
            for order in range(120)
            for late in (0, 1)
        ]
        mail = place(backtest.examine(views_of([[0, 1]]), lines_of(rows), Known(), catalogue()), "mail")
        assert mail["asked"] == 120 and mail["hits"] == 120

    def test_what_cannot_be_offered_now_is_not_asked_for(self, by_family):
        gone = {f"p{number}": True for number in range(EACH)}
        found = backtest.examine(by_family, lines_of([]), Known(), catalogue(**gone))
        whole = backtest.examine(by_family, lines_of([]), Known(), catalogue())
        assert place(found, "home")["asked"] < place(whole, "home")["asked"]
        assert place(found, "product")["ours"]["coverage"] == 1.0  # of what is left

    def test_without_a_history_there_is_no_place(self):
        none = training.Views(*(np.array([], dtype=kind) for kind in (np.int64, np.int64, np.float64)))
        found = backtest.examine(none, lines_of([]), Known(), catalogue())
        assert found["places"] == [] and found["days"] == 0


class TestBetter:
    def test_a_difference_that_chance_makes_is_none(self):
        assert backtest.better(0, 0) == backtest.better(12, 7) == backtest.better(5, 0) == "same"
        assert backtest.better(6, 0) == backtest.better(30, 10) == "yes"  # two-sided 1/32 for six of six
        assert backtest.better(0, 6) == "no"

    def test_it_errs_in_one_of_twenty_at_most(self):
        random = np.random.default_rng(6)
        said = [backtest.better(ours, 60 - ours) for ours in random.binomial(60, 0.5, 2000).tolist()]
        assert sum(one != "same" for one in said) / len(said) <= 0.06


class TestRepeat:
    def test_it_is_tried_once_a_day_and_remembered_beside_the_models(self, shop):
        assert backtest.repeat(shop.tenant_id) is True
        with work.unit(tenant_id=shop.tenant_id):
            tried, state = results.tried(), freshness.read()
        assert {one["slot"] for one in tried["places"]} >= {"product", "home", "discover"}
        assert set(state.notes) == {"models", "parameters", "backtest"}
        assert backtest.repeat(shop.tenant_id) is False
        fitting.fit(shop.tenant_id)
        with work.unit(tenant_id=shop.tenant_id):
            assert results.tried() == tried
        with clock.travel(to=clock.now() + timedelta(days=2)):
            assert backtest.repeat(shop.tenant_id) is True

    def test_a_company_without_data_is_not_tried(self, company, context):
        little_shop.fill(company, visits=0, baskets=0)
        fitting.fit(company.tenant_id)
        assert backtest.repeat(company.tenant_id) is False
