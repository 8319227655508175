"""Getting an invoice paid: the first try, the tries after that, and what the subscription becomes meanwhile."""

from sandbox.stripe import errors, events
from sandbox.stripe.lifecycle import ending, invoicing, methods, paying
from sandbox.stripe.store import Document
from sandbox.stripe.world import DAY, World


def advance(world: World, invoice: Document, *, authenticated: bool = False) -> errors.Refused | None:
    """This function will close a draft and, unless it is sent as a bill, collect it; it gives the refusal, if any."""
    if invoice["status"] == "draft":
        invoicing.finalize(world, invoice)
    if invoice["amount_due"] == 0:
        mark_paid(world, invoice)
        return None
    if invoice["collection_method"] == "send_invoice":
        events.emit(world, "invoice.sent", invoice)
        return None
    return attempt(world, invoice, authenticated=authenticated)


def attempt(
    world: World,
    invoice: Document,
    *,
    method: Document | None = None,
    off_session: bool = True,
    authenticated: bool = False,
    automatic: bool = True,
) -> errors.Refused | None:
    """This function will charge for an open invoice and give the refusal, or None when it is paid."""
    subscription, customer = invoicing.subscription_of(world, invoice), world.customer_of(invoice)
    intent = invoicing.intent_of(world, invoice)
    method = method or methods.chosen(world, invoice, subscription, customer)
    invoice["attempted"] = True
    if method is None or intent is None:
        refusal: errors.Refused = errors.Refused(
            "There is no `default_payment_method` set on this Customer or Invoice. Please attach a payment method.",
            code="invoice_payment_intent_requires_action" if intent is None else "resource_missing",
        )
    else:
        try:
            paying.confirm(world, intent=intent, method=method, off_session=off_session, authenticated=authenticated)
        except errors.CardRefused as declined:
            refusal = declined
        else:
            if intent["status"] == "succeeded":
                mark_paid(world, invoice)
                return None
            events.emit(world, "invoice.payment_action_required", invoice)
            refusal = errors.CardRefused(
                "This payment requires additional user action before it can be completed successfully.",
                code="invoice_payment_intent_requires_action",
            )
    refusal.keeps = True
    note_failure(world, invoice, subscription, automatic=automatic)
    return refusal


def note_failure(world: World, invoice: Document, subscription: Document | None, *, automatic: bool) -> None:
    """This function will count a failed try, plan the next one and put the subscription on notice."""
    first = invoice["billing_reason"] == "subscription_create"
    if automatic or invoice["attempt_count"] == 0:
        days = world.rules.retry_days
        count = invoice["attempt_count"]
        invoice["attempt_count"] = count + 1
        more = count < len(days) and not first and subscription is not None
        invoice["next_payment_attempt"] = world.now(invoice) + days[count] * DAY if more else None
    events.emit(world, "invoice.payment_failed", invoice)
    customer = world.customer_of(invoice)
    with events.changing(world, customer, "customer.updated"):
        customer["delinquent"] = not first or customer["delinquent"]
    if subscription is None or subscription["status"] in ("incomplete", "canceled", "incomplete_expired"):
        return
    exhausted = automatic and invoice["next_payment_attempt"] is None
    if exhausted and world.rules.after_dunning == "canceled":
        ending.end(world, subscription, reason="payment_failed")
        return
    with events.changing(world, subscription, "customer.subscription.updated"):
        if exhausted and world.rules.after_dunning == "unpaid":
            subscription["status"] = "unpaid"
        elif subscription["status"] in ("active", "trialing"):
            subscription["status"] = "past_due"


def mark_paid(world: World, invoice: Document, *, out_of_band: bool = False) -> None:
    """This function will book an invoice as paid and bring its subscription back to life."""
    now = world.now(invoice)
    payment = world.store.first("invoice_payment", invoice=invoice["id"], is_default=True)
    if payment:
        payment |= {"status": "paid", "amount_paid": invoice["amount_due"]}
        payment["status_transitions"]["paid_at"] = now
        if out_of_band and (intent := invoicing.intent_of(world, invoice)):
            intent |= {"status": "canceled", "canceled_at": now}
            payment["payment"] = {"type": "out_of_band_payment"}
    invoice |= {
        "status": "paid",
        "amount_paid": invoice["amount_due"],
        "amount_remaining": 0,
        "attempted": True,
        "attempt_count": max(1, invoice["attempt_count"]) if invoice["amount_due"] else invoice["attempt_count"],
        "auto_advance": False,
        "next_payment_attempt": None,
    }
    invoice["status_transitions"]["paid_at"] = now
    if payment:
        events.emit(world, "invoice_payment.paid", payment)
    events.emit(world, "invoice.paid", invoice)
    events.emit(world, "invoice.payment_succeeded", invoice)
    customer = world.customer_of(invoice)
    with events.changing(world, customer, "customer.updated"):
        customer["delinquent"] = any(
            one["attempted"] for one in world.store.find("invoice", customer=customer["id"], status="open")
        )
    if subscription := invoicing.subscription_of(world, invoice):
        revive(world, subscription, invoice)


def revive(world: World, subscription: Document, invoice: Document) -> None:
    """This function will make a subscription active again when its newest invoice is settled."""
    if (
        subscription["status"] in ("incomplete", "past_due", "unpaid")
        and subscription["latest_invoice"] == invoice["id"]
    ):
        with events.changing(world, subscription, "customer.subscription.updated"):
            subscription["status"] = "active"


def after_intent(world: World, intent: Document) -> None:
    """This function will pay the invoice an intent belongs to, when the intent was confirmed elsewhere."""
    invoice = world.store.get("invoice", intent["_invoice"])
    if invoice and invoice["status"] == "open" and intent["status"] == "succeeded":
        mark_paid(world, invoice)


def void(world: World, invoice: Document) -> Document:
    """This function will say that an invoice was never meant; its subscription, waiting for it, goes on or expires."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise errors.Refused(
            f"You can only pass in open invoices. This invoice isn't open (status {invoice['status']})."
        )
    invoice |= {"status": "void", "auto_advance": False, "next_payment_attempt": None, "amount_remaining": 0}
    invoice["status_transitions"]["voided_at"] = world.now(invoice)
    close_intent(world, invoice)
    events.emit(world, "invoice.voided", invoice)
    subscription = invoicing.subscription_of(world, invoice)
    if subscription and subscription["status"] == "incomplete":
        expire(world, subscription)
    elif subscription:
        revive(world, subscription, invoice)
    return invoice


def close_intent(world: World, invoice: Document) -> None:
    """This function will cancel the payment that an invoice no longer asks for."""
    payment = world.store.first("invoice_payment", invoice=invoice["id"], is_default=True)
    intent = invoicing.intent_of(world, invoice)
    now = world.now(invoice)
    if payment and payment["status"] == "open":
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = now
    if intent and intent["status"] not in ("succeeded", "canceled"):
        intent |= {"status": "canceled", "canceled_at": now, "cancellation_reason": "void_invoice"}
        events.emit(world, "payment_intent.canceled", intent)


def write_off(world: World, invoice: Document) -> Document:
    """This function will give an invoice up as uncollectible."""
    if invoice["status"] != "open":
        raise errors.Refused("You can only mark an open invoice as uncollectible.")
    invoice |= {"status": "uncollectible", "auto_advance": False, "next_payment_attempt": None}
    invoice["status_transitions"]["marked_uncollectible_at"] = world.now(invoice)
    events.emit(world, "invoice.marked_uncollectible", invoice)
    if subscription := invoicing.subscription_of(world, invoice):
        revive(world, subscription, invoice)
    return invoice


def expire(world: World, subscription: Document) -> None:
    """This function will end a subscription whose first payment never came (23 hours)."""
    with events.changing(world, subscription, "customer.subscription.updated"):
        subscription |= {"status": "incomplete_expired", "ended_at": world.now(subscription)}
    invoice = world.store.get("invoice", subscription["latest_invoice"])
    if invoice and invoice["status"] == "open":
        void(world, invoice)
