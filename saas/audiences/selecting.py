"""Which products or orders are meant: what a list asks, as plain values that an address, a program and long work can hold."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select

from saas.catalog import finding as goods
from saas.commerce import finding as shopping
from saas.kit import errors
from saas.kit.text import gettext as _
from saas.tenancy import custom_filters

ASKED = {
    "product": ("external_id", "active", "sold_out", "sku", "reduced", "category", "pictured", "ids", "where"),
    "order": ("status", "number", "external_id", "customer_id", "since", "until", "ids", "where"),
}
"""What may be asked of each kind; `where` are filters on the company's own fields, such as custom.material.is.oak."""


class CannotSelect(errors.Invalid):
    """What is asked for cannot be read."""


def narrowed(kind: str, query: Select, asked: Mapping[str, Any]) -> Select:
    """Return the select with only what is asked for; values may be as JSON holds them. Raises CannotSelect or errors.Invalid."""
    wanted = {name: asked[name] for name in ASKED[kind] if asked.get(name) not in (None, "", [])}
    if "ids" in asked:
        wanted["ids"] = ids(asked)
    if "customer_id" in wanted:
        wanted["customer_id"] = _read(UUID, "customer_id", wanted["customer_id"])
    for name in ("since", "until"):
        if name in wanted:
            wanted[name] = _read(datetime.fromisoformat, name, wanted[name])
    if "where" in wanted:
        wanted["where"] = custom_filters.where(kind, wanted["where"])
    return (goods if kind == "product" else shopping).narrowed(query, **wanted)


def ids(asked: Mapping[str, Any]) -> list[UUID]:
    """Return the ids that are asked for; raises CannotSelect."""
    return [_read(UUID, "ids", one) for one in asked["ids"]]


def _read(reader: Any, name: str, given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return reader(given)
    except ValueError:
        raise CannotSelect(fields={name: [_("This value is of another kind.")]}) from None
