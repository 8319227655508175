"""The platform's own pages: for staff only, useful to them, and blind to what companies keep of their customers."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select, update

from saas.billing.models import Account
from saas.kit import beats, clock, errand, outbox, queues, valkey, work
from saas.kit.db import db
from saas.tenancy import limits
from saas.tenancy.models import PlatformAct
from tests.companies import add_member, add_staff
from workers import handing_out

PAGES = ("/platform", "/platform/companies", "/platform/failures", "/platform/acts")


@pytest.fixture
def staff(app):
    return add_staff(app)


@pytest.fixture
def failing(app, company, monkeypatch):
    """An event of a company whose reaction failed with somebody's address in its words."""

    def fail(**_):
        raise RuntimeError("no letter to marker@shop.example")

    company.api("POST", "/customers", json={"email": "marker@shop.example", "first_name": "Markerina"})
    with app.app_context():
        with work.unit(tenant_id=company.tenant_id):
            event = db.session.scalars(select(outbox.OutboxEvent).order_by(outbox.OutboxEvent.id.desc())).first()
        with monkeypatch.context() as patched:
            patched.setattr(handing_out, "resolve", lambda _name: fail)
            handing_out.react(items=[[company.tenant_id, str(event.id), "workers.jobs.search.write"]])
    return event.id


def acts(app) -> list[str]:
    with app.app_context(), work.unit(tenant_id=None):
        return list(db.session.scalars(select(PlatformAct.reason).order_by(PlatformAct.id)))


class TestWhoMayEnter:
    @pytest.mark.parametrize("path", PAGES)
    def test_for_all_others_there_is_nothing(self, app, company, path):
        assert company.page.get(path).status_code == 404
        assert add_member(app, company, role="admin").get(path).status_code == 404
        assert app.test_client().get(path).status_code == 303

    def test_what_changes_something_neither(self, app, company, failing):
        assert company.post(f"/platform/events/{failing}/give-up").status_code == 404
        with app.app_context(), work.unit(tenant_id=None):
            assert failing in {one["id"] for one in outbox.failing(most=10_000)}

    @pytest.mark.parametrize("path", PAGES)
    def test_staff(self, staff, path):
        assert staff.page.get(path).status_code == 200

    @pytest.mark.parametrize("path", PAGES)
    def test_in_chinese_too(self, staff, path):
        page = staff.page.get(path + "?lang=zh_Hans", follow_redirects=True)
        assert page.status_code == 200 and "平台" in page.text


class TestWhatTheySee:
    def test_a_company_by_name_and_by_number(self, staff, company):
        page = staff.page.get(f"/platform/companies?q={company.tenant_id}").text
        assert f"/platform/companies/{company.tenant_id}" in page
        assert "Test Company" in staff.page.get("/platform/companies?q=test+comp").text
        assert "Test Company" not in staff.page.get("/platform/companies?q=100%25").text

    def test_a_company_with_its_plan_use_and_size_and_nobodys_data(self, app, staff, company):
        company.api("POST", "/customers", json={"email": "marker@shop.example", "first_name": "Markerina"})
        page = staff.page.get(f"/platform/companies/{company.tenant_id}")
        assert page.status_code == 200
        assert re.search(r"customers</td><td class=\"num\">1</td>", page.text)
        assert "Markerina" not in page.text and "marker@shop.example" not in page.text
        assert f"look at the plan and use of company {company.tenant_id}" in acts(app)
        assert f"look at the plan and use of company {company.tenant_id}" in staff.page.get("/platform/acts").text

    def test_the_list_tells_of_each_how_it_stands_and_what_it_uses(self, app, staff, company):
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            db.session.add(Account(plan="growth", standing="past_due", grace_until=clock.now()))
            limits.set_all(limits={"mails_month": 12_345})
            limits.count("mails_month", by=678)
        page = staff.page.get(f"/platform/companies?q={company.tenant_id}").text
        assert "Overdue" in page and "12,345" in page and "678" in page
        assert "Overdue" in staff.page.get(f"/platform/companies/{company.tenant_id}").text

    def test_a_company_that_is_not_there(self, staff):
        assert staff.page.get("/platform/companies/999999999").status_code == 404

    def test_no_page_asks_more_than_twelve_queries(self, staff, company):
        for path in (*PAGES, f"/platform/companies/{company.tenant_id}"):
            answer = staff.page.get(path)
            assert int(re.search(r'desc="(\d+)"', answer.headers["Server-Timing"])[1]) <= 12, path

    def test_programs_and_those_that_fell_silent(self, app, staff):
        for key in valkey.client().scan_iter(f"{beats.PREFIX}*"):
            valkey.client().delete(key)
        assert "worker-heavy" in staff.page.get("/platform").text
        before = errand.program()
        try:
            for program in beats.PROGRAMS:
                errand.be(program)
                beats._last[0] = 0.0
                beats.doing("workers.jobs.search.write" if program == "worker-heavy" else None)
                beats.beat()
        finally:
            errand.be(before)
            beats.doing(None)
        page = staff.page.get("/platform").text
        assert "workers.jobs.search.write" in page and "Nothing is heard" not in page


class TestWhatFailed:
    def test_an_event_with_its_reason_and_without_anybodys_words(self, staff, failing, company):
        page = staff.page.get("/platform/failures").text
        assert str(failing) in page and "RuntimeError" in page and "test_platform.py" in page
        assert "marker@shop.example" not in page

    def test_it_is_tried_again(self, app, staff, failing):
        with app.app_context(), work.unit(tenant_id=None):
            db.session.execute(update(outbox.Doorbell).where(outbox.Doorbell.event_id == failing).values(attempts=3))
        assert staff.post(f"/platform/events/{failing}/retry").status_code == 303
        with app.app_context(), work.unit(tenant_id=None):
            bell = db.session.scalars(select(outbox.Doorbell).where(outbox.Doorbell.event_id == failing)).one()
            assert bell.due_at <= outbox_now()
        assert f"try event {failing} again" in acts(app)

    def test_it_is_given_up(self, app, staff, failing, company):
        assert staff.post(f"/platform/events/{failing}/give-up").status_code == 303
        assert staff.post(f"/platform/events/{failing}/give-up").status_code == 404
        assert any(act.startswith(f"give up event {failing}") for act in acts(app))

    def test_a_job(self, app, staff):
        function = "workers.jobs.platform.tidy"
        queues.allow([function])
        for act, left in (("retry", 1), ("give-up", 0)):
            queues.enqueue("heavy", function, run_at="2026-01-01T00:00:00+00:00")
            job = queues.queue("heavy").jobs[-1]
            queues.queue("heavy").remove(job)
            queues.queue("heavy").failed_job_registry.add(job, ttl=60, exc_string="Traceback: marker@shop.example")
            page = staff.page.get("/platform/failures").text
            assert job.id in page and "marker@" not in page
            assert staff.post(f"/platform/jobs/heavy/{job.id}/{act}").status_code == 303
            assert queues.queue("heavy").count == left
            assert staff.post(f"/platform/jobs/heavy/{job.id}/{act}").status_code == 404
            queues.queue("heavy").empty()


def outbox_now():
    from saas.kit import ticks

    return ticks.database_now()
