"""Codes of coupons: brought to their shops, followed in orders, mailed to who asked, and told of."""

from __future__ import annotations

import logging
from uuid import UUID

from redis.exceptions import RedisError

from saas.commerce import coupon_codes, coupon_uses, coupon_writing
from saas.integrations import coupon_messages
from saas.kit import queues, scope, ticks, valkey, work
from saas.marketing import shopper_letters
from workers.jobs import integrations

log = logging.getLogger("regulars.shops")
AUTOMATION = scope.Actor("automation", "coupons", "Regulars")
GO_ON, WAITS, BUDGET = "workers.jobs.coupons.go_on", 60, 30.0


def wanted(*, shop_id: str, **_: object) -> None:
    """Codes of a shop are to be written or stopped."""
    tenant_id = scope.tenant_id()
    work.after_commit(lambda: ring(tenant_id, shop_id), key=("coupons", shop_id))


def sweep(*, run_at: str, **_: object) -> None:
    """Ring for every shop whose codes are due; each is a job of its own, so that a slow one keeps no other waiting."""
    with work.platform_unit(reason="find shops whose codes are to be written or stopped"):
        waiting = coupon_writing.due()
    for tenant_id, shop_id in waiting:
        ring(tenant_id, str(shop_id))
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.coupons.sweep", run_at=run_at)


def look_over(*, run_at: str, **_: object) -> None:
    """Once a day look over every shop's coupons: what lies ready too long, what the shop deleted, what nobody needs."""
    with work.platform_unit(reason="find shops that have coupons"):
        found = coupon_writing.with_pools()
    for tenant_id, shop_id in found:
        ring(tenant_id, str(shop_id))
    for tenant_id in {tenant for tenant, _shop in found}:
        try:
            with work.unit(tenant_id=tenant_id, actor=AUTOMATION):
                coupon_codes.tidy()
        except Exception:
            log.exception("codes of tenant %s that nobody needs were not thrown away", tenant_id)
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.coupons.look_over", run_at=run_at)


def ring(tenant_id: int, shop_id: str) -> None:
    """Ask for a worker for a shop's codes, unless one is asked for already; where the queue is away the sweep asks again."""
    try:
        if valkey.client().set(f"coupons-rung:{shop_id}", b"1", nx=True, ex=WAITS):
            queues.enqueue("heavy", GO_ON, tenant_id=tenant_id, shop_id=shop_id)
    except RedisError as error:
        log.warning("the codes of shop %s wait for the sweep: %s", shop_id, error)


def go_on(*, tenant_id: int, shop_id: str, **_: object) -> None:
    """Work for a shop's codes for a bounded time, and ring again when there is more."""
    with scope.tenant(tenant_id, actor=AUTOMATION):
        more = coupon_writing.advance(tenant_id, UUID(shop_id), budget=BUDGET)
    try:
        valkey.client().delete(f"coupons-rung:{shop_id}")
    except RedisError:
        return  # the sweep rings
    if more:
        ring(tenant_id, shop_id)


def follow_orders(*, order_ids: list[str], **_: object) -> None:
    """See which codes orders were placed with."""
    coupon_uses.follow(order_ids)


def mail(*, code_id: str, language: str, **_: object) -> None:
    """Bring somebody the code they asked for."""
    shopper_letters.write_coupon(code_id, language=language)


def tell_given(*, coupon_id: str, code_ids: list[str], by: str, **_: object) -> None:
    """Tell webhooks of codes that were given."""
    if coupon_messages.tell_given(coupon_id=coupon_id, code_ids=code_ids, by=by):
        work.after_commit(integrations.ring, key="hooks")


def tell_redeemed(*, code_id: str, order_id: str, **_: object) -> None:
    """Tell webhooks of a code that was used."""
    if coupon_messages.tell_redeemed(code_id=code_id, order_id=order_id):
        work.after_commit(integrations.ring, key="hooks")
