"""The fields of an order. What a shop says of it is the shop's; a company's own fields may be changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from saas.commerce import deleting, orders
from saas.commerce.models import ORDER_STATES, Order, OrderValue
from saas.kit import records
from saas.kit.records import Choice, Field
from saas.kit.text import later as _l

STATES = {
    "pending": _l("Pending"), "paid": _l("Paid"), "fulfilled": _l("Fulfilled"), "cancelled": _l("Cancelled"),
    "refunded": _l("Refunded"), "failed": _l("Failed"),
}  # fmt: skip
WHAT, MONEY, WHOSE = _l("Order"), _l("Amounts"), _l("Customer")


def _own(name: str, label: Any, group: Any, type: str = "text", column: str = "", **more: Any) -> Field:
    return Field(name, type, label, getattr(Order, column or name), group=group, editable=False, **more)


def _money(name: str, label: Any) -> Field:
    return _own(name, label, MONEY, "money", f"{name}_amount", currency=Order.currency)


FIELDS = (
    _own("number", _l("Number"), WHAT),
    _own("external_id", _l("Number in the shop"), WHAT),
    _own("status", _l("State"), WHAT, "choice", choices=tuple(Choice(key, STATES[key]) for key in ORDER_STATES)),
    _own("placed_at", _l("Placed"), WHAT, "moment"),
    _own("country", _l("Country"), WHOSE, personal=True),
    _own("customer_id", _l("Customer"), WHOSE, "record", personal=True, filterable=False),
    _own("currency", _l("Currency"), MONEY),
    _money("total", _l("Total")),
    _money("shipping", _l("Shipping")),
    _money("tax", _l("Tax")),
    _money("discount", _l("Discount")),
    _money("refunded", _l("Refunded")),
    _own("lines_count", _l("Lines"), WHAT, "number"),
    _own("created_at", _l("Known since"), WHAT, "moment"),
    _own("updated_at", _l("Last changed"), WHAT, "moment"),
)

KIND = records.register(
    records.Kind(
        "order",
        _l("Order"),
        _l("Orders"),
        "orders",
        Order,
        FIELDS,
        one=orders.one,
        query=lambda: select(Order),
        change=orders.change,
        delete=deleting.delete,
        values=OrderValue,
        title=lambda order: order.number or order.external_id,
    )  # fmt: skip
)
