"""Writing an invoice: drafting, lines, totals, and closing the draft so that it can be paid."""

from sandbox.stripe import errors, events, ids
from sandbox.stripe.lifecycle import discounts, lines, paying
from sandbox.stripe.shapes import invoices
from sandbox.stripe.store import Document
from sandbox.stripe.world import DAY, World


def subscription_of(world: World, invoice: Document) -> Document | None:
    """This function will give the subscription an invoice is for."""
    details = (invoice["parent"] or {}).get("subscription_details")
    return world.store.get("subscription", details["subscription"]) if details else None


def draft(
    world: World, *, customer: Document, currency: str, reason: str, subscription: Document | None = None
) -> Document:
    """This function will open an invoice; the caller adds lines and then calls ``announce``."""
    invoice = invoices.invoice(customer=customer, currency=currency, billing_reason=reason, created=world.now(customer))
    if subscription:
        invoice["parent"] = {
            "quote_details": None,
            "subscription_details": {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]},
            "type": "subscription_details",
        }
        invoice["collection_method"] = subscription["collection_method"]
        invoice["automatic_tax"]["enabled"] = subscription["automatic_tax"]["enabled"]
        invoice["_days_until_due"] = subscription["days_until_due"]
        subscription["latest_invoice"] = invoice["id"]
    if invoice["automatic_tax"]["enabled"]:
        invoice["automatic_tax"] |= {"liability": {"type": "self"}, "provider": "stripe", "status": "complete"}
    invoice["discounts"] = discounts.current(world, customer, subscription)
    customer["currency"] = customer["currency"] or currency
    return world.store.add(invoice)


def announce(world: World, invoice: Document) -> Document:
    """This function will sum a draft up and tell that it exists."""
    total_up(world, invoice)
    events.emit(world, "invoice.created", invoice)
    return invoice


def pending_items(world: World, customer: Document, *, currency: str, subscription: Document | None) -> list[Document]:
    """This function will give what waits for the next invoice: of this subscription, and of nobody's."""
    waiting = world.store.find("invoiceitem", customer=customer["id"], invoice=None, currency=currency)
    owned = (subscription or {}).get("id")
    return [
        item
        for item in waiting
        if not item.get("deleted")
        and ((item["parent"] or {}).get("subscription_details") or {}).get("subscription") in (None, owned)
    ]


def total_up(world: World, invoice: Document) -> None:
    """This function will work out subtotal, discounts, total and what is due."""
    discounts.apply(world, invoice)
    subtotal = sum(line["amount"] for line in invoice["lines"]["data"])
    total = subtotal - sum(part["amount"] for part in invoice["total_discount_amounts"])
    balance = invoice["starting_balance"]
    due = max(0, total + balance)
    invoice |= {"subtotal": subtotal, "subtotal_excluding_tax": subtotal, "total": total, "total_excluding_tax": total}
    invoice |= {"amount_due": due, "amount_remaining": due - invoice["amount_paid"]}


def finalize(world: World, invoice: Document) -> Document:
    """This function will close a draft: number, balance, page, and an intent when there is something to pay."""
    if invoice["status"] != "draft":
        raise errors.Refused(
            f"This invoice is already finalized, you can't re-finalize a non-draft invoice ({invoice['status']}).",
            code="invoice_not_editable",
        )
    customer, now = world.customer_of(invoice), world.now(invoice)
    invoice["starting_balance"] = customer["balance"]
    total_up(world, invoice)
    customer["balance"] = min(0, invoice["total"] + customer["balance"])
    page = f"{world.base_url}/i/{ids.make('acct', 16)}/{invoice['id']}"
    invoice |= {
        "status": "open",
        "number": f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}",
        "effective_at": now,
        "ending_balance": customer["balance"],
        "hosted_invoice_url": page,
        "invoice_pdf": f"{page}/pdf",
        "automatically_finalizes_at": None,
        "webhooks_delivered_at": now,
    }
    if invoice["collection_method"] == "send_invoice" and invoice["due_date"] is None:
        invoice["due_date"] = now + (invoice.get("_days_until_due") or 30) * DAY
    invoice["status_transitions"]["finalized_at"] = now
    customer["next_invoice_sequence"] += 1
    discounts.use_up(world, invoice, subscription_of(world, invoice))
    events.emit(world, "invoice.finalized", invoice)
    if invoice["amount_due"] > 0:
        intent = paying.open_intent(
            world, amount=invoice["amount_due"], currency=invoice["currency"], customer=customer, invoice=invoice["id"]
        )
        intent["description"] = describe(invoice)
        world.store.add(invoices.invoice_payment(invoice=invoice, intent=intent["id"], created=now))
    return invoice


def describe(invoice: Document) -> str:
    """This function will say on the payment what it is for."""
    return {
        "subscription_create": "Subscription creation",
        "subscription_update": "Subscription update",
        "subscription_cycle": "Subscription update",
    }.get(invoice["billing_reason"], f"Payment for Invoice {invoice['number']}")


def intent_of(world: World, invoice: Document) -> Document | None:
    """This function will give the intent that pays an invoice."""
    payment = world.store.first("invoice_payment", invoice=invoice["id"], is_default=True)
    return payment and world.store.get("payment_intent", payment["payment"].get("payment_intent"))


def bill_now(world: World, *, subscription: Document, reason: str, periods_too: bool) -> Document | None:
    """This function will draft an invoice of what is pending and, with ``periods_too``, of the current periods."""
    customer = world.customer_of(subscription)
    waiting = pending_items(world, customer, currency=subscription["currency"], subscription=subscription)
    if not waiting and not periods_too:
        return None
    invoice = draft(
        world, customer=customer, currency=subscription["currency"], reason=reason, subscription=subscription
    )
    for item in waiting:
        lines.add_item_line(world, invoice, item)
    if periods_too:
        lines.add_subscription_lines(world, invoice, subscription)
    return announce(world, invoice)
