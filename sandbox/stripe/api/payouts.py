"""Payouts and what they are made of; to be read only, for an account's schedule makes them."""

from typing import Any

from sandbox.stripe import answers, params
from sandbox.stripe.routes import route
from sandbox.stripe.world import World


@route("GET", "/payouts/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a payout."""
    return answers.present(world, world.one("payout", identifier), given.get("expand") or [])


@route("GET", "/payouts", paged=True, takes={"created": params.span, "status": params.text})
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list payouts."""
    found = [
        one for one in world.store.find("payout")
        if given.get("status") in (None, one["status"]) and answers.within(one["created"], given.get("created"))
    ]  # fmt: skip
    return answers.page(world, found, given, "/payouts")


@route("GET", "/balance_transactions/<identifier>")
def retrieve_movement(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a movement of the balance."""
    return answers.present(world, world.one("balance_transaction", identifier), given.get("expand") or [])


@route(
    "GET", "/balance_transactions", paged=True,
    takes={"created": params.span, "payout": params.text, "type": params.text, "source": params.text, "currency": params.text},
)  # fmt: skip
def listing_movements(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list the movements of the balance, all or those of a payout."""
    if given.get("payout"):
        world.one("payout", given["payout"], param="payout")
    found = [
        one for one in world.store.find("balance_transaction")
        if given.get("payout") in (None, one["_payout"]) and all(given.get(name) in (None, one[name]) for name in ("type", "source", "currency"))
        and answers.within(one["created"], given.get("created"))
    ]  # fmt: skip
    return answers.page(world, found, given, "/balance_transactions")
