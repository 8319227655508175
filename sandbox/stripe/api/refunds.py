"""Refunds: money given back, in part or in full."""

from typing import Any

from sandbox.stripe import answers, errors, events, params
from sandbox.stripe.lifecycle import returning
from sandbox.stripe.routes import route
from sandbox.stripe.world import World


@route(
    "POST", "/refunds",
    takes={"amount": params.whole, "charge": params.text, "payment_intent": params.text, "metadata": params.mapping,
           "reason": params.choice("duplicate", "fraudulent", "requested_by_customer")},
)  # fmt: skip
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will give money back for a charge, named itself or through its intent."""
    if given.get("payment_intent"):
        intent = world.one("payment_intent", given["payment_intent"], param="payment_intent")
        if not intent["latest_charge"] or intent["status"] != "succeeded":
            raise errors.Refused(
                f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                code="payment_intent_unexpected_state", param="payment_intent",
            )  # fmt: skip
        charge = world.one("charge", intent["latest_charge"])
    elif given.get("charge"):
        charge = world.one("charge", given["charge"], param="charge")
    else:
        raise errors.Refused(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
        )
    made = returning.refund(
        world, charge=charge, amount=given.get("amount"), reason=given.get("reason"), metadata=given.get("metadata")
    )
    return answers.present(world, made, given.get("expand") or [])


@route("GET", "/refunds/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a refund."""
    return answers.present(world, world.one("refund", identifier), given.get("expand") or [])


@route("POST", "/refunds/<identifier>", takes={"metadata": params.mapping})
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change the notes on a refund."""
    refund = world.one("refund", identifier)
    with events.changing(world, refund, "refund.updated"):
        params.merge_metadata(refund, given.get("metadata"))
    return answers.present(world, refund, given.get("expand") or [])


@route(
    "GET", "/refunds", paged=True,
    takes={"charge": params.text, "payment_intent": params.text, "created": params.span},
)  # fmt: skip
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list refunds."""
    found = [one for one in world.store.find("refund")
             if all(given.get(name) in (None, one[name]) for name in ("charge", "payment_intent"))
             and answers.within(one["created"], given.get("created"))]  # fmt: skip
    return answers.page(world, found, given, "/refunds")
