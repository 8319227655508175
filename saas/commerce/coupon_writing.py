"""Codes on their way to the shops: written in batches, stopped, and looked for, politely and by one worker after another.

What is to be done stands with the codes, so a worker that dies loses nothing: its claim runs out and the next one asks the
shop again, which finds what it took already. No call is made inside a transaction, and after each the shop has as long to
itself as the call took. What fails is tried again by itself, later each time, with the reason on the coupon's page.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, update

from saas.commerce import connectors, coupon_codes, coupons, shops
from saas.commerce.connectors.past import KeysRefused, StoreBusy
from saas.commerce.connectors.till import Taken, Terms, Till
from saas.commerce.coupon_models import Coupon, CouponCode
from saas.commerce.models import Shop
from saas.commerce.refusal_words import Reason
from saas.kit import clock, errors, money, stopping, work
from saas.kit.db import db

log = logging.getLogger("regulars.shops")
LEASE, BUDGET, LONGEST_REST = timedelta(seconds=120), 30.0, 10.0
FIRST_PAUSE, LONGEST_PAUSE, AFTER_REFUSAL = 15.0, 3600.0, 900.0
LEAST = 5
LOOKED_AT = 100
EVERY = timedelta(hours=20)


@dataclass(frozen=True)
class Task:
    """What is done next at a shop: `act` is write, stop or look, `codes` with the shop's ids as far as known."""

    act: str
    till: Till
    coupon_id: UUID
    terms: Terms
    at_shop: dict[str, Any]
    codes: dict[str, str]
    whole: bool
    mark: datetime


def advance(
    tenant_id: int, shop_id: UUID, *, budget: float = BUDGET, rest: Callable[[float], Any] = stopping.wait
) -> bool:
    """Work for a shop's coupons until nothing is due or the time is over; tells whether more is due now."""
    until = time.monotonic() + budget
    while time.monotonic() < until:
        with work.unit(tenant_id=tenant_id):
            task = _next(shop_id)
        if task is None:
            return False
        began = time.monotonic()
        _do(tenant_id, shop_id, task)
        rest(min(time.monotonic() - began, LONGEST_REST))
    return True


def due() -> list[tuple[int, UUID]]:
    """Return (tenant, shop) that have codes to be written or stopped; for the sweep, in a unit of work over all tenants."""
    waiting = exists().where(
        CouponCode.tenant_id == Coupon.tenant_id, CouponCode.coupon_id == Coupon.id, _to_do(CouponCode)
    )
    query = (
        select(Coupon.tenant_id, Coupon.shop_id)
        .join(Shop, and_(Shop.tenant_id == Coupon.tenant_id, Shop.id == Coupon.shop_id))
        .where(Shop.removed_at.is_(None), Shop.state != shops.PAUSED, _may_begin(), waiting)
        .distinct()
    )
    return [(tenant, shop) for tenant, shop in db.session.execute(query)]


def with_pools() -> list[tuple[int, UUID]]:
    """Return (tenant, shop) whose coupons have pools; once a day they are looked over. In a unit over all tenants."""
    query = select(Coupon.tenant_id, Coupon.shop_id).where(Coupon.state == "active").distinct()
    return [(tenant, shop) for tenant, shop in db.session.execute(query)]


def _to_do(code: type[CouponCode]) -> ColumnElement[bool]:
    return and_(
        code.state.in_(("waiting", "stopping")), or_(code.claimed_until.is_(None), code.claimed_until <= func.now())
    )


def _may_begin() -> ColumnElement[bool]:
    return or_(Coupon.not_before.is_(None), Coupon.not_before <= func.now())


def _next(shop_id: UUID) -> Task | None:
    """Fill the pools, and claim what is to be done next: what is to be stopped before what is to be written."""
    try:
        shop = shops.one(shop_id)
    except shops.NoSuchShop:
        return None
    if shop.state == shops.PAUSED:
        return None
    own = select(Coupon).where(Coupon.shop_id == shop_id, _may_begin()).order_by(Coupon.id)
    held = list(db.session.scalars(own))
    for coupon in held:
        coupon_codes.fill(coupon.id)
        _let_go(coupon)
    for act, state in (("stop", "stopping"), ("write", "waiting")):
        for coupon in held:
            task = _claim(shop, coupon, act, state)
            if task is not None:
                return task
    return next((task for coupon in held if (task := _look(shop, coupon)) is not None), None)


def _let_go(coupon: Coupon) -> None:
    """What is to be stopped and was never told to the shop needs no telling."""
    never = and_(
        CouponCode.coupon_id == coupon.id, CouponCode.state == "stopping", CouponCode.key == "", CouponCode.ready_at.is_(None),
        CouponCode.claimed_until.is_(None),
    )  # fmt: skip
    _set(never, state="stopped")
    if coupons.over(coupon):
        _set(and_(CouponCode.coupon_id == coupon.id, CouponCode.state == "stopping"), state="stopped")


def _claim(shop: Shop, coupon: Coupon, act: str, state: str) -> Task | None:
    mine = and_(CouponCode.coupon_id == coupon.id, CouponCode.state == state, _to_do(CouponCode))
    query = select(CouponCode).where(mine).order_by(CouponCode.given_at.is_(None), CouponCode.id)
    first = db.session.scalars(query.limit(1)).one_or_none()
    if first is None:
        return None
    till = connectors.KINDS[shop.kind].till(shop)
    if till is None:
        _rest(coupon, Reason("coupon_no_keys"), AFTER_REFUSAL)
        return None
    if act == "write" and shop.kind == "woocommerce" and coupon.starts_at and coupon.starts_at > clock.now():
        coupon.not_before = coupon.starts_at
        coupon.trouble = Reason("coupon_not_begun")
        db.session.flush()
        return None
    most = max(LEAST, till.most >> min(coupon.tries, 6))
    same_end = CouponCode.ends_at.is_not_distinct_from(first.ends_at)
    claimed = list(
        db.session.scalars(
            query.where(same_end, _begun_alike(first)).limit(most).with_for_update(skip_locked=True)
        )
    )  # fmt: skip
    if not claimed:
        return None
    mark = db.session.scalar(select(func.now())) + LEASE
    _set(CouponCode.id.in_([code.id for code in claimed]), claimed_until=mark)
    return Task(
        act, till, coupon.id, terms(coupon, first.ends_at), dict(coupon.at_shop), {code.code: code.key for code in claimed},
        coupon.state == "stopped", mark,
    )  # fmt: skip


def _begun_alike(first: CouponCode) -> ColumnElement[bool]:
    """Codes that were asked for before go together again, in the same order: their shop may have taken some of them."""
    return CouponCode.claimed_until.is_(None) if first.claimed_until is None else CouponCode.claimed_until.is_not(None)


def _look(shop: Shop, coupon: Coupon) -> Task | None:
    """Choose the codes that are looked for next, once a day: whether the shop still has them."""
    if coupon.state != "active" or coupons.over(coupon) or shop.kind == "generic":
        return None
    begun = coupon.at_shop.get("looked_to")
    if begun is None and coupon.checked_at is not None and coupon.checked_at > clock.now() - EVERY:
        return None
    till = connectors.KINDS[shop.kind].till(shop)
    if till is None:
        return None
    query = select(CouponCode).where(
        CouponCode.coupon_id == coupon.id, CouponCode.state == "ready", ~coupon_codes.used(),
        or_(CouponCode.ends_at.is_(None), CouponCode.ends_at > clock.now()),
        CouponCode.ready_at < clock.now() - timedelta(hours=1),
    )  # fmt: skip
    if begun:
        query = query.where(CouponCode.id > UUID(begun))
    found = list(db.session.scalars(query.order_by(CouponCode.id).limit(LOOKED_AT)))
    coupon.at_shop = {name: value for name, value in coupon.at_shop.items() if name != "looked_to"}
    if len(found) == LOOKED_AT:
        coupon.at_shop = {**coupon.at_shop, "looked_to": str(found[-1].id)}
    coupon.checked_at = clock.now()
    db.session.flush()
    if not found:
        return None
    return Task(
        "look", till, coupon.id, terms(coupon, None), dict(coupon.at_shop), {code.code: code.key for code in found}, False, clock.now(),
    )  # fmt: skip


def _do(tenant_id: int, shop_id: UUID, task: Task) -> None:
    """Make one call and keep what came of it."""
    try:
        keys = task.till.renewed()
        if keys is not None:
            with work.unit(tenant_id=tenant_id):
                shops.keep_access(shop_id, keys)
        if task.act == "write":
            taken = task.till.write(task.terms, list(task.codes), task.at_shop)
        elif task.act == "stop":
            gone = task.till.stop(task.terms, task.codes, task.at_shop, whole=task.whole)
        else:
            gone = task.till.absent(task.codes, task.at_shop)
    except errors.Refusal as refusal:
        with work.unit(tenant_id=tenant_id):
            _put_off(task, refusal)
        return
    with work.unit(tenant_id=tenant_id):
        coupon = coupons.one(task.coupon_id, lock=True)
        if task.act == "write":
            _settle(coupon, task, taken)
        elif task.act == "stop":
            _set(_of(task, gone, "stopping"), state="stopped", claimed_until=None)
            _well(coupon)
        else:
            reason = Reason("coupon_gone")
            _set(_of(task, gone, "ready"), state="gone", reason=reason)


def _of(task: Task, codes: Any, *states: str) -> ColumnElement[bool]:
    mine = and_(CouponCode.coupon_id == task.coupon_id, CouponCode.code.in_(list(codes)))
    return and_(mine, CouponCode.state.in_(states)) if states else mine


def _settle(coupon: Coupon, task: Task, taken: Taken) -> None:
    """Write what became of codes. Where the shop took none of them, they wait: something about the coupon is wrong."""
    coupon.at_shop = {**coupon.at_shop, **taken.at_shop}
    if taken.ready:
        keys = case(taken.ready, value=CouponCode.code)
        now_ready = case((CouponCode.state == "waiting", "ready"), else_=CouponCode.state)
        _set(_of(task, taken.ready), key=keys, state=now_ready, ready_at=clock.now(), claimed_until=None)
    for code_id, state in db.session.execute(
        select(CouponCode.id, CouponCode.state).where(_of(task, taken.elsewhere))
    ).all() if taken.elsewhere else ():  # fmt: skip
        drawn = coupon_codes.draw(coupon.prefix)
        after = "stopped" if state == "stopping" else "waiting"
        _set(CouponCode.id == code_id, code=drawn, norm=drawn.upper(), state=after, claimed_until=None)
    if taken.refused:
        why = next(iter(taken.refused.values()))
        if taken.ready or taken.elsewhere:
            _set(_of(task, taken.refused), state="failed", reason=why, claimed_until=None)
        else:
            _set(_of(task, taken.refused, "waiting"), claimed_until=None)
            _set(_of(task, taken.refused, "stopping"), state="stopped", claimed_until=None)
            _rest(coupon, why, AFTER_REFUSAL)
            return
    left = set(task.codes) - set(taken.ready) - taken.elsewhere - set(taken.refused)
    if left:  # the first code was somebody else's, so that nothing was begun
        _set(_of(task, left), claimed_until=None)
    _well(coupon)


def _well(coupon: Coupon) -> None:
    coupon.trouble, coupon.tries, coupon.not_before = "", 0, None
    db.session.flush()


def _put_off(task: Task, refusal: errors.Refusal) -> None:
    """Leave a shop alone for a while; what it may have taken already stays marked as asked for."""
    coupon = coupons.one(task.coupon_id, lock=True)
    if task.act != "look":
        _set(and_(_of(task, task.codes), CouponCode.claimed_until == task.mark), claimed_until=func.now())
    quiet = isinstance(refusal, StoreBusy) and refusal.quiet
    if isinstance(refusal, StoreBusy):
        pause = max(refusal.seconds, 1.0 if quiet else min(FIRST_PAUSE * 2**coupon.tries, LONGEST_PAUSE))
    else:
        pause = AFTER_REFUSAL
        log.warning("codes of coupon %s are not taken: %s", coupon.id, refusal.message)
    if not quiet:
        coupon.tries += 1
    _rest(coupon, coupon.trouble if quiet else refusal.message, pause)
    if isinstance(refusal, KeysRefused):  # the shop's other coupons would hear the same
        others = and_(Coupon.shop_id == coupon.shop_id, Coupon.id != coupon.id)
        db.session.execute(
            update(Coupon).where(others).values(not_before=coupon.not_before, trouble=refusal.message)
            .execution_options(synchronize_session=False)
        )  # fmt: skip


def _rest(coupon: Coupon, trouble: str, seconds: float) -> None:
    coupon.trouble = trouble
    coupon.not_before = db.session.scalar(select(func.now())) + timedelta(seconds=seconds)
    db.session.flush()


def try_again(coupon_id: UUID | str) -> None:
    """Go on at once with a coupon whose codes wait; raises NoSuchCoupon."""
    coupon = coupons.one(coupon_id, lock=True)
    coupon.not_before, coupon.tries = None, 0
    db.session.flush()
    coupon_codes.want(coupon)


def _set(condition: ColumnElement[bool], **values: Any) -> None:
    db.session.execute(
        update(CouponCode).where(condition).values(**values).execution_options(synchronize_session=False)
    )


def terms(coupon: Coupon, ends_at: datetime | None) -> Terms:
    """Return a coupon as its shop is told, for codes that end together."""
    return Terms(
        coupon_id=str(coupon.id), name=coupon.name, kind=coupon.kind, percent=coupons.percent_text(coupon) or "",
        amount=money.amount_text(coupon.off_amount, coupon.currency) if coupon.kind == "amount" else "",
        least=money.amount_text(coupon.least_amount, coupon.currency) if coupon.least_amount else "", currency=coupon.currency,
        products=tuple(coupon.product_keys), categories=tuple(coupon.categories), alone=coupon.alone, starts_at=coupon.starts_at,
        ends_at=ends_at, uses=coupon.uses, per_customer=coupon.per_customer,
    )  # fmt: skip
