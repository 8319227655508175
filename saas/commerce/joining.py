"""What commerce does when two customers become one, and when they are taken apart again.

Orders, visits and carts move by their foreign keys; here the figures are counted anew, browsers that came later find the way
back with whoever's they are, and live sessions learn whose they are.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from saas.commerce import carts, digests, order_effects, recognition, visits
from saas.commerce.models import Order, Visitor
from saas.customers import joins, merging
from saas.kit.db import db

MOST = 2_000
"""Entries of the timeline that are told anew of what came while two were one."""


def merged(winner: UUID, loser: UUID) -> None:
    """Count anew for the winner and tell the live sessions."""
    settle(winner)
    count([winner])
    tell_live(winner)


def parted(holder: UUID, back: UUID, since: datetime) -> None:
    """Give back what came by the browsers of `back` while they were one, then count both anew."""
    settle(holder, back)
    late = select(Order).where(Order.customer_id == back, Order.created_at >= since).order_by(Order.id).limit(MOST)
    order_effects.tell(list(db.session.scalars(late)))
    count([holder, back])
    tell_live(holder)
    tell_live(back)


def settle(*customer_ids: UUID) -> None:
    """Work out anew whose the time of their browsers is."""
    browsers = joins.visitors_of(*customer_ids)
    joins.derive(browsers)
    touched: set[UUID] = set()
    for start in range(0, len(browsers), 500):
        for row in recognition.hold_many(browsers[start : start + 500]):
            touched |= recognition.settle(row)
    count(sorted(touched - set(customer_ids)))


def count(customer_ids: list[UUID]) -> None:
    """Count anew what customers bought, looked at and put into carts."""
    order_effects.count(customer_ids)
    visits.count(customer_ids)
    carts.count(customer_ids)


def tell_live(customer_id: UUID) -> None:
    """Have the live sessions of a customer's newest browsers know whose they are."""
    newest = select(Visitor).where(Visitor.customer_id == customer_id).order_by(Visitor.last_seen_at.desc()).limit(20)
    for row in db.session.scalars(newest):
        digests.tell_live(row)


merging.follow(merging.Follower(merged=merged, parted=parted))
