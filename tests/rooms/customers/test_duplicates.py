"""Duplicates are found as somebody types, as customers change, and by a scan; what was decided stays decided."""

from __future__ import annotations

from sqlalchemy import func, select

from saas.customers import arriving, duplicate_work, duplicates, likeness, merging, profiles, unmerging
from saas.customers.models import Customer, CustomerKey, DuplicatePair
from saas.kit import clock, work
from saas.kit.db import db
from saas.tenancy import operations
from tests import queries

ADA = {
    "email": "ada.lovelace@gmail.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "phone": "+49 30 1234567",
    "postcode": "10115",
}
AGAIN = {"email": "adalovelace+shop@gmail.com", "first_name": "Ada", "last_name": "Lovelase", "phone": "030 1234567"}
OTHER = {"email": "grace@navy.example", "first_name": "Grace", "last_name": "Hopper"}


def put(*items) -> list:
    return [result.id for result in arriving.upsert_many(list(items))]


def ordered(*ids):
    return tuple(sorted(ids))


def pairs() -> dict:
    found = db.session.execute(select(DuplicatePair.one_id, DuplicatePair.other_id, DuplicatePair.state)).all()
    return {(one, other): state for one, other, state in found}


class TestSimilar:
    def test_whoever_is_typed_in_may_be_there_already(self, tenant):
        ids = put(ADA, OTHER)
        duplicates.renew_keys(ids)
        found = duplicates.similar(
            {"email": "ADA.lovelace+x@googlemail.com", "first_name": "A.", "last_name": "Lovelace"}
        )
        assert [one.customer.id for one in found] == ids[:1]
        assert found[0].reasons[:2] == ("mail_same", "name_close") and found[0].score > 0.99
        assert duplicates.similar({"first_name": "Charles", "last_name": "Babbage", "tags": ["x"]}) == []
        assert duplicates.similar(ADA, but=ids[0]) == []


class TestLikeliest:
    def test_many_rows_are_asked_for_at_once(self, tenant):
        ids = put(ADA, OTHER)
        duplicates.renew_keys(ids)
        rows = [
            {"first_name": "Ada", "last_name": "Lovelace", "phone": "030/1234567"},
            {"last_name": "Nobody"},
            {"email": "a@b.example"},
        ]
        with queries.counted() as asked:
            found = duplicates.likeliest(rows * 50)
        assert [one and one[0] for one in found] == [ids[0], None, None] * 50
        assert found[0][1].safe and len(asked) <= 3


class TestKeys:
    def test_only_what_changed_is_written(self, tenant):
        ids = put(ADA, AGAIN, OTHER)
        duplicates.renew_keys(ids)
        with queries.counted() as asked:
            duplicates.renew_keys(ids)
        assert not [statement for statement in asked if statement.startswith(("INSERT", "DELETE"))]
        before = set(db.session.scalars(select(CustomerKey.key).where(CustomerKey.id == ids[0])))
        profiles.change(ids[0], phone="+49 30 7654321")
        duplicates.renew_keys(ids)
        after = set(db.session.scalars(select(CustomerKey.key).where(CustomerKey.id == ids[0])))
        assert len(before - after) == len(after - before) == 1


class TestLookAgain:
    def test_a_change_finds_and_forgets_pairs(self, tenant):
        ada, again, _other = ids = put(ADA, AGAIN, OTHER)
        assert duplicates.look_again(ids) == 1
        assert pairs() == {ordered(ada, again): "open"}
        profiles.change(
            again, email="someone@else.example", phone="+1 212 555 0100", first_name="Someone", last_name="Else"
        )
        assert duplicates.look_again([again]) == 0
        assert pairs() == {}

    def test_two_who_are_different_stay_so(self, tenant):
        ada, again = ids = put(ADA, AGAIN)
        duplicates.look_again(ids)
        pair = db.session.scalars(duplicates.queue()).one()
        duplicates.decide(pair.id, "different")
        profiles.change(again, postcode="10115")
        duplicates.look_again(ids)
        assert pairs() == {ordered(ada, again): "different"}
        assert db.session.scalars(duplicates.queue()).all() == []

    def test_skipped_ones_wait_and_can_be_put_back(self, tenant):
        ids = put(ADA, AGAIN)
        duplicates.look_again(ids)
        duplicates.decide(db.session.scalars(duplicates.queue()).one().id, "skipped")
        duplicates.look_again(ids)
        assert duplicates.counts() == {"open": 0, "skipped": 1, "different": 0, "safe": 0}
        assert duplicates.reopen_skipped() == 1
        assert duplicates.counts()["safe"] == 1

    def test_a_merged_pair_is_gone_and_comes_back_with_the_loser(self, tenant):
        ada, again = ids = put(ADA, AGAIN)
        duplicates.look_again(ids)
        made = merging.merge(winner_id=ada, loser_id=again)
        assert pairs() == {}
        unmerging.unmerge(made.id)
        assert pairs() == {ordered(ada, again): "open"}
        assert db.session.scalar(select(func.count()).select_from(CustomerKey).where(CustomerKey.id == again)) > 0


class TestScan:
    def begin(self, company, start):
        with work.unit(tenant_id=company.tenant_id):
            return start().id

    def run(self, app, company, operation_id):
        from saas.kit import scope

        with app.app_context(), scope.tenant(company.tenant_id):
            while operations.run(operation_id):
                pass
        with work.unit(tenant_id=company.tenant_id):
            return operations.one(operation_id)

    def test_the_whole_base_in_parts_and_the_certain_ones_merged_and_undone(self, app, company, context, monkeypatch):
        monkeypatch.setattr(duplicate_work, "PART", 7)
        monkeypatch.setattr(duplicate_work, "KEYS", 9)
        people = [
            item for number in range(12)
            for item in (
                {"email": f"person.nr{number}@gmail.com", "first_name": f"Given{number * 7919:x}", "last_name": f"Family{number * 104729:x}", "phone": f"+49 30 {1000000 + number * 991}"},
                {"email": f"personnr{number}+b@gmail.com", "first_name": f"Given{number * 7919:x}", "last_name": f"Family{number * 104729:x}"},
            )
        ]  # fmt: skip
        with work.unit(tenant_id=company.tenant_id):
            ids = put(*people, OTHER)
        scan = self.run(app, company, self.begin(company, duplicate_work.scan))
        assert (scan.state, scan.done, scan.total) == ("done", 50, 50)
        with work.unit(tenant_id=company.tenant_id):
            assert set(pairs()) == {ordered(ids[2 * n], ids[2 * n + 1]) for n in range(12)}
        many = self.run(app, company, self.begin(company, duplicate_work.merge_safe))
        assert (many.state, many.done) == ("done", 12)
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(select(func.count()).select_from(Customer)) == 13
            operations.undo(many.id)
        undone = self.run(app, company, many.id)
        assert undone.state == "undone"
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(select(func.count()).select_from(Customer)) == 25
            assert len(pairs()) == 12

    def test_only_who_changed_since(self, app, company, context):
        with work.unit(tenant_id=company.tenant_id):
            put(ADA)
        since = clock.now()
        with work.unit(tenant_id=company.tenant_id):
            put(AGAIN)
            duplicates.renew_keys(db.session.scalars(select(Customer.id)).all())
        scan = self.run(app, company, self.begin(company, lambda: duplicate_work.scan(since=since)))
        assert (scan.state, scan.done, scan.total) == ("done", 1, 1)
        with work.unit(tenant_id=company.tenant_id):
            assert len(pairs()) == 1

    def test_who_is_alike_no_more_is_forgotten_but_not_who_was_decided_on(self, app, company, context):
        with work.unit(tenant_id=company.tenant_id):
            ids = put(ADA, AGAIN, OTHER)
            far = ordered(ids[0], ids[2])
            for one, other, state in ((*far, "open"), (*ordered(ids[1], ids[2]), "different")):
                db.session.add(DuplicatePair(one_id=one, other_id=other, score=900, state=state, found_at=clock.now()))
        self.run(app, company, self.begin(company, duplicate_work.scan))
        with work.unit(tenant_id=company.tenant_id):
            assert pairs() == {ordered(ids[0], ids[1]): "open", ordered(ids[1], ids[2]): "different"}

    def test_after_a_look_at_everybody_news_are_enough_until_the_rules_change(self, app, company, context, monkeypatch):
        assert self.run(app, company, self.begin(company, duplicate_work.scan_news)).params["since"] is None
        with work.unit(tenant_id=company.tenant_id):
            put(ADA, AGAIN)
        second = self.run(app, company, self.begin(company, duplicate_work.scan_news))
        assert second.params["since"] and second.done == 2
        with work.unit(tenant_id=company.tenant_id):
            assert list(pairs().values()) == ["open"]
        monkeypatch.setattr(likeness, "RULES", 99)
        assert self.run(app, company, self.begin(company, duplicate_work.scan_news)).params["since"] is None

    def test_it_stops_between_steps_and_goes_on_where_it_was(self, app, company, context, monkeypatch):
        from saas.kit import scope

        monkeypatch.setattr(duplicate_work, "PART", 2)
        with work.unit(tenant_id=company.tenant_id):
            put(ADA, AGAIN, OTHER, OTHER | {"email": "b@navy.example"})
        operation_id = self.begin(company, duplicate_work.scan)
        with app.app_context(), scope.tenant(company.tenant_id):
            assert operations.run(operation_id, seconds=0) is True
            with work.unit():
                assert operations.one(operation_id).done == 2
                operations.cancel(operation_id)
            operations.run(operation_id)
            with work.unit():
                assert (operations.one(operation_id).state, operations.one(operation_id).done) == ("cancelled", 2)


class TestJobs:
    def test_new_customers_are_compared_by_themselves(self, app, company, context, drain):
        for item in (ADA, AGAIN):
            with work.unit(tenant_id=company.tenant_id):
                put(item)
            drain(company)
        with work.unit(tenant_id=company.tenant_id):
            assert list(pairs().values()) == ["open"]

    def test_the_night_looks_among_who_changed(self, app, company, context):
        from workers.jobs import customers as jobs

        scan = TestScan()
        scan.run(app, company, scan.begin(company, duplicate_work.scan))
        with work.unit(tenant_id=company.tenant_id):
            put(ADA, AGAIN)
            duplicates.renew_keys(db.session.scalars(select(Customer.id)).all())
        jobs.scan_changed(run_at="2026-01-01T04:00:00+00:00")
        with work.unit(tenant_id=company.tenant_id):
            (going,) = operations.going(duplicate_work.SCAN)
        assert scan.run(app, company, going.id).state == "done"
        with work.unit(tenant_id=company.tenant_id):
            assert list(pairs().values()) == ["open"]
