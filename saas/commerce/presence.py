"""Who is on the shop at this moment, for a member on the phone with them: from the live sessions, and nobody else's customers.

Sessions come from Valkey. The names of customers and products are looked up for those that are shown, in two queries, behind
the wall that shows a member their own customers only: a session of a customer one does not see is left out whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from saas.catalog import products
from saas.commerce import live
from saas.customers import finding, joins, profiles
from saas.kit import access, money, scope

CART = frozenset({"cart_amount", "cart_at"})


@dataclass(frozen=True)
class Present:
    """A browser on the site: whose it is where that is known, what it shows, and its cart."""

    visitor: str
    customer: Any
    proven: bool
    kind: str
    what: str
    url: str
    since: datetime
    at: datetime
    origin: str
    cart: list[str]
    amount: int | None
    currency: str
    looked: list[str]


def now(*, most: int = live.MOST_HERE) -> tuple[list[Present], int]:
    """Return who is on the site, known customers first, then by their last act; and how many browsers there are in all, of
    which a member who sees some customers only is not told."""
    sessions, count = live.here(scope.tenant_id(), most=most)
    found = _present(sessions)
    found.sort(key=lambda one: (one.customer is None, -one.at.timestamp()))
    return found, count if access.limiting() is None else len(found)


def of(customer_id: UUID | str) -> list[Present]:
    """Return what a customer does on the site at this moment, one entry a browser; raises NoSuchCustomer."""
    customer = profiles.one(customer_id)
    sessions = live.of_browsers(scope.tenant_id(), joins.visitors_of(customer.id))
    return [one for one in _present(sessions) if one.customer is not None and one.customer.id == customer.id]


def _present(sessions: Sequence[tuple[str, dict[str, Any]]]) -> list[Present]:
    shown = [(visitor, held) for visitor, held in sessions if held.get("seen")]
    whose = {held["customer"] for _visitor, held in shown if held.get("customer")}
    people = finding.many([UUID(one) for one in whose]) if whose else {}
    keys = {
        key
        for _visitor, held in shown
        for key in (held["seen"].get("product"), *held["cart"][:5], *(item[0] for item in held["items"][-3:]))
        if key
    }
    names = {key: one.name for key, one in products.by_external(keys).items()} if keys else {}
    found = []
    for visitor, held in shown:
        customer = people.get(UUID(held["customer"])) if held.get("customer") else None
        if customer is None and held.get("customer"):
            continue  # a colleague's, or deleted a moment ago
        found.append(_one(visitor, held, customer, names))
    return found


def _one(visitor: str, held: dict[str, Any], customer: Any, names: dict[str, str]) -> Present:
    seen, hidden = held["seen"], bool(CART & access.hidden("customer"))
    product = seen.get("product", "")
    currency = seen.get("currency", "")
    amount = None
    if not hidden and held["cart"] and seen.get("total") and currency:
        amount = min(money.from_micros(int(seen["total"]), currency), money.MOST)
    return Present(
        visitor=visitor, customer=customer, proven=bool(held.get("proven")), kind=seen.get("kind", "page"),
        what=(names.get(product) or product) if seen.get("kind") == "product" else seen.get("word") or seen.get("title") or seen.get("url") or "",
        url=seen.get("url", ""), since=_moment(seen["since"]), at=_moment(seen["at"]), origin=seen.get("from", ""),
        cart=[] if hidden else [names.get(key, key) for key in held["cart"][:5]], amount=amount, currency=currency,
        looked=[names.get(item[0], item[0]) for item in reversed(held["items"][-3:])],
    )  # fmt: skip


def _moment(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
