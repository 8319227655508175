"""Test clocks: customers who live in a time of their own, so that a year of renewals passes in a second."""

from typing import Any

from sandbox.stripe import answers, errors, events, ids, params
from sandbox.stripe.lifecycle import cycle
from sandbox.stripe.routes import route
from sandbox.stripe.store import Document
from sandbox.stripe.world import DAY, World

LENGTHS = {"day": DAY, "week": 7 * DAY, "month": 31 * DAY, "year": 366 * DAY}


@route(
    "POST", "/test_helpers/test_clocks", required=("frozen_time",),
    takes={"frozen_time": params.integer, "name": params.text},
)  # fmt: skip
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will stop a clock at a moment."""
    clock = world.store.add(
        {
            "id": ids.make("clock"),
            "object": "test_helpers.test_clock",
            "created": world.now(),
            "deletes_after": world.now() + 30 * DAY,
            "frozen_time": given["frozen_time"],
            "livemode": False,
            "name": given.get("name"),
            "status": "ready",
            "status_details": {},
        }
    )
    events.emit(world, "test_helpers.test_clock.created", clock)
    return answers.present(world, clock)


@route("GET", "/test_helpers/test_clocks/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a clock."""
    return answers.present(world, world.one("test_helpers.test_clock", identifier))


def farthest(world: World, clock: Document) -> int:
    """This function will give how far a clock may go at once: two of the shortest intervals on it (docs.stripe.com)."""
    lengths = []
    for subscription in world.store.find("subscription", test_clock=clock["id"]):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            recurring = world.one("price", subscription["items"]["data"][0]["price"])["recurring"]
            lengths.append(LENGTHS[recurring["interval"]] * recurring["interval_count"])
    return clock["frozen_time"] + 2 * min(lengths, default=366 * DAY)


@route(
    "POST", "/test_helpers/test_clocks/<identifier>/advance", required=("frozen_time",),
    takes={"frozen_time": params.integer},
)  # fmt: skip
def advance(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will let time pass, doing all that falls due; it is done when it answers."""
    clock = world.one("test_helpers.test_clock", identifier)
    target = given["frozen_time"]
    if target <= clock["frozen_time"]:
        raise errors.Refused("Test clocks can only be advanced to a later time.", param="frozen_time")
    if target > farthest(world, clock):
        raise errors.Refused(
            "Test clocks can only be advanced by up to two intervals of the shortest subscription at a time.",
            code="test_clock_advance_too_far", param="frozen_time",
        )  # fmt: skip
    clock["status"] = "advancing"
    clock["status_details"] = {"advancing": {"target_frozen_time": target}}
    events.emit(world, "test_helpers.test_clock.advancing", clock)
    answer = answers.present(world, clock)
    cycle.run_until(world, clock, target)
    clock |= {"frozen_time": target, "status": "ready", "status_details": {}}
    events.emit(world, "test_helpers.test_clock.ready", clock)
    return answer


@route("DELETE", "/test_helpers/test_clocks/<identifier>")
def delete(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will forget a clock with its customers and all that is theirs."""
    clock = world.one("test_helpers.test_clock", identifier)
    customers = {one["id"] for one in world.store.find("customer", test_clock=identifier)}
    for kind in ("subscription", "invoice", "invoiceitem", "payment_method", "payment_intent", "setup_intent", "charge",
                 "refund", "discount", "checkout.session", "billing_portal.session"):  # fmt: skip
        for document in list(world.store.find(kind)):
            if document.get("customer") in customers:
                world.store.drop(document)
    for customer in customers:
        world.store.drop(world.one("customer", customer))
    events.emit(world, "test_helpers.test_clock.deleted", clock)
    world.store.drop(clock)
    return {"id": identifier, "object": "test_helpers.test_clock", "deleted": True}


@route("GET", "/test_helpers/test_clocks", paged=True)
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list clocks."""
    return answers.page(world, world.store.find("test_helpers.test_clock"), given, "/test_helpers/test_clocks")
