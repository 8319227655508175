"""The end of a subscription, whoever wanted it: the customer, the date, or unpaid bills."""

from sandbox.stripe import events
from sandbox.stripe.store import Document
from sandbox.stripe.world import World


def end(world: World, subscription: Document, *, reason: str) -> Document:
    """This function will cancel now and stop collecting what is still open."""
    now = world.now(subscription)
    subscription |= {"status": "canceled", "ended_at": now, "canceled_at": subscription["canceled_at"] or now}
    details = subscription["cancellation_details"]
    details["reason"] = details["reason"] or reason
    for invoice in invoices_of(world, subscription):
        if invoice["status"] in ("draft", "open"):
            with events.changing(world, invoice, "invoice.updated"):
                invoice |= {"auto_advance": False, "next_payment_attempt": None, "automatically_finalizes_at": None}
    events.emit(world, "customer.subscription.deleted", subscription)
    return subscription


def invoices_of(world: World, subscription: Document) -> list[Document]:
    """This function will give every invoice of a subscription, oldest first."""
    theirs = world.store.find("invoice", customer=subscription["customer"])
    return [
        one
        for one in theirs
        if ((one["parent"] or {}).get("subscription_details") or {}).get("subscription") == subscription["id"]
    ]
