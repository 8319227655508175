"""Which orders followed which mail: the last click within seven days before, else the last true open within three.

What counts is what is left of an order after its refunds. It says what followed, not what the mail caused; that is
what the people held out are for (see `uplift`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from saas.commerce.models import COUNTED, Order
from saas.kit import identifiers, scope
from saas.kit.db import db
from saas.marketing.models import Attribution, MailEvent, Mailing

WINDOWS = {"click": timedelta(days=7), "open": timedelta(days=3)}


def follow(order_ids: Sequence[UUID]) -> int:
    """Attribute orders, new or changed, to the mails they followed; returns how many follow one."""
    orders = list(db.session.scalars(select(Order).where(Order.id.in_(order_ids))))
    touches = _touches(orders)
    rows = [row for order in orders if (row := _row(order, touches.get(order.customer_id, []))) is not None]
    none = {order.id for order in orders} - {row["order_id"] for row in rows}
    if none:
        db.session.execute(
            delete(Attribution).where(Attribution.order_id.in_(none)).execution_options(synchronize_session=False)
        )
    if rows:
        statement = insert(Attribution)
        renewed = ("mailing_id", "recipient_id", "kind", "touched_at", "ordered_at", "amount", "currency")
        renew = {name: statement.excluded[name] for name in renewed}
        db.session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "order_id"], set_=renew), rows)
    return len(rows)


def _touches(orders: Sequence[Order]) -> dict[UUID | None, list[Any]]:
    """The clicks and true opens of these customers that any of these orders may have followed, oldest first."""
    known = [order for order in orders if order.customer_id is not None and order.status in COUNTED]
    if not known:
        return {}
    first = min(order.placed_at for order in known) - max(WINDOWS.values())
    last = max(order.placed_at for order in known)
    query = (
        select(MailEvent.customer_id, MailEvent.kind, MailEvent.at, MailEvent.mailing_id, MailEvent.recipient_id)
        .where(
            MailEvent.customer_id.in_({order.customer_id for order in known}),
            MailEvent.kind.in_(WINDOWS),
            MailEvent.at >= first,
            MailEvent.at <= last,
            ~MailEvent.proxy,
            ~MailEvent.bot,
        )
        .order_by(MailEvent.at)
    )
    found: dict[UUID | None, list[Any]] = {}
    for row in db.session.execute(query):
        found.setdefault(row.customer_id, []).append(row)
    return found


def _row(order: Order, touches: list[Any]) -> dict[str, Any] | None:
    touch = last_touch(order.placed_at, touches) if order.status in COUNTED else None
    if touch is None:
        return None
    return {
        "tenant_id": scope.tenant_id(),
        "id": identifiers.new(),
        "order_id": order.id,
        "mailing_id": touch.mailing_id,
        "recipient_id": touch.recipient_id,
        "kind": touch.kind,
        "touched_at": touch.at,
        "ordered_at": order.placed_at,
        "amount": max(order.total_amount - order.refunded_amount, 0),
        "currency": order.currency,
    }


def last_touch(ordered_at: datetime, touches: Sequence[Any]) -> Any | None:
    """Return the touch an order followed: the last click in time, else the last open in time, else None."""
    for kind, window in WINDOWS.items():
        inside = [touch for touch in touches if touch.kind == kind and ordered_at - window <= touch.at <= ordered_at]
        if inside:
            return max(inside, key=lambda touch: touch.at)
    return None


def of_order(order_id: UUID) -> dict[str, Any] | None:
    """Return the mail an order followed (campaign_id, name, kind of touch and its moment), or None."""
    query = (
        select(Mailing.campaign_id, Mailing.name, Attribution.kind, Attribution.touched_at)
        .join(Mailing, (Mailing.tenant_id == Attribution.tenant_id) & (Mailing.id == Attribution.mailing_id))
        .where(Attribution.order_id == order_id)
    )
    row = db.session.execute(query).one_or_none()
    return dict(row._mapping) if row else None
