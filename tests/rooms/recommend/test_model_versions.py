"""Fits of a model beside each other: the last ones are kept, one serves, and people may go back and hold one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from saas.kit import clock, scope, work
from saas.kit.db import db
from saas.recommend import fitting, model_versions, shelf, turns
from saas.recommend.models import FittedModel
from saas.recommend.popularity import PopularityModel
from saas.tenancy import audit, undoing
from tests.failures.copies import until
from tests.rooms.recommend import little_shop

GOOD = {"hit_rate": 0.5, "popular_hit_rate": 0.1, "cases": 300}
BAD = {"hit_rate": 0.3, "popular_hit_rate": 0.1, "cases": 300}
MEMBER = scope.Actor("member", "1", "Ann")


def model() -> bytes:
    return PopularityModel.fit([], []).to_bytes()


def put(company, quality=None, *, kind: str = "sessions") -> str:
    with work.unit(tenant_id=company.tenant_id):
        return model_versions.put(kind, model(), notes={"quality": quality} if quality else {})


def fits(company, kind: str = "sessions") -> list[tuple[str, bool, bool, str]]:
    with work.unit(tenant_id=company.tenant_id):
        rows = model_versions.listed().get(kind, [])
        return [(row.version, row.serving, row.pinned_at is not None, row.held_back) for row in rows]


def id_of(company, version: str):
    with work.unit(tenant_id=company.tenant_id):
        return db.session.scalars(select(FittedModel.id).where(FittedModel.version == version)).one()


@pytest.fixture(autouse=True)
def readable(monkeypatch):
    monkeypatch.setitem(shelf.READERS, "sessions", PopularityModel.from_bytes)


class TestPut:
    def test_the_newest_serves_and_the_last_three_are_kept(self, company, context):
        versions = [put(company, GOOD) for _ in range(5)]
        assert fits(company) == [(version, version == versions[4], False, "") for version in versions[:1:-1]]

    def test_a_clearly_worse_fit_waits_and_the_next_good_one_serves(self, company, context):
        first, worse = put(company, GOOD), put(company, BAD)
        assert fits(company) == [(worse, False, False, "worse"), (first, True, False, "")]
        assert shelf.versions(company.tenant_id)["sessions"] == first
        again = put(company, GOOD)
        assert fits(company)[0] == (again, True, False, "")

    def test_the_one_at_work_is_kept_however_many_worse_ones_follow(self, company, context):
        first = put(company, GOOD)
        for _ in range(5):
            put(company, BAD)
        assert fits(company)[-1] == (first, True, False, "") and len(fits(company)) == 4

    def test_a_worse_fit_waits_a_week_and_no_longer(self, company, context):
        put(company, GOOD)
        with clock.travel(to=clock.now() + timedelta(days=8)):
            late = put(company, BAD)
        assert fits(company)[0] == (late, True, False, "")


class TestClearlyWorse:
    def test_chance_and_few_questions_hold_nothing_back(self):
        assert model_versions.clearly_worse(BAD, GOOD)
        assert not model_versions.clearly_worse(GOOD, BAD)
        assert not model_versions.clearly_worse({**GOOD, "hit_rate": 0.44}, GOOD)
        assert not model_versions.clearly_worse({**BAD, "cases": 49}, GOOD)
        assert not model_versions.clearly_worse({}, GOOD) and not model_versions.clearly_worse(BAD, None)

    def test_a_drop_of_less_than_a_tenth_holds_nothing_back_however_sure(self):
        sure = {"hit_rate": 0.46, "cases": 1_000_000}
        assert not model_versions.clearly_worse(sure, {"hit_rate": 0.5, "cases": 1_000_000})

    def test_questions_that_became_harder_for_what_is_popular_too_hold_nothing_back(self):
        assert not model_versions.clearly_worse({**BAD, "popular_hit_rate": 0.06}, GOOD)


class TestPin:
    def test_an_older_fit_serves_at_once_and_stays_whatever_is_fitted_later(self, company, context, monkeypatch):
        monkeypatch.setattr(shelf, "LOOK_EVERY", 0.0)
        first, second = put(company, GOOD), put(company, GOOD)
        with work.unit(tenant_id=company.tenant_id):
            model_versions.pin(id_of(company, first))
        assert shelf.versions(company.tenant_id)["sessions"] == first
        assert shelf.get(company.tenant_id, "sessions") is not None
        later = [put(company, GOOD) for _ in range(4)]
        assert fits(company)[-1] == (first, True, True, "") and fits(company)[0] == (later[-1], False, False, "pinned")
        assert second not in [one[0] for one in fits(company)]
        with work.unit(tenant_id=company.tenant_id):
            model_versions.release(id_of(company, first))
        assert fits(company)[0] == (later[-1], True, False, "")
        assert shelf.versions(company.tenant_id)["sessions"] == later[-1]
        assert put(company, GOOD) == fits(company)[0][0]

    def test_undo_brings_back_what_served_before(self, company, context):
        first, second = put(company, GOOD), put(company, GOOD)
        with work.unit(tenant_id=company.tenant_id, actor=MEMBER):
            model_versions.pin(id_of(company, first))
            entry = audit.latest()
        with work.unit(tenant_id=company.tenant_id, actor=MEMBER):
            undoing.undo(entry)
        assert fits(company) == [(second, True, False, ""), (first, False, False, "")]

    def test_undoing_a_release_holds_the_same_again(self, company, context):
        first, second = put(company, GOOD), put(company, GOOD)
        with work.unit(tenant_id=company.tenant_id, actor=MEMBER):
            model_versions.pin(id_of(company, first))
            model_versions.release(id_of(company, first))
            entry = audit.latest()
        with work.unit(tenant_id=company.tenant_id, actor=MEMBER):
            undoing.undo(entry)
        assert fits(company) == [(second, False, False, ""), (first, True, True, "")]

    def test_another_choice_since_stands_in_the_way_of_undo(self, company, context):
        first, second = put(company, GOOD), put(company, GOOD)
        with work.unit(tenant_id=company.tenant_id, actor=MEMBER):
            model_versions.pin(id_of(company, first))
            entry = audit.latest()
        with work.unit(tenant_id=company.tenant_id, actor=MEMBER):
            model_versions.pin(id_of(company, second))
        with pytest.raises(undoing.InTheWay), work.unit(tenant_id=company.tenant_id, actor=MEMBER):
            undoing.undo(entry)
        assert fits(company)[0] == (second, True, True, "")

    def test_bytes_of_another_release_are_refused_and_what_serves_goes_on(self, company, context):
        first = put(company, GOOD)
        second = put(company, GOOD)
        with work.unit(tenant_id=company.tenant_id):
            db.session.get_one(FittedModel, (company.tenant_id, id_of(company, first))).blob = b"of long ago"
        with pytest.raises(model_versions.Outdated), work.unit(tenant_id=company.tenant_id):
            model_versions.pin(id_of(company, first))
        assert fits(company)[0] == (second, True, False, "")

    def test_only_what_is_held_can_be_released(self, company, context):
        first = put(company, GOOD)
        with pytest.raises(model_versions.NotHeld), work.unit(tenant_id=company.tenant_id):
            model_versions.release(id_of(company, first))

    def test_rules_are_no_fit(self, company, context):
        with work.unit(tenant_id=company.tenant_id):
            version = shelf.store("rules", b"[]", notes={})
        with pytest.raises(model_versions.NoSuchModel), work.unit(tenant_id=company.tenant_id):
            model_versions.pin(id_of(company, version))


class TestFit:
    def test_each_fit_of_a_shop_is_a_version_with_its_score(self, company, context):
        little_shop.fill(company, visits=400, baskets=120)
        fitting.fit(company.tenant_id)
        fitting.fit(company.tenant_id)
        with work.unit(tenant_id=company.tenant_id):
            found = model_versions.listed()
        assert {kind: len(rows) for kind, rows in found.items()} == dict.fromkeys(found, 2)
        for kind in ("sessions", "viewed", "bought", "popular"):
            assert found[kind][0].notes["quality"]["cases"] > 0, kind
        assert found["viewed"][0].notes["quality"]["hit_rate"] == 1.0  # twelve products, twenty places

    def test_what_is_held_stays_when_there_is_too_little_to_learn_from(self, company, context, monkeypatch):
        little_shop.fill(company)
        fitting.fit(company.tenant_id)
        with work.unit(tenant_id=company.tenant_id):
            model_versions.pin(model_versions.listed()["bought"][0].id)
        monkeypatch.setitem(fitting.FEWEST, "bought", 1000)
        fitting.fit(company.tenant_id)
        assert len(fits(company, "bought")) == 1


class TestTurns:
    def test_only_one_has_the_turn_and_its_lease_ends_soon_after_it_is_gone(self, company, context):
        from saas.kit import valkey

        name = f"turn:{company.tenant_id}"
        with turns.taken(name) as mine:
            assert mine
            assert 0 < valkey.client().ttl(name) <= turns.LASTS
            with turns.taken(name) as theirs:
                assert not theirs
        with turns.taken(name) as again:
            assert again

    def test_a_long_turn_is_kept(self, company, context, monkeypatch):
        from saas.kit import valkey

        monkeypatch.setattr(turns, "LASTS", 1)
        name = f"turn:{company.tenant_id}"
        with turns.taken(name):
            valkey.client().expire(name, 100)  # the next sign of life sets it to what a lease lasts
            until(lambda: valkey.client().ttl(name) < 50)
            assert valkey.client().exists(name)
