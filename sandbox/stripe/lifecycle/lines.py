"""What stands on an invoice: periods of items, things bought once, and the parts of a period that a change leaves."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.stripe import events, money
from sandbox.stripe.lifecycle import periods
from sandbox.stripe.shapes import invoices
from sandbox.stripe.store import Document
from sandbox.stripe.world import World


def named(world: World, price: Document) -> str:
    """This function will give what a price is called on an invoice."""
    product = world.store.get("product", price["product"])
    return (product or {}).get("name") or price["nickname"] or price["id"]


def per(price: Document) -> str:
    """This function will say how often a price is due."""
    recurring = price["recurring"]
    count = recurring["interval_count"]
    return f"/ {recurring['interval']}" if count == 1 else f"every {count} {recurring['interval']}s"


def price_amount(price: Document, quantity: int) -> int:
    """This function will multiply a unit price by a quantity, rounded to minor units half up."""
    if price["unit_amount"] is not None:
        return price["unit_amount"] * quantity
    return int((Decimal(price["unit_amount_decimal"]) * quantity).quantize(Decimal(1), ROUND_HALF_UP))


def add_subscription_lines(world: World, invoice: Document, subscription: Document, *, trial: bool = False) -> None:
    """This function will bill the current period of each item."""
    for item in subscription["items"]["data"]:
        price = world.one("price", item["price"])
        name = named(world, price)
        unit = money.show(price["unit_amount_decimal"], price["currency"])
        paid = f"{item['quantity']} × {name} (at {unit} {per(price)})"
        line = invoices.line(
            invoice=invoice,
            amount=0 if trial else price_amount(price, item["quantity"]),
            description=f"Trial period for {name}" if trial else paid,
            period=(item["current_period_start"], item["current_period_end"]),
            price=price,
            quantity=item["quantity"],
            subscription=subscription["id"],
            parent={
                "invoice_item_details": None,
                "subscription_item_details": {
                    "invoice_item": None, "proration": False, "proration_details": None,
                    "subscription": subscription["id"], "subscription_item": item["id"],
                },
                "type": "subscription_item_details",
            },
        )  # fmt: skip
        line["metadata"] = dict(subscription["metadata"])
        invoice["lines"]["data"].append(line)


def add_item_line(world: World, invoice: Document, item: Document) -> Document:
    """This function will put an invoice item onto an invoice."""
    details = item["pricing"]["price_details"]
    owner = (item["parent"] or {}).get("subscription_details") or {}
    line = invoices.line(
        invoice=invoice,
        amount=item["amount"],
        description=item["description"],
        period=(item["period"]["start"], item["period"]["end"]),
        price=details and world.store.get("price", details["price"]),
        quantity=item["quantity"],
        subscription=owner.get("subscription"),
        discountable=item["discountable"],
        parent={
            "invoice_item_details": {
                "invoice_item": item["id"], "proration": item["proration"], "proration_details": None,
                "subscription": owner.get("subscription"),
            },
            "subscription_item_details": None,
            "type": "invoice_item_details",
        },
    )  # fmt: skip
    line["pricing"]["unit_amount_decimal"] = item["pricing"]["unit_amount_decimal"]
    line["metadata"] = dict(item["metadata"])
    item["invoice"] = invoice["id"]
    invoice["lines"]["data"].append(line)
    return line


def add_proration(
    world: World, *, subscription: Document, item: Document, price: Document, quantity: int, at: int, credit: bool
) -> Document | None:
    """This function will bill or credit the time that is left of an item's period."""
    start, end = item["current_period_start"], item["current_period_end"]
    full = price_amount(price, quantity)
    part = periods.share(full, start=start, end=end, at=at)
    if part == 0:
        return None
    name = named(world, price) if quantity == 1 else f"{quantity} × {named(world, price)}"
    kind = "Unused" if credit else "Remaining"
    made = invoices.invoice_item(
        customer=world.customer_of(subscription),
        amount=-part if credit else part,
        currency=subscription["currency"],
        description=f"{kind} time on {name} after {periods.spoken(at)}",
        period=(at, end),
        created=at,
    )
    made |= {
        "discountable": False,
        "proration": True,
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": str(made["amount"] // quantity if quantity else 0),
        },
        "parent": {
            "subscription_details": {"subscription": subscription["id"], "subscription_item": item["id"]},
            "type": "subscription_details",
        },
    }
    world.store.add(made)
    events.emit(world, "invoiceitem.created", made)
    return made


def one_time_item(
    world: World, *, customer: Document, price: Document, quantity: int, subscription: Document | None = None
) -> Document:
    """This function will bill a price once, on the next invoice."""
    now = world.now(customer)
    made: dict[str, Any] = invoices.invoice_item(
        customer=customer,
        amount=price_amount(price, quantity),
        currency=price["currency"],
        description=named(world, price),
        period=(now, now),
        created=now,
    )
    made |= {
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
    }
    if subscription:
        made["parent"] = {
            "subscription_details": {"subscription": subscription["id"]}, "type": "subscription_details",
        }  # fmt: skip
    world.store.add(made)
    events.emit(world, "invoiceitem.created", made)
    return made
