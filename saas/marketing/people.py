"""What a mail knows of each person it goes to: plain dicts for Liquid, loaded for a hundred people at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from saas.catalog import products
from saas.commerce import coupon_shown, shops
from saas.commerce.models import Cart
from saas.customers.models import Customer, Facts
from saas.kit import access, clock, money, text
from saas.kit.db import db
from saas.kit.records import Field
from saas.recommend import offers as recommended
from saas.recommend.trial_parts import Part
from saas.tenancy import custom_values, tenants

MOST_OFFERS = 12
SAMPLE = {
    "customer": {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "orders_count": 3,
        "spent": "128.50",
        "currency": "EUR",
        "tags": [],
        "custom": {},
    },
    "offers": [],
    "cart": None,
    "campaign": {"name": "Sample"},
    "coupon": coupon_shown.EXAMPLE,
}
"""Somebody who does not exist, for trying a design before there are customers."""


def company() -> dict[str, Any]:
    """Return what is the same for everybody: the company, its shop, and the day."""
    settings, tenant = tenants.settings(), tenants.current()
    url = next((shop.url for shop in shops.all_shops() if shop.url), None)
    today = clock.now().astimezone(_zone(settings.zone))
    return {
        "company": {
            "name": tenant.name,
            "address": settings.address or None,
            "url": url,
            "sender_name": settings.sender_name or None,
            "email": settings.sender_email or None,
            "color": None,
        },
        "shop": {"url": url, "name": tenant.name},
        "now": today.isoformat(timespec="seconds"),
        "today": today.date().isoformat(),
    }


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError):
        return ZoneInfo("UTC")


def load(
    customer_ids: Sequence[UUID], *, offers: int = 0, carts: bool = True, language: str = "en", parts: Mapping[UUID, Part] | None = None
) -> dict[UUID, dict[str, Any]]:  # fmt: skip
    """Return, by customer, what a mail may say of them; those who are gone are left out. `offers`: how many each may
    get, their reasons in the customer's language, or in `language` (the mail's) where that is not known; `parts` are those of a
    trial of offers that the mail is written in.
    """
    query = (
        select(
            Customer.id,
            Customer.first_name,
            Customer.last_name,
            Customer.email,
            Customer.company,
            Customer.language,
            Customer.country,
            Customer.city,
            Customer.postcode,
            Customer.tags,
            Customer.custom,
            Facts.orders_count,
            Facts.spent_amount,
            Facts.currency,
            Facts.first_order_at,
            Facts.last_order_at,
            Facts.visits_count,
        )
        .outerjoin(Facts, (Facts.tenant_id == Customer.tenant_id) & (Facts.id == Customer.id))
        .where(Customer.id.in_(customer_ids))
    )
    own = [field for field in custom_values.own_fields("customer") if field.formula is None]
    rows = db.session.execute(query).all()
    found = {row.id: {"customer": _person(row, own)} for row in rows}
    left = _carts(found) if carts else {}
    wishes = {row.id: row.language for row in rows if row.language}
    most = min(offers, MOST_OFFERS)
    chosen = (
        recommended.for_mail(list(found), limit=most, languages=wishes, language=language, parts=parts)
        if offers
        else {}
    )
    for customer_id, data in found.items():
        data["cart"] = left.get(customer_id)
        data["offers"] = chosen.get(customer_id, [])[: min(offers, MOST_OFFERS)]
    return found


def _person(row: Any, own: Sequence[Field]) -> dict[str, Any]:
    name = text.full_name(row.first_name or "", row.last_name or "")
    plain = ("first_name", "last_name", "company", "language", "country", "city", "postcode")
    currency = row.currency or ""
    found = {
        **{key: getattr(row, key) or None for key in plain},
        "name": name or None,
        "email": row.email or None,
        "tags": list(row.tags or ()),
        "custom": {field.key: field.write(field.kept(row.custom.get(field.key))) or None for field in own},
        "orders_count": row.orders_count or 0,
        "visits_count": row.visits_count or 0,
        "currency": currency or None,
        "spent": money.amount_text(row.spent_amount or 0, currency) if currency else "0.00",
        "first_order_on": _day(row.first_order_at),
        "last_order_on": _day(row.last_order_at),
    }
    # A preview must not tell its reader more than the customer's own page does.
    barred = access.hidden("customer")
    return found | {name: None for name in found if barred & set(BEHIND.get(name, (name,)))}


BEHIND = {
    "name": ("first_name", "last_name"), "spent": ("spent_amount",), "first_order_on": ("first_order_at",), "last_order_on": ("last_order_at",),
}  # fmt: skip


def _day(moment: datetime | None) -> str | None:
    return moment.date().isoformat() if moment else None


def _carts(customer_ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """The newest open cart of each customer, with the names and pictures of what lies in it."""
    query = (
        select(Cart.customer_id, Cart.url, Cart.currency, Cart.items)
        .where(Cart.customer_id.in_(list(customer_ids)), Cart.closed_at.is_(None))
        .ext(distinct_on(Cart.customer_id))
        .order_by(Cart.customer_id, Cart.changed_at.desc())
    )
    rows = [row for row in db.session.execute(query) if row.items]
    known = products.by_external({str(item.get("product")) for row in rows for item in row.items})
    return {
        row.customer_id: {
            "url": row.url or None,
            "currency": row.currency or None,
            "items": [_item(item, known.get(str(item.get("product")))) for item in row.items],
        }
        for row in rows
    }


def _item(item: dict[str, Any], product: Any | None) -> dict[str, Any]:
    price = item.get("price")
    if price is None and product is not None and product.price_micros is not None:
        price = money.micros_text(product.price_micros)
    return {
        "name": product.name if product else str(item.get("product") or ""),
        "quantity": int(item.get("quantity") or 1),
        "price": str(Decimal(price)) if price is not None else None,
        "image_url": (product.picture or None) if product else None,
        "url": (product.url or None) if product else None,
    }
