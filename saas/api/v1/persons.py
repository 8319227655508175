"""Data protection for programs: everything kept about one person as a file, and erasing them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from saas.api.v1.operations import OperationOut, shown
from saas.integrations import persons
from saas.kit import doors

blueprint = Blueprint("api_persons", __name__, description="One person's data, whole, and erasing it")


@blueprint.route("/customers/<customer_id>/data/export", methods=["POST"])
@blueprint.response(202, OperationOut)
@doors.open_to("key", "customers.delete")
def export(customer_id: UUID) -> dict[str, Any]:
    """Begin to put together everything that is kept about a customer; the operation's report names the file."""
    return shown(persons.export(customer_id))


@blueprint.route("/customers/<customer_id>/data/erase", methods=["POST"])
@blueprint.response(202, OperationOut)
@doors.open_to("key", "customers.delete")
def erase(customer_id: UUID) -> dict[str, Any]:
    """Begin to erase a customer everywhere, for good; the operation's report names the certificate."""
    return shown(persons.erase(customer_id))
