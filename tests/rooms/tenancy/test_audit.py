"""What was done is written down: who, what, before and after, from where; and what was written can be erased and not changed."""

from __future__ import annotations

import psycopg
import pytest

from saas.kit import pages, pool, scope, work
from saas.kit.db import db
from saas.tenancy import audit


def entries(**wanted):
    return [audit.Told(*row) for row in pages.page(audit.listed(**wanted), order=audit.NEWEST).items]


class TestRecord:
    def test_an_entry_says_who_did_what_from_where(self, tenant):
        actor = scope.Actor("member", "m-1", "Ada")
        with scope.tenant(tenant.tenant_id, actor=actor), scope.come_from(scope.Origin("page", "192.0.2.7", "Firefox")):
            audit.record(action="lamps.edited", kind="lamp", record_id="l-1", before={"size": 1}, after={"size": 2})
        told = entries(kind="lamp", record_id="l-1")[0]
        assert (told.entry.actor_kind, told.entry.actor_id, told.entry.door) == ("member", "m-1", "page")
        assert told.values.who == {"name": "Ada", "address": "192.0.2.7", "browser": "Firefox"}
        assert (told.before, told.after) == ({"size": 1}, {"size": 2})

    def test_a_request_leaves_its_address_and_its_id(self, company, context):
        made = company.api("POST", "/customers", json={"email": "a@b.example"}, headers={"User-Agent": "shop/1"})
        with work.unit(tenant_id=company.tenant_id):
            told = entries(kind="customer", record_id=made.json["id"])[0]
            assert (told.entry.door, told.entry.actor_kind) == ("api", "key")
            assert told.values.who["browser"] == "shop/1" and told.values.who["address"]
            assert told.entry.request_id == made.headers["X-Request-Id"]

    def test_what_belongs_together_carries_one_id_and_shows_once(self, tenant):
        from saas.kit import identifiers

        batch = identifiers.new()
        with scope.together(batch):
            audit.record(action="lamps.bulk", kind="operation", record_id=batch)
            audit.record_many([
                {"action": "lamps.edited", "kind": "lamp", "record_id": n, "after": {"n": n}, "detail": True} for n in range(7)
            ])  # fmt: skip
        assert {told.entry.batch for told in entries(batch=batch)} == {batch} and len(entries(batch=batch)) == 8
        assert [told.entry.action for told in entries() if told.entry.action.startswith("lamps")] == ["lamps.bulk"]
        assert [told.after for told in entries(kind="lamp", record_id="3")] == [{"n": 3}]

    def test_values_of_every_kind_and_null_characters_are_taken(self, tenant):
        from decimal import Decimal

        odd = {"text": "a\x00b", "money": Decimal("1.50"), "list": ("a", "b"), 5: {"x"}}
        audit.record(action="lamps.edited", kind="lamp", record_id="odd", after=odd)
        assert entries(record_id="odd")[0].after == {"text": "a�b", "money": "1.50", "list": ["a", "b"], "5": ["x"]}

    def test_only_what_differs_is_told(self):
        assert audit.differing({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": None}) == ({"b": 2}, {"b": 3})


class TestNobodyChangesIt:
    @pytest.mark.parametrize("statement", [
        "UPDATE audit_entries SET action = 'x'", "DELETE FROM audit_entries", "DELETE FROM audit_values",
        "DELETE FROM audit_seals", "UPDATE audit_seals SET rows = 0", "UPDATE audit_values SET id = gen_random_uuid()",
    ])  # fmt: skip
    def test_the_application_may_not(self, company, context, statement):
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            pool.connection(tenant_id=company.tenant_id) as open_one,
        ):
            open_one.execute(statement)


class TestErasing:
    def test_a_persons_values_go_and_the_entry_stays(self, tenant):
        audit.record(
            action="customers.edited", kind="customer", record_id="c-1", before={"phone": "1"}, after={"phone": "2"}
        )
        audit.record(action="customers.edited", kind="customer", record_id="c-2", after={"phone": "3"})
        assert audit.erase_person(kind="customer", record_ids=["c-1"]) == 1
        db.session.expire_all()
        gone = [told for told in entries(record_id="c-1") if told.entry.action == "customers.edited"][0]
        assert gone.erased and gone.values.before is gone.values.after is gone.values.salt is None
        assert entries(record_id="c-2")[0].after == {"phone": "3"}

    def test_a_members_name_and_address_go(self, tenant):
        with scope.tenant(tenant.tenant_id, actor=scope.Actor("member", "m-9", "Grace")):
            audit.record(action="lamps.edited", kind="lamp", record_id="x", after={"a": 1})
        assert audit.erase_actor("m-9") == 1
        db.session.expire_all()
        told = entries(record_id="x")[0]
        assert told.values.who is None and told.after == {"a": 1}


class TestListed:
    def test_filters_fit_together(self, tenant):
        for name, action in (("a", "lamps.made"), ("b", "lamps.made"), ("a", "lamps.edited")):
            with scope.tenant(tenant.tenant_id, actor=scope.Actor("member", f"m-{name}", name)):
                audit.record(action=action, kind="lamp", record_id="1")
        assert len(entries(actor_id="m-a")) == 2
        assert len(entries(actor_id="m-a", actions=["lamps.made"])) == 1
        assert {"lamps.made", "lamps.edited"} <= set(audit.actions_used())
        assert {("member", "m-a", "a"), ("member", "m-b", "b")} <= set(audit.actors_used())

    def test_the_time_is_read_from_the_ids(self, tenant):
        from datetime import timedelta

        from saas.kit import clock

        audit.record(action="lamps.made", kind="lamp", record_id="t")
        hour = timedelta(hours=1)
        assert entries(record_id="t", since=clock.now() - hour, until=clock.now() + hour)
        assert not entries(record_id="t", until=clock.now() - hour)
        assert not entries(record_id="t", since=clock.now() + hour)
