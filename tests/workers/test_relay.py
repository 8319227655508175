"""The relay: hands out what is due, and gives a queue that is full no more."""

from __future__ import annotations

import pytest

from saas.customers.events import CustomersChanged
from saas.kit import outbox, queues, valkey, work
from saas.kit.events import announce
from workers import relay


@pytest.fixture
def empty_queues(context):
    queues.allow([relay.JOB])
    for name in queues.QUEUES:
        queues.queue(name).empty()
    yield
    for name in queues.QUEUES:
        queues.queue(name).empty()
    valkey.client().delete(relay.MARK)


def waiting(company) -> int:
    with work.unit(tenant_id=None):
        return outbox.waiting([company.tenant_id])


class TestHandOut:
    def test_an_event_stays_until_its_reactions_are_recorded(self, company, drain, empty_queues):
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            announce(CustomersChanged(customer_ids=[]))
        assert relay.hand_out() >= 1
        assert queues.depth("heavy") >= 1
        assert waiting(company) == 1
        drain(company)
        assert waiting(company) == 0

    def test_a_full_queue_gets_no_more_and_loses_nothing(self, company, drain, empty_queues, monkeypatch):
        drain(company)
        monkeypatch.setattr(relay, "FULL", 1)
        queues.enqueue("heavy", relay.JOB, items=[])
        with work.unit(tenant_id=company.tenant_id):
            announce(CustomersChanged(customer_ids=[]))
        relay.hand_out()
        assert queues.depth("heavy") == 1
        assert waiting(company) == 1
        queues.queue("heavy").empty()
        assert relay.hand_out() >= 1
        assert queues.depth("heavy") == 1

    def test_an_emptied_valkey_brings_everything_back_at_once(self, company, drain, empty_queues):
        drain(company)
        relay.bring_back_if_emptied()
        with work.unit(tenant_id=company.tenant_id):
            announce(CustomersChanged(customer_ids=[]))
        relay.hand_out()
        assert relay.hand_out() == 0
        valkey.client().flushdb()
        relay.bring_back_if_emptied()
        assert relay.hand_out() >= 1
