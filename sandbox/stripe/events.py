"""Events: a snapshot of what changed, kept for the list and queued for every webhook endpoint that asked for it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.stripe import API_VERSION, answers, ids
from sandbox.stripe.store import Document
from sandbox.stripe.world import World


def emit(world: World, type: str, document: Document, *, previous: dict[str, Any] | None = None) -> Document:
    """This function will record that something happened to an object, and queue its deliveries."""
    data: dict[str, Any] = {"object": answers.present(world, document)}
    if previous:
        data["previous_attributes"] = previous
    owner = document if document["object"] == "customer" else world.store.get("customer", _customer(document))
    event = world.store.add(
        {
            "id": ids.make("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": world.now(owner or document),
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": dict(world.request),
            "type": type,
            "_kept_at": int(time.time()),
        }
    )
    for endpoint in world.store.find("webhook_endpoint", status="enabled"):
        if type in endpoint["enabled_events"] or "*" in endpoint["enabled_events"]:
            event["pending_webhooks"] += 1
            world.store.add(
                {"id": ids.make("_dlv"), "event": event["id"], "endpoint": endpoint["id"], "tries": 0, "due": 0.0,
                 "state": "pending", "answer": None},
                kind="_delivery",
            )  # fmt: skip
    return event


def _customer(document: Document) -> str | None:
    customer = document.get("customer")
    return customer if isinstance(customer, str) else None


@contextmanager
def changing(world: World, document: Document, type: str) -> Iterator[None]:
    """This function will emit ``type`` with ``previous_attributes`` if what is done inside changed the object."""
    before = answers.present(world, document)
    yield
    after = answers.present(world, document)
    previous = difference(before, after)
    if previous:
        emit(world, type, document, previous=previous)


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """This function will give the old values of what changed as Stripe does: nested for objects, whole for lists."""
    changed: dict[str, Any] = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict) and old.get("object") != "list":
            changed[name] = difference(old, new)
        else:
            changed[name] = old
    return changed
