"""Addresses, numbers and accounts that are taken off a customer: everything is as if the two had always been told apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from saas.commerce import order_effects, orders, unjoining
from saas.commerce.models import Order, Visit
from saas.customers import facts, identity, merge_tree, merging, profiles, splitting, timeline
from saas.customers.models import NO_SOURCE, Consent, Customer, Identity, Parting
from saas.kit import work
from saas.kit.db import db
from saas.tenancy import undoing
from saas.tenancy.models import AuditEntry
from tests.rooms.commerce.browsers import VISITOR, identified, tell, viewed

SHOP = UUID(int=7)
DAY = datetime(2026, 3, 1, tzinfo=UTC)
ANN, BOB = "ann@shop.example", "bob@shop.example"


def person(day: float, **fields) -> dict:
    return {"updated_at": DAY + timedelta(days=day), **fields}


def placed(key: str, day: float, *, visitor: str = "", total: str = "10.00", **who) -> dict:
    return {"external_id": key, "number": key, "placed_at": DAY + timedelta(days=day), "status": "paid", "currency": "EUR", "total": total,
            "visitor": visitor, "customer": person(day, **who), "lines": []}  # fmt: skip


def take(*items) -> list[UUID]:
    return [orders.record_many([item], SHOP)[0].id for item in items]


def whose() -> dict[str, UUID | None]:
    return dict(db.session.execute(select(Order.external_id, Order.customer_id)).all())


def name_of(kind: str, value: str, source: UUID = NO_SOURCE) -> UUID:
    return db.session.scalars(
        select(Identity.id).where(Identity.kind == kind, Identity.value == value, Identity.source_id == source)
    ).one()


def one(customer_id: UUID) -> Customer:
    db.session.expire_all()
    return db.session.scalars(select(Customer).where(Customer.id == customer_id)).one()


@pytest.fixture
def mixed(tenant):
    """Ann's account, by which Bob ordered too: one customer, named after whoever came last."""
    take(placed("a1", 0, external_id="7", email=ANN, first_name="Ann", city="Ulm"),
         placed("b1", 1, external_id="7", email=BOB, first_name="Bob", phone="+49 731 1"),
         placed("a2", 2, external_id="7", email=ANN), placed("b2", 3, external_id="7", email=BOB, total="5.00"))  # fmt: skip
    [customer] = set(whose().values())
    return customer


def off(customer: UUID, kind: str, value: str, source: UUID = NO_SOURCE) -> Parting:
    return unjoining.unjoin(customer, name_of(kind, value, source))[0]


class TestAddress:
    def test_orders_figures_and_fields_go_to_a_customer_of_its_own(self, mixed):
        parting = off(mixed, "email", BOB)
        ann, bob = mixed, parting.to_id
        assert whose() == {"a1": ann, "a2": ann, "b1": bob, "b2": bob}
        assert (one(ann).first_name, one(ann).email, one(ann).city, one(ann).phone) == ("Ann", ANN, "Ulm", "")
        assert (one(bob).first_name, one(bob).email, one(bob).city, one(bob).phone) == ("Bob", BOB, "", "+49 731 1")
        assert (one(ann).external_id, one(bob).external_id) == ("7", None)
        counted = facts.of([ann, bob])
        assert [(counted[key].orders_count, counted[key].spent_amount) for key in (ann, bob)] == [(2, 2000), (2, 1500)]
        told = [len(db.session.scalars(timeline.of(key, kinds=("order",))).all()) for key in (ann, bob)]
        assert told == [2, 2]
        assert parting.moved["orders"] == 2

    def test_what_comes_later_under_it_finds_the_right_person(self, mixed):
        bob = off(mixed, "email", BOB).to_id
        take(
            placed("b3", 4, external_id="7", email=BOB, first_name="Robert"),
            placed("b4", 5, email=BOB),
            placed("a3", 6, external_id="7"),
        )
        assert whose() | {"a1": 0, "a2": 0} == {
            "a1": 0,
            "a2": 0,
            "a3": mixed,
            "b1": bob,
            "b2": bob,
            "b3": bob,
            "b4": bob,
        }
        assert (one(mixed).first_name, one(bob).first_name) == ("Ann", "Robert")
        assert identity.find("external", "7", SHOP) == mixed

    def test_an_old_order_that_is_delivered_again_stays_where_it_went(self, mixed):
        bob = off(mixed, "email", BOB).to_id
        take(placed("b1", 1, external_id="7", email=BOB, first_name="Bob", phone="+49 731 1"))
        later = placed("b2", 3, external_id="7", email=BOB, total="6.00") | {"updated_at": DAY + timedelta(days=9)}
        take(later)
        assert whose()["b1"] == whose()["b2"] == bob

    def test_the_evidence_stays_readable(self, mixed):
        bob = off(mixed, "email", BOB).to_id
        [gone] = unjoining.of(mixed)["partings"]
        assert (gone.kind, gone.value, gone.to_id) == ("email", BOB, bob)
        [theirs] = [join for join in unjoining.of(bob)["joins"] if join.value == BOB]
        assert [said["way"] for said in theirs.evidence] == ["shop", "parting"]
        assert theirs.evidence[1]["ref"] == str(mixed) and theirs.holds == {"orders": 2}

    def test_taken_back_the_two_are_one_with_the_newest_of_each_field(self, mixed):
        parting = off(mixed, "email", BOB)
        take(placed("b3", 4, email=BOB, first_name="Robert"))
        unjoining.rejoin(mixed, parting.id)
        assert set(whose().values()) == {mixed}
        assert (one(mixed).first_name, one(mixed).phone, one(mixed).city) == ("Robert", "+49 731 1", "Ulm")
        assert facts.of([mixed])[mixed].orders_count == 5
        assert unjoining.of(mixed)["partings"] == []

    def test_again_and_again(self, mixed):
        for round_ in range(3):
            parting = off(mixed, "email", BOB)
            bob = parting.to_id
            take(placed(f"x{round_}", 10 + round_, external_id="7", email=BOB))
            assert {key: held for key, held in whose().items() if held == mixed}.keys() == {"a1", "a2"}
            assert (one(mixed).first_name, one(bob).first_name) == ("Ann", "Bob")
            unjoining.rejoin(mixed, parting.id)
            take(placed(f"y{round_}", 20 + round_, email=BOB))
            assert set(whose().values()) == {mixed}
            with pytest.raises(unjoining.RejoinedAlready):
                unjoining.rejoin(mixed, parting.id)
        off(mixed, "email", BOB)
        assert {key for key, held in whose().items() if held == mixed} == {"a1", "a2"}

    def test_who_goes_by_nothing_else_keeps_their_name(self, tenant):
        customer = profiles.create(email=ANN).id
        with pytest.raises(splitting.TheirOnlyName):
            off(customer, "email", ANN)
        assert identity.find("email", ANN) == customer

    def test_a_name_that_only_came_with_it_goes_along(self, tenant):
        [first] = take(placed("a1", 0, external_id="7", email=ANN))
        take(placed("b1", 1, external_id="7", email=BOB), placed("b2", 2, external_id="9", email=BOB))
        customer = whose()["a1"]
        assert whose()["b2"] == customer and first
        bob = off(customer, "email", BOB).to_id
        take(placed("b3", 3, external_id="9"))
        assert {key for key, held in whose().items() if held == bob} == {"b1", "b2", "b3"}
        assert one(bob).external_id == "9"

    def test_of_somebody_who_is_known_already_it_goes_to_them_and_comes_back(self, tenant):
        bob = profiles.create(email=BOB, first_name="Bob").id
        take(placed("a1", 0, external_id="7", email=ANN), placed("b1", 1, external_id="7", email=BOB))
        ann = whose()["a1"]
        assert whose()["b1"] == ann, "an account comes before an address"
        parting = off(ann, "email", BOB)
        assert whose() == {"a1": ann, "b1": bob} and not parting.made
        take(placed("b2", 2, external_id="7", email=BOB))
        assert whose()["b2"] == bob
        unjoining.rejoin(ann, parting.id)
        assert whose()["b1"] == ann and one(bob).first_name == "Bob"

    def test_who_was_merged_by_hand_is_taken_apart_by_it(self, tenant):
        ann, bob = profiles.create(email=ANN, first_name="Ann").id, profiles.create(email=BOB, first_name="Bob").id
        take(placed("b1", 0, email=BOB))
        merging.merge(winner_id=ann, loser_id=bob)
        parting = off(ann, "email", BOB)
        assert parting.to_id == bob and whose() == {"b1": bob} and one(bob).first_name == "Bob"
        unjoining.rejoin(ann, parting.id)
        assert whose() == {"b1": ann} and merge_tree.holder(bob) == ann

    def test_consents_go_with_the_address_that_gave_them(self, tenant):
        take(placed("a1", 0, external_id="7", email=ANN, consent={"email": "granted"}),
             placed("b1", 1, external_id="7", email=BOB, consent={"email": "withdrawn"}),
             placed("a2", 2, external_id="7", email=ANN))  # fmt: skip
        ann = whose()["a1"]
        assert one(ann).email_consent == "withdrawn"
        bob = off(ann, "email", BOB).to_id
        assert (one(ann).email_consent, one(bob).email_consent) == ("granted", "withdrawn")
        assert db.session.scalars(select(Consent.state).where(Consent.customer_id == ann)).all() == ["granted"]

    def test_a_consent_that_was_no_news_then_is_theirs_now(self, tenant):
        take(placed("a1", 0, external_id="7", email=ANN, consent={"email": "granted"}),
             placed("b1", 1, external_id="7", email=BOB, consent={"email": "granted"}))  # fmt: skip
        ann = whose()["a1"]
        bob = off(ann, "email", BOB).to_id
        assert (one(ann).email_consent, one(bob).email_consent) == ("granted", "granted")

    def test_what_a_browser_told_goes_with_the_order_and_the_address(self, company, context, drain):
        with work.unit(tenant_id=company.tenant_id):
            take(
                placed("a1", 0, external_id="7", email=ANN),
                placed("b1", 1, external_id="7", email=BOB, visitor=VISITOR),
            )
            ann = whose()["a1"]
        tell(company, viewed("v", 0), viewed("w", 5))
        tell(company, viewed("x", 0), identified("y", 1, email=BOB), visitor="another-browser-0001")
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            assert set(db.session.scalars(select(Visit.customer_id))) == {ann}
            bob = off(ann, "email", BOB).to_id
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            assert set(db.session.scalars(select(Visit.customer_id))) == {bob}
            assert identity.visitor(VISITOR) == (bob, True) and identity.visitor("another-browser-0001") == (bob, False)
            assert facts.of([ann, bob])[bob].visits_count == 2 and facts.of([ann])[ann].visits_count == 0

    def test_from_the_history_it_is_undone_and_done_again(self, company, context):
        with work.unit(tenant_id=company.tenant_id):
            take(placed("a1", 0, external_id="7", email=ANN), placed("b1", 1, external_id="7", email=BOB))
            ann = whose()["a1"]
            off(ann, "email", BOB)
        for expected in (1, 2, 1):
            with work.unit(tenant_id=company.tenant_id):
                query = select(AuditEntry.id).where(AuditEntry.action.in_(("customers.unjoined", "customers.rejoined")))
                newest = db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(1)).one()
                undoing.undo(newest)
                assert len(set(whose().values())) == expected


class TestAccount:
    def test_orders_of_an_account_of_another_shop_go(self, tenant):
        other = UUID(int=8)
        take(placed("a1", 0, external_id="7", email=ANN, first_name="Ann"))
        orders.record_many([placed("c1", 1, external_id="55", email=ANN, first_name="Cara")], other)
        orders.record_many([placed("c2", 2, external_id="55")], other)
        ann = whose()["a1"]
        assert set(whose().values()) == {ann}
        cara = off(ann, "external", "55", other).to_id
        assert whose() == {"a1": ann, "c1": cara, "c2": cara}
        assert (one(ann).first_name, one(cara).first_name) == ("Ann", "Cara")
        assert (one(ann).email, one(cara).email, one(cara).external_id) == (ANN, None, "55")
        orders.record_many([placed("c3", 3, external_id="55", email=ANN)], other)
        assert whose()["c3"] == cara


class TestPhone:
    def test_orders_by_a_number_go(self, tenant):
        take(placed("p1", 0, phone="+49 731 55"))
        with_number = whose()["p1"]
        profiles.change(with_number, email=ANN, first_name="Ann")
        take(placed("a1", 1, email=ANN), placed("p2", 2, phone="+49 731 55"))
        assert set(whose().values()) == {with_number}
        other = off(with_number, "phone", "+4973155").to_id
        assert whose() == {"a1": with_number, "p1": other, "p2": other}
        assert (one(other).phone, one(with_number).phone, one(with_number).first_name) == ("+49 731 55", "", "Ann")


def messages() -> list[tuple[str, dict]]:
    """What Ann (account 7) and Bob (account 9) send, Bob also under Ann's account; whose each is at bottom."""
    ann = [
        placed(f"a{n}", n, external_id="7", email=ANN, first_name="Ann", **({"city": "Ulm"} if n % 2 else {}))
        for n in range(3)
    ]
    ann += [placed("a3", 3.5, external_id="7", company="Ann & Co")]
    bob = [
        placed(f"b{n}", n + 0.5, external_id="7", email=BOB, first_name="Bob", consent={"email": "granted"})
        for n in range(2)
    ]
    bob += [placed("b2", 2.6, external_id="9", email=BOB, city="Bonn"), placed("b3", 3.6, email=BOB, company="Bob Ltd")]
    return [("ann", item) for item in ann] + [("bob", item) for item in bob]


def state() -> dict[str, tuple]:
    """Return for each of the two, found by an order of theirs, what they hold."""
    found = {}
    order_effects.count(set(whose().values()))
    for key, customer_id in whose().items():
        customer = one(customer_id)
        counted = facts.of([customer_id])[customer_id]
        found[key] = (customer.first_name, customer.city, customer.company, customer.email, customer.email_consent,
                      counted.orders_count, counted.spent_amount)  # fmt: skip
    return found


class TestAnySequence:
    @settings(
        max_examples=6,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @example(
        seed=466
    )  # the account alone came first and then with Bob's address, which made all that was said hers and his
    @given(seed=st.integers(0, 10**9))
    def test_ends_as_if_they_had_always_been_apart(self, company, context, seed):
        chance = Random(seed)
        with work.unit(tenant_id=company.tenant_id):
            right = self.play(chance, apart=True)
            self.clear()
        with work.unit(tenant_id=company.tenant_id):
            assert self.play(chance, apart=False) == right
            self.clear()

    def play(self, chance: Random, *, apart: bool) -> dict[str, tuple]:
        told = messages()
        if apart:  # each under their own names only
            for who, item in told:
                if who == "bob" and item["customer"].get("external_id") == "7":
                    del item["customer"]["external_id"]
                take(item)
            return state()
        chance.shuffle(told)
        told += chance.sample(told, 4)
        pending: Parting | None = None
        for _who, item in told:
            take(item)
            if chance.random() < 0.4:
                pending = self.turn(pending, chance)
        while self.together():
            self.part()
        return state()

    def together(self) -> set[UUID]:
        """Return customers who have orders of both."""
        ann = {held for key, held in whose().items() if key.startswith("a")}
        return ann & {held for key, held in whose().items() if key.startswith("b")}

    def part(self) -> Parting | None:
        for customer in self.together():
            return off(customer, "email", BOB)
        return None

    def turn(self, pending: Parting | None, chance: Random) -> Parting | None:
        if pending is not None and chance.random() < 0.6:
            unjoining.rejoin(pending.customer_id, pending.id)
            return None
        return pending or self.part()

    def clear(self) -> None:
        db.session.expire_all()
        for model in (Order, Customer):
            db.session.execute(delete(model).execution_options(synchronize_session=False))
