"""Orders as shops and programs send them: once, in any order, twice or late, and always the same in the end.

An order's version is its `updated_at` and a digest of what it says; a version that is not larger changes nothing, which
makes recording idempotent and independent of the order in which versions come. Refunds are kept by their own id and may
come before their order. Real shops are taken as they are: a negative quantity is a return line, a price of zero or less is
taken and flagged, and two equal lines are two lines, for lines are known by their position.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Integer, Text, Uuid, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from saas.catalog import products
from saas.commerce.events import OrdersRecorded
from saas.commerce.models import NO_SOURCE, ORDER_STATES, Order, OrderLine, Refund
from saas.customers import arriving, identity, merge_tree
from saas.kit import arrays, clock, errors, identifiers, money, scope, search, text, versions
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.tenancy import audit, custom_values

MOST_LINES = 2000
LINE = {
    "position": Integer, "product_key": Text, "sku": Text, "name": Text, "quantity": BigInteger, "unit_micros": BigInteger,
    "line_micros": BigInteger,
}  # fmt: skip
CHUNK = 500


class NoSuchOrder(errors.NotFound):
    """There is no such order."""


class BadItem(ValueError):
    """An item cannot be an order; the sentence says why."""


@dataclass
class Recorded:
    """What became of one item: status is created, updated, unchanged, stale or failed."""

    index: int
    id: UUID | None
    status: str
    error: str = ""


@dataclass
class Draft:
    """An item as columns: the order's, its lines', its refunds', and the customer it names."""

    index: int
    row: dict[str, Any]
    lines: list[dict[str, Any]]
    refunds: list[dict[str, Any]]
    customer: dict[str, Any] | None
    at: datetime
    own: custom_values.Values


def drafted(item: dict[str, Any], index: int, now: datetime, own: custom_values.Values | None = None) -> Draft:
    """Return an item of the API's shape as columns; raises BadItem with a sentence."""
    key = text.clean(str(item.get("external_id") or ""), most=200)
    if not key:
        raise BadItem("An order needs an external_id.")
    currency = text.clean(item.get("currency"), most=3).upper()
    if len(currency) != 3:
        raise BadItem("An order needs a currency of three letters, such as EUR.")
    placed = item.get("placed_at")
    if placed is None:
        raise BadItem("An order needs placed_at.")
    status = item.get("status") or "paid"
    if status not in ORDER_STATES:
        raise BadItem(f"The status must be one of {', '.join(ORDER_STATES)}.")
    if len(item.get("lines") or ()) > MOST_LINES:
        raise BadItem(f"An order has at most {MOST_LINES} lines.")
    try:
        return _draft(item, index, key, currency, placed, status, item.get("updated_at") or placed, own or {})
    except money.NotMoney as error:
        raise BadItem(str(error)) from None


def _draft(
    item: dict[str, Any], index: int, key: str, currency: str, placed: datetime, status: str, at: datetime,
    own: custom_values.Values,
) -> Draft:  # fmt: skip
    lines = [_line(line, place) for place, line in enumerate(item.get("lines") or ())]
    positions = [line["position"] for line in lines]
    if len(set(positions)) != len(positions):
        raise BadItem("Two lines have the same position.")
    sums = {name: money.parse_amount(item.get(name) or 0, currency) for name in ("shipping", "tax", "discount")}
    micros = sum(line["line_micros"] for line in lines)
    if item.get("total") is not None:
        total = money.parse_amount(item["total"], currency)
    else:
        total = money.from_micros(micros, currency) + sums["shipping"] + sums["tax"] - sums["discount"]
    customer = item.get("customer") or None
    row = {
        "external_id": key, "number": text.clean(str(item.get("number") or key), most=100), "status": status, "currency": currency,
        "placed_at": placed, "visitor": text.clean(item.get("visitor"), most=64), "cart_id": text.clean(item.get("cart_id"), most=200),
        "lines_micros": micros, "shipping_amount": sums["shipping"], "tax_amount": sums["tax"], "discount_amount": sums["discount"],
        **_counts(lines), "total_amount": total, "country": text.clean(item.get("country") or (customer or {}).get("country"), most=60),
    }  # fmt: skip
    refunds = [_refund(refund, at) for refund in item.get("refunds") or ()]
    told = [custom_values.plainly(own)] if own else []
    content = orjson.dumps([row, lines, customer, *told], default=str, option=orjson.OPT_SORT_KEYS)
    row["version"] = f"{versions.stamp(at)}:{hashlib.blake2b(content, digest_size=12).hexdigest()}"
    return Draft(index, row, lines, refunds, customer, at, own)


def _counts(lines: list[dict[str, Any]]) -> dict[str, int]:
    """What reports want to know of an order's lines without reading them."""
    sold = [line["line_micros"] for line in lines if line["quantity"] > 0 and line["unit_micros"] > 0]
    return {"lines_count": len(lines), "sold_count": len(sold), "sold_micros": sum(sold)}


def _line(line: dict[str, Any], place: int) -> dict[str, Any]:
    unit, quantity = money.parse_micros(line.get("unit_price") or 0), int(line.get("quantity", 1))
    if abs(quantity) > 10**9:
        raise BadItem("A line's quantity is out of range.")
    flags = []
    if quantity < 0:
        flags.append("return")
    if unit <= 0:
        flags.append("free" if unit == 0 else "negative_price")
    return {
        "position": int(line["position"]) if line.get("position") is not None else place,
        "product_key": text.clean(str(line.get("product") or ""), most=200), "sku": text.clean(line.get("sku"), most=120),
        "name": text.clean(line.get("name"), most=500), "quantity": quantity, "unit_micros": unit, "line_micros": quantity * unit,
        "flags": flags,
    }  # fmt: skip


def _refund(refund: dict[str, Any], at: datetime) -> dict[str, Any]:
    key = text.clean(str(refund.get("external_id") or ""), most=200)
    if not key:
        raise BadItem("A refund needs an external_id.")
    return {"key": key, "amount_micros": abs(money.parse_micros(refund.get("amount") or 0)), "at": refund.get("at") or at,
            "reason": text.clean(refund.get("reason"), most=500)}  # fmt: skip


def record(item: dict[str, Any], source_id: UUID = NO_SOURCE) -> Recorded:
    """Record one order; see record_many."""
    return record_many([item], source_id)[0]


def record_many(
    items: Sequence[dict[str, Any]], source_id: UUID = NO_SOURCE, *, source: str = "shop"
) -> list[Recorded]:
    """Record orders given in the API's shape, and say of each what became of it.

    Customers named in them are found or created, products are found by their id or article number. A bad item fails
    alone. The number of statements does not grow with the number of items.
    """
    now = clock.now()
    results = [Recorded(index, None, "failed") for index in range(len(items))]
    newest: dict[str, Draft] = {}
    drafts: list[Draft] = []
    own, unread = custom_values.of_items("order", items)
    for index, item in enumerate(items):
        try:
            if index in unread:
                raise BadItem(unread[index])
            draft = drafted(item, index, now, own.get(index, {}))
        except BadItem as error:
            results[index].error = str(error)
            continue
        drafts.append(draft)
        held = newest.get(draft.row["external_id"])
        if held is None or draft.row["version"] > held.row["version"]:
            newest[draft.row["external_id"]] = draft
    customers, origins = _customers(drafts, source_id, source)
    known = _locked(newest, source_id)
    fresh = {key: draft for key, draft in newest.items() if key not in known}
    later = {key: draft for key, draft in newest.items() if key in known and draft.row["version"] > known[key].version}
    ids = {key: order.id for key, order in known.items()} | {key: identifiers.new() for key in fresh}
    touched = {order.customer_id for key, order in known.items() if key in later and order.customer_id}
    taken = custom_values.taken_by_others("order", {ids[key]: draft.own for key, draft in {**fresh, **later}.items()})
    for key, draft in {**fresh, **later}.items():
        if ids[key] in taken:
            field = taken[ids[key]][0]
            draft.own = {one: value for one, value in draft.own.items() if one is not field}
            results[draft.index].error = f"{field.name}: another order has this value already; it was left out."
    _write_orders(fresh, later, ids, customers, source_id, known)
    _write_lines({**fresh, **later}, ids, set(later), source_id)
    refunded = _write_refunds(drafts, ids, source_id)
    _bind_visitors({**fresh, **later}, customers, origins)
    came = [
        (ids[key], customers[draft.index], origins[draft.index])
        for key, draft in fresh.items()
        if draft.index in origins
    ]
    merge_tree.note_came("orders", came)
    for draft in drafts:
        key = draft.row["external_id"]
        result = results[draft.index]
        result.id = ids[key]
        if newest[key] is not draft:
            result.status = "stale"
        elif key in fresh:
            result.status = "created"
        elif key in later:
            result.status = "updated"
        else:
            result.status = "unchanged" if draft.row["version"] == known[key].version else "stale"
    changed = {ids[key] for key in (*fresh, *later)} | refunded
    touched |= {customers[draft.index] for draft in (*fresh.values(), *later.values()) if draft.index in customers}
    touched |= {order.customer_id for order in known.values() if order.id in refunded and order.customer_id}
    search.touch("order", *sorted(changed))
    _announce(sorted(changed), touched)
    return results


def _announce(order_ids: list[UUID], customer_ids: set[UUID]) -> None:
    everyone = sorted(customer_ids)
    chunks = max(len(order_ids), len(everyone))
    announce(*[
        OrdersRecorded(
            order_ids=[str(one_id) for one_id in order_ids[start : start + CHUNK]],
            customer_ids=[str(one_id) for one_id in everyone[start : start + CHUNK]],
        )
        for start in range(0, chunks, CHUNK)
    ])  # fmt: skip


def _customers(drafts: Sequence[Draft], source_id: UUID, source: str) -> tuple[dict[int, UUID], dict[int, UUID]]:
    """Find or create the customers that orders name; returns by the item's index their ids, and by which former self they
    were named when they are merged."""
    named = [draft for draft in drafts if draft.customer]
    given = [
        {**(draft.customer or {}), "updated_at": (draft.customer or {}).get("updated_at") or draft.at}
        for draft in named
    ]
    results = arriving.upsert_many(given, source_id, source=source) if given else []
    found = list(zip(named, results, strict=True))
    return (
        {draft.index: result.id for draft, result in found if result.id},
        {draft.index: result.origin for draft, result in found if result.id and result.origin},
    )


def _locked(keys: Iterable[str], source_id: UUID) -> dict[str, Order]:
    query = select(Order).where(Order.source_id == source_id, Order.external_id.in_(list(keys)))
    return {order.external_id: order for order in db.session.scalars(query.order_by(Order.id).with_for_update())}


def _write_orders(
    fresh: dict[str, Draft], later: dict[str, Draft], ids: dict[str, UUID], customers: dict[int, UUID], source_id: UUID,
    known: dict[str, Order],
) -> None:  # fmt: skip
    now, tenant_id = clock.now(), scope.tenant_id()
    if fresh:
        every = insert(Order).execution_options(render_nulls=True)  # else those without a customer go by themselves
        db.session.execute(every, [
            {"tenant_id": tenant_id, "id": ids[key], "source_id": source_id, "customer_id": customers.get(draft.index),
             "refunded_amount": 0, "created_at": now, "updated_at": now, **draft.row, "custom": custom_values.merged({}, draft.own)}
            for key, draft in fresh.items()
        ])  # fmt: skip
    if later:
        db.session.execute(update(Order), [
            {"tenant_id": tenant_id, "id": ids[key], "updated_at": now, **draft.row,
             **({"customer_id": customers[draft.index]} if draft.index in customers else {}),
             **({"custom": custom_values.merged(known[key].custom, draft.own)} if draft.own else {})}
            for key, draft in later.items()
        ])  # fmt: skip
    custom_values.write_many("order", {ids[key]: draft.own for key, draft in fresh.items()}, fresh=True)
    custom_values.write_many("order", {ids[key]: draft.own for key, draft in later.items()})


def _write_lines(drafts: dict[str, Draft], ids: dict[str, UUID], replaced: set[str], source_id: UUID) -> None:
    if replaced:
        db.session.execute(delete(OrderLine).where(OrderLine.order_id.in_([ids[key] for key in replaced])))
    keys = {(line["product_key"], line["sku"]) for draft in drafts.values() for line in draft.lines}
    found = products.by_key(sorted(keys), source_id)
    rows = [(ids[key], line) for key, draft in drafts.items() for line in draft.lines]
    if not rows:
        return
    products_of = [found.get((line["product_key"], line["sku"])) for _order, line in rows]
    flags = [
        line["flags"] if product else [*line["flags"], "unknown_product"]
        for (_order, line), product in zip(rows, products_of, strict=True)
    ]
    new = arrays.table(
        id=(identifiers.many(len(rows)), Uuid), order_id=([order for order, _line in rows], Uuid), product_id=(products_of, Uuid),
        flags=([",".join(own) for own in flags], Text),
        **{name: ([line[name] for _order, line in rows], kind) for name, kind in LINE.items()},
    )  # fmt: skip
    values = {"tenant_id": literal(scope.tenant_id(), OrderLine.tenant_id.type)} | {one.name: one for one in new.c}
    values["flags"] = func.string_to_array(new.c.flags, ",")
    db.session.execute(insert(OrderLine).from_select(list(values), select(*values.values()), include_defaults=False))


def _write_refunds(drafts: Sequence[Draft], ids: dict[str, UUID], source_id: UUID) -> set[UUID]:
    """Add the refunds that are new, tie waiting ones to their orders, and return the orders whose sum changed."""
    rows = {
        (draft.row["external_id"], refund["key"]): {"order_key": draft.row["external_id"], **refund}
        for draft in drafts for refund in draft.refunds
    }  # fmt: skip
    add_refunds(list(rows.values()), source_id)
    if ids:
        held = arrays.table(key=(list(ids), Text), order_id=(list(ids.values()), Uuid))
        waiting = update(Refund).where(
            Refund.source_id == source_id, Refund.order_id.is_(None), Refund.order_key == held.c.key
        )
        found = waiting.values(order_id=held.c.order_id).execution_options(synchronize_session=False)
        db.session.execute(found)
    return _sum_refunds(list(ids.values()))


def add_refunds(rows: Sequence[dict[str, Any]], source_id: UUID) -> None:
    """Keep refunds (order_key, key, amount_micros, at, reason); one that is kept already stays as it is."""
    if rows:
        values = [
            {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "source_id": source_id, **row} for row in rows
        ]
        statement = upsert(Refund).on_conflict_do_nothing(index_elements=["tenant_id", "source_id", "order_key", "key"])
        db.session.execute(statement, values)


def record_refund(refund: dict[str, Any], *, order_key: str, source_id: UUID) -> None:
    """Record one refund that came by itself, before or after its order; raises BadItem."""
    try:
        row = {"order_key": text.clean(order_key, most=200), **_refund(refund, clock.now())}
    except money.NotMoney as error:
        raise BadItem(str(error)) from None
    add_refunds([row], source_id)
    held = _locked([row["order_key"]], source_id)
    ids = {key: order.id for key, order in held.items()}
    changed = _write_refunds([], ids, source_id)
    _announce(
        sorted(changed), {order.customer_id for order in held.values() if order.customer_id and order.id in changed}
    )


def _sum_refunds(order_ids: Sequence[UUID]) -> set[UUID]:
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


def _bind_visitors(drafts: dict[str, Draft], customers: dict[int, UUID], origins: dict[int, UUID]) -> None:
    """An order proves whose browser it was placed with."""
    identity.bind_visitors(
        {
            draft.row["visitor"]: (customers[draft.index], origins.get(draft.index))
            for draft in drafts.values() if draft.row["visitor"] and draft.index in customers
        },
        proven=True,
    )  # fmt: skip


def one(order_id: UUID | str, *, lock: bool = False) -> Order:
    """Return an order; raises NoSuchOrder."""
    return kit_db.one(Order, order_id, NoSuchOrder, lock=lock)


def change(order_id: UUID | str, *, custom: Mapping[str, Any]) -> Order:
    """Change the company's own fields of an order, all else being the shop's; raises NoSuchOrder, BadValues or TakenAlready."""
    order = one(order_id, lock=True)
    moved = custom_values.checked("order", custom, record=order)
    if moved:
        order.updated_at = clock.now()
        before, after = custom_values.apply("order", order, moved)
        search.touch("order", order.id)
        audit.record(action="orders.edited", kind="order", record_id=order.id, before=before, after=after)
        _announce([order.id], set())
    return order


def tell(order_ids: Sequence[UUID], customer_ids: Iterable[UUID] = ()) -> None:
    """Have the search and the rooms above learn that orders changed, and whose they are where that matters."""
    search.touch("order", *order_ids)
    _announce(list(order_ids), set(customer_ids))


def by_key(key: str, source_id: UUID) -> Order | None:
    """Return the order a shop knows by this id, or None."""
    return db.session.scalars(select(Order).where(Order.source_id == source_id, Order.external_id == key)).one_or_none()


def many(order_ids: Iterable[UUID]) -> dict[UUID, Order]:
    """Return orders by their id."""
    ids = list(dict.fromkeys(order_ids))
    return {order.id: order for order in db.session.scalars(select(Order).where(Order.id.in_(ids)))} if ids else {}


def lines_of(order_ids: Sequence[UUID]) -> list[OrderLine]:
    """Return the lines of orders, in their order."""
    query = select(OrderLine).where(OrderLine.order_id.in_(order_ids)).order_by(OrderLine.order_id, OrderLine.position)
    return list(db.session.scalars(query))


def refunds_of(order_id: UUID) -> list[Refund]:
    return list(db.session.scalars(select(Refund).where(Refund.order_id == order_id).order_by(Refund.at)))


def remove(*, keys: Iterable[str], source_id: UUID, at: datetime | None = None) -> int:
    """Mark orders cancelled because their shop deleted them; returns how many that changed."""
    removed = []
    for order in _locked(keys, source_id).values():
        if order.status != "cancelled":
            order.status, order.version = "cancelled", f"{versions.stamp(at or clock.now())}:deleted"
            removed.append(order)
    db.session.flush()
    _announce(sorted(order.id for order in removed), {order.customer_id for order in removed if order.customer_id})
    return len(removed)
