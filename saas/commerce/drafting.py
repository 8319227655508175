"""An order as it is sent, as columns: what cannot be an order is refused here with a sentence.

Real shops are taken as they are: a negative quantity is a return line, a price of zero or less is taken and flagged, and two
equal lines are two lines, for lines are known by their position.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from saas.commerce.models import BACK_STATES, ORDER_STATES, PARCEL_STATES
from saas.kit import clock, money, text, versions
from saas.tenancy import custom_values

MOST_LINES = 2000
MOST_OF_A_KIND = 500
LARGEST, LAST_PLACE = 2**63 - 1, 2**31 - 1
SUMS = ("shipping", "tax", "discount", "fee", "tip", "gift_card")
"""Sums of an order in its currency; each is a column that ends in _amount."""
SHARES = {
    "discounts": ("code", "title", "amount"), "taxes": ("title", "rate", "amount"), "shipping_lines": ("title", "amount"),
    "fees": ("title", "amount"),
}  # fmt: skip
"""What those sums consist of, one by one."""


class BadItem(ValueError):
    """An item cannot be an order; the sentence says why."""


@dataclass
class Draft:
    """An item as columns: the order's, its lines', what else hangs on it, and the customer it names."""

    index: int
    row: dict[str, Any]
    lines: list[dict[str, Any]]
    customer: dict[str, Any] | None
    at: datetime
    own: custom_values.Values
    refunds: list[dict[str, Any]] = field(default_factory=list)
    fulfilments: list[dict[str, Any]] = field(default_factory=list)
    returns: list[dict[str, Any]] = field(default_factory=list)


def drafted(item: dict[str, Any], index: int, own: custom_values.Values | None = None) -> Draft:
    """Return an item of the API's shape as columns; raises BadItem with a sentence."""
    key = text.clean(str(item.get("external_id") or ""), most=200)
    if not key:
        raise BadItem("An order needs an external_id.")
    currency = currency_of(item.get("currency"), "An order needs a currency of three letters, such as EUR.")
    placed = item.get("placed_at")
    if placed is None:
        raise BadItem("An order needs placed_at.")
    at = item.get("updated_at") or placed
    for name, moment in (("placed_at", placed), ("updated_at", at), ("cancelled_at", item.get("cancelled_at"))):
        likely(name, moment)
    status = item.get("status") or "paid"
    if status not in ORDER_STATES:
        raise BadItem(f"The status must be one of {', '.join(ORDER_STATES)}.")
    if len(item.get("lines") or ()) > MOST_LINES:
        raise BadItem(f"An order has at most {MOST_LINES} lines.")
    try:
        return _draft(item, index, key, currency, placed, status, at, own or {})
    except money.NotMoney as error:
        raise BadItem(str(error)) from None


def currency_of(said: Any, sentence: str) -> str:
    """Return a currency's three letters; raises BadItem with the sentence."""
    found = text.clean(str(said or "")).upper()
    if len(found) != 3 or not found.isascii() or not found.isalpha():
        raise BadItem(sentence)
    return found


def likely(name: str, moment: datetime | None) -> None:
    """Raise BadItem when nothing can have happened to an order then."""
    if moment is not None and not clock.likely(moment):
        raise BadItem(f"{name} cannot be right: {moment.isoformat()}.")


def _draft(
    item: dict[str, Any], index: int, key: str, currency: str, placed: datetime, status: str, at: datetime,
    own: custom_values.Values,
) -> Draft:  # fmt: skip
    lines = [_line(line, place) for place, line in enumerate(item.get("lines") or ())]
    positions = [line["position"] for line in lines]
    if len(set(positions)) != len(positions):
        raise BadItem("Two lines have the same position.")
    sums = {name: money.parse_amount(item.get(name) or 0, currency) for name in SUMS}
    included = item.get("taxes_included")
    micros = sum(line["line_micros"] for line in lines)
    if item.get("total") is not None:
        total = money.parse_amount(item["total"], currency)
    else:
        beside = sums["shipping"] + sums["fee"] + sums["tip"] + (0 if included else sums["tax"]) - sums["discount"]
        total = money.from_micros(micros, currency) + beside
    customer = item.get("customer") or None
    row = {
        "external_id": key, "number": text.clean(str(item.get("number") or key), most=100), "status": status, "currency": currency,
        "placed_at": placed, "visitor": text.clean(item.get("visitor"), most=64), "cart_id": text.clean(item.get("cart_id"), most=200),
        "lines_micros": micros, **{f"{name}_amount": amount for name, amount in sums.items()}, "taxes_included": included,
        **_counts(lines), "total_amount": total, "country": text.clean(item.get("country") or (customer or {}).get("country"), most=60),
        **_presentment(item, currency), "cancelled_at": item.get("cancelled_at") if status == "cancelled" else None,
        "cancel_reason": text.clean(item.get("cancel_reason"), most=500) if status == "cancelled" else "",
        "details": {name: shares for name in SHARES if (shares := _shares(name, item.get(name) or (), currency))},
    }  # fmt: skip
    for name in ("lines_micros", "total_amount", "presentment_amount"):
        if abs(row[name]) > LARGEST:
            raise BadItem("The order comes to more than can be counted.")
    told = [custom_values.plainly(own)] if own else []
    content = orjson.dumps([row, lines, customer, *told], default=str, option=orjson.OPT_SORT_KEYS)
    # Of two messages of one moment the one that says more is taken: a store's past tells less of an order than its delivery.
    says = sum(bool(value) for part in (row, *lines) for value in part.values())
    row["version"] = f"{versions.stamp(at)}:{says:06d}:{hashlib.blake2b(content, digest_size=12).hexdigest()}"
    return Draft(
        index, row, lines, customer, at, own, refunds=[refund(one, at) for one in _some(item, "refunds")],
        fulfilments=[fulfilment(one, at) for one in _some(item, "fulfilments")], returns=[a_return(one, at) for one in _some(item, "returns")],
    )  # fmt: skip


def _some(item: dict[str, Any], name: str) -> Sequence[dict[str, Any]]:
    found = item.get(name) or ()
    if len(found) > MOST_OF_A_KIND:
        raise BadItem(f"An order has at most {MOST_OF_A_KIND} {name}.")
    return found


def _presentment(item: dict[str, Any], currency: str) -> dict[str, Any]:
    """What the buyer saw and paid, where that is another currency than the shop's."""
    said = item.get("presentment_currency")
    if not said:
        return {"presentment_currency": "", "presentment_amount": 0}
    seen = currency_of(said, "presentment_currency must be three letters, such as EUR.")
    if seen == currency:
        return {"presentment_currency": "", "presentment_amount": 0}
    return {
        "presentment_currency": seen,
        "presentment_amount": money.parse_amount(item.get("presentment_total") or 0, seen),
    }


def _shares(name: str, given: Sequence[Mapping[str, Any]], currency: str) -> list[dict[str, str]]:
    """Return discounts, taxes, shipping lines or fees as texts; amounts in the currency's own decimals."""
    found = []
    for one in given[:MOST_OF_A_KIND]:
        share = {part: text.clean(str(one.get(part) or ""), most=200) for part in SHARES[name] if part != "amount"}
        share["amount"] = money.amount_text(money.parse_amount(one.get("amount") or 0, currency), currency)
        found.append({part: value for part, value in share.items() if value})
    return found


def _counts(lines: list[dict[str, Any]]) -> dict[str, int]:
    """What reports want to know of an order's lines without reading them."""
    sold = [line["line_micros"] for line in lines if line["quantity"] > 0 and line["unit_micros"] > 0]
    return {"lines_count": len(lines), "sold_count": len(sold), "sold_micros": sum(sold)}


def _line(line: dict[str, Any], place: int) -> dict[str, Any]:
    unit, quantity = _micros(line.get("unit_price")), int(line.get("quantity", 1))
    position = int(line["position"]) if line.get("position") is not None else place
    if abs(position) > LAST_PLACE:
        raise BadItem("A line's position is out of range.")
    if abs(quantity) > 10**9:
        raise BadItem("A line's quantity is out of range.")
    if abs(quantity * unit) > LARGEST:
        raise BadItem("A line comes to more than can be counted.")
    flags = []
    if quantity < 0:
        flags.append("return")
    if unit <= 0:
        flags.append("free" if unit == 0 else "negative_price")
    return {
        "position": position,
        "product_key": text.clean(str(line.get("product") or ""), most=200),
        "variant_key": text.clean(str(line.get("variant") or ""), most=200), "sku": text.clean(line.get("sku"), most=120),
        "name": text.clean(line.get("name"), most=500), "quantity": quantity, "unit_micros": unit, "line_micros": quantity * unit,
        "key": _key(line.get("external_id")), "discount_micros": _micros(line.get("discount")), "tax_micros": _micros(line.get("tax")),
        "flags": flags,
    }  # fmt: skip


def _micros(said: Any) -> int:
    found = money.parse_micros(said or 0)
    if abs(found) > LARGEST:
        raise BadItem(f"“{str(said)[:40]}” is more than can be counted.")
    return found


def _key(said: Any) -> str:
    return text.clean(str(said) if said is not None else "", most=200)


# What hangs on an order and may come without it. Each says by its version which of two messages about it is the newer one.


def refund(item: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return a refund as columns; `at` is the time of the message, which stands in where the refund has none.

    One that says when it was outweighs one that does not, and one that lists what came back outweighs one that does not: the
    same refund comes short in an order and in full by itself. Of two that only guess, the earlier guess is the better one.
    """
    key = _key(item.get("external_id"))
    if not key:
        raise BadItem("A refund needs an external_id.")
    likely("at", item.get("at"))
    row = {
        "amount_micros": abs(_micros(item.get("amount"))), "at": item.get("at") or at, "reason": text.clean(item.get("reason"), most=500),
        "lines": of_lines(item.get("lines") or ()),
    }  # fmt: skip
    detail = f"{int(item.get('at') is not None)}{int(bool(row['lines']))}"
    when = versions.stamp(at) if item.get("at") else f"{10**19 - int(at.timestamp() * 1_000_000):020d}"
    return {"key": key, **row, "version": f"{detail}:{when}:{_digest(row)}"}


def fulfilment(item: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return a fulfilment as columns; raises BadItem."""
    key = _key(item.get("external_id"))
    if not key:
        raise BadItem("A fulfilment needs an external_id.")
    state = item.get("state") or "sent"
    if state not in PARCEL_STATES:
        raise BadItem(f"The state of a fulfilment must be one of {', '.join(PARCEL_STATES)}.")
    for name in ("shipped_at", "delivered_at", "updated_at"):
        likely(name, item.get(name))
    link = text.clean(item.get("tracking_url"), most=1000)
    row = {
        "state": state, "carrier": text.clean(item.get("carrier"), most=120), "tracking_number": text.clean(item.get("tracking_number"), most=200),
        "tracking_url": link if link.startswith(("https://", "http://")) else "", "lines": of_lines(item.get("lines") or ()),
        "shipped_at": item.get("shipped_at"), "delivered_at": item.get("delivered_at") if state == "delivered" else None,
    }  # fmt: skip
    return {"key": key, **row, "version": f"{versions.stamp(item.get('updated_at') or at)}:{_digest(row)}"}


def a_return(item: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Return goods on their way back as columns; raises BadItem."""
    key = _key(item.get("external_id"))
    if not key:
        raise BadItem("A return needs an external_id.")
    state = item.get("state") or "open"
    if state not in BACK_STATES:
        raise BadItem(f"The state of a return must be one of {', '.join(BACK_STATES)}.")
    for name in ("at", "updated_at"):
        likely(name, item.get(name))
    row = {
        "state": state, "reason": text.clean(item.get("reason"), most=500), "lines": of_lines(item.get("lines") or ()),
        "at": item.get("at"),
    }  # fmt: skip
    # Where no time says which is the newer, a state that comes later in a return's life does.
    said = item.get("updated_at")
    when = versions.stamp(said) if said else f"{BACK_STATES.index(state):020d}"
    return {"key": key, **row, "version": f"{when}:{_digest(row)}"}


def of_lines(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return which lines of an order something is about: `line` is the line's id in the shop, or its position."""
    found = []
    for one in given[:MOST_LINES]:
        share: dict[str, Any] = {"line": _key(one.get("line")), "quantity": int(one.get("quantity") or 0)}
        if one.get("amount") is not None:
            share["amount"] = money.micros_text(_micros(one["amount"]))
        if one.get("restock") is not None:
            share["restock"] = bool(one["restock"])
        if one.get("reason"):
            share["reason"] = text.clean(str(one["reason"]), most=200)
        found.append(share)
    return found


def _digest(row: dict[str, Any]) -> str:
    content = orjson.dumps(row, default=str, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(content, digest_size=9).hexdigest()
