"""Deliveries that are taken together: the same in the end as one by one, and one that is wrong spoils no other."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from saas.commerce.models import Order
from saas.integrations import deliveries_in
from saas.integrations.models import DeliveryIn
from saas.kit import work
from saas.kit.db import db
from tests.doors.test_hooks import ORDER, connect, deliver
from tests.queries import counted


def told(company, shop, *changes: dict) -> None:
    for place, change in enumerate(changes):
        kind = change.pop("type", "order.updated")
        body = {"type": kind, "data": {**ORDER, "external_id": f"o{place}", **change}}
        assert deliver(company, shop, body, message_id=f"m{place}").json["status"] in ("stored", "known")


def taken(company) -> dict[str, tuple[str, str]]:
    """Take everything that waits at once; returns what became of each, by its number."""
    with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
        waiting = select(DeliveryIn.id).where(DeliveryIn.state == "waiting")
        deliveries_in.take_many(db.session.scalars(waiting).all())
        return {one.key: (one.state, one.reason) for one in db.session.scalars(select(DeliveryIn))}


def orders(company) -> dict[str, str]:
    with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
        return {one.external_id: one.status for one in db.session.scalars(select(Order))}


def test_orders_are_recorded_together(company):
    shop = connect(company)
    told(company, shop, {}, {}, {})
    with counted() as few:
        taken(company)
    told(company, shop, *[{"external_id": f"more{n}", "customer": {"email": f"m{n}@shop.example"}} for n in range(33)])
    with counted() as many:
        taken(company)
    assert len(many) <= len(few) + 10, "thirty orders take hardly more statements than three"
    assert set(taken(company).values()) == {("done", "")}
    assert len(orders(company)) == 33


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": [{"product": "p", "quantity": 1, "unit_price": "dear"}]},
        {"lines": [{"product": "p", "quantity": 10**30, "unit_price": "1.00"}]},
        {"lines": [{"product": "p", "quantity": 1, "unit_price": "9" * 30}]},
        {"placed_at": "soon"},
        {"customer": {"email": ["a@shop.example"]}},
        {"total": {"$gt": ""}},
    ],
)
def test_a_wrong_one_waits_with_its_reason_and_the_others_are_taken(company, wrong):
    shop = connect(company)
    told(company, shop, {}, wrong, {"type": "order.deleted"}, {"status": "paid"})
    found = taken(company)
    assert [found[key][0] for key in ("m0", "m1", "m2", "m3")] == ["done", "failed", "done", "done"]
    assert found["m1"][1]
    assert sorted(orders(company)) == ["o0", "o3"]


def test_two_versions_of_one_order_end_in_the_newer(company):
    shop = connect(company)
    newer, older = (
        {"updated_at": "2026-05-03T10:00:00Z", "status": "fulfilled"},
        {"updated_at": "2026-05-02T10:00:00Z", "status": "paid"},
    )
    told(company, shop, {"external_id": "one", **newer}, {"external_id": "one", **older})
    assert set(taken(company).values()) == {("done", "")}
    assert orders(company) == {"one": "fulfilled"}


def test_what_comes_while_a_shop_is_paused_waits(company):
    shop = connect(company)
    told(company, shop, {}, {})
    assert company.api("POST", f"/shops/{shop['id']}/pause").status_code in (200, 204)
    assert {state for state, _reason in taken(company).values()} == {"waiting"}
