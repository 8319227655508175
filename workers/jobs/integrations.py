"""Taking what shops delivered, and telling companies' webhooks what happened."""

from __future__ import annotations

from collections.abc import Sequence

from redis.exceptions import RedisError

from saas.integrations import deliveries_in, deliveries_out, hook_letters, messages, shop_privacy
from saas.kit import queues, ticks, valkey, work

DELIVER = "workers.jobs.integrations.deliver"
RUNG, WAITS = "hooks-rung", 30  # seconds after which a ring that nobody heard is repeated


def take_deliveries(*, delivery_ids: list[str], heard: Sequence[str] = (), **_: object) -> None:
    """Take stored deliveries, and count those that were heard just now."""
    deliveries_in.take_many(delivery_ids, heard=heard)


def tell_customers(*, customer_ids: list[str], **_: object) -> None:
    """Tell webhooks of profiles that were made or changed."""
    _told(messages.tell_ids("customer.changed", customer_ids))


def tell_deleted(*, customer_ids: list[str], **_: object) -> None:
    """Tell webhooks that profiles were deleted; should they come back from the bin, that is told as a change."""
    _told(messages.tell_ids("customer.deleted", customer_ids))


def tell_orders(*, order_ids: list[str], **_: object) -> None:
    """Tell webhooks of orders that arrived or changed."""
    _told(messages.tell_ids("order.changed", order_ids))


def tell_products(*, product_ids: list[str], **_: object) -> None:
    """Tell webhooks of products that were made or changed."""
    _told(messages.tell_ids("product.changed", product_ids))


def tell_suppressed(*, email_norm: str, reason: str, **_: object) -> None:
    """Tell webhooks that an address must not be written to any more."""
    _told(messages.tell("address.suppressed", {"email": email_norm, "reason": reason}))


def tell_repaired(
    *, shop_id: str, comparison_id: str, repaired: dict[str, int], gone: dict[str, int], **_: object
) -> None:
    """Tell webhooks what comparing with a shop put right."""
    data = {"shop_id": shop_id, "comparison_id": comparison_id, "repaired": repaired, "gone": gone}
    _told(messages.tell("shop.repaired", data))


def write_disabled(*, hook_id: str, **_: object) -> None:
    """Tell owners that a webhook was switched off."""
    hook_letters.write_disabled(hook_id)


def answer_person(*, shop_id: str, what: str, customer_ids: list[str], **_: object) -> None:
    """Do what somebody asked for through their shop: put their data together, or erase them."""
    shop_privacy.answer(shop_id=shop_id, what=what, customer_ids=customer_ids)


def write_person_asked(*, shop_id: str, what: str, customer_ids: list[str], **_: object) -> None:
    """Tell owners that somebody asked through a shop."""
    shop_privacy.write_asked(shop_id=shop_id, what=what, customer_ids=customer_ids)


def forget_shop(*, shop_id: str, **_: object) -> None:
    """Erase whom only this shop told us of."""
    shop_privacy.forget(shop_id=shop_id)


def _told(written: int) -> None:
    if written:
        work.after_commit(ring, key="hooks")


def ring() -> None:
    """Ask for a worker that brings messages to webhooks, unless one is asked for already."""
    try:
        if valkey.client().set(RUNG, b"1", nx=True, ex=WAITS):
            queues.enqueue("mail", DELIVER)
    except RedisError:
        pass  # the sweep rings


def deliver(**_: object) -> None:
    """Bring messages to webhooks for a while, and ring again when there are more."""
    try:
        valkey.client().delete(RUNG)
    except RedisError:
        pass
    if deliveries_out.run():
        ring()


def sweep(*, run_at: str, **_: object) -> None:
    """Ring when messages are due that nobody brings."""
    with work.platform_unit(reason="bring messages to companies' webhooks"):
        due = deliveries_out.anything_due()
    if due:
        ring()
    with work.unit(tenant_id=None):
        ticks.done(task="workers.jobs.integrations.sweep", run_at=run_at)
