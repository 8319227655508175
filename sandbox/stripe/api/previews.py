"""Invoice previews: what would be billed, worked out by doing it and undoing it."""

from typing import Any

from sandbox.stripe import answers, errors, ids, params
from sandbox.stripe.api.subscriptions import DISCOUNTS, ITEM, PRORATION, cancel_moment
from sandbox.stripe.lifecycle import changing, cycle, invoicing, subscribing
from sandbox.stripe.routes import Undone, route
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

DETAILS = params.shape(
    {
        "items": params.listing(params.shape({**ITEM, "id": params.text, "deleted": params.boolean})),
        "proration_behavior": PRORATION,
        "proration_date": params.integer,
        "trial_end": params.moment,
        "cancel_at": cancel_moment,
        "cancel_at_period_end": params.boolean,
        "cancel_now": params.boolean,
        "billing_cycle_anchor": params.choice("now", "unchanged"),
        "start_date": params.integer,
    }
)


@route(
    "POST",
    "/invoices/create_preview",
    takes={
        "customer": params.text,
        "subscription": params.text,
        "subscription_details": DETAILS,
        "discounts": DISCOUNTS,
        "currency": params.text,
        "automatic_tax": params.free,
        "preview_mode": params.choice("next", "recurring"),
    },
)
def create_preview(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will do what is asked, look at the invoice that comes of it, and undo it all."""
    details = {name: value for name, value in (given.get("subscription_details") or {}).items() if name != "start_date"}
    if given.get("subscription"):
        subscription = world.one("subscription", given["subscription"], param="subscription")
        invoice = preview_change(world, subscription, details)
    else:
        customer = world.one("customer", given.get("customer"), param="customer")
        wanted = {
            "items": details.get("items") or [],
            "payment_behavior": "default_incomplete",
            "discounts": given.get("discounts") or [],
            "trial_end": details.get("trial_end"),
        }
        subscription = subscribing.start(world, customer=customer, given=wanted)
        invoice = world.one("invoice", subscription["latest_invoice"])
    invoicing.total_up(world, invoice)
    shown = answers.present(world, invoice)
    shown |= {
        "id": ids.make("upcoming_in"),
        "status": "draft",
        "number": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
    }
    for path in given.get("expand") or []:
        answers.open_path(world, shown, path.split("."), path)
    raise Undone(shown)


def preview_change(world: World, subscription: Document, details: dict[str, Any]) -> Document:
    """This function will change the subscription as asked and give its next invoice."""
    before = subscription["latest_invoice"]
    if details.pop("cancel_now", False):
        for item in subscription["items"]["data"]:
            changing.prorate_item(
                world,
                subscription,
                item,
                (item["price"], item["quantity"]),
                gone=True,
                credit_only=False,
                now=details.get("proration_date") or world.now(subscription),
            )
        made = invoicing.bill_now(world, subscription=subscription, reason="upcoming", periods_too=False)
        if made is None:
            raise errors.Refused("Nothing to invoice for subscription", code="invoice_no_subscription_line_items")
        return made
    if details:
        changing.change(world, subscription, details)
    if subscription["latest_invoice"] == before:
        if subscription["status"] == "trialing":
            cycle.end_trial(world, subscription)
        else:
            cycle.renew(world, subscription)
    if subscription["status"] == "canceled":
        raise errors.Refused("No upcoming invoices for customer", code="invoice_upcoming_none")
    return world.one("invoice", subscription["latest_invoice"])
