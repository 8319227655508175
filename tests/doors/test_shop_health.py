"""The page and the API of a shop's health: what came, what did not, what waits, and having it looked at again."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from saas.commerce import hearing, silence
from saas.commerce.health_models import ShopHour
from saas.kit import clock, identifiers, work
from saas.kit.db import db
from tests.companies import add_member
from tests.doors.test_hooks import ORDER, connect, deliver
from tests.faulty_store import connected, fetch, small_pages, state_of, stock_up, store  # noqa: F401
from tests.queries import counted


class TestThePage:
    def test_a_new_shop_says_that_nothing_was_told_yet(self, company):
        page = company.page.get(f"/shops/{connect(company)['id']}/health")
        assert page.status_code == 200
        assert b"Nothing was told yet" in page.data
        assert b"No page told anything yet" in page.data

    def test_what_came_is_counted_and_what_was_not_understood_is_tried_again(self, company, drain):
        shop = connect(company)
        deliver(company, shop, {"type": "order.created", "data": ORDER})
        deliver(
            company,
            shop,
            {"type": "order.created", "data": {**ORDER, "external_id": "o2", "currency": "euro"}},
            message_id="m2",
        )
        drain(company)
        page = company.page.get(f"/shops/{shop['id']}/health").data
        assert b"What could not be understood" in page
        assert b"currency" in page
        assert company.post(f"/shops/{shop['id']}/deliveries/replay").status_code == 303

    def test_a_shop_without_keys_says_what_it_needs_instead_of_looking(self, company):
        shop = connect(company)
        assert b"needs keys to read the shop with" in company.page.get(f"/shops/{shop['id']}/health").data
        assert company.post(f"/shops/{shop['id']}/look-again").status_code == 303
        assert company.post(f"/shops/{shop['id']}/stop-fetching").status_code == 303

    def test_an_open_alarm_stands_on_the_page_and_on_home(self, company, context):
        shop = connect(company)
        company.api("POST", "/orders/bulk", json={"items": [ORDER]})
        with work.unit(tenant_id=company.tenant_id):
            from saas.commerce import shops

            silence.raise_alarm("silent", shops.one(shop["id"]), topic="order", expected=31.4, chance=1e-7)
        said = b"no orders came, where about 31 should have"
        assert said in company.page.get(f"/shops/{shop['id']}/health").data
        assert said in company.page.get("/").data

    def test_who_may_only_read_sees_it_and_presses_nothing(self, app, company):
        shop = connect(company)
        browser = add_member(app, company, role="service")
        page = browser.get(f"/shops/{shop['id']}/health")
        assert page.status_code in (200, 403)
        assert b"Look again now" not in page.data

    def test_months_of_hours_are_read_in_few_statements(self, app, company, context):
        shop = connect(company)
        with work.unit(tenant_id=company.tenant_id):
            rows = [
                {"id": identifiers.new(), "shop_id": shop["id"], "topic": f"event.kind_{kind}", "at": hearing._hour(clock.now()) - back * hearing.LATE * 4, "seen": 20}
                for kind in range(6) for back in range(400)
            ]  # fmt: skip
            db.session.add_all([ShopHour(**row) for row in rows])
        with counted() as statements:
            assert company.page.get(f"/shops/{shop['id']}/health").status_code == 200
        assert len(statements) <= 12 + 4  # and what every page asks: who is it, and what may they
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(select(func.sum(ShopHour.seen))) == 48_000


@pytest.mark.usefixtures("small_pages", "context")
class TestLookingAgain:
    def test_the_page_shows_how_far_it_is_and_it_can_be_stopped(self, company, store):  # noqa: F811
        stock_up(store, orders=30, old=30)
        shop_id = connected(company, store)
        page = company.page.get(f"/shops/{shop_id}/health").data
        assert b"Fetching the past" in page
        assert b"how long it takes is not known yet" in page
        assert company.post(f"/shops/{shop_id}/stop-fetching").status_code == 303
        assert state_of(company, shop_id)[0]["state"] == "cancelled"

    def test_a_comparison_is_begun_by_page_and_by_program(self, company, store):  # noqa: F811
        stock_up(store, orders=12, old=0)
        shop_id = connected(company, store)
        fetch(company, shop_id)
        company.post(f"/shops/{shop_id}/look-again")
        assert b"Comparing with the shop" in company.page.get(f"/shops/{shop_id}/health").data
        fetch(company, shop_id)
        assert company.api("POST", f"/shops/{shop_id}/reconcile").status_code == 202
        assert company.api("POST", f"/shops/{shop_id}/stop-fetching").status_code == 200
        assert company.api("POST", f"/shops/{shop_id}/stop-fetching").status_code == 409
        found = company.api("GET", f"/shops/{shop_id}/health").json
        assert (found["webhooks"]["state"], len(found["comparisons"]), found["fetching"]["state"]) == (
            "well",
            1,
            "cancelled",
        )
        assert found["deliveries"] == {"waiting": 0, "done": 0, "failed": 0}
