"""The choices of a company's own fields for programs: adding, renaming, merging and ordering them. Records keep a choice's key."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import fields, validate

from saas.api import shapes
from saas.api.v1.fields import FieldOut, one_shown
from saas.kit import doors
from saas.tenancy import custom_fields

blueprint = Blueprint("api_choices", __name__, description="The choices of a company's own fields")


class ChoiceIn(shapes.Shape):
    """A choice to add at the end."""

    label = shapes.Text(120, required=True)


class ChoiceChange(shapes.Shape):
    """What may be changed of a choice."""

    label = shapes.Text(120)
    archived = fields.Boolean(metadata={"description": "records keep it, and it cannot be chosen any more"})
    into = shapes.Text(
        60,
        metadata={"description": "the key of the choice that stands for it from now on; `archived: false` undoes it"},
    )


class ChoiceOrder(shapes.Shape):
    """The keys of the choices in the order wanted; those not named follow."""

    keys = fields.List(shapes.Text(60), required=True, validate=validate.Length(1, 200))


@blueprint.route("/fields/<kind>/<field_id>/choices", methods=["POST"])
@blueprint.arguments(ChoiceIn)
@blueprint.response(201, FieldOut)
@doors.open_to("key", "fields.edit")
def add(item: dict[str, Any], kind: str, field_id: UUID) -> dict[str, Any]:
    """Add a choice to a field."""
    return one_shown(custom_fields.add_choice(custom_fields.of_kind(kind, field_id).id, label=item["label"]))


@blueprint.route("/fields/<kind>/<field_id>/choices", methods=["PUT"])
@blueprint.arguments(ChoiceOrder)
@blueprint.response(200, FieldOut)
@doors.open_to("key", "fields.edit")
def order(item: dict[str, Any], kind: str, field_id: UUID) -> dict[str, Any]:
    """Put a field's choices into an order."""
    return one_shown(custom_fields.reorder_choices(custom_fields.of_kind(kind, field_id).id, item["keys"]))


@blueprint.route("/fields/<kind>/<field_id>/choices/<choice>", methods=["PATCH"])
@blueprint.arguments(ChoiceChange)
@blueprint.response(200, FieldOut)
@doors.open_to("key", "fields.edit")
def change(item: dict[str, Any], kind: str, field_id: UUID, choice: str) -> dict[str, Any]:
    """Rename a choice, archive it, bring it back, or have another stand for it."""
    row = custom_fields.of_kind(kind, field_id)
    into = item.pop("into", None)
    if item:
        row = custom_fields.change_choice(row.id, choice, **item)
    return one_shown(custom_fields.merge_choice(row.id, choice, into=into) if into else row)
