"""Payment methods: cards typed or named, given to a customer and taken away."""

from typing import Any

from sandbox.stripe import answers, errors, events, params
from sandbox.stripe.lifecycle import cards, methods
from sandbox.stripe.routes import route
from sandbox.stripe.shapes import payments
from sandbox.stripe.world import World

DETAILS = params.shape(
    {"address": params.ADDRESS, "email": params.text, "name": params.text, "phone": params.text, "tax_id": params.text}
)
CARD = params.shape(
    {
        "number": params.text,
        "exp_month": params.integer,
        "exp_year": params.integer,
        "cvc": params.text,
        "token": params.text,
    }
)
REDISPLAY = params.choice("always", "limited", "unspecified")


@route(
    "POST", "/payment_methods", required=("type",),
    takes={"type": params.choice("card"), "card": CARD, "billing_details": DETAILS, "metadata": params.mapping,
           "allow_redisplay": REDISPLAY},
)  # fmt: skip
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will make a card."""
    method = methods.from_card(world, card=given.get("card") or {}, details=given.get("billing_details"))
    params.merge_metadata(method, given.get("metadata"))
    method["allow_redisplay"] = given.get("allow_redisplay") or "unspecified"
    return answers.present(world, method, given.get("expand") or [])


@route("GET", "/payment_methods/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a card."""
    return answers.present(world, methods.resolve(world, identifier, param="id"), given.get("expand") or [])


@route(
    "POST", "/payment_methods/<identifier>",
    takes={"billing_details": DETAILS, "metadata": params.mapping, "allow_redisplay": REDISPLAY,
           "card": params.shape({"exp_month": params.integer, "exp_year": params.integer})},
)  # fmt: skip
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change what stands around a card, never its number."""
    method = world.one("payment_method", identifier)
    if not method["customer"]:
        raise errors.Refused("You must save this PaymentMethod to a customer before you can update it.")
    with events.changing(world, method, "payment_method.updated"):
        params.merge_metadata(method, given.get("metadata"))
        if given.get("billing_details"):
            merged = {**method["billing_details"], **given["billing_details"]}
            method["billing_details"] = payments.billing_details(merged)
        if given.get("allow_redisplay"):
            method["allow_redisplay"] = given["allow_redisplay"]
        method["card"] |= given.get("card") or {}
    return answers.present(world, method, given.get("expand") or [])


@route("POST", "/payment_methods/<identifier>/attach", takes={"customer": params.text}, required=("customer",))
def attach(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will give a card to a customer."""
    customer = world.one("customer", given["customer"], param="customer")
    method = methods.resolve(world, identifier, owner=customer)
    methods.attach(world, method=method, customer=customer)
    return answers.present(world, method, given.get("expand") or [])


@route("POST", "/payment_methods/<identifier>/detach")
def detach(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will take a card away from its customer."""
    method = methods.detach(world, method=world.one("payment_method", identifier))
    return answers.present(world, method, given.get("expand") or [])


@route(
    "GET",
    "/payment_methods",
    paged=True,
    takes={"customer": params.text, "type": params.text, "allow_redisplay": params.text},
)
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list the cards of a customer, or all that belong to somebody."""
    wanted = given.get("customer") and world.one("customer", given["customer"], param="customer")["id"]
    found = [one for one in world.store.find("payment_method") if one["customer"] and wanted in (None, one["customer"])]
    return answers.page(world, found, given, "/payment_methods")


@route("POST", "/tokens", takes={"card": CARD}, required=("card",))
def create_token(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will refuse: cards are typed on the hosted page, or named by a test token."""
    known = ", ".join(f"tok_{name}" for name in list(cards.NAMED)[:4])
    raise errors.Refused(f"The sandbox makes no tokens; use {known} or a payment method.", param="card")
