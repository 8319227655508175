"""The fields of each kind of record for programs: those that are built in and the company's own, which it may make here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.kit import access, doors, records
from saas.tenancy import custom_fields

blueprint = Blueprint("api_fields", __name__, description="What can be known of a customer, a product or an order")


class ChoiceOut(Schema):
    """One value to choose; records keep its key."""

    key = fields.String()
    label = fields.String()
    archived = fields.Boolean()
    into = fields.String(metadata={"description": "the key of the choice that took over its records"})


class FieldOut(Schema):
    """One field: its name in filters and columns (`custom.<key>` for a company's own), and what its values are like."""

    id = fields.UUID(allow_none=True, metadata={"description": "of a company's own field"})
    name = fields.String()
    label = fields.String()
    type = fields.String(metadata={"description": f"one of {', '.join(records.values.TYPES)}"})
    result = fields.String(metadata={"description": "the type of its values; for a formula that of its result"})
    group = fields.String()
    help = fields.String()
    custom = fields.Boolean()
    editable = fields.Boolean()
    required = fields.Boolean()
    unique = fields.Boolean()
    sortable = fields.Boolean()
    filterable = fields.Boolean()
    personal = fields.Boolean()
    currency = fields.String(metadata={"description": "of an amount that always has the same"})
    choices = fields.List(fields.Nested(ChoiceOut))
    formula = fields.String()


class FieldIn(shapes.Shape):
    """A field of the company's own to make. Its key is made of the label unless it is given; neither key nor type can change."""

    label = fields.String(required=True, validate=validate.Length(1, 80))
    key = fields.String(validate=validate.Regexp(r"^[a-z][a-z0-9_]{0,39}$", error="Small letters, digits and _."))
    type = fields.String(required=True, validate=validate.OneOf(custom_fields.TYPES))
    help = fields.String(validate=validate.Length(max=500))
    required = fields.Boolean()
    unique = fields.Boolean(metadata={"description": "each record has its own value; for text and number"})
    personal = fields.Boolean(
        metadata={"description": "tells something about a person, so that erasing them takes it too"}
    )
    currency = fields.String(validate=validate.Regexp(r"^[A-Z]{3}$", error="Three letters, such as EUR."))
    choices = fields.List(fields.String(validate=validate.Length(1, 120)), validate=validate.Length(max=200))
    formula = fields.String(validate=validate.Length(max=2000))


class FieldChange(shapes.Shape):
    """What may be changed of a field; archived takes it out of forms and lists and keeps its values."""

    label = fields.String(validate=validate.Length(1, 80))
    help = fields.String(validate=validate.Length(max=500))
    required = fields.Boolean()
    unique = fields.Boolean()
    personal = fields.Boolean()
    formula = fields.String(validate=validate.Length(max=2000))
    archived = fields.Boolean()


class FieldOrder(shapes.Shape):
    """The ids of a company's own fields in the order wanted; those not named follow."""

    ids = fields.List(fields.UUID(), required=True, validate=validate.Length(1, 500))


class FieldGone(shapes.Shape):
    """How a field goes that holds values, which go with it."""

    confirm = shapes.Text(
        120, load_default="", metadata={"description": "the field's label, when records hold values in it"}
    )


def shown(field: records.Field, editable: bool) -> dict[str, Any]:
    """Return a field as plain values."""
    plain = {
        name: getattr(field, name)
        for name in ("id", "name", "type", "help", "custom", "required", "unique", "sortable", "filterable", "personal")
    }
    return plain | {
        "label": str(field.label), "group": str(field.group), "result": field.shape, "editable": editable,
        "currency": field.currency if isinstance(field.currency, str) else "",
        "formula": field.formula.source if field.formula is not None else "",
        "choices": [{"key": one.key, "label": str(one.label), "archived": one.archived, **({"into": one.into} if one.into else {})} for one in field.choices],
    }  # fmt: skip


def one_shown(row: Any) -> dict[str, Any]:
    return shown(custom_fields.described(row), row.type != "formula")


@blueprint.route("/fields/<kind>")
class Fields(MethodView):
    @blueprint.response(200, Schema.from_dict({"items": fields.List(fields.Nested(FieldOut))}, name="Fields"))
    @doors.open_to("key", "fields.read")
    def get(self, kind: str) -> dict[str, Any]:
        """List the fields of customer, product or order: what is built in, then the company's own."""
        found = records.kind(kind)
        access.require(f"{found.room}.read")
        editable = found.editable()
        return {"items": [shown(field, field.name in editable) for field in found.fields().values()]}

    @blueprint.arguments(FieldIn)
    @blueprint.response(201, FieldOut)
    @doors.open_to("key", "fields.edit")
    def post(self, item: dict[str, Any], kind: str) -> dict[str, Any]:
        """Make a field of the company's own; 402 when the plan is full, 409 when there is one of this name."""
        return one_shown(custom_fields.make(kind=records.kind(kind).name, **item))


@blueprint.route("/fields/<kind>/order", methods=["PUT"])
@blueprint.arguments(FieldOrder)
@blueprint.response(204)
@doors.open_to("key", "fields.edit")
def order(item: dict[str, Any], kind: str) -> None:
    """Put the company's own fields of a kind into an order, as forms and lists show them."""
    custom_fields.reorder(records.kind(kind).name, [str(one) for one in item["ids"]])


@blueprint.route("/fields/<kind>/<field_id>")
class OneField(MethodView):
    @blueprint.response(200, FieldOut)
    @doors.open_to("key", "fields.read")
    def get(self, kind: str, field_id: UUID) -> dict[str, Any]:
        """Show a field of the company's own, an archived one too."""
        found = records.kind(kind)
        access.require(f"{found.room}.read")
        row = custom_fields.of_kind(found.name, field_id)
        if f"custom.{row.key}" not in found.fields(archived=True):
            raise custom_fields.NoSuchField
        return one_shown(row)

    @blueprint.arguments(FieldChange)
    @blueprint.response(200, FieldOut)
    @doors.open_to("key", "fields.edit")
    def patch(self, item: dict[str, Any], kind: str, field_id: UUID) -> dict[str, Any]:
        """Change a field of the company's own, archive it or bring it back."""
        custom_fields.of_kind(kind, field_id)
        archived = item.pop("archived", None)
        if item:
            custom_fields.change(field_id, **item)
        if archived is not None:
            (custom_fields.archive if archived else custom_fields.bring_back)(field_id)
        return one_shown(custom_fields.one(field_id))

    @blueprint.arguments(FieldGone, location="query")
    @blueprint.response(204)
    @doors.open_to("key", "fields.edit")
    def delete(self, query: dict[str, Any], kind: str, field_id: UUID) -> None:
        """Delete a field for good; one that holds values wants its label in `confirm`. 409 while segments ask it."""
        custom_fields.delete(custom_fields.of_kind(kind, field_id).id, confirmation=query["confirm"])
