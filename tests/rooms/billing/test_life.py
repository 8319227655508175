"""What time and people bring to a plan: trials, reminders, cards, codes, meters, comparison by night, and the company's end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from saas.billing import accounts, banner, checkouts, closing, gateway, invoices, plans, subscriptions, usage
from saas.billing.models import Subscription
from saas.kit import clock
from saas.kit.db import db
from saas.tenancy import audit, limits, tenants
from tests.payments import DAY, HOUR, START, inside
from tests.rooms.billing.test_subscriptions import FREE, GROWTH, fall_due, now_is
from workers.jobs import billing as jobs

AT = datetime(2026, 1, 2, tzinfo=UTC).isoformat()


@pytest.fixture
def firm(free_company):
    return free_company


@pytest.fixture
def on_clock(payments, firm):
    moved = payments.put_on_clock(firm)
    payments.subscribe(firm)
    return moved


def watch(app, company, drain) -> None:
    """Let the hourly look happen for one company."""
    inside(app, company, jobs.look_at_one)
    drain(company)


def compare(app) -> None:
    with app.app_context():
        jobs.compare(run_at=AT)


class TestTrial:
    def begin(self, payments, firm) -> str:
        clock_id = payments.put_on_clock(firm)
        assert "Try it for 14 days" in firm.page.get("/plan").text
        url = firm.post("/plan/choose/growth", {"trial": "1"}).headers["Location"]
        payments.open(url, {"email": firm.email, "name": "Ada", "country": "DE"})
        payments.hand_all(firm)
        return clock_id

    def test_no_card_is_asked_and_without_one_it_ends_in_the_free_plan(self, app, payments, firm, mailbox):
        clock_id = self.begin(payments, firm)
        assert now_is(app, firm) == ("growth", "trialing", "active", GROWTH)
        assert "Try it for" not in firm.page.get("/plan").text
        payments.pass_to(clock_id, START + 11 * DAY + HOUR)
        payments.hand_all(firm)
        assert [letter["Subject"] for letter in mailbox.to(firm.email)] == [
            "The trial of Test Company ends on February 14, 2026"
        ]
        payments.pass_to(clock_id, START + 14 * DAY + HOUR)
        payments.hand_all(firm)
        assert now_is(app, firm) == ("free", "free", "active", FREE)
        with pytest.raises(checkouts.TrialOver):
            inside(app, firm, lambda: checkouts.wish(plan="growth", trial=True))
        payments.subscribe(firm)
        assert now_is(app, firm)[:2] == ("growth", "active")

    def test_with_a_card_the_first_month_is_charged_at_its_end(self, app, payments, firm, mailbox):
        clock_id = self.begin(payments, firm)
        payments.use_card(firm, "pm_card_visa")
        payments.pass_to(clock_id, START + 14 * DAY + 2 * HOUR)
        payments.hand_all(firm)
        assert now_is(app, firm)[:2] == ("growth", "active")
        assert max(row.total_amount for row in inside(app, firm, invoices.listed)) == 4_900

    def test_the_last_days_are_said_on_every_page(self, app, payments, firm, mailbox):
        self.begin(payments, firm)
        with clock.travel(to=datetime.fromtimestamp(START, UTC) + timedelta(days=12)):
            assert inside(app, firm, banner.read)["kind"] == "trial_free"
            inside(app, firm, banner.forget)


class TestGrace:
    def test_the_days_are_counted_reminded_of_once_each_and_nothing_is_deleted(
        self, app, payments, firm, on_clock, mailbox, drain
    ):
        firm.api("POST", "/customers", json={"email": "kept@example.com"})
        payments.use_card(firm, "pm_card_chargeCustomerFail")
        fall_due(payments, firm, on_clock)
        payments.hand_all(firm)
        since = clock.now()
        assert "21 days left" in firm.page.get("/settings").text
        heard = {}
        for passed in (1, 13.5, 14.5, 15, 18.5, 20.5, 21.1):
            with clock.travel(to=since + timedelta(days=passed)):
                watch(app, firm, drain)
                watch(app, firm, drain)
                heard[passed] = mailbox.to(firm.email)[-1]["Subject"]
        subjects = [letter["Subject"] for letter in mailbox.to(firm.email)]
        assert sum("becomes read-only" in subject for subject in subjects) == 3
        assert heard[21.1] == "Test Company is read-only now"
        assert now_is(app, firm) == ("free", "unpaid", "read_only", FREE)
        with clock.travel(to=since + timedelta(days=400)):
            watch(app, firm, drain)
            assert len(firm.api("GET", "/customers").json["items"]) == 1
            assert inside(app, firm, closing.current) is None

    def test_mailings_rest_while_it_is_read_only_and_go_on_when_paid(
        self, app, payments, firm, on_clock, mailbox, drain
    ):
        from tests.rooms.billing.mailing_rows import running_mailing, state_of

        mailing_id, paused_id = inside(app, firm, lambda: (running_mailing(), running_mailing(state="paused")))
        payments.use_card(firm, "pm_card_chargeCustomerFail")
        fall_due(payments, firm, on_clock, days=8)
        payments.hand_all(firm)
        assert now_is(app, firm)[1] == "unpaid"
        assert inside(app, firm, lambda: state_of(mailing_id)) == ("paused", "paused", "plan")
        payments.use_card(firm, "pm_card_visa")
        owing = inside(app, firm, invoices.unpaid)
        payments.open(owing.page_url, {"with": "saved"})
        payments.hand_all(firm)
        assert inside(app, firm, lambda: state_of(mailing_id)) == ("sending", "sending", "")
        assert inside(app, firm, lambda: state_of(paused_id))[0] == "paused"
        assert mailbox.to(firm.email)[-1]["Subject"] == "Test Company is itself again"


class TestCard:
    def test_one_that_runs_out_is_told_once(self, app, payments, firm, mailbox, drain):
        payments.subscribe(firm)
        with clock.travel(to=datetime(2034, 11, 1, tzinfo=UTC)):
            watch(app, firm, drain)
            assert not [one for one in mailbox.to(firm.email) if "card" in one["Subject"]]
        with clock.travel(to=datetime(2034, 12, 5, tzinfo=UTC)):
            watch(app, firm, drain)
            watch(app, firm, drain)
        assert [one["Subject"] for one in mailbox.to(firm.email)].count("The card of Test Company expires soon") == 1


class TestUse:
    def test_four_fifths_and_all_are_said_once_a_month_by_banner_and_mail(self, app, firm, mailbox, drain):
        inside(app, firm, lambda: limits.count("mails_month", by=799))
        watch(app, firm, drain)
        assert mailbox.letters == [] and inside(app, firm, banner.read) == {}
        inside(app, firm, lambda: limits.count("mails_month", by=1))
        for _hour in range(3):
            watch(app, firm, drain)
        assert [one["Subject"] for one in mailbox.to(firm.email)] == ["Test Company has used four fifths of its plan"]
        assert "800 of the 1,000" in mailbox.letters[0].get_body(("plain",)).get_content()
        assert "more than four fifths" in firm.page.get("/settings").text
        inside(app, firm, lambda: limits.count("mails_month", by=200))
        watch(app, firm, drain)
        assert mailbox.to(firm.email)[-1]["Subject"] == "Test Company has used up its plan"
        assert inside(app, firm, banner.read)["kind"] == "full"
        inside(app, firm, banner.forget)
        with clock.travel(to=clock.now() + timedelta(days=31)):
            watch(app, firm, drain)
            assert inside(app, firm, banner.read) == {}
        assert len(mailbox.letters) == 2
        inside(app, firm, banner.forget)

    def test_who_jumps_past_both_hears_of_the_second_only(self, app, firm, mailbox, drain):
        inside(app, firm, lambda: limits.count("mails_month", by=5_000))
        watch(app, firm, drain)
        watch(app, firm, drain)
        assert [one["Subject"] for one in mailbox.letters] == ["Test Company has used up its plan"]

    def test_a_larger_plan_begins_to_warn_anew(self, app, payments, firm, mailbox, drain):
        inside(app, firm, lambda: limits.count("mails_month", by=1_000))
        watch(app, firm, drain)
        payments.subscribe(firm)
        assert inside(app, firm, banner.read) == {}

    def test_shop_events_are_counted_by_the_way_and_never_refused(self, app, firm, drain, mailbox):
        inside(app, firm, lambda: limits.set_all(limits={"events_month": 2}))
        body = {
            "site_key": firm.site_key, "visitor": "v" * 20, "consent": {"analytics": True, "marketing": False},
            "events": [{"id": f"e{number}", "type": "page_viewed", "at": clock.now().isoformat(), "url": "http://shop.example/"}
                       for number in range(3)],
        }  # fmt: skip
        for _batch in range(2):
            answer = app.test_client().post("/collect", json=body)
            assert (answer.status_code, answer.json["accepted"]) == (202, 3)
        shown = firm.api("GET", "/plan").json["limits"]["events_month"]
        assert shown == {"used": 6, "most": 2}
        watch(app, firm, drain)
        watch(app, firm, drain)
        assert inside(app, firm, lambda: limits.used("events_month")) == 6
        assert [one["Subject"] for one in mailbox.letters] == ["Test Company has used up its plan"]
        assert firm.api("GET", "/plan").json["limits"]["events_month"]["used"] == 6

    def test_the_forecast(self, app, firm):
        now = datetime(2026, 11, 16, tzinfo=UTC)
        mails = usage.Use("mails_month", 600, 1_000)
        assert usage.full_on(mails, [None] * 12, now=now) == date(2026, 11, 26)
        assert usage.full_on(usage.Use("mails_month", 400, 1_000), [None] * 12, now=now) is None
        assert usage.full_on(usage.Use("mails_month", 1_000, 1_000), [None] * 12, now=now) is None
        assert usage.rest_of_month(mails, now=now) == 600
        people = usage.Use("contacts", 460, 500)
        assert usage.full_on(people, [None] * 8 + [100, 200, 300, 460], now=now) == date(2026, 11, 24)
        assert usage.full_on(people, [None] * 11 + [460], now=now) is None
        assert usage.full_on(usage.Use("contacts", 300, 500), [None] * 10 + [400, 300], now=now) is None
        assert usage.full_on(usage.Use("contacts", 300, None), [1] * 12, now=now) is None

    def test_twelve_months_over_the_turn_of_a_year(self):
        assert usage.months(datetime(2026, 2, 3, tzinfo=UTC))[0] == "2025-03"
        assert usage.months(datetime(2026, 12, 3, tzinfo=UTC))[-2:] == ["2026-11", "2026-12"]

    def test_levels_are_kept_month_by_month(self, app, firm, drain):
        firm.api("POST", "/customers", json={"email": "a@example.com"})
        watch(app, firm, drain)
        with clock.travel(to=clock.now() + timedelta(days=31)):
            firm.api("POST", "/customers", json={"email": "b@example.com"})
            watch(app, firm, drain)
            uses = inside(app, firm, lambda: [usage.Use("contacts", 2, 500)])
            assert inside(app, firm, lambda: usage.history(uses))["contacts"][-2:] == [1, 2]


class TestMoney:
    def test_a_currency_without_cents(self, app, payments, firm):
        payments.subscribe(firm)
        given = {
            "product": "regulars_scale",
            "currency": "jpy",
            "unit_amount": 36_000,
            "recurring": {"interval": "month"},
        }
        price = payments.api.prices.create(
            {**given, "product": payments.api.products.create({"id": "regulars_scale", "name": "Scale"}).id}
        )
        card = payments.subscription(firm).default_payment_method
        payments.api.subscriptions.cancel(payments.subscription(firm).id)
        other = payments.api.customers.create({"email": firm.email}).id
        good = payments.api.payment_methods.attach("pm_card_visa", {"customer": other}).id
        assert card != good
        inside(app, firm, lambda: accounts.detach(accounts.hold()))
        inside(app, firm, lambda: accounts.attach(accounts.hold(), other))
        payments.api.subscriptions.create(
            {"customer": other, "items": [{"price": price.id}], "default_payment_method": good}
        )
        payments.hand_all(firm)
        page = firm.page.get("/plan").text
        assert "¥36,000 a month" in page and "¥36,000.00" not in page
        assert inside(app, firm, invoices.listed)[0].total_amount == 36_000

    @pytest.mark.parametrize("amount", [1_000, 4_900])
    def test_money_given_back_is_shown_and_the_plan_stays_until_somebody_ends_it(self, app, payments, firm, amount):
        payments.subscribe(firm)
        charge = payments.api.charges.list({"customer": payments.customer(firm)}).data[0]
        payments.api.refunds.create({"charge": charge.id, "amount": amount})
        payments.hand_all(firm)
        assert now_is(app, firm)[:3] == ("growth", "active", "active")
        assert ("Refunded" if amount == 4_900 else "Partly refunded") in firm.page.get("/plan").text

    def test_a_paused_collection_is_shown(self, app, payments, firm):
        payments.subscribe(firm)
        payments.api.subscriptions.update(payments.subscription(firm).id, {"pause_collection": {"behavior": "void"}})
        payments.hand_all(firm)
        assert "paused" in firm.page.get("/plan").text
        assert now_is(app, firm)[:2] == ("growth", "active")


class TestComparing:
    def drift(self, app, firm):
        query = audit.AuditEntry.__table__.select().where(audit.AuditEntry.action == "plan.repaired")
        return inside(app, firm, lambda: len(db.session.execute(query).all()))

    @pytest.mark.parametrize("kind", ["people", "coupon", "plan", "end", "pause"])
    def test_what_was_changed_by_hand_is_found_repaired_and_written_down_once(self, app, payments, firm, kind):
        payments.subscribe(firm)
        held, api = payments.subscription(firm), payments.api
        growth = plans.PLANS["growth"]
        if kind == "people":
            api.subscriptions.update(held.id, {"items": [{"price": gateway.seat_price(growth), "quantity": 3}]})
        elif kind == "coupon":
            api.coupons.create({"id": "half", "percent_off": 50, "duration": "forever"})
            api.subscriptions.update(held.id, {"discounts": [{"coupon": "half"}]})
        elif kind == "plan":
            item = held["items"].data[0].id
            api.subscriptions.update(held.id, {"items": [{"id": item, "price": gateway.price(plans.PLANS["scale"])}]})
        elif kind == "end":
            api.subscriptions.update(held.id, {"cancel_at_period_end": True})
        else:
            api.subscriptions.update(held.id, {"pause_collection": {"behavior": "void"}})
        compare(app)
        row = inside(app, firm, lambda: subscriptions.alive()[0])
        assert {"people": row.seats == 3, "coupon": row.coupon == "−50%", "plan": row.plan == "scale", "end": row.ends_at,
                "pause": row.collection_paused}[kind]  # fmt: skip
        assert self.drift(app, firm) == 1
        compare(app)
        assert self.drift(app, firm) == 1
        if kind == "people":
            assert inside(app, firm, limits.all_limits)["members"] == 13

    def test_a_subscription_made_by_hand_is_found(self, app, payments, firm):
        payments.subscribe(firm)
        price, card = gateway.price(plans.PLANS["scale"]), payments.subscription(firm).default_payment_method
        payments.api.subscriptions.create(
            {"customer": payments.customer(firm), "items": [{"price": price}], "default_payment_method": card}
        )
        compare(app)
        assert now_is(app, firm)[0] == "scale" and inside(app, firm, banner.read)["kind"] == "double"

    def test_an_object_of_the_other_mode_is_refused(self, app, payments, firm, monkeypatch):
        payments.subscribe(firm)
        held = payments.subscription(firm).id
        monkeypatch.setattr(gateway, "live", lambda: True)
        with pytest.raises(gateway.WrongMode):
            inside(app, firm, lambda: subscriptions.refresh(accounts.hold(), held))
        monkeypatch.undo()

    def test_a_page_whose_opening_was_never_answered_is_found_and_closed(self, app, payments, firm, monkeypatch):
        firm.post("/plan/choose/growth")
        lost = payments.api.checkout.sessions.list().data[0]

        def forget():
            row = checkouts.one(lost.client_reference_id)
            row.session, row.state = None, "started"

        inside(app, firm, forget)
        with clock.travel(to=clock.now() + timedelta(hours=21)):
            inside(app, firm, lambda: None)
            second = inside(app, firm, lambda: checkouts.wish(plan="growth"))
            inside(app, firm, lambda: checkouts.open_page(second))
        assert payments.api.checkout.sessions.retrieve(lost.id).status == "expired"


class TestClosing:
    def test_only_its_name_closes_it_and_one_click_opens_it_again(self, app, payments, firm, mailbox, drain):
        payments.subscribe(firm)
        assert firm.post("/settings/close", {"name": "test company"}).status_code == 422
        assert inside(app, firm, closing.current) is None
        firm.post("/settings/close", {"name": "Test Company"})
        drain(firm)
        assert now_is(app, firm)[2] == "read_only"
        assert payments.subscription(firm).cancel_at_period_end is True
        assert "will be erased" in firm.page.get("/settings").text
        assert mailbox.to(firm.email)[-1]["Subject"].startswith("Test Company was closed and will be erased on")
        assert firm.api("POST", "/customers", json={"email": "a@example.com"}).status_code == 402
        assert firm.api("GET", "/customers").status_code == 200
        payments.hand_all(firm)
        assert now_is(app, firm)[2] == "read_only"
        firm.post("/settings/reopen")
        drain(firm)
        assert now_is(app, firm)[2] == "active"
        assert firm.api("POST", "/customers", json={"email": "a@example.com"}).status_code == 201

    def test_admins_cannot(self, app, firm):
        from dataclasses import replace

        from tests.companies import add_member

        admin = replace(firm, page=add_member(app, firm, role="admin"))
        assert admin.post("/settings/close", {"name": "Test Company"}).status_code == 403
        assert admin.page.get("/settings/close").status_code == 403

    def test_after_thirty_days_everything_is_erased_in_batches_with_a_certificate(
        self, app, firm, other_company, monkeypatch, drain, mailbox
    ):
        from saas.billing import erasing
        from saas.billing.models import Certificate
        from saas.kit import work

        for company in (firm, other_company):
            for number in range(7):
                company.api("POST", "/customers", json={"email": f"c{number}@example.com"})
        firm.post("/settings/close", {"name": "Test Company"})
        drain(firm)
        monkeypatch.setattr(erasing, "BATCH", 3)

        def run():
            with app.app_context():
                jobs.erase_closed(run_at=AT)

        run()
        assert len(firm.api("GET", "/customers").json["items"]) == 7
        with clock.travel(to=clock.now() + timedelta(days=30, minutes=1)):
            with pytest.raises(closing.NotClosing):
                inside(app, firm, closing.reopen)
            monkeypatch.setattr(jobs, "ERASE_FOR", 0.2)  # so that several runs share the work
            for _run in range(60):
                run()
        with app.app_context(), work.platform_unit(reason="a test looks"):
            made = db.session.scalars(db.select(Certificate).where(Certificate.erased_tenant == firm.tenant_id)).one()
            assert made.erased_at is not None and made.digest == erasing.digest(made)
            assert made.counts["customers"] == 7 and "_emptied" not in made.counts
            for table in erasing.tables():
                rows = db.session.execute(table.select().where(table.c.tenant_id == firm.tenant_id)).all()
                assert rows == [], table.name
            assert db.session.scalar(db.select(tenants.Tenant.id).where(tenants.Tenant.id == firm.tenant_id)) is None
        assert firm.api("GET", "/customers").status_code == 401
        assert len(other_company.api("GET", "/customers").json["items"]) == 7

    def test_owing_money_never_leads_there(self, app, firm):
        inside(app, firm, lambda: db.session.add(Subscription(
            stripe_id="sub_old", item="si", plan="growth", price="price", status="unpaid", price_amount=4_900, currency="EUR",
            started_at=clock.now(), period_end_at=clock.now(), end_reason="", let_go=False, asked_at=clock.now())))  # fmt: skip
        with clock.travel(to=clock.now() + timedelta(days=4_000)), app.app_context():
            jobs.erase_closed(run_at=AT)
        assert inside(app, firm, tenants.current).name == "Test Company"


class TestOverview:
    def test_all_companies_in_two_questions(self, app, payments, firm, other_company, drain, mailbox):
        from saas.billing import overview
        from saas.cli import tenants as cli
        from saas.kit import work
        from tests.queries import counted

        payments.subscribe(firm)
        inside(app, firm, lambda: limits.count("mails_month", by=7))
        with app.app_context(), work.platform_unit(reason="a test"), counted() as sent:
            found = {one.tenant_id: one for one in overview.companies(after=firm.tenant_id - 1)}
        assert len(sent) == 2, sent
        mine = found[firm.tenant_id]
        assert (mine.plan, mine.standing, mine.use["mails_month"]) == ("growth", "active", (7, 250_000))
        assert found[other_company.tenant_id].standing == "free"
        with app.app_context(), work.platform_unit(reason="a test"):
            assert [
                one.tenant_id for one in overview.companies(after=firm.tenant_id - 1, standing="active", most=1)
            ] == [firm.tenant_id]
            assert overview.standings()["active"] >= 1
        with app.app_context():
            listed = {row["tenant_id"]: row for row in cli.rows(standing="active")}
        assert listed[firm.tenant_id]["use"]["mails_month"] == (7, 250_000)
        assert other_company.tenant_id not in listed
