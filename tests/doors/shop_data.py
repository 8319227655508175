"""A small shop's past for the page tests: products, customers, orders with oddities, through the API as a shop would send them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"


def days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days, hours=1)).isoformat()


def send(company, kind: str, *items: dict[str, Any]) -> list[str]:
    """Send items in bulk and return their ids; every one must be taken."""
    answer = company.api("POST", f"/{kind}/bulk", json={"items": list(items)})
    assert answer.status_code == 200, answer.json
    assert [item for item in answer.json["items"] if item["status"] == "failed"] == []
    return [item["id"] for item in answer.json["items"]]


def product(number: int, **more: Any) -> dict[str, Any]:
    return {"external_id": f"p{number}", "sku": f"SKU-{number}", "name": f"Pot {number}", "price": "12.50", "currency": "EUR",
            "categories": ["Pots"], "stock": 5, "url": f"https://shop.example/p{number}", **more}  # fmt: skip


def order(
    count: int, email: str | None, *, days: int = 3, lines: list[dict] | None = None, **more: Any
) -> dict[str, Any]:
    return {"external_id": f"o{count}", "number": f"FK-{count}", "placed_at": days_ago(days), "currency": "EUR",
            "customer": {"email": email} if email else None,
            "lines": lines or [{"product": "p1", "sku": "SKU-1", "name": "Pot 1", "quantity": 2, "unit_price": "12.50"}], **more}  # fmt: skip


def crowd(count: int) -> list[dict[str, Any]]:
    return [
        {"email": f"c{n}@shop.example", "first_name": "Ada", "last_name": f"Number{n:04}", "country": "DE" if n % 2 else "AT",
         "consent": {"email": "granted" if n % 3 else "unknown"}}
        for n in range(count)
    ]  # fmt: skip


def indexed(company) -> None:
    """Bring the search index up to date."""
    from saas.kit import scope
    from workers.jobs import search

    with company.app.app_context(), scope.tenant(company.tenant_id):
        search.write()
