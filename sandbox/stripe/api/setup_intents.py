"""Setup intents: saving a card without charging it."""

from typing import Any

from sandbox.stripe import answers, errors, events, params
from sandbox.stripe.api.payment_intents import METHOD_DATA, method_in
from sandbox.stripe.lifecycle import paying
from sandbox.stripe.routes import route
from sandbox.stripe.shapes import payments
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

FIELDS = {
    "customer": params.text,
    "description": params.text,
    "metadata": params.mapping,
    "payment_method": params.text,
    "payment_method_data": METHOD_DATA,
    "payment_method_options": params.free,
    "allowed_payment_method_types": params.listing(params.text),
}
CONFIRM = {
    "payment_method": params.text, "payment_method_data": METHOD_DATA, "payment_method_options": params.free,
    "return_url": params.text, "mandate_data": params.free, "use_stripe_sdk": params.boolean,
}  # fmt: skip


def begin(world: World, *, customer: Document | None) -> Document:
    """This function will open a SetupIntent and tell of it."""
    intent = payments.setup_intent(customer=customer and customer["id"], created=world.now(customer))
    intent["_clock"] = (customer or {}).get("test_clock")
    world.store.add(intent)
    events.emit(world, "setup_intent.created", intent)
    return intent


def act(world: World, intent: Document, given: dict[str, Any]) -> None:
    """This function will save the card."""
    method = method_in(world, intent, given) or world.store.get("payment_method", intent["payment_method"])
    if method is None or intent["status"] in ("succeeded", "canceled"):
        raise errors.Refused(
            "You cannot confirm this SetupIntent because it's missing a payment method."
            if method is None
            else f"You cannot confirm this SetupIntent because it has a status of {intent['status']}.",
            code="setup_intent_unexpected_state",
        )
    paying.set_up(world, intent=intent, method=method, return_url=given.get("return_url"))


@route(
    "POST", "/setup_intents",
    takes={**FIELDS, **CONFIRM, "confirm": params.boolean, "usage": params.choice("off_session", "on_session"),
           "automatic_payment_methods": params.free},
)  # fmt: skip
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will open the wish to save a card and, with ``confirm``, fulfil it."""
    customer = given.get("customer") and world.one("customer", given["customer"], param="customer")
    intent = begin(world, customer=customer or None)
    intent["usage"] = given.get("usage") or "off_session"
    intent["description"] = given.get("description")
    params.merge_metadata(intent, given.get("metadata"))
    if method := method_in(world, intent, given):
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    if given.get("confirm"):
        act(world, intent, {"return_url": given.get("return_url")})
    return answers.present(world, intent, given.get("expand") or [])


@route("GET", "/setup_intents/<identifier>", takes={"client_secret": params.text})
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a setup intent."""
    return answers.present(world, world.one("setup_intent", identifier), given.get("expand") or [])


@route("POST", "/setup_intents/<identifier>", takes=FIELDS)
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change a setup intent."""
    intent = world.one("setup_intent", identifier)
    params.merge_metadata(intent, given.get("metadata"))
    intent["description"] = given.get("description", intent["description"])
    if given.get("customer"):
        intent["customer"] = world.one("customer", given["customer"], param="customer")["id"]
    if method := method_in(world, intent, given):
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}
    return answers.present(world, intent, given.get("expand") or [])


@route("POST", "/setup_intents/<identifier>/confirm", takes=CONFIRM)
def confirm(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will save the card."""
    intent = world.one("setup_intent", identifier)
    act(world, intent, given)
    return answers.present(world, intent, given.get("expand") or [])


@route("POST", "/setup_intents/<identifier>/cancel", takes={"cancellation_reason": params.text})
def cancel(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will give the wish up."""
    intent = world.one("setup_intent", identifier)
    if intent["status"] in ("succeeded", "canceled"):
        raise errors.Refused(
            f"You cannot cancel this SetupIntent because it has a status of {intent['status']}.",
            code="setup_intent_unexpected_state",
        )
    intent |= {"status": "canceled", "cancellation_reason": given.get("cancellation_reason"), "next_action": None}
    events.emit(world, "setup_intent.canceled", intent)
    return answers.present(world, intent, given.get("expand") or [])


@route(
    "GET",
    "/setup_intents",
    paged=True,
    takes={"created": params.span, "customer": params.text, "payment_method": params.text},
)
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list setup intents."""
    found = [one for one in world.store.find("setup_intent")
             if all(given.get(name) in (None, one[name]) for name in ("customer", "payment_method"))
             and answers.within(one["created"], given.get("created"))]  # fmt: skip
    return answers.page(world, found, given, "/setup_intents")
