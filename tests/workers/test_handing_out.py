"""Reactions: those that may be are run once for several events, and one that fails holds up no other."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from saas.customers.events import CustomersChanged
from saas.kit import outbox, work
from saas.kit.db import db
from saas.kit.events import announce
from workers import handing_out

DUPLICATES = "workers.jobs.customers.look_for_duplicates"


@pytest.fixture
def told(company, drain, monkeypatch):
    """What a reaction was given, call by call; an id that reads “bad” makes it fail."""
    calls: list[list[str]] = []

    def react(*, customer_ids, **_):
        if "bad" in customer_ids:
            raise RuntimeError("this one cannot be done")
        calls.append(customer_ids)

    drain(company)
    monkeypatch.setattr(handing_out, "resolve", lambda _name: react)
    return calls


def announced(company, *lists: list[str]) -> list[list]:
    """Announce one event for each of these lists; returns what a job is given to react to them."""
    with work.unit(tenant_id=company.tenant_id):
        announce(*[CustomersChanged(customer_ids=ids) for ids in lists])
        query = select(outbox.OutboxEvent).where(outbox.OutboxEvent.name == "CustomersChanged")
        held = {tuple(event.payload["customer_ids"]): str(event.id) for event in db.session.scalars(query)}
    return [[company.tenant_id, held[tuple(ids)], DUPLICATES] for ids in lists]


def recorded(company) -> int:
    with work.unit(tenant_id=company.tenant_id):
        query = select(outbox.ReactionDone.id).where(outbox.ReactionDone.reaction == DUPLICATES)
        return len(db.session.scalars(query).all())


class TestTogether:
    def test_several_events_are_reacted_to_once(self, company, context, told):
        before = recorded(company)
        handing_out.react(items=announced(company, ["a", "b"], ["b", "c"], ["d"]))
        assert [sorted(ids) for ids in told] == [["a", "b", "c", "d"]]
        assert recorded(company) - before == 3

    def test_no_more_at_once_than_the_reaction_takes(self, company, context, told):
        most = handing_out.TOGETHER[DUPLICATES]
        lists = [[f"{event}-{n}" for n in range(most - 1)] for event in "abc"]
        handing_out.react(items=announced(company, *lists))
        assert sorted(told) == lists

    def test_one_that_fails_holds_up_no_other(self, company, context, told):
        items = announced(company, ["a"], ["bad"], ["c"])
        handing_out.react(items=items)
        assert sorted(told) == [["a"], ["c"]]
        with work.unit(tenant_id=None):
            query = select(outbox.Doorbell.event_id).where(
                outbox.Doorbell.tenant_id == company.tenant_id, outbox.Doorbell.last_error.is_not(None)
            )
            assert [str(one) for one in db.session.scalars(query)] == [items[1][1]]

    def test_what_was_done_before_is_not_done_again(self, company, context, told):
        items = announced(company, ["a"], ["b"], ["c"])
        handing_out.react(items=items[1:2])
        handing_out.react(items=items)
        assert [sorted(ids) for ids in told] == [["b"], ["a", "c"]]

    def test_another_company_is_another_matter(self, company, other_company, context, told):
        handing_out.react(items=announced(company, ["a"]) + announced(other_company, ["b"]))
        assert told == [["a"], ["b"]]
