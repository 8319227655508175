"""Models from a shop's own data: read in batches, fitted where there is enough, on the shelf of every worker."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select

from saas.commerce import orders
from saas.kit import clock, valkey, work
from saas.kit.db import db
from saas.recommend import fitting, freshness, repeats, shelf, stock, training
from saas.recommend.models import FitState, FittedModel
from tests.rooms.recommend import little_shop


def numbers(tenant_id: int) -> dict[str, int]:
    return {product.key: product.number for product in stock.catalogue(tenant_id).by_number.values()}


class TestTraining:
    def test_a_pause_of_half_an_hour_begins_another_visit(self, company, context):
        little_shop.fill(company, visits=0, baskets=0)
        with work.unit(tenant_id=company.tenant_id):
            little_shop.look("a" * 20, ["tea-1", "tea-2"], minutes_ago=300)
            little_shop.look("a" * 20, ["tea-3"], minutes_ago=268)
            little_shop.look("b" * 20, ["cup-1"], minutes_ago=299)
        views = training.views(company.tenant_id, training.Products(company.tenant_id))
        by_key = {number: key for key, number in numbers(company.tenant_id).items()}
        visits = {}
        for visit, item in zip(views.visits.tolist(), views.items.tolist(), strict=True):
            visits.setdefault(visit, []).append(by_key[item])
        assert sorted(visits.values()) == [["cup-1"], ["tea-1", "tea-2"], ["tea-3"]]

    def test_batches_and_bounds_change_nothing_but_what_is_beyond_them(self, company, context, monkeypatch):
        little_shop.fill(company, visits=12, baskets=12)
        known = training.Products(company.tenant_id)
        whole, lines = training.views(company.tenant_id, known), training.purchases(company.tenant_id, known)
        monkeypatch.setattr(training, "BATCH", 5)
        again = training.views(company.tenant_id, known)
        assert (again.items == whole.items).all()
        assert (again.seconds == whole.seconds).all()
        monkeypatch.setattr(training, "MOST_VIEWS", 7)
        monkeypatch.setattr(training, "MOST_LINES", 6)
        assert (training.views(company.tenant_id, known).seconds == whole.seconds[-7:]).all()
        assert (training.purchases(company.tenant_id, known).days == lines.days[-6:]).all()

    def test_returns_gifts_and_cancelled_orders_are_not_bought(self, company, context):
        little_shop.fill(company, visits=0, baskets=0)
        odd = little_shop.order(1, ["tea-1", "tea-2", "tea-3"])
        odd["lines"][0]["quantity"], odd["lines"][1]["unit_price"] = -1, "0"
        with work.unit(tenant_id=company.tenant_id):
            orders.record_many([odd, little_shop.order(2, ["cup-1"], status="cancelled")])
        bought = training.purchases(company.tenant_id, training.Products(company.tenant_id))
        assert bought.items.tolist() == [numbers(company.tenant_id)["tea-3"]]
        assert bought.buyers.tolist() == [0]

    def test_another_company_is_never_read(self, company, other_company, context):
        little_shop.fill(other_company)
        known = training.Products(company.tenant_id)
        assert len(training.views(company.tenant_id, known).items) == 0
        assert len(training.purchases(company.tenant_id, known).items) == 0


class TestFit:
    def test_every_kind_is_stored_with_what_it_was_fitted_on(self, shop):
        with work.unit(tenant_id=shop.tenant_id):
            notes = {row.kind: row.notes for row in db.session.scalars(select(FittedModel))}
            state = freshness.read()
        assert set(notes) == {"popular", "sessions", "viewed", "bought", "repeats", "alike"}
        assert (notes["sessions"]["visits"], notes["bought"]["together"], notes["popular"]["views"]) == (40, 30, 80)
        assert state.notes["models"]["buyers"]["fitted"] is False
        assert state.fitted_at is not None
        assert state.changed_at is None

    def test_too_little_is_said_and_not_learnt(self, company, context):
        little_shop.fill(company, visits=3, baskets=2)
        notes = fitting.fit(company.tenant_id)
        assert [kind for kind, told in notes.items() if told["fitted"]] == ["popular", "repeats", "alike"]
        assert shelf.get(company.tenant_id, "sessions") is None
        assert shelf.get(company.tenant_id, "popular") is not None

    def test_an_empty_company_fits_nothing_and_does_not_fail(self, company, context):
        assert not any(told["fitted"] for kind, told in fitting.fit(company.tenant_id).items() if kind != "repeats")

    def test_the_quality_is_measured_on_the_newest_visits(self, company, context):
        little_shop.fill(company, visits=200, baskets=60)
        notes = fitting.fit(company.tenant_id)
        assert notes["sessions"]["quality"]["cases"] > 10
        assert notes["sessions"]["quality"]["hit_rate"] >= notes["sessions"]["quality"]["popular_hit_rate"] - 0.2
        assert notes["bought"]["quality"]["cases"] == 9  # the newest 15% of sixty orders

    def test_a_model_without_enough_left_is_taken_down(self, shop, monkeypatch):
        assert shelf.get(shop.tenant_id, "bought") is not None
        monkeypatch.setitem(fitting.FEWEST, "bought", 1000)
        fitting.fit(shop.tenant_id)
        shelf.forget()
        assert shelf.get(shop.tenant_id, "bought") is None

    def test_a_fit_that_fails_leaves_the_news_for_the_next(self, company, context, drain, monkeypatch):
        little_shop.fill(company)
        drain(company)

        def fail(*_arguments):
            raise RuntimeError("no")

        monkeypatch.setattr(fitting, "bought", fail)
        with pytest.raises(RuntimeError):
            fitting.fit(company.tenant_id)
        with work.unit(tenant_id=company.tenant_id):
            assert freshness.read().changed_at is not None


class TestNews:
    def test_the_first_order_asks_for_a_fit_once(self, company, context, drain):
        little_shop.fill(company)
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            first = freshness.read().changed_at
            orders.record_many([little_shop.order(900, ["tea-1"])])
        drain(company)
        with work.platform_unit(reason="test"):
            assert company.tenant_id in freshness.due()
            row = db.session.scalars(select(FitState).where(FitState.tenant_id.in_([company.tenant_id]))).one()
            assert row.changed_at == first

    def test_after_a_fit_it_is_due_again_only_with_news(self, shop, drain):
        with work.platform_unit(reason="test"):
            assert shop.tenant_id not in freshness.due()
        with work.unit(tenant_id=shop.tenant_id):
            orders.record_many([little_shop.order(901, ["tea-1"])])
        drain(shop)
        with work.platform_unit(reason="test"):
            assert shop.tenant_id in freshness.due()

    def test_a_day_without_news_is_fitted_again_so_that_old_fashions_fade(self, shop):
        with clock.travel(to=clock.now() + timedelta(days=2)), work.platform_unit(reason="test"):
            assert shop.tenant_id in freshness.due()


class TestShelf:
    def test_a_worker_takes_the_model_from_valkey_and_then_from_memory(self, shop, monkeypatch):
        first = shelf.get(shop.tenant_id, "bought")
        monkeypatch.setattr(shelf, "_fetch", None)
        assert shelf.get(shop.tenant_id, "bought") is first

    def test_a_new_version_is_seen_without_a_restart(self, shop, monkeypatch):
        monkeypatch.setattr(shelf, "LOOK_EVERY", 0.0)
        old = shelf.get(shop.tenant_id, "popular")
        fitting.fit(shop.tenant_id)
        assert shelf.get(shop.tenant_id, "popular") is not old

    def test_a_flushed_valkey_is_filled_again_from_the_ledger(self, shop):
        valkey.client().delete(*valkey.client().keys(f"model:{shop.tenant_id}:*"))
        assert shelf.get(shop.tenant_id, "sessions") is not None
        assert valkey.client().exists(f"model:{shop.tenant_id}:sessions", f"model:{shop.tenant_id}:versions") == 2

    def test_a_model_stored_after_a_flush_does_not_hide_the_others(self, shop):
        valkey.client().delete(*valkey.client().keys(f"model:{shop.tenant_id}:*"))
        with work.unit(tenant_id=shop.tenant_id):
            shelf.store("rules", b"[]", notes={})
        assert shelf.get(shop.tenant_id, "bought") is not None

    def test_without_valkey_the_ledger_serves(self, shop, away):
        assert shelf.get(shop.tenant_id, "bought") is not None

    def test_the_least_used_model_gives_way(self, shop, monkeypatch):
        shelf.get(shop.tenant_id, "bought")
        monkeypatch.setattr(shelf, "MOST_BYTES", 1)
        shelf.get(shop.tenant_id, "popular")
        assert list(shelf._held) == [(shop.tenant_id, "popular")]

    def test_bytes_of_another_release_are_no_model(self, shop):
        with work.unit(tenant_id=shop.tenant_id):
            shelf.store("bought", b"not a model", notes={})
        shelf.forget()
        assert shelf.get(shop.tenant_id, "bought") is None


class TestRepeats:
    def test_what_a_fifth_of_its_buyers_bought_again_repeats(self):
        buyers = np.array([*range(10), *range(3), *range(10)])
        items = np.array([1] * 13 + [2] * 10)
        days = np.array([0.0] * 10 + [30.0] * 3 + [0.0] * 10)
        model = repeats.RepeatModel.fit(buyers, items, days)
        assert 1 in model
        assert 2 not in model
        assert 1 in repeats.RepeatModel.from_bytes(model.to_bytes())

    def test_two_lines_of_one_day_are_one_purchase(self):
        model = repeats.RepeatModel.fit(np.repeat(np.arange(10), 2), np.ones(20, dtype=int), np.tile([3.2, 3.4], 10))
        assert 1 not in model
