"""Products and orders as bulk actions see them. What a connected shop says of them stays the shop's to change and to delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update

from saas.audiences import bulk_changes, bulk_kinds, selecting
from saas.audiences.bulk_kinds import Action, BadAction, Held, Room, Row
from saas.catalog import items, products
from saas.catalog.models import NO_SOURCE, Product
from saas.commerce import deleting, orders
from saas.commerce.models import Order
from saas.kit import access, arrays, clock, records, scope, text, versions
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.kit.text import later as _l

THE_SHOPS = frozenset({"price", "regular_price", "sale_price", "currency", "stock"})
"""Fields of a product that a connected shop goes on to say."""
PRODUCT = ("id", "source_id", "external_id", "sku", "name", "description", "brand", "categories", "tags", "price_micros", "regular_price_micros",
           "sale_price_micros", "cost_micros", "currency", "stock", "active", "custom", "versions")  # fmt: skip
ORDER = ("id", "source_id", "external_id", "number", "customer_id", "total_amount", "currency", "custom")


def _held(model: Any, names: Sequence[str], ids: Sequence[UUID], lock: bool) -> Held:
    query = select(*(getattr(model, name) for name in names)).where(model.id == arrays.among(ids)).order_by(model.id)
    rows = db.session.execute(query.with_for_update() if lock else query).mappings()
    return {row["id"]: dict(row) for row in rows}


def _seen(kind: str, row: Row, *names: str) -> str:
    """Return the first of these fields that holds something the reader may see."""
    return next((row[name] for name in names if row[name] and access.readable(kind, name)), "—")


def _custom(row: Row, changed: Mapping[str, Any]) -> dict[str, Any]:
    after = row["custom"] | changed
    return {key: value for key, value in after.items() if value is not None}


def _write(model: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        db.session.execute(update(model), [{"tenant_id": scope.tenant_id(), **row} for row in rows])


def _said(sentences: Mapping[str, Any], do: str) -> Any:
    """Return what says an action of this kind with its number."""

    def say(action: Action, number: str) -> str:
        field, value = bulk_changes.value_said(action) if do == "set" else ("", action.value)
        values = {"field": field, "value": value, "tag": value, "count": number}
        return str(sentences[do]) % values

    return say


def _products(asked: Mapping[str, Any]) -> Select:
    return selecting.narrowed("product", select(Product.id), asked)


def _product_columns(name: str, value: Any) -> dict[str, Any]:
    """Return what a field's value is in the columns of a product. Raises BadAction."""
    if name.startswith(records.CUSTOM):
        return {name: value}
    if value is None:
        if name in ("name", "active"):
            raise BadAction(fields={"value": [_("This is needed.")]})
        empty: Any = {"stock": None, "categories": []}.get(name, "")
        return {items.PRICES[name]: None} if name in items.PRICES else {name: empty}
    try:
        columns = products.cleaned({"external_id": "-", name: value})
    except products.BadItem as error:
        raise BadAction(fields={"value": [str(error)]}) from None
    return {column: one for column, one in columns.items() if column not in ("external_id", "name_sort")}


def _update_products(changes: Mapping[UUID, dict[str, Any]], held: Held) -> None:
    now = clock.now()
    rows = []
    for one, wanted in changes.items():
        row = {name: value for name, value in wanted.items() if name != "custom"}
        own = wanted.get("custom", {})
        stamps = dict.fromkeys([*row, *(records.CUSTOM + key for key in own)], versions.stamp(now))
        if "name" in row:
            row["name_sort"] = text.fold(row["name"])[:200]
        rows.append({
            "id": one, **row, "custom": _custom(held[one], own), "versions": held[one]["versions"] | stamps, "updated_at": now,
        })  # fmt: skip
    _write(Product, rows)


def _product_stays(name: str, row: Row) -> str:
    return _("The shop says this of its products; change it there.") if name in THE_SHOPS and _of_a_shop(row) else ""


def _of_a_shop(row: Row) -> bool:
    return row["source_id"] != NO_SOURCE


PRODUCTS_SAID = {
    "set": _l("Set %(field)s to “%(value)s” for %(count)s products"),
    "tag": _l("Add the tag “%(tag)s” to %(count)s products"),
    "untag": _l("Take the tag “%(tag)s” off %(count)s products"),
    "delete": _l("Move %(count)s products to the bin"),
}
ORDERS_SAID = {
    "set": _l("Set %(field)s to “%(value)s” for %(count)s orders"),
    "delete": _l("Move %(count)s orders to the bin"),
}
PRODUCTS = bulk_kinds.register(
    Room(
        kind="product",
        plural="products",
        edit="products.edit",
        delete="products.edit",
        titles=(_l("Change many products"), _l("Delete many products")),
        everybody=_products,
        held=lambda ids, lock=False: _held(Product, PRODUCT, ids, lock),
        columns=_product_columns,
        update=_update_products,
        tell=products.tell,
        called=lambda row: _seen("product", row, "name", "sku", "external_id"),
        alone=frozenset({"external_id", "sku", "url", "image_url", "tags"}),
        doers={
            "set": bulk_changes.setting(_said(PRODUCTS_SAID, "set")),
            "tag": bulk_changes.tagging(_said(PRODUCTS_SAID, "tag")),
            "untag": bulk_changes.tagging(_said(PRODUCTS_SAID, "untag")),
            "delete": bulk_changes.deleting(_said(PRODUCTS_SAID, "delete")),
        },
        below=lambda row: _seen("product", row, "sku", "external_id"),
        stays=_product_stays,
        kept=lambda row: _(products.FromAShop.message) if _of_a_shop(row) else "",
    )
)


def _orders(asked: Mapping[str, Any]) -> Select:
    return selecting.narrowed("order", select(Order.id), asked)


def _update_orders(changes: Mapping[UUID, dict[str, Any]], held: Held) -> None:
    now = clock.now()
    _write(Order, [
        {"id": one, "custom": _custom(held[one], wanted["custom"]), "updated_at": now} for one, wanted in changes.items()
    ])  # fmt: skip


def _take_orders(titles: Mapping[UUID, str], held: Held) -> None:
    deleting.forget(list(titles))


ORDERS = bulk_kinds.register(
    Room(
        kind="order",
        plural="orders",
        edit="orders.edit",
        delete="orders.edit",
        titles=(_l("Change many orders"), _l("Delete many orders")),
        everybody=_orders,
        held=lambda ids, lock=False: _held(Order, ORDER, ids, lock),
        columns=lambda name, value: {name: value},
        update=_update_orders,
        tell=orders.tell,
        called=lambda row: _seen("order", row, "number", "external_id"),
        alone=frozenset(),
        doers={
            "set": bulk_changes.setting(_said(ORDERS_SAID, "set")),
            "delete": bulk_changes.deleting(_said(ORDERS_SAID, "delete")),
        },
        below=lambda row: _seen("order", row, "external_id"),
        kept=lambda row: _(deleting.FromAShop.message) if _of_a_shop(row) else "",
        take=_take_orders,
    )
)
