"""Filters of a list, written so that they fit into an address: `orders_count.at_least.2`, `bought.in_last_days.30.product.SKU-1`.

A filter is a condition of the same table that segments are made of; the page's lists and the API read it here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from saas.audiences import conditions, fields
from saas.customers import finding
from saas.kit import errors, pages
from saas.kit.text import gettext as _

MATTERS = ("product", "category", "event", "term", "origin")
MATTERS_OF = {"did": ("event",), "searched": ("term",), "came_from": ("origin",)}
"""What a field that was done may be about, where it is not a product or a category; what must be said stands alone."""
MOST = 20


class BadFilter(errors.Invalid):
    """A filter asks something that cannot be asked."""


def read(text: str) -> dict[str, Any]:
    """Return the condition a filter stands for; raises BadFilter."""
    name, _dot, rest = text.partition(".")
    if name == "custom":  # a company's own field has a point in its name
        key, _dot, rest = rest.partition(".")
        name = f"custom.{key}"
    operator, _dot, value = rest.partition(".")
    condition: dict[str, Any] = {"field": name, "operator": operator}
    field = fields.known(name)
    if field is not None and field.kind == "done":
        value, condition = _with_matter(condition, value)
    if operator not in fields.VALUELESS:
        condition["value"] = value
    try:
        conditions.one(condition)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        sentence = str(error) if isinstance(error, ValueError) else ""
        raise BadFilter(
            fields={
                "where": [
                    _("The filter “%(text)s” cannot be understood. %(why)s", text=text[:80], why=sentence).strip()
                ]
            }
        ) from None
    return plain(condition)


def _with_matter(condition: dict[str, Any], rest: str) -> tuple[str, dict[str, Any]]:
    """Take what was bought or looked at from the end; what comes before it is the number of days, if any."""
    days = ""
    if condition["operator"] not in fields.VALUELESS:
        days, _dot, rest = rest.partition(".")
    matter, _dot, key = rest.partition(".")
    if matter in MATTERS and key:
        condition = condition | {matter: key}
    return days, condition


def plain(condition: dict[str, Any]) -> dict[str, Any]:
    """Return the condition with numbers as numbers, so that the same one is always written the same."""
    counted = (
        condition["operator"] in ("in_last_days", "not_in_last_days", "in_last_minutes")
        or getattr(fields.any_field(condition["field"]), "kind", "") == "number"
    )
    return condition | {"value": int(condition["value"])} if counted and "value" in condition else condition


def write(condition: dict[str, Any]) -> str:
    """Return a condition as the text `read` understands."""
    parts = [condition["field"], condition["operator"]]
    if condition["operator"] not in fields.VALUELESS:
        parts.append(str(condition.get("value", "")))
    for matter in MATTERS:
        if condition.get(matter):
            return ".".join([*parts, matter, str(condition[matter])])
    return ".".join(parts)


def definition(texts: Iterable[str]) -> dict[str, Any]:
    """Return what all of the filters together ask; raises BadFilter."""
    wanted = list(dict.fromkeys(texts))
    if len(wanted) > MOST:
        raise BadFilter(_("A list takes at most %(most)s filters.", most=MOST))
    return {"match": "all", "conditions": [read(text) for text in wanted]}


def listed(definition: dict[str, Any], **wanted: Any) -> pages.Page:
    """Return one page of the (customer, facts) that fit; `wanted` is what `customers.finding.listed` takes."""
    return finding.listed(where=_where(definition), **wanted)


def counted(definition: dict[str, Any], *, most: int, **wanted: Any) -> int:
    """Return how many fit, at most `most` + 1."""
    return finding.counted(most=most, facts=conditions.needs_facts(definition), where=_where(definition), **wanted)


def _where(definition: dict[str, Any]) -> Any:
    return conditions.whole(conditions.check_fields(definition)) if definition["conditions"] else None
