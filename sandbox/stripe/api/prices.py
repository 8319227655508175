"""Prices: what a product costs; they never change their amount, and a lookup key moves from one to the next."""

from typing import Any

from sandbox.stripe import answers, errors, events, params
from sandbox.stripe.lifecycle import pricing
from sandbox.stripe.routes import route
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

FIELDS = {
    "active": params.boolean,
    "lookup_key": params.text,
    "metadata": params.mapping,
    "nickname": params.text,
    "tax_behavior": params.choice("exclusive", "inclusive", "unspecified"),
    "transfer_lookup_key": params.boolean,
}
RECURRING = params.shape(
    {
        "interval": params.choice("day", "week", "month", "year"),
        "interval_count": params.integer,
        "usage_type": params.choice("licensed"),
        "trial_period_days": params.integer,
    },
    required=("interval",),
)
PRODUCT_DATA = params.shape(
    {
        "id": params.text,
        "name": params.text,
        "active": params.boolean,
        "metadata": params.mapping,
        "description": params.text,
        "statement_descriptor": params.text,
        "tax_code": params.text,
        "unit_label": params.text,
        "images": params.listing(params.text),
        "tax_details": params.free,
    },
    required=("name",),
)


def apply(world: World, price: Document, given: dict[str, Any]) -> None:
    """This function will take over what may change in a price."""
    params.merge_metadata(price, given.get("metadata"))
    for name in ("active", "nickname", "tax_behavior"):
        if name in given:
            price[name] = given[name]
    if "lookup_key" in given:
        holder = given["lookup_key"] and world.store.first("price", lookup_key=given["lookup_key"])
        if holder and holder is not price:
            if not given.get("transfer_lookup_key"):
                raise errors.Refused(
                    f"A price (`{holder['id']}`) already uses that lookup key.",
                    code="resource_already_exists",
                    param="lookup_key",
                )
            with events.changing(world, holder, "price.updated"):
                holder["lookup_key"] = None
        price["lookup_key"] = given["lookup_key"]


@route(
    "POST",
    "/prices",
    required=("currency",),
    takes={
        **FIELDS,
        "currency": params.text,
        "product": params.text,
        "product_data": PRODUCT_DATA,
        "recurring": RECURRING,
        "unit_amount": params.whole,
        "unit_amount_decimal": params.decimal,
        "billing_scheme": params.choice("per_unit"),
    },
)
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will make a price for a product, or for a product made along with it."""
    if len(given["currency"]) != 3:
        raise errors.Refused(f"Invalid currency: {given['currency']}.", param="currency")
    if not given.get("product") and not given.get("product_data"):
        raise errors.Refused("Missing required param: product.", code="parameter_missing", param="product")
    price = make(world, given)
    return answers.present(world, price, given.get("expand") or [])


def make(world: World, given: dict[str, Any]) -> Document:
    """This function will make the price and set what may be set at once."""
    amount = given.get("unit_amount_decimal") or given.get("unit_amount")
    if amount is None:
        raise errors.Refused("Missing required param: unit_amount.", code="parameter_missing", param="unit_amount")
    price = pricing.make(world, given, param="price")
    apply(world, price, given)
    return price


@route("GET", "/prices/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a price."""
    return answers.present(world, world.one("price", identifier), given.get("expand") or [])


@route("POST", "/prices/<identifier>", takes=FIELDS)
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change a price's name, key or availability."""
    price = world.one("price", identifier)
    with events.changing(world, price, "price.updated"):
        apply(world, price, given)
    return answers.present(world, price, given.get("expand") or [])


@route(
    "GET",
    "/prices",
    paged=True,
    takes={
        "active": params.boolean,
        "created": params.span,
        "currency": params.text,
        "product": params.text,
        "lookup_keys": params.listing(params.text),
        "type": params.choice("one_time", "recurring"),
        "recurring": params.free,
    },
)
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list prices, by lookup key above all."""
    interval = (given.get("recurring") or {}).get("interval")
    found = [
        one
        for one in world.store.find("price")
        if all(given.get(name) in (None, one[name]) for name in ("active", "currency", "product", "type"))
        and answers.within(one["created"], given.get("created"))
        and (not given.get("lookup_keys") or one["lookup_key"] in given["lookup_keys"])
        and interval in (None, (one["recurring"] or {}).get("interval"))
    ]
    return answers.page(world, found, given, "/prices")
