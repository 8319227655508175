"""How we know that a customer is one person, for programs: every join with its evidence, taking one back, and that in turn."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields

from saas.commerce import unjoining
from saas.kit import doors
from saas.tenancy import reads

blueprint = Blueprint("api_identities", __name__, description="How we know that a customer is one person")


class EvidenceOut(Schema):
    """One thing that speaks for a join."""

    id = fields.UUID()
    way = fields.String(
        metadata={"description": "signature, mail_link, order, checkout, form, claim, shop, api, import, merge, …"}
    )
    proven = fields.Boolean(metadata={"description": "false where anybody could have said it"})
    counts = fields.Boolean(metadata={"description": "false where a parting keeps it from counting"})
    at = fields.AwareDateTime()
    last_at = fields.AwareDateTime()
    shop = fields.String()
    url = fields.String()
    ref = fields.String(metadata={"description": "the order, the form or the merge"})
    by = fields.String()


class JoinOut(Schema):
    """A name that leads to the customer: a browser, an address, a number or a shop's id."""

    id = fields.UUID()
    kind = fields.String()
    value = fields.String()
    shop = fields.String()
    proven = fields.Boolean()
    counts = fields.Boolean()
    since = fields.AwareDateTime()
    last_at = fields.AwareDateTime()
    holds = fields.Dict(
        keys=fields.String(), values=fields.Integer(), metadata={"description": "how many visits, events, carts and orders came by it"}
    )  # fmt: skip
    evidence = fields.List(fields.Nested(EvidenceOut))


class PartingOut(Schema):
    """A name that was said not to be the customer's."""

    id = fields.UUID()
    kind = fields.String()
    value = fields.String()
    at = fields.AwareDateTime()
    by = fields.String(attribute="made_by")
    moved = fields.Dict(keys=fields.String(), values=fields.Integer())
    to = fields.UUID(
        attribute="to_id", allow_none=True, metadata={"description": "the customer whose it is now; null of a browser"}
    )


class IdentityOut(Schema):
    """All joins of a customer, and what was taken apart."""

    joins = fields.List(fields.Nested(JoinOut))
    partings = fields.List(fields.Nested(PartingOut))


@blueprint.route("/customers/<customer_id>/identity")
@blueprint.response(200, IdentityOut)
@doors.open_to("key", "customers.read")
def show(customer_id: UUID) -> dict[str, Any]:
    """Show how we know that a customer is one person: every join with its evidence."""
    found = unjoining.of(customer_id)
    reads.note(kind="customer", count=1)
    return found


@blueprint.route("/customers/<customer_id>/identity/<join_id>/unjoin", methods=["POST"])
@blueprint.response(200, IdentityOut)
@doors.open_to("key", "customers.edit")
def unjoin(customer_id: UUID, join_id: UUID) -> dict[str, Any]:
    """Say that a browser, an address, a number or an account is not this customer's.

    A browser's visits and carts go where they were, and a claim does not bring them back. What came by another name goes to
    whoever's it is, or to a customer of its own (`to`), and so does what comes by it later.
    """
    unjoining.unjoin(customer_id, join_id)
    return unjoining.of(customer_id)


@blueprint.route("/customers/<customer_id>/identity/<parting_id>/rejoin", methods=["POST"])
@blueprint.response(200, IdentityOut)
@doors.open_to("key", "customers.edit")
def rejoin(customer_id: UUID, parting_id: UUID) -> dict[str, Any]:
    """Take a parting back: what spoke for the join counts again, and two who were taken apart are one again."""
    unjoining.rejoin(customer_id, parting_id)
    return unjoining.of(customer_id)
