"""Data protection for programs: everything kept about one person as a file; erasing one, whoever lies in the bin, or many."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import fields, validate

from saas.api import shapes
from saas.api.v1.operations import OperationOut, shown
from saas.audiences import filters
from saas.integrations import erasures, persons
from saas.kit import doors, errors
from saas.kit.text import gettext as _

blueprint = Blueprint("api_persons", __name__, description="One person's data, whole, and erasing it")


@blueprint.route("/customers/<customer_id>/data/export", methods=["POST"])
@blueprint.response(202, OperationOut)
@doors.open_to("key", "customers.delete", always=True)
def export(customer_id: UUID) -> dict[str, Any]:
    """Begin to put together everything that is kept about a customer; the operation's report names the file."""
    return shown(persons.export(customer_id))


@blueprint.route("/customers/<customer_id>/data/erase", methods=["POST"])
@blueprint.response(202, OperationOut)
@doors.open_to("key", "customers.delete", always=True)
def erase(customer_id: UUID) -> dict[str, Any]:
    """Begin to erase a customer everywhere, for good; the operation's report names the certificate."""
    return shown(erasures.erase(customer_id))


@blueprint.route("/bin/<item_id>/erase", methods=["POST"])
@blueprint.response(202, OperationOut)
@doors.open_to("key", "customers.delete", always=True)
def erase_binned(item_id: UUID) -> dict[str, Any]:
    """Begin to erase a customer who lies in the bin, without bringing them back; 409 when their address is a customer's now."""
    return shown(erasures.erase_binned(item_id))


class EraseManyIn(shapes.Shape):
    """Who is to be erased: `ids`, or everybody who fits the filters `where`. `number` is how many you mean."""

    ids = fields.List(fields.UUID(), validate=validate.Length(1, 1000))
    where = fields.List(
        fields.String(),
        validate=validate.Length(1),
        metadata={"description": "filters such as city.is.Oslo that all must fit"},
    )
    number = fields.Integer(
        required=True,
        validate=validate.Range(1),
        metadata={"description": "must be how many it would be, because nothing brings them back"},
    )


@blueprint.route("/customers/erase", methods=["POST"])
@blueprint.arguments(EraseManyIn)
@blueprint.response(202, OperationOut)
@doors.open_to("key", "customers.delete", always=True)
def erase_many(body: dict[str, Any]) -> dict[str, Any]:
    """Begin to erase many customers everywhere, for good; 422 says how many it would be when `number` is another."""
    if ("ids" in body) == ("where" in body):
        raise errors.Invalid(fields={"ids": [_("Give ids, or filters in where.")]})
    definition = filters.definition(body["where"]) if "where" in body else None
    return shown(erasures.erase_many(erasures.meant(definition=definition, ids=body.get("ids")), number=body["number"]))
