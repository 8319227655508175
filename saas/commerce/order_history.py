"""What changed in an order, and when: lines added, taken out or changed, its state, what it comes to.

Every version that ever came is kept, but for the present one, which the order itself is. What changed is told by comparing
each with the one before, so it is the same whatever order they came in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from saas.commerce.models import Order, OrderLine, OrderVersion
from saas.kit import identifiers, scope
from saas.kit.db import db

SAID = ("status", "total_amount", "shipping_amount", "tax_amount", "discount_amount")
LINE = ("position", "key", "product_key", "sku", "name", "quantity", "unit_micros")
MOST_SHOWN = 50


def content(row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is kept of a version, of a draft's columns or of a row's: what the shop said, not that it deleted it."""
    kept = sorted([[line[name] for name in LINE] for line in lines], key=lambda line: line[0])
    status = row["details"].get("status") or row["status"]
    return {**{name: row[name] for name in SAID}, "status": status, "lines": kept}


def of_held(orders: Sequence[Order]) -> dict[UUID, tuple[str, dict[str, Any]]]:
    """Return the version and the content of orders as they are held, before they are written over."""
    ids = [order.id for order in orders]
    lines: dict[UUID, list[dict[str, Any]]] = {order_id: [] for order_id in ids}
    if ids:
        columns = [getattr(OrderLine, name) for name in LINE]
        for row in db.session.execute(
            select(OrderLine.order_id, *columns).where(OrderLine.order_id.in_(ids))
        ).mappings():
            lines[row["order_id"]].append(dict(row))
    return {
        order.id: (order.version, content({name: getattr(order, name) for name in (*SAID, "details")}, lines[order.id]))
        for order in orders
    }


def keep(formers: Sequence[tuple[UUID, str, dict[str, Any]]]) -> None:
    """Keep former versions (order, version, content); one that is kept already stays."""
    rows = {
        (order_id, version): {
            "tenant_id": scope.tenant_id(), "id": identifiers.new(), "order_id": order_id, "version": version, "content": told,
        }
        for order_id, version, told in formers
    }  # fmt: skip
    if rows:
        statement = insert(OrderVersion).on_conflict_do_nothing(index_elements=["tenant_id", "order_id", "version"])
        db.session.execute(statement, [rows[key] for key in sorted(rows)])


def at(version: str) -> datetime:
    """Return the moment a version is of."""
    return datetime.fromtimestamp(int(version.partition(":")[0]) / 1_000_000, UTC)


def changes(order: Order, lines: Sequence[OrderLine]) -> list[dict[str, Any]]:
    """Return what changed in an order, oldest first, as {"at", "was", "lines"}; the last 50 changes.

    `was` are the fields that changed with (before, after), `lines` the changed lines with their name and (before, after) of
    quantity and price; None where the line was not there.
    """
    query = select(OrderVersion.version, OrderVersion.content).where(OrderVersion.order_id == order.id)
    held: dict[str, dict[str, Any]] = dict(db.session.execute(query).all())
    rows = [{name: getattr(line, name) for name in LINE} for line in lines]
    held[order.version] = content({name: getattr(order, name) for name in (*SAID, "details")}, rows)
    steps = [(version, held[version]) for version in sorted(held)]
    found = []
    for (_earlier, before), (version, after) in zip(steps, steps[1:], strict=False):
        was = {name: (before.get(name), after.get(name)) for name in SAID if before.get(name) != after.get(name)}
        moved = _lines(before["lines"], after["lines"])
        if was or moved:
            found.append({"at": at(version), "was": was, "lines": moved})
    return found[-MOST_SHOWN:]


def _lines(before: Sequence[Sequence[Any]], after: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Compare lines by the shop's id of them, or by their position where it gives none."""
    earlier, later = (
        {line[1] or f"#{line[0]}": dict(zip(LINE, line, strict=True)) for line in some} for some in (before, after)
    )
    found = []
    for key in dict.fromkeys([*earlier, *later]):
        old, new = earlier.get(key), later.get(key)
        parts = [(one["quantity"], one["unit_micros"], one["product_key"]) if one else None for one in (old, new)]
        if parts[0] == parts[1]:
            continue
        name = (new or old or {}).get("name") or (new or old or {}).get("sku") or ""
        found.append({
            "name": name, "quantity": (old and old["quantity"], new and new["quantity"]),
            "unit": (old and old["unit_micros"], new and new["unit_micros"]),
        })  # fmt: skip
    return found
