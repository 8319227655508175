"""Orders as shops and programs send them: once, in any order, twice or late, and always the same in the end.

An order's version is its `updated_at` and a digest of what it says; a version that is not larger changes nothing, which
makes recording idempotent and independent of the order in which versions come. What an older version said is kept for the
order's history. Refunds, fulfilments and returns are kept by their own ids and may come before their order (`parts`); whose
order it is says the latest version that says it; and what its shop deleted is cancelled, whether the deletion comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from saas.catalog import variants
from saas.catalog.models import ProductVariant
from saas.commerce import drafting, order_history, order_news, order_references, order_rows, parts, play_money
from saas.commerce.drafting import BadItem, Draft, drafted
from saas.commerce.events import OrdersRecorded
from saas.commerce.models import NO_SOURCE, Fulfilment, Order, OrderLine, Refund, RemovedOrder, Return, Shop
from saas.customers import arriving, joins, merge_tree
from saas.kit import arrays, clock, errors, identifiers, money, scope, search, text, versions
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.tenancy import audit, custom_values

__all__ = ["BadItem", "Draft", "NoSuchOrder", "Recorded", "drafted", "record", "record_many"]
CHUNK = 500


class NoSuchOrder(errors.NotFound):
    """There is no such order."""


@dataclass
class Recorded:
    """What became of one item: status is created, updated, unchanged, stale, left_out (a test) or failed."""

    index: int
    id: UUID | None
    status: str
    error: str = ""


def record(item: dict[str, Any], source_id: UUID = NO_SOURCE, *, loud: bool = False) -> Recorded:
    """Record one order; see record_many."""
    return record_many([item], source_id, loud=loud)[0]


def record_many(
    items: Sequence[dict[str, Any]], source_id: UUID = NO_SOURCE, *, source: str = "shop", loud: bool = False
) -> list[Recorded]:
    """Record orders given in the API's shape, and say of each what became of it.

    Customers named in them are found or created, products are found by their id or article number. A bad item fails
    alone, an order that is a test is left out. With `loud` it is announced what happened to the orders; else it is the past.
    The number of statements does not grow with the number of items.
    """
    results = [Recorded(index, None, "failed") for index in range(len(items))]
    drafts = _read(items, results, source_id)
    newest = _newest(drafts)
    customers, origins, named = _customers(drafts, source_id, source)
    known = order_rows.locked(newest, source_id)
    fresh = {key: draft for key, draft in newest.items() if key not in known}
    later = {key: draft for key, draft in newest.items() if key in known and draft.row["version"] > known[key].version}
    news = {**fresh, **later}
    ids = {key: order.id for key, order in known.items()} | {key: identifiers.new() for key in fresh}
    touched = {order.customer_id for key, order in known.items() if key in later and order.customer_id}
    _leave_out_taken(news, ids, results)
    _cancel_removed(news, source_id)
    formers = _formers(drafts, newest, known, later, ids)
    owners = _owners(drafts, customers, named, known)
    order_rows.write_orders(fresh, later, ids, owners, source_id, known)
    order_rows.write_lines(news, ids, set(later), source_id)
    order_history.keep(formers)
    beside = order_rows.write_parts(drafts, ids, source_id)
    order_references.keep((ids[one.row["external_id"]], items[one.index].get("payment_reference")) for one in drafts)
    _bind_visitors(news, customers, origins, ids, source_id)
    came = [(ids[key], draft.index) for key, draft in fresh.items() if draft.index in origins]
    merge_tree.note_came("orders", [(order_id, customers[index], origins[index]) for order_id, index in came])
    _say(results, drafts, newest, known, later, ids)
    theirs = {ids[key] for key in known if key in owners and key not in later}
    changed = {ids[key] for key in news} | beside | theirs
    touched |= {owner for owner, _version, _names in owners.values()}
    touched |= {order.customer_id for order in known.values() if order.id in changed and order.customer_id}
    _tell(sorted(changed), touched, loud=loud)
    return results


def _read(items: Sequence[dict[str, Any]], results: Sequence[Recorded], source_id: UUID) -> list[Draft]:
    """Return what can be recorded; the results of the others say why not. Tests are noted, and recorded where their shop wants that."""
    drafts, tests = [], []
    wanted = any(item.get("test") for item in items) and play_money.counted(source_id)
    own, unread = custom_values.of_items("order", items)
    for index, item in enumerate(items):
        try:
            if index in unread:
                raise BadItem(unread[index])
            draft = drafted(item, index, own.get(index, {}))
        except BadItem as error:
            results[index].error = str(error)
            if not item.get("test") or wanted:
                continue
        else:
            if item.get("test"):
                tests.append(_test(draft, item))
            if wanted or not item.get("test"):
                drafts.append(draft)
                continue
        results[index].status, results[index].error = "left_out", ""
    play_money.note(source_id, tests)
    return drafts


def _test(draft: Draft, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is noted of a test order."""
    row = draft.row
    return {
        "order_key": row["external_id"], "number": row["number"], "placed_at": row["placed_at"], "currency": row["currency"],
        "total_amount": row["total_amount"], "reason": text.clean(item.get("test_by"), most=100),
    }  # fmt: skip


def count_tests(shop_id: UUID | str, wanted: bool) -> int:
    """Have a shop's test orders counted, or not. Those that were counted are cancelled by that, and what they were again when they
    are counted again; returns how many. The caller has the shop locked."""
    found = play_money.here(UUID(str(shop_id)))
    if wanted:
        put_back(keys=found, source_id=UUID(str(shop_id)))
        return len(found)
    return remove(keys=found, source_id=UUID(str(shop_id)))


def _newest(drafts: Iterable[Draft]) -> dict[str, Draft]:
    """Return the largest version of each order among those that were sent, by the shop's id."""
    newest: dict[str, Draft] = {}
    for draft in drafts:
        held = newest.get(draft.row["external_id"])
        if held is None or draft.row["version"] > held.row["version"]:
            newest[draft.row["external_id"]] = draft
    return newest


def _leave_out_taken(drafts: Mapping[str, Draft], ids: Mapping[str, UUID], results: Sequence[Recorded]) -> None:
    """Take values away that must be each order's own and are another's already; the results say so."""
    taken = custom_values.taken_by_others("order", {ids[key]: draft.own for key, draft in drafts.items()})
    for key, draft in drafts.items():
        if ids[key] in taken:
            field = taken[ids[key]][0]
            draft.own = {one: value for one, value in draft.own.items() if one is not field}
            results[draft.index].error = f"{field.name}: another order has this value already; it was left out."


def _say(
    results: Sequence[Recorded], drafts: Sequence[Draft], newest: Mapping[str, Draft], known: Mapping[str, Order],
    later: Mapping[str, Draft], ids: Mapping[str, UUID],
) -> None:  # fmt: skip
    """Write into the results what became of each draft."""
    for draft in drafts:
        key, result = draft.row["external_id"], results[draft.index]
        result.id = ids[key]
        if newest[key] is not draft:
            result.status = "stale"
        elif key not in known:
            result.status = "created"
        elif key in later:
            result.status = "updated"
        else:
            result.status = "unchanged" if draft.row["version"] == known[key].version else "stale"


def _cancel_removed(drafts: Mapping[str, Draft], source_id: UUID) -> None:
    """What its shop deleted after this version of it is cancelled."""
    if not drafts:
        return
    gone = select(RemovedOrder.order_key, RemovedOrder.at).where(
        RemovedOrder.source_id == source_id, RemovedOrder.order_key == arrays.among(list(drafts), Text)
    )
    for key, at in db.session.execute(gone):
        row = drafts[key].row
        if versions.stamp(at) >= row["version"].partition(":")[0] and row["status"] != "cancelled":
            row |= {"details": {**row["details"], "status": row["status"]}, "status": "cancelled", "cancelled_at": at}


def _formers(
    drafts: Sequence[Draft], newest: Mapping[str, Draft], known: Mapping[str, Order], later: Mapping[str, Draft],
    ids: Mapping[str, UUID],
) -> list[tuple[UUID, str, dict[str, Any]]]:  # fmt: skip
    """Return the versions of orders that are not their present ones: those that are written over now, and those that come late."""
    held = order_history.of_held([known[key] for key in later])
    formers = [(order_id, version, told) for order_id, (version, told) in held.items()]
    for draft in drafts:
        key = draft.row["external_id"]
        present = newest[key].row["version"] if key in later or key not in known else known[key].version
        if draft.row["version"] != present:
            formers.append((ids[key], draft.row["version"], order_history.content(draft.row, draft.lines)))
    return formers


def _owners(
    drafts: Sequence[Draft], customers: Mapping[int, UUID], named: Mapping[int, tuple[UUID, ...]], known: Mapping[str, Order]
) -> dict[str, order_rows.Owner]:  # fmt: skip
    """Return whose orders these are now, where that is news, with the version that says it: the latest that names anybody."""
    found: dict[str, order_rows.Owner] = {}
    for draft in drafts:
        key, version = draft.row["external_id"], draft.row["version"]
        held = found[key][1] if key in found else known[key].customer_version if key in known else ""
        if draft.index in customers and version > held:
            found[key] = customers[draft.index], version, list(named.get(draft.index, ()))
    return found


def _tell(order_ids: list[UUID], customer_ids: set[UUID], *, loud: bool) -> None:
    """Have the search and the rooms above learn of orders, and of what happened to them when that is news."""
    search.touch("order", *order_ids)
    order_news.follow(order_ids, loud=loud)
    _announce(order_ids, customer_ids)


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


def _customers(
    drafts: Sequence[Draft], source_id: UUID, source: str
) -> tuple[dict[int, UUID], dict[int, UUID], dict[int, tuple[UUID, ...]]]:
    """Find or create the customers that orders name; returns by the item's index their ids, by which former self they were
    named when they are merged, and the names they were called by."""
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
        {draft.index: result.names for draft, result in found if result.id},
    )


def record_refund(refund: dict[str, Any], *, order_key: str, source_id: UUID, loud: bool = False) -> None:
    """Record one refund that came by itself, before or after its order; raises BadItem."""
    at = refund.get("at") or clock.now()
    record_part(Refund, lambda: drafting.refund(refund, at), order_key=order_key, source_id=source_id, loud=loud)


def record_part(
    model: type[parts.Part], read: Callable[[], dict[str, Any]], *, order_key: str, source_id: UUID, loud: bool
) -> None:
    """Record what came by itself and belongs to an order; raises BadItem."""
    record_parts(model, [(order_key, read)], source_id, loud=loud)


def record_parts(
    model: type[parts.Part], told: Sequence[tuple[str, Callable[[], dict[str, Any]]]], source_id: UUID, *, loud: bool
) -> None:
    """Record parts of one kind, each with the shop's id of its order; raises BadItem."""
    keys = [text.clean(order_key, most=200) for order_key, _read in told]
    held = order_rows.locked(dict.fromkeys(keys), source_id)
    ids = {name: order.id for name, order in held.items()}
    try:
        rows = [
            {"order_key": key, "order_id": ids.get(key), **read()} for key, (_, read) in zip(keys, told, strict=True)
        ]
    except money.NotMoney as error:
        raise BadItem(str(error)) from None
    changed = parts.keep(model, rows, source_id)
    if changed:
        db.session.execute(update(Order).where(Order.id.in_(changed)).values(updated_at=clock.now()))
    changed |= order_rows.sum_refunds(list(ids.values()))
    order_news.follow(sorted(changed), loud=loud)
    _announce(
        sorted(changed), {order.customer_id for order in held.values() if order.customer_id and order.id in changed}
    )


def _bind_visitors(
    drafts: dict[str, Draft],
    customers: dict[int, UUID],
    origins: dict[int, UUID],
    ids: dict[str, UUID],
    source_id: UUID,
) -> None:
    """An order proves whose browser it was placed with."""
    theirs = [draft for draft in drafts.values() if draft.row["visitor"] and draft.index in customers]
    joins.note([
        joins.Told(
            draft.row["visitor"], customers[draft.index], origins.get(draft.index) or customers[draft.index], True,
            joins.Evidence("order", draft.row["placed_at"], ref=str(ids[draft.row["external_id"]]), shop_id=source_id),
        )
        for draft in theirs
    ])  # fmt: skip


def one(order_id: UUID | str, *, lock: bool = False) -> Order:
    """Return an order; raises NoSuchOrder."""
    return kit_db.one(Order, order_id, NoSuchOrder, lock=lock)


def one_with_shop(order_id: UUID | str) -> tuple[Order, str | None]:
    """Return an order and the name of its shop by one question; raises NoSuchOrder."""
    wanted = kit_db.uuid(order_id)
    query = select(Order, Shop.name).outerjoin(Shop, and_(Shop.id == Order.source_id, Shop.removed_at.is_(None)))
    found = db.session.execute(query.where(Order.id == wanted)).one_or_none() if wanted else None
    if found is None:
        raise NoSuchOrder
    return found[0], found[1]


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
    """Return the lines of orders, in their order, each with what its variant is called."""
    mine = and_(ProductVariant.tenant_id == OrderLine.tenant_id, ProductVariant.id == OrderLine.variant_id)
    query = select(OrderLine, ProductVariant).outerjoin(ProductVariant, mine).where(OrderLine.order_id.in_(order_ids))
    found = []
    for line, variant in db.session.execute(query.order_by(OrderLine.order_id, OrderLine.position)):
        if variant is not None:
            line.variant_name, line.options = variants.called(variant), variant.options
        found.append(line)
    return found


def variant_beside(line: OrderLine) -> str:
    """Return size, colour and the like of what a line is about, unless its name says them already."""
    values = [one.get("value", "") for one in line.options] or [line.variant_name]
    return "" if all(value in (line.name or "") for value in values) else line.variant_name


def refunds_of(order_id: UUID) -> list[Refund]:
    return parts.of(Refund, [order_id], Refund.at)


def parts_of(order_ids: Sequence[UUID]) -> dict[UUID, dict[str, list[Any]]]:
    """Return what hangs on orders besides their lines, by order: refunds, fulfilments and returns."""
    found: dict[UUID, dict[str, list[Any]]] = {
        order_id: {"refunds": [], "fulfilments": [], "returns": []} for order_id in order_ids
    }
    names = {Refund: ("refunds", "at"), Fulfilment: ("fulfilments", "shipped_at"), Return: ("returns", "at")}
    for part in parts.of_all_kinds(list(found)) if found else ():
        found[part.order_id][names[type(part)][0]].append(part)
    for name, first in names.values():
        for beside in found.values():
            beside[name].sort(key=lambda part, first=first: _moment(part, first))
    return found


def _moment(part: Any, first: str) -> tuple[bool, float, str]:
    at = getattr(part, first)
    return at is None, at.timestamp() if at else 0.0, part.key


def put_back(*, keys: Iterable[str], source_id: UUID) -> None:
    """Take back that their shop deleted orders: it fetched them out of its trash, so they are what they were before."""
    wanted = sorted({text.clean(key, most=200) for key in keys} - {""})
    marks = delete(RemovedOrder).where(
        RemovedOrder.source_id == source_id, RemovedOrder.order_key == arrays.among(wanted, Text)
    )
    db.session.execute(marks.execution_options(synchronize_session=False))
    back = []
    for order in order_rows.locked(wanted, source_id).values():
        was = order.details.get("status")
        if order.status == "cancelled" and was:
            order.details = {name: value for name, value in order.details.items() if name != "status"}
            order.status, order.cancelled_at = was, None
            back.append(order)
    db.session.flush()
    order_news.follow(sorted(order.id for order in back), loud=False)
    _announce(sorted(order.id for order in back), {order.customer_id for order in back if order.customer_id})


def remove(*, keys: Iterable[str], source_id: UUID, at: datetime | None = None, loud: bool = False) -> int:
    """Mark orders cancelled because their shop deleted them, also those that are not here yet; returns how many that changed."""
    moment = at or clock.now()
    gone = sorted({text.clean(key, most=200) for key in keys} - {""})
    held = order_rows.locked(gone, source_id)
    rows = [
        {
            "tenant_id": scope.tenant_id(),
            "id": identifiers.new(),
            "source_id": source_id,
            "order_key": key,
            "at": moment,
        }
        for key in gone
    ]
    if rows:
        statement = upsert(RemovedOrder)
        statement = statement.on_conflict_do_update(
            index_elements=["tenant_id", "source_id", "order_key"],
            set_={"at": func.greatest(statement.excluded.at, RemovedOrder.at)},
        )
        db.session.execute(statement, rows)
    removed = []
    for order in held.values():
        if order.status != "cancelled" and versions.stamp(moment) >= order.version.partition(":")[0]:
            order.details = {**order.details, "status": order.status}
            order.status, order.cancelled_at = "cancelled", moment
            removed.append(order)
    db.session.flush()
    order_news.follow(sorted(order.id for order in removed), loud=loud)
    _announce(sorted(order.id for order in removed), {order.customer_id for order in removed if order.customer_id})
    return len(removed)
