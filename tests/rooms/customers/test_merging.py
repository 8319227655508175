"""Two customers become one and are taken apart again, whatever happened before, after and in between."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from saas.commerce import joining, orders
from saas.commerce.models import Cart, Order, Visit, Visitor
from saas.customers import consent, facts, identity, merge_tree, merging, profiles, unmerging
from saas.customers.models import Consent, Customer, DuplicatePair, TimelineEntry
from saas.kit import clock, work
from saas.kit.db import db
from tests.kit.test_belongings import a_mailing, digest, row

SHOP = uuid4()
AT = datetime(2026, 2, 1, tzinfo=UTC)


def order(key: str, **who) -> UUID:
    """An order as the shop sends it, by an address or the shop's number."""
    item = {"external_id": key, "placed_at": AT, "status": "paid", "currency": "EUR", "total": "10.00", "customer": who,
            "lines": [{"product": "p", "name": "Tea", "quantity": 1, "unit_price": "10.00"}]}  # fmt: skip
    return orders.record_many([item], SHOP)[0].id


def whose(order_id: UUID) -> UUID | None:
    return db.session.scalar(select(Order.customer_id).where(Order.id == order_id))


@pytest.fixture
def two(tenant):
    """Ada, who is known twice: by her mail and by her number in the shop."""
    winner = profiles.create(email="ada@shop.example", first_name="Ada", last_name="Lovelace", tags=["vip"])
    loser = profiles.create(
        email="a.lovelace@work.example", phone="+49 30 1234567", first_name="A.", city="London", tags=["vip", "tea"]
    )
    joining.count([winner.id, loser.id])
    return winner.id, loser.id


def settled() -> dict:
    """The whole data but what a merge leaves behind as its trace, and the moments of the last change."""
    left = (
        "journal_rows",
        "customer_merges",
        "audit_entries",
        "audit_values",
        "outbox",
        "outbox_doorbell",
        "search_changes",
        "day_changes",  # notes of which days to count anew
        "customers",
        "customer_identities",
    )
    return {name: found for name, found in digest().items() if name not in left} | {
        "people": sorted(map(str, db.session.execute(select(
            Customer.id, Customer.email, Customer.email_norm, Customer.phone, Customer.first_name, Customer.city, Customer.note, Customer.name_sort,
            Customer.email_consent, Customer.tags)).all())),
        "names": sorted(map(str, db.session.execute(select(identity.Identity.customer_id, identity.Identity.kind, identity.Identity.value)).all())),
    }  # fmt: skip


class TestMerge:
    def test_everything_that_hangs_on_the_loser_hangs_on_the_winner(self, two):
        winner, loser = two
        mailing = a_mailing()
        from saas.marketing.models import MailingRecipient

        theirs = order("1", email="a.lovelace@work.example")
        row(MailingRecipient, mailing_id=mailing, customer_id=winner, state="sent", email="x", sent_at=AT)
        row(MailingRecipient, mailing_id=mailing, customer_id=loser, state="sent", email="y", sent_at=AT)
        made = merging.merge(winner_id=winner, loser_id=loser)
        assert whose(theirs) == winner
        assert made.moved["orders"] == 1 and made.moved["mailing_recipients"] == 1
        known = facts.of([winner])[winner]
        assert (known.orders_count, known.spent_amount, known.mails_sent) == (1, 1000, 2)
        customer = profiles.one(winner)
        assert (customer.city, customer.phone, customer.tags) == ("London", "+49 30 1234567", ["vip", "tea"])
        assert customer.first_name == "Ada"
        assert identity.find("email", "a.lovelace@work.example") == winner

    def test_the_losers_id_leads_to_the_winner(self, two):
        winner, loser = two
        merging.merge(winner_id=winner, loser_id=loser)
        assert profiles.one(loser).id == winner
        with pytest.raises(merging.SameCustomer):
            merging.merge(winner_id=winner, loser_id=loser)

    def test_each_field_can_be_chosen(self, two):
        winner, loser = two
        profiles.change(winner, note="likes tea")
        profiles.change(loser, note="likes cake")
        choices = {"email": "loser", "first_name": "loser", "city": "winner"}
        merging.merge(winner_id=winner, loser_id=loser, choices=choices)
        customer = profiles.one(winner)
        assert (customer.email_norm, customer.first_name, customer.city) == ("a.lovelace@work.example", "A.", "")
        assert customer.note == "likes tea\n\nlikes cake"
        assert identity.find("email", "ada@shop.example") == winner

    def test_a_choice_that_is_none_is_refused(self, two):
        for choices in ({"email": "both"}, {"shoe_size": "winner"}, {"city": "x"}):
            with pytest.raises(merging.merge_fields.BadChoice):
                merging.plan(winner_id=two[0], loser_id=two[1], choices=choices)

    def test_a_plan_changes_nothing(self, two):
        before = digest()
        plan = merging.plan(winner_id=two[0], loser_id=two[1])
        by_name = {field["name"]: field for field in plan.fields}
        assert by_name["city"]["result"] == "London" and by_name["city"]["kept"] == "loser"
        assert plan.tags == ["vip", "tea"]
        assert digest() == before

    def test_later_messages_land_at_the_winner(self, two):
        winner, loser = two
        merging.merge(winner_id=winner, loser_id=loser)
        assert whose(order("late", email="a.lovelace@work.example")) == winner
        assert db.session.scalar(select(func.count()).select_from(Customer)) == 1


class TestConsent:
    @pytest.mark.parametrize(
        ("mine", "theirs", "after"),
        [("granted", "withdrawn", "withdrawn"), ("withdrawn", "granted", "withdrawn"), (None, "granted", "granted"), (None, "withdrawn", "withdrawn"),
         ("granted", None, "granted"), (None, None, "unknown")],
    )  # fmt: skip
    def test_the_stricter_word_counts_and_both_proofs_stay(self, two, mine, theirs, after):
        for customer, state in zip(two, (mine, theirs), strict=True):
            if state:
                consent.record_many([(customer, state, None)], source="form", proof={"of": str(customer)})
        before = settled()
        made = merging.merge(winner_id=two[0], loser_id=two[1])
        assert profiles.one(two[0]).email_consent == after
        proofs = {entry.proof.get("of") for entry in consent.history(two[0])} - {None}
        assert proofs == {str(customer) for customer, state in zip(two, (mine, theirs), strict=True) if state}
        unmerging.unmerge(made.id)
        assert settled() == before

    def test_whoever_withdrew_as_one_has_withdrawn_for_both(self, two):
        for customer in two:
            consent.record_many([(customer, "granted", None)], source="form")
        made = merging.merge(winner_id=two[0], loser_id=two[1])
        consent.withdraw(customer_id=two[0], source="link")
        unmerging.unmerge(made.id)
        assert [profiles.one(customer).email_consent for customer in two] == ["withdrawn", "withdrawn"]

    def test_a_later_consent_is_news_after_a_strict_merge(self, two):
        consent.record_many([(two[0], "granted", clock.now() + timedelta(seconds=1))], source="form")
        consent.record_many([(two[1], "withdrawn", None)], source="form")
        merging.merge(winner_id=two[0], loser_id=two[1])
        assert consent.grant(customer_id=two[0], source="form", at=clock.now() + timedelta(seconds=5))
        assert profiles.one(two[0]).email_consent == "granted"


class TestUnmerge:
    def test_everything_is_as_it_was(self, two):
        winner, loser = two
        order("1", email="a.lovelace@work.example")
        order("2", email="ada@shop.example")
        for customer in two:
            visitor = f"v-{customer}"
            identity.bind_visitor(visitor, customer, proven=True)
            row(Visitor, visitor=visitor, first_seen_at=AT, last_seen_at=AT)
            row(Visit, visitor=visitor, began_at=AT, ended_at=AT)
            row(Cart, visitor=visitor, began_at=AT, changed_at=AT, changed_by=uuid4())
        joining.settle(winner, loser)
        joining.count([winner, loser])
        joining.order_effects.tell(list(db.session.scalars(select(Order))))
        before = settled()
        made = merging.merge(winner_id=winner, loser_id=loser, choices={"email": "loser", "first_name": "loser"})
        assert settled() != before
        parted = unmerging.unmerge(made.id)
        assert (parted.back, parted.holder, parted.kept) == (loser, winner, [])
        after = settled()
        assert {name for name in before if before[name] != after[name]} == set()

    def test_what_came_since_goes_to_whose_name_it_came_by(self, two):
        winner, loser = two
        made = merging.merge(winner_id=winner, loser_id=loser)
        theirs = order("late", email="a.lovelace@work.example", external_id="77")
        hers = order("hers", email="ada@shop.example")
        unmerging.unmerge(made.id)
        assert (whose(theirs), whose(hers)) == (loser, winner)
        assert identity.find("external", "77", SHOP) == loser
        assert facts.of([loser])[loser].orders_count == 1
        told = db.session.scalars(
            select(TimelineEntry.customer_id).where(TimelineEntry.kind == "order", TimelineEntry.customer_id == loser)
        ).all()
        assert told == [loser]
        assert whose(order("later", external_id="77")) == loser

    def test_a_message_by_the_losers_name_does_not_rename_the_winner(self, two):
        winner, loser = two
        made = merging.merge(winner_id=winner, loser_id=loser)
        came = profiles.upsert_many([{"email": "a.lovelace@work.example", "external_id": "77", "city": "Rome"}], SHOP)
        assert (came[0].id, came[0].status) == (winner, "updated")
        held = profiles.one(winner)
        assert (held.email_norm, held.email, held.external_id) == ("ada@shop.example", "ada@shop.example", None)
        assert held.city == "Rome"
        assert profiles.upsert_many([{"email": "a.lovelace@work.example"}], SHOP)[0].status == "unchanged"
        unmerging.unmerge(made.id)
        assert profiles.one(winner).email_norm == "ada@shop.example"
        assert profiles.one(loser).email_norm == "a.lovelace@work.example"
        assert identity.find("external", "77", SHOP) == loser

    def test_a_browser_that_came_since_goes_along(self, two):
        winner, loser = two
        made = merging.merge(winner_id=winner, loser_id=loser)
        item = {"external_id": "v", "placed_at": AT, "status": "paid", "currency": "EUR", "visitor": "browser-of-the-loser", "lines": [],
                "customer": {"email": "a.lovelace@work.example"}}  # fmt: skip
        orders.record_many([item], SHOP)
        row(Visitor, visitor="browser-of-the-loser", customer_id=winner, first_seen_at=AT, last_seen_at=AT)
        row(Visit, visitor="browser-of-the-loser", customer_id=winner, began_at=AT, ended_at=AT)
        unmerging.unmerge(made.id)
        assert identity.visitor("browser-of-the-loser") == (loser, True)
        assert db.session.scalars(select(Visit.customer_id)).all() == [loser]
        assert facts.of([loser])[loser].visits_count == 1

    def test_a_field_changed_since_stays_and_is_told(self, two):
        winner, loser = two
        made = merging.merge(winner_id=winner, loser_id=loser)
        profiles.change(winner, city="Paris")
        parted = unmerging.unmerge(made.id)
        assert parted.kept == ["city"]
        assert profiles.one(winner).city == "Paris" and profiles.one(winner).phone == ""
        assert profiles.one(loser).city == "London"

    def test_an_address_that_was_taken_meanwhile(self, two):
        winner, loser = two
        made = merging.merge(winner_id=winner, loser_id=loser)
        profiles.change(winner, email="a.lovelace@work.example")
        parted = unmerging.unmerge(made.id)
        assert parted.kept == ["email"]
        assert profiles.one(loser).email is None
        assert profiles.one(winner).email_norm == "a.lovelace@work.example"

    def test_twice_is_refused(self, two):
        made = merging.merge(winner_id=two[0], loser_id=two[1])
        unmerging.unmerge(made.id)
        with pytest.raises(unmerging.PartedAlready):
            unmerging.unmerge(made.id)
        again = merging.merge(winner_id=two[1], loser_id=two[0])
        assert profiles.one(two[0]).id == two[1]
        assert unmerging.unmerge(again.id).back == two[0]

    def test_two_people_are_never_proposed_again(self, two):
        made = merging.merge(winner_id=two[0], loser_id=two[1])
        unmerging.unmerge(made.id, different=True)
        assert db.session.scalars(select(DuplicatePair.state)).all() == ["different"]

    def test_whoever_differs_from_the_loser_differs_from_the_winner(self, two):
        third = profiles.create(email="third@shop.example").id
        one, other = sorted([two[1], third])
        row(DuplicatePair, one_id=one, other_id=other, score=900, state="different", found_at=AT)
        made = merging.merge(winner_id=two[0], loser_id=two[1])
        pairs = db.session.execute(select(DuplicatePair.one_id, DuplicatePair.other_id, DuplicatePair.state)).all()
        assert pairs == [(*sorted([two[0], third]), "different")]
        unmerging.unmerge(made.id)
        assert db.session.execute(select(DuplicatePair.one_id, DuplicatePair.other_id)).all() == [(one, other)]


class TestMergesOfMerges:
    def test_the_middle_one_leaves_first(self, tenant):
        a, b, c = (profiles.create(email=f"{name}@shop.example", first_name=name, tags=[name]).id for name in "abc")
        placed = {name: order(name, email=f"{name}@shop.example") for name in "abc"}
        into_a = merging.merge(winner_id=a, loser_id=b, choices={"first_name": "loser", "email": "loser"})
        into_c = merging.merge(winner_id=c, loser_id=a, choices={"first_name": "loser", "email": "loser"})
        assert (profiles.one(c).first_name, profiles.one(c).email, sorted(profiles.one(c).tags)) == (
            "b",
            "b@shop.example",
            ["a", "b", "c"],
        )
        unmerging.unmerge(into_a.id)
        assert {name: whose(key) for name, key in placed.items()} == {"a": c, "b": b, "c": c}
        assert (profiles.one(b).email, profiles.one(c).email, profiles.one(c).first_name) == (
            "b@shop.example",
            "a@shop.example",
            "a",
        )
        assert sorted(profiles.one(c).tags) == ["a", "c"]
        unmerging.unmerge(into_c.id)
        assert {name: whose(key) for name, key in placed.items()} == {"a": a, "b": b, "c": c}
        assert [profiles.one(one).email for one in (a, b, c)] == ["a@shop.example", "b@shop.example", "c@shop.example"]
        assert [profiles.one(one).tags for one in (a, b, c)] == [["a"], ["b"], ["c"]]

    def test_the_last_one_leaves_first_and_keeps_what_is_under_it(self, tenant):
        a, b, c = (profiles.create(email=f"{name}@shop.example").id for name in "abc")
        placed = order("b", email="b@shop.example")
        into_a = merging.merge(winner_id=a, loser_id=b)
        into_c = merging.merge(winner_id=c, loser_id=a)
        late = order("late", email="b@shop.example")
        unmerging.unmerge(into_c.id)
        assert (whose(placed), whose(late)) == (a, a)
        assert [one.id for one in merge_tree.below(a)] == [into_a.id]
        unmerging.unmerge(into_a.id)
        assert (whose(placed), whose(late)) == (b, b)

    def test_a_deleted_holder_stands_in_the_way(self, tenant):
        a, b = (profiles.create(email=f"{name}@shop.example").id for name in "ab")
        made = merging.merge(winner_id=a, loser_id=b)
        db.session.delete(profiles.one(a))
        db.session.flush()
        with pytest.raises(unmerging.HolderGone):
            unmerging.unmerge(made.id)


class TestAtTheSameTime:
    def test_two_merges_of_the_same_two_are_one(self, app, company, context):
        with work.unit(tenant_id=company.tenant_id):
            a, b = (profiles.create(email=f"{name}@shop.example").id for name in "ab")
        outcomes = _together(
            app,
            company,
            lambda: merging.merge(winner_id=a, loser_id=b).id,
            lambda: merging.merge(winner_id=b, loser_id=a).id,
        )
        assert sorted(type(one).__name__ for one in outcomes) == ["SameCustomer", "UUID"]

    def test_orders_that_come_in_the_middle_land_at_the_winner(self, app, company, context):
        with work.unit(tenant_id=company.tenant_id):
            a, b = (profiles.create(email=f"{name}@shop.example").id for name in "ab")
        outcomes = _together(
            app,
            company,
            lambda: merging.merge(winner_id=a, loser_id=b).id,
            lambda: order("mid", email="b@shop.example"),
        )
        assert all(isinstance(one, UUID) for one in outcomes), outcomes
        with work.unit(tenant_id=company.tenant_id):
            assert whose(outcomes[1]) == a
            assert db.session.scalar(select(func.count()).select_from(Customer)) == 1
            assert db.session.scalar(select(func.count()).select_from(Consent)) == 0

    def test_another_companys_customer_is_not_there(self, company, other_company, context):
        with work.unit(tenant_id=other_company.tenant_id):
            foreign = profiles.create(email="foreign@shop.example").id
        with work.unit(tenant_id=company.tenant_id):
            mine = profiles.create(email="mine@shop.example").id
            with pytest.raises(profiles.NoSuchCustomer):
                merging.merge(winner_id=mine, loser_id=foreign)


def _together(app, company, *acts) -> list:
    """Do things at once, each in a unit of work of its own, begun together."""
    gate, found = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place, act):
        with app.app_context():
            try:
                with work.unit(tenant_id=company.tenant_id):
                    gate.wait()
                    found[place] = act()
            except Exception as error:
                found[place] = error

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found
