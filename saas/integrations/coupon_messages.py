"""What webhooks are told of coupons: the codes that were given, and the orders they were used in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from saas.commerce import coupon_codes, orders
from saas.commerce import coupons as records
from saas.commerce.coupon_models import CouponCode
from saas.integrations import messages
from saas.kit import money


def tell_given(*, coupon_id: str, code_ids: list[str], by: str) -> int:
    """Tell of codes that were given, with the codes while they are few; returns how many messages."""
    data: dict[str, Any] = {"coupon_id": coupon_id, "by": by, "ids": code_ids}
    if len(code_ids) <= messages.FEW:
        found = coupon_codes.many([UUID(one) for one in code_ids])
        data["items"] = [_code(found[key]) for one in code_ids if (key := UUID(one)) in found]
    return messages.tell("coupon.given", data)


def tell_redeemed(*, code_id: str, order_id: str) -> int:
    """Tell of a code that was used in an order; returns how many messages."""
    try:
        code, order = coupon_codes.one(code_id), orders.one(order_id)
        coupon = records.one(code.coupon_id)
    except (coupon_codes.NoSuchCode, orders.NoSuchOrder, records.NoSuchCoupon):
        return 0
    took = next((use for use in coupon_codes.used_of([code.id]).get(code.id, ()) if use.order_id == order.id), None)
    return messages.tell(
        "coupon.redeemed",
        {
            "coupon_id": str(coupon.id), "coupon": coupon.name, **_code(code), "order_id": str(order.id), "order": order.external_id,
            "discount": money.amount_text(took.discount_amount, took.currency) if took else None, "currency": order.currency,
        },
    )  # fmt: skip


def _code(code: CouponCode) -> dict[str, Any]:
    return {
        "code_id": str(code.id), "code": code.code, "customer_id": code.customer_id and str(code.customer_id),
        "given_at": code.given_at and code.given_at.isoformat(), "ends_at": code.ends_at and code.ends_at.isoformat(),
    }  # fmt: skip
