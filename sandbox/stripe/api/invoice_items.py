"""Invoice items: what waits to be billed on the next invoice."""

from typing import Any

from sandbox.stripe import answers, errors, events, params
from sandbox.stripe.lifecycle import invoicing, lines, pricing
from sandbox.stripe.routes import route
from sandbox.stripe.shapes import invoices
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

PERIOD = params.shape({"start": params.integer, "end": params.integer}, required=("start", "end"))
PRICING = params.shape({"price": params.text})
FIELDS = {
    "amount": params.integer,
    "description": params.text,
    "discountable": params.boolean,
    "metadata": params.mapping,
    "period": PERIOD,
    "quantity": params.whole,
    "unit_amount_decimal": params.decimal,
    "pricing": PRICING,
}


@route(
    "POST",
    "/invoiceitems",
    required=("customer",),
    takes={
        **FIELDS,
        "currency": params.text,
        "customer": params.text,
        "invoice": params.text,
        "subscription": params.text,
    },
)
def create(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will note an amount for the next invoice, or put it onto a draft."""
    customer = world.one("customer", given["customer"], param="customer")
    invoice = given.get("invoice") and world.one("invoice", given["invoice"], param="invoice")
    item = make(world, customer, given)
    if given.get("subscription"):
        owner = world.one("subscription", given["subscription"], param="subscription")
        item["parent"] = {"subscription_details": {"subscription": owner["id"]}, "type": "subscription_details"}
    apply(item, given)
    if invoice:
        check_draft(invoice)
        lines.add_item_line(world, invoice, item)
        invoicing.total_up(world, invoice)
    return answers.present(world, item, given.get("expand") or [])


def make(world: World, customer: Document, given: dict[str, Any]) -> Document:
    """This function will make the item of a price or of an amount."""
    quantity = 1 if given.get("quantity") is None else given["quantity"]
    if (given.get("pricing") or {}).get("price"):
        price, _ = pricing.one_time(world, {"price": given["pricing"]["price"]}, param="pricing")
        return lines.one_time_item(world, customer=customer, price=price, quantity=quantity)
    amount = given.get("amount")
    if amount is None and given.get("unit_amount_decimal"):
        amount = round(float(given["unit_amount_decimal"]) * quantity)
    if amount is None:
        raise errors.Refused("Missing required param: amount.", code="parameter_missing", param="amount")
    now = world.now(customer)
    item = invoices.invoice_item(
        customer=customer,
        amount=amount,
        currency=(given.get("currency") or customer["currency"] or "eur").lower(),
        description=None,
        period=(now, now),
        created=now,
    )
    item |= {"quantity": quantity, "quantity_decimal": str(quantity)}
    world.store.add(item)
    events.emit(world, "invoiceitem.created", item)
    return item


def apply(item: Document, given: dict[str, Any]) -> None:
    """This function will take over what a request says of an item."""
    params.merge_metadata(item, given.get("metadata"))
    for name in ("description", "discountable", "period", "amount"):
        if given.get(name) is not None:
            item[name] = given[name]
    item["net_amount"] = item["amount"]


def check_draft(invoice: Document) -> None:
    """This function will refuse to change an invoice that is closed."""
    if invoice["status"] != "draft":
        raise errors.Refused(
            "This invoice is no longer editable, it has already been finalized.",
            code="invoice_not_editable",
            param="invoice",
        )


@route("GET", "/invoiceitems/<identifier>")
def retrieve(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show an item."""
    return answers.present(world, world.one("invoiceitem", identifier), given.get("expand") or [])


@route("POST", "/invoiceitems/<identifier>", takes=FIELDS)
def update(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change an item that is not billed yet."""
    item = world.one("invoiceitem", identifier)
    if item["invoice"]:
        check_draft(world.one("invoice", item["invoice"]))
    apply(item, given)
    return answers.present(world, item, given.get("expand") or [])


@route("DELETE", "/invoiceitems/<identifier>")
def delete(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will take an item back."""
    item = world.one("invoiceitem", identifier)
    if item["invoice"]:
        invoice = world.one("invoice", item["invoice"])
        check_draft(invoice)
        standing = invoice["lines"]["data"]
        standing[:] = [
            one for one in lines if (one["parent"]["invoice_item_details"] or {}).get("invoice_item") != identifier
        ]
        invoicing.total_up(world, invoice)
    events.emit(world, "invoiceitem.deleted", item)
    world.store.drop(item)
    return {"id": identifier, "object": "invoiceitem", "deleted": True}


@route(
    "GET",
    "/invoiceitems",
    paged=True,
    takes={"created": params.span, "customer": params.text, "invoice": params.text, "pending": params.boolean},
)
def listing(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list items."""
    pending = given.get("pending")
    found = [
        one
        for one in world.store.find("invoiceitem")
        if all(given.get(name) in (None, one[name]) for name in ("customer", "invoice"))
        and (pending is None or pending == (one["invoice"] is None))
        and answers.within(one["date"], given.get("created"))
    ]
    return answers.page(world, found, given, "/invoiceitems")
