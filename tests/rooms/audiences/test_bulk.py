"""One change to many: frozen when it begins, tried before, done once whatever is killed, reported, and undone as one."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import func, select

from saas.audiences import bulk_actions, bulk_kinds, filters
from saas.customers import consent, profiles
from saas.customers.models import Customer
from saas.kit import access, pages, scope, work
from saas.kit.db import db
from saas.tenancy import audit, bin, operations, undoing
from saas.tenancy.models import BinItem, BulkTarget
from tests import nursery

ADA = scope.Actor("platform", "ada", "Ada")


def unit(company):
    return work.unit(tenant_id=company.tenant_id, actor=ADA)


@pytest.fixture
def people(company, context):
    """Twelve customers, eight of them in Oslo."""
    with unit(company):
        return [
            profiles.create(
                email=f"c{n}@shop.example", first_name=f"C{n}", city="Oslo" if n < 8 else "Rome", tags=["old"]
            ).id
            for n in range(12)
        ]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(bulk_actions, "BATCH", 3)
    monkeypatch.setattr("saas.audiences.bulk_undoing.BATCH", 3)


def begin(company, *wheres, ids=None, **action):
    with unit(company):
        who = bulk_actions.audience("customer", {"definition": filters.definition(wheres)}, ids=ids)
        return bulk_actions.start(bulk_actions.read("customer", action), who, told=list(wheres)).id


def run(company, operation_id):
    with scope.tenant(company.tenant_id):
        while operations.run(operation_id, seconds=0):
            pass
    return read(company, operation_id)


def read(company, operation_id):
    with unit(company):
        operation = operations.one(operation_id)
        db.session.expunge(operation)
        return operation


def undo(company, operation_id):
    with unit(company):
        operations.undo(operation_id)
    return run(company, operation_id)


def cities(company):
    with unit(company):
        return dict(db.session.execute(select(Customer.city, func.count()).group_by(Customer.city)).all())


def failures(company, operation_id):
    with unit(company):
        return [
            (one.row.get("name"), one.reason)
            for one in pages.page(operations.failures(operation_id), order=operations.FAILURE_ORDER).items
        ]


class TestPreview:
    def test_it_counts_and_tries_on_a_few(self, company, people):
        with unit(company):
            action = bulk_actions.read("customer", {"do": "set", "field": "city", "value": "Bergen"})
            seen = bulk_actions.preview(
                action, bulk_actions.audience("customer", {"definition": filters.definition(["city.is.Oslo"])})
            )
        assert (seen.count, seen.sentence) == (8, "Set City to “Bergen” for 8 customers")
        assert len(seen.examples) == 5 and {(one.before, one.after) for one in seen.examples} == {("Oslo", "Bergen")}
        assert cities(company) == {"Oslo": 8, "Rome": 4}

    @pytest.mark.parametrize("action", [
        {"do": "explode"}, {"do": "set", "field": "email", "value": "a@b.example"}, {"do": "set", "field": "tenant_id", "value": "1"},
        {"do": "set", "field": "orders_count", "value": "1"}, {"do": "tag", "value": " "}, {"do": "withdraw"},
        {"do": "own", "value": "01a00000-0000-7000-8000-000000000000"},
    ])  # fmt: skip
    def test_what_cannot_be_done_to_many_is_refused(self, company, people, action):
        from saas.kit import errors

        with unit(company), pytest.raises(errors.Refusal):
            bulk_actions.read("customer", action)

    def test_rights_and_locked_fields_are_kept(self, company, people):
        seller = access.Access(
            permissions=frozenset({"customers.edit"}),
            locked=frozenset({"customer.city"}),
            hidden=frozenset({"customer.phone"}),
        )
        with access.bound(seller), unit(company):
            with pytest.raises(access.Locked):
                bulk_actions.read("customer", {"do": "set", "field": "city", "value": "x"})
            with pytest.raises(access.UnknownField):
                bulk_actions.read("customer", {"do": "set", "field": "phone", "value": "1"})
            with pytest.raises(access.MayNot):
                bulk_actions.read("customer", {"do": "delete"})
            assert "city" not in bulk_actions.fields("customer") and "company" in bulk_actions.fields("customer")


class TestDo:
    def test_a_field_is_set_and_the_whole_is_undone(self, company, people, small):
        done = run(company, begin(company, "city.is.Oslo", do="set", field="city", value="Bergen"))
        assert (done.state, done.total, done.done, done.report) == ("done", 8, 8, {"changed": 8, "unchanged": 0})
        assert cities(company) == {"Bergen": 8, "Rome": 4}
        undone = undo(company, done.id)
        assert (undone.state, undone.undone) == ("undone", 8)
        assert cities(company) == {"Oslo": 8, "Rome": 4}

    def test_the_history_shows_it_once_and_each_record_knows_of_it(self, company, people, small):
        done = run(company, begin(company, do="set", field="city", value="Bergen"))
        with unit(company):
            heads = pages.page(audit.listed(actions=["customers.bulk_started"]), order=audit.NEWEST).items
            assert len(heads) == 1 and heads[0][1].after["count"] == 12
            [line] = [told for told in audit.of_record(kind="customer", record_id=people[0]) if told.entry.detail]
            assert (line.entry.batch, line.before, line.after) == (done.id, {"city": "Oslo"}, {"city": "Bergen"})

    def test_one_line_of_a_batch_is_undone_alone(self, company, people, small):
        run(company, begin(company, do="set", field="city", value="Bergen"))
        with unit(company):
            [line] = [told for told in audit.of_record(kind="customer", record_id=people[0]) if told.entry.detail]
            undoing.undo(line.entry.id)
        assert cities(company) == {"Bergen": 11, "Oslo": 1}

    def test_the_whole_is_undone_from_the_history_and_once_only(self, company, people, small):
        done = run(company, begin(company, do="set", field="city", value="Bergen"))
        with unit(company):
            undoing.undo(done.params["entry"])
        run(company, done.id)
        assert cities(company) == {"Oslo": 8, "Rome": 4}
        with unit(company), pytest.raises(undoing.UndoneAlready):
            undoing.undo(done.params["entry"])

    def test_who_was_changed_since_stays_and_is_reported(self, company, people, small):
        done = run(company, begin(company, do="set", field="city", value="Bergen"))
        with unit(company):
            profiles.change(people[1], city="Lima")
        undone = undo(company, done.id)
        assert undone.undone == 11 and undone.report["kept"] == 1
        assert failures(company, done.id) == [("C1", "Changed since: City.")]
        assert cities(company) == {"Oslo": 7, "Rome": 4, "Lima": 1}

    def test_who_comes_or_moves_later_is_not_meant(self, company, people, small):
        operation_id = begin(company, "city.is.Oslo", do="tag", value="north")
        with unit(company):
            profiles.create(email="late@shop.example", city="Oslo")
            profiles.change(people[0], city="Rome")
        done = run(company, operation_id)
        assert done.done == 8
        with unit(company):
            assert "north" in profiles.one(people[0]).tags
            tagged = db.session.scalar(
                select(func.count()).select_from(Customer).where(Customer.tags.contains(["north"]))
            )
            assert tagged == 8 and db.session.scalar(select(func.count()).select_from(BulkTarget)) == 0

    def test_who_is_gone_by_then_is_reported(self, company, people, small):
        operation_id = begin(company, ids=people[:4], do="tag", value="x")
        with unit(company):
            profiles.delete(people[2])
        done = run(company, operation_id)
        assert (done.done, done.failed) == (3, 1)
        assert "not there any more" in failures(company, operation_id)[0][1]

    def test_tags_come_and_go(self, company, people, small):
        run(company, begin(company, do="tag", value="new"))
        second = run(company, begin(company, do="untag", value="old"))
        third = run(company, begin(company, do="tag", value="new"))
        assert second.report["changed"] == 12 and third.report == {"changed": 0, "unchanged": 12}
        with unit(company):
            assert profiles.one(people[3]).tags == ["new"]
        undo(company, second.id)
        with unit(company):
            assert sorted(profiles.one(people[3]).tags) == ["new", "old"]

    def test_names_sort_anew(self, company, people, small):
        run(company, begin(company, ids=people[:1], do="set", field="last_name", value="Zorn"))
        with unit(company):
            assert profiles.one(people[0]).name_sort == "zorn c0"

    def test_a_companys_own_field_is_set_and_undone(self, company, people, small):
        from saas.tenancy import custom_fields

        with unit(company):
            custom_fields.make(kind="customer", label="Size", type="number")
        done = run(company, begin(company, do="set", field="custom.size", value="42"))
        assert done.report["changed"] == 12
        with unit(company):
            assert str(profiles.one(people[0]).custom["size"]) == "42"
        undo(company, done.id)
        with unit(company):
            assert profiles.one(people[0]).custom.get("size") is None

    def test_an_owner_is_given_and_taken_back(self, company, people, small):
        with unit(company):
            from saas.tenancy import members

            owner = members.listed()[0].id
        done = run(company, begin(company, do="own", value=str(owner)))
        with unit(company):
            assert set(db.session.scalars(select(Customer.owner_id))) == {owner}
        undo(company, done.id)
        with unit(company):
            assert set(db.session.scalars(select(Customer.owner_id))) == {None}

    def test_consent_is_withdrawn_and_given_back_only_where_there_was_one(self, company, people, small):
        with unit(company):
            for one in people[:2]:
                consent.grant(customer_id=one, source="form")
        done = run(company, begin(company, do="withdraw", value="A letter from the court"))
        with unit(company):
            assert set(db.session.scalars(select(Customer.email_consent))) == {"withdrawn"}
            assert consent.history(people[0])[0].proof["reason"] == "A letter from the court"
        undone = undo(company, done.id)
        assert undone.undone == 2 and undone.report["kept"] == 10
        with unit(company):
            states = dict(db.session.execute(select(Customer.id, Customer.email_consent)).all())
        assert [states[one] for one in people[:3]] == ["granted", "granted", "withdrawn"]

    def test_many_go_to_the_bin_and_come_back(self, company, people, small, drain):
        done = run(company, begin(company, "city.is.Oslo", do="delete"))
        drain(company)
        assert cities(company) == {"Rome": 4} and done.report["changed"] == 8
        with unit(company):
            assert db.session.scalar(select(func.count()).select_from(BinItem)) == 8
            profiles.find_or_create(email="c3@shop.example")
        undone = undo(company, done.id)
        assert undone.undone == 7 and failures(company, done.id)[0][0] == "C3"
        with unit(company):
            assert bin.find("customer", people[3])

    def test_cancelled_it_stops_and_what_was_done_can_be_undone(self, company, people, small):
        operation_id = begin(company, do="set", field="city", value="Bergen")
        with scope.tenant(company.tenant_id):
            operations._step(operation_id)
        with unit(company):
            operations.cancel(operation_id)
        done = run(company, operation_id)
        assert (done.state, cities(company)["Bergen"]) == ("cancelled", 3)
        undo(company, operation_id)
        assert cities(company) == {"Oslo": 8, "Rome": 4}

    def test_another_company_is_not_touched(self, company, other_company, people, small):
        with unit(other_company):
            profiles.create(email="c1@shop.example", city="Oslo")
        run(company, begin(company, do="set", field="city", value="Bergen"))
        assert cities(other_company) == {"Oslo": 1}

    def test_nobody_is_refused(self, company, people):
        with pytest.raises(bulk_actions.Nobody):
            begin(company, "city.is.Atlantis", do="tag", value="x")
        with pytest.raises(bulk_actions.Nobody):
            begin(company, ids=[], do="tag", value="x")


KILLED = """
import os, signal, sys
from saas.app import create_app
from saas.kit import scope
from saas.audiences import bulk_actions
from saas.tenancy import audit, operations
from tests import nursery
real, left = audit.record_many, [int(sys.argv[3])]
def record_many(entries):
    real(entries)
    left[0] -= 1
    if left[0] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
audit.record_many = record_many
with create_app(only_rooms=True).app_context(), scope.tenant(int(sys.argv[1])):
    operations.run(sys.argv[2], seconds=60)
"""


class TestKilled:
    @pytest.mark.parametrize("after", [1, 3])
    def test_in_the_middle_of_a_batch_it_goes_on_and_does_nothing_twice(self, company, people, monkeypatch, after):
        """Killed with -9 after a batch is written and before it is committed."""
        monkeypatch.setattr(bulk_actions, "BATCH", 2)
        operation_id = begin(company, do="set", field="city", value="Bergen")
        died = nursery.run("-c", KILLED, company.tenant_id, operation_id, after, environment=os.environ)
        assert died.returncode == -9, died.stderr
        half = cities(company).get("Bergen", 0)
        assert half == 2 * (after - 1)
        done = run(company, operation_id)
        assert (done.state, done.done, done.report) == ("done", 12, {"changed": 12, "unchanged": 0})
        with unit(company):
            lines = [row for row in db.session.execute(audit.listed(batch=operation_id)) if row[0].detail]
            assert len(lines) == len({row[0].record_id for row in lines}) == 12
        undo(company, operation_id)
        assert cities(company) == {"Oslo": 8, "Rome": 4}


def test_every_action_can_be_tried_and_done():
    assert set(bulk_kinds.room("customer").doers) == {"set", "tag", "untag", "own", "withdraw", "delete"}
