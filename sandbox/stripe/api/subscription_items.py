"""Subscription items: one line of a subscription, changed by itself."""

from typing import Any

from sandbox.stripe import answers, errors, params
from sandbox.stripe.api.subscriptions import ITEM, PRORATION
from sandbox.stripe.lifecycle import changing
from sandbox.stripe.routes import route
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

CHANGE = {
    **ITEM, "proration_behavior": PRORATION, "proration_date": params.integer,
    "payment_behavior": params.choice("allow_incomplete", "error_if_incomplete"),
}  # fmt: skip


def owner_of(world: World, identifier: str) -> tuple[Document, Document]:
    """This function will give the subscription and the item with this id."""
    for subscription in world.store.find("subscription"):
        for item in subscription["items"]["data"]:
            if item["id"] == identifier:
                return subscription, item
    raise errors.missing("subscription_item", identifier)


def split(given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """This function will part what is for the item from what is for the change."""
    item = {name: value for name, value in given.items() if name in ITEM}
    rest = {name: given[name] for name in ("proration_behavior", "proration_date", "payment_behavior") if name in given}
    return item, rest


@route("POST", "/subscription_items", takes={**CHANGE, "subscription": params.text}, required=("subscription",))
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will add an item."""
    subscription = world.one("subscription", given["subscription"], param="subscription")
    item, rest = split(given)
    changing.change(world, subscription, {"items": [item], **rest})
    return answers.present(world, subscription["items"]["data"][-1], given.get("expand") or [])


@route("GET", "/subscription_items/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show an item."""
    return answers.present(world, owner_of(world, identifier)[1], given.get("expand") or [])


@route("POST", "/subscription_items/<identifier>", takes=CHANGE)
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change price or quantity of an item."""
    subscription, _ = owner_of(world, identifier)
    item, rest = split(given)
    changing.change(world, subscription, {"items": [{"id": identifier, **item}], **rest})
    return answers.present(world, owner_of(world, identifier)[1], given.get("expand") or [])


@route(
    "DELETE", "/subscription_items/<identifier>",
    takes={"proration_behavior": PRORATION, "proration_date": params.integer, "clear_usage": params.boolean},
)  # fmt: skip
def delete(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will take an item away; the last one stays."""
    subscription, _ = owner_of(world, identifier)
    changing.change(world, subscription, {"items": [{"id": identifier, "deleted": True}], **split(given)[1]})
    return {"id": identifier, "object": "subscription_item", "deleted": True}


@route("GET", "/subscription_items", paged=True, takes={"subscription": params.text}, required=("subscription",))
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list the items of a subscription."""
    subscription = world.one("subscription", given["subscription"], param="subscription")
    numbered = [{**item, "_seq": place} for place, item in enumerate(subscription["items"]["data"])]
    return answers.page(world, numbered, given, f"/subscription_items?subscription={subscription['id']}")
