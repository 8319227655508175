"""Payment intents: one payment from the wish to the receipt."""

from typing import Any

from sandbox.stripe import answers, errors, events, params
from sandbox.stripe.api.payment_methods import CARD, DETAILS
from sandbox.stripe.lifecycle import collecting, methods, paying
from sandbox.stripe.routes import route
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

METHOD_DATA = params.shape(
    {
        "type": params.choice("card"),
        "card": CARD,
        "billing_details": DETAILS,
        "metadata": params.mapping,
        "allow_redisplay": params.text,
    },
    required=("type",),
)
CONFIRM = {
    "payment_method": params.text,
    "payment_method_data": METHOD_DATA,
    "payment_method_options": params.free,
    "off_session": params.boolean,
    "return_url": params.text,
    "error_on_requires_action": params.boolean,
    "mandate_data": params.free,
    "receipt_email": params.text,
    "setup_future_usage": params.choice("off_session", "on_session"),
    "use_stripe_sdk": params.boolean,
}
FIELDS = {
    "amount": params.whole,
    "currency": params.text,
    "customer": params.text,
    "description": params.text,
    "metadata": params.mapping,
    "payment_method": params.text,
    "payment_method_data": METHOD_DATA,
    "payment_method_options": params.free,
    "allowed_payment_method_types": params.listing(params.text),
    "receipt_email": params.text,
    "setup_future_usage": params.choice("off_session", "on_session"),
    "shipping": params.free,
    "statement_descriptor": params.text,
    "statement_descriptor_suffix": params.text,
    "capture_method": params.choice("automatic", "automatic_async", "manual"),
}
KEPT = (
    "description",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "capture_method",
)


def apply(world: World, intent: Document, given: dict[str, Any]) -> None:
    """This function will take over what a request says of a payment."""
    params.merge_metadata(intent, given.get("metadata"))
    for name in KEPT:
        if given.get(name) is not None:
            intent[name] = given[name]
    if given.get("amount") is not None:
        intent["amount"] = given["amount"]
    method = method_in(world, intent, given)
    if method:
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}


def method_in(world: World, intent: Document, given: dict[str, Any]) -> Document | None:
    """This function will give the card a request names or types."""
    customer = world.store.get("customer", intent["customer"])
    if given.get("payment_method_data"):
        data = given["payment_method_data"]
        return methods.from_card(
            world, card=data.get("card") or {}, details=data.get("billing_details"), owner=customer
        )
    if not given.get("payment_method"):
        return None
    method = methods.resolve(world, given["payment_method"], owner=customer)
    if method["customer"] not in (None, intent["customer"]):
        raise errors.Refused(
            "The provided PaymentMethod was attached to another Customer; pass that Customer to use it.",
            code="payment_method_unexpected_state",
            param="payment_method",
        )
    return method


def act(world: World, intent: Document, given: dict[str, Any]) -> None:
    """This function will confirm and, when the intent pays an invoice, settle that too."""
    method = method_in(world, intent, given) or world.store.get("payment_method", intent["payment_method"])
    if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
        raise errors.Refused(
            f"This PaymentIntent's status is {intent['status']}, so it cannot be confirmed.",
            code="payment_intent_unexpected_state",
        )
    if method is None:
        raise errors.Refused(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method.",
            code="payment_intent_unexpected_state",
        )
    if given.get("setup_future_usage"):
        intent["setup_future_usage"] = given["setup_future_usage"]
    off_session = bool(given.get("off_session"))
    paying.confirm(world, intent=intent, method=method, off_session=off_session, return_url=given.get("return_url"))
    if intent["status"] == "requires_action" and (off_session or given.get("error_on_requires_action")):
        refusal = errors.CardRefused(
            "Your card was declined. This transaction requires authentication.",
            code="authentication_required",
            decline_code="authentication_required",
        )
        paying.describe_failure(world, intent=intent, method=method, refusal=refusal, field="last_payment_error")
        refusal.details["payment_intent"] = answers.present(world, intent)
        events.emit(world, "payment_intent.payment_failed", intent)
        raise refusal
    if intent["status"] == "succeeded":
        customer = world.store.get("customer", intent["customer"])
        if intent["setup_future_usage"] and customer:
            methods.attach(world, method=method, customer=customer, checked=True)
        collecting.after_intent(world, intent)


@route(
    "POST",
    "/payment_intents",
    required=("amount", "currency"),
    takes={
        **FIELDS,
        **CONFIRM,
        "confirm": params.boolean,
        "confirmation_method": params.text,
        "automatic_payment_methods": params.free,
    },
)
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will open a payment and, with ``confirm``, make it."""
    if given["amount"] < 1:
        raise errors.Refused(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="amount"
        )
    customer = given.get("customer") and world.one("customer", given["customer"], param="customer")
    intent = paying.open_intent(
        world, amount=given["amount"], currency=given["currency"].lower(), customer=customer or None
    )
    if given.get("automatic_payment_methods"):
        intent["automatic_payment_methods"] = {"allow_redirects": "always", **given["automatic_payment_methods"]}
    apply(world, intent, given)
    if given.get("confirm"):
        act(world, intent, {**given, "payment_method": None, "payment_method_data": None})
    return answers.present(world, intent, given.get("expand") or [])


@route("GET", "/payment_intents/<identifier>", takes={"client_secret": params.text})
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a payment."""
    return answers.present(world, world.one("payment_intent", identifier), given.get("expand") or [])


@route("POST", "/payment_intents/<identifier>", takes=FIELDS)
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change a payment that was not made yet."""
    intent = world.one("payment_intent", identifier)
    if intent["status"] in ("succeeded", "canceled") and given.keys() - {
        "metadata",
        "description",
        "expand",
        "receipt_email",
    }:
        raise errors.Refused(
            f"This PaymentIntent's status is {intent['status']}, so it cannot be changed.",
            code="payment_intent_unexpected_state",
        )
    if given.get("customer"):
        intent["customer"] = world.one("customer", given["customer"], param="customer")["id"]
    apply(world, intent, given)
    return answers.present(world, intent, given.get("expand") or [])


@route("POST", "/payment_intents/<identifier>/confirm", takes=CONFIRM)
def confirm(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will make the payment."""
    intent = world.one("payment_intent", identifier)
    act(world, intent, given)
    return answers.present(world, intent, given.get("expand") or [])


@route("POST", "/payment_intents/<identifier>/capture", takes={"amount_to_capture": params.whole})
def capture(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will take money that was reserved."""
    intent = world.one("payment_intent", identifier)
    paying.capture(world, intent=intent, amount=given.get("amount_to_capture"))
    return answers.present(world, intent, given.get("expand") or [])


@route("POST", "/payment_intents/<identifier>/cancel", takes={"cancellation_reason": params.text})
def cancel(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will give a payment up before it was made."""
    intent = world.one("payment_intent", identifier)
    if intent["status"] in ("succeeded", "canceled"):
        raise errors.Refused(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    intent |= {
        "status": "canceled",
        "canceled_at": world.now(intent),
        "cancellation_reason": given.get("cancellation_reason"),
        "amount_capturable": 0,
        "next_action": None,
    }
    events.emit(world, "payment_intent.canceled", intent)
    return answers.present(world, intent, given.get("expand") or [])


@route("GET", "/payment_intents", paged=True, takes={"created": params.span, "customer": params.text})
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list payments."""
    found = [
        one
        for one in world.store.find("payment_intent")
        if given.get("customer") in (None, one["customer"]) and answers.within(one["created"], given.get("created"))
    ]
    return answers.page(world, found, given, "/payment_intents")
