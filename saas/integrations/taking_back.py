"""Taking an import back: what it made is removed, what it changed is put back, unless somebody has changed it since.

Field by field: of a customer whose phone was changed after the import, the other fields are put back and the phone stays. What
could not be undone is counted with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Text, delete, func, select

from saas.catalog.events import ProductsChanged
from saas.catalog.models import Product, ProductValue
from saas.commerce.events import OrdersRecorded
from saas.commerce.models import Order, OrderLine
from saas.customers import bulk, consent, timeline
from saas.customers.models import NO_SOURCE, Consent, Customer, CustomerValue, Facts, Identity
from saas.integrations.models import Import, ImportEntry
from saas.kit import arrays, clock, record_values, records, search
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import later as _l
from saas.tenancy.models import Operation

BATCH = 2_000
GONE, CHANGED, IN_USE = _l("deleted since"), _l("changed since"), _l("in use since")
EXAMPLES = 50


def kept(columns: dict[str, Any] | None) -> str | None:
    """Return columns as the journal keeps them: JSON, the company's own fields as custom.<key>."""
    if columns is None:
        return None
    flat = {name: value for name, value in columns.items() if name != "custom"}
    if columns.get("custom"):
        flat |= {f"custom.{key}": value for key, value in columns["custom"].items()}
    return orjson.dumps(flat, default=str).decode().replace("\\u0000", "")


def step(operation: Operation, held: Import) -> bool:
    """Take back some records; returns whether there are more."""
    after = operation.undo_cursor.get("record_id")
    query = select(ImportEntry).where(ImportEntry.import_id == held.id)
    if after:
        query = query.where(ImportEntry.record_id > UUID(after))
    entries = list(db.session.scalars(query.order_by(ImportEntry.record_id).limit(BATCH)))
    if not entries:
        return False
    tally = Tally(operation)
    {"customer": _customers, "product": _products, "order": _orders}[held.kind](entries, tally)
    operation.undo_cursor = {"record_id": str(entries[-1].record_id)}
    operation.undone += len(entries)
    tally.write()
    return True


class Tally:
    """Counts what was taken back and what was not, with a few examples."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        held = operation.report.get("undo", {})
        self.counts = Counter(held.get("counts", {}))
        self.reasons = Counter(held.get("reasons", {}))
        self.examples: list[dict[str, str]] = list(held.get("examples", []))

    def keep(self, record_id: UUID, why: Any, name: str = "", field: str = "") -> None:
        """Count what stays as it is now."""
        self.counts["kept"] += 1
        self.reasons[str(why)] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append({"id": str(record_id), "name": name, "why": str(why), "field": field})

    def write(self) -> None:
        told = {"counts": dict(self.counts), "reasons": dict(self.reasons), "examples": self.examples}
        self.operation.report = self.operation.report | {"undo": told}


def _parted(entries: Sequence[ImportEntry]) -> tuple[dict[UUID, ImportEntry], dict[UUID, ImportEntry]]:
    return {one.record_id: one for one in entries if one.made}, {one.record_id: one for one in entries if not one.made}


def _customers(entries: Sequence[ImportEntry], tally: Tally) -> None:
    made, changed = _parted(entries)
    held = bulk.held([*made, *changed], lock=True)
    used = Facts.orders_count + Facts.visits_count + Facts.mails_sent
    busy = (
        set(db.session.scalars(select(Facts.id).where(Facts.id == arrays.among(list(made)), used > 0)))
        if made
        else set()
    )
    removed = []
    for customer_id, entry in made.items():
        row = held.get(customer_id)
        if row is None:
            tally.counts["gone"] += 1
        elif customer_id in busy:
            tally.keep(customer_id, IN_USE, _called(row))
        elif row["updated_at"] != entry.at:
            tally.keep(customer_id, CHANGED, _called(row))
        else:
            removed.append(customer_id)
    if removed:
        db.session.execute(
            delete(Customer).where(Customer.id == arrays.among(removed)).execution_options(synchronize_session=False)
        )
        tally.counts["removed"] += len(removed)
    back: dict[UUID, dict[str, Any]] = {}
    for customer_id, entry in changed.items():
        row = held.get(customer_id)
        if row is None:
            tally.keep(customer_id, GONE)
            continue
        restored = _restored(
            entry,
            row,
            row["custom"],
            lambda field, one=customer_id, who=row: tally.keep(one, CHANGED, _called(who), field),
        )
        if restored:
            back[customer_id] = restored
    _unlink(back, changed)
    bulk.update(back, held={customer: held[customer] for customer in back}, source_id=NO_SOURCE, now=clock.now())
    bulk.link(
        [(customer, "email", NO_SOURCE, row["email_norm"]) for customer, row in back.items() if row.get("email_norm")]
    )
    _values("customer", CustomerValue, back)
    tally.counts["put_back"] += len(back)
    gone = set(removed)
    _withdraw([customer for customer in held if customer not in gone], entries[0].import_id)
    bulk.tell([*removed, *back])


def _withdraw(customer_ids: list[UUID], import_id: UUID) -> None:
    """What a file said of consent does not hold any more; the ledger keeps both, and nobody is mailed on its word."""
    said = select(Consent.customer_id).where(
        Consent.customer_id == arrays.among(customer_ids), Consent.source == "import", Consent.state == "granted",
        Consent.proof["import"].astext == str(import_id),
    )  # fmt: skip
    still = select(Customer.id).where(Customer.id.in_(said), Customer.email_consent == "granted")
    wanted = [(customer, "withdrawn", None) for customer in db.session.scalars(still)] if customer_ids else []
    consent.record_many(wanted, source="import_undone", proof={"import": str(import_id)})


def _called(row: dict[str, Any]) -> str:
    return (
        f"{row['first_name']} {row['last_name']}".strip() or row["company"] or row["email"] or row["external_id"] or "—"
    )


def _restored(entry: ImportEntry, row: dict[str, Any], custom: dict[str, Any], stays: Any) -> dict[str, Any]:
    """Return the columns to put back: those that are still as the import left them."""
    found: dict[str, Any] = {}
    before, after = entry.before or {}, entry.after or {}
    for name, left in after.items():
        own = name.startswith("custom.")
        now = custom.get(name.removeprefix("custom.")) if own else row.get(name)
        if _plain(now) != left:
            if not name.endswith(("_norm", "_sort")):
                stays(name)
            continue
        if own:
            found.setdefault("custom", {})[name.removeprefix("custom.")] = before.get(name)
        else:
            found[name] = before.get(name)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else list(value) if isinstance(value, tuple) else value


def _unlink(back: dict[UUID, dict[str, Any]], changed: dict[UUID, ImportEntry]) -> None:
    """Addresses that the import gave to customers lead nowhere any more."""
    gone = [
        (customer, (changed[customer].after or {}).get("email_norm"))
        for customer, row in back.items()
        if "email_norm" in row
    ]
    gone = [(customer, value) for customer, value in gone if value]
    if gone:
        statement = delete(Identity).where(
            Identity.kind == "email", Identity.customer_id == arrays.among([customer for customer, _value in gone]),
            Identity.value == arrays.among([value for _customer, value in gone], Text),
        )  # fmt: skip
        db.session.execute(statement.execution_options(synchronize_session=False))


def _values(kind: str, table: Any, back: dict[UUID, dict[str, Any]]) -> None:
    """Write the rows by which the company's own fields are found anew."""
    fields = {one.key: one for one in records.kind(kind).fields(archived=True).values() if one.custom}
    given = {
        record_id: {
            fields[key]: None if value is None else records.unplain(value, fields[key].type)
            for key, value in row["custom"].items()
            if key in fields
        }
        for record_id, row in back.items()
        if row.get("custom")
    }
    record_values.write(table, given)


def _products(entries: Sequence[ImportEntry], tally: Tally) -> None:
    made, changed = _parted(entries)
    wanted = select(Product).where(Product.id == arrays.among([*made, *changed])).with_for_update()
    held = {one.id: one for one in db.session.scalars(wanted)}
    removed = _remove_products(made, held, tally)
    put_back, own = _put_products_back(changed, held, tally)
    touched = [*removed, *put_back]
    db.session.flush()
    _values("product", ProductValue, own)
    search.touch("product", *touched)
    announce(
        *[
            ProductsChanged(product_ids=[str(one) for one in touched[start : start + 500]])
            for start in range(0, len(touched), 500)
        ]
    )


def _remove_products(made: dict[UUID, ImportEntry], held: dict[UUID, Product], tally: Tally) -> list[UUID]:
    """Remove the products an import made that nobody changed or bought since; returns their ids."""
    bought = select(OrderLine.product_id).where(OrderLine.product_id == arrays.among(list(made))).distinct()
    sold, removed = set(db.session.scalars(bought)), []
    for product_id, entry in made.items():
        product = held.get(product_id)
        if product is None:
            tally.counts["gone"] += 1
        elif product_id in sold:
            tally.keep(product_id, IN_USE, product.name)
        elif product.updated_at != entry.at:
            tally.keep(product_id, CHANGED, product.name)
        else:
            db.session.delete(product)
            removed.append(product_id)
            tally.counts["removed"] += 1
    return removed


def _put_products_back(
    changed: dict[UUID, ImportEntry], held: dict[UUID, Product], tally: Tally
) -> tuple[list[UUID], dict[UUID, dict[str, Any]]]:
    """Give products back what an import changed in them; returns their ids, and what is back in the company's own fields."""
    put_back, own_fields = [], {}
    for product_id, entry in changed.items():
        product = held.get(product_id)
        if product is None:
            tally.keep(product_id, GONE)
            continue
        row = {name: getattr(product, name) for name in (entry.after or {}) if not name.startswith("custom.")}
        restored = _restored(
            entry, row, product.custom, lambda field, one=product: tally.keep(one.id, CHANGED, one.name, field)
        )
        own = restored.pop("custom", None)
        for name, value in restored.items():
            setattr(product, name, value)
        if own:
            product.custom = {key: value for key, value in {**product.custom, **own}.items() if value is not None}
            own_fields[product_id] = {"custom": own}
        if restored or own:
            put_back.append(product_id)
            tally.counts["put_back"] += 1
    return put_back, own_fields


def _orders(entries: Sequence[ImportEntry], tally: Tally) -> None:
    made, changed = _parted(entries)
    held = {
        one.id: one
        for one in db.session.scalars(
            select(Order).where(Order.id == arrays.among([*made, *changed])).with_for_update()
        )
    }
    concerned, touched, gone = set(), [], []
    for order_id, entry in {**made, **changed}.items():
        order = held.get(order_id)
        left = entry.at if entry.made else (entry.after or {}).get("version")
        now = order and (order.updated_at if entry.made else order.version)
        if order is None:
            tally.keep(order_id, GONE)
        elif now != left:
            tally.keep(order_id, CHANGED, order.number)
        else:
            touched.append(order_id)
            concerned.add(order.customer_id)
            gone.append(("order", order.placed_at, str(order.id)))
            if entry.made:
                db.session.delete(order)
                tally.counts["removed"] += 1
            else:
                _put_order_back(order, entry.before or {})
                concerned.add(order.customer_id)
                tally.counts["put_back"] += 1
    db.session.flush()
    timeline.remove_many(gone)
    search.touch("order", *touched)
    everyone = sorted(str(one) for one in concerned if one)
    announce(*[
        OrdersRecorded(order_ids=[str(one) for one in touched[start : start + 500]], customer_ids=everyone[start : start + 500])
        for start in range(0, max(len(touched), len(everyone)), 500)
    ])  # fmt: skip


def _put_order_back(order: Order, before: dict[str, Any]) -> None:
    """Make an order and its lines what they were."""
    moments = {column.key for column in Order.__table__.columns if column.type.python_type is datetime}
    ids = {column.key for column in Order.__table__.columns if column.type.python_type is UUID}
    for name, value in before.items():
        if name == "lines":
            continue
        setattr(
            order,
            name,
            datetime.fromisoformat(value)
            if value and name in moments
            else UUID(value)
            if value and name in ids
            else value,
        )
    db.session.execute(
        delete(OrderLine).where(OrderLine.order_id == order.id).execution_options(synchronize_session=False)
    )
    for line in before.get("lines", ()):
        columns = {
            name: UUID(value) if value and name in ("id", "order_id", "product_id") else value
            for name, value in line.items()
        }
        db.session.add(OrderLine(**columns))


def left_to_undo(import_id: UUID) -> int:
    """Return how many records an import touched."""
    return (
        db.session.scalar(select(func.count()).select_from(ImportEntry).where(ImportEntry.import_id == import_id)) or 0
    )
