"""An order of WooCommerce in our shape.

Facts behind it: a line's total is after discounts and before tax, `price` is a float and not to be trusted; a refund of a line
is another order with negative lines, of which the order itself lists only the sum, so the store is asked for it when its
orders are read; a coupon takes its share off the lines, so the order's discount is a matter of telling and not of counting. A
draft of the checkout is no order yet. There is no word for a test, but payment plugins leave one among the order's notes.
Parcels stand there too, as the tracking plugins write them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from saas.commerce.connectors.delivery import Body, Unmappable, filled, pieces
from saas.commerce.refusal_words import Reason
from saas.kit import money

STATES = {
    "pending": "pending", "on-hold": "pending", "processing": "paid", "completed": "fulfilled", "cancelled": "cancelled", "refunded": "refunded",
    "failed": "failed", "trash": "cancelled",
}  # fmt: skip
DRAFTS = ("checkout-draft", "auto-draft", "draft", "new")
TESTS = {
    "_wcpay_mode": "test", "_ppcp_paypal_payment_mode": "sandbox", "_stripe_mode": "test", "_payment_mode": "test",
    "_mollie_payment_mode": "test",
}  # fmt: skip
"""What payment plugins write beside an order that was paid with play money."""
PARCELS = "_wc_shipment_tracking_items"
REFUNDS = "__refunds"
"""Where an order that was read carries the store's own list of its refunds, with what came back."""


def moment(body: Body, name: str) -> datetime | None:
    """Return a time of a resource in UTC; the `_gmt` twin is the one that means something."""
    text = body.get(f"{name}_gmt") or body.get(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise Unmappable(Reason("no_time", name=name, said=str(text)[:40])) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def address(billing: Body) -> dict[str, Any]:
    street = " ".join(part for part in (billing.get("address_1"), billing.get("address_2")) if part)
    names = ("phone", "company", "country", "city", "postcode")
    return filled(address=street, **{name: billing.get(name) for name in names})


def amount(said: Any, what: str) -> Decimal:
    """Return an amount of money, 0 when nothing is said; raises Unmappable."""
    try:
        found = Decimal(str(said if said not in (None, "") else 0))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise Unmappable(Reason("field_no_money", name=what, said=str(said)[:40]))
    return found


def order_item(body: Body) -> dict[str, Any] | None:
    """Return an order in our shape, or None while it is a draft; raises Unmappable when its money cannot be read."""
    status = str(body.get("status") or "").removeprefix("wc-")
    if status in DRAFTS:
        return None
    billing = body.get("billing") or {}
    account = int(body.get("customer_id") or 0)
    changed = moment(body, "date_modified") or moment(body, "date_created")
    customer = filled(
        external_id=str(account) if account else None, email=billing.get("email"), first_name=billing.get("first_name"),
        last_name=billing.get("last_name"), **address(billing),
    )  # fmt: skip
    notes = {str(one.get("key")): one.get("value") for one in body.get("meta_data") or [] if isinstance(one, dict)}
    fees = [line for line in body.get("fee_lines") or [] if isinstance(line, dict)]
    tips = [line for line in fees if "tip" in str(line.get("name") or "").lower().split()]
    return {
        "external_id": str(body["id"]), "number": str(body.get("number") or body["id"]), "status": _state(body, status),
        "currency": body.get("currency"), "placed_at": moment(body, "date_created") or changed, "updated_at": changed,
        "customer": customer if customer.get("external_id") or customer.get("email") else None,
        "payment_reference": [body.get("transaction_id"), notes.get("_stripe_intent_id"), body.get("order_key")],
        "visitor": str(notes.get("_regulars_visitor") or ""), "cart_id": str(body.get("cart_hash") or ""),
        "lines": [_line(line) for line in body.get("line_items") or []], "shipping": body.get("shipping_total") or "0",
        "tax": body.get("total_tax") or "0", "taxes_included": body.get("prices_include_tax"), "discount": "0", "total": body.get("total"),
        "fee": str(_sum(line for line in fees if line not in tips)), "tip": str(_sum(tips)),
        "gift_card": str(abs(_sum(body.get("gift_cards") or [], "amount"))), "test": bool(_test_note(notes)), "test_by": _test_note(notes),
        "discounts": [
            {"code": str(one.get("code") or ""), "amount": str(amount(one.get("discount"), "A coupon’s discount"))} for one in body.get("coupon_lines") or []
        ],
        "taxes": [
            {"title": str(one.get("label") or one.get("rate_code") or ""), "rate": str(one.get("rate_percent") or ""),
             "amount": str(amount(one.get("tax_total"), "A tax") + amount(one.get("shipping_tax_total"), "A tax"))}
            for one in body.get("tax_lines") or []
        ],
        "shipping_lines": [{"title": str(one.get("method_title") or ""), "amount": one.get("total") or "0"} for one in body.get("shipping_lines") or []],
        "fees": [{"title": str(one.get("name") or ""), "amount": one.get("total") or "0"} for one in fees],
        "refunds": refund_lines(body[REFUNDS]) if REFUNDS in body else [
            {"external_id": str(one["id"]), "amount": str(one.get("total") or 0), "reason": one.get("reason") or ""}
            for one in body.get("refunds") or []
        ],
        "fulfilments": _parcels(notes.get(PARCELS), changed),
    }  # fmt: skip


def _test_note(notes: dict[str, Any]) -> str:
    """Return the note by which a payment plugin says that an order was paid with play money, or nothing."""
    return next((name for name, word in TESTS.items() if str(notes.get(name)).lower() == word), "")


def _state(body: Body, status: str) -> str:
    """Return our word for a state; of a shop's own states only what is paid is known."""
    return STATES.get(status) or ("paid" if body.get("date_paid") or body.get("date_paid_gmt") else "pending")


def _sum(lines: Any, name: str = "total") -> Decimal:
    return sum((amount(line.get(name), "A fee") for line in lines), Decimal(0))


def _line(line: Body) -> dict[str, Any]:
    """Return a line; half a piece is sold as one, at what it came to."""
    quantity = pieces(line.get("quantity"))
    total = amount(line.get("total") or line.get("subtotal"), "A line’s total")
    off = (
        amount(line.get("subtotal"), "A line’s subtotal") - total
        if line.get("subtotal") not in (None, "")
        else Decimal(0)
    )
    unit = total / quantity if quantity else Decimal(0)
    return {
        "position": int(line["id"]), "external_id": str(line["id"]), "product": str(line.get("product_id") or ""),
        "variant": str(line.get("variation_id") or ""), "sku": line.get("sku") or "", "name": line.get("name") or "",
        "quantity": quantity, "unit_price": money.micros_text(money.parse_micros(unit)), "discount": str(off),
        "tax": str(amount(line.get("total_tax"), "A line’s tax")),
    }  # fmt: skip


def _parcels(said: Any, changed: datetime | None) -> list[dict[str, Any]]:
    """Return the parcels that a tracking plugin wrote beside the order; what is not in its shape is left."""
    found = []
    for one in said if isinstance(said, list) else []:
        if not isinstance(one, dict) or not (one.get("tracking_id") or one.get("tracking_number")):
            continue
        shipped = str(one.get("date_shipped") or "")
        found.append({
            "external_id": str(one.get("tracking_id") or one["tracking_number"]), "state": "sent",
            "carrier": str(one.get("custom_tracking_provider") or one.get("tracking_provider") or ""),
            "tracking_number": str(one.get("tracking_number") or ""), "tracking_url": str(one.get("custom_tracking_link") or one.get("tracking_link") or ""),
            "shipped_at": datetime.fromtimestamp(int(shipped), UTC) if shipped.isdigit() and len(shipped) <= 11 else changed,
        })  # fmt: skip
    return found


def refund_lines(refunds: list[Body]) -> list[dict[str, Any]]:
    """Return an order's refunds, as the store's own list of them has them: with what came back."""
    found = []
    for one in refunds:
        lines = []
        for line in one.get("line_items") or []:
            notes = {
                str(entry.get("key")): entry.get("value")
                for entry in line.get("meta_data") or []
                if isinstance(entry, dict)
            }
            lines.append({
                "line": str(notes.get("_refunded_item_id") or line.get("id") or ""), "quantity": abs(pieces(line.get("quantity"))),
                "amount": str(abs(amount(line.get("total"), "A line’s total"))),
            })  # fmt: skip
        found.append(filled(
            external_id=str(one["id"]), amount=str(one.get("amount") or 0), reason=one.get("reason"), at=moment(one, "date_created"),
        ) | {"lines": lines})  # fmt: skip
    return found
