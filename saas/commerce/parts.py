"""What hangs on an order and may come before it, after it or inside it: refunds, fulfilments, returns.

Each is known by the shop's id of its order and its own. Of two messages about the same one the larger version stays, whatever
order they come in; one that waits for its order is tied to it when that comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, false, select, update
from sqlalchemy.dialects.postgresql import insert

from saas.commerce.models import Fulfilment, Refund, Return
from saas.kit import arrays, identifiers, scope
from saas.kit.db import db

Part = Fulfilment | Refund | Return
AT_ONCE = 1000
OWN = ("tenant_id", "id", "source_id", "order_key", "key", "order_id", "told")


def keep(model: type[Part], rows: Sequence[dict[str, Any]], source_id: UUID) -> set[UUID]:
    """Keep parts (order_key, key, version and what they say); returns the orders of which something changed."""
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        held = newest.get((row["order_key"], row["key"]))
        if held is None or row["version"] > held["version"]:
            newest[row["order_key"], row["key"]] = row
    values = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "source_id": source_id, **newest[name]}
        for name in sorted(newest)
    ]
    said = [column.name for column in model.__table__.columns if column.name not in OWN]
    changed: set[UUID | None] = set()
    for start in range(0, len(values), AT_ONCE):
        statement = insert(model).values(values[start : start + AT_ONCE])
        statement = statement.on_conflict_do_update(
            index_elements=["tenant_id", "source_id", "order_key", "key"],
            set_={name: statement.excluded[name] for name in said},
            where=statement.excluded.version.collate("C") > model.version.collate("C"),
        )
        done = statement.returning(model.order_id).execution_options(synchronize_session=False)
        changed |= set(db.session.execute(done).scalars())
    return {order_id for order_id in changed if order_id is not None}


def tie(model: type[Part], ids: Mapping[str, UUID], source_id: UUID) -> set[UUID]:
    """Tie what waited to the orders (by the shop's id) that are here now; returns the orders that something waited for."""
    if not ids:
        return set()
    held = arrays.table(key=(list(ids), Text), order_id=(list(ids.values()), Uuid))
    waiting = update(model).where(model.source_id == source_id, model.order_id.is_(None), model.order_key == held.c.key)
    found = waiting.values(order_id=held.c.order_id).returning(model.order_id)
    return set(db.session.execute(found.execution_options(synchronize_session=False)).scalars())


def of(model: type[Part], order_ids: Sequence[UUID], *order: Any) -> list[Any]:
    """Return the parts of orders."""
    return list(db.session.scalars(select(model).where(model.order_id.in_(order_ids)).order_by(*order, model.key)))


def of_all_kinds(order_ids: Sequence[UUID]) -> list[Part]:
    """Return the parts of orders of every kind by one question, to be read only and in no order."""
    kinds = (Refund, Fulfilment, Return)
    refund, parcel, back = (
        select(kind).where(kind.order_id.in_(order_ids)).subquery(kind.__tablename__) for kind in kinds
    )
    beside = refund.join(parcel, false(), full=True).join(back, false(), full=True)
    found: list[Part] = []
    for row in db.session.execute(select(refund, parcel, back).select_from(beside)):
        values = iter(row)
        for kind in kinds:
            part = {column.name: next(values) for column in kind.__table__.columns}
            if part["id"] is not None:
                found.append(kind(**part))
    return found
