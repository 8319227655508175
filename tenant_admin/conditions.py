"""Conditions as a form has them: a tree of rows with flat names, read back whatever was added, changed or left open.

The row at place "2.0" (the first of the third) has the fields `node.2.0.field`, `.operator`, `.value`, `.matter`, `.key`;
a group has `node.2.match`. Buttons named `do` change the tree: `add:2`, `group:2`, `remove:2.0`. All of that works by plain
form posts; scripts only save the reload.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from saas.audiences import conditions, fields, filters
from saas.tenancy import members
from tenant_admin import sentences

NAME = re.compile(r"node\.((?:\d{1,3}\.){0,8})(field|operator|value|matter|key|match)")
FRESH = {"field": "orders_count", "operator": "at_least", "value": "1"}
DAYS = ("in_last_days", "not_in_last_days")
MUST = {"did": "event", "came_from": "origin"}
"""Fields that are only asked of something."""
INPUTS = {
    "moment": "date", "tags": "text", "owner": "choice", "agreement": "choice", "own_choice": "choice", "own_choices": "choice", "flag": "yes_no", "day": "date",
    "decimal": "decimal",
}  # fmt: skip


def fresh() -> dict[str, Any]:
    """Return the condition a new row begins with; who must not see the number of orders begins with something else."""
    return dict(FRESH) if fields.known(FRESH["field"]) else {"field": "tags", "operator": "has", "value": ""}


def read(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the tree that a form holds, open ends and all; what does not belong to it is left out."""
    held: dict[tuple[int, ...], dict[str, str]] = {}
    for name, value in form.items():
        found = NAME.fullmatch(name)
        if found:
            place = tuple(int(part) for part in found.group(1).split(".") if part)
            held.setdefault(place, {})[found.group(2)] = value
    return _group(held, ()) if () in held else {"match": "all", "conditions": []}


def _group(held: dict[tuple[int, ...], dict[str, str]], place: tuple[int, ...]) -> dict[str, Any]:
    inside = sorted(key for key in held if len(key) == len(place) + 1 and key[: len(place)] == place)
    nodes = [_group(held, key) if "match" in held[key] else condition(held[key]) for key in inside]
    return {"match": "any" if held[place].get("match") == "any" else "all", "conditions": nodes}


def condition(row: Mapping[str, str]) -> dict[str, Any]:
    """Return one row as a condition; an operator the field does not have gives way to its first."""
    field = fields.known(row.get("field", "")) or fields.FIELDS[fresh()["field"]]
    operators = fields.OPERATORS[field.kind]
    operator = row.get("operator", "")
    made: dict[str, Any] = {"field": field.name, "operator": operator if operator in operators else operators[0]}
    value = row.get("value", "").strip()
    if field.choices and value not in field.choices:
        value = field.choices[0]
    if field.kind in ("owner", "agreement") and not value:
        value = next((key for key, _name in _choices(field)), "")
    if field.kind in ("yes_no", "flag") and value not in ("yes", "no"):
        value = "yes"
    if made["operator"] not in fields.VALUELESS:
        made["value"] = value
    matters = filters.MATTERS_OF.get(field.name, ("product", "category"))
    matter = row.get("matter") if row.get("matter") in matters else MUST.get(field.name)
    if field.kind == "done" and matter:
        made["matter"] = matter  # what is chosen stays chosen while its name is still being typed
        if row.get("key", "").strip():
            made[matter] = row["key"].strip()
    return made


def shape(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a template needs to draw a row: what is chosen, what can be chosen, and the kind of input for the value."""
    field = fields.any_field(node["field"]) or fields.Field(node["field"], "text")
    matter = node.get("matter") or next((name for name in filters.MATTERS if node.get(name)), "")
    return {
        "field": field.name, "operator": node["operator"], "ways": sentences.ways(field.name), "value": node.get("value", ""),
        "input": _input(field.kind, node["operator"]), "choices": _choices(field),
        "done": field.kind == "done", "matters": _matters(field.name), "matter": matter or MUST.get(field.name, ""), "key": node.get(matter, "") if matter else "",
    }  # fmt: skip


def _matters(field: str) -> list[tuple[str, str]]:
    """Return what something done may be about, as a template's choices."""
    names = [(one, str(sentences.MATTERS[one])) for one in filters.MATTERS_OF.get(field, ("product", "category"))]
    return names if field in MUST else [("", _("anything")), *names]


def _choices(field: fields.Field) -> list[tuple[str, str]]:
    if field.kind == "owner":
        return [(str(member.id), member.name or member.email) for member in members.listed()]
    if field.kind == "agreement":
        return sentences.agreements()
    if field.own is not None:
        return [(one.key, str(one.label)) for one in field.own.choices if not one.into]
    return [(choice, str(sentences.CHOICES[choice])) for choice in field.choices]


def _input(kind: str, operator: str) -> str:
    if operator in fields.VALUELESS:
        return ""
    if operator in DAYS:
        return "days"
    if operator == "in_last_minutes":
        return "minutes"
    return INPUTS.get(kind, kind)


def change(tree: dict[str, Any], act: str) -> dict[str, Any]:
    """Carry out what a button asks of the tree: add a row or a group at a place, or remove what is there."""
    verb, _colon, text = act.partition(":")
    if verb == "remove" and text:
        above, _dot, last = text.rpartition(".")
        group = at(tree, above)
        if group is not None and last.isdigit() and int(last) < len(group["conditions"]):
            del group["conditions"][int(last)]
    elif verb in ("add", "group"):
        group = at(tree, text)
        if group is not None:
            group["conditions"].append(fresh() if verb == "add" else {"match": "any", "conditions": [fresh()]})
    return tree


def at(tree: dict[str, Any], place: str) -> dict[str, Any] | None:
    """Return the group at a place ("" is the tree itself), or None when there is none."""
    for step in place.split(".") if place else ():
        if (
            not step.isdigit()
            or int(step) >= len(tree["conditions"])
            or "conditions" not in tree["conditions"][int(step)]
        ):
            return None
        tree = tree["conditions"][int(step)]
    return tree


def finished(tree: dict[str, Any], currency: str) -> dict[str, Any]:
    """Return the tree as a definition: numbers as numbers, amounts with their currency, nothing that only the form needs.

    It is not checked.
    """
    made = []
    for node in tree["conditions"]:
        if "conditions" in node:
            made.append(finished(node, currency))
            continue
        plain = {name: value for name, value in node.items() if name != "matter"}
        if getattr(fields.any_field(plain["field"]), "kind", "") == "money":
            plain["currency"] = currency
        try:
            made.append(filters.plain(plain))
        except ValueError:
            made.append(plain)
    return {"match": tree["match"], "conditions": made}


def troubles(tree: dict[str, Any], place: str = "") -> dict[str, str]:
    """Return what is wrong with each row, by its place."""
    found: dict[str, str] = {}
    for index, node in enumerate(tree["conditions"]):
        here = f"{place}{index}"
        if "conditions" in node:
            found |= troubles(node, f"{here}.")
            continue
        try:
            conditions.check({"match": "all", "conditions": [node]})
        except conditions.BadDefinition as error:
            found[here] = next(iter(error.fields.values()))[0]
    return found


def complete(tree: dict[str, Any], place: str = "", wrong: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the tree without the rows that cannot be asked yet, to count with while somebody types."""
    wrong = troubles(tree) if wrong is None else wrong
    kept = []
    for index, node in enumerate(tree["conditions"]):
        here = f"{place}{index}"
        if "conditions" in node:
            inner = complete(node, f"{here}.", wrong)
            kept += [inner] if inner["conditions"] else []
        elif here not in wrong:
            kept.append(node)
    return {"match": tree["match"], "conditions": kept}
