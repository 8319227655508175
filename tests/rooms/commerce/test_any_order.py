"""Real histories of orders, of three kinds of shops, told doubled, shuffled and late: the same in the end as in order.

Each history is one order's: placed, edited, paid, sent, delivered, returned, refunded or deleted, with its customer. The
messages come in drawn orders, half of them twice; what follows from them is worked off now and then in between.
"""

from __future__ import annotations

from random import Random
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import select

from saas.commerce import connectors, order_effects, order_history, orders
from saas.commerce.connectors.past import Origin
from saas.commerce.models import Order
from saas.customers import facts, timeline
from saas.customers.models import Customer, TimelineEntry
from saas.kit import work
from saas.kit.db import db
from tests.rooms.commerce.shop_messages import STORIES

HISTORIES = 8
"""Of each kind; each is told in an order of its own."""
NUMBER = 71


def tell(kind: str, messages, source: UUID, *, chance: Random | None = None) -> None:
    """Take messages as deliveries are taken; now and then what follows from them is worked off."""
    connector = connectors.KINDS["generic" if kind == "deleted" else kind]
    for topic, body in messages:
        with db.session.begin_nested():
            connector.take(
                orjson.loads(orjson.dumps(body).replace(b"@post.", b"@" + source.hex.encode() + b".")),
                topic=topic,
                origin=Origin(source, "EUR", ""),
            )
        if chance is not None and chance.random() < 0.1:
            follow(source)


def follow(source: UUID) -> None:
    held = db.session.execute(select(Order.id, Order.customer_id).where(Order.source_id == source)).all()
    ids, whose = [str(one) for one, _who in held], [str(who) for _one, who in held if who]
    order_effects.apply(order_ids=ids, customer_ids=whose)


def state(source: UUID) -> tuple:
    """Return everything an order's history ends in, without ids of ours."""
    db.session.expire_all()
    order = db.session.scalars(select(Order).where(Order.source_id == source)).one()
    lines = orders.lines_of([order.id])
    beside = orders.parts_of([order.id])[order.id]
    said = (
        order.external_id, order.number, order.status, order.total_amount, order.refunded_amount, order_history.at(order.version), sorted(order.told),
        [(line.position, line.key, line.quantity, line.unit_micros, line.flags) for line in lines],
        [(one.key, one.amount_micros, one.at, one.reason, one.lines, one.told) for one in beside["refunds"]],
        [(one.key, one.state, one.tracking_number, one.shipped_at, one.delivered_at, one.lines) for one in beside["fulfilments"]],
        [(one.key, one.state, one.reason, one.lines) for one in beside["returns"]],
        [(one["at"], one["was"], one["lines"]) for one in order_history.changes(order, lines)],
    )  # fmt: skip
    if order.customer_id is None:
        return said
    who = db.session.get_one(Customer, (order.tenant_id, order.customer_id))
    known = facts.of([order.customer_id])[order.customer_id]
    entries = db.session.scalars(
        select(TimelineEntry).where(TimelineEntry.customer_id == who.id, TimelineEntry.kind.in_(timeline.KINDS))
    )
    told = sorted((one.kind, one.at, one.title) for one in entries if one.kind in ("order", "refund"))
    figures = (known.orders_count, known.spent_amount, known.refunded_amount, known.first_order_at, known.last_order_at)
    return (*said, who.email.replace(source.hex, ""), who.first_name, who.city, figures, told)


def shuffled(messages: list, chance: Random) -> list:
    mixed = messages + chance.sample(messages, len(messages) // 2)
    chance.shuffle(mixed)
    return mixed


@pytest.fixture
def in_order(company, context, kind):
    """What a kind of history ends in when nothing is late."""
    with work.unit(tenant_id=company.tenant_id):
        source = uuid4()
        tell(kind, STORIES[kind](NUMBER), source)
        follow(source)
        return state(source)


class TestAnyOrder:
    @pytest.mark.parametrize("kind", list(STORIES))
    def test_it_ends_in_the_same_state(self, company, context, in_order, kind):
        chance = Random(20260901)
        for _history in range(HISTORIES):
            with work.unit(tenant_id=company.tenant_id):
                source = uuid4()
                tell(kind, shuffled(STORIES[kind](NUMBER), chance), source, chance=chance)
                follow(source)
                assert state(source) == in_order
