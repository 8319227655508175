"""Charges: each single try at a card, read-only but for its notes."""

from typing import Any

from sandbox.stripe import answers, events, params
from sandbox.stripe.routes import route
from sandbox.stripe.store import Document
from sandbox.stripe.world import World


@answers.includes("charge", "refunds")
def show_refunds(world: World, charge: Document) -> dict[str, Any]:
    """This function will list what was given back of a charge."""
    made = list(world.store.find("refund", charge=charge["id"]))
    return answers.sub_list(world, reversed(made), f"/v1/charges/{charge['id']}/refunds")


@route("GET", "/charges/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a charge."""
    return answers.present(world, world.one("charge", identifier), given.get("expand") or [])


@route(
    "POST",
    "/charges/<identifier>",
    takes={
        "description": params.text,
        "metadata": params.mapping,
        "receipt_email": params.text,
        "fraud_details": params.free,
    },
)
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change the notes on a charge."""
    charge = world.one("charge", identifier)
    with events.changing(world, charge, "charge.updated"):
        params.merge_metadata(charge, given.get("metadata"))
        for name in ("description", "receipt_email", "fraud_details"):
            if name in given:
                charge[name] = given[name]
    return answers.present(world, charge, given.get("expand") or [])


@route(
    "GET",
    "/charges",
    paged=True,
    takes={"created": params.span, "customer": params.text, "payment_intent": params.text},
)
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list charges."""
    found = [
        one
        for one in world.store.find("charge")
        if all(given.get(name) in (None, one[name]) for name in ("customer", "payment_intent"))
        and answers.within(one["created"], given.get("created"))
    ]
    return answers.page(world, found, given, "/charges")
