"""What a customer bought, paid, redeemed and thought of it, as conditions ask for it: SQL over the shop's records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, any_, literal, select

from saas.audiences import values
from saas.catalog.models import Product
from saas.commerce import coupon_codes, disputes
from saas.commerce.coupon_models import CouponCode, CouponUse
from saas.commerce.models import COUNTED, Order, OrderLine
from saas.commerce.payment_models import Dispute, Payment
from saas.reviews.models import Review


def bought(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer bought something: anything, a product, or of a category."""
    query = select(Order.customer_id).where(Order.customer_id.is_not(None), Order.status.in_(COUNTED))
    if condition.get("product") or condition.get("category"):
        query = query.join(
            OrderLine, (OrderLine.tenant_id == Order.tenant_id) & (OrderLine.order_id == Order.id)
        ).where(OrderLine.quantity > 0)
        if condition.get("product"):
            query = query.where(OrderLine.product_key == str(condition["product"]))
        if condition.get("category"):
            wanted = select(Product.id).where(literal(str(condition["category"])) == any_(Product.categories))
            query = query.where(OrderLine.product_id.in_(wanted))
    return values.happened(query, Order.placed_at, operator, value)


def payment_failed(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a payment of a customer failed and was not made good."""
    query = select(Payment.customer_id).where(Payment.customer_id.is_not(None), Payment.state == "failed")
    return values.happened(query, Payment.at, operator, value)


def open_dispute(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a payment of a customer is disputed and not decided yet."""
    query = select(Dispute.customer_id).where(Dispute.customer_id.is_not(None), Dispute.state.in_(disputes.OPEN))
    return values.said(query, value)


def has_coupon(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer holds a coupon code that they can still use."""
    query = select(CouponCode.customer_id).where(CouponCode.customer_id.is_not(None), coupon_codes.usable())
    return values.said(query, value)


def used_coupon(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
    """Whether a customer bought with a coupon code of ours."""
    query = (
        select(Order.customer_id)
        .join(CouponUse, (CouponUse.tenant_id == Order.tenant_id) & (CouponUse.order_id == Order.id))
        .where(Order.customer_id.is_not(None), CouponUse.counted)
    )
    return values.happened(query, CouponUse.at, operator, value)


def reviewed(*stars: int) -> Callable[[str, Any, dict[str, Any]], ColumnElement[bool]]:
    """Whether a customer gave a product one of so many stars, in a review that they did not take back."""

    def build(operator: str, value: Any, condition: dict[str, Any]) -> ColumnElement[bool]:
        query = select(Review.customer_id).where(
            Review.customer_id.is_not(None), Review.stars.in_(stars), Review.state != "withdrawn"
        )
        return values.happened(query, Review.written_at, operator, value)

    return build
