"""What was shown and what became of it: once each, whatever comes twice, late or in another order."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from saas.commerce import orders
from saas.kit import clock, valkey, work
from saas.kit.db import db
from saas.recommend import attribution, offers, results, shown
from saas.recommend.models import OfferCount, OfferShown
from tests.rooms.recommend import little_shop

VISITOR = "shopper-0000000000000002"


@pytest.fixture(autouse=True)
def empty_stream(settings_in_environment):
    shown.flush()
    valkey.client().delete(shown.STREAM)


def show(company, visitor: str = VISITOR, **wishes):
    return offers.choose(tenant_id=company.tenant_id, slot="home", visitor=visitor, **wishes)


def counts(company) -> tuple[int, int, int, int]:
    with work.unit(tenant_id=company.tenant_id):
        columns = (OfferCount.requests, OfferCount.shown, OfferCount.seen, OfferCount.clicked)
        return tuple(int(total or 0) for total in db.session.execute(select(*map(func.sum, columns))).one())


def one(company, offer):
    with work.unit(tenant_id=company.tenant_id):
        return shown.one(offer.id)


def tell(company, kind: str, offer, visitor: str = VISITOR, at=None) -> None:
    with work.unit(tenant_id=company.tenant_id):
        little_shop.tell(visitor, kind, str(offer.id), at=at)
        shown.mark([visitor])


def order(company, drain, number: int, offer, **fields) -> None:
    with work.unit(tenant_id=company.tenant_id):
        orders.record_many([little_shop.order(number, [offer.product.key], days_ago=-0.001, visitor=VISITOR, **fields)])
    drain(company)


class TestWriting:
    def test_what_was_shown_is_written_in_batches_with_its_reason(self, shop):
        chosen = [show(shop, limit=3) for _visit in range(3)]
        assert shown.write_pending() == 3
        row = one(shop, chosen[0].items[1])
        assert (row.slot, row.position, row.visitor) == ("home", 2, VISITOR)
        assert (row.request_id, row.product_key) == (chosen[0].request_id, chosen[0].items[1].product.key)
        assert (row.reason_code, row.algorithm) == ("popular", "popular")
        assert counts(shop) == (3, 9, 0, 0)
        assert valkey.client().xlen(shown.STREAM) == 0

    def test_a_batch_written_twice_counts_once(self, shop, monkeypatch):
        show(shop, limit=3)
        shown.flush()
        entries = valkey.client().xrange(shown.STREAM)
        shown.write_pending()
        for _id, fields in entries:
            valkey.client().xadd(shown.STREAM, fields)
        shown.write_pending()
        assert counts(shop) == (1, 3, 0, 0)

    def test_each_company_gets_its_own(self, shop, other_company, drain):
        little_shop.fill(other_company, visits=0, baskets=0)
        show(shop, limit=1)
        show(other_company, limit=2)
        shown.write_pending()
        assert (counts(shop)[1], counts(other_company)[1]) == (1, 2)

    def test_a_product_deleted_meanwhile_keeps_its_line(self, shop):
        chosen = show(shop, limit=1)
        from saas.catalog.models import Product

        with work.unit(tenant_id=shop.tenant_id):
            db.session.delete(
                db.session.scalars(select(Product).where(Product.external_id == chosen.items[0].product.key)).one()
            )
        shown.write_pending()
        assert one(shop, chosen.items[0]).product_id is None

    def test_a_try_out_is_not_kept(self, shop):
        show(shop, record=False)
        shown.flush()
        assert valkey.client().xlen(shown.STREAM) == 0

    def test_without_valkey_the_shopper_is_answered_all_the_same(self, shop, away):
        assert show(shop).items

    def test_old_offers_nobody_saw_are_thrown_away_and_their_number_stays(self, shop):
        with clock.travel(to=clock.now() - timedelta(days=70)):
            chosen = show(shop, limit=2)
        shown.write_pending()
        with work.unit(tenant_id=shop.tenant_id):
            kept = db.session.scalars(select(OfferShown).where(OfferShown.id == chosen.items[0].id)).one()
            assert kept.at < clock.now() - timedelta(days=60)
        with clock.travel(to=clock.now() + timedelta(days=61)), work.unit(tenant_id=shop.tenant_id):
            assert shown.tidy() == 2
        assert counts(shop)[1] == 2


class TestMarking:
    def test_seen_and_clicked_are_marked_once(self, shop):
        chosen = show(shop, limit=2)
        shown.write_pending()
        for _again in range(2):
            tell(shop, "offer_seen", chosen.items[0])
            tell(shop, "offer_clicked", chosen.items[0])
        row = one(shop, chosen.items[0])
        assert row.seen_at is not None
        assert row.clicked_at >= row.seen_at
        assert one(shop, chosen.items[1]).seen_at is None
        assert counts(shop) == (1, 2, 1, 1)

    def test_a_click_sooner_than_the_writing_counts(self, shop):
        chosen = show(shop)
        tell(shop, "offer_clicked", chosen.items[0])
        assert one(shop, chosen.items[0]).clicked_at is not None
        assert counts(shop)[2:] == (1, 1)

    def test_another_browser_cannot_click_for_this_one(self, shop):
        chosen = show(shop)
        shown.write_pending()
        tell(shop, "offer_clicked", chosen.items[0], visitor="somebody-else-0000000000")
        assert one(shop, chosen.items[0]).clicked_at is None

    def test_nonsense_told_by_a_browser_is_passed_over(self, shop):
        with work.unit(tenant_id=shop.tenant_id):
            little_shop.tell(VISITOR, "offer_clicked", "' OR 1=1")
            little_shop.tell(VISITOR, "offer_seen", str(uuid4()))
            shown.mark([VISITOR])
            assert db.session.scalar(select(func.count()).select_from(OfferShown)) == 0


class TestAttribution:
    def test_an_order_after_a_click_is_the_offers(self, shop, drain):
        chosen = show(shop)
        tell(shop, "offer_clicked", chosen.items[0])
        order(shop, drain, 500, chosen.items[0])
        row = one(shop, chosen.items[0])
        assert (row.bought_after, row.bought_micros, row.bought_currency) == ("clicked", 12_500_000, "EUR")

    def test_seen_alone_is_told_apart_and_shown_alone_is_nothing(self, shop, drain):
        chosen = show(shop)
        tell(shop, "offer_seen", chosen.items[0])
        order(shop, drain, 501, chosen.items[0])
        order(shop, drain, 502, chosen.items[1])
        assert one(shop, chosen.items[0]).bought_after == "seen"
        assert one(shop, chosen.items[1]).bought_at is None

    def test_a_cancelled_order_takes_its_success_back(self, shop, drain):
        chosen = show(shop)
        tell(shop, "offer_clicked", chosen.items[0])
        order(shop, drain, 503, chosen.items[0])
        later = clock.now() + timedelta(minutes=5)
        order(shop, drain, 503, chosen.items[0], status="cancelled", updated_at=later)
        row = one(shop, chosen.items[0])
        assert (row.bought_at, row.bought_after, row.bought_order_id, row.bought_micros) == (None, "", None, 0)

    def test_the_newest_clicked_offer_wins_and_only_one(self, shop, drain):
        first, second, third = show(shop), show(shop), show(shop)
        for chosen, kind in ((first, "offer_clicked"), (second, "offer_clicked"), (third, "offer_seen")):
            tell(shop, kind, chosen.items[0])
        order(shop, drain, 504, first.items[0])
        assert [one(shop, chosen.items[0]).bought_after for chosen in (first, second, third)] == ["", "clicked", ""]

    def test_an_order_of_the_same_customer_in_another_browser_counts(self, shop, drain):
        chosen = show(shop)
        tell(shop, "offer_clicked", chosen.items[0])
        order(shop, drain, 505, chosen.items[1], customer=1)  # proves whose browser it is
        with work.unit(tenant_id=shop.tenant_id):
            orders.record_many([little_shop.order(506, [chosen.items[0].product.key], customer=1, days_ago=-0.001)])
        drain(shop)
        assert one(shop, chosen.items[0]).bought_after == "clicked"

    def test_eight_days_later_it_is_no_longer_the_offers(self, shop, drain):
        with clock.travel(to=clock.now() - timedelta(days=8)):
            chosen = show(shop)
        shown.write_pending()
        tell(shop, "offer_clicked", chosen.items[0])
        order(shop, drain, 507, chosen.items[0])
        assert one(shop, chosen.items[0]).bought_at is None

    def test_a_click_told_after_the_order_is_found_by_the_nights_second_look(self, shop, drain):
        chosen = show(shop)
        shown.write_pending()
        order(shop, drain, 508, chosen.items[0])
        assert one(shop, chosen.items[0]).bought_at is None
        tell(shop, "offer_clicked", chosen.items[0])
        with work.unit(tenant_id=shop.tenant_id):
            attribution.attribute_recent()
        assert one(shop, chosen.items[0]).bought_after == "clicked"


class TestResults:
    def test_figures_by_place_and_day(self, shop, drain):
        chosen = show(shop, limit=3)
        tell(shop, "offer_seen", chosen.items[1])
        tell(shop, "offer_clicked", chosen.items[0])
        order(shop, drain, 509, chosen.items[0])
        order(shop, drain, 510, chosen.items[1])
        with work.unit(tenant_id=shop.tenant_id):
            found = results.of_last(30, currency="EUR")
        [place] = found.places
        assert (place.slot, place.shown, place.seen, place.clicked, place.bought, place.bought_clicked) == (
            "home",
            3,
            2,
            1,
            2,
            1,
        )
        assert (place.revenue, place.revenue_clicked, place.click_rate) == (2500, 1250, 0.5)
        assert (len(found.days), found.days[-1]) == (30, clock.now().date())
        assert found.revenue["home"][-1] == 2500

    def test_money_of_another_currency_is_named_and_not_added(self, shop, drain):
        chosen = show(shop)
        tell(shop, "offer_clicked", chosen.items[0])
        order(shop, drain, 511, chosen.items[0], currency="USD")
        with work.unit(tenant_id=shop.tenant_id):
            found = results.of_last(30, currency="EUR")
        assert (found.total.bought, found.total.revenue, found.other_currencies) == (1, 0, ["USD"])

    def test_an_empty_company_has_empty_results(self, tenant):
        found = results.of_last(7, currency="EUR")
        assert (found.places, found.total.shown, isinstance(found.days[0], date)) == ([], 0, True)
