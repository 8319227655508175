"""Home: what happened lately, what waits for somebody, and the first steps while some are left."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from saas.kit import clock, work
from tests import queries
from tests.companies import add_member
from tests.doors import shop_data
from tests.doors.shop_data import send
from tests.doors.test_hooks import ORDER, connect, deliver


def order(count, **more):
    return shop_data.order(count, "ada@shop.example", **more)


def text_of(answer):
    """The page without scripts and tags, as a person reads it."""
    page = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", answer.get_data(as_text=True), flags=re.S)
    return re.sub(r"\s+", " ", page)


def tile(answer, label):
    """The figure under a label, and where it leads."""
    for found in re.finditer(r'<a class="r-stat" href="([^"]+)">(.*?)</a>', answer.get_data(as_text=True), flags=re.S):
        words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found.group(2))).split("</")[0]
        if label in words:
            return re.search(r'r-stat-value">([^<]*)<', found.group(2)).group(1), found.group(1).replace("&amp;", "&")
    raise AssertionError(f"no tile {label}")


@pytest.fixture
def sold(company, drain):
    """Somebody who bought twice in the last days and once long before, and a guest."""
    send(company, "products", shop_data.product(1))
    send(company, "orders", order(1, days=45), order(2, days=3), order(3, days=1))
    drain(company)
    return company


class TestFirstSteps:
    def test_a_new_company_sees_its_first_steps_alone(self, company):
        page = company.page.get("/")
        assert page.status_code == 200
        words = text_of(page)
        assert "Connect your shop" in words and "Welcome to Regulars" in words
        assert "r-stat-value" not in page.get_data(as_text=True)
        assert 'href="/shops/new"' in page.get_data(as_text=True)

    def test_with_orders_the_figures_come_and_what_is_left_stays(self, sold):
        words = text_of(sold.page.get("/"))
        assert "First steps 1 is left." in words and "Send your first campaign" in words

    def test_an_unconfirmed_address_is_the_first_step(self, sold, app):
        from saas.tenancy import logins

        with app.app_context(), work.unit(tenant_id=None):
            logins.by_email(sold.email).verified_at = None
        words = text_of(sold.page.get("/"))
        assert "Your e-mail address is not confirmed yet." in words and "2 are left." in words


class TestFigures:
    def test_each_figure_leads_to_its_rows(self, sold):
        page = sold.page.get("/")
        for label, value in (("Revenue", "€"), ("Orders", "2"), ("New customers", "0"), ("Visits", "0")):
            shown, url = tile(page, label)
            assert shown.startswith(value), (label, shown)
            assert sold.page.get(url).status_code == 200
        assert tile(page, "Orders")[1].startswith("/orders?since=")

    def test_the_period_stands_in_the_address(self, sold):
        assert tile(sold.page.get("/?days=90"), "Orders")[0] == "3"
        assert tile(sold.page.get("/?days=90"), "New customers")[0] == "1"
        assert 'aria-current="page">Last 90 days' in sold.page.get("/?days=90").get_data(as_text=True)

    @pytest.mark.parametrize("days", ["0", "8", "-1", "x", "999999999999999999999", ""])
    def test_a_period_that_is_none_of_ours_is_thirty_days(self, sold, days):
        answer = sold.page.get("/", query_string={"days": days})
        assert answer.status_code == 200 and 'aria-current="page">Last 30 days' in answer.get_data(as_text=True)

    def test_revenue_is_what_is_left_after_refunds_and_never_of_cancelled_orders(self, company):
        send(company, "orders", order(1, days=1, total="30.00"), order(2, days=1, total="20.00", status="cancelled"),
             order(3, days=1, total="12.00", refunds=[{"external_id": "r", "amount": "2.00"}]))  # fmt: skip
        page = company.page.get("/")
        assert (tile(page, "Revenue")[0], tile(page, "Orders")[0]) == ("€40", "2")

    def test_the_finding_compares_with_the_days_before(self, company):
        send(company, "orders", order(1, days=40, total="10.00"), order(2, days=5, total="15.00"))
        assert "Revenue grew by 50% against the 30 days before" in text_of(company.page.get("/"))
        assert "No revenue in the last 7 days" not in text_of(company.page.get("/?days=7"))

    def test_days_are_those_of_the_companys_zone(self, company, app):
        from saas.tenancy import tenants

        now = clock.now()
        send(company, "orders", order(1, days=0, placed_at=(now - timedelta(minutes=1)).isoformat()))
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            tenants.settings().zone = "Pacific/Kiritimati"
        chart = re.search(r'data-chart="([^"]+)"', company.page.get("/?days=7").get_data(as_text=True)).group(1)
        assert (now + timedelta(hours=14) - timedelta(minutes=1)).date().isoformat() in chart

    def test_newest_orders_and_customers_are_named(self, sold):
        words = text_of(sold.page.get("/"))
        assert "FK-3" in words and "Newest customers" in words

    def test_another_company_sees_none_of_it(self, sold, other_company):
        assert "FK-3" not in text_of(other_company.page.get("/"))

    def test_it_asks_little_of_the_database(self, sold):
        with queries.counted() as asked:
            sold.page.get("/?days=90")
        assert len(asked) <= 12


class TestNeeds:
    def test_when_all_is_well_it_says_so(self, sold):
        assert "Nothing waits for you" in text_of(sold.page.get("/"))

    def test_deliveries_that_were_not_understood_lead_to_their_list(self, sold, drain):
        shop = connect(sold)
        deliver(sold, shop, {"type": "order.created", "data": {**ORDER, "currency": "euro"}})
        drain(sold)
        page = sold.page.get("/")
        assert "1 delivery of" in text_of(page)
        assert f"/shops/{shop['id']}/deliveries?state=failed" in page.get_data(as_text=True)

    def test_a_limit_that_is_near_is_told_to_those_who_may_see_the_plan(self, sold, app):
        from saas.tenancy import limits

        with app.app_context(), work.unit(tenant_id=sold.tenant_id):
            limits.set_all(limits={"contacts": 500, "mails_month": 1000})
            limits.count("mails_month", by=900)
        assert "900 of the 1,000 mails of your plan are used this month." in text_of(sold.page.get("/"))
        assert "of your plan" not in text_of(add_member(app, sold, role="marketer").get("/"))


class TestSimulated:
    def test_a_simulated_company_says_so_on_its_pages(self, sold, app):
        from saas.tenancy import tenants

        assert "Simulated data" not in text_of(sold.page.get("/"))
        with app.app_context(), work.unit(tenant_id=sold.tenant_id):
            tenants.current().simulated = True
        for path in ("/", "/insights", "/orders", "/customers"):
            assert "Simulated data" in text_of(sold.page.get(path)), path

    def test_home_of_a_stranger_is_the_sign_in(self, app):
        assert "/sign-in" in app.test_client().get("/").location


def test_old_orders_alone_are_said_in_words(company):
    send(company, "orders", order(1, days=400))
    page = company.page.get("/")
    assert "No revenue in the last 30 days" in text_of(page) and shop_data.days_ago(0)[:4] in page.get_data(
        as_text=True
    )
