"""Orders that follow mails: which touch counts, what is left after refunds, and the lift over those held out."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from saas.commerce import orders
from saas.kit import clock, pool
from saas.marketing import attribution, freezing, mailings, reports
from saas.marketing.models import MailEvent


@pytest.fixture
def mailed(shop, mailbox):
    """Two mailings that one customer got, ten days ago and five."""
    return Mailed(shop)


class Mailed:
    def __init__(self, shop) -> None:
        self.shop, self.now = shop, clock.now()
        [self.customer_id] = shop.people(1)
        self.first, self.second = shop.send(), shop.send()
        self.numbers = 0

    def touch(self, mailing_id: UUID, kind: str, *, days: float, **more) -> None:
        from saas.kit.db import db

        [row] = self.shop.rows(mailing_id)
        with self.shop.unit():
            db.session.add(
                MailEvent(
                    mailing_id=mailing_id,
                    recipient_id=row.id,
                    customer_id=self.customer_id,
                    kind=kind,
                    at=self.now - timedelta(days=days),
                    **more,
                )
            )

    def order(self, *, key: str = "o1", days: float = 0.0, email: str = "person0@mail.example", **more) -> list[UUID]:
        self.numbers += 1
        item = {
            "external_id": key,
            "placed_at": self.now - timedelta(days=days),
            "currency": "EUR",
            "customer": {"email": email},
            "updated_at": self.now + timedelta(seconds=self.numbers),
            "lines": [{"product": "p", "quantity": 2, "unit_price": "10"}],
        }
        with self.shop.unit():
            done = orders.record_many([item | more], UUID(int=0))
            attribution.follow([one.id for one in done])
        return [one.id for one in done]

    def found(self) -> list[tuple]:
        with pool.connection(tenant_id=self.shop.tenant_id) as connection:
            query = "SELECT mailing_id, kind, amount FROM attributions ORDER BY ordered_at"
            return connection.execute(query).fetchall()


class TestLastTouch:
    def test_a_click_within_seven_days(self, mailed):
        mailed.touch(mailed.first, "click", days=6.9)
        mailed.order()
        assert mailed.found() == [(mailed.first, "click", 2000)]

    @pytest.mark.parametrize(("kind", "days"), [("click", 7.1), ("open", 3.1), ("click", -0.1)])
    def test_too_early_or_too_late_is_not_followed(self, mailed, kind, days):
        mailed.touch(mailed.first, kind, days=days)
        mailed.order()
        assert mailed.found() == []

    def test_the_last_click_wins(self, mailed):
        mailed.touch(mailed.first, "click", days=5)
        mailed.touch(mailed.second, "click", days=2)
        mailed.order()
        assert mailed.found() == [(mailed.second, "click", 2000)]

    def test_a_click_is_more_than_a_later_open(self, mailed):
        mailed.touch(mailed.first, "click", days=5)
        mailed.touch(mailed.second, "open", days=1)
        mailed.order()
        assert mailed.found() == [(mailed.first, "click", 2000)]

    def test_an_open_counts_where_nobody_clicked(self, mailed):
        mailed.touch(mailed.second, "open", days=2)
        mailed.order()
        assert mailed.found() == [(mailed.second, "open", 2000)]

    def test_machines_touch_nothing(self, mailed):
        mailed.touch(mailed.first, "click", days=1, bot=True)
        mailed.touch(mailed.second, "open", days=1, proxy=True)
        mailed.order()
        assert mailed.found() == []


class TestChanges:
    def test_refunds_are_taken_off(self, mailed):
        mailed.touch(mailed.first, "click", days=1)
        mailed.order()
        mailed.order(refunds=[{"external_id": "r1", "amount": "5", "at": mailed.now}])
        assert mailed.found() == [(mailed.first, "click", 1500)]

    def test_a_cancelled_order_follows_nothing(self, mailed):
        mailed.touch(mailed.first, "click", days=1)
        mailed.order()
        mailed.order(status="cancelled")
        assert mailed.found() == []

    def test_the_same_order_twice_is_one(self, mailed):
        mailed.touch(mailed.first, "click", days=1)
        ids = mailed.order()
        with mailed.shop.unit():
            attribution.follow(ids)
        assert len(mailed.found()) == 1

    def test_the_report_counts_them(self, mailed, drain):
        mailed.touch(mailed.first, "click", days=1)
        mailed.order()
        mailed.order(key="o2")
        drain(mailed.shop.company)
        with mailed.shop.unit():
            report = reports.of(mailings.one(mailed.first))
        assert (report["orders"], report["revenue_amount"]) == (2, 4000)


class TestLift:
    def test_the_groups_are_those_who_were_meant_and_those_held_out(self, shop, mailbox):
        shop.people(40)
        mailing_id = shop.launch(holdout_percent=50)
        with shop.unit():
            freezing.freeze_some(mailing_id)
        shop.work(mailing_id)
        rows = shop.rows(mailing_id)
        sent, held = ([row for row in rows if row.state == state] for state in ("sent", "held_out"))
        now = clock.now()
        bought = [*sent[:5], *held[:2]]
        items = [
            {
                "external_id": row.email,
                "placed_at": now + timedelta(days=day),
                "currency": currency,
                "customer": {"email": row.email},
                "lines": [{"product": "p", "quantity": 1, "unit_price": "10"}],
            }
            for place, row in enumerate(bought)
            for day, currency in [(8, "EUR") if place == 4 else (1, "USD") if place == 3 else (1, "EUR")]
        ]
        with shop.unit():
            orders.record_many(items, UUID(int=0))
        with shop.unit():
            mailed, kept = reports.groups(mailings.one(mailing_id))
        assert (mailed.people, mailed.buyers, mailed.spent) == (len(sent), 4, 3000)
        assert (kept.people, kept.buyers, kept.spent) == (len(held), 2, 2000)

    def test_who_was_stopped_counts_with_the_mailed(self, shop, mailbox):
        from saas.marketing import launching

        shop.people(10)
        campaign_id = shop.campaign()
        mailing_id = shop.launch(campaign_id)
        with shop.unit():
            freezing.freeze_some(mailing_id)
            launching.cancel(campaign_id)
        shop.work(mailing_id)
        with shop.unit():
            mailed, _held = reports.groups(mailings.one(mailing_id))
        assert mailed.people == 10
