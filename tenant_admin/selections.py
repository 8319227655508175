"""Which products or orders an address or a form means, read the same way for their list, for bulk actions and for files."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import g

from saas.customers import profiles
from saas.kit import access, scope, search

STATES = ("pending", "paid", "fulfilled", "cancelled", "refunded", "failed")
MOST = 20
SHOWN = {
    "on_sale": {"active": True}, "off_sale": {"active": False}, "sold_out": {"sold_out": True}, "reduced": {"active": True, "reduced": True},
    "no_picture": {"active": True, "pictured": False},
}  # fmt: skip
KEPT = {
    "customer": ("view", "where", "q"),
    "product": ("view", "where", "show", "category", "q"),
    "order": ("view", "where", "status", "q", "since", "until", "customer"),
}
"""What of a list's address tells which records it shows."""


def products(given: Any) -> dict[str, Any]:
    """Return what a list of products asks, as `selecting` takes it; what was typed finds a hundred at most."""
    show = given.get("show", "on_sale")
    asked: dict[str, Any] = {name: value for name, value in SHOWN.get(show, {}).items() if _readable("product", name)}
    if given.get("category") and _readable("product", "categories"):
        asked["category"] = given["category"][:120]
    typed = given.get("q", "").strip()
    if typed:
        asked["ids"] = [hit.id for hit in search.find(scope.tenant_id(), typed, kinds=["product"], limit=100)]
    return asked | _where(given)


def _readable(kind: str, name: str) -> bool:
    return access.readable(
        kind, {"sold_out": "stock", "reduced": "sale_price", "pictured": "image_url"}.get(name, name)
    )


def orders(given: Any) -> dict[str, Any]:
    """Return what a list of orders asks, as `selecting` takes it. Raises NoSuchCustomer."""
    asked: dict[str, Any] = {}
    if given.get("status") in STATES and _readable("order", "status"):
        asked["status"] = given["status"]
    typed = given.get("q", "").strip()
    if typed and _readable("order", "number"):
        asked["number"] = typed.removeprefix("#")[:100]
    if given.get("customer") and _readable("order", "customer_id"):
        asked["customer_id"] = profiles.one(given["customer"]).id
    if _readable("order", "placed_at"):
        since, until = day(given.get("since")), day(given.get("until"))
        asked |= ({"since": since} if since else {}) | ({"until": until + timedelta(days=1)} if until else {})
    return asked | _where(given)


def _where(given: Any) -> dict[str, Any]:
    texts = [text for text in dict.fromkeys(given.getlist("where")[:MOST]) if text]
    return {"where": texts} if texts else {}


def day(text: str | None) -> datetime | None:
    """Return the beginning of a day in the company's zone, or None when it is none that shops know."""
    try:
        found = datetime.fromisoformat(text or "").date()
    except ValueError:
        return None
    return datetime.combine(found, time(), ZoneInfo(g.member.zone)) if 1970 <= found.year < 2200 else None


def plain(asked: dict[str, Any]) -> dict[str, Any]:
    """Return what is asked as JSON holds it, for long work."""
    return {name: _plain(value) for name, value in asked.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value
