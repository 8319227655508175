"""What was done to a customer is undone, by whom and when it can be, and the bin gives back what was thrown away."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from saas.commerce import orders
from saas.commerce.models import Order
from saas.customers import consent, facts, identity, profiles, timeline
from saas.customers.models import NO_SOURCE, Consent, Customer, Facts, Identity, TimelineEntry
from saas.kit import clock, pages, scope, work
from saas.kit.db import db
from saas.tenancy import audit, bin, undoing
from saas.tenancy.models import BinItem

ADA = scope.Actor("member", "m-ada", "Ada")
GRACE = scope.Actor("member", "m-grace", "Grace")


def unit(company, actor=ADA):
    return work.unit(tenant_id=company.tenant_id, actor=actor)


@pytest.fixture
def customer(company, context):
    with unit(company):
        return profiles.create(email="mia@shop.example", first_name="Mia", city="Oslo", phone="1", tags=["new"]).id


def edit(company, customer_id, actor=ADA, **fields):
    with unit(company, actor):
        profiles.change(customer_id, **fields)
        return audit.latest()


def undo(company, entry_id, actor=ADA, **more):
    with unit(company, actor):
        return undoing.undo(entry_id, **more)


def held(company, customer_id, *names):
    with unit(company):
        customer = profiles.one(customer_id)
        return tuple(getattr(customer, name) for name in names)


class TestUndoEdit:
    def test_an_edit_goes_back_and_forth(self, company, customer):
        entry = edit(company, customer, city="Rome", phone="2", tags=["new", "vip"])
        back = undo(company, entry)
        assert held(company, customer, "city", "phone", "tags") == ("Oslo", "1", ["new"])
        undo(company, back)  # redo
        assert held(company, customer, "city", "phone", "tags") == ("Rome", "2", ["new", "vip"])

    def test_the_undo_stands_in_the_history_and_names_what_it_took_back(self, company, customer):
        entry = edit(company, customer, city="Rome")
        back = undo(company, entry, GRACE)
        with unit(company):
            told = audit.one(back)
            assert (told.entry.undoes, told.after, told.values.who["name"]) == (entry, {"city": "Oslo"}, "Grace")
            assert audit.one(entry).undo.actor_name == "Grace"

    def test_an_address_that_was_taken_away_comes_back(self, company, customer):
        entry = edit(company, customer, email="")
        assert held(company, customer, "email", "email_norm") == (None, None)
        undo(company, entry)
        assert held(company, customer, "email") == ("mia@shop.example",)
        with unit(company):
            assert identity.find("email", "mia@shop.example") == customer

    def test_twice_is_refused_and_says_who_was_first(self, company, customer):
        entry = edit(company, customer, city="Rome")
        undo(company, entry, GRACE)
        with pytest.raises(undoing.UndoneAlready, match="Grace"):
            undo(company, entry)

    def test_of_two_at_once_one_wins(self, company, customer, app):
        entry = edit(company, customer, city="Rome")
        barrier, results = threading.Barrier(2), []

        def press():
            with app.app_context():
                barrier.wait()
                try:
                    results.append(undo(company, entry))
                except undoing.UndoneAlready as error:
                    results.append(error)

        threads = [threading.Thread(target=press) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(type(one).__name__ for one in results) == ["UUID", "UndoneAlready"]
        with unit(company):
            undone = [told for told in audit.of_record(kind="customer", record_id=customer) if told.entry.undoes]
            assert len(undone) == 1

    def test_a_later_change_is_named_with_who_and_when_and_the_rest_can_be_undone(self, company, customer):
        entry = edit(company, customer, city="Rome", phone="2")
        edit(company, customer, GRACE, city="Lima")
        with pytest.raises(undoing.InTheWay) as refused:
            undo(company, entry)
        [one] = refused.value.obstacles
        assert (one.field, one.label, one.now, one.who, refused.value.rest) == ("city", "City", "Lima", "Grace", True)
        assert "City, changed by Grace on" in refused.value.message
        undo(company, entry, rest=True)
        assert held(company, customer, "city", "phone") == ("Lima", "1")

    def test_what_a_shop_sent_since_stands_in_the_way_too(self, company, customer):
        entry = edit(company, customer, city="Rome")
        with unit(company):
            profiles.upsert_many(
                [{"email": "mia@shop.example", "city": "Cairo", "updated_at": clock.now() + timedelta(hours=1)}]
            )
        with pytest.raises(undoing.InTheWay, match="by a shop or an import") as refused:
            undo(company, entry)
        assert not refused.value.rest

    def test_who_put_it_back_by_hand_left_nothing_to_undo(self, company, customer):
        entry = edit(company, customer, city="Rome")
        edit(company, customer, city="Oslo")
        with pytest.raises(undoing.CannotUndo):
            undo(company, entry)
        with unit(company):
            assert audit.one(entry).undo is None  # a refused undo leaves no mark

    def test_what_was_erased_cannot_be_undone(self, company, customer):
        entry = edit(company, customer, city="Rome")
        with unit(company):
            audit.erase_person(kind="customer", record_ids=[customer])
        with pytest.raises(undoing.CannotUndo):
            undo(company, entry)

    def test_another_companys_entry_is_none(self, company, other_company, customer):
        entry = edit(company, customer, city="Rome")
        with pytest.raises(audit.NoSuchEntry):
            undo(other_company, entry)

    def test_an_edit_that_changes_nothing_leaves_no_entry(self, company, customer):
        assert edit(company, customer, city="Oslo") is None


def everything(company, customer_id):
    """Return all rows that are a customer's, as plain values."""
    with unit(company):
        found = {}
        for model, column in ((Customer, Customer.id), (Facts, Facts.id), (Identity, Identity.customer_id), (Consent, Consent.customer_id),
                              (TimelineEntry, TimelineEntry.customer_id), (Order, Order.customer_id)):  # fmt: skip
            rows = db.session.execute(
                select(model.__table__).where(column == customer_id).order_by(model.id)
            ).mappings()
            found[model.__name__] = [dict(row) for row in rows]
        return found


@pytest.fixture
def rich(company, customer, drain):
    """A customer with an order, a consent, a browser, facts and a timeline."""
    with unit(company):
        consent.grant(customer_id=customer, source="form", proof={"text": "Yes"})
        identity.bind_visitor("browser-of-mia-0001", customer, proven=True)
        timeline.add(customer_id=customer, kind="note", at=clock.now(), title="Likes tea", key="note:1")
        orders.record({"external_id": "o-1", "number": "1", "placed_at": clock.now(), "status": "paid", "currency": "EUR",
                       "customer": {"email": "mia@shop.example"}, "lines": [{"position": 1, "product": "p", "sku": "", "name": "Tea", "quantity": 1, "unit_price": "5.00"}]}, NO_SOURCE)  # fmt: skip
    drain(company)
    return customer


class TestBin:
    def test_all_that_hung_on_a_customer_comes_back(self, company, rich, drain):
        before = everything(company, rich)
        assert all(before.values())
        with unit(company):
            profiles.delete(rich)
            entry = audit.latest()
        drain(company)
        assert not any(everything(company, rich).values())
        with unit(company):
            assert db.session.scalar(select(func.count()).select_from(Order)) == 1  # the order stays, without a name
        undo(company, entry)
        drain(company)
        assert everything(company, rich) == before
        with unit(company):
            assert facts.of([rich])[rich].orders_count == 1
            assert db.session.scalar(select(func.count()).select_from(BinItem)) == 0

    def test_undoing_the_undo_deletes_again(self, company, customer):
        with unit(company):
            profiles.delete(customer)
            entry = audit.latest()
        back = undo(company, entry)
        undo(company, back)
        with unit(company):
            assert bin.find("customer", customer).deleted_by == "Ada"

    def test_shop_data_enters_while_the_customer_is_in_the_bin_and_the_place_is_named(self, company, customer):
        with unit(company):
            profiles.delete(customer)
            fresh = profiles.find_or_create(email="mia@shop.example", first_name="Mia", last_name="New")
        assert fresh != customer
        with unit(company), pytest.raises(bin.PlaceTaken, match="mia@shop.example belongs to Mia New") as refused:
            bin.restore(bin.find("customer", customer))
        assert refused.value.holder == fresh and refused.value.without
        with unit(company):
            bin.restore(bin.find("customer", customer), without=True)
        assert held(company, customer, "email", "first_name") == (None, "Mia")
        with unit(company):
            assert identity.find("email", "mia@shop.example") == fresh

    def test_the_night_empties_what_is_over_and_nothing_else(self, company, context, drain, monkeypatch):
        from workers.jobs import trace

        with unit(company):
            old = profiles.create(email="old@shop.example").id
            profiles.delete(old)
        real = clock.now()
        monkeypatch.setattr(clock, "now", lambda: real + timedelta(days=20))
        with unit(company):
            young = profiles.create(email="young@shop.example").id
            profiles.delete(young)
        monkeypatch.setattr(clock, "now", lambda: real + timedelta(days=31))
        trace.empty_bins(run_at="2026-11-21T00:00:00+00:00")
        monkeypatch.undo()
        with unit(company):
            assert bin.find("customer", young)
            with pytest.raises(bin.NotInTheBin):
                bin.find("customer", old)
            [row] = pages.page(audit.listed(actions=["bin.emptied"]), order=audit.NEWEST).items
            assert row[1].after == {"customer": 1}

    def test_deleted_for_good_is_gone(self, company, rich, drain):
        with unit(company):
            profiles.delete(rich)
            entry = audit.latest()
            bin.delete_for_good(bin.find("customer", rich))
        drain(company)
        with pytest.raises(bin.NotInTheBin):
            undo(company, entry)
        with unit(company):
            from saas.kit.belongings.models import JournalRow

            assert db.session.scalar(select(func.count()).select_from(JournalRow)) == 0

    def test_one_of_many_deleted_together_comes_back_alone(self, company, context):
        with unit(company):
            made = {profiles.create(email=f"c{n}@shop.example", first_name=f"C{n}").id: f"C{n}" for n in range(5)}
            bin.put("customer", made)
        ids = list(made)
        with unit(company):
            bin.restore(bin.find("customer", ids[2]))
        assert held(company, ids[2], "email") == ("c2@shop.example",)
        with unit(company):
            assert facts.of([ids[2]]) and identity.find("email", "c2@shop.example") == ids[2]
            assert db.session.scalar(select(func.count()).select_from(BinItem)) == 4
            bin.restore(bin.find("customer", ids[0]))
        assert held(company, ids[0], "first_name") == ("C0",)

    def test_a_batch_comes_back_whole_but_for_who_lost_their_place(self, company, context):
        from saas.kit import identifiers

        batch = identifiers.new()
        with unit(company):
            made = {profiles.create(email=f"c{n}@shop.example", first_name=f"C{n}").id: f"C{n}" for n in range(5)}
            bin.put("customer", made, batch=batch)
        with unit(company):
            profiles.find_or_create(email="c3@shop.example", first_name="Other")
        with unit(company):
            back, stay = bin.restore_some(batch)
        assert back == 4 and [title for _id, title, _why in stay] == ["C3"] and "belongs to Other" in stay[0][2]
        with unit(company):
            assert bin.restore_some(batch) is None
            assert bin.find("customer", stay[0][0])

    def test_another_companys_bin_is_empty(self, company, other_company, customer):
        with unit(company):
            profiles.delete(customer)
            item_id = bin.find("customer", customer).id
        with unit(other_company), pytest.raises(bin.NotInTheBin):
            bin.one(item_id)

    def test_a_companys_own_field_that_is_taken_keeps_only_its_customer_in_the_bin(self, company, context):
        from saas.kit import identifiers
        from saas.tenancy import custom_fields

        batch = identifiers.new()
        with unit(company):
            custom_fields.make(kind="customer", label="Card", type="text", unique=True)
            made = {
                profiles.create(email=f"c{n}@shop.example", first_name=f"C{n}", custom={"card": f"K{n}"}).id: f"C{n}"
                for n in range(3)
            }
            bin.put("customer", made, batch=batch)
        with unit(company):
            profiles.create(email="other@shop.example", custom={"card": "K1"})
        with unit(company):
            back, stay = bin.restore_some(batch)
        assert back == 2 and [title for _id, title, _why in stay] == ["C1"]
