"""The rows of orders as `orders` has them written: the orders, their lines, and what hangs on them. The number of statements does
not grow with the number of orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Integer, Text, Uuid, delete, func, insert, literal, select, update

from saas.catalog import products, variants
from saas.commerce import parts
from saas.commerce.drafting import Draft
from saas.commerce.models import Fulfilment, Order, OrderLine, Refund, Return
from saas.kit import arrays, clock, identifiers, money, scope
from saas.kit.db import db
from saas.tenancy import custom_values

LINE = {
    "position": Integer, "product_key": Text, "variant_key": Text, "sku": Text, "name": Text, "quantity": BigInteger, "unit_micros": BigInteger,
    "line_micros": BigInteger, "key": Text, "discount_micros": BigInteger, "tax_micros": BigInteger,
}  # fmt: skip
Owner = tuple[UUID | None, str, list[UUID]]
"""Whose an order is, the version that says so, and the names it says it by."""


def locked(keys: Iterable[str], source_id: UUID) -> dict[str, Order]:
    """Return those of a source's orders that are here, by its ids, and keep them from others to the end of the transaction."""
    query = select(Order).where(Order.source_id == source_id, Order.external_id.in_(list(keys)))
    return {order.external_id: order for order in db.session.scalars(query.order_by(Order.id).with_for_update())}


def write_orders(
    fresh: dict[str, Draft], later: dict[str, Draft], ids: dict[str, UUID], owners: dict[str, Owner], source_id: UUID,
    known: dict[str, Order],
) -> None:  # fmt: skip
    """Write new orders and newer versions, and whose they are where only that is news."""
    now, tenant_id = clock.now(), scope.tenant_id()
    if fresh:
        every = insert(Order).execution_options(render_nulls=True)  # else those without a customer go by themselves
        db.session.execute(every, [
            {"tenant_id": tenant_id, "id": ids[key], "source_id": source_id, **_owned(owners.get(key, (None, "", []))),
             "refunded_amount": 0, "told": [], "created_at": now, "updated_at": now, **draft.row, "custom": custom_values.merged({}, draft.own)}
            for key, draft in fresh.items()
        ])  # fmt: skip
    if later:
        db.session.execute(update(Order), [
            {"tenant_id": tenant_id, "id": ids[key], "updated_at": now, **draft.row, **(_owned(owners[key]) if key in owners else {}),
             **({"custom": custom_values.merged(known[key].custom, draft.own)} if draft.own else {})}
            for key, draft in later.items()
        ])  # fmt: skip
    theirs = [key for key in owners if key in known and key not in later]
    if theirs:
        rows = [{"tenant_id": tenant_id, "id": ids[key], "updated_at": now, **_owned(owners[key])} for key in theirs]
        db.session.execute(update(Order), rows)
    custom_values.write_many("order", {ids[key]: draft.own for key, draft in fresh.items()}, fresh=True)
    custom_values.write_many("order", {ids[key]: draft.own for key, draft in later.items()})


def _owned(owner: Owner) -> dict[str, Any]:
    return {"customer_id": owner[0], "customer_version": owner[1], "came_by": owner[2]}


def write_lines(drafts: dict[str, Draft], ids: dict[str, UUID], replaced: set[str], source_id: UUID) -> None:
    """Write the lines of orders, of those in `replaced` instead of what they had, with the products and variants they mean."""
    if replaced:
        db.session.execute(delete(OrderLine).where(OrderLine.order_id.in_([ids[key] for key in replaced])))
    keys = {(line["product_key"], line["sku"]) for draft in drafts.values() for line in draft.lines}
    found = products.by_key(sorted(keys), source_id)
    rows = [(ids[key], line) for key, draft in drafts.items() for line in draft.lines]
    if not rows:
        return
    products_of = [found.get((line["product_key"], line["sku"])) for _order, line in rows]
    known = variants.by_key(
        (product, line["variant_key"]) for (_order, line), product in zip(rows, products_of, strict=True)
    )
    variants_of = [
        known.get((product, line["variant_key"])) for (_order, line), product in zip(rows, products_of, strict=True)
    ]
    flags = [
        line["flags"] if product else [*line["flags"], "unknown_product"]
        for (_order, line), product in zip(rows, products_of, strict=True)
    ]
    new = arrays.table(
        id=(identifiers.many(len(rows)), Uuid), order_id=([order for order, _line in rows], Uuid), product_id=(products_of, Uuid),
        variant_id=(variants_of, Uuid), flags=([",".join(own) for own in flags], Text),
        **{name: ([line[name] for _order, line in rows], kind) for name, kind in LINE.items()},
    )  # fmt: skip
    values = {"tenant_id": literal(scope.tenant_id(), OrderLine.tenant_id.type)} | {one.name: one for one in new.c}
    values["flags"] = func.string_to_array(new.c.flags, ",")
    db.session.execute(insert(OrderLine).from_select(list(values), select(*values.values()), include_defaults=False))


def write_parts(drafts: Sequence[Draft], ids: dict[str, UUID], source_id: UUID) -> set[UUID]:
    """Write what hangs on orders, tie what waited for them, and return the orders of which something changed thereby."""
    changed: set[UUID] = set()
    for model, name in ((Refund, "refunds"), (Fulfilment, "fulfilments"), (Return, "returns")):
        rows = [
            {"order_key": key, "order_id": ids[key], **row}
            for draft in drafts if (key := draft.row["external_id"])
            for row in getattr(draft, name)
        ]  # fmt: skip
        changed |= parts.keep(model, rows, source_id)
        changed |= parts.tie(model, ids, source_id)
    return changed | sum_refunds(list(ids.values()))


def sum_refunds(order_ids: Sequence[UUID]) -> set[UUID]:
    """Write what orders' refunds come to; returns the orders whose sum changed. Of what was never paid nothing is refunded."""
    query = (
        select(Order.id, Order.currency, Order.refunded_amount, func.coalesce(func.sum(Refund.amount_micros), 0))
        .join(Refund, (Refund.tenant_id == Order.tenant_id) & (Refund.order_id == Order.id))
        .where(Order.id.in_(order_ids))
        .group_by(Order.id, Order.currency, Order.refunded_amount)
    )
    changed = []
    for order_id, currency, held, micros in db.session.execute(query):
        amount = money.from_micros(int(micros), currency)
        if amount != held:
            changed.append(
                {"tenant_id": scope.tenant_id(), "id": order_id, "refunded_amount": amount, "updated_at": clock.now()}
            )
    if changed:
        db.session.execute(update(Order), changed)
    return {row["id"] for row in changed}
