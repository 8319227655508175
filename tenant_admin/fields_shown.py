"""How values of fields are shown and typed on pages, whatever their type: one place for lists, records, forms and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal
from flask import g
from flask_babel import get_locale
from flask_babel import gettext as _

from saas.kit import access, errors, records
from saas.kit.records import Field, Manner, NotReadable
from tenant_admin import formats

RIGHT = ("number", "money")


def manner() -> Manner:
    """Return how the member writes: moments in their zone, amounts in the company's currency."""
    return Manner(zone=g.member.zone, currency=g.member.currency)


def shown(field: Field, value: Any, currency: str = "") -> str:
    """Return a value as people read it."""
    if value is None:
        return formats.EMPTY
    if field.shape == "money":
        code = currency or (field.currency if isinstance(field.currency, str) else "") or g.member.currency
        return formats.money_micros(int(value * 1_000_000), code)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Decimal):
        return format_decimal(value, format="#,##0.######", locale=get_locale())
    if isinstance(value, datetime):
        return formats.ago(value)
    if hasattr(value, "isoformat"):
        return formats.day(value)
    return field.write(value)


def cell(field: Field, record: Any) -> dict[str, Any]:
    """Return what a list's cell shows: the text, what edits begin with, and how it is drawn."""
    value = field.of(record)
    return {
        "text": shown(field, value, field.currency_of(record) if field.shape == "money" else ""), "value": typed(field, value),
        "link": value if field.shape == "link" else None, "empty": value is None, "type": field.shape, "name": field.name,
        "tags": list(value) if field.shape == "tags" and value else None,
    }  # fmt: skip


def typed(field: Field, value: Any) -> str:
    """Return a value as a form's input holds it: keys of choices, dates in ISO 8601, numbers with a point."""
    if value is None:
        return ""
    if field.shape == "yes_no":
        return "yes" if value else "no"
    if field.shape == "choice":
        return value
    if field.shape == "choices":
        return ",".join(value)
    return records.written(value, Manner(zone=g.member.zone))


def own(kind: str) -> list[Field]:
    """Return the company's own fields that stand in a form of the acting member."""
    return [field for field in records.kind(kind).fields().values() if field.custom and field.formula is None]


def inputs(kind: str, values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the company's own fields as a form draws them; `values` are what is typed, by field name."""
    locked = access.locked(kind)
    return [
        {
            "name": field.name, "label": field.label, "type": field.type, "help": field.help, "required": field.required, "currency": field.currency,
            "value": values.get(field.name, ""), "values": [key for key in values.get(field.name, "").split(",") if key],
            "choices": [(one.key, one.label) for one in field.choices if not one.archived or one.key in values.get(field.name, "").split(",")],
            "locked": field.name in locked,
        }
        for field in own(kind)
    ]  # fmt: skip


def held(kind: str, record: Any) -> dict[str, str]:
    """Return what a record holds in the company's own fields, as a form's inputs hold it."""
    return {field.name: typed(field, field.of(record)) for field in own(kind)}


def sent(kind: str, form: Any) -> dict[str, str]:
    """Return what a form holds of the company's own fields, as it was typed; a box that nobody ticked is empty."""
    locked = access.locked(kind)
    found = {}
    for field in own(kind):
        if field.name in locked or f"has.{field.name}" not in form:
            continue
        found[field.name] = ",".join(form.getlist(field.name)) if field.type == "choices" else form.get(field.name, "")
    return found


def custom(kind: str, typed_values: Mapping[str, str]) -> dict[str, Any]:
    """Return typed values by key as the rooms take them; raises errors.Invalid with the fields."""
    known, found, wrong = records.kind(kind).fields(), {}, {}
    for name, text in typed_values.items():
        if name not in known:
            continue
        try:
            found[known[name].key] = known[name].read(text, manner())
        except NotReadable as error:
            wrong[name] = [str(error)]
    if wrong:
        raise errors.Invalid(fields=wrong)
    return found


def labels(kind: str) -> dict[str, str]:
    """Return what the fields of a kind are called."""
    return {name: str(field.label) for name, field in records.kind(kind).fields().items()}


def more(kind: str, record: Any) -> list[dict[str, Any]]:
    """Return the company's own fields of a record's page, formulas among them."""
    locked = access.locked(kind)
    found = []
    for field in records.kind(kind).fields().values():
        if field.custom:
            found.append(cell(field, record) | {
                "label": field.label, "editable": field.editable and field.name not in locked, "currency": field.currency,
                "choices": [("", "–"), *((one.key, one.label) for one in field.choices if not one.archived)], "help": field.help,
            })  # fmt: skip
    return found


def columns(kind: str) -> dict[str, Field]:
    """Return the company's own fields that a list can show as columns."""
    return {name: field for name, field in records.kind(kind).fields().items() if field.custom}
