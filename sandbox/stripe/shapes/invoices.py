"""Invoices, their lines, what waits for them and what pays them, as they are when new."""

from typing import Any

from sandbox.stripe import answers, ids
from sandbox.stripe.store import Document
from sandbox.stripe.world import World


def invoice(*, customer: Document, currency: str, billing_reason: str, created: int) -> Document:
    """This function will make a draft without lines."""
    return {
        "id": ids.make("in"),
        "object": "invoice",
        "account_country": "DE",
        "account_name": "Regulars",
        "account_tax_ids": None,
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": None,
        "billing_reason": billing_reason,
        "collection_method": "charge_automatically",
        "created": created,
        "currency": currency,
        "custom_fields": None,
        "customer": customer["id"],
        "customer_account": None,
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": {"object": "list", "data": [], "has_more": False, "url": ""},
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "on_behalf_of": None,
        "parent": None,
        "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
        "period_end": created,
        "period_start": created,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": customer["balance"],
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "test_clock": customer["test_clock"],
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": None,
    }


@answers.dresses("invoice")
def show_invoice(world: World, shown: Document) -> None:
    """This function will show the first ten lines, as Stripe does."""
    lines = shown["lines"]
    lines |= {
        "data": lines["data"][:10],
        "has_more": len(lines["data"]) > 10,
        "url": f"/v1/invoices/{shown['id']}/lines",
    }


@answers.includes("invoice", "payments")
def show_payments(world: World, invoice: Document) -> dict[str, Any]:
    """This function will list the payments made or to be made for an invoice."""
    made = world.store.find("invoice_payment", invoice=invoice["id"])
    return answers.sub_list(world, made, f"/v1/invoice_payments?invoice={invoice['id']}")


@answers.includes("invoice", "confirmation_secret")
def show_secret(world: World, invoice: Document) -> dict[str, Any] | None:
    """This function will give what a page of one's own needs to confirm the first payment."""
    payment = world.store.first("invoice_payment", invoice=invoice["id"], is_default=True)
    intent = payment and world.store.get("payment_intent", payment["payment"]["payment_intent"])
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None


def invoice_payment(*, invoice: Document, intent: str | None, created: int) -> Document:
    """This function will make the link between an invoice and the intent that pays it."""
    payment = {"payment_intent": intent, "type": "payment_intent"} if intent else {"type": "out_of_band_payment"}
    return {
        "id": ids.make("inpay"),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": invoice["amount_due"],
        "created": created,
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": payment,
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }


def line(
    *,
    invoice: Document,
    amount: int,
    description: str,
    period: tuple[int, int],
    price: Document | None,
    quantity: int,
    parent: dict[str, Any],
    subscription: str | None,
    discountable: bool = True,
) -> Document:
    """This function will make one line; ``parent`` says which item it comes from."""
    return {
        "id": ids.make("il"),
        "object": "line_item",
        "amount": amount,
        "currency": invoice["currency"],
        "description": description,
        "discount_amounts": [],
        "discountable": discountable,
        "discounts": [],
        "invoice": invoice["id"],
        "livemode": False,
        "metadata": {},
        "parent": parent,
        "period": {"start": period[0], "end": period[1]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": price and {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"] if price else str(amount // (quantity or 1)),
        },
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "subscription": subscription,
        "subtotal": amount,
        "taxes": [],
    }


def invoice_item(
    *, customer: Document, amount: int, currency: str, description: str | None, period: tuple[int, int], created: int
) -> Document:
    """This function will make something to be billed on the next invoice."""
    return {
        "id": ids.make("ii"),
        "object": "invoiceitem",
        "amount": amount,
        "currency": currency,
        "customer": customer["id"],
        "customer_account": None,
        "date": created,
        "description": description,
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "net_amount": amount,
        "parent": None,
        "period": {"start": period[0], "end": period[1]},
        "pricing": {"price_details": None, "type": "price_details", "unit_amount_decimal": str(amount)},
        "proration": False,
        "quantity": 1,
        "quantity_decimal": "1",
        "tax_rates": [],
        "test_clock": customer["test_clock"],
    }
