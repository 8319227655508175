"""What happened to an order after it was placed, told line by line: what the shop changed, what was sent, what came back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _

from saas.commerce import order_history
from saas.kit import access, money
from tenant_admin import formats
from tenant_admin.states import describe

SUMS = {
    "total_amount": lambda before, after: _("The total went from %(before)s to %(after)s", before=before, after=after),
    "shipping_amount": lambda before, after: _("Shipping went from %(before)s to %(after)s", before=before, after=after),
    "tax_amount": lambda before, after: _("Tax went from %(before)s to %(after)s", before=before, after=after),
    "discount_amount": lambda before, after: _("The discount went from %(before)s to %(after)s", before=before, after=after),
}  # fmt: skip
FIELDS = {name: name.removesuffix("_amount") for name in SUMS}


class Lines:
    """The lines of an order by what the shop calls them: the id of the line, else its position."""

    def __init__(self, lines: Sequence[Any]) -> None:
        self.names = {str(line.position): line.name or line.sku for line in lines}
        self.names |= {line.key: line.name or line.sku for line in lines if line.key}

    def told(self, shares: Sequence[dict[str, Any]]) -> list[str]:
        """Return a sentence for each share of lines, such as 2 × Green tea."""
        if "lines_count" in access.hidden("order"):
            return []
        found = []
        for share in shares:
            name = self.names.get(str(share.get("line"))) or _("Something that is not in the order any more")
            pieces = share.get("quantity")
            sentence = f"{formats.number(pieces)} × {name}" if pieces else name
            notes = [
                note for note in (share.get("reason"), _("back in stock") if share.get("restock") else None) if note
            ]
            found.append(f"{sentence} ({', '.join(notes)})" if notes else sentence)
        return found


def parcels(fulfilments: Sequence[Any], lines: Lines) -> list[dict[str, Any]]:
    """Return the parcels of an order as plain values."""
    if "status" in access.hidden("order"):
        return []
    return [
        {
            "state": one.state, "label": describe(one.state), "carrier": one.carrier, "number": one.tracking_number, "url": one.tracking_url,
            "shipped_at": one.shipped_at, "delivered_at": one.delivered_at, "things": lines.told(one.lines),
        }
        for one in fulfilments
    ]  # fmt: skip


def sent_back(returns: Sequence[Any], lines: Lines) -> list[dict[str, Any]]:
    """Return what is on its way back as plain values."""
    if "status" in access.hidden("order"):
        return []
    return [
        {"label": describe(one.state), "reason": one.reason, "at": one.at, "things": lines.told(one.lines)}
        for one in returns
    ]


def refunds(given: Sequence[Any], lines: Lines) -> list[dict[str, Any]]:
    """Return what was paid back as plain values."""
    if "refunded" in access.hidden("order"):
        return []
    return [
        {"amount": one.amount_micros, "at": one.at, "reason": one.reason, "things": lines.told(one.lines)}
        for one in given
    ]


def story(order: Any, lines: Sequence[Any], beside: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Return what happened, oldest first, as {"at", "icon", "sentence", "notes"}; what may not be seen is not told."""
    hidden, names = access.hidden("order"), Lines(lines)
    found = [] if "placed_at" in hidden else [_step(order.placed_at, "receipt", _("The order was placed"))]
    for change in order_history.changes(order, lines):
        found += _changed(change, order.currency, hidden)
    if "status" not in hidden:
        for parcel in beside["fulfilments"]:
            found += _sent(parcel, names)
        for one in beside["returns"]:
            if one.at:
                found.append(
                    _step(one.at, "arrow-back-up", _("Something is sent back"), [one.reason, *names.told(one.lines)])
                )
        if order.cancelled_at:
            found.append(_step(order.cancelled_at, "x", _("The order was cancelled"), [order.cancel_reason]))
    for refund in refunds(beside["refunds"], names):
        sentence = _("%(amount)s was given back", amount=formats.money_micros(refund["amount"], order.currency))
        found.append(_step(refund["at"], "coins", sentence, [refund["reason"], *refund["things"]]))
    return sorted(found, key=lambda step: step["at"]) if len(found) > 1 else []


def _step(at: Any, icon: str, sentence: str, notes: Sequence[str | None] = ()) -> dict[str, Any]:
    return {"at": at, "icon": icon, "sentence": sentence, "notes": [note for note in notes if note]}


def _sent(parcel: Any, names: Lines) -> list[dict[str, Any]]:
    steps = []
    if parcel.shipped_at and parcel.state not in ("pending", "cancelled"):
        by = " ".join(word for word in (parcel.carrier, parcel.tracking_number) if word)
        steps.append(
            _step(parcel.shipped_at, "truck-delivery", _("A parcel was sent"), [by, *names.told(parcel.lines)])
        )
    if parcel.delivered_at:
        steps.append(_step(parcel.delivered_at, "package", _("A parcel was delivered")))
    return steps


def _changed(change: dict[str, Any], currency: str, hidden: Any) -> list[dict[str, Any]]:
    steps, was = [], change["was"]
    if "status" in was and "status" not in hidden:
        before, after = (describe(state)[1] for state in was["status"])
        steps.append(
            _step(
                change["at"],
                "arrow-right",
                _("The state went from %(before)s to %(after)s", before=before, after=after),
            )
        )
    notes = [] if "lines_count" in hidden else [_line(line, currency, "total" in hidden) for line in change["lines"]]
    for name, sentence in SUMS.items():
        if name in was and not hidden & {FIELDS[name], "total"}:
            before, after = (formats.money(amount, currency) for amount in was[name])
            notes.append(sentence(before, after))
    if notes:
        steps.append(_step(change["at"], "edit", _("The order was changed"), notes))
    return steps


def _line(line: dict[str, Any], currency: str, without_money: bool) -> str:
    (old, new), name = line["quantity"], line["name"] or _("Nameless thing")
    if old is None:
        return _("Added: %(pieces)s × %(name)s", pieces=formats.number(new), name=name)
    if new is None:
        return _("Taken out: %(pieces)s × %(name)s", pieces=formats.number(old), name=name)
    if old != new:
        return _(
            "%(name)s: %(after)s pieces instead of %(before)s",
            name=name,
            before=formats.number(old),
            after=formats.number(new),
        )
    if without_money:
        return _("%(name)s has another price", name=name)
    before, after = (formats.money_micros(price, currency) for price in line["unit"])
    return _("%(name)s: %(after)s each instead of %(before)s", name=name, before=before, after=after)


def shares(order: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the discounts, taxes, shipping lines and fees one by one, those that may be seen."""
    hidden = access.hidden("order")
    behind = {"discounts": "discount", "taxes": "tax", "shipping_lines": "shipping", "fees": "total"}
    return {
        name: [
            one | {"amount": formats.money(money.parse_amount(one.get("amount") or 0, order.currency), order.currency)}
            for one in (() if hidden & {field, "total"} else order.details.get(name, ()))
        ]
        for name, field in behind.items()
    }
