"""The tree of conditions a segment is: whether everything in it can be asked, and what it is as SQL.

A definition is a tree: `{"match": "all" | "any", "conditions": [...]}`, where a condition is another such tree or
`{"field", "operator", "value", ...}`; the fields and their operators stand in `fields`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, literal, or_

from saas.audiences import comparisons, fields, values
from saas.audiences.standing import ME
from saas.kit import access, errors
from saas.kit.text import gettext as _

MOST_CONDITIONS, DEEPEST = 50, 4


class BadDefinition(errors.Invalid):
    """A definition asks something that cannot be asked; `fields` says where."""


def needs_facts(definition: dict[str, Any]) -> bool:
    """Tell whether a definition asks for anything that stands with the facts."""
    return any(
        needs_facts(c) if "conditions" in c else getattr(fields.any_field(c["field"]), "fact", False)
        for c in definition.get("conditions", ())
    )


def check(definition: Any) -> dict[str, Any]:
    """Return the definition when everything in it can be asked; raises BadDefinition with the place."""
    count = _check(definition, "definition", 1)
    if count > MOST_CONDITIONS:
        raise BadDefinition(_("A segment has at most %(most)s conditions.", most=MOST_CONDITIONS))
    return definition


def check_fields(definition: dict[str, Any]) -> dict[str, Any]:
    """Return a definition that was checked before when the acting member may ask it; raises BadDefinition."""
    for place, condition in enumerate(definition["conditions"]):
        if "conditions" in condition:
            check_fields(condition)
        elif fields.known(condition["field"]) is None:
            raise BadDefinition(fields={f"definition.conditions.{place}": [access.unknown(condition["field"])]})
    return definition


def _check(node: Any, place: str, depth: int) -> int:
    if (
        not isinstance(node, dict)
        or node.get("match", "all") not in ("all", "any")
        or not isinstance(node.get("conditions"), list)
    ):
        raise BadDefinition(fields={place: [_("A group needs “match” (all or any) and a list of “conditions”.")]})
    if depth > DEEPEST:
        raise BadDefinition(fields={place: [_("Groups can be nested %(most)s deep.", most=DEEPEST)]})
    count = 0
    for index, condition in enumerate(node["conditions"]):
        here = f"{place}.conditions.{index}"
        if isinstance(condition, dict) and "conditions" in condition:
            count += _check(condition, here, depth + 1)
            continue
        try:
            one(condition)
            if condition["field"] == "owner_id" and condition.get("value") == ME:
                raise ValueError(_("Choose one of the company's people."))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadDefinition(
                fields={here: [str(error) if isinstance(error, ValueError) else _("This condition is not complete.")]}
            ) from None
        count += 1
    return count


def one(condition: dict[str, Any]) -> ColumnElement[bool]:
    """Return the SQL of one condition; raises ValueError with a sentence, or KeyError when a part is missing."""
    field = fields.known(condition["field"])
    if field is None:
        raise ValueError(access.unknown(condition["field"]))
    operator, value = condition["operator"], condition.get("value")
    if operator not in fields.OPERATORS[field.kind]:
        raise ValueError(_("“%(name)s” cannot be asked that way.", name=field.name))
    if field.choices and value not in field.choices and field.own is None:
        raise ValueError(_("Choose one of the values."))
    if field.build is not None:
        if operator in values.DAYS:
            values.days(value)
        if operator == "in_last_minutes":
            values.minutes(value)
            if field.name in ("bought", "came_from"):
                raise ValueError(_("“%(name)s” cannot be asked that way.", name=field.name))
        return field.build(operator, value, condition)
    return comparisons.BY_KIND[field.kind](field.column, operator, value, condition)


def whole(definition: dict[str, Any]) -> ColumnElement[bool]:
    """Return the SQL of a whole definition; an empty group asks nothing and everybody fits."""
    parts = [whole(c) if "conditions" in c else one(c) for c in definition["conditions"]]
    if not parts:
        return literal(True)
    return or_(*parts) if definition.get("match") == "any" else and_(*parts)
