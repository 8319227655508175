"""The relay: hands out what is due, and gives a queue that is full no more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from saas.customers.events import CustomersChanged
from saas.kit import outbox, queues, valkey, work
from saas.kit.db import db
from saas.kit.events import announce
from saas.recommend.events import ModelsOutdated
from workers import relay, trays


@pytest.fixture
def empty_queues(context):
    queues.allow([relay.JOB, trays.CLEAR])
    _empty()
    yield
    _empty()
    valkey.client().delete(relay.MARK)


def _empty() -> None:
    for name in queues.QUEUES:
        queues.queue(name).empty()
    for key in valkey.client().scan_iter("tray*"):
        valkey.client().delete(key)


@pytest.fixture
def others_rest(context):
    """What other tests left is put off for the time of this one, and was in nobody's hands that could lose it."""
    with work.unit(tenant_id=None):
        db.session.execute(update(outbox.Doorbell).values(due_at=func.now() + timedelta(hours=1), attempts=0))


def handed_out(company) -> list[int]:
    """How often each event of a company that waits was handed out: what others left in the ledger is not counted."""
    with work.unit(tenant_id=None):
        mine = select(outbox.Doorbell.attempts).where(outbox.Doorbell.tenant_id == company.tenant_id)
        return list(db.session.scalars(mine))


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

    def test_a_full_queue_gets_no_more_and_loses_nothing(self, company, drain, empty_queues, others_rest, monkeypatch):
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

    def test_an_emptied_valkey_brings_everything_back_at_once(self, company, drain, empty_queues, others_rest):
        drain(company)
        relay.bring_back_if_emptied()
        with work.unit(tenant_id=company.tenant_id):
            announce(CustomersChanged(customer_ids=[]))
        assert relay.hand_out() == 1
        assert relay.hand_out() == 0
        relay.bring_back_if_emptied()
        assert relay.hand_out() == 0, "nothing was lost, so nothing comes back"
        assert handed_out(company) == [1]
        valkey.client().flushdb()
        relay.bring_back_if_emptied()
        assert relay.hand_out() == 1
        assert handed_out(company) == [2]


class TestTurns:
    """Companies take turns, however much one of them has announced."""

    def announce(self, company, many):
        with work.unit(tenant_id=company.tenant_id):
            announce(*[CustomersChanged(customer_ids=[]) for _ in range(many)])

    def claimed(self, **options):
        with work.unit(tenant_id=None):
            return [row.tenant_id for row in outbox.claim(**{"most": 500, **options})]

    def test_one_event_of_another_is_among_the_first(self, company, other_company, drain, others_rest):
        drain(company), drain(other_company)
        self.announce(company, 300)
        self.announce(other_company, 1)
        taken = self.claimed(most=50)
        assert other_company.tenant_id in taken[:2] and len(taken) <= 50
        drain(company), drain(other_company)

    def test_no_more_than_its_share_is_in_hands(self, company, other_company, drain, others_rest):
        drain(company), drain(other_company)
        self.announce(company, 300)
        assert self.claimed() == [company.tenant_id] * outbox.SHARE
        assert self.claimed() == []
        with work.unit(tenant_id=None):
            assert outbox.due(), "the relay looks again soon"
        self.announce(other_company, 3)
        assert self.claimed() == [other_company.tenant_id] * 3
        drain(company), drain(other_company)

    def test_another_kind_of_the_same_company_is_not_held_up(self, company, drain, others_rest):
        drain(company)
        self.announce(company, 150)
        self.claimed()
        with work.unit(tenant_id=company.tenant_id):
            announce(ModelsOutdated(soon=True))
        assert self.claimed() == [company.tenant_id]
        drain(company)

    def test_what_fails_keeps_nothing_else_waiting(self, company, drain, others_rest):
        drain(company)
        self.announce(company, 150)
        self.claimed()
        with work.unit(tenant_id=None):
            mine = update(outbox.Doorbell).where(outbox.Doorbell.tenant_id == company.tenant_id)
            db.session.execute(mine.where(outbox.Doorbell.attempts > 0).values(last_error="RuntimeError"))
        assert len(self.claimed()) == 50
        drain(company)

    def test_two_relays_at_once_take_no_event_twice(self, company, other_company, drain, others_rest):
        drain(company), drain(other_company)
        self.announce(company, 60)
        self.announce(other_company, 60)
        with ThreadPoolExecutor(4) as hands:

            def take(_):
                with company.app.app_context(), work.unit(tenant_id=None):
                    return [row.event_id for row in outbox.claim(most=40)]

            rounds = list(hands.map(take, range(12)))
        while more := take(0):  # what one passed over because another was just taking it
            rounds.append(more)
        taken = [event_id for one in rounds for event_id in one]
        assert len(taken) == len(set(taken)) == 120
        drain(company), drain(other_company)
