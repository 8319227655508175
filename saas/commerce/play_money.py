"""Orders that are no real ones: a shop tries out its checkout with play money, and its figures must not grow by it.

They are left out, and noted so that nobody looks for them in vain. Who is only trying the connection may have a shop's test
orders counted; when that is turned off again, those that were counted are cancelled, and turned on again they are what they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert

from saas.commerce.health_models import PlayOrder
from saas.commerce.models import Order, Shop
from saas.kit import identifiers, scope
from saas.kit.db import db

NEWEST = ((PlayOrder.placed_at, "desc"), (PlayOrder.id, "desc"))


def counted(shop_id: UUID) -> bool:
    """Tell whether a shop's test orders count like any others, and keep that so to the end of the transaction: an order that is being
    recorded while it is turned off would stay counted."""
    wanted = select(Shop.count_tests).where(Shop.id == shop_id)
    return bool(db.session.scalar(wanted.with_for_update(key_share=True)))


def note(shop_id: UUID, rows: Sequence[dict[str, Any]]) -> None:
    """Keep which of a shop's orders are tests, each once however often it is told."""
    newest = {row["order_key"]: row for row in rows}
    if not newest or not db.session.scalar(select(select(Shop.id).where(Shop.id == shop_id).exists())):
        return
    values = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "shop_id": shop_id, **newest[key]}
        for key in sorted(newest)
    ]
    statement = insert(PlayOrder).values(values)
    said = ("number", "placed_at", "currency", "total_amount", "reason")
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "shop_id", "order_key"], set_={name: statement.excluded[name] for name in said}
        ).execution_options(synchronize_session=False)
    )


def listed(shop_id: UUID) -> Select:
    """Return a select of a shop's test orders; NEWEST is their order."""
    return select(PlayOrder).where(PlayOrder.shop_id == shop_id)


def newest(shop_id: UUID, *, most: int = 5) -> tuple[int, list[PlayOrder]]:
    """Return how many test orders a shop has told of, and the newest few."""
    number = func.count().over()
    query = select(PlayOrder, number).where(PlayOrder.shop_id == shop_id)
    rows = db.session.execute(query.order_by(PlayOrder.placed_at.desc(), PlayOrder.id.desc()).limit(most)).all()
    return (rows[0][1] if rows else 0), [row[0] for row in rows]


def here(shop_id: UUID) -> list[str]:
    """Return the shop's ids of those of its test orders that were counted, and so are here."""
    query = select(Order.external_id).join(
        PlayOrder, (PlayOrder.tenant_id == Order.tenant_id) & (PlayOrder.order_key == Order.external_id)
    )
    wanted = query.where(PlayOrder.shop_id == shop_id, Order.source_id == shop_id)
    return list(db.session.scalars(wanted.order_by(Order.external_id)))


def shown(one: PlayOrder) -> dict[str, Any]:
    """Return a test order as plain values."""
    names = ("id", "order_key", "number", "placed_at", "currency", "total_amount", "reason")
    return {name: getattr(one, name) for name in names}
