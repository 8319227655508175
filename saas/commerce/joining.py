"""What commerce does when two customers become one, and when they are taken apart again.

Orders, visits and carts move by their foreign keys; here the figures are counted anew, browsers that came later find the way
back with whoever's they are, and live sessions learn whose they are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from saas.commerce import carts, digests, order_effects, visits
from saas.commerce.models import Cart, Order, Visit, Visitor
from saas.customers import identity, merging
from saas.kit.db import db

MOST = 2_000
"""Entries of the timeline that are told anew of what came while two were one."""


def merged(winner: UUID, loser: UUID) -> None:
    """Count anew for the winner and tell the live sessions."""
    _count([winner])
    _tell_live(winner)


def parted(holder: UUID, back: UUID, since: datetime) -> None:
    """Give back what came by the browsers of `back` while they were one, then count both anew."""
    browsers = [name.value for name in identity.names_of(back) if name.kind == "visitor"]
    for start in range(0, len(browsers), 500):
        part = browsers[start : start + 500]
        for model in (Visitor, Visit, Cart):
            _give(model, part, holder, back)
    late = select(Order).where(Order.customer_id == back, Order.created_at >= since).order_by(Order.id).limit(MOST)
    order_effects.tell(list(db.session.scalars(late)))
    for browser in browsers[:100]:
        visits.tell(browser, back)
        carts.tell(browser, back)
    _count([holder, back])
    _tell_live(holder)
    _tell_live(back)


def _give(model: Any, browsers: list[str], holder: UUID, back: UUID) -> None:
    theirs = update(model).where(model.visitor.in_(browsers), model.customer_id == holder).values(customer_id=back)
    db.session.execute(theirs.execution_options(synchronize_session=False))


def _count(customer_ids: list[UUID]) -> None:
    order_effects.count(customer_ids)
    visits.count(customer_ids)
    carts.count(customer_ids)


def _tell_live(customer_id: UUID) -> None:
    newest = select(Visitor).where(Visitor.customer_id == customer_id).order_by(Visitor.last_seen_at.desc()).limit(20)
    for row in db.session.scalars(newest):
        digests.tell_live(row)


merging.follow(merging.Follower(merged=merged, parted=parted))
