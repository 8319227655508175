"""A little shop for tests: two families of products that are looked at and bought among themselves."""

from __future__ import annotations

from datetime import timedelta

import orjson

from saas.catalog import products
from saas.commerce import orders
from saas.commerce.models import ShopEvent
from saas.kit import clock, identifiers, scope, valkey, work
from saas.kit.db import db

TEAS = [f"tea-{number}" for number in range(1, 7)]
CUPS = [f"cup-{number}" for number in range(1, 7)]


def product(key: str, **fields) -> dict:
    return {
        "external_id": key, "name": key.replace("-", " ").title(), "url": f"https://shop.example/{key}", "price": "12.50",
        "image_url": f"https://shop.example/{key}.jpg", "currency": "EUR", "categories": [key.split("-")[0].title()], "stock": 10,
        **fields,
    }  # fmt: skip


def order(number: int, keys: list[str], *, customer: int | None = None, days_ago: float = 5, **fields) -> dict:
    who = (
        {"customer": {"external_id": f"c{customer}", "email": f"c{customer}@shop.example"}}
        if customer is not None
        else {}
    )
    lines = [
        {"position": place, "product": key, "quantity": 1, "unit_price": "12.50"} for place, key in enumerate(keys)
    ]
    return {
        "external_id": f"o{number}",
        "placed_at": clock.now() - timedelta(days=days_ago),
        "currency": "EUR",
        "lines": lines,
        **who,
        **fields,
    }


def fill(company, *, visits: int = 40, baskets: int = 30, stock: dict | None = None) -> None:
    """Products, visits within one family, and orders of two of one family; committed."""
    with work.unit(tenant_id=company.tenant_id):
        products.upsert_many(
            [product(key, **({"stock": stock[key]} if key in (stock or {}) else {})) for key in TEAS + CUPS]
        )
    with work.unit(tenant_id=company.tenant_id):
        for number in range(visits):
            family = TEAS if number % 2 else CUPS
            look(
                f"visitor-{number:024d}",
                [family[number // 2 % 6], family[(number // 2 + 1) % 6]],
                minutes_ago=3000 + 50 * number,
            )
        orders.record_many([
            order(number, [(TEAS if number % 2 else CUPS)[number // 2 % 6], (TEAS if number % 2 else CUPS)[(number // 2 + 1) % 6]],
                  customer=number % 15, days_ago=40 + number)
            for number in range(baskets)
        ])  # fmt: skip


def look(visitor: str, keys: list[str], *, minutes_ago: float = 60) -> None:
    """Store views as the collector does, in the open unit of work."""
    for place, key in enumerate(keys):
        at = clock.now() - timedelta(minutes=minutes_ago - place)
        event_id = identifiers.at(at, str(scope.tenant_id()), visitor, key)
        db.session.add(ShopEvent(id=event_id, visitor=visitor, type="product_viewed", at=at, product=key))
    db.session.flush()


def tell(visitor: str, kind: str, offer: str, *, at=None) -> None:
    """Store what the widget tells of an offer, in the open unit of work."""
    at = at or clock.now()
    event_id = identifiers.at(at, str(scope.tenant_id()), visitor, kind, offer)
    db.session.add(ShopEvent(id=event_id, visitor=visitor, type=kind, at=at, details={"offer": offer}))
    db.session.flush()


def live(company, visitor: str, keys: list[str], *, cart: list[str] = (), customer=None, proven: bool = False) -> None:
    """Put a live session into Valkey, as the contract of commerce.live says."""
    items = [[key, int(clock.now().timestamp() * 1000) + place] for place, key in enumerate(keys)]
    session = {"items": items, "cart": list(cart), "customer": str(customer) if customer else None, "proven": proven}
    valkey.client().set(f"live:{company.tenant_id}:{visitor}", orjson.dumps(session), ex=1800)
