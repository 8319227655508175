"""Sums by day: whatever is done to orders, customers and visits, in any order, they equal what the rows come to."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from saas.commerce import deleting, order_effects, orders
from saas.commerce.models import COUNTED, ORDER_STATES, Order, Visit
from saas.customers import merging, profiles, unmerging
from saas.customers.models import Customer, CustomerMerge, Facts
from saas.insights import days, overview, reports
from saas.insights.models import FIGURES, DayBook, DayChange, DaySum
from saas.insights.reports import Scope
from saas.integrations import erasures
from saas.kit import access, errors, scope, work
from saas.kit.db import db
from saas.tenancy import bin as bins
from saas.tenancy import tenants
from saas.tenancy.models import BinItem
from tests.rooms.insights.test_reports import START, order, record

PEOPLE = ("a", "b", "c")
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia")


def truth(zone: str) -> dict:
    """Return the sums as Python makes them of the rows."""
    place, found = ZoneInfo(zone), {}

    def add(at, currency="", country="", **figures):
        held = found.setdefault((at.astimezone(place).date(), currency, country), Counter())
        held.update(figures)

    for one in db.session.scalars(
        select(Order).where(Order.status.in_(COUNTED)).execution_options(populate_existing=True)
    ):
        known, lines = one.customer_id is not None and one.sold_count > 0, one.lines_count > 0
        add(
            one.placed_at, one.currency, one.country, orders=one.lines_micros >= 0, paid_amount=one.total_amount - one.refunded_amount,
            known_orders=known, known_lines=known and one.sold_count, known_micros=known and one.sold_micros,
            all_orders=lines, all_lines=lines and one.lines_count, all_micros=lines and one.lines_micros,
        )  # fmt: skip
    for at in db.session.scalars(select(Facts.first_order_at).where(Facts.first_order_at.is_not(None))):
        add(at, first_orders=1)
    for at in db.session.scalars(select(Visit.began_at)):
        add(at, visits=1)
    return plain(found)


def kept(zone: str) -> dict:
    """Return the sums as they are kept, with what is noted beside them."""
    found = {}
    figures = [getattr(DaySum, name) for name in FIGURES]
    for day, currency, country, *values in db.session.execute(
        select(DaySum.day, DaySum.currency, DaySum.country, *figures)
    ):
        found.setdefault((day, currency, country), Counter()).update(dict(zip(FIGURES, values, strict=True)))
    figures = [getattr(DayChange, name) for name in FIGURES]
    for at, currency, country, *values in db.session.execute(
        select(DayChange.at, DayChange.currency, DayChange.country, *figures)
    ):
        held = found.setdefault((at.astimezone(ZoneInfo(zone)).date(), currency, country), Counter())
        held.update(dict(zip(FIGURES, values, strict=True)))
    return plain(found)


def plain(found: dict) -> dict:
    rows = {key: {name: int(value) for name, value in row.items() if value} for key, row in found.items()}
    return {key: row for key, row in rows.items() if row}


def zone_is(zone: str) -> None:
    tenants.settings().zone = zone
    db.session.flush()


def pick(values, place):
    return values[place % len(values)] if values else None


class Play:
    """What may happen to a shop, each by the room's own function; `n` chooses what it happens to."""

    def __init__(self):
        self.version = 0

    def order(self, n, day, hour, who, status, country, currency, line, refund):
        self.version += 1
        moment = START + timedelta(days=day, hours=hour, minutes=45)
        refunds = [{"external_id": f"r{n}", "amount": "1.00", "at": moment, "reason": ""}] if refund else []
        item = order(
            n, who=who, placed_at=moment, status=status, currency=currency, refunds=refunds, shipping="0.50",
            lines=[line] if line else [], updated_at=START + timedelta(days=200, seconds=self.version),
        )  # fmt: skip
        if who:
            item["customer"]["country"] = country
        (made,) = orders.record_many([item])
        assert made.error == "", made.error

    def follow(self):
        ids = [str(one) for one in db.session.scalars(select(Customer.id))]
        order_effects.count(ids)

    def delete_order(self, n):
        found = pick(list(db.session.scalars(select(Order.id).order_by(Order.external_id))), n)
        if found:
            deleting.delete(found)

    def delete_customer(self, n):
        found = pick(self.people(), n)
        if found:
            profiles.delete(found)

    def restore(self, n):
        found = pick(list(db.session.scalars(bins.visible().order_by(None).order_by(BinItem.id))), n)
        if found:
            bins.restore(found)

    def merge(self, n):
        people = self.people()
        if len(people) > 1:
            merging.merge(winner_id=pick(people, n), loser_id=pick(people, n + 1))

    def unmerge(self, n):
        found = pick(list(db.session.scalars(select(CustomerMerge.id).order_by(CustomerMerge.id))), n)
        if found:
            unmerging.unmerge(found)

    def erase(self, n):
        found = pick(self.people(), n)
        if found:
            erasures.erase_now(found)

    def visit(self, n, day):
        at = START + timedelta(days=day, minutes=n * 45)
        db.session.add(Visit(id=uuid4(), visitor=f"v{n}", began_at=at, ended_at=at))

    def move_visits(self, n):
        db.session.execute(
            update(Visit).where(Visit.visitor == f"v{n}").values(began_at=Visit.began_at + timedelta(hours=9))
        )

    def keep(self):
        days.keep()

    def zone(self, zone):
        zone_is(zone)

    @staticmethod
    def people():
        return list(db.session.scalars(select(Customer.id).order_by(Customer.external_id, Customer.id)))


N, DAY = st.integers(0, 5), st.integers(0, 40)
LINE = st.tuples(st.sampled_from("ab"), st.integers(-1, 3), st.sampled_from(["0", "0.001", "10.00"]))
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("order"), N, DAY, st.integers(0, 23), st.sampled_from([None, *PEOPLE]), st.sampled_from(ORDER_STATES),
                  st.sampled_from(["DE", "FR"]), st.sampled_from(["EUR", "JPY"]), st.one_of(st.none(), LINE), st.booleans()),
        st.tuples(st.just("order"), N, DAY, st.integers(0, 23), st.sampled_from(PEOPLE), st.just("paid"), st.just("DE"), st.just("EUR"),
                  LINE, st.booleans()),
        st.tuples(st.sampled_from(["delete_order", "delete_customer", "restore", "merge", "unmerge", "erase", "move_visits"]), N),
        st.tuples(st.just("visit"), N, DAY), st.tuples(st.sampled_from(["follow", "keep"])), st.tuples(st.just("zone"), st.sampled_from(ZONES)),
    ), min_size=5, max_size=25,
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS, early=st.booleans())
def test_whatever_happens_the_sums_are_those_of_the_rows(company, context, acts, early):
    with work.unit(tenant_id=company.tenant_id):
        play = Play()
        if early:
            days.keep()
        for name, *given_ in acts:
            try:
                with db.session.begin_nested():
                    getattr(play, name)(*given_)
                    db.session.flush()
            except errors.Refusal:
                continue  # nothing has changed
        zone = tenants.settings().zone
        for _again in range(2):  # noted, and folded or filled
            if days_are_whole(zone):
                assert kept(zone) == truth(zone)
            days.keep()
        assert days_are_whole(zone)
        compare_pages(zone)
        work.forget()


def days_are_whole(zone: str) -> bool:
    book = db.session.scalars(select(DayBook).execution_options(populate_existing=True)).one_or_none()
    return book is not None and book.filled_at is not None and book.zone == zone


def compare_pages(zone: str) -> None:
    """What pages show is the same read from the sums and from the rows."""
    midnight = datetime.combine(date(2026, 1, 20), datetime.min.time(), ZoneInfo(zone))
    scopes = [
        Scope(currency="EUR"), Scope(cleaned=False, currency="JPY"), Scope(country="FR", currency="EUR", since=midnight),
        Scope(cleaned=False, currency="EUR", since=START + timedelta(days=9)), Scope(currency="EUR", until=midnight),
    ]  # fmt: skip

    def shown():
        days_ = (datetime.now(UTC) - START).days + 2
        found = [overview.of_last(days_, zone=zone, currency=currency) for currency in ("EUR", "JPY")]
        return (
            found,
            [reports.sums(one, zone=zone, step=step) for one in scopes for step in ("day", "month")],
            reports.countries(),
        )

    quick = shown()
    db.session.execute(update(DayBook).values(filled_at=None))
    assert shown() == quick
    whole = reports.sales()
    assert reports.in_all(reports.sums(zone=zone)) == {
        name: whole[name] for name in ("orders", "lines", "revenue_micros")
    }


class TestOverview:
    def test_pages_read_the_sums_once_they_are_whole(self, tenant):
        record(order(1), order(2, day=1))
        days.keep()
        db.session.execute(update(DaySum).values(known_orders=DaySum.known_orders + 40))
        assert reports.in_all(reports.sums())["orders"] == 82
        zone_is("Asia/Tokyo")  # of which there are no sums yet
        assert reports.in_all(reports.sums(zone="Asia/Tokyo"))["orders"] == 2
        days.keep()
        assert reports.in_all(reports.sums(zone="Asia/Tokyo"))["orders"] == 2

    def test_what_begins_within_a_day_is_read_from_the_orders(self, tenant):
        record(order(1), order(2, day=1))
        days.keep()
        db.session.execute(update(DaySum).values(known_orders=40))
        assert reports.in_all(reports.sums(Scope(since=START)))["orders"] == 2
        assert reports.in_all(reports.sums(Scope(since=START.replace(hour=0))))["orders"] == 80

    def test_who_sees_a_part_of_the_customers_never_reads_sums_of_all(self, company, context):
        with work.unit(tenant_id=company.tenant_id):
            record(order(1), order(2, who=None))
            order_effects.count([str(one) for one in db.session.scalars(select(Customer.id))])
            days.keep()
        narrow = access.Access(
            permissions=access.FULL.permissions, rows={"customer": "own"}, owners=(uuid4(),), member=uuid4()
        )
        with access.bound(narrow), work.unit(tenant_id=company.tenant_id):
            assert access.limiting() is not None
            assert db.session.scalars(select(DaySum.id)).all() == [] == db.session.scalars(select(DayBook.id)).all()
            assert reports.in_all(reports.sums())["orders"] == 0

    def test_nobody_reads_another_companys_sums(self, company, other_company, context):
        with work.unit(tenant_id=company.tenant_id):
            record(order(1))
            days.keep()
        with work.unit(tenant_id=other_company.tenant_id):
            days.keep()
            assert reports.in_all(reports.sums())["orders"] == 0 and reports.countries() == []


class TestKeeping:
    def test_who_is_due_is_who_has_no_sums_or_much_noted(self, company, other_company, context, monkeypatch):
        monkeypatch.setattr(days, "FOLD_FROM", 3)
        with work.unit(tenant_id=company.tenant_id):
            days.keep()
            record(order(1), order(2, day=1))
        with work.platform_unit(reason="test"):
            assert company.tenant_id not in days.due() and other_company.tenant_id in days.due()
        with work.unit(tenant_id=company.tenant_id):
            record(order(3, day=2))
        with work.platform_unit(reason="test"):
            assert company.tenant_id in days.due()
        with work.unit(tenant_id=company.tenant_id):
            assert days.keep() == days.Kept(folded=3)
            zone_is("Asia/Tokyo")
        with work.platform_unit(reason="test"):
            assert company.tenant_id in days.due()

    def test_many_changes_are_folded_in_parts(self, tenant, monkeypatch):
        monkeypatch.setattr(days, "FOLD_MOST", 2)
        days.keep()
        record(*[order(n, day=n) for n in range(5)])
        assert [days.keep().more, days.keep().more, days.keep().more] == [True, True, False]
        assert kept("UTC") == truth("UTC") and db.session.scalars(select(DayChange)).all() == []

    def test_filling_counts_once_what_is_written_while_it_runs(self, company, context):
        """A writer that has not committed is not among the rows; its note stays, and counts when it is there."""
        written, go_on = threading.Event(), threading.Event()

        def write():
            with context.app_context(), work.unit(tenant_id=company.tenant_id):
                record(order(1), order(2, day=3))
                db.session.flush()
                written.set()
                go_on.wait(60)

        with work.unit(tenant_id=company.tenant_id):
            record(order(9))
        writer = threading.Thread(target=write)
        writer.start()
        try:
            assert written.wait(60)
            with work.unit(tenant_id=company.tenant_id):
                assert days.keep().filled
                assert reports.in_all(reports.sums())["orders"] == 1
        finally:
            go_on.set()
            writer.join(60)
        with work.unit(tenant_id=company.tenant_id):
            assert reports.in_all(reports.sums())["orders"] == 3
            assert kept("UTC") == truth("UTC")

    def test_a_company_that_goes_takes_its_sums_along(self, company, context):
        from saas.tenancy.models import Tenant

        with work.unit(tenant_id=company.tenant_id):
            record(order(1))
            days.keep()
            record(order(2))
        with work.platform_unit(reason="test"):
            db.session.execute(Tenant.__table__.delete().where(Tenant.id == company.tenant_id))
            for table in (DaySum, DayChange, DayBook):
                assert db.session.scalars(select(table.id).where(table.tenant_id == company.tenant_id)).all() == []
            work.forget()


@pytest.mark.parametrize(
    "moment", [datetime(1999, 12, 31, 23, 20, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)]
)
def test_midnight_and_hours_that_are_left_out_fall_on_the_right_day(tenant, moment):
    zone_is("Europe/Amsterdam")
    days.keep()
    record(order(1, placed_at=moment))
    assert kept("Europe/Amsterdam") == truth("Europe/Amsterdam")
    days.keep()
    assert kept("Europe/Amsterdam") == truth("Europe/Amsterdam")


def test_the_job_keeps_every_company_though_one_fails(company, other_company, context, monkeypatch):
    from workers.jobs import insights

    keep = days.keep

    def fail_for_one():
        if scope.tenant_id() == company.tenant_id:
            raise RuntimeError("planted")
        return keep()

    mine = [company.tenant_id, other_company.tenant_id]
    monkeypatch.setattr(days, "due", lambda: mine)
    monkeypatch.setattr(days, "keep", fail_for_one)
    insights.keep_days(run_at="2026-01-01T00:00:00+00:00")
    for tenant_id, whole in zip(mine, (False, True), strict=True):
        with work.unit(tenant_id=tenant_id):
            assert days_are_whole("UTC") is whole
