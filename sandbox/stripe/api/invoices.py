"""Invoices: drafted by hand, finalized, paid, sent, voided, listed."""

from typing import Any

from sandbox.stripe import answers, errors, events, params
from sandbox.stripe.api.invoice_items import check_draft
from sandbox.stripe.api.subscriptions import DISCOUNTS
from sandbox.stripe.lifecycle import collecting, cycle, discounts, invoicing, lines, methods
from sandbox.stripe.routes import route
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

FIELDS = {
    "auto_advance": params.boolean,
    "automatic_tax": params.free,
    "automatically_finalizes_at": params.integer,
    "collection_method": params.choice("charge_automatically", "send_invoice"),
    "custom_fields": params.free,
    "days_until_due": params.integer,
    "default_payment_method": params.text,
    "description": params.text,
    "discounts": DISCOUNTS,
    "due_date": params.integer,
    "footer": params.text,
    "metadata": params.mapping,
    "number": params.text,
    "payment_settings": params.free,
    "statement_descriptor": params.text,
    "rendering": params.free,
}
KEPT = (
    "auto_advance",
    "automatically_finalizes_at",
    "collection_method",
    "custom_fields",
    "description",
    "due_date",
    "footer",
    "number",
    "statement_descriptor",
    "default_payment_method",
    "rendering",
)


def apply(world: World, invoice: Document, given: dict[str, Any]) -> None:
    """This function will take over what a request says of an invoice."""
    params.merge_metadata(invoice, given.get("metadata"))
    invoice |= {name: given[name] for name in KEPT if name in given}
    if given.get("days_until_due") is not None:
        invoice["_days_until_due"] = given["days_until_due"]
    if "discounts" in given:
        customer = world.customer_of(invoice)
        invoice["discounts"] = [
            discounts.give(world, chosen=one, customer=customer)["id"] for one in given["discounts"]
        ]


@route(
    "POST",
    "/invoices",
    required=("customer",),
    takes={
        **FIELDS,
        "customer": params.text,
        "currency": params.text,
        "subscription": params.text,
        "pending_invoice_items_behavior": params.choice("exclude", "include"),
    },
)
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will open a draft, with what is pending only when asked for."""
    customer = world.one("customer", given["customer"], param="customer")
    owner = given.get("subscription") and world.one("subscription", given["subscription"], param="subscription")
    currency = (given.get("currency") or customer["currency"] or "eur").lower()
    invoice = invoicing.draft(world, customer=customer, currency=currency, reason="manual", subscription=owner or None)
    invoice["auto_advance"] = bool(given.get("auto_advance"))
    apply(world, invoice, given)
    if owner or given.get("pending_invoice_items_behavior") == "include":
        for item in invoicing.pending_items(world, customer, currency=currency, subscription=owner or None):
            lines.add_item_line(world, invoice, item)
    if invoice["auto_advance"]:
        invoice["automatically_finalizes_at"] = world.now(invoice) + cycle.HOUR
    invoicing.announce(world, invoice)
    return answers.present(world, invoice, given.get("expand") or [])


@route("GET", "/invoices/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show an invoice."""
    return answers.present(world, world.one("invoice", identifier), given.get("expand") or [])


@route("POST", "/invoices/<identifier>", takes=FIELDS)
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change a draft; of a closed invoice only notes and collection."""
    invoice = world.one("invoice", identifier)
    late = given.keys() - {"metadata", "expand", "auto_advance", "description", "default_payment_method"}
    if late and invoice["status"] != "draft":
        check_draft(invoice)
    with events.changing(world, invoice, "invoice.updated"):
        apply(world, invoice, given)
        if invoice["status"] == "draft":
            invoicing.total_up(world, invoice)
    return answers.present(world, invoice, given.get("expand") or [])


@route("DELETE", "/invoices/<identifier>")
def delete(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will throw a draft away; its items wait again."""
    invoice = world.one("invoice", identifier)
    if invoice["status"] != "draft":
        raise errors.Refused(
            f"You can only delete draft invoices. (status {invoice['status']})", code="invoice_not_editable"
        )
    for item in world.store.find("invoiceitem", invoice=identifier):
        item["invoice"] = None
    events.emit(world, "invoice.deleted", invoice)
    world.store.drop(invoice)
    return {"id": identifier, "object": "invoice", "deleted": True}


@route("POST", "/invoices/<identifier>/finalize", takes={"auto_advance": params.boolean})
def finalize(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will close a draft."""
    invoice = world.one("invoice", identifier)
    if "auto_advance" in given:
        invoice["auto_advance"] = given["auto_advance"]
    invoicing.finalize(world, invoice)
    if invoice["amount_due"] == 0:
        collecting.mark_paid(world, invoice)
    elif invoice["auto_advance"] and invoice["collection_method"] == "charge_automatically":
        invoice["next_payment_attempt"] = world.now(invoice) + cycle.HOUR
    return answers.present(world, invoice, given.get("expand") or [])


@route(
    "POST",
    "/invoices/<identifier>/pay",
    takes={
        "payment_method": params.text,
        "paid_out_of_band": params.boolean,
        "off_session": params.boolean,
        "forgive": params.boolean,
    },
)
def pay(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will charge for an invoice now, or book that it was paid elsewhere."""
    invoice = world.one("invoice", identifier)
    if invoice["status"] == "draft":
        invoicing.finalize(world, invoice)
        if invoice["amount_due"] == 0:
            collecting.mark_paid(world, invoice)
            return answers.present(world, invoice, given.get("expand") or [])
    if invoice["status"] == "paid":
        raise errors.Refused("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] not in ("open", "uncollectible"):
        raise errors.Refused(f"This invoice cannot be paid: it is {invoice['status']}.")
    if given.get("paid_out_of_band"):
        collecting.mark_paid(world, invoice, out_of_band=True)
        return answers.present(world, invoice, given.get("expand") or [])
    method = None
    if given.get("payment_method"):
        method = methods.resolve(world, given["payment_method"], owner=world.customer_of(invoice))
    refusal = collecting.attempt(
        world, invoice, method=method, off_session=given.get("off_session") is not False, automatic=False
    )
    if refusal:
        raise refusal
    return answers.present(world, invoice, given.get("expand") or [])


@route("POST", "/invoices/<identifier>/send")
def send(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will send an invoice (here: say that it was sent)."""
    invoice = world.one("invoice", identifier)
    if invoice["status"] == "draft":
        invoicing.finalize(world, invoice)
    events.emit(world, "invoice.sent", invoice)
    return answers.present(world, invoice, given.get("expand") or [])


@route("POST", "/invoices/<identifier>/void")
def void(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will say that an invoice was never meant."""
    return answers.present(world, collecting.void(world, world.one("invoice", identifier)), given.get("expand") or [])


@route("POST", "/invoices/<identifier>/mark_uncollectible")
def mark_uncollectible(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will give an invoice up."""
    return answers.present(
        world, collecting.write_off(world, world.one("invoice", identifier)), given.get("expand") or []
    )


@route("GET", "/invoices/<identifier>/lines", paged=True)
def list_lines(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will list all lines, first to last."""
    standing = world.one("invoice", identifier)["lines"]["data"]
    numbered = [{**line, "_seq": -place} for place, line in enumerate(standing)]
    return answers.page(world, numbered, given, f"/invoices/{identifier}/lines")


@route(
    "GET",
    "/invoices",
    paged=True,
    takes={
        "collection_method": params.text,
        "created": params.span,
        "customer": params.text,
        "due_date": params.span,
        "status": params.choice("draft", "open", "paid", "uncollectible", "void"),
        "subscription": params.text,
    },
)
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list invoices."""
    found = [
        one
        for one in world.store.find("invoice")
        if all(given.get(name) in (None, one[name]) for name in ("customer", "status", "collection_method"))
        and given.get("subscription")
        in (None, ((one["parent"] or {}).get("subscription_details") or {}).get("subscription"))
        and answers.within(one["created"], given.get("created"))
        and answers.within(one["due_date"], given.get("due_date"))
    ]
    return answers.page(world, found, given, "/invoices")
