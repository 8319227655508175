"""Whose browser is whose, without a query for strangers; and the jobs of this room."""

from __future__ import annotations

from sqlalchemy import select

from saas.customers import identity, profiles
from saas.kit import clock, valkey, work
from saas.kit.db import db
from saas.recommend import browsers, freshness, offers, shelf, shoppers, shown, stock
from saas.recommend.models import FittedModel, OfferCount
from tests.rooms.recommend import little_shop
from workers.jobs import recommend as jobs

VISITOR = "shopper-0000000000000006"


def live(company, visitor: str = VISITOR):
    return shoppers._live(company.tenant_id, visitor)["whose"]


def known(company, *, proven: bool, visitor: str = VISITOR):
    with work.unit(tenant_id=company.tenant_id):
        customer = profiles.create(email=f"{visitor}@shop.example")
        identity.bind_visitor(visitor, customer.id, proven=proven)
        return customer.id


class TestCopy:
    def test_the_first_question_makes_the_copy_and_the_next_asks_no_database(self, company, context, monkeypatch):
        customer = known(company, proven=True)
        known(company, proven=False, visitor="claimed-0000000000000001")
        assert live(company) == customer
        monkeypatch.setattr(browsers, "pool", None)
        assert live(company) == customer
        assert live(company, "a-perfect-stranger-0001") is None
        assert live(company, "claimed-0000000000000001") is None

    def test_a_binding_that_comes_later_is_copied_by_its_reaction(self, company, context, drain):
        assert live(company) is None
        customer = known(company, proven=True)
        drain(company)
        assert live(company) == customer

    def test_a_live_session_that_is_only_claimed_is_nobodys(self, company, context):
        customer = known(company, proven=False)
        little_shop.live(company, VISITOR, [], customer=customer, proven=False)
        assert live(company) is None
        little_shop.live(company, VISITOR, [], customer=customer, proven=True)
        assert live(company) == customer

    def test_a_flushed_valkey_is_copied_into_again(self, company, context):
        customer = known(company, proven=True)
        browsers.publish(company.tenant_id)
        valkey.client().delete(browsers.whole(company.tenant_id), browsers.key(company.tenant_id, VISITOR))
        assert live(company) == customer
        assert valkey.client().exists(browsers.whole(company.tenant_id))

    def test_while_somebody_else_copies_the_database_answers(self, company, context):
        customer = known(company, proven=True)
        valkey.client().set(f"{browsers.whole(company.tenant_id)}:making", b"1")
        assert live(company) == customer
        assert not valkey.client().exists(browsers.whole(company.tenant_id))

    def test_without_valkey_the_database_answers(self, company, context, away):
        assert live(company) is None
        customer = known(company, proven=True)
        assert live(company) == customer


class TestJobs:
    def test_one_company_is_fitted_when_it_is_rung_for(self, company, context, drain):
        little_shop.fill(company)
        drain(company)
        jobs.fit_due(tenant_id=company.tenant_id)
        assert shelf.get(company.tenant_id, "bought") is not None
        assert not valkey.client().exists(f"fitting:{company.tenant_id}")

    def test_the_hour_fits_all_that_have_news_and_goes_on_after_a_failure(
        self, company, other_company, context, drain, monkeypatch
    ):
        for one in (company, other_company):
            little_shop.fill(one)
            drain(one)
        honest = jobs.fitting.fit

        def fail_for_one(tenant_id):
            if tenant_id == company.tenant_id:
                raise RuntimeError("no")
            return honest(tenant_id)

        monkeypatch.setattr(jobs.fitting, "fit", fail_for_one)
        monkeypatch.setattr(jobs.freshness, "due", lambda: [company.tenant_id, other_company.tenant_id])
        jobs.fit_due(run_at=clock.now().isoformat())
        with work.unit(tenant_id=other_company.tenant_id):
            assert db.session.scalars(select(FittedModel).where(FittedModel.kind == "bought")).one()

    def test_two_workers_do_not_fit_the_same_company_at_once(self, company, context):
        valkey.client().set(f"fitting:{company.tenant_id}", b"1", ex=60)
        jobs.fit_due(tenant_id=company.tenant_id)
        with work.unit(tenant_id=company.tenant_id):
            assert freshness.read().fitted_at is None

    def test_what_was_shown_is_written_and_old_things_are_tidied(self, shop):
        shown.flush()
        valkey.client().delete(shown.STREAM)
        offers.choose(tenant_id=shop.tenant_id, slot="home", limit=2)
        jobs.write_shown(run_at=clock.now().isoformat())
        with work.unit(tenant_id=shop.tenant_id):
            assert db.session.scalars(select(OfferCount)).one().shown == 2
        jobs.tidy(run_at=clock.now().isoformat())

    def test_a_product_that_changed_is_seen_by_a_worker_that_runs(self, shop, drain):
        from saas.catalog import products

        catalogue = stock.catalogue(shop.tenant_id)
        with work.unit(tenant_id=shop.tenant_id):
            products.upsert_many([{"external_id": "tea-1", "price": "99.00"}, little_shop.product("fresh")])
        drain(shop)
        catalogue.looked_at -= stock.LOOK_EVERY
        again = stock.catalogue(shop.tenant_id)
        assert again is catalogue  # brought up to date, not read anew
        assert (again.find("tea-1").price, again.find("fresh").offerable) == ("99.00", True)
