"""What coupons came to: how many codes were made, given and used, what was bought with them, and what that cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, func, select

from saas.commerce.coupon_models import Coupon, CouponCode, CouponUse
from saas.commerce.models import Order
from saas.kit import arrays
from saas.kit.db import db


@dataclass
class Numbers:
    """The figures of a coupon. `money` and `cost` (what the codes took off) are of orders in the coupon's currency."""

    currency: str
    made: int = 0
    ready: int = 0
    waiting: int = 0
    free: int = 0
    given: int = 0
    used: int = 0
    orders: int = 0
    money: int = 0
    cost: int = 0

    @property
    def rate(self) -> float | None:
        """The share of given codes that were used."""
        return self.used / self.given if self.given else None


def of(coupon_ids: Sequence[UUID]) -> dict[UUID, Numbers]:
    """Return the figures of coupons."""
    wanted = list(coupon_ids)
    mine = Coupon.id == arrays.among(wanted)
    found = {
        key: Numbers(currency) for key, currency in db.session.execute(select(Coupon.id, Coupon.currency).where(mine))
    }
    live = CouponCode.state.in_(("waiting", "ready"))
    counts = (
        select(
            CouponCode.coupon_id, func.count(), func.count().filter(CouponCode.state == "ready"),
            func.count().filter(CouponCode.state == "waiting"), func.count().filter(and_(live, CouponCode.given_at.is_(None))),
            func.count().filter(CouponCode.given_at.is_not(None)),
        )
        .where(CouponCode.coupon_id == arrays.among(wanted))
        .group_by(CouponCode.coupon_id)
    )  # fmt: skip
    for key, made, ready, waiting, free, given in db.session.execute(counts):
        one = found[key]
        one.made, one.ready, one.waiting, one.free, one.given = made, ready, waiting, free, given
    same = CouponUse.currency == Coupon.currency
    sums = (
        select(
            CouponUse.coupon_id, func.count(CouponUse.code_id.distinct()), func.count(),
            func.coalesce(func.sum(Order.total_amount).filter(same), 0), func.coalesce(func.sum(CouponUse.discount_amount).filter(same), 0),
        )
        .join(Order, and_(Order.tenant_id == CouponUse.tenant_id, Order.id == CouponUse.order_id))
        .join(Coupon, and_(Coupon.tenant_id == CouponUse.tenant_id, Coupon.id == CouponUse.coupon_id))
        .where(CouponUse.coupon_id == arrays.among(wanted), CouponUse.counted)
        .group_by(CouponUse.coupon_id)
    )  # fmt: skip
    for key, used, orders, money, cost in db.session.execute(sums):
        one = found[key]
        one.used, one.orders, one.money, one.cost = used, orders, int(money), int(cost)
    return found


def by_way(coupon_id: UUID) -> dict[str, tuple[int, int]]:
    """Return by how codes were given (campaign, form, member, program) how many were given and how many of them used."""
    used = select(CouponUse.code_id).where(CouponUse.coupon_id == coupon_id, CouponUse.counted).distinct().subquery()
    query = (
        select(CouponCode.given_by, func.count(), func.count(used.c.code_id))
        .outerjoin(used, used.c.code_id == CouponCode.id)
        .where(CouponCode.coupon_id == coupon_id, CouponCode.given_at.is_not(None))
        .group_by(CouponCode.given_by)
    )
    return {way: (given, was) for way, given, was in db.session.execute(query)}
