"""Retention rules take what is older than their time and nothing else, go on where they stopped, and say what they took."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, func, insert, select

from saas.commerce import orders
from saas.commerce.models import ShopEvent, Visit, Visitor
from saas.customers import consent, profiles, timeline
from saas.customers.models import Consent, Customer, Facts, TimelineEntry
from saas.integrations import retention, retention_work
from saas.integrations.models import DeliveryOut, Hook
from saas.kit import clock, errors, identifiers, scope, work
from saas.kit.db import db
from saas.marketing import mailings, reports
from saas.marketing.models import MailEvent, MailingRecipient
from saas.tenancy import audit, operations, tenants
from tests.companies import run_operations
from tests.rooms.marketing.conftest import mail_server, mailbox, shop  # noqa: F401 - fixtures
from workers.jobs import retention as night

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.fixture
def at(context):
    """Run a block in the company as of a moment."""
    from contextlib import contextmanager

    @contextmanager
    def there(company, moment):
        with clock.travel(to=moment), work.unit(tenant_id=company.tenant_id):
            yield

    return there


def switch_on(company, key, number):
    with work.unit(tenant_id=company.tenant_id):
        retention.switch_on(key, number=number, name=tenants.current().name)


def tonight(*companies, moment=NOON):
    """What the night does at a moment, for these companies."""
    with clock.travel(to=moment):
        night.run_due(run_at=moment.isoformat())
        for company in companies:
            run_operations(company)


def browse(at_moment: datetime, visitor: str, customer_id: UUID | None = None) -> None:
    tenant = scope.tenant_id()
    key = identifiers.at(at_moment, visitor)
    db.session.execute(
        insert(ShopEvent),
        [{"tenant_id": tenant, "id": key, "visitor": visitor, "type": "page_viewed", "at": at_moment, "url": "/"}],
    )
    db.session.execute(insert(Visit), [
        {"tenant_id": tenant, "id": key, "visitor": visitor, "began_at": at_moment, "ended_at": at_moment, "customer_id": customer_id, "products": []}
    ])  # fmt: skip
    db.session.execute(insert(Visitor), [
        {"tenant_id": tenant, "id": identifiers.new(), "visitor": visitor, "first_seen_at": at_moment, "last_seen_at": at_moment,
         "customer_id": customer_id, "proven": False, "consent": {}}
    ])  # fmt: skip


def visitors(company, model=Visitor) -> set[str]:
    with work.unit(tenant_id=company.tenant_id):
        return set(db.session.scalars(select(model.visitor)))


class TestBoundary:
    @pytest.mark.parametrize(
        ("number", "unit", "there"),
        [(1, "months", datetime(2026, 2, 28, 12, tzinfo=UTC)), (6, "months", datetime(2025, 9, 30, 12, tzinfo=UTC)),
         (24, "months", datetime(2024, 3, 31, 12, tzinfo=UTC)), (7, "days", datetime(2026, 3, 24, 12, tzinfo=UTC))],
    )  # fmt: skip
    def test_months_are_months_of_the_calendar(self, number, unit, there):
        with clock.travel(to=NOON):
            assert abs(retention.boundary(number, unit) - there) < timedelta(seconds=5)


class TestSwitching:
    def test_everything_is_off_at_first_and_the_night_takes_nothing(self, company, context):
        with work.unit(tenant_id=company.tenant_id):
            assert {rule.number for rule in retention.listed()} == {None}
            browse(NOON - timedelta(days=3000), "v" * 20)
        tonight(company)
        assert visitors(company) == {"v" * 20}

    @pytest.mark.parametrize(
        ("number", "name", "field"),
        [(6, "", "name"), (6, "Somebody else", "name"), (5, None, "number"), (0, None, "number")],
    )
    def test_it_needs_the_companys_name_and_a_time_that_can_be_chosen(self, tenant, number, name, field):
        with pytest.raises(retention.BadRule) as refused:
            retention.switch_on("browsing", number=number, name=tenants.current().name if name is None else name)
        assert list(refused.value.fields) == [field]

    def test_what_was_switched_is_in_the_trace(self, company, context):
        switch_on(company, "timeline", 12)
        with work.unit(tenant_id=company.tenant_id):
            retention.switch_off("timeline")
            told = [entry.entry.action for entry in audit.of_record(kind="retention", record_id="timeline")]
            assert sorted(told) == ["retention.switched_off", "retention.switched_on"]
            assert retention.one("timeline").number is None
            with pytest.raises(errors.NotFound):
                retention.one("everything")


class TestBrowsing:
    def test_old_browsing_goes_to_the_second_and_another_companys_stays(self, company, other_company, at):
        edge = datetime(2025, 12, 31, 12, tzinfo=UTC)
        for one in (company, other_company):
            with at(one, NOON):
                browse(edge - timedelta(minutes=1), "old" + "x" * 20)
                browse(edge + timedelta(minutes=1), "new" + "x" * 20)
        switch_on(company, "browsing", 3)
        with at(company, NOON):
            found = retention.preview("browsing", 3)
            assert (found["counts"], found["oldest"]) == (
                {"shop_events": 1, "visits": 1, "visitors": 1},
                edge - timedelta(minutes=1),
            )
        tonight(company, other_company)
        for model in (ShopEvent, Visit, Visitor):
            assert visitors(company, model) == {"new" + "x" * 20}
            assert visitors(other_company, model) == {"old" + "x" * 20, "new" + "x" * 20}

    def test_a_customers_browser_stays_the_customers(self, company, at):
        with at(company, NOON):
            ada = profiles.create(email="ada@shop.example").id
            browse(NOON - timedelta(days=400), "a" * 20, ada)
        switch_on(company, "browsing", 3)
        tonight(company)
        assert (visitors(company), visitors(company, Visit), visitors(company, ShopEvent)) == ({"a" * 20}, set(), set())


class TestStrangers:
    def test_only_who_never_bought_and_gave_no_sign_is_erased(self, company, other_company, at):
        long_ago, lately = NOON - timedelta(days=800), NOON - timedelta(days=100)
        for one in (company, other_company):
            with at(one, long_ago):
                for name in ("gone", "buyer", "cancelled", "seen", "agreed", "noted", "written"):
                    profiles.create(email=f"{name}@shop.example", first_name=name)
            with at(one, lately):
                profiles.create(email="fresh@shop.example", first_name="fresh")
        with at(company, lately):
            known = {one.first_name: one.id for one in db.session.scalars(select(Customer))}
            for name, status in (("buyer", "paid"), ("cancelled", "cancelled")):
                orders.record_many([{
                    "external_id": name, "placed_at": long_ago, "status": status, "currency": "EUR", "total": "1.00", "customer": {"email": f"{name}@shop.example"},
                    "lines": [{"product": "p", "name": "Tea", "quantity": 1, "unit_price": "1.00"}]}], UUID(int=0))  # fmt: skip
            db.session.merge(Facts(tenant_id=company.tenant_id, id=known["seen"], last_visit_at=lately))
            consent.grant(customer_id=known["agreed"], source="form")
            timeline.add(customer_id=known["noted"], kind="note", at=lately, title="Called", key="n")
            timeline.add(customer_id=known["written"], kind="mail_sent", at=lately, title="News", key="m")
            db.session.execute(delete(Facts).where(Facts.id == known["gone"]))
        switch_on(company, "strangers", 24)
        with at(company, NOON):
            found = retention.preview("strangers", 24)
            assert (found["total"], found["oldest"].date()) == (2, long_ago.date())
        tonight(company, other_company)
        with at(company, NOON):
            assert set(db.session.scalars(select(Customer.first_name))) == {
                "buyer",
                "cancelled",
                "seen",
                "agreed",
                "noted",
                "fresh",
            }
            told = [one.entry.action for one in audit.of_record(kind="customer", record_id=known["gone"])]
            assert "customers.erased" in told
        with at(other_company, NOON):
            assert db.session.scalar(select(func.count()).select_from(Customer)) == 8


class TestTimeline:
    def test_entries_go_and_the_ledger_stays(self, company, at):
        with at(company, NOON - timedelta(days=500)):
            ada = profiles.create(email="ada@shop.example").id
            consent.grant(customer_id=ada, source="staff")
            timeline.add(customer_id=ada, kind="note", at=clock.now(), title="Old", key="old")
        with at(company, NOON - timedelta(days=5)):
            timeline.add(customer_id=ada, kind="note", at=clock.now(), title="New", key="new")
        switch_on(company, "timeline", 12)
        tonight(company)
        with at(company, NOON):
            assert list(db.session.scalars(select(TimelineEntry.title))) == ["New"]
            assert db.session.scalar(select(func.count()).select_from(Consent)) == 1


class TestRecipients:
    def test_addresses_go_and_the_figures_stay(self, shop, mailbox):  # noqa: F811
        company = shop.company
        shop.people(3)
        mailing_id = shop.send(holdout_percent=0)
        with shop.unit():
            row = db.session.scalars(mailings.recipients(mailing_id)).first()
            db.session.add(
                MailEvent(
                    mailing_id=mailing_id,
                    recipient_id=row.id,
                    customer_id=row.customer_id,
                    kind="open",
                    at=clock.now(),
                    detail="Firefox",
                )
            )
            row.opened_at = clock.now()
        with shop.unit():
            before = reports.shown(reports.of(mailings.one(mailing_id)))
        switch_on(company, "recipients", 3)
        tonight(company, moment=clock.now() + timedelta(days=80))
        assert {row.email for row in shop.rows(mailing_id)} != {""}, "three months have not passed"
        tonight(company, moment=clock.now() + timedelta(days=100))
        with shop.unit():
            assert set(db.session.scalars(select(MailingRecipient.email))) == {""}
            assert set(db.session.scalars(select(MailEvent.detail))) == {""}
            assert reports.shown(reports.of(mailings.one(mailing_id))) == before
            assert db.session.scalar(select(func.count()).select_from(Customer)) == 3


class TestDeliveries:
    def test_what_ended_goes_and_what_waits_stays(self, company, at):
        with at(company, NOON):
            hook = identifiers.new()
            db.session.add(
                Hook(id=hook, name="x", url="https://hooks.example/x", topics=["customer.changed"], secret_sealed=b"x")
            )
            db.session.flush()
            rows = [(days, state) for days in (10, 2) for state in ("done", "given_up", "waiting")]
            db.session.execute(insert(DeliveryOut), [
                {"tenant_id": company.tenant_id, "id": identifiers.new(), "hook_id": hook, "topic": "t", "body": b"{}", "state": state, "attempts": 1,
                 "made_at": NOON - timedelta(days=days), "due_at": NOON + timedelta(days=900)} for days, state in rows
            ])  # fmt: skip
        switch_on(company, "deliveries", 7)
        tonight(company)
        with at(company, NOON):
            left = {((NOON - row.made_at).days, row.state) for row in db.session.scalars(select(DeliveryOut))}
            assert left == {(10, "waiting"), (2, "done"), (2, "given_up"), (2, "waiting")}


class TestNight:
    def test_killed_in_the_middle_it_goes_on_where_it_was(self, company, at, monkeypatch):
        monkeypatch.setattr(retention_work, "BATCH", 10)
        with at(company, NOON):
            ada = profiles.create(email="ada@shop.example").id
            timeline.add_many([
                {"customer_id": ada, "kind": "note", "at": NOON - timedelta(days=900, minutes=n), "title": "x", "key": f"k{n}"} for n in range(35)
            ])  # fmt: skip
        switch_on(company, "timeline", 12)
        with clock.travel(to=NOON):
            night.run_due(run_at=NOON.isoformat())
            with work.unit(tenant_id=company.tenant_id):
                [operation_id] = [one.id for one in operations.going(retention.KIND)]
            real, calls = retention_work._take, []

            def dies(*given):
                calls.append(1)
                done = real(*given)
                if len(calls) == 3:
                    raise ZeroDivisionError
                return done

            monkeypatch.setattr(retention_work, "_take", dies)
            with scope.tenant(company.tenant_id):
                assert operations.run(operation_id) is False
            with work.unit(tenant_id=company.tenant_id):
                assert (operations.one(operation_id).done, operations.one(operation_id).state) == (20, "running")
                assert db.session.scalar(select(func.count()).select_from(TimelineEntry)) == 15
            monkeypatch.setattr(retention_work, "_take", real)
            night.run_due(run_at=NOON.isoformat())
            with work.unit(tenant_id=company.tenant_id):
                assert len(operations.going(retention.KIND)) == 1, "one at a time for a rule"
            with scope.tenant(company.tenant_id):
                operations.run(operation_id)
        with work.unit(tenant_id=company.tenant_id):
            ended = operations.one(operation_id)
            assert (ended.state, ended.done, ended.report["taken"]) == ("done", 35, {"timeline_entries": 35})
            assert not operations.may_undo(ended)
            [told] = [
                one
                for one in audit.of_record(kind="retention", record_id="timeline")
                if one.entry.action == "retention.ran"
            ]
            assert told.after["timeline_entries"] == 35

    def test_switching_off_stops_what_is_under_way(self, company, at, monkeypatch):
        with at(company, NOON):
            browse(NOON - timedelta(days=900), "v" * 20)
        switch_on(company, "browsing", 3)
        with clock.travel(to=NOON):
            night.run_due(run_at=NOON.isoformat())
            with work.unit(tenant_id=company.tenant_id):
                retention.switch_off("browsing")
            run_operations(company)
        assert visitors(company) == {"v" * 20}

    def test_a_night_with_nothing_old_begins_no_work(self, company, context):
        switch_on(company, "timeline", 12)
        tonight(company)
        with work.unit(tenant_id=company.tenant_id):
            assert retention.runs() == []
