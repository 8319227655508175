"""Stripe's objects as rows of ours: payments, refunds, disputes, payouts and what a payout is made of.

Amounts come in the smallest unit as Stripe counts it, which differs from ISO 4217 for some currencies, so they are brought to
ours here (docs.stripe.com/currencies). Which order a payment is for is read from what shops really write into it: WooCommerce's
gateway puts order_id (which is the order's number) and order_key into the metadata and the number into the description.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from saas.commerce.connectors.delivery import Unmappable
from saas.kit import money, text

Given = Mapping[str, Any]
NO_DECIMALS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
THREE_DECIMALS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
MOST = 10**15
INTENT_STATES = {"succeeded": "succeeded", "requires_capture": "authorised", "canceled": "cancelled"}
CHARGE_STATES = {"succeeded": "succeeded", "failed": "failed", "pending": "pending"}
REFUND_STATES = {"succeeded": "succeeded", "failed": "failed", "canceled": "cancelled"}
DISPUTE_STATES = {
    "needs_response": "needs_answer", "warning_needs_response": "needs_answer", "under_review": "under_review",
    "warning_under_review": "under_review", "won": "won", "lost": "lost", "warning_closed": "closed", "prevented": "closed",
}  # fmt: skip
PAYOUT_STATES = {"paid": "paid", "pending": "pending", "in_transit": "in_transit", "canceled": "cancelled", "failed": "failed"}  # fmt: skip
LINE_KINDS = {
    "charge": "payment", "payment": "payment", "refund": "refund", "payment_refund": "refund", "refund_failure": "refund",
    "payment_failure_refund": "refund", "stripe_fee": "fee", "network_cost": "fee", "application_fee": "fee", "payout": "payout",
    "payout_cancel": "payout", "payout_failure": "payout",
}  # fmt: skip
NUMBERS = ("order_number", "order_id", "order_no", "order", "orderid", "woocommerce_order_id")
REFERENCES = ("order_key", "payment_reference", "order_reference")
NUMBERED = re.compile(r"\border\s*(?:no\.?|number|nr\.?)?\s*#?\s*([\w-]{1,100})\s*$", re.IGNORECASE)


def currency_of(found: Given) -> str:
    """Return the currency in capitals; raises Unmappable for what is no three letters."""
    code = str(found.get("currency") or "").upper()
    if not re.fullmatch("[A-Z]{3}", code):
        raise Unmappable(f"“{code[:20]}” is no currency.")
    return code


def amount(value: Any, currency: str) -> int:
    """Return Stripe's smallest units in ours: 500 of UGX are 5, for Stripe counts hundredths of it. Raises Unmappable."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MOST:
        raise Unmappable(f"“{str(value)[:40]}” is not an amount of money.")
    theirs = 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2
    shift = money.exponent(currency) - theirs
    return int(Decimal(value).scaleb(shift).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def moment(seconds: Any) -> datetime:
    """Return a time of Stripe's; raises Unmappable."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise Unmappable(f"“{str(seconds)[:40]}” is no time.") from None


def key_of(value: Any) -> str:
    """Return the id behind a reference, which is an id or, where it was opened, the object."""
    if isinstance(value, Mapping):
        value = value.get("id")
    return text.clean(str(value or ""), most=200)


def _inner(value: Any) -> Given:
    return value if isinstance(value, Mapping) else {}


def payment(found: Given) -> dict[str, Any]:
    """Return a payment intent, or a charge made without one, as a row; raises Unmappable."""
    is_intent = found.get("object") == "payment_intent"
    charge = _inner(found.get("latest_charge")) if is_intent else found
    currency = currency_of(found)
    settled = _inner(charge.get("balance_transaction"))
    settled_currency = currency_of(settled) if settled else ""
    row = {
        "key": _must_be_known(found), "charge": key_of(found.get("latest_charge")) if is_intent else key_of(found), "currency": currency,
        "at": moment(found.get("created")), "amount": amount(found.get("amount"), currency),
        "received_amount": amount(found.get("amount_received") if is_intent else charge.get("amount_captured") or 0, currency),
        "refunded_amount": amount(charge.get("amount_refunded") or 0, currency), "disputed": bool(charge.get("disputed")),
        "settled_currency": settled_currency,
        "fee_amount": amount(settled.get("fee"), settled_currency) if settled else None,
        "net_amount": amount(settled.get("net"), settled_currency) if settled else None,
        "state": _intent_state(found, charge) if is_intent else CHARGE_STATES.get(str(charge.get("status")), "pending"),
        **_method(charge, found), **_risk(charge), **_order(found, charge),
    }  # fmt: skip
    row["failure"] = _failure(found, charge) if row["state"] == "failed" else ""
    return row


def _must_be_known(found: Given) -> str:
    key = key_of(found)
    if not key:
        raise Unmappable("The object has no id.")
    return key


def _intent_state(intent: Given, charge: Given) -> str:
    known = INTENT_STATES.get(str(intent.get("status")))
    if known:
        return known
    tried = charge.get("status") == "failed" or intent.get("last_payment_error")
    return "failed" if tried and intent.get("status") == "requires_payment_method" else "pending"


def _failure(found: Given, charge: Given) -> str:
    error = _inner(found.get("last_payment_error"))
    outcome = _inner(charge.get("outcome"))
    said = error.get("decline_code") or error.get("code") or outcome.get("reason") or charge.get("failure_code")
    return text.clean(str(said or "unknown"), most=80)


def _method(charge: Given, found: Given) -> dict[str, str]:
    error = _inner(_inner(found.get("last_payment_error")).get("payment_method"))
    details = _inner(charge.get("payment_method_details")) or error
    kind = str(details.get("type") or "")
    held = _inner(details.get(kind))
    return {
        "method": text.clean(kind, most=40), "brand": text.clean(str(held.get("brand") or held.get("bank_name") or ""), most=60),
        "last4": text.clean(str(held.get("last4") or ""), most=8),
    }  # fmt: skip


def _risk(charge: Given) -> dict[str, Any]:
    outcome = _inner(charge.get("outcome"))
    level, score = str(outcome.get("risk_level") or ""), outcome.get("risk_score")
    return {
        "risk": level if level in ("normal", "elevated", "highest") else "",
        "risk_score": score if isinstance(score, int) and 0 <= score <= 100 else None,
    }


def _order(found: Given, charge: Given) -> dict[str, str]:
    """Return which order a payment says it is for, and whose it is by the address that the payer gave."""
    notes = {str(name).lower().replace(" ", "_"): str(value) for name, value in {**_inner(charge.get("metadata")), **_inner(found.get("metadata"))}.items()}  # fmt: skip
    number = next((notes[name] for name in NUMBERS if notes.get(name)), "")
    if not number:
        said = NUMBERED.search(str(found.get("description") or charge.get("description") or ""))
        number = said.group(1) if said else ""
    email = (
        found.get("receipt_email") or charge.get("receipt_email") or _inner(charge.get("billing_details")).get("email")
    )
    email = email or notes.get("customer_email")
    return {
        "number": text.clean(number.lstrip("#"), most=100), "email": text.clean(str(email or ""), most=320).lower(),
        "reference": text.clean(next((notes[name] for name in REFERENCES if notes.get(name)), ""), most=200),
    }  # fmt: skip


def refund(found: Given) -> dict[str, Any]:
    """Return a refund as a row; raises Unmappable."""
    currency = currency_of(found)
    return {
        "key": _must_be_known(found), "payment_key": key_of(found.get("payment_intent")) or key_of(found.get("charge")),
        "at": moment(found.get("created")), "state": REFUND_STATES.get(str(found.get("status")), "pending"), "currency": currency,
        "amount": abs(amount(found.get("amount"), currency)), "reason": text.clean(str(found.get("reason") or ""), most=200),
        "failure": text.clean(str(found.get("failure_reason") or ""), most=200),
    }  # fmt: skip


def dispute(found: Given) -> dict[str, Any]:
    """Return a dispute as a row; raises Unmappable."""
    currency, status = currency_of(found), str(found.get("status"))
    due = _inner(found.get("evidence_details")).get("due_by")
    return {
        "key": _must_be_known(found), "payment_key": key_of(found.get("payment_intent")) or key_of(found.get("charge")),
        "opened_at": moment(found.get("created")), "due_at": moment(due) if due else None,
        "state": DISPUTE_STATES.get(status, "under_review"), "inquiry": status.startswith("warning"), "currency": currency,
        "amount": abs(amount(found.get("amount"), currency)), "reason": text.clean(str(found.get("reason") or ""), most=80),
    }  # fmt: skip


def payout(found: Given) -> dict[str, Any]:
    """Return a payout as a row; raises Unmappable."""
    currency = currency_of(found)
    arrives = found.get("arrival_date")
    return {
        "key": _must_be_known(found), "made_at": moment(found.get("created")), "currency": currency,
        "arrives_on": _day(arrives) if arrives else None, "state": PAYOUT_STATES.get(str(found.get("status")), "pending"),
        "amount": amount(found.get("amount"), currency), "automatic": bool(found.get("automatic", True)),
        "failure": text.clean(str(found.get("failure_code") or ""), most=80),
    }  # fmt: skip


def _day(seconds: Any) -> date:
    return moment(seconds).date()


def line(found: Given) -> dict[str, Any]:
    """Return a movement of the balance as a part of a payout; raises Unmappable."""
    currency = currency_of(found)
    kind = LINE_KINDS.get(str(found.get("type")), "other")
    if str(found.get("reporting_category") or "").startswith("dispute") or key_of(found.get("source")).startswith(
        ("dp_", "du_")
    ):
        kind = "dispute"
    elif found.get("reporting_category") == "fee":
        kind = "fee"
    return {
        "key": _must_be_known(found), "kind": kind, "at": moment(found.get("created")), "amount": amount(found.get("amount"), currency),
        "fee_amount": amount(found.get("fee") or 0, currency), "net_amount": amount(found.get("net"), currency),
        "source": key_of(found.get("source")),
    }  # fmt: skip
