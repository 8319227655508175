"""Stripe's objects as plain values: only what is used, with times as times, from version 2026-10-28.endive.

In this version the period is on the subscription's items, and an invoice names its subscription under `parent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from saas.kit import money

SEAT_PRODUCT = "regulars_seat"


@dataclass(frozen=True)
class Subscription:
    """A subscription as Stripe has it now."""

    stripe_id: str
    customer: str
    item: str
    product: str
    price: str
    status: str
    price_amount: int
    currency: str
    started_at: datetime
    period_end_at: datetime
    trial_end_at: datetime | None
    ends_at: datetime | None
    ended_at: datetime | None
    end_reason: str
    latest_invoice: str | None
    card: str
    card_expires: str
    seats: int = 0
    seat_item: str = ""
    coupon: str = ""
    collection_paused: bool = False
    credit_amount: int = 0
    livemode: bool = False


@dataclass(frozen=True)
class Invoice:
    """An invoice as Stripe has it now; amounts in minor units."""

    stripe_id: str
    customer: str
    subscription: str | None
    number: str
    status: str
    reason: str
    currency: str
    total_amount: int
    due_amount: int
    attempts: int
    next_attempt_at: datetime | None
    asks_confirmation: bool
    page_url: str
    pdf_url: str
    issued_at: datetime
    paid_at: datetime | None


@dataclass(frozen=True)
class Session:
    """A page to pay on: open, complete or expired."""

    stripe_id: str
    url: str
    status: str
    customer: str | None
    subscription: str | None
    checkout: str | None


@dataclass(frozen=True)
class Charge:
    """A charge of a card, with what of it was given back and whether it is disputed."""

    stripe_id: str
    customer: str | None
    payment_intent: str | None
    refunded_amount: int
    disputed: bool


def moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def reference(value: Any) -> str | None:
    """Return the id of an object that may or may not be expanded."""
    return value["id"] if isinstance(value, dict) else value


@dataclass(frozen=True)
class Preview:
    """What a change would cost: what is charged now (negative: is credited), line by line, in minor units."""

    due_amount: int
    total_amount: int
    currency: str
    lines: tuple[tuple[str, int], ...]


def preview(found: dict[str, Any]) -> Preview:
    lines = tuple((line["description"] or "", line["amount"]) for line in found["lines"]["data"])
    return Preview(found["amount_due"], found["total"], found["currency"].upper(), lines)


def subscription(found: dict[str, Any]) -> Subscription:
    items = found["items"]["data"]
    seat = next((one for one in items if reference(one["price"]["product"]) == SEAT_PRODUCT), None)
    item = next((one for one in items if one is not seat), items[0])
    end = item["current_period_end"]
    ends = found["cancel_at"] or (end if found["cancel_at_period_end"] else None)
    card, expires = _card(found)
    return Subscription(
        stripe_id=found["id"], customer=reference(found["customer"]) or "", item=item["id"],
        product=reference(item["price"]["product"]) or "", price=item["price"]["id"], status=found["status"],
        price_amount=sum((one["price"]["unit_amount"] or 0) * (one.get("quantity") or 1) for one in items), currency=found["currency"].upper(),
        started_at=moment(found["start_date"]), period_end_at=moment(end), trial_end_at=moment(found["trial_end"]),
        ends_at=moment(ends), ended_at=moment(found["ended_at"]),
        end_reason=(found.get("cancellation_details") or {}).get("reason") or "",
        latest_invoice=reference(found["latest_invoice"]), card=card, card_expires=expires,
        seats=(seat.get("quantity") or 0) if seat else 0, seat_item=seat["id"] if seat else "", coupon=_coupon(found),
        collection_paused=bool(found.get("pause_collection")), credit_amount=_credit(found["customer"]),
        livemode=bool(found.get("livemode")),
    )  # fmt: skip


def _coupon(found: dict[str, Any]) -> str:
    """Return what is taken off, such as "Spring (−20%)"; the discounts have to be expanded."""
    for discount in found.get("discounts") or ():
        coupon = (discount.get("source") or {}).get("coupon") if isinstance(discount, dict) else None
        if isinstance(coupon, dict):
            off = (
                f"−{coupon['percent_off']:g}%" if coupon["percent_off"]
                else f"−{money.amount_text(coupon['amount_off'] or 0, coupon['currency'].upper())} {coupon['currency'].upper()}"
            )  # fmt: skip
            return f"{coupon['name']} ({off})" if coupon["name"] else off
    return ""


def _credit(customer: Any) -> int:
    """Return what the customer has to its credit, which the next invoices use up first."""
    return max(0, -(customer.get("balance") or 0)) if isinstance(customer, dict) else 0


def _card(found: dict[str, Any]) -> tuple[str, str]:
    """Return the card that is charged, such as ("Visa •••• 4242", "04/2034"): the subscription's or else the customer's."""
    customer = found["customer"] if isinstance(found["customer"], dict) else {}
    method = found.get("default_payment_method") or (customer.get("invoice_settings") or {}).get(
        "default_payment_method"
    )
    card = method.get("card") if isinstance(method, dict) else None
    if not card:
        return "", ""
    brand = (card.get("display_brand") or card["brand"] or "").replace("_", " ").title()
    return f"{brand} •••• {card['last4']}", f"{card['exp_month']:02d}/{card['exp_year']}"


def invoice(found: dict[str, Any]) -> Invoice:
    parent = (found.get("parent") or {}).get("subscription_details") or {}
    times = found["status_transitions"]
    return Invoice(
        stripe_id=found["id"], customer=reference(found["customer"]) or "", subscription=reference(parent.get("subscription")),
        number=found["number"] or "", status=found["status"], reason=found["billing_reason"] or "",
        currency=found["currency"].upper(), total_amount=found["total"], due_amount=found["amount_remaining"],
        attempts=found["attempt_count"], next_attempt_at=moment(found["next_payment_attempt"]),
        asks_confirmation=_asks(found), page_url=found.get("hosted_invoice_url") or "", pdf_url=found.get("invoice_pdf") or "",
        issued_at=moment(times["finalized_at"] or found["created"]), paid_at=moment(times["paid_at"]),
    )  # fmt: skip


def _asks(found: dict[str, Any]) -> bool:
    """Tell whether a payment of the invoice waits for the cardholder."""
    for payment in (found.get("payments") or {}).get("data", ()):
        intent = payment["payment"].get("payment_intent")
        if found["status"] == "open" and isinstance(intent, dict):
            refused = (intent.get("last_payment_error") or {}).get("code")
            if intent["status"] == "requires_action" or refused == "authentication_required":
                return True
    return False


def session(found: dict[str, Any]) -> Session:
    return Session(
        stripe_id=found["id"], url=found["url"] or "", status=found["status"] or "", customer=reference(found["customer"]),
        subscription=reference(found["subscription"]), checkout=found["client_reference_id"],
    )  # fmt: skip


def charge(found: dict[str, Any]) -> Charge:
    return Charge(
        stripe_id=found["id"], customer=reference(found["customer"]), payment_intent=reference(found["payment_intent"]),
        refunded_amount=found["amount_refunded"], disputed=found["disputed"],
    )  # fmt: skip
