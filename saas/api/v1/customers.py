"""Customers for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from saas.api import entrance, shapes
from saas.audiences import filters
from saas.customers import arriving, duplicates, facts, finding, profiles, schemas
from saas.customers.schemas import CustomerIn, CustomerOut
from saas.kit import doors
from saas.tenancy import reads

blueprint = Blueprint("api_customers", __name__, description="Whom the company sells to")


class CustomerQuery(shapes.ListQuery):
    """Which customers a list shows."""

    email = fields.String(metadata={"description": "the customer of this address"})
    external_id = fields.String(metadata={"description": "the customer with this id in its shop"})
    consent = fields.String(metadata={"description": "granted, withdrawn or unknown"})
    country = fields.String(metadata={"description": "as it stands with the customer"})
    where = fields.List(
        fields.String(),
        load_default=list,
        metadata={"description": "a filter such as orders_count.at_least.2; several must all fit"},
    )
    sort = fields.String(
        load_default=finding.NEWEST,
        metadata={
            "description": "name, created, spent, orders, last_order, last_visit; with a minus before it the other way round"
        },
    )


def shown(customers: list[Any]) -> list[dict[str, Any]]:
    """Return customers with what is known of them, in two queries for any number."""
    known = facts.of([customer.id for customer in customers])
    return [schemas.shown(customer, known.get(customer.id)) for customer in customers]


def version(customer: Any) -> str:
    return entrance.etag(customer.id, customer.updated_at)


class PossibleOut(Schema):
    """A customer who may be the same person."""

    id = fields.UUID()
    score = fields.Float()
    evidence = fields.List(fields.String())


class CustomerCreated(CustomerOut):
    """A customer that was just created, with those who may be the same person."""

    possible_duplicates = fields.List(fields.Nested(PossibleOut))


@blueprint.route("/customers")
class Customers(MethodView):
    @blueprint.arguments(CustomerQuery, location="query")
    @blueprint.response(200, shapes.page_of(CustomerOut))
    @doors.open_to("key", "customers.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List customers, filtered and sorted as asked; newest first unless `sort` says otherwise."""
        page = filters.listed(filters.definition(query.pop("where")), **query)
        reads.note(kind="customer", count=len(page.items))
        return {"items": [schemas.shown(customer, known) for customer, known in page.items], "next": page.next}

    @blueprint.arguments(CustomerIn)
    @blueprint.response(201, CustomerCreated)
    @doors.open_to("key", "customers.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Create a customer; 409 when the address is known, 402 when the plan is full."""
        alike = duplicates.similar(item)
        made = shown([profiles.create(**item)])[0]
        return made | {
            "possible_duplicates": [
                {"id": one.customer.id, "score": one.score, "evidence": one.reasons} for one in alike
            ]
        }


@blueprint.route("/customers/bulk", methods=["POST"])
@blueprint.arguments(shapes.bulk_of(CustomerIn))
@blueprint.response(200, shapes.BulkAnswer)
@doors.open_to("key", "customers.edit")
def bulk(body: dict[str, Any]) -> dict[str, Any]:
    """Create or update up to 1,000 customers; each item says what became of it."""
    good, places, failed = shapes.load_each(CustomerIn(), body["items"])
    results = arriving.upsert_many(good, shapes.source_of(body), source="api") if good else []
    return shapes.merged(len(body["items"]), results, places, failed)


@blueprint.route("/customers/<customer_id>")
class OneCustomer(MethodView):
    @blueprint.response(200, CustomerOut)
    @doors.open_to("key", "customers.read")
    def get(self, customer_id: UUID) -> Any:
        """Show a customer; the ETag is its version."""
        reads.note(kind="customer", count=1)
        return answered(profiles.one(customer_id))

    @blueprint.arguments(CustomerIn)
    @blueprint.response(200, CustomerOut)
    @doors.open_to("key", "customers.edit")
    def patch(self, item: dict[str, Any], customer_id: UUID) -> Any:
        """Change the given fields; with If-Match only while nobody changed it meanwhile (412)."""
        entrance.require_match(version(profiles.one(customer_id, lock=True)))
        return answered(profiles.change(customer_id, **item))

    @blueprint.response(204)
    @doors.open_to("key", "customers.delete")
    def delete(self, customer_id: UUID) -> None:
        """Delete a customer; their orders stay, without a name."""
        entrance.require_match(version(profiles.one(customer_id, lock=True)))
        profiles.delete(customer_id)


def answered(customer: Any) -> tuple[dict[str, Any], int, dict[str, str]]:
    return shown([customer])[0], 200, {"ETag": f'"{version(customer)}"'}
