"""Customers as shops send them: matched, written once, never moved back in time."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import func, select

from saas.commerce import orders
from saas.commerce.models import Order
from saas.customers import arriving, consent, identity, profiles
from saas.customers.models import Consent, Customer, Facts, Identity
from saas.kit import work
from saas.kit.db import db
from tests import meetings

SHOP = uuid4()


def put(*items, source=SHOP):
    return arriving.upsert_many(list(items), source)


class TestUpsertMany:
    def test_the_same_item_twice_is_one_customer(self, tenant):
        first, second = (
            put({"external_id": "7", "email": "A@Shop.example"}),
            put({"external_id": "7", "email": "a@shop.example "}),
        )
        assert [first[0].status, second[0].status] == ["created", "updated"]
        assert first[0].id == second[0].id
        assert put({"external_id": "7", "email": "a@shop.example"})[0].status == "unchanged"
        assert db.session.scalar(select(func.count()).select_from(Customer)) == 1
        assert db.session.scalar(select(func.count()).select_from(Facts)) == 1

    def test_a_guest_who_registers_keeps_one_profile(self, tenant):
        guest = put({"email": "guest@shop.example"})[0]
        registered = put({"external_id": "12", "email": "guest@shop.example", "first_name": "Ada"})[0]
        assert registered.id == guest.id
        assert identity.find("external", "12", SHOP) == guest.id

    def test_two_items_of_one_person_in_a_batch_are_one_customer(self, tenant):
        results = put({"email": "x@shop.example", "city": "Ulm"}, {"email": "x@shop.example", "city": "Bonn"})
        assert results[0].id == results[1].id
        assert profiles.one(results[0].id).city == "Bonn"

    def test_an_older_item_changes_nothing(self, tenant):
        new, old = datetime(2026, 5, 2, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
        first = put({"external_id": "1", "city": "Bonn", "updated_at": new})[0]
        assert put({"external_id": "1", "city": "Ulm", "updated_at": old})[0].status == "stale"
        assert profiles.one(first.id).city == "Bonn"

    def test_a_bad_address_fails_alone(self, tenant):
        results = put({"email": "not an address"}, {"email": "fine@shop.example"}, {})
        assert [result.status for result in results] == ["failed", "created", "failed"]
        assert "e-mail" in results[0].error

    def test_an_address_of_another_customer_is_not_taken_over(self, tenant):
        one = put({"external_id": "1", "email": "one@shop.example"})[0]
        two = put({"external_id": "2", "email": "two@shop.example"})[0]
        put({"external_id": "2", "email": "one@shop.example", "city": "Ulm"})
        assert profiles.one(two.id).email == "two@shop.example"
        assert profiles.one(one.id).email == "one@shop.example"

    def test_the_same_number_of_another_shop_is_another_customer(self, tenant):
        assert put({"external_id": "1"})[0].id != put({"external_id": "1"}, source=uuid4())[0].id

    def test_consent_goes_to_the_ledger_once(self, tenant):
        item = {"email": "c@shop.example", "consent": {"email": "granted"}}
        customer = put(item)[0].id
        put(item)
        assert profiles.one(customer).email_consent == "granted"
        assert db.session.scalar(select(func.count()).select_from(Consent)) == 1
        assert consent.withdraw(customer_id=customer, source="link") is True
        assert consent.withdraw(customer_id=customer, source="link") is False
        assert [entry.state for entry in consent.history(customer)] == ["withdrawn", "granted"]


class TestBindVisitor:
    def test_a_claim_never_replaces_a_proven_binding(self, tenant):
        one, two = put({"external_id": "1"}, {"external_id": "2"})
        assert identity.bind_visitor("v" * 20, one.id, proven=True)
        assert not identity.bind_visitor("v" * 20, two.id, proven=False)
        assert identity.visitor("v" * 20) == (one.id, True)
        assert identity.bind_visitor("v" * 20, two.id, proven=True)
        assert identity.visitor("v" * 20) == (two.id, True)
        assert db.session.scalar(select(func.count()).select_from(Identity).where(Identity.kind == "visitor")) == 1


class TestTwoAtOnce:
    """Two first messages of the same new person, in two transactions at the same moment."""

    def meet(self, company, one, other):
        made = [lambda item=item: put(item)[0] for item in (one, other)]
        first, second = meetings.meet(company, *made)
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            people = db.session.scalars(select(Customer)).all()
            names = {(name.kind, name.value): name.customer_id for name in db.session.scalars(select(Identity))}
        return first, second, people, names

    def test_by_the_same_address(self, company):
        said = {"email": "new@shop.example", "first_name": "Ada", "updated_at": datetime(2026, 1, 1, tzinfo=UTC)}
        later = said | {"first_name": "Adele", "updated_at": datetime(2026, 1, 2, tzinfo=UTC)}
        first, second, people, _names = self.meet(company, said, later)
        assert [first.status, second.status] == ["created", "updated"] and first.id == second.id
        assert [one.first_name for one in people] == ["Adele"]

    def test_by_the_same_account_without_any_address(self, company):
        first, second, people, _names = self.meet(company, {"external_id": "7"}, {"external_id": "7", "city": "Ulm"})
        assert first.id == second.id and [one.city for one in people] == ["Ulm"]

    def test_a_name_that_only_the_second_gives_leads_to_the_same_person(self, company):
        first, second, people, names = self.meet(
            company, {"email": "new@shop.example"}, {"external_id": "7", "email": "new@shop.example"}
        )
        assert first.id == second.id and len(people) == 1
        assert names == {("email", "new@shop.example"): first.id, ("external", "7"): first.id}
        assert first.names and set(first.names) < set(second.names)

    def test_a_consent_said_by_the_second_is_theirs(self, company):
        first, second, people, _names = self.meet(
            company, {"email": "new@shop.example"}, {"email": "new@shop.example", "consent": {"email": "granted"}}
        )
        assert first.id == second.id and [one.email_consent for one in people] == ["granted"]

    def test_two_first_orders(self, company):
        def placed(key):
            item = {"external_id": key, "placed_at": datetime(2026, 1, 1, tzinfo=UTC), "status": "paid", "currency": "EUR", "total": "9.00",
                    "customer": {"external_id": "7", "email": "new@shop.example"}, "lines": []}  # fmt: skip
            return orders.record_many([item], SHOP)[0]

        first, second = meetings.meet(company, lambda: placed("1"), lambda: placed("2"))
        assert [first.status, second.status] == ["created", "created"]
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            [customer] = db.session.scalars(select(Customer.id)).all()
            assert set(db.session.scalars(select(Order.customer_id))) == {customer}

    def test_batches_in_crossing_orders_do_not_stop_each_other(self, company):
        people = [{"email": f"p{number}@shop.example", "external_id": str(number)} for number in range(20)]
        first, second = meetings.meet(company, lambda: put(*people), lambda: put(*reversed(people)))
        assert [one.id for one in first] == [one.id for one in reversed(second)]
