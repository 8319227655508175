"""Invoice payments: which intent pays which invoice."""

from typing import Any

from sandbox.stripe import answers, params
from sandbox.stripe.routes import route
from sandbox.stripe.world import World

PAYMENT = params.shape({"payment_intent": params.text, "payment_record": params.text, "type": params.text})


@route("GET", "/invoice_payments/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show one."""
    return answers.present(world, world.one("invoice_payment", identifier), given.get("expand") or [])


@route(
    "GET", "/invoice_payments", paged=True,
    takes={"invoice": params.text, "payment": PAYMENT, "status": params.text, "created": params.span},
)  # fmt: skip
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list them by invoice, by intent or by status."""
    intent = (given.get("payment") or {}).get("payment_intent")
    found = [one for one in world.store.find("invoice_payment")
             if all(given.get(name) in (None, one[name]) for name in ("invoice", "status"))
             and intent in (None, one["payment"].get("payment_intent"))
             and answers.within(one["created"], given.get("created"))]  # fmt: skip
    return answers.page(world, found, given, "/invoice_payments")
