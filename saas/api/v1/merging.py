"""Duplicates for programs: who may be one person, merging with a dry run, and taking apart again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import flask_smorest
from marshmallow import RAISE, Schema, fields, validate

from saas.api import shapes
from saas.api.v1.customers import shown
from saas.customers import duplicates, merge_tree, merging, profiles, unmerging
from saas.customers.schemas import CustomerOut
from saas.kit import doors, pages
from saas.tenancy import reads

blueprint = flask_smorest.Blueprint("api_merging", __name__, description="Customers who are one person")


class DuplicateQuery(shapes.ListQuery):
    """Which pairs a list shows."""

    state = fields.String(load_default="open", validate=validate.OneOf(["open", "skipped", "different"]))
    at_least = fields.Float(
        load_default=0.0,
        validate=validate.Range(min=0, max=1),
        metadata={"description": "the smallest chance, from 0 to 1"},
    )


class DuplicateOut(Schema):
    """Two customers who may be one person."""

    id = fields.UUID()
    one = fields.UUID()
    other = fields.UUID()
    score = fields.Float(metadata={"description": "the chance that they are one, from 0 to 1"})
    evidence = fields.List(fields.String())
    state = fields.String()


class DecisionIn(Schema):
    """What somebody decided about a pair."""

    class Meta:
        unknown = RAISE

    state = fields.String(required=True, validate=validate.OneOf(["open", "skipped", "different"]))


class MergeIn(Schema):
    """Whom to merge into the customer of the address, and whose values stay."""

    class Meta:
        unknown = RAISE

    loser = fields.UUID(required=True, metadata={"description": "the customer who becomes part of the other"})
    choices = fields.Dict(
        keys=fields.String(), values=fields.String(validate=validate.OneOf(["winner", "loser", "both"])), load_default=dict,
        metadata={"description": "by field whose value stays; left out, the winner's unless it has none"},
    )  # fmt: skip
    dry_run = fields.Boolean(load_default=False, metadata={"description": "only say what would happen"})


class MergeOut(Schema):
    """A merge, or with dry_run what it would do."""

    id = fields.UUID(allow_none=True, metadata={"description": "by which it can be undone; none for a dry run"})
    winner = fields.UUID()
    loser = fields.UUID()
    fields_ = fields.List(fields.Dict(), data_key="fields", attribute="fields_")
    tags = fields.List(fields.String())
    consent = fields.Dict()
    moves = fields.Dict(keys=fields.String(), values=fields.Integer())
    customer = fields.Nested(CustomerOut, allow_none=True)


class PartOut(Schema):
    """What taking apart brought back."""

    back = fields.UUID()
    holder = fields.UUID()
    moves = fields.Dict(keys=fields.String(), values=fields.Integer())
    kept = fields.List(fields.String(), metadata={"description": "fields that were changed since and stay as they are"})


class PartIn(Schema):
    """How to take a merge apart."""

    class Meta:
        unknown = RAISE

    different = fields.Boolean(
        load_default=False, metadata={"description": "they are two people and are never proposed again"}
    )


@blueprint.route("/customers/duplicates")
@blueprint.arguments(DuplicateQuery, location="query")
@blueprint.response(200, shapes.page_of(DuplicateOut))
@doors.open_to("key", "customers.read")
def listed(query: dict[str, Any]) -> dict[str, Any]:
    """List pairs of customers who may be one person, the likeliest first."""
    chosen = duplicates.queue(state=query["state"], at_least=query["at_least"])
    page = pages.page(chosen, order=duplicates.ORDER, cursor=query.get("cursor"), limit=query.get("limit", pages.LIMIT))
    return {"items": [_pair(pair) for pair in page.items], "next": page.next}


@blueprint.route("/customers/duplicates/<pair_id>", methods=["PATCH"])
@blueprint.arguments(DecisionIn)
@blueprint.response(200, DuplicateOut)
@doors.open_to("key", "customers.edit")
def decided(item: dict[str, Any], pair_id: UUID) -> dict[str, Any]:
    """Put a pair off, say that they are two people, or put it back."""
    return _pair(duplicates.decide(pair_id, item["state"]))


@blueprint.route("/customers/<customer_id>/merge", methods=["POST"])
@blueprint.arguments(MergeIn)
@blueprint.response(200, MergeOut)
@doors.open_to("key", "customers.delete")
def merge(item: dict[str, Any], customer_id: UUID) -> dict[str, Any]:
    """Merge another customer into this one; with dry_run only say what would move and which values stay."""
    plan = merging.plan(winner_id=customer_id, loser_id=item["loser"], choices=item["choices"])
    said = {
        "id": None, "winner": plan.winner.id, "loser": plan.loser.id, "fields_": plan.fields, "tags": plan.tags, "consent": plan.consent,
        "moves": plan.moves, "customer": None,
    }  # fmt: skip
    if item["dry_run"]:
        reads.note(kind="customer", count=2)
        return said
    made = merging.merge(winner_id=customer_id, loser_id=item["loser"], choices=item["choices"])
    return said | {"id": made.id, "moves": made.moved, "customer": shown([profiles.one(made.winner_id)])[0]}


@blueprint.route("/customers/merges/<merge_id>/undo", methods=["POST"])
@blueprint.arguments(PartIn)
@blueprint.response(200, PartOut)
@doors.open_to("key", "customers.delete")
def unmerge(item: dict[str, Any], merge_id: UUID) -> dict[str, Any]:
    """Take a merge apart, at any time: each has again what is theirs."""
    profiles.one(merge_tree.one(merge_id).winner_id)
    parted = unmerging.unmerge(merge_id, different=item["different"])
    return {"back": parted.back, "holder": parted.holder, "moves": parted.moved, "kept": parted.kept}


def _pair(pair: Any) -> dict[str, Any]:
    return {
        "id": pair.id,
        "one": pair.one_id,
        "other": pair.other_id,
        "score": pair.score / 1000,
        "evidence": pair.evidence,
        "state": pair.state,
    }
