"""What happens with coupons."""

from __future__ import annotations

from saas.kit.events import event


@event
class CodesWanted:
    """Codes wait to be written to their shop, or to be stopped there."""

    shop_id: str


@event
class CouponGiven:
    """Codes of a coupon were given to people; at most 500 an event. `by` is campaign, form, member or program."""

    coupon_id: str
    code_ids: list[str]
    customer_ids: list[str]
    by: str


@event
class CouponMailWanted:
    """Somebody asked for a code by a form, and it is to be brought to them by mail."""

    code_id: str
    language: str


@event
class CouponRedeemed:
    """A code was used in an order; announced once a code and order. The customer is the order's, where it says one."""

    coupon_id: str
    code_id: str
    order_id: str
    customer_id: str | None
