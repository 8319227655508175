"""Products: what is sold."""

from typing import Any

from sandbox.stripe import answers, errors, events, params
from sandbox.stripe.lifecycle import pricing
from sandbox.stripe.routes import route
from sandbox.stripe.shapes import catalog
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

FIELDS = {
    "active": params.boolean,
    "description": params.text,
    "images": params.listing(params.text),
    "marketing_features": params.listing(params.shape({"name": params.text})),
    "metadata": params.mapping,
    "name": params.text,
    "package_dimensions": params.free,
    "shippable": params.boolean,
    "statement_descriptor": params.text,
    "tax_code": params.text,
    "unit_label": params.text,
    "url": params.text,
}
PRICE_DATA = params.shape(
    {
        "currency": params.text, "metadata": params.mapping, "recurring": params.free, "tax_behavior": params.text,
        "unit_amount": params.whole, "unit_amount_decimal": params.decimal,
    },
    required=("currency",),
)  # fmt: skip


def apply(product: Document, given: dict[str, Any]) -> None:
    """This function will take over what a request says of a product."""
    params.merge_metadata(product, given.get("metadata"))
    for name in FIELDS.keys() & given.keys() - {"metadata"}:
        product[name] = given[name]


@route(
    "POST", "/products", required=("name",),
    takes={**FIELDS, "id": params.text, "type": params.text, "default_price_data": PRICE_DATA},
)  # fmt: skip
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will make a product, under an id of the caller's choice when one is given."""
    product = catalog.product(name=given["name"], created=world.now())
    if given.get("id"):
        if world.store.any(given["id"]):
            raise errors.Refused("Product already exists.", code="resource_already_exists", param="id")
        product["id"] = given["id"]
    apply(product, given)
    world.store.add(product)
    if given.get("default_price_data"):
        data = {**given["default_price_data"], "product": product["id"]}
        product["default_price"] = pricing.make(world, data, param="default_price_data")["id"]
    events.emit(world, "product.created", product)
    return answers.present(world, product, given.get("expand") or [])


@route("GET", "/products/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a product."""
    return answers.present(world, world.one("product", identifier), given.get("expand") or [])


@route("POST", "/products/<identifier>", takes={**FIELDS, "default_price": params.text})
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change a product."""
    product = world.one("product", identifier)
    with events.changing(world, product, "product.updated"):
        apply(product, given)
        if "default_price" in given:
            price = given["default_price"] and world.one("price", given["default_price"], param="default_price")
            product["default_price"] = price and price["id"]
        product["updated"] = world.now()
    return answers.present(world, product, given.get("expand") or [])


@route("DELETE", "/products/<identifier>")
def delete(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will delete a product that has no prices."""
    product = world.one("product", identifier)
    if world.store.first("price", product=identifier):
        raise errors.Refused("This product cannot be deleted because it has one or more user-created prices.")
    events.emit(world, "product.deleted", product)
    product["deleted"] = True
    answer = answers.present(world, product)
    world.store.drop(product)
    return answer


@route(
    "GET", "/products", paged=True,
    takes={"active": params.boolean, "created": params.span, "ids": params.listing(params.text), "url": params.text,
           "type": params.text, "shippable": params.boolean},
)  # fmt: skip
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list products."""
    found = [
        one
        for one in world.store.find("product")
        if given.get("active") in (None, one["active"])
        and given.get("url") in (None, one["url"])
        and answers.within(one["created"], given.get("created"))
        and (not given.get("ids") or one["id"] in given["ids"])
    ]
    return answers.page(world, found, given, "/products")
