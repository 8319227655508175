"""Messages to copy that a shop of one's own could send: signed where they are pasted, so that they work at any time."""

from __future__ import annotations

import json
from typing import Any

from saas.commerce.connectors import generic

BODIES: dict[str, dict[str, Any]] = {
    "product": {
        "external_id": "tea-12", "sku": "GT-100", "name": "Green tea", "url": "https://shop.example.com/tea-12", "price": "12.50",
        "currency": "EUR", "categories": ["Tea"], "stock": 40, "active": True,
    },
    "customer": {
        "external_id": "cust-77", "email": "ann@example.com", "first_name": "Ann", "last_name": "Lee", "country": "DE",
        "consent": {"email": "unknown"},
    },
    "order": {
        "external_id": "order-9", "number": "2026-0009", "placed_at": "2026-03-04T11:30:00Z", "status": "paid", "currency": "EUR",
        "customer": {"external_id": "cust-77", "email": "ann@example.com"},
        "lines": [{"position": 1, "product": "tea-12", "sku": "GT-100", "name": "Green tea", "quantity": 2, "unit_price": "12.50"}],
        "total": "25.00",
    },
}  # fmt: skip


def command(address: str, secret: str, message: dict[str, Any]) -> str:
    """Return a command for a shell that signs a message and sends it; needs openssl and curl."""
    body, key = json.dumps(message), generic.key_of(secret).hex()
    return "\n".join([
        f"body='{body}'",
        'now=$(date +%s); id="msg_$now$$"',
        f"signature=$(printf '%s' \"$id.$now.$body\" | openssl dgst -sha256 -mac HMAC -macopt hexkey:{key} -binary | base64)",
        f"curl -sS '{address}' -H 'content-type: application/json' \\",
        '  -H "webhook-id: $id" -H "webhook-timestamp: $now" -H "webhook-signature: v1,$signature" --data-binary "$body"',
    ])  # fmt: skip


def test_message(address: str, secret: str) -> str:
    """Return the command that sends a message which changes nothing."""
    return command(address, secret, {"type": "ping", "data": {}})


def generic_message(kind: str, shop: Any) -> str:
    """Return the body of a message about a product, a customer or an order, to be sent by the shop's own program."""
    data = BODIES[kind] | ({"currency": shop.currency} if shop.currency and kind != "customer" else {})
    return json.dumps({"type": f"{kind}.updated", "data": data}, indent=2, ensure_ascii=False)
