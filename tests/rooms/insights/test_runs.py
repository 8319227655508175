"""Reports that nobody can wait for: asked for once, worked out by a job, shown as of then, worked out anew when they are old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from saas.insights import days, reports, runs
from saas.insights.models import ReportRun
from saas.insights.reports import Scope
from saas.kit import access, work
from saas.kit.db import db
from tests.doors.shop_data import order as sent
from tests.doors.shop_data import send
from tests.rooms.insights.test_reports import START, order, record
from workers.jobs import insights


@pytest.fixture
def rung(monkeypatch):
    """Two orders are many, and what is rung for is noted."""
    found = []
    monkeypatch.setattr(runs, "MANY", 2)
    monkeypatch.setattr(runs, "announce", lambda event: found.append(event.key))
    return found


def some(company):
    with work.unit(tenant_id=company.tenant_id):
        record(
            order(1, lines=[("mug", 2, "10.00"), ("pot", 1, "30.555")]), order(2, day=3), order(3, day=40, who="b"), order(4, day=41, who=None),
            *[order(5 + n, day=n, who="c", lines=[("mug", 1, "1"), ("cup", 1, "1")]) for n in range(3)],
        )  # fmt: skip


def work_out(company, rung):
    with work.unit(tenant_id=company.tenant_id):
        insights.work_out(key=rung.pop())


def look(company, asked=None, **values):
    with work.unit(tenant_id=company.tenant_id):
        return runs.look(asked or Scope(), zone="Europe/Berlin", **values)


class TestLook:
    def test_what_is_shown_is_what_the_reports_say(self, company, context, rung, monkeypatch):
        some(company)
        for asked in (Scope(), Scope(cleaned=False), Scope(since=START, country="DE")):
            assert look(company, asked).rows is None
            work_out(company, rung)
            kept = look(company, asked).rows
            assert rung == []
            with monkeypatch.context() as few:
                few.setattr(runs, "MANY", 100)
                plain = look(company, asked).rows
                for name in ("months", "days", "products_sold"):
                    plain |= look(company, asked, only=name).rows
            assert kept == plain
            assert kept["products"][0]["key"] == "mug"

    def test_an_old_result_is_shown_while_a_new_one_is_asked_for_once(self, company, context, rung):
        some(company)
        look(company)
        work_out(company, rung)
        with work.unit(tenant_id=company.tenant_id):
            record(order(9, day=50, who="z"))
        fresh = look(company)
        assert fresh.rows["sales"]["customers"] == 3 and fresh.made_at is not None and rung == []
        with work.unit(tenant_id=company.tenant_id):
            db.session.execute(update(ReportRun).values(made_at=ReportRun.made_at - runs.OLD - timedelta(seconds=1)))
        assert look(company).rows["sales"]["customers"] == 3 and look(company).rows is not None
        assert len(rung) == 1
        work_out(company, rung)
        assert look(company).rows["sales"]["customers"] == 4

    def test_a_job_that_never_answered_is_asked_again(self, company, context, rung):
        some(company)
        look(company), look(company)
        assert len(rung) == 1
        with work.unit(tenant_id=company.tenant_id):
            db.session.execute(
                update(ReportRun).values(asked_at=ReportRun.asked_at - runs.PATIENCE - timedelta(seconds=1))
            )
        look(company)
        assert len(rung) == 2

    def test_a_job_rung_twice_works_once(self, company, context, rung):
        some(company)
        look(company)
        [key] = rung
        with work.unit(tenant_id=company.tenant_id):
            assert runs.work_out(key) is True
            assert runs.work_out(key) is False

    def test_who_waits_sees_how_far_it_is(self, company, context, rung, monkeypatch):
        some(company)
        assert (look(company).done, look(company).of, look(company).wait) == (0, 8, runs.WAIT[0])
        [key] = rung
        seen = []
        products_sold = reports.products_sold

        def last(asked):
            seen.append(look(company))
            return products_sold(asked)

        monkeypatch.setattr(reports, "products_sold", last)
        with work.unit(tenant_id=company.tenant_id):
            assert runs.work_out(key) is True
        [told] = seen
        assert told.rows is None and (told.done, told.of) == (7, 8) and runs.WAIT[0] <= told.wait <= runs.WAIT[1]

    def test_what_is_asked_about_alone_is_worked_out_alone(self, company, context, rung):
        some(company)
        for about in ({"pair": ["mug", "cup"]}, {"shares": [0.34]}):
            [only] = about
            assert look(company, only=only, about=about).rows is None
            work_out(company, rung)
            assert list(look(company, only=only, about=about).rows) == [only]
        assert look(company, only="shares", about={"shares": [0.34]}).rows["shares"][0]["customers"] == 1
        assert look(company, only="pair", about={"pair": ["mug", "cup"]}).rows["pair"]["together"] == 3

    def test_a_result_from_before_there_was_a_report_is_worked_out_anew(self, company, context, rung):
        some(company)
        look(company)
        work_out(company, rung)
        with work.unit(tenant_id=company.tenant_id):
            run = db.session.scalars(select(ReportRun)).one()
            run.result = {name: rows for name, rows in run.result.items() if name != "days"}
        assert look(company).rows is not None and rung == []
        assert look(company, only="days").rows is None
        work_out(company, rung)
        assert look(company, only="days").rows["days"]

    def test_so_many_are_asked_for_and_the_next_when_one_is_there(self, company, context, rung, monkeypatch):
        monkeypatch.setattr(runs, "ASKED_MOST", 2)
        some(company)
        for country in ("DE", "FR", "ES", "ES"):
            assert look(company, Scope(country=country)).rows is None
        assert len(rung) == 2
        work_out(company, rung)
        look(company, Scope(country="ES"))
        assert len(rung) == 2

    def test_what_is_many_goes_by_the_orders_of_the_time_whatever_country(self, company, context, monkeypatch):
        monkeypatch.setattr(runs, "MANY", 4)
        some(company)
        with work.unit(tenant_id=company.tenant_id):
            assert runs.many(Scope(country="NZ")) is True
            assert runs.many(Scope(since=START + timedelta(days=30))) is False

    def test_who_must_not_see_orders_whole_gets_no_result(self, company, context, rung):
        some(company)
        narrow = access.Access(permissions=access.FULL.permissions, hidden=frozenset({"order.total"}))
        with access.bound(narrow), pytest.raises(access.MayNot):
            look(company)

    def test_nobody_gets_another_companys(self, company, other_company, context, rung):
        some(company)
        some(other_company)
        look(company)
        work_out(company, rung)
        assert look(company).rows is not None and look(other_company).rows is None


def test_over_night_large_companies_are_asked_for_and_what_nobody_sees_goes(company, other_company, context, rung):
    some(company)
    for one in (company, other_company):
        with work.unit(tenant_id=one.tenant_id):
            days.keep()
    look(company, Scope(country="FR"))
    with work.unit(tenant_id=company.tenant_id):
        db.session.execute(update(ReportRun).values(seen_at=datetime(2020, 1, 1, tzinfo=UTC)))
    with work.platform_unit(reason="test"):
        large = runs.large()
    assert company.tenant_id in large and other_company.tenant_id not in large
    rung.clear()
    with work.unit(tenant_id=company.tenant_id):
        key = runs.prepare()
    assert rung == [key]
    with work.unit(tenant_id=company.tenant_id):
        assert list(db.session.scalars(select(ReportRun.key))) == [key]


class TestPage:
    def test_the_first_look_shows_the_sums_and_the_next_all_of_it(self, company, context, drain, monkeypatch):
        monkeypatch.setattr(runs, "MANY", 2)
        send(company, "orders", *[sent(n, "a@shop.example", placed_at=f"2026-01-1{n}T12:00:00Z") for n in range(3)])
        page = company.page.get("/insights")
        assert page.status_code == 200 and "is being worked out" in page.text and "Came back" not in page.text
        assert "waiting=1" in page.text and "Orders" in page.text and "0 of 8" in page.text
        assert company.page.get("/insights?waiting=1").status_code == 200
        assert company.page.get("/insights/csv?figure=cohorts").status_code == 503
        drain(company)
        leads = company.page.get("/insights?waiting=1", headers={"HX-Request": "true"})
        assert leads.headers["HX-Redirect"].endswith("/insights")
        page = company.page.get("/insights").text
        assert "Came back" in page and "is as of" in page and "is being worked out" not in page
        assert company.page.get("/insights/csv?figure=cohorts").status_code == 200

    def test_few_orders_are_looked_at_at_once(self, company):
        send(company, "orders", sent(1, "a@shop.example"))
        page = company.page.get("/insights").text
        assert "Came back" in page and "is as of" not in page


def test_reports_of_sums_are_asked_for_under_the_same_rule(company, context):
    narrow = access.Access(permissions=access.FULL.permissions, hidden=frozenset({"order.total"}))
    with access.bound(narrow), work.unit(tenant_id=company.tenant_id), pytest.raises(access.MayNot):
        reports.sums()
