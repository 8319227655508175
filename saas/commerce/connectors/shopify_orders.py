"""An order of Shopify in our shape, with its refunds, parcels and returns, and whom it names.

Facts behind it: `current_total_price` is after edits and refunds, `total_price` before them: what was agreed on in the end is
the current total and what was given back. A discount is told once for the order (`discount_applications`) and shared out over
the lines, so the prices of lines are after it. Sums in the shop's money stand without a suffix, what the buyer saw stands in
the `_set`s. A return carries no time, its states follow each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from saas.commerce.connectors.delivery import Body, Unmappable, filled, pieces
from saas.commerce.refusal_words import Reason
from saas.kit import money

PAID = {
    "paid": "paid", "partially_refunded": "paid", "refunded": "refunded", "voided": "cancelled", "expired": "failed",
    "pending": "pending", "authorized": "pending", "partially_paid": "pending",
}  # fmt: skip
PARCELS = {
    "success": "sent", "open": "pending", "pending": "pending", "cancelled": "cancelled", "error": "failed", "failure": "failed",
}  # fmt: skip
ON_THE_WAY = {
    "delivered": "delivered", "in_transit": "in_transit", "out_for_delivery": "in_transit", "attempted_delivery": "in_transit",
    "ready_for_pickup": "in_transit", "failure": "failed",
}  # fmt: skip
BACK = {
    "requested": "requested",
    "open": "open",
    "closed": "closed",
    "declined": "declined",
    "canceled": "cancelled",
    "cancelled": "cancelled",
}


def person_item(body: Body) -> dict[str, Any] | None:
    """Return whom an order or a checkout names, or None: the account, and beside it what was typed for this purchase."""
    account, typed = body.get("customer") or {}, body.get("billing_address") or body.get("shipping_address") or {}
    where = typed or account.get("default_address") or {}
    found = filled(
        external_id=str(account["id"]) if account.get("id") else None, email=account.get("email") or body.get("email"),
        first_name=account.get("first_name") or where.get("first_name"), last_name=account.get("last_name") or where.get("last_name"),
        language=body.get("customer_locale"), **(address(where) | filled(phone=account.get("phone") or body.get("phone") or where.get("phone"))),
    )  # fmt: skip
    return found if found.keys() & {"external_id", "email", "phone"} else None


def address(where: Body) -> dict[str, Any]:
    street = " ".join(part for part in (where.get("address1"), where.get("address2")) if part)
    return filled(
        company=where.get("company"), address=street, city=where.get("city"), postcode=where.get("zip"),
        country=where.get("country_code"),
    )  # fmt: skip


def order_item(body: Body) -> dict[str, Any]:
    """Return a Shopify order in our shape; raises Unmappable when its money cannot be read."""
    attributes = {
        str(one.get("name")): one.get("value") for one in body.get("note_attributes") or [] if isinstance(one, dict)
    }
    changed = moment(body, "updated_at") or moment(body, "created_at")
    refunds = [refund_item(one, str(body.get("currency") or "")) for one in body.get("refunds") or []]
    given_back = [one for one in refunds if Decimal(one["amount"])]
    return {
        "external_id": str(body["id"]), "number": str(body.get("name") or body.get("order_number") or body["id"]).lstrip("#"),
        "status": state_of(body), "currency": body.get("currency"), "placed_at": moment(body, "processed_at") or moment(body, "created_at"),
        "updated_at": changed, "customer": person_item(body), "visitor": str(attributes.get("_regulars_visitor") or ""),
        "cart_id": cart_key(body.get("cart_token")), "lines": _lines(body, bool(given_back)), "shipping": _shipping(body), "discount": "0",
        "tax": str(amount(body.get("total_tax"))), "taxes_included": body.get("taxes_included"), "tip": str(amount(body.get("total_tip_received"))),
        "fee": str(_money_of(body.get("current_total_additional_fees_set")) or _money_of(body.get("current_total_duties_set"))),
        "gift_card": str(_by_gift_card(body)), "total": str(_total(body, given_back)), "refunds": given_back, "test": bool(body.get("test")),
        "presentment_currency": body.get("presentment_currency"), "presentment_total": _presentment(body),
        "cancelled_at": moment(body, "cancelled_at"), "cancel_reason": str(body.get("cancel_reason") or ""), "discounts": _discounts(body),
        "taxes": [
            {"title": str(one.get("title") or ""), "rate": _percent(one.get("rate")), "amount": str(amount(one.get("price")))}
            for one in body.get("tax_lines") or []
        ],
        "shipping_lines": [
            {"title": str(one.get("title") or ""), "amount": str(amount(one.get("discounted_price") or one.get("price")))} for one in body.get("shipping_lines") or []
        ],
        "fulfilments": [fulfilment_item(one) for one in body.get("fulfillments") or [] if one.get("id")],
        "returns": [return_item(one) for one in body.get("returns") or [] if one.get("id")],
    }  # fmt: skip


def _money_of(bag: Any, money_of: str = "shop_money") -> Decimal:
    return amount(((bag or {}).get(money_of) or {}).get("amount"))


def _presentment(body: Body) -> str:
    """What the buyer saw as the total: after edits and refunds, so what went back is not in it."""
    return str(_money_of(body.get("current_total_price_set") or body.get("total_price_set"), "presentment_money"))


def _by_gift_card(body: Body) -> Decimal:
    paid = [
        one
        for one in body.get("transactions") or []
        if one.get("gateway") == "gift_card" and one.get("status") == "success"
    ]
    return sum((amount(one.get("amount")) for one in paid if one.get("kind") in ("sale", "capture")), Decimal(0))


def _percent(rate: Any) -> str:
    """Return a rate of 0.19 as 19."""
    return f"{(amount(rate) * 100).normalize():f}" if rate not in (None, "") else ""


def _discounts(body: Body) -> list[dict[str, str]]:
    """Return the discounts with what each came to over all lines; where only codes are told, what they came to."""
    applied = body.get("discount_applications") or []
    if not applied:
        codes = [one for one in body.get("discount_codes") or [] if isinstance(one, dict)]
        return [{"code": str(one.get("code") or ""), "amount": str(amount(one.get("amount")))} for one in codes]
    sums = [Decimal(0)] * len(applied)
    for line in [*(body.get("line_items") or []), *(body.get("shipping_lines") or [])]:
        for share in line.get("discount_allocations") or []:
            place = share.get("discount_application_index")
            if isinstance(place, int) and 0 <= place < len(sums):
                sums[place] += amount(share.get("amount"))
    return [
        {"code": str(one.get("code") or "") if one.get("type") == "discount_code" else "", "title": str(one.get("title") or ""), "amount": str(off)}
        for one, off in zip(applied, sums, strict=True)
    ]  # fmt: skip


def state_of(body: Body) -> str:
    """Return the one state of an order from Shopify's two and its cancellation."""
    if body.get("cancelled_at"):
        return "cancelled"
    state = PAID.get(str(body.get("financial_status") or "pending").lower(), "pending")
    return "fulfilled" if state in ("paid", "pending") and body.get("fulfillment_status") == "fulfilled" else state


def _total(body: Body, given_back: Sequence[dict[str, Any]]) -> Decimal:
    """Return what was agreed on in the end: without what an edit took out again, with what was given back later."""
    agreed = amount(body.get("total_price"))
    if body.get("current_total_price") in (None, "") or body.get("cancelled_at"):
        return agreed
    return amount(body["current_total_price"]) + sum((Decimal(one["amount"]) for one in given_back), Decimal(0))


def _shipping(body: Body) -> str:
    whole = (body.get("total_shipping_price_set") or {}).get("shop_money") or {}
    if whole.get("amount") not in (None, ""):
        return str(amount(whole["amount"]))
    return str(sum((amount(line.get("price")) for line in body.get("shipping_lines") or []), Decimal(0)))


def _lines(body: Body, money_went_back: bool) -> list[dict[str, Any]]:
    """Return the lines in their order; their ids are larger than a position can be."""
    returned: dict[str, int] = {}
    listed = False
    for refund in body.get("refunds") or []:
        listed = listed or "refund_line_items" in refund
        if Decimal(refund_item(refund, str(body.get("currency") or ""))["amount"]):
            for one in refund.get("refund_line_items") or []:
                key = str(one.get("line_item_id"))
                returned[key] = returned.get(key, 0) + pieces(one.get("quantity"))
    found = []
    for place, line in enumerate(body.get("line_items") or []):
        first = pieces(line.get("quantity"))
        quantity = first
        if (
            line.get("current_quantity") is not None
            and not body.get("cancelled_at")
            and (listed or not money_went_back)
        ):
            quantity = min(pieces(line["current_quantity"]) + returned.get(str(line.get("id")), 0), first)
        found.append({
            "position": place, "external_id": str(line.get("id") or ""), "product": str(line.get("product_id") or ""),
            "variant": str(line.get("variant_id") or ""), "sku": line.get("sku") or "", "name": line.get("name") or line.get("title") or "",
            "quantity": quantity, "unit_price": _unit_price(line, first), "discount": str(_off(line)),
            "tax": str(sum((amount(one.get("price")) for one in line.get("tax_lines") or []), Decimal(0))),
        })  # fmt: skip
    return [line for line in found if line["quantity"]]


def _off(line: Body) -> Decimal:
    return sum((amount(one.get("amount")) for one in line.get("discount_allocations") or []), Decimal(0))


def _unit_price(line: Body, quantity: int) -> str:
    """Return the price after all discounts on this line; they are given for the whole line."""
    off = _off(line)
    each = amount(line.get("price")) - (off / quantity if quantity else 0)
    return money.micros_text(money.parse_micros(each))


def refund_item(body: Body, currency: str) -> dict[str, Any]:
    """Return a refund in our shape: the money that went back, in the shop's currency. 0 where nothing did, as with an edit."""
    went = [
        one for one in body.get("transactions") or []
        if one.get("kind") == "refund" and one.get("status") == "success" and not one.get("test")
    ]  # fmt: skip
    if currency and any((one.get("currency") or currency) != currency for one in went):
        sums = [
            (line.get(name) or {}).get("shop_money")
            for line in body.get("refund_line_items") or []
            for name in ("subtotal_set", "total_tax_set")
        ]
        whole = sum((amount((one or {}).get("amount")) for one in sums), Decimal(0))
        for one in body.get("order_adjustments") or []:
            whole -= amount(((one.get("amount_set") or {}).get("shop_money") or {}).get("amount"))
    else:
        whole = sum((amount(one.get("amount")) for one in went), Decimal(0))
    lines = [
        {"line": str(one.get("line_item_id") or ""), "quantity": pieces(one.get("quantity")), "restock": _restocked(one, body),
         "amount": str(amount(one.get("subtotal")))}
        for one in body.get("refund_line_items") or []
    ]  # fmt: skip
    return filled(
        external_id=str(body["id"]), amount=str(whole), reason=body.get("note"), at=moment(body, "processed_at") or moment(body, "created_at"),
    ) | {"lines": lines}  # fmt: skip


def _restocked(line: Body, refund: Body) -> bool:
    """Whether the pieces lie in the shop again: told by the line, in older versions by the refund."""
    said = line.get("restock_type")
    return said in ("return", "cancel", "legacy_restock") if said else bool(refund.get("restock"))


def fulfilment_item(body: Body) -> dict[str, Any]:
    """Return a parcel in our shape; where it is follows from what the carrier says, if it says anything."""
    state = PARCELS.get(str(body.get("status") or "success").lower(), "sent")
    where = ON_THE_WAY.get(str(body.get("shipment_status") or "").lower())
    changed = moment(body, "updated_at") or moment(body, "created_at")
    state = where if where and state == "sent" else state
    numbers, links = body.get("tracking_numbers") or [], body.get("tracking_urls") or []
    return filled(
        external_id=str(body["id"]), state=state, carrier=body.get("tracking_company"), tracking_number=body.get("tracking_number") or next(iter(numbers), None),
        tracking_url=body.get("tracking_url") or next(iter(links), None), shipped_at=moment(body, "created_at"),
        delivered_at=(moment(body, "delivered_at") or changed) if state == "delivered" else None, updated_at=changed,
    ) | {
        "lines": [{"line": str(one.get("id") or ""), "quantity": pieces(one.get("quantity"))} for one in body.get("line_items") or []],
    }  # fmt: skip


def return_item(body: Body) -> dict[str, Any]:
    """Return goods on their way back in our shape."""
    lines = []
    for one in body.get("return_line_items") or []:
        sent = (one.get("fulfillment_line_item") or {}).get("line_item") or {}
        lines.append(filled(
            line=str(sent.get("id") or one.get("line_item_id") or ""), quantity=pieces(one.get("quantity")),
            reason=one.get("return_reason_note") or str(one.get("return_reason") or "").replace("_", " ").lower(),
        ))  # fmt: skip
    declined = (body.get("decline") or {}).get("note") if isinstance(body.get("decline"), dict) else None
    return filled(
        external_id=str(body["id"]), state=BACK.get(str(body.get("status") or "open").lower(), "open"), reason=declined or next((one["reason"] for one in lines if one.get("reason")), None),
        at=moment(body, "created_at"), updated_at=moment(body, "updated_at"),
    ) | {"lines": lines}  # fmt: skip


def cart_key(token: Any) -> str:
    """Return what a cart is known by: newer carts carry a secret of their own behind a question mark."""
    return str(token or "").partition("?")[0]


def moment(body: Body, name: str) -> datetime | None:
    """Return a time of a resource; raises Unmappable when it is none."""
    text = body.get(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise Unmappable(Reason("no_time", name=name, said=str(text)[:40])) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def amount(text: Any) -> Decimal:
    """Return an amount of money, 0 when nothing is said; raises Unmappable."""
    try:
        found = Decimal(str(text if text not in (None, "") else 0))
    except InvalidOperation:
        raise Unmappable(Reason("no_money", said=str(text)[:40])) from None
    if not found.is_finite():
        raise Unmappable(Reason("no_money", said=str(text)[:40]))
    return found
