"""Trays: what may be done together gathers until a worker comes, and no company's share keeps another's waiting."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from saas.customers.events import CustomersChanged
from saas.integrations.models import DeliveryIn
from saas.kit import outbox, queues, valkey, work
from saas.kit.db import db
from saas.kit.events import announce
from tests.doors.test_hooks import ORDER, connect, deliver
from tests.queries import counted
from tests.workers.test_relay import empty_queues, others_rest, waiting  # noqa: F401 - fixtures
from workers import handing_out, relay, trays

QUEUE, TENANT = "heavy", 987_654_321


@pytest.fixture
def told(company, other_company, drain, monkeypatch):
    """Whose events were reacted to, call by call, and how many of them together."""
    calls: list[tuple[int, int]] = []
    drain(company), drain(other_company)
    monkeypatch.setattr(
        handing_out, "_react_to_all", lambda ids, _function: calls.append((handing_out.scope.tenant_id(), len(ids)))
    )
    monkeypatch.setattr(handing_out, "_react", lambda _id, _function: calls.append((handing_out.scope.tenant_id(), 1)))
    return calls


def announce_some(company, many: int) -> None:
    with work.unit(tenant_id=company.tenant_id):
        announce(*[CustomersChanged(customer_ids=[]) for _ in range(many)])


def work_off() -> None:
    """Do the job that waits first."""
    job = queues.queue(QUEUE).jobs[0]
    queues.queue(QUEUE).remove(job)
    handing_out.clear(**job.kwargs)


class TestTray:
    def test_what_comes_until_a_worker_does_is_taken_at_once_and_rung_for_once(self, empty_queues):
        for number in range(5):
            trays.put(QUEUE, TENANT, [[str(number), "f"], [str(number), "g"]])
        assert queues.depth(QUEUE) == 1
        assert trays.take(QUEUE, TENANT) == [[str(number), name] for number in range(5) for name in "fg"]
        assert trays.take(QUEUE, TENANT) == []

    def test_what_comes_while_a_worker_is_at_it_is_rung_for_anew(self, empty_queues):
        trays.put(QUEUE, TENANT, [["1", "f"]])
        trays.take(QUEUE, TENANT)
        trays.put(QUEUE, TENANT, [["2", "f"]])
        assert queues.depth(QUEUE) == 2
        assert trays.take(QUEUE, TENANT) == [["2", "f"]]

    def test_more_than_anybody_takes_at_a_time_is_rung_for_again(self, empty_queues, monkeypatch):
        monkeypatch.setattr(trays, "MOST", 2)
        trays.put(QUEUE, TENANT, [[str(number), "f"] for number in range(3)])
        assert len(trays.take(QUEUE, TENANT)) == 2
        assert queues.depth(QUEUE) == 2
        assert trays.take(QUEUE, TENANT) == [["2", "f"]]

    def test_a_ring_that_was_lost_is_repeated(self, empty_queues):
        trays.put(QUEUE, TENANT, [["1", "f"]])
        queues.queue(QUEUE).empty()
        assert 0 < valkey.client().ttl(trays._rung(QUEUE, TENANT)) <= trays.WAITS
        valkey.client().delete(trays._rung(QUEUE, TENANT))
        trays.put(QUEUE, TENANT, [["2", "f"]])
        assert queues.depth(QUEUE) == 1
        assert len(trays.take(QUEUE, TENANT)) == 2


class TestTurns:
    def test_events_that_come_one_by_one_are_reacted_to_together(self, company, empty_queues, told, others_rest):  # noqa: F811
        for _ in range(7):
            announce_some(company, 1)
            relay.hand_out()
        assert queues.depth(QUEUE) == 1
        work_off()
        assert told == [(company.tenant_id, 7), (company.tenant_id, 7)], "two reactions, each to all seven"

    def test_another_company_waits_for_no_more_than_a_share(
        self, company, other_company, empty_queues, told, others_rest
    ):  # noqa: F811
        announce_some(company, 300)
        relay.hand_out()
        announce_some(other_company, 1)
        relay.hand_out()
        work_off()
        assert {tenant for tenant, _many in told} == {company.tenant_id}
        assert max(many for _tenant, many in told) <= outbox.SHARE
        work_off()
        assert told[-1] == (other_company.tenant_id, 1)

    def test_a_lost_tray_comes_back(self, company, empty_queues, others_rest, drain):  # noqa: F811
        drain(company)
        relay.bring_back_if_emptied()
        announce_some(company, 3)
        relay.hand_out()
        valkey.client().flushdb()
        assert trays.take(QUEUE, company.tenant_id) == []
        relay.bring_back_if_emptied()
        relay.hand_out()
        assert len(trays.take(QUEUE, company.tenant_id)) == 6
        assert waiting(company) == 3
        drain(company)


class TestDeliveries:
    def test_two_companies_shops_share_the_worker(self, company, other_company, empty_queues, others_rest, drain):  # noqa: F811
        drain(company), drain(other_company)
        for who, many in ((company, 30), (other_company, 1)):
            shop = connect(who)
            for place in range(many):
                body = {"type": "order.updated", "data": {**ORDER, "external_id": f"o{place}"}}
                assert deliver(who, shop, body, message_id=f"m{place}").json["status"] == "stored"
        relay.hand_out()
        jobs = [job.kwargs for job in queues.queue("events").jobs if job.func_name == trays.CLEAR]
        rung = {given["tenant_id"]: given for given in jobs}
        assert set(rung) == {company.tenant_id, other_company.tenant_id} and len(jobs) == 2
        with counted() as asked:
            handing_out.clear(**rung[company.tenant_id])
        assert len(asked) < 3 * 30, "one after the other each takes some forty"
        handing_out.clear(**rung[other_company.tenant_id])
        for who, many in ((company, 30), (other_company, 1)):
            with work.unit(tenant_id=who.tenant_id):
                assert [one.state for one in db.session.scalars(select(DeliveryIn))] == ["done"] * many
        drain(company), drain(other_company)
