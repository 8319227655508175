"""Looking through all customers for duplicates, merging those that are all but certain, and what was merged, for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import Schema, fields

from saas.api import shapes
from saas.api.v1.operations import OperationOut, shown
from saas.customers import duplicate_work, duplicates, merge_tree, profiles
from saas.kit import doors
from saas.tenancy import reads

blueprint = Blueprint("api_duplicate_work", __name__, description="Finding customers who are one person")


class PossibleIn(shapes.Shape):
    """What is known of somebody who may be a customer already."""

    first_name = shapes.Text(120)
    last_name = shapes.Text(120)
    email = shapes.Text(320)
    phone = shapes.Text(60)
    company = shapes.Text(200)
    address = shapes.Text(500)
    postcode = shapes.Text(40)
    city = shapes.Text(120)
    country = shapes.Text(2)
    but = fields.UUID(load_default=None, allow_none=True, metadata={"description": "a customer who is meant anyway"})


class LikelyOut(Schema):
    """A customer who may be the person."""

    id = fields.UUID()
    score = fields.Float(metadata={"description": "the chance that they are one, from 0 to 1"})
    evidence = fields.List(fields.String())


class LikelyAnswer(Schema):
    """At most five, the likeliest first."""

    items = fields.List(fields.Nested(LikelyOut))


class Reopened(Schema):
    """How many pairs are in the queue again."""

    count = fields.Integer()


class MergeTold(Schema):
    """A merge that made somebody part of this customer; its id takes it apart again."""

    id = fields.UUID()
    loser_id = fields.UUID()
    loser_name = fields.String()
    winner_id = fields.UUID()
    made_at = fields.AwareDateTime()
    made_by = fields.String()
    moved = fields.Dict(keys=fields.String(), values=fields.Integer())


class MergesTold(Schema):
    """All merges under a customer, the newest first."""

    items = fields.List(fields.Nested(MergeTold))
    next = fields.String(allow_none=True)


@blueprint.route("/customers/possible", methods=["POST"])
@blueprint.arguments(PossibleIn)
@blueprint.response(200, LikelyAnswer)
@doors.open_to("key", "customers.read")
def possible(item: dict[str, Any]) -> dict[str, Any]:
    """Tell who somebody may be already, before making a customer of them; nothing is changed."""
    found = duplicates.similar({name: value for name, value in item.items() if name != "but"}, but=item["but"])
    reads.note(kind="customer", count=len(found))
    return {"items": [{"id": one.customer.id, "score": one.score, "evidence": list(one.reasons)} for one in found]}


@blueprint.route("/customers/duplicates/scan", methods=["POST"])
@blueprint.response(202, OperationOut)
@doors.open_to("key", "customers.edit")
def scan() -> dict[str, Any]:
    """Begin to look through all customers; while one such search is under way it is answered."""
    return shown(duplicate_work.scan())


@blueprint.route("/customers/duplicates/merge", methods=["POST"])
@blueprint.response(202, OperationOut)
@doors.open_to("key", "customers.delete")
def merge_safe() -> dict[str, Any]:
    """Begin to merge all pairs that are all but certain; the operation can be undone as a whole."""
    return shown(duplicate_work.merge_safe())


@blueprint.route("/customers/duplicates/reopen", methods=["POST"])
@blueprint.response(200, Reopened)
@doors.open_to("key", "customers.edit")
def reopen() -> dict[str, Any]:
    """Put all pairs that were put off back into the queue."""
    return {"count": duplicates.reopen_skipped()}


@blueprint.route("/customers/<customer_id>/merges")
@blueprint.response(200, MergesTold)
@doors.open_to("key", "customers.read")
def merges(customer_id: UUID) -> dict[str, Any]:
    """List who was merged into a customer."""
    names = MergeTold().fields
    found = merge_tree.about(profiles.one(customer_id).id)
    return {"items": [{name: getattr(one, name) for name in names} for one in found], "next": None}
