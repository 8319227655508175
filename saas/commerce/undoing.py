"""How what was done to orders is undone, and how they go to the bin and come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from saas.commerce import deleting, orders, shops
from saas.kit import records, search
from saas.kit.text import gettext as _
from saas.kit.text import later as _l
from saas.tenancy import bin, undoing
from saas.tenancy.audit import Told


def held(record_id: str, names: Sequence[str]) -> dict[str, Any]:
    """Return what an order holds now in the company's own fields. Raises NoSuchOrder."""
    own = orders.one(record_id, lock=True).custom
    return {name: own.get(name.removeprefix(records.CUSTOM)) for name in names}


def change(record_id: str, values: dict[str, Any]) -> None:
    orders.change(record_id, **records.kind("order").arguments(values))


def _connect_again(told: Told, rest: bool) -> None:
    shops.restore(told.entry.record_id)


undoing.register("shops.removed", _connect_again, permission="shops.edit")
undoing.register_edit("orders.edited", kind="order", permission="orders.edit", read=held, write=change)
undoing.register_bin("order", "orders", permission="orders.edit", delete=deleting.delete)


def _gone(ids: Sequence[UUID]) -> None:
    search.touch("order", *ids)


def _taken(clashes: Sequence[Any]) -> str:
    return _("Another order has this number by now.")


bin.register(
    bin.Kind(
        "order",
        "orders",
        "orders.edit",
        "orders.restored",
        label=_l("Order"),
        gone=_gone,
        back=deleting.back,
        strict=("order_lines", "order_values"),
        taken=_taken,
    )
)
