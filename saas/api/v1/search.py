"""The one search box for programs: what a text finds among customers, orders, products, segments and campaigns."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from saas.api import shapes
from saas.kit import access, doors, pages, scope, search
from saas.tenancy import reads

blueprint = Blueprint("api_search", __name__, description="Finding things by what they are called")
KINDS = {f"{room[:-1]}": f"{room}.read" for room in ("customers", "orders", "products", "segments", "campaigns")}


class SearchQuery(shapes.Shape):
    """What to look for."""

    q = shapes.Text(200, required=True)
    kinds = fields.List(
        fields.String(validate=validate.OneOf(list(KINDS))),
        load_default=list,
        metadata={"description": "several are alternatives; all the key may see when left out"},
    )
    limit = fields.Integer(load_default=pages.LIMIT, validate=validate.Range(1, pages.MOST))


class HitOut(Schema):
    """Something that was found."""

    kind = fields.String()
    id = fields.UUID()
    title = fields.String()
    subtitle = fields.String()


class HitsOut(Schema):
    """What was found, the best first."""

    items = fields.List(fields.Nested(HitOut))


@blueprint.route("/search")
@blueprint.arguments(SearchQuery, location="query")
@blueprint.response(200, HitsOut)
@doors.open_to("key", "customers.read")
def find(query: dict[str, Any]) -> dict[str, Any]:
    """Find things by a text: names, addresses, numbers, in any language."""
    for kind in query["kinds"]:
        access.require(KINDS[kind])
    kinds = query["kinds"] or [kind for kind, right in KINDS.items() if access.may(right)]
    hits = (
        search.find(scope.tenant_id(), query["q"].strip(), kinds=kinds, limit=query["limit"])
        if query["q"].strip()
        else []
    )
    reads.note(kind="customer", count=sum(hit.kind == "customer" for hit in hits))
    return {"items": [{name: getattr(hit, name) for name in HitOut().fields} for hit in hits]}
