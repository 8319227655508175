"""Tells Regulars of a product, a customer and an order. Python 3.8 or newer, nothing to install.

REGULARS_ADDRESS=https://crm.example.com/hooks/generic/... REGULARS_SECRET=... python3 tell_regulars.py
"""

import base64
import hashlib
import hmac
import json
import os
import time
import urllib.request
import uuid


# fmt: off
def tell(kind, data, address=os.environ["REGULARS_ADDRESS"], secret=os.environ["REGULARS_SECRET"]):
    """Send one message and return the answer; raises HTTPError with what is wrong. Try again later with the same `id`."""
    body = json.dumps({"type": kind, "data": data}).encode()
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    id, now = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
    digest = hmac.new(key, f"{id}.{now}.".encode() + body, hashlib.sha256).digest()
    headers = {"content-type": "application/json", "webhook-id": id, "webhook-timestamp": now,
               "webhook-signature": "v1," + base64.b64encode(digest).decode()}
    with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=30) as answer:
        return json.load(answer)


if __name__ == "__main__":
    print(tell("product.updated", {
        "external_id": "tea-12", "sku": "GT-100", "name": "Green tea", "url": "https://shop.example.com/tea-12", "price": "12.50",
        "currency": "EUR", "categories": ["Tea"], "stock": 40, "active": True, "updated_at": "2026-03-04T11:30:00Z"}))
    customer = {"external_id": "cust-77", "email": "ann@example.com", "first_name": "Ann", "last_name": "Lee"}
    print(tell("customer.updated", {**customer, "country": "DE", "updated_at": "2026-03-04T11:30:00Z"}))
    print(tell("order.updated", {
        "external_id": "order-9", "number": "2026-0009", "placed_at": "2026-03-04T11:30:00Z", "updated_at": "2026-03-04T11:31:00Z",
        "status": "paid", "currency": "EUR", "customer": customer, "total": "28.90", "shipping": "3.90",
        "lines": [{"position": 1, "product": "tea-12", "name": "Green tea", "quantity": 2, "unit_price": "12.50"}]}))
