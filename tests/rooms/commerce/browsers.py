"""A browser for tests: stores events as the collector does and has them digested."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from saas.commerce import batches, browsing

VISITOR = "visitor-0123456789"
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=3)


def at(minutes: float) -> datetime:
    """A moment some minutes after noon, three days ago."""
    return NOON + timedelta(minutes=minutes)


def viewed(key: str, minutes: float, product: str = "p1", **more: Any) -> dict[str, Any]:
    return {"id": key, "type": "product_viewed", "at": at(minutes).isoformat(), "product": product, **more}


def paged(key: str, minutes: float, **more: Any) -> dict[str, Any]:
    return {"id": key, "type": "page_viewed", "at": at(minutes).isoformat(), **more}


def carted(
    key: str, minutes: float, *items: tuple[str, int, str], cart: str = "c1", kind: str = "cart_updated", **more: Any
) -> dict[str, Any]:
    told = {
        "id": cart,
        "currency": "EUR",
        "items": [{"product": p, "quantity": q, "price": price} for p, q, price in items],
        **more,
    }
    return {"id": key, "type": kind, "at": at(minutes).isoformat(), "cart": told}


def identified(key: str, minutes: float, **identity: str) -> dict[str, Any]:
    return {"id": key, "type": "identified", "at": at(minutes).isoformat(), "identity": identity}


def tell(company, *events: dict[str, Any], visitor: str = VISITOR, shop_id=None, marketing: bool = True) -> None:
    """Store events durably as /collect does; the caller drains the outbox. Every event must be fit to store."""
    for start in range(0, len(events), batches.MOST_EVENTS):
        batch = batches.Batch(
            company.site_key, visitor, True, marketing, list(events[start : start + batches.MOST_EVENTS])
        )
        accepted, refused = browsing.take(batch, tenant_id=company.tenant_id, shop_id=shop_id)
        assert refused == [] and accepted == len(batch.events)
