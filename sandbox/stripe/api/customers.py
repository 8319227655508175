"""Customers: made, changed, deleted with their subscriptions, and their cards listed."""

from typing import Any

from sandbox.stripe import answers, errors, events, params
from sandbox.stripe.lifecycle import ending, methods
from sandbox.stripe.routes import route
from sandbox.stripe.shapes import billing
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

FIELDS = {
    "address": params.ADDRESS,
    "balance": params.integer,
    "business_name": params.text,
    "description": params.text,
    "email": params.text,
    "individual_name": params.text,
    "invoice_prefix": params.text,
    "invoice_settings": params.free,
    "metadata": params.mapping,
    "name": params.text,
    "next_invoice_sequence": params.integer,
    "phone": params.text,
    "preferred_locales": params.listing(params.text),
    "shipping": params.free,
    "tax": params.free,
    "tax_exempt": params.choice("exempt", "none", "reverse"),
}
TAX_ID = params.listing(params.shape({"type": params.text, "value": params.text}))


def apply(world: World, customer: Document, given: dict[str, Any]) -> None:
    """This function will take over what a request says of a customer."""
    email = given.get("email")
    if email and ("@" not in email or " " in email):
        raise errors.Refused(f"Invalid email address: {email}", code="email_invalid", param="email")
    for name, value in given.items():
        if name == "metadata":
            params.merge_metadata(customer, value)
        elif name == "invoice_settings":
            settings = dict(value or {})
            if settings.get("default_payment_method"):
                settings["default_payment_method"] = own_method(world, customer, settings["default_payment_method"])[
                    "id"
                ]
            customer["invoice_settings"] |= settings
        elif name == "address":
            customer["address"] = value and {
                **dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
                **value,
            }
        elif name in FIELDS and name != "tax":
            customer[name] = value


def own_method(world: World, customer: Document, identifier: str) -> Document:
    """This function will give a card that is this customer's, or refuse."""
    method = methods.resolve(world, identifier, param="invoice_settings[default_payment_method]", owner=customer)
    if method["customer"] != customer["id"]:
        raise errors.Refused(
            "The customer does not have a payment method with the ID "
            f"{identifier}. The payment method must be attached to the customer.",
            code="resource_missing",
            param="invoice_settings[default_payment_method]",
        )
    return method


@route(
    "POST", "/customers",
    takes={**FIELDS, "payment_method": params.text, "tax_id_data": TAX_ID, "test_clock": params.text},
)  # fmt: skip
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will make a customer, with a card when one is named."""
    clock = given.get("test_clock") and world.one("test_helpers.test_clock", given["test_clock"], param="test_clock")
    customer = world.store.add(billing.customer(created=clock["frozen_time"] if clock else world.now()))
    customer["test_clock"] = clock and clock["id"]
    settings = dict(given.get("invoice_settings") or {})
    default = settings.pop("default_payment_method", None)
    apply(world, customer, {**given, "invoice_settings": settings})
    events.emit(world, "customer.created", customer)
    if given.get("payment_method"):
        method = methods.resolve(world, given["payment_method"], owner=customer)
        methods.attach(world, method=method, customer=customer)
        if default in (method["id"], given["payment_method"]):
            customer["invoice_settings"]["default_payment_method"] = method["id"]
            default = None
    if default:
        customer["invoice_settings"]["default_payment_method"] = own_method(world, customer, default)["id"]
    return answers.present(world, customer, given.get("expand") or [])


@route("GET", "/customers/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a customer; a deleted one is shown as deleted."""
    customer = world.store.get("customer", identifier)
    if customer is None:
        raise errors.missing("customer", identifier)
    return answers.present(world, customer, given.get("expand") or [])


@route("POST", "/customers/<identifier>", takes=FIELDS)
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change what was sent and nothing else."""
    customer = world.one("customer", identifier)
    with events.changing(world, customer, "customer.updated"):
        apply(world, customer, given)
    return answers.present(world, customer, given.get("expand") or [])


@route("DELETE", "/customers/<identifier>")
def delete(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will delete a customer and cancel all subscriptions at once."""
    customer = world.one("customer", identifier)
    for subscription in list(world.store.find("subscription", customer=identifier)):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            ending.end(world, subscription, reason="cancellation_requested")
    events.emit(world, "customer.deleted", customer)
    customer["deleted"] = True
    return answers.present(world, customer)


@route(
    "GET", "/customers", paged=True,
    takes={"created": params.span, "email": params.text, "test_clock": params.text},
)  # fmt: skip
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list customers; those on test clocks only when their clock is named."""
    found = [
        one
        for one in world.store.find("customer", test_clock=given.get("test_clock"))
        if not one.get("deleted")
        and answers.within(one["created"], given.get("created"))
        and given.get("email") in (None, one["email"])
    ]
    return answers.page(world, found, given, "/customers")


@route(
    "GET",
    "/customers/<identifier>/payment_methods",
    paged=True,
    takes={"type": params.text, "allow_redisplay": params.text},
)
def list_methods(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will list a customer's cards."""
    world.one("customer", identifier)
    found = [
        one
        for one in world.store.find("payment_method", customer=identifier)
        if given.get("type") in (None, one["type"])
    ]
    return answers.page(world, found, given, f"/customers/{identifier}/payment_methods")


@route("GET", "/customers/<identifier>/payment_methods/<method>")
def retrieve_method(world: World, given: dict[str, Any], identifier: str, method: str) -> dict[str, Any]:
    """This function will show one card of a customer."""
    found = world.one("payment_method", method)
    if found["customer"] != identifier:
        raise errors.missing("payment_method", method)
    return answers.present(world, found, given.get("expand") or [])


@route("DELETE", "/customers/<identifier>/discount")
def delete_discount(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will take the customer's own discount away."""
    customer = world.one("customer", identifier)
    discount = world.one("discount", customer["discount"])
    customer["discount"] = None
    events.emit(world, "customer.discount.deleted", discount)
    return {**answers.present(world, discount), "deleted": True}
