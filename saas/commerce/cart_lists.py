"""Carts as people look for them: by what became of them, a page at a time and summed up.

The state of a cart is never stored, for it changes by waiting: open while its shopper is at it, abandoned once nobody
touched it for an hour, bought when it became an order, recovered when it had been left before it did, emptied by its shopper.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from saas.commerce.carts import LEFT
from saas.commerce.models import Cart
from saas.kit import clock, errors, pages
from saas.kit import db as kit_db
from saas.kit.db import db

STATES = ("open", "abandoned", "recovered", "bought", "emptied")
NEWEST = ((Cart.changed_at, "desc"), (Cart.id, "desc"))
MOST_SUMMED = 10_000
"""A sum over more than so many, each somewhere else on the disk, is no matter of an instant."""


class NoSuchCart(errors.NotFound):
    """There is no such cart."""


def one(cart_id: UUID | str) -> Cart:
    """Return a cart; raises NoSuchCart."""
    return kit_db.one(Cart, cart_id, NoSuchCart)


def state(cart: Cart, *, now: datetime | None = None) -> str:
    """Return what became of a cart, one of STATES."""
    if cart.order_id is not None:
        return "recovered" if cart.left_at is not None else "bought"
    if cart.closed_at is not None:
        return "emptied" if not cart.items else "bought"
    return "open" if cart.changed_at > (now or clock.now()) - LEFT else "abandoned"


def _is(state: str, now: datetime) -> ColumnElement[bool]:
    """The same as SQL. An order that was deleted since leaves its cart closed: that was bought."""
    waiting, line = Cart.closed_at.is_(None), now - LEFT
    ordered = Cart.order_id.is_not(None)
    return {
        "open": and_(waiting, Cart.changed_at > line), "abandoned": and_(waiting, Cart.changed_at <= line),
        "recovered": and_(ordered, Cart.left_at.is_not(None)),
        "bought": or_(and_(ordered, Cart.left_at.is_(None)), and_(Cart.order_id.is_(None), Cart.closed_at.is_not(None), Cart.items != [])),
        "emptied": and_(Cart.order_id.is_(None), Cart.closed_at.is_not(None), Cart.items == []),
    }[state]  # fmt: skip


def narrowed(
    query: Select, *, state: str | None = None, customer_id: UUID | None = None, known: bool | None = None,
    since: datetime | None = None, until: datetime | None = None,
) -> Select:  # fmt: skip
    """Return the select with only the carts in a state, of a customer, of known people or of nobody known, changed from
    `since` to `until`."""
    if state is not None:
        query = query.where(_is(state, clock.now()))
    if customer_id is not None:
        query = query.where(Cart.customer_id == customer_id)
    if known is not None:
        query = query.where(Cart.customer_id.is_not(None) if known else Cart.customer_id.is_(None))
    if since is not None:
        query = query.where(Cart.changed_at >= since)
    return query if until is None else query.where(Cart.changed_at < until)


def listed(*, cursor: str | None = None, limit: int = pages.LIMIT, **wanted: Any) -> pages.Page:
    """Return one page of carts, the last touched first; `wanted` is what `narrowed` takes. Raises BadCursor."""
    return pages.page(narrowed(select(Cart), **wanted), order=NEWEST, cursor=cursor, limit=limit)


def became(*, days: int = 30, most: int = MOST_SUMMED) -> list[dict[str, Any]]:
    """Return what became of the carts of the last days (the newest `most` of them): one entry for each currency, the
    one with most carts first, with its `carts` and `amounts` (minor units) by state."""
    now = clock.now()
    newest = (
        select(Cart.currency, Cart.amount, Cart.order_id, Cart.left_at, Cart.closed_at, Cart.changed_at, (Cart.items != []).label("filled"))
        .where(Cart.changed_at >= now - timedelta(days=days)).order_by(Cart.changed_at.desc()).limit(most).subquery()
    )  # fmt: skip
    columns = newest.c
    kinds = (columns.order_id.is_not(None), columns.left_at.is_not(None), columns.closed_at.is_not(None),
             columns.changed_at > now - LEFT, columns.filled)  # fmt: skip
    counts = select(columns.currency, *kinds, func.count(), func.coalesce(func.sum(columns.amount), 0))
    found: dict[str, dict[str, Any]] = {}
    for currency, ordered, left, closed, fresh, filled, count, amount in db.session.execute(
        counts.group_by(columns.currency, *kinds)
    ):
        name = _name(ordered=ordered, left=left, closed=closed, fresh=fresh, filled=filled)
        entry = found.setdefault(
            currency, {"currency": currency, "carts": dict.fromkeys(STATES, 0), "amounts": dict.fromkeys(STATES, 0)}
        )
        entry["carts"][name] += count
        entry["amounts"][name] += int(amount)
    return sorted(found.values(), key=lambda entry: -sum(entry["carts"].values()))


def _name(*, ordered: bool, left: bool, closed: bool, fresh: bool, filled: bool) -> str:
    if ordered:
        return "recovered" if left else "bought"
    if closed:
        return "bought" if filled else "emptied"
    return "open" if fresh else "abandoned"
