"""How far offers come: into a cart and over the till, by place, model and rule, whatever is thrown away meanwhile."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from saas.commerce import orders
from saas.commerce.models import ShopEvent
from saas.kit import access, clock, identifiers, scope, valkey, work
from saas.kit.db import db
from saas.recommend import funnel, offers, rules, shown, stock
from saas.recommend.models import OfferShown
from tests.rooms.recommend import little_shop

VISITOR, OTHER = "shopper-0000000000000071", "shopper-0000000000000072"


@pytest.fixture(autouse=True)
def empty_stream(settings_in_environment):
    shown.flush()
    valkey.client().delete(shown.STREAM)


def show(shop, visitor: str = VISITOR, **wishes):
    chosen = offers.choose(tenant_id=shop.tenant_id, slot="home", visitor=visitor, **wishes)
    shown.write_pending()
    return chosen


def tell(shop, kind: str, offer, visitor: str = VISITOR) -> None:
    with work.unit(tenant_id=shop.tenant_id):
        little_shop.tell(visitor, kind, str(offer.id))
        shown.mark([visitor])


def cart(shop, *keys: str, visitor: str = VISITOR, at=None) -> None:
    """What a browser tells of its cart, marked as the reaction does."""
    at = at or clock.now()
    with work.unit(tenant_id=shop.tenant_id):
        event_id = identifiers.at(at, str(scope.tenant_id()), visitor, "cart", *keys)
        items = [{"product": key, "quantity": 1, "price": "12.50"} for key in keys]
        db.session.add(
            ShopEvent(id=event_id, visitor=visitor, type="cart_updated", at=at, details={"cart": {"items": items}})
        )
        db.session.flush()
        shown.mark_carts([visitor])


def told(shop, by: str = "slot", days: int = 30) -> funnel.Funnel:
    with work.unit(tenant_id=shop.tenant_id):
        return funnel.of_last(days, by=by, currency="EUR")


def carted(shop, offer) -> bool:
    with work.unit(tenant_id=shop.tenant_id):
        return shown.one(offer.id).carted_at is not None


class TestCarts:
    def test_what_is_put_into_a_cart_after_it_was_seen_is_the_offers(self, shop):
        chosen = show(shop)
        tell(shop, "offer_seen", chosen.items[0])
        cart(shop, chosen.items[0].product.key, chosen.items[1].product.key)
        assert carted(shop, chosen.items[0])
        assert not carted(shop, chosen.items[1])  # shown, and never seen
        assert told(shop).total.carted == 1

    def test_what_lay_in_the_cart_before_is_no_success(self, shop):
        key = show(shop, record=False).items[0].product.key
        cart(shop, key, at=clock.now() - timedelta(minutes=30))
        chosen = show(shop)  # the live session of this test knows of no cart
        offer = next(one for one in chosen.items if one.product.key == key)
        tell(shop, "offer_seen", offer)
        cart(shop, key, "cup-1" if key != "cup-1" else "cup-2")
        assert not carted(shop, offer)

    def test_told_again_and_again_it_counts_once(self, shop):
        chosen = show(shop)
        tell(shop, "offer_clicked", chosen.items[0])
        for _again in range(3):
            cart(shop, chosen.items[0].product.key)
        assert told(shop).total.carted == 1

    def test_of_several_offers_of_it_the_clicked_one_counts(self, shop):
        first, second = show(shop), show(shop)
        tell(shop, "offer_clicked", first.items[0])
        tell(shop, "offer_seen", second.items[0])
        cart(shop, first.items[0].product.key)
        assert (carted(shop, first.items[0]), carted(shop, second.items[0])) == (True, False)

    def test_another_browser_of_the_same_customer_counts_and_a_strangers_does_not(self, shop, drain):
        chosen = show(shop)
        tell(shop, "offer_seen", chosen.items[0])
        key = chosen.items[0].product.key
        cart(shop, key, visitor=OTHER)
        assert not carted(shop, chosen.items[0])
        with work.unit(tenant_id=shop.tenant_id):  # orders prove whose browsers these are
            for number, visitor in ((900, VISITOR), (901, OTHER)):
                orders.record_many([little_shop.order(number, ["tea-6"], customer=1, visitor=visitor)])
        drain(shop)
        with work.unit(tenant_id=shop.tenant_id):
            shown.mark_carts([OTHER])
        assert carted(shop, chosen.items[0])

    def test_no_other_company_is_touched(self, shop, other_company):
        chosen = show(shop)
        tell(shop, "offer_seen", chosen.items[0])
        cart(other_company, chosen.items[0].product.key)
        assert not carted(shop, chosen.items[0])


class TestFunnel:
    def test_shares_with_their_intervals(self, shop, drain):
        chosen = show(shop, limit=4)
        for offer in chosen.items[:2]:
            tell(shop, "offer_seen", offer)
        tell(shop, "offer_clicked", chosen.items[0])
        cart(shop, chosen.items[0].product.key)
        with work.unit(tenant_id=shop.tenant_id):
            keys = [chosen.items[0].product.key]
            orders.record_many([little_shop.order(902, keys, days_ago=-0.001, visitor=VISITOR)])
        drain(shop)
        found = told(shop)
        total = found.total
        steps = (
            total.requests,
            total.shown,
            total.seen,
            total.clicked,
            total.carted,
            total.bought,
            total.bought_clicked,
        )
        assert steps == (1, 4, 2, 1, 1, 1, 1)
        assert (total.revenue, total.revenue_clicked) == (1250, 1250)
        assert (total.rate("seen"), total.rate("clicked")) == (0.5, 0.5)
        low, high = total.interval("clicked")
        assert (round(low, 3), round(high, 3)) == (0.095, 0.905)
        assert [line.key for line in found.lines] == ["home"]

    def test_by_model_and_by_the_rule_behind_it(self, shop):
        product = next(iter(stock.catalogue(shop.tenant_id).by_number.values()))
        with work.unit(tenant_id=shop.tenant_id):
            pin = rules.create(kind="pin", product_id=UUID(product.id), slot="home")
        chosen = show(shop, limit=3)
        assert chosen.items[0].algorithm == "rule"
        tell(shop, "offer_clicked", chosen.items[0])
        by_model = {line.key: line for line in told(shop, by="algorithm").lines}
        assert by_model["rule"].clicked == 1
        assert sum(line.shown for line in by_model.values()) == 3
        assert sum(line.requests for line in by_model.values()) == 1
        found = told(shop, by="rule")
        assert [(line.key, line.shown, line.clicked) for line in found.lines] == [(str(pin.id), 1, 1)]
        assert found.total.shown == 3

    def test_a_favoured_category_is_a_rules_doing_too(self, shop):
        with work.unit(tenant_id=shop.tenant_id):
            boost = rules.create(kind="boost", category="Cup", percent=900)
        chosen = show(shop, limit=2)
        assert {offer.rule for offer in chosen.items if "Cup" in offer.product.categories} == {str(boost.id)}
        assert [line.key for line in told(shop, by="rule").lines] == [str(boost.id)]

    def test_the_fit_that_named_it_is_kept(self, shop):
        from saas.recommend import shelf

        chosen = show(shop)
        offer = next(one for one in chosen.items if one.algorithm == "popular")
        with work.unit(tenant_id=shop.tenant_id):
            assert shown.one(offer.id).model_version == shelf.versions(shop.tenant_id)["popular"]

    def test_it_survives_what_is_thrown_away(self, shop):
        show(shop, limit=3)
        before = told(shop, days=90).total
        with clock.travel(to=clock.now() + timedelta(days=61)), work.unit(tenant_id=shop.tenant_id):
            assert shown.tidy() == 3
            assert db.session.query(OfferShown).count() == 0
            after = funnel.of_last(90, by="slot", currency="EUR").total
        assert (before.shown, after.shown) == (3, 3)

    def test_who_may_not_see_what_orders_come_to_is_told_no_money(self, shop):
        show(shop)
        blind = access.Access(permissions=frozenset({"offers.read"}), hidden=frozenset({"order.total"}))
        with work.unit(tenant_id=shop.tenant_id), access.bound(blind):
            found = funnel.of_last(30, by="slot", currency="EUR")
        assert (found.total.revenue, found.lines[0].revenue, found.other_currencies) == (None, None, [])

    def test_an_empty_company_has_an_empty_funnel(self, tenant):
        found = funnel.of_last(30, by="rule", currency="EUR")
        assert (found.lines, found.total.rate("seen"), found.total.interval("clicked")) == ([], None, None)


class TestAnswers:
    """What customers said to a person who made them an offer."""

    def said(self, shop, *verdicts: str, algorithm: str = "popular", slot: str = "home") -> None:
        from saas.catalog import products
        from saas.customers import profiles
        from saas.recommend import answers

        with work.unit(tenant_id=shop.tenant_id):
            known = products.by_external(little_shop.TEAS + little_shop.CUPS)
            whose = profiles.create(email=f"{len(verdicts)}{algorithm}@mail.example").id
            for key, verdict in zip(known, verdicts, strict=False):
                answers.say(
                    customer_id=whose,
                    product_id=known[key].id,
                    verdict=verdict,
                    slot=slot,
                    algorithm=algorithm,
                )

    def test_they_stand_by_place_and_by_model_with_how_far_off_they_may_be(self, shop):
        self.said(shop, "accepted", "declined", "declined", "declined")
        self.said(shop, "accepted", algorithm="buyer")
        [home] = told(shop).lines
        assert (home.key, home.accepted, home.declined, home.rate("accepted")) == ("home", 2, 3, 0.4)
        low, high = home.interval("declined")
        assert 0.2 < low < 0.6 < high < 0.9
        by_model = {line.key: (line.accepted, line.declined) for line in told(shop, by="algorithm").lines}
        assert by_model == {"popular": (1, 3), "buyer": (1, 0)}

    def test_they_are_in_the_sum_whatever_makes_a_line(self, shop):
        self.said(shop, "accepted", "declined")
        for by in funnel.BY:
            assert (told(shop, by=by).total.accepted, told(shop, by=by).total.declined) == (1, 1)
        assert not told(shop, by="rule").lines and not told(shop, by="version").lines

    def test_without_an_answer_there_is_no_share(self, shop):
        assert told(shop).total.rate("accepted") is None and told(shop).total.interval("declined") is None


class TestVersions:
    OLD, NEW = "019a0000-0000-7000-8000-000000000001", "019a8000-0000-7000-8000-000000000002"

    def count(
        self, shop, version: str, *, seen: int, clicked: int, days_ago: int = 0, algorithm: str = "popular"
    ) -> None:
        from saas.recommend.models import OfferVersionCount

        with work.unit(tenant_id=shop.tenant_id):
            day = clock.now().date() - timedelta(days=days_ago)
            db.session.add(
                OfferVersionCount(
                    day=day, algorithm=algorithm, model_version=version, shown=2 * seen, seen=seen, clicked=clicked
                )
            )

    def test_what_a_fit_named_is_counted_for_its_version_up_to_the_cart(self, shop):
        chosen = show(shop)
        tell(shop, "offer_clicked", chosen.items[0])
        cart(shop, chosen.items[0].product.key)
        lines = told(shop, by="version").lines
        named = {shown_row.model_version for shown_row in self.rows(shop)}
        assert {line.key for line in lines} == named - {""}
        assert sum(line.clicked for line in lines) == sum(line.carted for line in lines) == 1
        assert all(line.began_at <= clock.now() for line in lines)

    def rows(self, shop) -> list[OfferShown]:
        with work.unit(tenant_id=shop.tenant_id):
            return list(db.session.scalars(db.select(OfferShown)))

    def test_the_newest_stands_first_and_says_whether_it_surely_does_better(self, shop):
        self.count(shop, self.OLD, seen=2000, clicked=60, days_ago=3)
        self.count(shop, self.NEW, seen=2000, clicked=140)
        new, old = told(shop, by="version").lines
        assert (new.key, new.against, old.key, old.against) == (self.NEW, "more", self.OLD, "")
        assert new.algorithm == old.algorithm == "popular"

    @pytest.mark.parametrize(("clicked", "says"), [(64, "open"), (20, "fewer"), (110, "more")])
    def test_chance_is_no_difference(self, shop, clicked, says):
        self.count(shop, self.OLD, seen=2000, clicked=60, days_ago=3)
        self.count(shop, self.NEW, seen=2000, clicked=clicked)
        assert told(shop, by="version").lines[0].against == says

    def test_versions_of_two_models_are_not_compared(self, shop):
        self.count(shop, self.OLD, seen=2000, clicked=60)
        self.count(shop, self.NEW, seen=2000, clicked=300, algorithm="buyer")
        assert [line.against for line in told(shop, by="version").lines] == ["", ""]

    def test_day_by_day_it_says_on_which_a_version_began(self, shop):
        self.count(shop, self.OLD, seen=100, clicked=3, days_ago=4)
        self.count(shop, self.OLD, seen=100, clicked=4, days_ago=2)
        self.count(shop, str(identifiers.floor(clock.now() - timedelta(days=2))), seen=100, clicked=8, days_ago=2)
        with work.unit(tenant_id=shop.tenant_id):
            days = funnel.day_by_day(30, "popular")
        assert [(day.seen, day.clicked, day.began) for day in days] == [
            (100, 3, 0), (0, 0, 0), (200, 12, 1), (0, 0, 0), (0, 0, 0),
        ]  # fmt: skip
        assert days[1].rate() is None and days[2].interval()[0] < 0.06 < days[2].interval()[1]

    def test_what_no_fit_named_is_no_version(self, shop):
        self.count(shop, "", seen=50, clicked=1, algorithm="newest")
        assert told(shop, by="version").lines == []
