"""Checkout Sessions: a page to pay on, made for one visit."""

from typing import Any

from sandbox.stripe import answers, errors, params
from sandbox.stripe.api import setup_intents
from sandbox.stripe.api.prices import PRODUCT_DATA, RECURRING
from sandbox.stripe.lifecycle import checkout, cycle, discounts, pricing
from sandbox.stripe.routes import route
from sandbox.stripe.shapes import pages
from sandbox.stripe.store import Document
from sandbox.stripe.world import DAY, World

PRICE_DATA = params.shape(
    {
        "currency": params.text,
        "product": params.text,
        "product_data": PRODUCT_DATA,
        "recurring": RECURRING,
        "tax_behavior": params.text,
        "unit_amount": params.whole,
        "unit_amount_decimal": params.decimal,
    },
    required=("currency",),
)
LINE = params.shape(
    {
        "price": params.text,
        "price_data": PRICE_DATA,
        "quantity": params.whole,
        "adjustable_quantity": params.free,
        "metadata": params.mapping,
        "tax_rates": params.listing(params.text),
    }
)
SUBSCRIPTION_DATA = params.shape(
    {
        "billing_cycle_anchor": params.integer,
        "billing_mode": params.free,
        "default_tax_rates": params.listing(params.text),
        "description": params.text,
        "invoice_settings": params.free,
        "metadata": params.mapping,
        "proration_behavior": params.choice("create_prorations", "none"),
        "trial_end": params.integer,
        "trial_period_days": params.integer,
        "trial_settings": params.free,
    }
)
PAYMENT_DATA = params.shape(
    {
        "capture_method": params.text,
        "description": params.text,
        "metadata": params.mapping,
        "receipt_email": params.text,
        "setup_future_usage": params.text,
        "shipping": params.free,
        "statement_descriptor": params.text,
    }
)
SETUP_DATA = params.shape({"description": params.text, "metadata": params.mapping})
SETTINGS = dict.fromkeys(
    (
        "after_expiration",
        "automatic_tax",
        "branding_settings",
        "consent_collection",
        "custom_fields",
        "custom_text",
        "invoice_creation",
        "name_collection",
        "payment_method_options",
        "phone_number_collection",
        "saved_payment_method_options",
        "shipping_address_collection",
        "tax_id_collection",
        "wallet_options",
        "adaptive_pricing",
    ),
    params.free,
)
TEXTS = (
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "customer_creation",
    "customer_email",
    "locale",
    "payment_method_collection",
    "submit_type",
    "success_url",
    "integration_identifier",
)


@route(
    "POST",
    "/checkout/sessions",
    takes={
        **SETTINGS,
        **dict.fromkeys(TEXTS, params.text),
        "allow_promotion_codes": params.boolean,
        "currency": params.text,
        "customer": params.text,
        "customer_update": params.free,
        "discounts": params.listing(params.shape({"coupon": params.text, "promotion_code": params.text})),
        "expires_at": params.integer,
        "line_items": params.listing(LINE),
        "metadata": params.mapping,
        "mode": params.choice("payment", "setup", "subscription"),
        "payment_intent_data": PAYMENT_DATA,
        "setup_intent_data": SETUP_DATA,
        "subscription_data": SUBSCRIPTION_DATA,
        "ui_mode": params.choice("hosted_page"),
        "allowed_payment_method_types": params.listing(params.choice("card")),
    },
)
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will open a page to pay on."""
    mode = given.get("mode") or "payment"
    check(given, mode)
    customer = given.get("customer") and world.one("customer", given["customer"], param="customer")
    session = pages.checkout_session(mode=mode, created=world.now(customer or None), base_url=world.base_url)
    world.store.add(session)
    session |= {name: given[name] for name in (*TEXTS, "allow_promotion_codes") if name in given}
    session["customer_creation"] = given.get("customer_creation") or (
        None if customer or mode != "payment" else "if_required"
    )
    for name in SETTINGS.keys() & given.keys():
        if isinstance(session.get(name), dict) and isinstance(given[name], dict):
            session[name] |= given[name]
        else:
            session[name] = given[name]
    params.merge_metadata(session, given.get("metadata"))
    session["_customer_update"] = given.get("customer_update")
    for name in ("subscription_data", "payment_intent_data", "setup_intent_data"):
        session["_" + name] = given.get(name) or {}
    if customer:
        session |= {"customer": customer["id"], "_clock": customer["test_clock"]}
    set_expiry(session, given)
    if session["automatic_tax"]["enabled"]:
        session["automatic_tax"] |= {"liability": {"type": "self"}, "provider": "stripe", "status": "complete"}
    fill(world, session, given)
    if mode == "setup":
        intent = setup_intents.begin(world, customer=customer or None)
        params.merge_metadata(intent, session["_setup_intent_data"].get("metadata"))
        session["setup_intent"] = intent["id"]
    return answers.present(world, session, given.get("expand") or [])


def check(given: dict[str, Any], mode: str) -> None:
    """This function will refuse what cannot be a page."""
    if not given.get("success_url"):
        raise errors.Refused("Missing required param: success_url.", code="parameter_missing", param="success_url")
    for name in ("success_url", "cancel_url"):
        if given.get(name) and not given[name].startswith(("http://", "https://")):
            raise errors.Refused(
                "Not a valid URL: an explicit scheme (such as https) must be provided.", code="url_invalid", param=name
            )
    if given.get("customer") and given.get("customer_email"):
        raise errors.Refused("You may only specify one of these parameters: customer, customer_email.")
    if given.get("allow_promotion_codes") and given.get("discounts"):
        raise errors.Refused("You may only specify one of these parameters: allow_promotion_codes, discounts.")
    if mode != "setup" and not given.get("line_items"):
        raise errors.Refused("Missing required param: line_items.", code="parameter_missing", param="line_items")
    if given.get("subscription_data") and mode != "subscription":
        raise errors.Refused(
            "You can not pass `subscription_data` in `payment` or `setup` mode.", param="subscription_data"
        )
    if given.get("payment_intent_data") and mode != "payment":
        raise errors.Refused("You can not pass `payment_intent_data` in this mode.", param="payment_intent_data")
    if given.get("customer_creation") and mode != "payment":
        raise errors.Refused("`customer_creation` can only be used in `payment` mode.", param="customer_creation")


def set_expiry(session: Document, given: dict[str, Any]) -> None:
    """This function will take over when the page closes: from half an hour to a day."""
    wanted = given.get("expires_at")
    if wanted is None:
        return
    if not session["created"] + 1790 <= wanted <= session["created"] + DAY + 10:
        raise errors.Refused(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    session["expires_at"] = wanted


def fill(world: World, session: Document, given: dict[str, Any]) -> None:
    """This function will put what is bought, and its discounts, onto the page."""
    for place, wanted in enumerate(given.get("line_items") or []):
        param = f"line_items[{place}]"
        price = pricing.named(world, wanted, param=param)
        if price["type"] == "recurring" and session["mode"] != "subscription":
            raise errors.Refused(
                "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or "
                "use only one-time prices.",
                param=param,
            )
        if wanted.get("quantity") is None:
            raise errors.Refused(
                f"Missing required param: {param}[quantity].", code="parameter_missing", param=f"{param}[quantity]"
            )
        line = pages.session_line(
            world, price=price, quantity=wanted["quantity"], adjustable=wanted.get("adjustable_quantity")
        )
        line["metadata"] = wanted.get("metadata") or {}
        session["_lines"].append(line)
    recurring = [
        price for line in session["_lines"] if (price := world.one("price", line["price"]))["type"] == "recurring"
    ]
    if session["mode"] == "subscription":
        if not recurring:
            raise errors.Refused(
                "You must provide at least one recurring price in `subscription` mode when using prices.",
                param="line_items",
            )
        pricing.agree(recurring)
    for one in given.get("discounts") or []:
        made = discounts.give(world, chosen=one, customer=None)
        world.one("coupon", made["source"]["coupon"])["times_redeemed"] -= 1
        if made["promotion_code"]:
            world.one("promotion_code", made["promotion_code"])["times_redeemed"] -= 1
        session["discounts"].append({"coupon": made["source"]["coupon"], "promotion_code": made["promotion_code"]})
        world.store.drop(made)
    if session["_lines"]:
        session["currency"] = world.one("price", session["_lines"][0]["price"])["currency"]
        checkout.total_up(world, session)


@route("GET", "/checkout/sessions/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a session."""
    return answers.present(world, world.one("checkout.session", identifier), given.get("expand") or [])


@route("POST", "/checkout/sessions/<identifier>", takes={"metadata": params.mapping})
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change the notes on a session."""
    session = world.one("checkout.session", identifier)
    params.merge_metadata(session, given.get("metadata"))
    return answers.present(world, session, given.get("expand") or [])


@route("POST", "/checkout/sessions/<identifier>/expire")
def expire(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will close a page before its time."""
    session = world.one("checkout.session", identifier)
    if session["status"] != "open":
        raise errors.Refused(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of '
            f"{session['status']}."
        )
    cycle.expire_session(world, session)
    return answers.present(world, session, given.get("expand") or [])


@route("GET", "/checkout/sessions/<identifier>/line_items", paged=True)
def list_lines(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will list what is bought."""
    session = world.one("checkout.session", identifier)
    numbered = [{**line, "_seq": -place} for place, line in enumerate(session["_lines"])]
    return answers.page(world, numbered, given, f"/checkout/sessions/{identifier}/line_items")


@route(
    "GET",
    "/checkout/sessions",
    paged=True,
    takes={
        "created": params.span,
        "customer": params.text,
        "payment_intent": params.text,
        "subscription": params.text,
        "status": params.choice("complete", "expired", "open"),
        "customer_details": params.free,
    },
)
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list sessions."""
    email = (given.get("customer_details") or {}).get("email")
    found = [
        one
        for one in world.store.find("checkout.session")
        if all(
            given.get(name) in (None, one[name]) for name in ("customer", "payment_intent", "subscription", "status")
        )
        and answers.within(one["created"], given.get("created"))
        and email in (None, (one["customer_details"] or {}).get("email"))
    ]
    return answers.page(world, found, given, "/checkout/sessions")
