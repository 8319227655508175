"""Webhook endpoints: who is told of what. The secret is shown once, when the endpoint is made."""

from typing import Any

from sandbox.stripe import API_VERSION, answers, errors, ids, params
from sandbox.stripe.routes import route
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

FIELDS = {
    "description": params.text,
    "enabled_events": params.listing(params.text),
    "metadata": params.mapping,
    "url": params.text,
}


def make(world: World, *, url: str, enabled_events: list[str], secret: str | None = None) -> Document:
    """This function will keep an endpoint."""
    return world.store.add(
        {
            "id": ids.make("we"),
            "object": "webhook_endpoint",
            "api_version": API_VERSION,
            "application": None,
            "created": world.now(),
            "description": None,
            "enabled_events": enabled_events,
            "livemode": False,
            "metadata": {},
            "status": "enabled",
            "url": url,
            "_secret": secret or ids.make("whsec", 32),
        }
    )


def check(url: str) -> None:
    """This function will refuse an address that nothing can be sent to."""
    if not url.startswith(("http://", "https://")):
        raise errors.Refused(
            "Invalid URL: An explicit scheme (such as https) must be provided.", code="url_invalid", param="url"
        )


@route(
    "POST",
    "/webhook_endpoints",
    required=("url", "enabled_events"),
    takes={**FIELDS, "api_version": params.text, "connect": params.boolean},
)
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will make an endpoint and show its secret, this once."""
    check(given["url"])
    if given.get("api_version") not in (None, API_VERSION):
        raise errors.Refused(f"The sandbox speaks {API_VERSION} only.", param="api_version")
    endpoint = make(world, url=given["url"], enabled_events=given["enabled_events"])
    endpoint["description"] = given.get("description")
    params.merge_metadata(endpoint, given.get("metadata"))
    return {**answers.present(world, endpoint), "secret": endpoint["_secret"]}


@route("GET", "/webhook_endpoints/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show an endpoint."""
    return answers.present(world, world.one("webhook_endpoint", identifier))


@route("POST", "/webhook_endpoints/<identifier>", takes={**FIELDS, "disabled": params.boolean})
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change where and of what is told, or switch it off."""
    endpoint = world.one("webhook_endpoint", identifier)
    params.merge_metadata(endpoint, given.get("metadata"))
    for name in ("description", "enabled_events", "url"):
        if given.get(name):
            endpoint[name] = given[name]
    check(endpoint["url"])
    if "disabled" in given:
        endpoint["status"] = "disabled" if given["disabled"] else "enabled"
    return answers.present(world, endpoint)


@route("DELETE", "/webhook_endpoints/<identifier>")
def delete(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will tell nobody there any more."""
    world.store.drop(world.one("webhook_endpoint", identifier))
    return {"id": identifier, "object": "webhook_endpoint", "deleted": True}


@route("GET", "/webhook_endpoints", paged=True)
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list endpoints."""
    return answers.page(world, world.store.find("webhook_endpoint"), given, "/webhook_endpoints")
