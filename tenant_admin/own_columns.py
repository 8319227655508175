"""A company's own fields on a list of products or orders: as columns, as filters said as sentences, and as a way to sort.

The customers' list has its own way, for its filters ask far more than fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import gettext as _

from saas.kit import access, records
from saas.tenancy import custom_filters
from tenant_admin import fields_shown, inline, sentences
from tenant_admin.markup import here

MOST = 20


@dataclass(frozen=True)
class Own:
    """What a list shows of a company's own fields."""

    kind: records.Kind
    columns: list[str]
    where: list[Any]
    chips: list[dict[str, Any]]
    refused: list[str]

    @property
    def heads(self) -> list[dict[str, Any]]:
        known = fields_shown.columns(self.kind.name)
        return [
            {"key": name, "label": known[name].label, "align": "end" if known[name].shape in fields_shown.RIGHT else None, "hide": "phone",
             "sort": known[name].sortable}
            for name in self.columns
        ]  # fmt: skip

    def cells(self, record: Any) -> list[dict[str, Any]]:
        """Return a row's cells, in the order of the columns."""
        known = fields_shown.columns(self.kind.name)
        editable = self.kind.editable() if access.may(f"{self.kind.room}.edit") else {}
        return [
            inline.described(self.kind, record, known[name]) | {"editable": name in editable} for name in self.columns
        ]

    def choice(self) -> list[dict[str, Any]]:
        """Return the menu of columns; each entry shows or hides one."""
        known = fields_shown.columns(self.kind.name)
        return [
            {"label": str(field.label), "active": name in self.columns,
             "url": here(columns=" ".join(other for other in known if (other in self.columns) != (other == name)) or " ")}
            for name, field in known.items()
        ]  # fmt: skip

    def add(self) -> list[dict[str, Any]]:
        """Return what the filter menu offers: each choice, yes and no, and whether anything is there."""
        entries: list[dict[str, Any]] = []
        wheres = [text for text in request.args.getlist("where") if text]
        for name, field in fields_shown.columns(self.kind.name).items():
            if field.shape in ("choice", "choices"):
                way = "is" if field.shape == "choice" else "has"
                asked = [(way, one.key) for one in field.choices if not one.archived]
            else:
                asked = (
                    [("is", "yes"), ("is", "no")]
                    if field.shape == "yes_no"
                    else [("is_not_empty", ""), ("is_empty", "")]
                )
            entries.append({"heading": str(field.label)})
            for way, value in asked:
                text = ".".join(part for part in (name, way, value) if part)
                if text not in wheres:
                    entries.append({"label": said(field, way, value), "url": here(where=[*wheres, text])})
        return entries


def of(kind: str) -> Own:
    """Return what the address asks of a company's own fields; what cannot be understood is said and left out."""
    found = records.kind(kind)
    known = fields_shown.columns(kind)
    where, chips, refused = [], [], []
    wheres = [text for text in dict.fromkeys(request.args.getlist("where")[:MOST]) if text]
    for text in wheres:
        try:
            field, way, value = custom_filters.read(found, text)
            where.append(custom_filters.ask(field, way, value))
            chips.append(
                {
                    "sentence": said(field, way, value),
                    "remove": here(where=[other for other in wheres if other != text] or [""]),
                }
            )
        except ValueError as error:
            refused.append(_("The filter “%(text)s” cannot be understood. %(why)s", text=text[:80], why=error))
    columns = [name for name in request.args.get("columns", "").split() if name in known]
    return Own(found, columns, where, chips, refused)


def said(field: records.Field, way: str, value: str) -> str:
    """Return a filter as a sentence."""
    if way in custom_filters.EMPTY:
        return _("%(field)s %(way)s", field=field.label, way=sentences.WAYS[way])
    if way in ("in_last_days", "not_in_last_days"):
        inside = (
            _("in the last %(value)s days", value=value)
            if way == "in_last_days"
            else _("not in the last %(value)s days", value=value)
        )
        return _("%(field)s %(way)s", field=field.label, way=inside)
    return _(
        "%(field)s %(way)s %(value)s",
        field=field.label,
        way=sentences.WAYS[way],
        value=sentences.own_value(field, value),
    )
