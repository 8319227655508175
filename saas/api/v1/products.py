"""Products for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import fields

from saas.api import entrance, shapes
from saas.catalog import finding, moving, products, variants
from saas.catalog.schemas import (
    PriceOut,
    ProductChange,
    ProductIn,
    ProductOut,
    VariantOut,
    price_shown,
    shown,
    variant_shown,
)
from saas.kit import access, doors
from saas.tenancy import custom_filters

blueprint = Blueprint("api_products", __name__, description="What the company sells")


class ProductQuery(shapes.ListQuery):
    """Which products a list shows."""

    external_id = fields.String(metadata={"description": "the product with this id in its shop"})
    active = fields.Boolean(metadata={"description": "true: on sale"})
    sold_out = fields.Boolean()
    sku = fields.String(
        metadata={"description": "all products with this article number, or with a variant that has it"}
    )
    reduced = fields.Boolean(metadata={"description": "true: it or one of its variants is reduced at this moment"})
    category = fields.String()
    pictured = fields.Boolean(metadata={"description": "false: no picture is known"})
    where = fields.List(
        fields.String(),
        load_default=list,
        metadata={
            "description": "a filter on a field of the company's own such as custom.material.is.oak; all must fit"
        },
    )
    sort = fields.String(
        load_default="newest",
        metadata={"description": "newest, name, or custom.<key>; with a minus the other way round"},
    )


def version(product: Any) -> str:
    return entrance.etag(product.id, product.updated_at)


def answered(product: Any) -> tuple[dict[str, Any], int, dict[str, str]]:
    return shown(product), 200, {"ETag": f'"{version(product)}"'}


@blueprint.route("/products")
class Products(MethodView):
    @blueprint.arguments(ProductQuery, location="query")
    @blueprint.response(200, shapes.page_of(ProductOut))
    @doors.open_to("key", "products.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List products, newest first."""
        where = custom_filters.where("product", query.pop("where"))
        page = finding.listed(where=where, **query)
        return {"items": [shown(product) for product in page.items], "next": page.next}

    @blueprint.arguments(ProductIn)
    @blueprint.response(201, ProductOut)
    @doors.open_to("key", "products.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Create a product; 409 when its external_id is known."""
        return shown(products.create(**item))


@blueprint.route("/products/bulk", methods=["POST"])
@blueprint.arguments(shapes.bulk_of(ProductIn))
@blueprint.response(200, shapes.BulkAnswer)
@doors.open_to("key", "products.edit")
def bulk(body: dict[str, Any]) -> dict[str, Any]:
    """Create or update up to 1,000 products; each item says what became of it."""
    good, places, failed = shapes.load_each(ProductIn(), body["items"])
    results = products.upsert_many(good, shapes.source_of(body)) if good else []
    return shapes.merged(len(body["items"]), results, places, failed)


@blueprint.route("/products/<product_id>")
class OneProduct(MethodView):
    @blueprint.response(200, ProductOut)
    @doors.open_to("key", "products.read")
    def get(self, product_id: UUID) -> Any:
        """Show a product; the ETag is its version."""
        return answered(products.one(product_id))

    @blueprint.arguments(ProductChange)
    @blueprint.response(200, ProductOut)
    @doors.open_to("key", "products.edit")
    def patch(self, item: dict[str, Any], product_id: UUID) -> Any:
        """Change the given fields; with If-Match only while nobody changed it meanwhile (412)."""
        entrance.require_match(version(products.one(product_id, lock=True)))
        return answered(products.change(product_id, **item))


class VariantQuery(shapes.ListQuery):
    """Which variants a list shows."""


@blueprint.route("/products/<product_id>/variants")
@blueprint.arguments(VariantQuery, location="query")
@blueprint.response(200, shapes.page_of(VariantOut))
@doors.open_to("key", "products.read")
def variants_of(query: dict[str, Any], product_id: UUID) -> dict[str, Any]:
    """List the variants a product has now, as its shop orders them."""
    page = variants.of_product(products.one(product_id).id, **query)
    return {"items": [variant_shown(one) for one in page.items], "next": page.next}


@blueprint.route("/products/<product_id>/prices")
@blueprint.response(200, shapes.page_of(PriceOut))
@doors.open_to("key", "products.read")
def prices_of(product_id: UUID) -> dict[str, Any]:
    """List the last 200 changes of a product's price and of its variants' prices, oldest first."""
    access.require_readable("product", ["price"])
    return {"items": [price_shown(row) for row in moving.prices_of(products.one(product_id).id)], "next": None}
