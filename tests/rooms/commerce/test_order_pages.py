"""An order's page and what programs see of it: edits, parcels, refunds with their lines, returns; each happening announced once."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from saas.commerce import connectors, orders
from saas.commerce.connectors.past import Origin
from saas.commerce.models import NO_SOURCE, Order
from saas.kit import clock, work
from saas.kit.db import db
from saas.kit.outbox import OutboxEvent
from tests.rooms.commerce.shop_messages import DAY, STORIES, shopify_order, woo_order

TOLD = {"OrderFulfilled", "OrderDelivered", "OrderRefunded", "OrderCancelled"}


@pytest.fixture
def soon_after(monkeypatch):
    """The day after the story, for what happened long ago is not announced."""
    monkeypatch.setattr(clock, "now", lambda: DAY.replace(day=5))


def told(company) -> list[str]:
    with work.unit(tenant_id=company.tenant_id):
        return sorted(db.session.scalars(select(OutboxEvent.name).where(OutboxEvent.name.in_(TOLD))))


def take(company, kind: str, messages) -> None:
    with work.unit(tenant_id=company.tenant_id):
        for topic, body in messages:
            connectors.KINDS[kind].take(body, topic=topic, origin=Origin(NO_SOURCE, "EUR", ""))


class TestAnnouncing:
    @pytest.mark.parametrize(
        ("kind", "expected"),
        [("woocommerce", ["OrderFulfilled", "OrderRefunded"]), ("shopify", ["OrderDelivered", "OrderFulfilled", "OrderRefunded"]),
         ("generic", ["OrderDelivered", "OrderFulfilled", "OrderRefunded"])],
    )  # fmt: skip
    def test_each_happening_is_told_once_however_often_it_comes(self, company, context, soon_after, kind, expected):
        take(company, kind, STORIES[kind](71) * 2)
        assert told(company) == expected

    def test_the_past_announces_nothing_and_neither_does_what_comes_again_after_it(self, company, context, soon_after):
        story = STORIES["woocommerce"](71)
        with work.unit(tenant_id=company.tenant_id):
            connectors.KINDS["woocommerce"].write(
                "orders", [body for topic, body in story if topic == "order.updated"], Origin(NO_SOURCE, "EUR", "")
            )
        take(company, "woocommerce", story)
        assert told(company) == []

    def test_a_deleted_order_is_told_as_cancelled_once(self, company, context, soon_after):
        take(company, "generic", STORIES["deleted"](71) * 2)
        assert told(company) == ["OrderCancelled"]


class TestLeftOut:
    @pytest.mark.parametrize("status", ["checkout-draft", "auto-draft"])
    def test_a_draft_of_the_checkout_is_no_order(self, company, context, status):
        take(company, "woocommerce", [woo_order(status=status)])
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalars(select(Order)).all() == []

    def test_tests_are_left_out(self, company, context):
        take(company, "shopify", [shopify_order(test=True)])
        take(company, "woocommerce", [woo_order(meta_data=[{"key": "_wcpay_mode", "value": "test"}])])
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalars(select(Order)).all() == []


class TestPage:
    def test_it_tells_what_happened(self, company, context):
        take(company, "shopify", STORIES["shopify"](71))
        with work.unit(tenant_id=company.tenant_id):
            order_id = orders.by_key("71", NO_SOURCE).id
        page = re.sub(r"\s+", " ", company.page.get(f"/orders/{order_id}").text)
        for words in (
            "DHL",
            "JD71",
            "Added: 2 × Tin 6",
            "A parcel was delivered",
            "one was dented",
            "1 × Tin 6 (back in stock)",
            "Coming back",
        ):
            assert words in page
        shown = company.api("GET", f"/orders/{order_id}").json
        assert [(one["state"], one["tracking_number"]) for one in shown["fulfilments"]] == [("delivered", "JD71")]
        assert [(one["amount"], one["lines"]) for one in shown["refunds"]] == [
            ("4.00", [{"line": "1002", "quantity": 1, "amount": "4.00", "restock": True}])
        ]  # fmt: skip
        assert [one["state"] for one in shown["returns"]] == ["closed"]
        assert shown["changes"][-1]["fields"]["status"] == ["paid", "fulfilled"]
