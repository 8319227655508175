"""Visits: the same whatever order their events come in; whose they are; and how little a robot costs."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import select, update

from saas.commerce import digests, recognition, shops, visits
from saas.commerce.models import Cart, Visit, Visitor
from saas.customers import facts, identity, profiles
from saas.customers.models import TimelineEntry
from saas.kit import outbox, work
from saas.kit.db import db
from tests.rooms.commerce.browsers import VISITOR, at, carted, identified, paged, tell, viewed


def all_visits(company) -> list[tuple]:
    with work.unit(tenant_id=company.tenant_id):
        rows = db.session.scalars(select(Visit).order_by(Visit.visitor, Visit.began_at))
        return [
            (v.visitor, v.began_at, v.ended_at, v.events_count, v.views_count, tuple(v.products), v.customer_id)
            for v in rows
        ]


def facts_of(company, customer_id):
    with work.unit(tenant_id=company.tenant_id):
        return facts.of([customer_id])[customer_id]


class TestVisits:
    def test_a_pause_of_half_an_hour_begins_another_visit(self, context, company, drain):
        tell(company, paged("a", 0), viewed("b", 10), viewed("c", 39.9, "p2"), viewed("d", 69.9))
        drain(company)
        told = [
            (began, ended, events, views, products)
            for _v, began, ended, events, views, products, _c in all_visits(company)
        ]
        assert told == [(at(0), at(39.9), 3, 2, ("p1", "p2")), (at(69.9), at(69.9), 1, 1, ("p1",))]

    def test_a_late_event_joins_two_visits_to_one(self, context, company, drain):
        tell(company, paged("a", 0, url="https://s.example/in", referrer="https://search.example/"), paged("c", 50))
        drain(company)
        assert len(all_visits(company)) == 2
        tell(company, paged("b", 25, url="https://s.example/other"))
        drain(company)
        [(_v, began, ended, events, *_rest)] = all_visits(company)
        assert (began, ended, events) == (at(0), at(50), 3)
        with work.unit(tenant_id=company.tenant_id):
            visit = db.session.scalars(select(Visit)).one()
            assert (visit.landing, visit.referrer) == ("https://s.example/in", "https://search.example/")

    def test_events_told_again_count_once(self, context, company, drain):
        for _again in range(3):
            tell(company, paged("a", 0), viewed("b", 1))
            drain(company)
        [(_v, _began, _ended, events, views, *_rest)] = all_visits(company)
        assert (events, views) == (2, 1)

    def test_many_batches_before_a_digest_are_announced_once(self, context, company):
        for number in range(5):
            tell(company, paged(str(number), number))
        with work.unit(tenant_id=company.tenant_id):
            names = list(db.session.scalars(select(outbox.OutboxEvent.name)))
            assert names.count("EventsCollected") == 1

    def test_a_robots_hundred_thousand_events_cost_one_reading_and_then_a_wait(self, context, company, drain):
        tell(company, *[viewed(f"e{n}", n / 100, f"p{n % 500}") for n in range(5000)])
        drain(company)
        [(_v, _began, _ended, events, views, products, _c)] = all_visits(company)
        assert (events, views, len(products)) == (5000, 5000, 50)
        tell(company, viewed("late", 20))
        with work.unit(tenant_id=company.tenant_id):
            bell = db.session.scalars(
                select(outbox.Doorbell).where(outbox.Doorbell.tenant_id == company.tenant_id)
            ).one()
            announced = outbox.one(bell.event_id).announced_at
            assert timedelta(seconds=3) < bell.due_at - announced < timedelta(seconds=5)

    def test_another_companys_browser_of_the_same_name_is_another(self, context, company, other_company, drain):
        tell(company, paged("a", 0))
        tell(other_company, paged("a", 0), paged("b", 1))
        drain(company), drain(other_company)
        assert [row[3] for row in all_visits(company)] == [1]
        assert [row[3] for row in all_visits(other_company)] == [2]


class TestRecognition:
    @pytest.fixture
    def shop(self, context, company):
        with work.unit(tenant_id=company.tenant_id):
            shop, secret = shops.connect(kind="generic", name="Shop", url="https://shop.example")
            return shop.id, secret

    def test_a_signed_id_proves_the_browser_and_its_past(self, company, shop, drain):
        shop_id, secret = shop
        tell(company, viewed("a", 0), shop_id=shop_id)
        drain(company)
        tell(
            company,
            identified("b", 300, external_id="cust-77", signature=recognition.sign(secret, "cust-77")),
            shop_id=shop_id,
        )
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            customer = identity.find("external", "cust-77", shop_id)
            assert identity.visitor(VISITOR) == (customer, True)
            kinds = list(db.session.scalars(select(TimelineEntry.kind).where(TimelineEntry.customer_id == customer)))
            assert sorted(kinds) == ["identified", "visit", "visit"]
            assert shops.one(shop_id).last_event_at == at(300)
        assert {row[-1] for row in all_visits(company)} == {customer}
        told = facts_of(company, customer)
        assert (told.visits_count, told.views_count, told.first_visit_at, told.last_visit_at) == (2, 1, at(0), at(300))

    def test_the_companys_own_key_takes_any_of_its_shops_signatures(self, company, shop, drain):
        tell(
            company,
            identified("b", 0, email="Ann@Shop.example", signature=recognition.sign(shop[1], "ann@shop.example")),
        )
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            assert identity.visitor(VISITOR) == (identity.find("email", "ann@shop.example"), True)

    def test_a_signed_id_proves_nothing_of_the_address_beside_it(self, company, shop, drain):
        shop_id, secret = shop
        with work.unit(tenant_id=company.tenant_id):
            victim = profiles.find_or_create(email="victim@shop.example")
        signature = recognition.sign(secret, "attacker")
        tell(
            company,
            identified("b", 0, external_id="attacker", email="victim@shop.example", signature=signature),
            shop_id=shop_id,
        )
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            bound = identity.visitor(VISITOR)
            assert bound[0] != victim and bound[1] is True

    @pytest.mark.parametrize("signature", ["", "0" * 64, "ü"])
    def test_a_wrong_signature_is_a_claim(self, company, shop, drain, signature):
        tell(company, identified("b", 0, email="ann@shop.example", signature=signature), shop_id=shop[0])
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            customer = identity.find("email", "ann@shop.example")
            assert identity.visitor(VISITOR) == (customer, False)
            assert profiles.one(customer).email_consent == "unknown"

    def test_a_claim_without_a_valid_address_makes_nobody(self, context, company, drain):
        tell(company, identified("a", 0, external_id="whoever"), identified("b", 1, email="nonsense"))
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            assert identity.visitor(VISITOR) is None and profiles.count() == 0

    def test_a_claim_never_replaces_what_is_proven(self, company, shop, drain):
        tell(
            company,
            identified("a", 0, email="ann@shop.example", signature=recognition.sign(shop[1], "ann@shop.example")),
        )
        drain(company)
        tell(company, identified("b", 5, email="bob@shop.example"))
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            assert identity.visitor(VISITOR) == (identity.find("email", "ann@shop.example"), True)
            assert identity.find("email", "bob@shop.example") is None

    def test_a_token_of_a_mail_is_read_by_whoever_registered(self, context, company, drain, monkeypatch):
        with work.unit(tenant_id=company.tenant_id):
            customer = profiles.find_or_create(email="ann@shop.example")
        monkeypatch.setattr(recognition, "_token_readers", [])
        recognition.register_token_reader(lambda token: customer if token == "good" else None)
        tell(company, identified("a", 0, token="forged"))
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            assert identity.visitor(VISITOR) is None
        tell(company, identified("b", 1, token="good"))
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            assert identity.visitor(VISITOR) == (customer, True)

    def test_what_was_only_claimed_moves_to_whom_it_is_proven_to_be(self, company, shop, drain):
        tell(company, viewed("a", 0), identified("b", 1, email="claimed@shop.example"))
        drain(company)
        tell(
            company,
            identified("c", 100, email="ann@shop.example", signature=recognition.sign(shop[1], "ann@shop.example")),
        )
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            ann, claimed = identity.find("email", "ann@shop.example"), identity.find("email", "claimed@shop.example")
        assert {row[-1] for row in all_visits(company)} == {ann}
        assert (facts_of(company, ann).visits_count, facts_of(company, claimed).visits_count) == (2, 0)

    def test_two_people_at_one_computer_keep_their_own_past(self, company, shop, drain):
        for minutes, name in ((0, "ann"), (100, "bob")):
            email = f"{name}@shop.example"
            tell(
                company,
                viewed(name, minutes),
                identified(f"i{name}", minutes + 1, email=email, signature=recognition.sign(shop[1], email)),
            )
            drain(company)
        with work.unit(tenant_id=company.tenant_id):
            ann, bob = (identity.find("email", f"{name}@shop.example") for name in ("ann", "bob"))
        assert [row[-1] for row in all_visits(company)] == [ann, bob]
        assert (facts_of(company, ann).visits_count, facts_of(company, bob).visits_count) == (1, 1)

    def test_a_browser_bound_by_an_order_before_it_told_anything(self, context, company, drain):
        with work.unit(tenant_id=company.tenant_id):
            customer = profiles.find_or_create(email="ann@shop.example")
            identity.bind_visitor(VISITOR, customer, proven=True)
        drain(company)
        tell(company, viewed("a", 0))
        drain(company)
        assert [row[-1] for row in all_visits(company)] == [customer]
        assert facts_of(company, customer).visits_count == 1

    def test_a_deleted_customers_browsing_is_nobodys(self, context, company, drain):
        tell(company, viewed("a", 0), identified("b", 1, email="ann@shop.example"))
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            profiles.delete(identity.find("email", "ann@shop.example"))
        drain(company)
        tell(company, viewed("c", 2))
        drain(company)
        assert [row[-1] for row in all_visits(company)] == [None]


class TestAnyOrder:
    EVENTS = (
        paged("1", 0, url="https://s.example/1"), viewed("2", 5), viewed("3", 20, "p2"), carted("4", 25, ("p1", 2, "12.50")),
        viewed("5", 60), carted("6", 61, ("p1", 1, "12.50"), kind="checkout_started"), identified("7", 62, email="ann@shop.example"),
        viewed("8", 85, "p3"), viewed("9", 200), carted("10", 201, ("p9", 1, "3.00"), cart="c2"), carted("11", 202, cart="c2"),
    )  # fmt: skip

    FEW = (EVENTS[0], EVENTS[2], EVENTS[3], EVENTS[4], EVENTS[7], EVENTS[8])

    def test_a_thousand_orders_of_a_history_end_in_the_same_visits_and_carts(self, context, company):
        browsers = self.happened(company, self.FEW, 1000)
        found = self.stays_and_carts(company)
        assert len(found) == 1000 and [one for one in browsers if found[one] != found[browsers[0]]] == []
        stays, carts = found[browsers[0]]
        assert [stay[:5] for stay in stays] == [
            (at(0), at(25), 3, 1, ["p2"]), (at(60), at(85), 2, 2, ["p1", "p3"]), (at(200), at(200), 1, 1, ["p1"])
        ]  # fmt: skip
        assert [cart[:2] for cart in carts] == [("c1", 2500)]

    def test_a_hundred_orders_of_a_longer_one_end_in_the_same_profile(self, context, company):
        browsers = self.happened(company, self.EVENTS, 100)
        stays, profiles_of = self.stays_and_carts(company), self.profiles(company)
        assert len(profiles_of) == 100
        assert [
            one for one in browsers if (stays[one], profiles_of[one]) != (stays[browsers[0]], profiles_of[browsers[0]])
        ] == []
        assert [stay[2:5] for stay in stays[browsers[0]][0]] == [
            (4, 2, ["p1", "p2"]),
            (4, 2, ["p1", "p3"]),
            (3, 1, ["p1"]),
        ]
        assert [(cart[0], cart[1], cart[6]) for cart in stays[browsers[0]][1]] == [
            ("c1", 1250, None),
            ("c2", 0, at(202)),
        ]
        figures, entries = profiles_of[browsers[0]]
        assert figures == (3, 5, at(0), at(202), 1250, at(61)) and len(entries) == 5

    def happened(self, company, events, count) -> list[str]:
        """Let browsers tell the same history, each shuffled, in batches cut anywhere, some of it twice, now and then digested."""
        random = Random(20260301)
        browsers = [f"shuffled-browser-{number:06d}" for number in range(count)]
        told = {browser: self.pieces(browser, events, random) for browser in browsers}
        for number in range(3):
            for browser in browsers:
                if told[browser][number]:
                    tell(company, *told[browser][number], visitor=browser)
            self.digest(company, [browser for browser in browsers if number == 2 or random.random() < 0.2])
        return browsers

    def pieces(self, browser, events, random) -> list[list[dict]]:
        mine = {"identity": {"email": f"{browser}@shop.example"}}
        history = [{**event, **mine} if event["type"] == "identified" else event for event in events]
        random.shuffle(history)
        history += random.sample(history, 2)
        first, second = sorted(random.choices(range(len(history) + 1), k=2))
        return [history[:first], history[first:second], history[second:]]

    def digest(self, company, browsers) -> None:
        for start in range(0, len(browsers), 20):
            with work.unit(tenant_id=company.tenant_id):
                for browser in browsers[start : start + 20]:
                    digests.digest(browser)

    def stays_and_carts(self, company) -> dict[str, tuple[list, list]]:
        """Return what all browsers must have in common."""
        with work.unit(tenant_id=company.tenant_id):
            rows = list(db.session.scalars(select(Visitor)))
            found, owners = {row.visitor: ([], []) for row in rows}, {row.visitor: row.customer_id for row in rows}
            for v in db.session.scalars(select(Visit).order_by(Visit.began_at)):
                theirs = v.customer_id == owners[v.visitor]
                found[v.visitor][0].append(
                    (v.began_at, v.ended_at, v.events_count, v.views_count, v.products, v.landing, theirs)
                )
            for c in db.session.scalars(select(Cart).order_by(Cart.key)):
                theirs = c.customer_id == owners[c.visitor]
                found[c.visitor][1].append(
                    (c.key, c.amount, c.items, c.began_at, c.changed_at, c.checkout_at, c.closed_at, c.left_at, theirs)
                )
            return found

    def profiles(self, company) -> dict[str, tuple[tuple, list]]:
        """Return the same of the customers the browsers became."""
        with work.unit(tenant_id=company.tenant_id):
            owners = {row.customer_id: row.visitor for row in db.session.scalars(select(Visitor))}
            found = {}
            for one in facts.of(list(owners)).values():
                figures = (
                    one.visits_count,
                    one.views_count,
                    one.first_visit_at,
                    one.last_visit_at,
                    one.cart_amount,
                    one.cart_at,
                )
                found[owners[one.id]] = (figures, [])
            told = select(TimelineEntry).where(TimelineEntry.kind.in_(["visit", "cart"]))
            for entry in db.session.scalars(told.order_by(TimelineEntry.at, TimelineEntry.kind)):
                found[owners[entry.customer_id]][1].append((entry.kind, entry.at, entry.title))
            return found


class TestSign:
    def test_it_is_what_the_manual_says(self):
        assert (
            recognition.sign("s3cret", "cust-77") == "7f8a950d1957b59680a3c28626898247aa14ebf76c52ebc6ab6ae37cb5b7b2f5"
        )
        assert (
            recognition.sign("s3cret", "ann@example.com")
            == "598de412e1c89171ef9dd526e37b784fc14c4abe1a7a9c0683b9d10f8a979802"
        )


class TestCount:
    def test_figures_are_counted_anew_and_never_added(self, context, company, drain):
        tell(company, viewed("a", 0), identified("b", 1, email="ann@shop.example"))
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            customer = identity.find("email", "ann@shop.example")
            db.session.execute(update(Visit).values(views_count=7))
            visits.count([customer])
            visits.count([customer])
            assert facts.of([customer])[customer].views_count == 7
