"""Events, listed and shown: what reconciliation reads when a webhook was missed."""

from typing import Any

from sandbox.stripe import answers, params
from sandbox.stripe.routes import route
from sandbox.stripe.world import World


def fits(type: str, pattern: str) -> bool:
    """This function will tell whether a type matches ``invoice.*`` or a name."""
    return type.startswith(pattern[:-1]) if pattern.endswith("*") else type == pattern


@route("GET", "/events/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show an event."""
    return answers.present(world, world.one("event", identifier))


@route(
    "GET",
    "/events",
    paged=True,
    takes={
        "created": params.span,
        "delivery_success": params.boolean,
        "type": params.text,
        "types": params.listing(params.text),
    },
)
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list events by type, time and whether they were delivered."""
    patterns = given.get("types") or ([given["type"]] if given.get("type") else [])
    delivered = given.get("delivery_success")
    found = [
        one
        for one in world.store.find("event")
        if (not patterns or any(fits(one["type"], pattern) for pattern in patterns))
        and answers.within(one["created"], given.get("created"))
        and (delivered is None or delivered == (one["pending_webhooks"] == 0))
    ]
    return answers.page(world, found, given, "/events")
