"""A coupon as a mail or a form shows it: plain words and texts, nothing that could be called."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from saas.commerce import coupons
from saas.commerce.coupon_models import Coupon, CouponCode
from saas.kit import money
from saas.tenancy import tenants

EXAMPLE = {
    "code": "EXAMPLE-7K2MQA", "name": "Example", "kind": "percent", "percent": "10", "amount": None, "currency": "EUR", "least": None,
    "ends_on": None,
}  # fmt: skip
"""What a mail shows while nobody has a code: in a preview, and while it is written."""


def plain(coupon: Coupon, code: CouponCode | None) -> dict[str, Any]:
    """Return what Liquid may read of somebody's coupon; without a code it is an example."""
    prefix = f"{coupon.prefix}-" if coupon.prefix else ""
    return {
        "code": code.code if code else f"{prefix}EXAMPLE", "name": coupon.name, "kind": coupon.kind,
        "percent": coupons.percent_text(coupon), "currency": coupon.currency,
        "amount": money.amount_text(coupon.off_amount, coupon.currency) if coupon.kind == "amount" else None,
        "least": money.amount_text(coupon.least_amount, coupon.currency) if coupon.least_amount else None,
        "ends_on": day(ends) if (ends := code.ends_at if code else coupon.ends_at) else None,
    }  # fmt: skip


def day(moment: datetime) -> str:
    """Return the day of a moment where the company is."""
    try:
        zone = ZoneInfo(tenants.settings().zone)
    except (KeyError, ValueError):
        zone = ZoneInfo("UTC")
    return moment.astimezone(zone).date().isoformat()
