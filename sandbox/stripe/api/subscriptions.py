"""Subscriptions: started, changed, cancelled, resumed, listed."""

from typing import Any

from sandbox.stripe import answers, errors, params
from sandbox.stripe.api.prices import RECURRING
from sandbox.stripe.lifecycle import changing, subscribing
from sandbox.stripe.routes import route
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

PRICE_DATA = params.shape(
    {
        "currency": params.text,
        "product": params.text,
        "recurring": RECURRING,
        "tax_behavior": params.text,
        "unit_amount": params.whole,
        "unit_amount_decimal": params.decimal,
    },
    required=("currency", "product"),
)
ITEM = {
    "price": params.text,
    "price_data": PRICE_DATA,
    "quantity": params.whole,
    "metadata": params.mapping,
    "tax_rates": params.listing(params.text),
}
DISCOUNTS = params.listing(
    params.shape({"coupon": params.text, "promotion_code": params.text, "discount": params.text})
)
CANCELLATION = params.shape({"comment": params.text, "feedback": params.text})
PRORATION = params.choice("always_invoice", "create_prorations", "none")
EXTRAS = params.listing(
    params.shape(
        {
            "price": params.text,
            "price_data": PRICE_DATA,
            "quantity": params.whole,
            "discounts": DISCOUNTS,
            "tax_rates": params.listing(params.text),
            "metadata": params.mapping,
            "period": params.free,
        }
    )
)


def cancel_moment(value: Any, name: str) -> int | str | None:
    """A timestamp, or one of the words for the end of a period."""
    return value if value in ("min_period_end", "max_period_end") else params.integer(value, name)


SHARED = {
    "add_invoice_items": EXTRAS,
    "automatic_tax": params.free,
    "cancel_at": cancel_moment,
    "cancel_at_period_end": params.boolean,
    "collection_method": params.choice("charge_automatically", "send_invoice"),
    "days_until_due": params.integer,
    "default_payment_method": params.text,
    "default_tax_rates": params.listing(params.text),
    "description": params.text,
    "discounts": DISCOUNTS,
    "invoice_settings": params.free,
    "metadata": params.mapping,
    "off_session": params.boolean,
    "payment_settings": params.free,
    "proration_behavior": PRORATION,
    "trial_end": params.moment,
    "trial_from_plan": params.boolean,
    "trial_settings": params.free,
}


@route(
    "POST",
    "/subscriptions",
    required=("customer", "items"),
    takes={
        **SHARED,
        "customer": params.text,
        "items": params.listing(params.shape(ITEM)),
        "currency": params.text,
        "trial_period_days": params.integer,
        "billing_cycle_anchor": params.integer,
        "billing_mode": params.free,
        "payment_behavior": params.choice("allow_incomplete", "default_incomplete", "error_if_incomplete"),
    },
)
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will start a subscription."""
    customer = world.one("customer", given["customer"], param="customer")
    check_collection(given)
    subscription = subscribing.start(world, customer=customer, given=given)
    if given.get("billing_mode"):
        subscription["billing_mode"] = {"flexible": None, **given["billing_mode"]}
    return answers.present(world, subscription, given.get("expand") or [])


def check_collection(given: dict[str, Any]) -> None:
    """This function will refuse bills by mail without a day they are due."""
    if given.get("collection_method") == "send_invoice" and given.get("days_until_due") is None:
        raise errors.Refused(
            "You must specify days_until_due when collection_method is send_invoice.", param="days_until_due"
        )


@route("GET", "/subscriptions/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a subscription, a cancelled one too."""
    return answers.present(world, world.one("subscription", identifier), given.get("expand") or [])


@route(
    "POST",
    "/subscriptions/<identifier>",
    takes={
        **SHARED,
        "items": params.listing(
            params.shape({**ITEM, "id": params.text, "deleted": params.boolean, "clear_usage": params.boolean})
        ),
        "billing_cycle_anchor": params.choice("now", "unchanged"),
        "cancellation_details": CANCELLATION,
        "pause_collection": params.shape(
            {"behavior": params.choice("keep_as_draft", "mark_uncollectible", "void"), "resumes_at": params.integer},
            required=("behavior",),
        ),
        "payment_behavior": params.choice("allow_incomplete", "error_if_incomplete"),
        "proration_date": params.integer,
    },
)
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change a subscription."""
    subscription = world.one("subscription", identifier)
    check_collection(given)
    changing.change(world, subscription, given)
    return answers.present(world, subscription, given.get("expand") or [])


@route(
    "DELETE",
    "/subscriptions/<identifier>",
    takes={"cancellation_details": CANCELLATION, "invoice_now": params.boolean, "prorate": params.boolean},
)
def cancel(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will cancel at once."""
    subscription = world.one("subscription", identifier)
    changing.cancel(
        world,
        subscription,
        details=given.get("cancellation_details"),
        prorate=bool(given.get("prorate")),
        invoice_now=bool(given.get("invoice_now")),
    )
    return answers.present(world, subscription, given.get("expand") or [])


@route(
    "POST",
    "/subscriptions/<identifier>/resume",
    takes={
        "billing_cycle_anchor": params.choice("now", "unchanged"),
        "proration_behavior": PRORATION,
        "proration_date": params.integer,
    },
)
def resume(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will wake a paused subscription."""
    subscription = changing.resume(world, world.one("subscription", identifier))
    return answers.present(world, subscription, given.get("expand") or [])


@route("DELETE", "/subscriptions/<identifier>/discount")
def delete_discount(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will take all discounts off a subscription."""
    subscription = world.one("subscription", identifier)
    changing.change(world, subscription, {"discounts": []})
    return {"id": identifier, "object": "discount", "deleted": True}


def alive(one: Document, status: str | None) -> bool:
    """This function will tell whether a subscription belongs in a list with this status filter."""
    if status == "all":
        return True
    if status == "ended":
        return one["status"] in ("canceled", "incomplete_expired")
    return one["status"] == status if status else one["status"] != "canceled"


@route(
    "GET",
    "/subscriptions",
    paged=True,
    takes={
        "customer": params.text,
        "price": params.text,
        "status": params.text,
        "created": params.span,
        "collection_method": params.text,
        "current_period_end": params.span,
        "current_period_start": params.span,
        "test_clock": params.text,
    },
)
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list subscriptions; cancelled ones only when asked for."""
    found = [
        one
        for one in world.store.find("subscription")
        if alive(one, given.get("status"))
        and all(given.get(name) in (None, one[name]) for name in ("customer", "collection_method", "test_clock"))
        and (given.get("customer") or given.get("test_clock") or one["test_clock"] is None)
        and answers.within(one["created"], given.get("created"))
        and any(
            given.get("price") in (None, item["price"])
            and answers.within(item["current_period_end"], given.get("current_period_end"))
            and answers.within(item["current_period_start"], given.get("current_period_start"))
            for item in one["items"]["data"]
        )
    ]
    return answers.page(world, found, given, "/subscriptions")
