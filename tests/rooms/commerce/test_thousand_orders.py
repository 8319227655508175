"""A thousand random orders of what shops deliver, by hypothesis: doubled, shuffled and late, the end is the same as in order.

Fifty histories are played at a time, each in an order of its own: of each the next message is read by its connector, and what they
say is written together, for the rooms take lists. What follows from orders is worked off now and then in between. Compared is
all that a history ends in. That a wrong rule would be found is tried too: with the last message winning, and two more.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from datetime import timedelta
from itertools import zip_longest
from random import Random
from types import SimpleNamespace
from unittest import mock
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from saas.catalog.models import Product
from saas.commerce import connectors, order_effects, order_history, orders
from saas.commerce.connectors.past import Origin
from saas.commerce.models import Order
from saas.customers import arriving, facts, timeline
from saas.customers.models import Consent, Customer, TimelineEntry
from saas.kit import clock, versions, work
from saas.kit.db import db
from tests.rooms.commerce.shop_messages import STORIES
from tests.rooms.commerce.test_any_order import shuffled

TOGETHER, EXAMPLES = 50, 5
"""Of each of the four kinds of history 5 times 50: a thousand."""
NUMBERS = range(7_100, 7_100 + TOGETHER)
Mixed = dict[int, list]
"""The messages of some histories by the order's number, each in the order in which they come."""


@contextmanager
def gathered():
    """Have connectors hand over what they read instead of writing it; written together at the end."""
    told, lists = defaultdict(list), (orders.record_many, arriving.upsert_many)

    def take_list(write):
        def take(items, source_id, **more):
            told[write, tuple(more.items()), source_id].extend(items)
            return [SimpleNamespace(status="updated", id=None, origin=None, error="")] * len(items)

        return take

    def take_part(model, read, *, order_key, source_id, loud):
        told[model, loud, source_id].append((order_key, read))

    with (
        mock.patch.object(orders, "record_many", take_list(orders.record_many)),
        mock.patch.object(arriving, "upsert_many", take_list(arriving.upsert_many)),
        mock.patch.object(orders, "record_part", take_part),
    ):
        yield
    for (what, how, source_id), items in told.items():
        if what in lists:
            assert [one.error for one in what(items, source_id, **dict(how)) if one.status == "failed"] == []
        else:
            orders.record_parts(what, items, source_id, loud=how)


def play(kind: str, mixed: Mixed, source: UUID, *, chance: Random | None = None) -> None:
    """Take the first message of each history, then the second of each, and so on."""
    connector = connectors.KINDS["generic" if kind == "deleted" else kind]
    origin = Origin(source, "EUR", "")
    for turn in zip_longest(*mixed.values()):
        with gathered():
            for topic, body in filter(None, turn):
                raw = orjson.dumps(body).replace(b"@post.", b"@" + source.hex.encode() + b".")
                connector.take(orjson.loads(raw), topic=topic, origin=origin)
        if chance is None or chance.random() < 0.1:
            follow(source)
    follow(source)


def follow(source: UUID) -> None:
    held = db.session.execute(select(Order.id, Order.customer_id).where(Order.source_id == source)).all()
    order_effects.apply(order_ids=[str(one) for one, _ in held], customer_ids=[str(who) for _, who in held if who])


def ends(source: UUID) -> dict[str, tuple]:
    """Return all that the histories of a shop end in, by order, without ids of ours; and its products. Of consents it is the newest
    statement that counts: what is older when it comes is not written down."""
    db.session.expire_all()
    held = db.session.scalars(select(Order).where(Order.source_id == source)).all()
    ids, whose = [order.id for order in held], [order.customer_id for order in held if order.customer_id]
    lines, entries, consents = defaultdict(list), defaultdict(list), defaultdict(list)
    for line in orders.lines_of(ids):
        lines[line.order_id].append(line)
    people = {one.id: one for one in db.session.scalars(select(Customer).where(Customer.id.in_(whose)))}
    for one in db.session.scalars(
        select(TimelineEntry).where(TimelineEntry.customer_id.in_(whose), TimelineEntry.kind.in_(timeline.KINDS))
    ):
        if one.kind in ("order", "refund"):
            entries[one.customer_id].append((one.kind, one.at, one.title))
    for one in db.session.scalars(select(Consent).where(Consent.customer_id.in_(whose))):
        consents[one.customer_id].append((one.at, one.state, one.channel, one.purpose, one.source))
    beside, known = orders.parts_of(ids), facts.of(whose)
    found: dict[str, tuple] = {
        order.external_id: (
            *_order(order, lines[order.id], beside[order.id]),
            *(_person(people[order.customer_id], known[order.customer_id], source) if order.customer_id else ()),
            sorted(entries[order.customer_id]), max(consents[order.customer_id], default=()),
        )
        for order in held
    }  # fmt: skip
    goods = db.session.scalars(select(Product).where(Product.source_id == source))
    return found | {
        "products": tuple(sorted((one.external_id, one.name, one.sku, one.price_micros, one.active) for one in goods))
    }


def _order(order, lines, beside) -> tuple:
    return (
        order.number, order.status, order.total_amount, order.refunded_amount, order.shipping_amount, order.tax_amount, order_history.at(order.version),
        sorted(order.told),
        [(line.position, line.key, line.quantity, line.unit_micros, line.line_micros, line.flags) for line in lines],
        [(one.key, one.amount_micros, one.at, one.reason, one.lines, one.told) for one in beside["refunds"]],
        [(one.key, one.state, one.tracking_number, one.shipped_at, one.delivered_at, one.lines) for one in beside["fulfilments"]],
        [(one.key, one.state, one.reason, one.lines) for one in beside["returns"]],
        [(one["at"], one["was"], one["lines"]) for one in order_history.changes(order, lines)],
    )  # fmt: skip


def _person(who, known, source: UUID) -> tuple:
    return (
        who.email.replace(source.hex, ""), who.first_name, who.last_name, who.city, who.email_consent,
        known.orders_count, known.items_count, known.spent_amount, known.refunded_amount, known.first_order_at, known.last_order_at,
    )  # fmt: skip


def mixed_up(kind: str, chance: Random) -> Mixed:
    return {number: shuffled(STORIES[kind](number), chance) for number in NUMBERS}


def differing(kind: str, mixed: Mixed, expected: dict[str, tuple], chance: Random) -> dict[str, list[str]]:
    """Play histories, and return the orders that end otherwise, each with the order its messages came in."""
    source = uuid4()
    play(kind, mixed, source, chance=chance)
    found = ends(source)
    return {
        key: [topic for topic, _body in mixed.get(int(key), ())] if key.isdigit() else []
        for key in expected if found.get(key) != expected[key]
    }  # fmt: skip


@pytest.fixture
def in_order(company, context, kind):
    """What the histories of a kind end in when nothing is late."""
    with work.unit(tenant_id=company.tenant_id):
        source = uuid4()
        play(kind, {number: STORIES[kind](number) for number in NUMBERS}, source)
        return ends(source)


@pytest.mark.parametrize("kind", list(STORIES))
def test_it_ends_in_the_same_state(company, context, in_order, kind):
    assert len(in_order) == TOGETHER + 1
    played = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=True))
    def check(chance):
        with work.unit(tenant_id=company.tenant_id):
            assert differing(kind, mixed_up(kind, chance), in_order, chance) == {}
        played.append(TOGETHER)

    check()
    assert sum(played) >= TOGETHER * EXAMPLES


def last_wins(patch):
    """The order that came last is taken for the newest."""
    drafted, came = orders.drafted, iter(range(10**9))

    def by_arrival(item, *more):
        draft = drafted(item, *more)
        draft.row["version"] = versions.stamp(clock.now() + timedelta(seconds=next(came))) + ":"
        return draft

    patch.setattr(orders, "drafted", by_arrival)


def refunds_add_up(patch):
    """A refund that is told twice is two."""
    keep, came = orders.parts.keep, iter(range(10**9))

    def twice(model, rows, source_id):
        return keep(model, [row | {"key": f"{row['key']}-{next(came)}"} for row in rows], source_id)

    patch.setattr(orders.parts, "keep", twice)


def people_change_back(patch):
    """What is told of a customer counts whenever it was."""
    patch.setattr(arriving.versions, "newer", lambda row, *, at, held, versions: (row, dict.fromkeys(row, "")))


@pytest.mark.parametrize(
    ("fault", "kind"), [(last_wins, "woocommerce"), (refunds_add_up, "shopify"), (people_change_back, "generic")]
)
def test_a_wrong_rule_would_be_found(company, context, in_order, kind, fault, monkeypatch):
    fault(monkeypatch)
    chance = Random(3)
    with work.unit(tenant_id=company.tenant_id):
        assert differing(kind, mixed_up(kind, chance), in_order, chance)
